// https://streams.spec.whatwg.org/#rbs-controller-class; responding is in readable_stream_byob_request.js and pulling
// into a view in readable_stream_byob_reader.js.
import {
  ArrayBufferConstructor,
  ArrayBufferPrototypeGetByteLength,
  MathMin,
  TypeErrorConstructor,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { any, ArrayBufferView, isDetached, viewedBuffer } from "../webidl/types.js";
import {
  byteLengthOf,
  byteOffsetOf,
  cloneArrayBuffer,
  copyDataBlockBytes,
  transferArrayBuffer,
} from "./array_buffers.js";
import { completionOf, upon } from "./promises.js";
import { Queue } from "./queue.js";
import {
  readableStreamAddRequest,
  readableStreamClose,
  readableStreamError,
  readableStreamFulfillRequest,
  readableStreamGetNumReadRequests,
  readableStreamHasBYOBReader,
  readableStreamHasDefaultReader,
} from "./readable_stream.js";

/** https://streams.spec.whatwg.org/#pull-into-descriptor */
export class PullIntoDescriptor {
  bytesFilled = 0;
  minimumFill = 1;
  elementSize = 1;
  viewConstructor = Uint8ArrayConstructor;

  /** `readerType` is "default", "byob" or "none". */
  constructor(buffer, byteOffset, byteLength, readerType) {
    this.buffer = buffer;
    this.bufferByteLength = ArrayBufferPrototypeGetByteLength(buffer);
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.readerType = readerType;
  }
}

/** The internal slots of a ReadableStreamBYOBRequest. */
class InnerReadableStreamBYOBRequest {
  #object = null;

  constructor(controller, view) {
    this.controller = controller;
    this.view = view;
  }

  /** The ReadableStreamBYOBRequest. */
  get object() {
    const { ReadableStreamBYOBRequest } = load("./readable_stream_byob_request.js");
    this.#object ??= new ReadableStreamBYOBRequest(this);
    return this.#object;
  }
}

/** The internal slots and methods of a ReadableByteStreamController. */
class InnerReadableByteStreamController {
  isByteController = true;
  stream;
  algorithms;
  queue = new Queue(); // of { buffer, byteOffset, byteLength }
  queueTotalSize = 0;
  strategyHWM;
  autoAllocateChunkSize;
  pendingPullIntos = new Queue();
  byobRequest = null;
  started = false;
  closeRequested = false;
  pulling = false;
  pullAgain = false;
  #object = null;

  constructor(stream, algorithms, highWaterMark, autoAllocateChunkSize) {
    this.stream = stream;
    this.algorithms = algorithms;
    this.strategyHWM = highWaterMark;
    this.autoAllocateChunkSize = autoAllocateChunkSize;
  }

  /** The ReadableByteStreamController. */
  get object() {
    this.#object ??= new ReadableByteStreamController(this);
    return this.#object;
  }

  onPulled = () => {
    this.pulling = false;
    if (this.pullAgain) {
      this.pullAgain = false;
      readableByteStreamControllerCallPullIfNeeded(this);
    }
  };

  error = (e) => readableByteStreamControllerError(this, e);

  cancelSteps(reason) {
    readableByteStreamControllerClearPendingPullIntos(this);
    resetQueue(this);
    const result = this.algorithms.cancel(reason);
    readableByteStreamControllerClearAlgorithms(this);
    return result;
  }

  pullSteps(readRequest) {
    if (this.queueTotalSize > 0) {
      readableByteStreamControllerFillReadRequestFromQueue(this, readRequest);
      return;
    }
    const { autoAllocateChunkSize } = this;
    if (autoAllocateChunkSize !== undefined) {
      let buffer;
      try {
        buffer = new ArrayBufferConstructor(autoAllocateChunkSize);
      } catch (e) {
        readRequest.errorSteps(e);
        return;
      }
      this.pendingPullIntos.push(new PullIntoDescriptor(buffer, 0, autoAllocateChunkSize, "default"));
    }
    readableStreamAddRequest(this.stream, readRequest);
    readableByteStreamControllerCallPullIfNeeded(this);
  }

  releaseSteps() {
    if (this.pendingPullIntos.length === 0) return;
    const firstPendingPullInto = this.pendingPullIntos.peek();
    firstPendingPullInto.readerType = "none";
    this.pendingPullIntos.clear();
    this.pendingPullIntos.push(firstPendingPullInto);
  }
}

function resetQueue(controller) {
  controller.queue.clear();
  controller.queueTotalSize = 0;
}

export function readableByteStreamControllerCallPullIfNeeded(controller) {
  if (!readableByteStreamControllerShouldCallPull(controller)) return;
  if (controller.pulling) {
    controller.pullAgain = true;
    return;
  }
  controller.pulling = true;
  upon(controller.algorithms.pull(), controller.onPulled, controller.error);
}

function readableByteStreamControllerShouldCallPull(controller) {
  const { stream } = controller;
  if (stream.state !== "readable" || controller.closeRequested || !controller.started) return false;
  if (stream.reader !== undefined && readableStreamGetNumReadRequests(stream) > 0) return true;
  return readableByteStreamControllerGetDesiredSize(controller) > 0;
}

function readableByteStreamControllerClearAlgorithms(controller) {
  controller.algorithms = undefined;
}

function readableByteStreamControllerClearPendingPullIntos(controller) {
  readableByteStreamControllerInvalidateBYOBRequest(controller);
  controller.pendingPullIntos = new Queue();
}

/** Throws a TypeError if the stream would end in the middle of an element. */
export function readableByteStreamControllerClose(controller) {
  const { stream, pendingPullIntos } = controller;
  if (controller.closeRequested || stream.state !== "readable") return;
  if (controller.queueTotalSize > 0) {
    controller.closeRequested = true;
    return;
  }
  if (pendingPullIntos.length > 0) {
    const { bytesFilled, elementSize } = pendingPullIntos.peek();
    if (bytesFilled % elementSize !== 0) {
      const e = new TypeErrorConstructor("The stream ends in the middle of an element.");
      readableByteStreamControllerError(controller, e);
      throw e;
    }
  }
  readableByteStreamControllerClearAlgorithms(controller);
  readableStreamClose(stream);
}

export function readableByteStreamControllerCommitPullIntoDescriptor(stream, pullIntoDescriptor) {
  const filledView = readableByteStreamControllerConvertPullIntoDescriptor(pullIntoDescriptor);
  readableStreamFulfillRequest(stream, filledView, stream.state === "closed");
}

export function commitPullIntoDescriptors(stream, filledPullIntos) {
  for (let i = 0; i < filledPullIntos.length; i++) {
    readableByteStreamControllerCommitPullIntoDescriptor(stream, filledPullIntos[i]);
  }
}

export function readableByteStreamControllerConvertPullIntoDescriptor(pullIntoDescriptor) {
  const { viewConstructor, byteOffset, bytesFilled, elementSize } = pullIntoDescriptor;
  const buffer = transferArrayBuffer(pullIntoDescriptor.buffer);
  return new viewConstructor(buffer, byteOffset, bytesFilled / elementSize);
}

/** Throws a TypeError if the chunk's buffer, or that of the BYOB request, is detached. */
export function readableByteStreamControllerEnqueue(controller, chunk) {
  const { stream, pendingPullIntos } = controller;
  if (controller.closeRequested || stream.state !== "readable") return;
  const byteOffset = byteOffsetOf(chunk);
  const byteLength = byteLengthOf(chunk);
  const buffer = transferArrayBuffer(viewedBuffer(chunk));
  if (pendingPullIntos.length > 0) {
    const firstPendingPullInto = pendingPullIntos.peek();
    if (isDetached(firstPendingPullInto.buffer)) {
      throw new TypeErrorConstructor("The buffer of the BYOB request is detached.");
    }
    readableByteStreamControllerInvalidateBYOBRequest(controller);
    firstPendingPullInto.buffer = transferArrayBuffer(firstPendingPullInto.buffer);
    if (firstPendingPullInto.readerType === "none") {
      readableByteStreamControllerEnqueueDetachedPullIntoToQueue(controller, firstPendingPullInto);
    }
  }
  if (readableStreamHasDefaultReader(stream)) {
    readableByteStreamControllerProcessReadRequestsUsingQueue(controller);
    if (readableStreamGetNumReadRequests(stream) === 0) {
      readableByteStreamControllerEnqueueChunkToQueue(controller, buffer, byteOffset, byteLength);
    } else {
      if (pendingPullIntos.length > 0) pendingPullIntos.shift();
      readableStreamFulfillRequest(stream, new Uint8ArrayConstructor(buffer, byteOffset, byteLength), false);
    }
  } else {
    readableByteStreamControllerEnqueueChunkToQueue(controller, buffer, byteOffset, byteLength);
    if (readableStreamHasBYOBReader(stream)) {
      const filledPullIntos = readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(controller);
      commitPullIntoDescriptors(stream, filledPullIntos);
    }
  }
  readableByteStreamControllerCallPullIfNeeded(controller);
}

function readableByteStreamControllerEnqueueChunkToQueue(controller, buffer, byteOffset, byteLength) {
  controller.queue.push({ buffer, byteOffset, byteLength });
  controller.queueTotalSize += byteLength;
}

export function readableByteStreamControllerEnqueueClonedChunkToQueue(controller, buffer, byteOffset, byteLength) {
  let clone;
  try {
    clone = cloneArrayBuffer(buffer, byteOffset, byteLength);
  } catch (error) {
    readableByteStreamControllerError(controller, error);
    throw error;
  }
  readableByteStreamControllerEnqueueChunkToQueue(controller, clone, 0, byteLength);
}

export function readableByteStreamControllerEnqueueDetachedPullIntoToQueue(controller, pullIntoDescriptor) {
  const { buffer, byteOffset, bytesFilled } = pullIntoDescriptor;
  if (bytesFilled > 0) {
    readableByteStreamControllerEnqueueClonedChunkToQueue(controller, buffer, byteOffset, bytesFilled);
  }
  controller.pendingPullIntos.shift();
}

export function readableByteStreamControllerError(controller, e) {
  const { stream } = controller;
  if (stream.state !== "readable") return;
  readableByteStreamControllerClearPendingPullIntos(controller);
  resetQueue(controller);
  readableByteStreamControllerClearAlgorithms(controller);
  readableStreamError(stream, e);
}

/** Returns whether the descriptor is filled as far as its read asked for. */
export function readableByteStreamControllerFillPullIntoDescriptorFromQueue(controller, pullIntoDescriptor) {
  const { queue } = controller;
  const { byteLength, bytesFilled, elementSize, minimumFill } = pullIntoDescriptor;
  let totalBytesToCopyRemaining = MathMin(controller.queueTotalSize, byteLength - bytesFilled);
  const maxBytesFilled = bytesFilled + totalBytesToCopyRemaining;
  const maxAlignedBytes = maxBytesFilled - (maxBytesFilled % elementSize);
  const ready = maxAlignedBytes >= minimumFill;
  if (ready) totalBytesToCopyRemaining = maxAlignedBytes - bytesFilled;
  while (totalBytesToCopyRemaining > 0) {
    const headOfQueue = queue.peek();
    const bytesToCopy = MathMin(totalBytesToCopyRemaining, headOfQueue.byteLength);
    const destStart = pullIntoDescriptor.byteOffset + pullIntoDescriptor.bytesFilled;
    const { buffer } = pullIntoDescriptor;
    copyDataBlockBytes(buffer, destStart, headOfQueue.buffer, headOfQueue.byteOffset, bytesToCopy);
    if (headOfQueue.byteLength === bytesToCopy) {
      queue.shift();
    } else {
      headOfQueue.byteOffset += bytesToCopy;
      headOfQueue.byteLength -= bytesToCopy;
    }
    controller.queueTotalSize -= bytesToCopy;
    pullIntoDescriptor.bytesFilled += bytesToCopy;
    totalBytesToCopyRemaining -= bytesToCopy;
  }
  return ready;
}

function readableByteStreamControllerFillReadRequestFromQueue(controller, readRequest) {
  const { buffer, byteOffset, byteLength } = controller.queue.shift();
  controller.queueTotalSize -= byteLength;
  readableByteStreamControllerHandleQueueDrain(controller);
  readRequest.chunkSteps(new Uint8ArrayConstructor(buffer, byteOffset, byteLength));
}

/** Returns an InnerReadableStreamBYOBRequest or null. */
export function readableByteStreamControllerGetBYOBRequest(controller) {
  if (controller.byobRequest === null && controller.pendingPullIntos.length > 0) {
    const { buffer, byteOffset, byteLength, bytesFilled } = controller.pendingPullIntos.peek();
    const view = new Uint8ArrayConstructor(buffer, byteOffset + bytesFilled, byteLength - bytesFilled);
    controller.byobRequest = new InnerReadableStreamBYOBRequest(controller, view);
  }
  return controller.byobRequest;
}

function readableByteStreamControllerGetDesiredSize(controller) {
  const { state } = controller.stream;
  if (state === "errored") return null;
  return state === "closed" ? 0 : controller.strategyHWM - controller.queueTotalSize;
}

export function readableByteStreamControllerHandleQueueDrain(controller) {
  if (controller.queueTotalSize === 0 && controller.closeRequested) {
    readableByteStreamControllerClearAlgorithms(controller);
    readableStreamClose(controller.stream);
  } else {
    readableByteStreamControllerCallPullIfNeeded(controller);
  }
}

export function readableByteStreamControllerInvalidateBYOBRequest(controller) {
  if (controller.byobRequest === null) return;
  controller.byobRequest.controller = undefined;
  controller.byobRequest.view = null;
  controller.byobRequest = null;
}

/** Returns the descriptors to commit: committing runs a script's code, which must find the queue as it will be. */
export function readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(controller) {
  const { pendingPullIntos } = controller;
  const filledPullIntos = [];
  while (pendingPullIntos.length > 0 && controller.queueTotalSize > 0) {
    const pullIntoDescriptor = pendingPullIntos.peek();
    if (readableByteStreamControllerFillPullIntoDescriptorFromQueue(controller, pullIntoDescriptor)) {
      pendingPullIntos.shift();
      filledPullIntos[filledPullIntos.length] = pullIntoDescriptor;
    }
  }
  return filledPullIntos;
}

function readableByteStreamControllerProcessReadRequestsUsingQueue(controller) {
  const { requests } = controller.stream.reader;
  while (requests.length > 0 && controller.queueTotalSize > 0) {
    readableByteStreamControllerFillReadRequestFromQueue(controller, requests.shift());
  }
}

/** The parameters are those of createReadableStream, but for the last: in bytes, or undefined. */
export function setUpReadableByteStreamController(stream, algorithms, highWaterMark, autoAllocateChunkSize) {
  const controller = new InnerReadableByteStreamController(stream, algorithms, highWaterMark, autoAllocateChunkSize);
  stream.controller = controller;
  const onStarted = () => {
    controller.started = true;
    readableByteStreamControllerCallPullIfNeeded(controller);
  };
  upon(completionOf(algorithms.start(controller)), onStarted, controller.error);
}

export class ReadableByteStreamController {
  #controller;

  constructor(controller) {
    this.#controller = controller;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #controller in value;
  }

  get byobRequest() {
    return readableByteStreamControllerGetBYOBRequest(this.#controller)?.object ?? null;
  }

  get desiredSize() {
    return readableByteStreamControllerGetDesiredSize(this.#controller);
  }

  close() {
    ensureReadable(this.#controller, "close");
    readableByteStreamControllerClose(this.#controller);
  }

  enqueue(chunk) {
    if (byteLengthOf(chunk) === 0) throw failed("enqueue", "The chunk is empty");
    if (ArrayBufferPrototypeGetByteLength(viewedBuffer(chunk)) === 0) throw failed("enqueue", "The buffer is empty");
    ensureReadable(this.#controller, "enqueue");
    readableByteStreamControllerEnqueue(this.#controller, chunk);
  }

  error(e) {
    readableByteStreamControllerError(this.#controller, e);
  }
}

const failed = (method, message) =>
  new TypeErrorConstructor(`Failed to execute '${method}' on 'ReadableByteStreamController': ${message}.`);

function ensureReadable(controller, method) {
  if (controller.closeRequested || controller.stream.state !== "readable") {
    throw failed(method, "The stream is closed, closing or errored");
  }
}

defineInterface(ReadableByteStreamController, {
  readonly: ["byobRequest", "desiredSize"],
  operations: { close: [], enqueue: [ArrayBufferView], error: [optional(any)] },
});
