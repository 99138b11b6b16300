// https://w3c.github.io/IndexedDB/#events
import { Event, EventInit } from "../events/event.js";
import { EventTarget } from "../events/event_target.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { dictionary, DOMString, nullable, unsignedLongLong, withDefault } from "../webidl/types.js";

const IDBVersionChangeEventInit = dictionary(
  "IDBVersionChangeEventInit",
  { oldVersion: withDefault(unsignedLongLong, 0), newVersion: withDefault(nullable(unsignedLongLong), null) },
  EventInit,
);

export class IDBVersionChangeEvent extends Event {
  #oldVersion;
  #newVersion;

  constructor(type, init) {
    super(type, init);
    this.#oldVersion = init.oldVersion;
    this.#newVersion = init.newVersion;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #oldVersion in value;
  }

  get oldVersion() {
    return this.#oldVersion;
  }

  get newVersion() {
    return this.#newVersion;
  }
}

defineInterface(IDBVersionChangeEvent, {
  constructor: [DOMString, optional(IDBVersionChangeEventInit)],
  readonly: ["oldVersion", "newVersion"],
});

/** https://w3c.github.io/IndexedDB/#fire-a-version-change-event: whether a listener threw */
export function fireVersionChangeEvent(type, target, oldVersion, newVersion) {
  const init = { __proto__: null, oldVersion, newVersion };
  return EventTarget.fireWatching(target, new IDBVersionChangeEvent(type, init));
}
