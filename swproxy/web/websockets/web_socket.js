// https://websockets.spec.whatwg.org/#the-websocket-interface
import { DOMExceptionConstructor } from "../infra/primordials.js";
import { Event } from "../events/event.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { bodyKinds } from "../fetch/body.js";
import { MessageEvent } from "../messaging/message_event.js";
import { originOf, parseParts } from "../url/url.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  BufferSource,
  clamp,
  DOMString,
  enumeration,
  interfaceType,
  sequence,
  union,
  unsignedShort,
  USVString,
} from "../webidl/types.js";
import { CloseEvent } from "./close_event.js";
import {
  checkProtocols,
  CLOSED,
  CLOSING,
  Connection,
  CONNECTING,
  getURLRecord,
  OPEN,
  validateCloseCodeAndReason,
} from "./connection.js";

export class WebSocket extends EventTarget {
  #url;
  #connection;
  #binaryType = "blob";
  #protocol = "";
  #extensions = "";

  constructor(url, protocols) {
    super();
    this.#url = url;
    // https://websockets.spec.whatwg.org/#feedback-from-the-protocol
    this.#connection = new Connection(url, protocols, false, {
      opened: (protocol, extensions) => {
        this.#protocol = protocol;
        this.#extensions = extensions;
        EventTarget.fire(this, new Event("open"));
      },
      received: (message) => {
        const data = typeof message === "string" ? message : this.#convert(message);
        const origin = originOf(parseParts(url, null));
        EventTarget.fire(this, new MessageEvent("message", { __proto__: null, data, origin }));
      },
      closed: ({ code, reason, wasClean, failed }) => {
        if (failed) EventTarget.fire(this, new Event("error"));
        EventTarget.fire(this, new CloseEvent("close", { __proto__: null, wasClean, code, reason }));
      },
    });
  }

  static is(value) {
    return typeof value === "object" && value !== null && #url in value;
  }

  static construct(url, protocols) {
    const place = "Failed to construct 'WebSocket'";
    const href = getURLRecord(url, place);
    const list = typeof protocols === "string" ? [protocols] : protocols;
    checkProtocols(list, place);
    return [href, list];
  }

  #convert(message) {
    return this.#binaryType === "blob" ? message.blob() : message.arrayBuffer();
  }

  get url() {
    return this.#url;
  }

  get readyState() {
    return this.#connection.state;
  }

  get bufferedAmount() {
    return this.#connection.bufferedAmount;
  }

  get extensions() {
    return this.#extensions;
  }

  get protocol() {
    return this.#protocol;
  }

  get binaryType() {
    return this.#binaryType;
  }

  set binaryType(value) {
    this.#binaryType = value;
  }

  close(code = null, reason = "") {
    validateCloseCodeAndReason(code, reason, "Failed to execute 'close' on 'WebSocket'");
    this.#connection.close(code, reason);
  }

  send(data) {
    if (this.#connection.state === CONNECTING) {
      const message = "Failed to execute 'send' on 'WebSocket': Still in CONNECTING state.";
      throw new DOMExceptionConstructor(message, "InvalidStateError");
    }
    this.#connection.send(data);
  }
}

const blobType = interfaceType("Blob", (value) => bodyKinds.isBlob(value));

defineInterface(WebSocket, {
  constructor: [USVString, optional(union(sequence(DOMString), DOMString), [])],
  readonly: ["url", "readyState", "bufferedAmount", "extensions", "protocol"],
  attributes: { binaryType: enumeration("BinaryType", ["blob", "arraybuffer"]) },
  operations: {
    close: [optional(clamp(unsignedShort)), optional(USVString)],
    send: [union(BufferSource, blobType, USVString)],
  },
  constants: { CONNECTING, OPEN, CLOSING, CLOSED },
});
defineEventHandlers(WebSocket.prototype, WebSocket.is, ["open", "error", "close", "message"]);
