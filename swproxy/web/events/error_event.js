// https://html.spec.whatwg.org/#errorevent
import { defineInterface, optional } from "../webidl/interface.js";
import { any, dictionary, DOMString, unsignedLong, USVString, withDefault } from "../webidl/types.js";
import { Event, EventInit } from "./event.js";
import { setIsGlobalError } from "./event_target.js";

const ErrorEventInit = dictionary(
  "ErrorEventInit",
  {
    message: withDefault(DOMString, ""),
    filename: withDefault(USVString, ""),
    lineno: withDefault(unsignedLong, 0),
    colno: withDefault(unsignedLong, 0),
    error: any,
  },
  EventInit,
);

export class ErrorEvent extends Event {
  #init;

  constructor(type, init) {
    super(type, init);
    this.#init = init;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #init in value;
  }

  get message() {
    return this.#init.message;
  }

  get filename() {
    return this.#init.filename;
  }

  get lineno() {
    return this.#init.lineno;
  }

  get colno() {
    return this.#init.colno;
  }

  get error() {
    return this.#init.error;
  }
}

defineInterface(ErrorEvent, {
  constructor: [DOMString, optional(ErrorEventInit)],
  readonly: ["message", "filename", "lineno", "colno", "error"],
});
setIsGlobalError((event) => ErrorEvent.is(event) && event.currentTarget === globalThis);
