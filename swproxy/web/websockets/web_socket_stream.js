// The interface WebSocketStream of https://github.com/whatwg/websockets/pull/48
import {
  ArrayBufferIsView,
  DOMExceptionConstructor,
  markAsHandled,
  PromiseReject,
  PromiseWithResolvers,
} from "../infra/primordials.js";
import { bytesOf } from "../infra/bytes.js";
import { abortSignal } from "../events/event_target.js";
import { createReadableStream, ReadableStream } from "../streams/readable_stream.js";
import {
  readableStreamDefaultControllerClose,
  readableStreamDefaultControllerEnqueue,
  readableStreamDefaultControllerError,
} from "../streams/readable_stream_default_controller.js";
import { createWritableStream, WritableStream } from "../streams/writable_stream.js";
import { writableStreamDefaultControllerErrorIfNeeded } from "../streams/writable_stream_default_controller.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import {
  any,
  BufferSource,
  dictionary,
  interfaceType,
  isArrayBuffer,
  isObject,
  sequence,
  USVString,
} from "../webidl/types.js";
import { checkProtocols, Connection, CONNECTING, getURLRecord, validateCloseCodeAndReason } from "./connection.js";
import { WebSocketCloseInfo, WebSocketError } from "./web_socket_error.js";

const WebSocketStreamOptions = dictionary("WebSocketStreamOptions", {
  protocols: sequence(USVString),
  signal: interfaceType("AbortSignal", (value) => abortSignal.is(value)),
});

export class WebSocketStream {
  #url;
  #connection = null; // if the signal was aborted from the start, it stays null
  #opened = PromiseWithResolvers();
  #closed = PromiseWithResolvers();
  #readable = null; // both streams: inner objects
  #writable = null;
  #closing = null; // of the writable: { promise, resolve, reject }
  #stopListening = () => {}; // to the signal

  constructor(url, protocols, signal) {
    this.#url = url;
    markAsHandled(this.#opened.promise);
    markAsHandled(this.#closed.promise);
    if (signal !== null && abortSignal.aborted(signal)) {
      this.#abort(load("../abort/abort_signal.js").AbortSignal.reasonOf(signal));
      return;
    }
    this.#connection = new Connection(url, protocols, true, {
      opened: (protocol, extensions) => this.#wasOpened(protocol, extensions),
      received: (message) => {
        const chunk = typeof message === "string" ? message : message.arrayBuffer();
        readableStreamDefaultControllerEnqueue(this.#readable.controller, chunk);
      },
      closed: (info) => this.#wasClosed(info),
    });
    if (signal !== null) this.#abortWith(signal);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #url in value;
  }

  static construct(url, { protocols = [], signal = null }) {
    const place = "Failed to construct 'WebSocketStream'";
    const href = getURLRecord(url, place);
    checkProtocols(protocols, place);
    return [href, protocols, signal];
  }

  #abortWith(signal) {
    const { AbortSignal } = load("../abort/abort_signal.js");
    const abort = (reason) => {
      if (this.#connection.state !== CONNECTING) return;
      this.#connection.close(null, "");
      this.#abort(reason);
    };
    AbortSignal.add(signal, abort);
    this.#stopListening = () => AbortSignal.remove(signal, abort);
  }

  #abort(reason) {
    this.#opened.reject(reason);
    this.#closed.reject(reason);
  }

  #wasOpened(protocol, extensions) {
    this.#stopListening();
    const cancel = (reason) => this.#closeUsingReason(reason);
    this.#readable = createReadableStream({ start() {}, pull: () => this.#connection.pull(), cancel });
    this.#writable = createWritableStream({
      start() {},
      write: (chunk) => this.#write(chunk),
      close: () => this.#finish(),
      abort: cancel,
    });
    const readable = new ReadableStream(this.#readable);
    const writable = new WritableStream(this.#writable);
    this.#opened.resolve({ extensions, protocol, readable, writable });
  }

  // https://github.com/whatwg/websockets/pull/48, "when the WebSocket connection is closed for a WebSocketStream"
  #wasClosed({ code, reason, wasClean }) {
    this.#stopListening();
    if (this.#readable === null) {
      // After an abort, the promises are rejected already.
      this.#opened.reject(new WebSocketError("WebSocket closed before handshake complete.", null, ""));
    }
    if (wasClean) {
      readableStreamDefaultControllerClose(this.#readable.controller);
      const message = "Cannot write to a closed WebSocketStream.";
      this.#endWriting(new DOMExceptionConstructor(message, "InvalidStateError"), true);
      this.#closed.resolve({ closeCode: code, reason });
      return;
    }
    const error = new WebSocketError("WebSocket was not cleanly closed.", code, reason);
    if (this.#readable !== null) {
      readableStreamDefaultControllerError(this.#readable.controller, error);
      this.#endWriting(error, false);
    }
    this.#closed.reject(error);
  }

  /** The writable is errored; if it was the script that closed it, its close() is settled. */
  #endWriting(error, wasClean) {
    if (this.#closing === null) writableStreamDefaultControllerErrorIfNeeded(this.#writable.controller, error);
    else if (wasClean) this.#closing.resolve();
    else this.#closing.reject(error);
  }

  #write(chunk) {
    try {
      if (isObject(chunk) && (ArrayBufferIsView(chunk) || isArrayBuffer(chunk))) {
        this.#connection.send(bytesOf(BufferSource.convert(chunk, "The chunk")));
      } else {
        this.#connection.send(USVString.convert(chunk, "The chunk"));
      }
    } catch (error) {
      return PromiseReject(error);
    }
    return this.#connection.sent();
  }

  // Chromium waits for the closing handshake, and so do the web platform tests.
  #finish() {
    this.#closing = PromiseWithResolvers();
    this.#connection.close(null, "");
    return this.#closing.promise;
  }

  #closeUsingReason(reason) {
    let code = null;
    let reasonString = "";
    if (WebSocketError.is(reason)) {
      // What a script can have: an error of its own, or one that came from the server.
      try {
        validateCloseCodeAndReason(reason.closeCode, reason.reason, "");
        code = reason.closeCode;
        reasonString = reason.reason;
      } catch {
        // It may not be sent.
      }
    }
    this.#connection.close(code, reasonString);
  }

  get url() {
    return this.#url;
  }

  get opened() {
    return this.#opened.promise;
  }

  get closed() {
    return this.#closed.promise;
  }

  close({ closeCode = null, reason }) {
    const place = "Failed to execute 'close' on 'WebSocketStream'";
    validateCloseCodeAndReason(closeCode, reason, place);
    if (this.#connection !== null) this.#connection.close(closeCode, reason);
  }
}

defineInterface(WebSocketStream, {
  constructor: [USVString, optional(WebSocketStreamOptions)],
  readonly: ["url"],
  attributes: { opened: promising(any), closed: promising(any) },
  operations: { close: [optional(WebSocketCloseInfo)] },
});
