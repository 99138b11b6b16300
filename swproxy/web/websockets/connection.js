// What WebSocket and WebSocketStream have in common: https://websockets.spec.whatwg.org/#common-algorithms (as
// https://github.com/whatwg/websockets/pull/48 has it), and the way to the connection, which the proxy has.
import {
  op_body_release,
  op_web_socket_buffered_amount,
  op_web_socket_close,
  op_web_socket_connect,
  op_web_socket_pull,
  op_web_socket_send_body,
  op_web_socket_send_text,
  op_web_socket_sent,
} from "host:ops";
import {
  ArrayPrototypeIndexOf,
  DOMExceptionConstructor,
  MathMin,
  RegExpPrototypeTest,
  SafeMap,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeSet,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { viewOf } from "../infra/bytes.js";
import { utf8Encode } from "../encoding/utf_8.js";
import { bodyKinds, InnerBody } from "../fetch/body.js";
import { baseURL } from "../html/environment.js";
import { onDeliver } from "../messaging/receive.js";
import { hrefOf, parseParts, schemeOf } from "../url/url.js";

export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const CLOSED = 3;

const syntaxError = (message) => new DOMExceptionConstructor(message, "SyntaxError");

/** https://github.com/whatwg/websockets/pull/48, "get a URL record": the serialized URL; `place` begins messages. */
export function getURLRecord(url, place) {
  let parts = parseParts(url, baseURL());
  if (parts === undefined) throw syntaxError(`${place}: The URL '${url}' is invalid.`);
  const scheme = schemeOf(parts);
  if (scheme === "http:" || scheme === "https:") {
    parts = parseParts(`ws${StringPrototypeSlice(hrefOf(parts), 4)}`, null);
  } else if (scheme !== "ws:" && scheme !== "wss:") {
    const allowed = "The URL's scheme must be either 'http', 'https', 'ws', or 'wss'.";
    throw syntaxError(`${place}: ${allowed} '${StringPrototypeSlice(scheme, 0, -1)}' is not allowed.`);
  }
  const href = hrefOf(parts);
  if (StringPrototypeIncludes(href, "#")) {
    throw syntaxError(`${place}: The URL contains a fragment identifier, which is not allowed in WebSocket URLs.`);
  }
  return href;
}

// https://datatracker.ietf.org/doc/html/rfc6455#section-4.1, item 10: what a token of HTTP may be
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Throws if a subprotocol is no token, or there twice. */
export function checkProtocols(protocols, place) {
  for (let i = 0; i < protocols.length; i++) {
    const protocol = protocols[i];
    if (!RegExpPrototypeTest(TOKEN, protocol)) {
      throw syntaxError(`${place}: The subprotocol '${protocol}' is invalid.`);
    }
    if (ArrayPrototypeIndexOf(protocols, protocol) !== i) {
      throw syntaxError(`${place}: The subprotocol '${protocol}' is duplicated.`);
    }
  }
}

/** https://github.com/whatwg/websockets/pull/48, "validate close code and reason"; a code that is not there is null. */
export function validateCloseCodeAndReason(code, reason, place) {
  if (code !== null && code !== 1000 && (code < 3000 || code > 4999)) {
    const message = `${place}: The close code must be either 1000, or between 3000 and 4999. ${code} is neither.`;
    throw new DOMExceptionConstructor(message, "InvalidAccessError");
  }
  if (byteLength(reason) > 123) {
    throw syntaxError(`${place}: The close reason must not be greater than 123 UTF-8 bytes.`);
  }
}

/** Of the UTF-8 of a scalar value string. */
const byteLength = (string) => TypedArrayPrototypeGetLength(utf8Encode(string));

const connections = new SafeMap(); // number -> Connection, of those that are not closed

onDeliver("webSocket", (detail) => {
  const connection = connections.get(detail.id);
  if (connection !== undefined) connection.receive(detail);
  else release(detail);
});

function release({ handle }) {
  if (handle !== undefined) op_body_release(handle);
}

/** A connection, and the [[ready state]] of the object that it belongs to. */
export class Connection {
  state = CONNECTING;
  #id;
  #owner;
  #unsent = 0; // bytes that were given to send() and will never be sent

  /**
   * Begins to establish the connection.
   * @param isPaced whether each message waits for pull()
   * @param owner what hears of it: opened(protocol, extensions), received(message), with a string or a Message, and
   *   closed({ code, reason, wasClean, failed })
   */
  constructor(url, protocols, isPaced, owner) {
    this.#id = op_web_socket_connect(url, protocols, isPaced);
    this.#owner = owner;
    connections.set(this.#id, this);
  }

  receive(detail) {
    switch (detail.type) {
      case "open":
        if (this.state !== CONNECTING) break;
        this.state = OPEN;
        this.#owner.opened(detail.protocol, detail.extensions);
        break;
      case "message":
        if (this.state !== OPEN) release(detail);
        else this.#owner.received(detail.text ?? new Message(detail.handle, detail.size));
        break;
      case "closing":
        this.state = CLOSING;
        break;
      case "closed":
        connections.delete(this.#id);
        this.#unsent += detail.bufferedAmount;
        this.state = CLOSED;
        this.#owner.closed(detail);
    }
  }

  get bufferedAmount() {
    return this.#unsent + op_web_socket_buffered_amount(this.#id);
  }

  /** Sends a string, Blob or buffer source; if the closing handshake has started it only counts. */
  send(data) {
    if (typeof data === "string") {
      if (this.state === OPEN) op_web_socket_send_text(this.#id, data);
      else this.#unsent += byteLength(data);
    } else if (bodyKinds.isBlob(data)) {
      if (this.state === OPEN) op_web_socket_send_body(this.#id, bodyKinds.fromBlob(data).handle);
      else this.#unsent += data.size;
    } else {
      const bytes = viewOf(data);
      if (this.state === OPEN) op_web_socket_send_body(this.#id, InnerBody.ofBytes(bytes).takeHandle());
      else this.#unsent += TypedArrayPrototypeGetLength(bytes);
    }
  }

  /** A promise that is fulfilled when everything is sent, or never will be. */
  sent() {
    return op_web_socket_sent(this.#id);
  }

  /** Lets one more message come. */
  pull() {
    op_web_socket_pull(this.#id);
  }

  /** https://github.com/whatwg/websockets/pull/48, "close the WebSocket", with a valid code (or null) and reason. */
  close(code, reason) {
    if (this.state === CLOSING || this.state === CLOSED) return;
    this.state = CLOSING;
    op_web_socket_close(this.#id, code === null && reason !== "" ? 1000 : code, reason);
  }
}

/** The bytes of a message, which are still with the host. */
class Message {
  #handle;
  #size;

  constructor(handle, size) {
    this.#handle = handle;
    this.#size = size;
  }

  #range() {
    return load("../file/byte_range.js").ByteRange.whole([this.#handle, this.#size]);
  }

  blob() {
    const { Blob } = load("../file/blob.js");
    return new Blob(this.#range(), "");
  }

  arrayBuffer() {
    const { CHUNK } = load("../file/byte_range.js");
    const range = this.#range();
    if (this.#size <= CHUNK) return TypedArrayPrototypeGetBuffer(range.chunk());
    const bytes = new Uint8ArrayConstructor(this.#size);
    for (let i = 0; i < this.#size; i += CHUNK) {
      TypedArrayPrototypeSet(bytes, range.slice(i, MathMin(i + CHUNK, this.#size)).chunk(), i);
    }
    return TypedArrayPrototypeGetBuffer(bytes);
  }
}
