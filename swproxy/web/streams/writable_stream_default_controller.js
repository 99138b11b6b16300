// https://streams.spec.whatwg.org/#ws-default-controller-class
import { defineInterface, optional } from "../webidl/interface.js";
import { any } from "../webidl/types.js";
import { completionOf, upon } from "./promises.js";
import { enqueueValueWithSize } from "./queuing_strategy.js";
import { Queue } from "./queue.js";
import {
  writableStreamCloseQueuedOrInFlight,
  writableStreamDealWithRejection,
  writableStreamFinishErroring,
  writableStreamFinishInFlightClose,
  writableStreamFinishInFlightCloseWithError,
  writableStreamFinishInFlightWrite,
  writableStreamFinishInFlightWriteWithError,
  writableStreamMarkCloseRequestInFlight,
  writableStreamMarkFirstWriteRequestInFlight,
  writableStreamStartErroring,
  writableStreamUpdateBackpressure,
} from "./writable_stream.js";

/** https://streams.spec.whatwg.org/#close-sentinel */
const closeSentinel = { __proto__: null };

/** The internal slots and methods of a WritableStreamDefaultController. */
class InnerWritableStreamDefaultController {
  stream;
  algorithms;
  queue = new Queue();
  strategyHWM;
  strategySizeAlgorithm;
  started = false;
  #object = null;
  #signal = null;
  #abortion = null;

  constructor(stream, algorithms, highWaterMark, sizeAlgorithm) {
    this.stream = stream;
    this.algorithms = algorithms;
    this.strategyHWM = highWaterMark;
    this.strategySizeAlgorithm = sizeAlgorithm;
  }

  /** The WritableStreamDefaultController. */
  get object() {
    this.#object ??= new WritableStreamDefaultController(this);
    return this.#object;
  }

  /** The signal of [[abortController]], which is made when somebody asks for it. */
  get signal() {
    if (this.#signal === null) {
      const { AbortSignal } = load("../abort/abort_signal.js");
      this.#signal = this.#abortion === null ? new AbortSignal() : AbortSignal.abort(this.#abortion.reason);
    }
    return this.#signal;
  }

  signalAbort(reason) {
    this.#abortion ??= { reason };
    if (this.#signal !== null) load("../abort/abort_signal.js").AbortSignal.signalAbort(this.#signal, reason);
  }

  onWritten = () => {
    const { stream } = this;
    writableStreamFinishInFlightWrite(stream);
    this.queue.shift();
    if (!writableStreamCloseQueuedOrInFlight(stream) && stream.state === "writable") {
      writableStreamUpdateBackpressure(stream, writableStreamDefaultControllerGetBackpressure(this));
    }
    writableStreamDefaultControllerAdvanceQueueIfNeeded(this);
  };

  onWriteFailed = (reason) => {
    if (this.stream.state === "writable") writableStreamDefaultControllerClearAlgorithms(this);
    writableStreamFinishInFlightWriteWithError(this.stream, reason);
  };

  abortSteps(reason) {
    const result = this.algorithms.abort(reason);
    writableStreamDefaultControllerClearAlgorithms(this);
    return result;
  }

  errorSteps() {
    this.queue.clear();
  }
}

/** The parameters are those of createWritableStream. */
export function setUpWritableStreamDefaultController(stream, algorithms, highWaterMark, sizeAlgorithm) {
  const controller = new InnerWritableStreamDefaultController(stream, algorithms, highWaterMark, sizeAlgorithm);
  stream.controller = controller;
  writableStreamUpdateBackpressure(stream, writableStreamDefaultControllerGetBackpressure(controller));
  const onStarted = () => {
    controller.started = true;
    writableStreamDefaultControllerAdvanceQueueIfNeeded(controller);
  };
  const onFailed = (r) => {
    controller.started = true;
    writableStreamDealWithRejection(stream, r);
  };
  upon(completionOf(algorithms.start(controller)), onStarted, onFailed);
}

function writableStreamDefaultControllerAdvanceQueueIfNeeded(controller) {
  const { queue, stream } = controller;
  if (!controller.started || stream.inFlightWriteRequest !== undefined) return;
  if (stream.state === "erroring") {
    writableStreamFinishErroring(stream);
    return;
  }
  if (queue.length === 0) return;
  const value = queue.peek();
  if (value === closeSentinel) writableStreamDefaultControllerProcessClose(controller);
  else writableStreamDefaultControllerProcessWrite(controller, value);
}

function writableStreamDefaultControllerClearAlgorithms(controller) {
  controller.algorithms = undefined;
  controller.strategySizeAlgorithm = undefined;
}

export function writableStreamDefaultControllerClose(controller) {
  controller.queue.push(closeSentinel, 0);
  writableStreamDefaultControllerAdvanceQueueIfNeeded(controller);
}

function writableStreamDefaultControllerError(controller, error) {
  writableStreamDefaultControllerClearAlgorithms(controller);
  writableStreamStartErroring(controller.stream, error);
}

export function writableStreamDefaultControllerErrorIfNeeded(controller, error) {
  if (controller.stream.state === "writable") writableStreamDefaultControllerError(controller, error);
}

const writableStreamDefaultControllerGetBackpressure = (controller) =>
  writableStreamDefaultControllerGetDesiredSize(controller) <= 0;

export function writableStreamDefaultControllerGetChunkSize(controller, chunk) {
  const { strategySizeAlgorithm } = controller;
  if (strategySizeAlgorithm === undefined) return 1;
  try {
    return strategySizeAlgorithm(chunk);
  } catch (error) {
    writableStreamDefaultControllerErrorIfNeeded(controller, error);
    return 1;
  }
}

export const writableStreamDefaultControllerGetDesiredSize = (controller) =>
  controller.strategyHWM - controller.queue.totalSize;

function writableStreamDefaultControllerProcessClose(controller) {
  const { stream } = controller;
  writableStreamMarkCloseRequestInFlight(stream);
  controller.queue.shift();
  const sinkClosePromise = controller.algorithms.close();
  writableStreamDefaultControllerClearAlgorithms(controller);
  upon(
    sinkClosePromise,
    () => writableStreamFinishInFlightClose(stream),
    (reason) => writableStreamFinishInFlightCloseWithError(stream, reason),
  );
}

function writableStreamDefaultControllerProcessWrite(controller, chunk) {
  writableStreamMarkFirstWriteRequestInFlight(controller.stream);
  upon(controller.algorithms.write(chunk), controller.onWritten, controller.onWriteFailed);
}

export function writableStreamDefaultControllerWrite(controller, chunk, chunkSize) {
  const { stream } = controller;
  try {
    enqueueValueWithSize(controller.queue, chunk, chunkSize);
  } catch (error) {
    writableStreamDefaultControllerErrorIfNeeded(controller, error);
    return;
  }
  if (!writableStreamCloseQueuedOrInFlight(stream) && stream.state === "writable") {
    writableStreamUpdateBackpressure(stream, writableStreamDefaultControllerGetBackpressure(controller));
  }
  writableStreamDefaultControllerAdvanceQueueIfNeeded(controller);
}

export class WritableStreamDefaultController {
  #controller;

  constructor(controller) {
    this.#controller = controller;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #controller in value;
  }

  get signal() {
    return this.#controller.signal;
  }

  error(e) {
    writableStreamDefaultControllerErrorIfNeeded(this.#controller, e);
  }
}

defineInterface(WritableStreamDefaultController, {
  readonly: ["signal"],
  operations: { error: [optional(any)] },
});
