// https://dom.spec.whatwg.org/#interface-customevent
import { defineInterface, optional } from "../webidl/interface.js";
import { any, boolean, dictionary, DOMString, withDefault } from "../webidl/types.js";
import { Event, EventInit } from "./event.js";

const CustomEventInit = dictionary("CustomEventInit", { detail: withDefault(any, null) }, EventInit);

export class CustomEvent extends Event {
  #detail;

  constructor(type, init) {
    super(type, init);
    this.#detail = init.detail;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #detail in value;
  }

  get detail() {
    return this.#detail;
  }

  initCustomEvent(type, bubbles, cancelable, detail) {
    if (Event.isDispatched(this)) return;
    Event.initialize(this, type, bubbles, cancelable);
    this.#detail = detail;
  }
}

defineInterface(CustomEvent, {
  constructor: [DOMString, optional(CustomEventInit)],
  readonly: ["detail"],
  operations: {
    initCustomEvent: [DOMString, optional(boolean, false), optional(boolean, false), optional(any, null)],
  },
});
