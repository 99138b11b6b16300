// https://streams.spec.whatwg.org/#rs-default-controller-class
import { TypeErrorConstructor } from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { any } from "../webidl/types.js";
import { completionOf, upon } from "./promises.js";
import { enqueueValueWithSize } from "./queuing_strategy.js";
import { Queue } from "./queue.js";
import {
  isReadableStreamLocked,
  readableStreamAddRequest,
  readableStreamClose,
  readableStreamError,
  readableStreamFulfillRequest,
  readableStreamGetNumReadRequests,
} from "./readable_stream.js";

/** The internal slots and methods of a ReadableStreamDefaultController. */
class InnerReadableStreamDefaultController {
  isByteController = false;
  stream;
  algorithms;
  queue = new Queue();
  strategyHWM;
  strategySizeAlgorithm;
  started = false;
  closeRequested = false;
  pulling = false;
  pullAgain = false;
  #object = null;

  constructor(stream, algorithms, highWaterMark, sizeAlgorithm) {
    this.stream = stream;
    this.algorithms = algorithms;
    this.strategyHWM = highWaterMark;
    this.strategySizeAlgorithm = sizeAlgorithm;
  }

  /** The ReadableStreamDefaultController. */
  get object() {
    this.#object ??= new ReadableStreamDefaultController(this);
    return this.#object;
  }

  onPulled = () => {
    this.pulling = false;
    if (this.pullAgain) {
      this.pullAgain = false;
      readableStreamDefaultControllerCallPullIfNeeded(this);
    }
  };

  error = (e) => readableStreamDefaultControllerError(this, e);

  cancelSteps(reason) {
    this.queue.clear();
    const result = this.algorithms.cancel(reason);
    readableStreamDefaultControllerClearAlgorithms(this);
    return result;
  }

  pullSteps(readRequest) {
    const { queue, stream } = this;
    if (queue.length === 0) {
      readableStreamAddRequest(stream, readRequest);
      readableStreamDefaultControllerCallPullIfNeeded(this);
      return;
    }
    const chunk = queue.shift();
    if (this.closeRequested && queue.length === 0) {
      readableStreamDefaultControllerClearAlgorithms(this);
      readableStreamClose(stream);
    } else {
      readableStreamDefaultControllerCallPullIfNeeded(this);
    }
    readRequest.chunkSteps(chunk);
  }

  releaseSteps() {}
}

export function readableStreamDefaultControllerCallPullIfNeeded(controller) {
  if (!readableStreamDefaultControllerShouldCallPull(controller)) return;
  if (controller.pulling) {
    controller.pullAgain = true;
    return;
  }
  controller.pulling = true;
  upon(controller.algorithms.pull(), controller.onPulled, controller.error);
}

function readableStreamDefaultControllerShouldCallPull(controller) {
  const { stream } = controller;
  if (!readableStreamDefaultControllerCanCloseOrEnqueue(controller)) return false;
  if (!controller.started) return false;
  if (isReadableStreamLocked(stream) && readableStreamGetNumReadRequests(stream) > 0) return true;
  return readableStreamDefaultControllerGetDesiredSize(controller) > 0;
}

function readableStreamDefaultControllerClearAlgorithms(controller) {
  controller.algorithms = undefined;
  controller.strategySizeAlgorithm = undefined;
}

export function readableStreamDefaultControllerClose(controller) {
  if (!readableStreamDefaultControllerCanCloseOrEnqueue(controller)) return;
  controller.closeRequested = true;
  if (controller.queue.length === 0) {
    readableStreamDefaultControllerClearAlgorithms(controller);
    readableStreamClose(controller.stream);
  }
}

/** Throws what the size algorithm throws, or a RangeError for its result. */
export function readableStreamDefaultControllerEnqueue(controller, chunk) {
  if (!readableStreamDefaultControllerCanCloseOrEnqueue(controller)) return;
  const { stream, strategySizeAlgorithm } = controller;
  if (isReadableStreamLocked(stream) && readableStreamGetNumReadRequests(stream) > 0) {
    readableStreamFulfillRequest(stream, chunk, false);
  } else if (strategySizeAlgorithm === undefined) {
    controller.queue.push(chunk, 1);
  } else {
    try {
      enqueueValueWithSize(controller.queue, chunk, strategySizeAlgorithm(chunk));
    } catch (error) {
      readableStreamDefaultControllerError(controller, error);
      throw error;
    }
  }
  readableStreamDefaultControllerCallPullIfNeeded(controller);
}

export function readableStreamDefaultControllerError(controller, e) {
  const { stream } = controller;
  if (stream.state !== "readable") return;
  controller.queue.clear();
  readableStreamDefaultControllerClearAlgorithms(controller);
  readableStreamError(stream, e);
}

export function readableStreamDefaultControllerGetDesiredSize(controller) {
  const { state } = controller.stream;
  if (state === "errored") return null;
  return state === "closed" ? 0 : controller.strategyHWM - controller.queue.totalSize;
}

export const readableStreamDefaultControllerHasBackpressure = (controller) =>
  !readableStreamDefaultControllerShouldCallPull(controller);

export const readableStreamDefaultControllerCanCloseOrEnqueue = (controller) =>
  !controller.closeRequested && controller.stream.state === "readable";

/** The parameters are those of createReadableStream. */
export function setUpReadableStreamDefaultController(stream, algorithms, highWaterMark, sizeAlgorithm) {
  const controller = new InnerReadableStreamDefaultController(stream, algorithms, highWaterMark, sizeAlgorithm);
  stream.controller = controller;
  const onStarted = () => {
    controller.started = true;
    readableStreamDefaultControllerCallPullIfNeeded(controller);
  };
  upon(completionOf(algorithms.start(controller)), onStarted, controller.error);
}

export class ReadableStreamDefaultController {
  #controller;

  constructor(controller) {
    this.#controller = controller;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #controller in value;
  }

  get desiredSize() {
    return readableStreamDefaultControllerGetDesiredSize(this.#controller);
  }

  close() {
    if (!readableStreamDefaultControllerCanCloseOrEnqueue(this.#controller)) throw finished("close");
    readableStreamDefaultControllerClose(this.#controller);
  }

  enqueue(chunk) {
    if (!readableStreamDefaultControllerCanCloseOrEnqueue(this.#controller)) throw finished("enqueue");
    readableStreamDefaultControllerEnqueue(this.#controller, chunk);
  }

  error(e) {
    readableStreamDefaultControllerError(this.#controller, e);
  }
}

const finished = (method) =>
  new TypeErrorConstructor(
    `Failed to execute '${method}' on 'ReadableStreamDefaultController': The stream is closed, closing or errored.`,
  );

defineInterface(ReadableStreamDefaultController, {
  readonly: ["desiredSize"],
  operations: { close: [], enqueue: [optional(any)], error: [optional(any)] },
});
