// https://websockets.spec.whatwg.org/#the-closeevent-interface
import { Event, EventInit } from "../events/event.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { boolean, dictionary, DOMString, unsignedShort, USVString, withDefault } from "../webidl/types.js";

const CloseEventInit = dictionary(
  "CloseEventInit",
  {
    wasClean: withDefault(boolean, false),
    code: withDefault(unsignedShort, 0),
    reason: withDefault(USVString, ""),
  },
  EventInit,
);

export class CloseEvent extends Event {
  #init;

  constructor(type, init) {
    super(type, init);
    this.#init = init;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #init in value;
  }

  get wasClean() {
    return this.#init.wasClean;
  }

  get code() {
    return this.#init.code;
  }

  get reason() {
    return this.#init.reason;
  }
}

defineInterface(CloseEvent, {
  constructor: [DOMString, optional(CloseEventInit)],
  readonly: ["wasClean", "code", "reason"],
});
