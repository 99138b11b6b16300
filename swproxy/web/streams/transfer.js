// https://streams.spec.whatwg.org/#transferrable-streams. There is one realm, so that a port is no MessagePort, which a
// site could interfere with: what the two ends of the "cross-realm transform" say to each other goes the direct way.
import { ArrayPrototypeShift, DOMExceptionConstructor, PromiseReject } from "../infra/primordials.js";
import { dataCloneError } from "../structured_clone/record.js";
import { structuredDeserialize, structuredSerialize } from "../structured_clone/structured_clone.js";
import { setTimer } from "../timers/timers.js";
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

/** One of two entangled ports. What is posted to the other one arrives there as a clone, in a task of its own. */
class Port {
  #peer = null;
  #queue = [];
  #receiver = null;

  static entangle() {
    const port1 = new Port();
    const port2 = new Port();
    port1.#peer = port2;
    port2.#peer = port1;
    return { port1, port2 };
  }

  /** PackAndPostMessage; throws a DataCloneError if the value cannot be cloned */
  post(type, value) {
    const record = structuredSerialize(value);
    const peer = this.#peer;
    if (peer === null) return;
    peer.#queue[peer.#queue.length] = { type, record };
    if (peer.#receiver !== null) peer.#queueTask();
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

  /** From now on the receiver's onMessage(type, value) and onMessageError(error) are called. */
  enable(receiver) {
    this.#receiver = receiver;
    for (let i = 0; i < this.#queue.length; i++) this.#queueTask();
  }

  #queueTask() {
    setTimer(0, () => {
      const { type, record } = ArrayPrototypeShift(this.#queue);
      let value;
      try {
        value = structuredDeserialize(record);
      } catch {
        const error = new DOMExceptionConstructor("A chunk could not be cloned.", "DataCloneError");
        this.postError(error);
        this.#receiver.onMessageError(error);
        return;
      }
      this.#receiver.onMessage(type, value);
    });
  }

  /** What has been posted already still arrives. */
  disentangle() {
    if (this.#peer === null) return;
    this.#peer.#peer = null;
    this.#peer = null;
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
}

const noOptions = { __proto__: null, preventAbort: false, preventCancel: false, preventClose: false };

const crossRealmReadable = (port) => createReadableStream(new CrossRealmTransformReadable(port), 0);
const crossRealmWritable = (port) => createWritableStream(new CrossRealmTransformWritable(port), 1);

function ensureTransferable(isLocked, detached) {
  if (isLocked) throw dataCloneError("A stream that is locked cannot be transferred.");
  if (detached) throw dataCloneError("The stream has been transferred already.");
}

/** The transfer steps of an inner ReadableStream; they give what receiveReadable makes the new one of. */
export function transferReadable(stream) {
  ensureTransferable(isReadableStreamLocked(stream), stream.detached);
  const { port1, port2 } = Port.entangle();
  readableStreamPipeTo(stream, crossRealmWritable(port1), noOptions);
  stream.detached = true;
  return port2;
}

export const receiveReadable = crossRealmReadable;

/** The transfer steps of an inner WritableStream; they give what receiveWritable makes the new one of. */
export function transferWritable(stream) {
  ensureTransferable(isWritableStreamLocked(stream), stream.detached);
  const { port1, port2 } = Port.entangle();
  readableStreamPipeTo(crossRealmReadable(port1), stream, noOptions);
  stream.detached = true;
  return port2;
}

export const receiveWritable = crossRealmWritable;

/** The transfer steps of an inner TransformStream. */
export function transferTransform(stream) {
  const { readable, writable } = stream;
  ensureTransferable(isReadableStreamLocked(readable) || isWritableStreamLocked(writable), stream.detached);
  stream.detached = true;
  return { readable: transferReadable(readable), writable: transferWritable(writable) };
}
