// https://html.spec.whatwg.org/#promiserejectionevent
import { defineInterface } from "../webidl/interface.js";
import { any, dictionary, DOMString, object, required } from "../webidl/types.js";
import { Event, EventInit } from "./event.js";

const PromiseRejectionEventInit = dictionary(
  "PromiseRejectionEventInit",
  { promise: required(object), reason: any },
  EventInit,
);

export class PromiseRejectionEvent extends Event {
  #init;

  constructor(type, init) {
    super(type, init);
    this.#init = init;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #init in value;
  }

  get promise() {
    return this.#init.promise;
  }

  get reason() {
    return this.#init.reason;
  }
}

defineInterface(PromiseRejectionEvent, {
  constructor: [DOMString, PromiseRejectionEventInit],
  readonly: ["promise", "reason"],
});
