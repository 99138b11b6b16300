// The interface WebSocketError of https://github.com/whatwg/websockets/pull/48
import { DOMExceptionConstructor } from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { dictionary, DOMString, enforceRange, unsignedShort, USVString, withDefault } from "../webidl/types.js";
import { validateCloseCodeAndReason } from "./connection.js";

export const WebSocketCloseInfo = dictionary("WebSocketCloseInfo", {
  closeCode: enforceRange(unsignedShort),
  reason: withDefault(USVString, ""),
});

export class WebSocketError extends DOMExceptionConstructor {
  #closeCode;
  #reason;

  constructor(message, closeCode, reason) {
    super(message, "WebSocketError");
    this.#closeCode = closeCode;
    this.#reason = reason;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #closeCode in value;
  }

  static construct(message, { closeCode = null, reason }) {
    validateCloseCodeAndReason(closeCode, reason, "Failed to construct 'WebSocketError'");
    return [message, closeCode === null && reason !== "" ? 1000 : closeCode, reason];
  }

  get closeCode() {
    return this.#closeCode;
  }

  get reason() {
    return this.#reason;
  }
}

defineInterface(WebSocketError, {
  constructor: [optional(DOMString, ""), optional(WebSocketCloseInfo)],
  readonly: ["closeCode", "reason"],
});
