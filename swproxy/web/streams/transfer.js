// https://streams.spec.whatwg.org/#transferrable-streams. The ports are no MessagePorts, which a site could interfere
// with, but the Endpoints that these are made of.
import { DOMExceptionConstructor, PromiseReject } from "../infra/primordials.js";
import { Endpoint } from "../messaging/endpoint.js";
import { MessagePort } from "../messaging/message_port.js";
import { dataCloneError } from "../structured_clone/record.js";
import { structuredDeserialize, structuredSerialize } from "../structured_clone/structured_clone.js";
import { readableStreamPipeTo } from "./pipe_to.js";
import { Deferred } from "./promises.js";
import { createReadableStream, isReadableStreamLocked } from "./readable_stream.js";
import {
  readableStreamDefaultControllerClose,
  readableStreamDefaultControllerEnqueue,
  readableStreamDefaultControllerError,
} from "./readable_stream_default_controller.js";
import { createWritableStream, isWritableStreamLocked } from "./writable_stream.js";
import { writableStreamDefaultControllerErrorIfNeeded } from "./writable_stream_default_controller.js";

/** One of two entangled ports, which no script sees. What is posted to the other one arrives there as a clone. */
class Port {
  #endpoint;

  constructor(endpoint) {
    this.#endpoint = endpoint;
  }

  /** PackAndPostMessage; throws a DataCloneError if the value cannot be cloned */
  post(type, value) {
    this.#endpoint.post(structuredSerialize({ __proto__: null, type, value }));
  }

  /** CrossRealmTransformSendError */
  postError(error) {
    try {
      this.post("error", error);
    } catch {
      // It cannot be cloned, and there is no other way to tell.
    }
  }

  /** PackAndPostMessageHandlingError; throws what post() throws */
  postHandlingError(type, value) {
    try {
      this.post(type, value);
    } catch (error) {
      this.postError(error);
      throw error;
    }
  }

  /** Posts an error as the last thing; returns a completion. */
  postAndDisentangle(reason) {
    try {
      this.postHandlingError("error", reason);
      return undefined;
    } catch (error) {
      return PromiseReject(error);
    } finally {
      this.disentangle();
    }
  }

  /** From now on the receiver's onMessage(type, value), onMessageError(error) and onClosed() are called. */
  enable(receiver) {
    this.#endpoint.enable((record) => {
      let type, value;
      try {
        ({ type, value } = structuredDeserialize(record));
      } catch {
        const error = new DOMExceptionConstructor("A chunk could not be cloned.", "DataCloneError");
        this.postError(error);
        receiver.onMessageError(error);
        return;
      }
      receiver.onMessage(type, value);
    }, receiver.onClosed);
  }

  /** What has been posted already still arrives. */
  disentangle() {
    this.#endpoint.close();
  }
}

/** SetUpCrossRealmTransformReadable: the algorithms, and the receiver of a port. */
class CrossRealmTransformReadable {
  #port;
  #controller;

  constructor(port) {
    this.#port = port;
  }

  start(controller) {
    this.#controller = controller;
    this.#port.enable(this);
  }

  pull() {
    this.#port.post("pull", undefined);
  }

  cancel(reason) {
    return this.#port.postAndDisentangle(reason);
  }

  onMessage(type, value) {
    const controller = this.#controller;
    if (type === "chunk") {
      readableStreamDefaultControllerEnqueue(controller, value);
      return;
    }
    if (type === "close") readableStreamDefaultControllerClose(controller);
    else if (type === "error") readableStreamDefaultControllerError(controller, value);
    this.#port.disentangle();
  }

  onMessageError(error) {
    readableStreamDefaultControllerError(this.#controller, error);
    this.#port.disentangle();
  }

  /** The standard says nothing of a realm that has ended. */
  onClosed = () => this.onMessageError(gone());
}

/** SetUpCrossRealmTransformWritable: the algorithms, and the receiver of a port. */
class CrossRealmTransformWritable {
  #port;
  #controller;
  #backpressure = new Deferred();

  constructor(port) {
    this.#port = port;
  }

  start(controller) {
    this.#controller = controller;
    this.#port.enable(this);
  }

  write(chunk) {
    const written = new Deferred();
    this.#backpressure.upon(() => {
      this.#backpressure = new Deferred();
      try {
        this.#port.postHandlingError("chunk", chunk);
        written.resolve();
      } catch (error) {
        this.#port.disentangle();
        written.reject(error);
      }
    });
    return written;
  }

  close() {
    this.#port.post("close", undefined);
    this.#port.disentangle();
  }

  abort(reason) {
    return this.#port.postAndDisentangle(reason);
  }

  onMessage(type, value) {
    if (type === "error") writableStreamDefaultControllerErrorIfNeeded(this.#controller, value);
    this.#backpressure.resolve();
  }

  onMessageError(error) {
    writableStreamDefaultControllerErrorIfNeeded(this.#controller, error);
    this.#port.disentangle();
  }

  onClosed = () => {
    this.onMessageError(gone());
    this.#backpressure.resolve();
  };
}

const gone = () => new DOMExceptionConstructor("The other side of the stream is gone.", "AbortError");

const noOptions = { __proto__: null, preventAbort: false, preventCancel: false, preventClose: false };

const crossRealmReadable = (port) => createReadableStream(new CrossRealmTransformReadable(port), 0);
const crossRealmWritable = (port) => createWritableStream(new CrossRealmTransformWritable(port), 1);

function ensureTransferable(isLocked, detached) {
  if (isLocked) throw dataCloneError("A stream that is locked cannot be transferred.");
  if (detached) throw dataCloneError("The stream has been transferred already.");
}

/** The transfer steps of an inner ReadableStream: the Endpoint that is sent. */
export function transferReadable(stream) {
  ensureTransferable(isReadableStreamLocked(stream), stream.detached);
  const { one, two } = Endpoint.entangle();
  readableStreamPipeTo(stream, crossRealmWritable(new Port(one)), noOptions);
  stream.detached = true;
  return two;
}

/** The inner ReadableStream at the other side of a MessagePort, which is used up. */
export const receiveReadable = (port) => crossRealmReadable(portOf(port));

/** The transfer steps of an inner WritableStream: the Endpoint that is sent. */
export function transferWritable(stream) {
  ensureTransferable(isWritableStreamLocked(stream), stream.detached);
  const { one, two } = Endpoint.entangle();
  readableStreamPipeTo(crossRealmReadable(new Port(one)), stream, noOptions);
  stream.detached = true;
  return two;
}

/** The inner WritableStream at the other side of a MessagePort, which is used up. */
export const receiveWritable = (port) => crossRealmWritable(portOf(port));

const portOf = (port) => new Port(MessagePort.detach(port));

/** The transfer steps of an inner TransformStream: the Endpoints of its sides, the readable one first. */
export function transferTransform(stream) {
  const { readable, writable } = stream;
  ensureTransferable(isReadableStreamLocked(readable) || isWritableStreamLocked(writable), stream.detached);
  stream.detached = true;
  return [transferReadable(readable), transferWritable(writable)];
}
