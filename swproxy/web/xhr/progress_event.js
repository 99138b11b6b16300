// https://xhr.spec.whatwg.org/#interface-progressevent
import { Event, EventInit } from "../events/event.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { boolean, dictionary, DOMString, double, withDefault } from "../webidl/types.js";

const ProgressEventInit = dictionary(
  "ProgressEventInit",
  { lengthComputable: withDefault(boolean, false), loaded: withDefault(double, 0), total: withDefault(double, 0) },
  EventInit,
);

export class ProgressEvent extends Event {
  #init;

  constructor(type, init) {
    super(type, init);
    this.#init = init;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #init in value;
  }

  get lengthComputable() {
    return this.#init.lengthComputable;
  }

  get loaded() {
    return this.#init.loaded;
  }

  get total() {
    return this.#init.total;
  }
}

defineInterface(ProgressEvent, {
  constructor: [DOMString, optional(ProgressEventInit)],
  readonly: ["lengthComputable", "loaded", "total"],
});
