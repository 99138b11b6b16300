// https://streams.spec.whatwg.org/#rs-byob-request-class, and what responding to a request makes of the controller
import {
  ArrayBufferPrototypeGetByteLength,
  RangeErrorConstructor,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { defineInterface } from "../webidl/interface.js";
import { ArrayBufferView, enforceRange, isDetached, unsignedLongLong, viewedBuffer } from "../webidl/types.js";
import { byteLengthOf, byteOffsetOf, transferArrayBuffer } from "./array_buffers.js";
import {
  commitPullIntoDescriptors,
  readableByteStreamControllerCallPullIfNeeded,
  readableByteStreamControllerCommitPullIntoDescriptor,
  readableByteStreamControllerEnqueueClonedChunkToQueue,
  readableByteStreamControllerEnqueueDetachedPullIntoToQueue,
  readableByteStreamControllerInvalidateBYOBRequest,
  readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue,
} from "./readable_byte_stream_controller.js";
import { readableStreamGetNumReadRequests, readableStreamHasBYOBReader } from "./readable_stream.js";

export function readableByteStreamControllerRespond(controller, bytesWritten) {
  const firstDescriptor = controller.pendingPullIntos.peek();
  ensureFits(controller, firstDescriptor, bytesWritten);
  firstDescriptor.buffer = transferArrayBuffer(firstDescriptor.buffer);
  readableByteStreamControllerRespondInternal(controller, bytesWritten);
}

export function readableByteStreamControllerRespondWithNewView(controller, view) {
  const firstDescriptor = controller.pendingPullIntos.peek();
  const byteLength = byteLengthOf(view);
  const buffer = viewedBuffer(view);
  ensureNotEmpty(controller, byteLength);
  if (firstDescriptor.byteOffset + firstDescriptor.bytesFilled !== byteOffsetOf(view)) {
    throw new RangeErrorConstructor("The view does not begin where the view of the BYOB request does.");
  }
  if (firstDescriptor.bufferByteLength !== ArrayBufferPrototypeGetByteLength(buffer)) {
    throw new RangeErrorConstructor("The view's buffer is not as large as that of the BYOB request.");
  }
  ensureFits(controller, firstDescriptor, byteLength);
  firstDescriptor.buffer = transferArrayBuffer(buffer);
  readableByteStreamControllerRespondInternal(controller, byteLength);
}

function ensureNotEmpty(controller, bytesWritten) {
  if (controller.stream.state === "closed") {
    if (bytesWritten !== 0) throw new TypeErrorConstructor("Bytes were written though the stream is closed.");
  } else if (bytesWritten === 0) {
    throw new TypeErrorConstructor("No bytes were written though the stream is not closed.");
  }
}

function ensureFits(controller, { bytesFilled, byteLength }, bytesWritten) {
  ensureNotEmpty(controller, bytesWritten);
  if (bytesFilled + bytesWritten > byteLength) {
    throw new RangeErrorConstructor("More bytes were written than there is room for in the BYOB request.");
  }
}

function readableByteStreamControllerRespondInClosedState(controller, firstDescriptor) {
  const { pendingPullIntos, stream } = controller;
  if (firstDescriptor.readerType === "none") pendingPullIntos.shift();
  if (!readableStreamHasBYOBReader(stream)) return;
  const filledPullIntos = [];
  const count = readableStreamGetNumReadRequests(stream);
  while (filledPullIntos.length < count) filledPullIntos[filledPullIntos.length] = pendingPullIntos.shift();
  commitPullIntoDescriptors(stream, filledPullIntos);
}

function readableByteStreamControllerRespondInReadableState(controller, bytesWritten, pullIntoDescriptor) {
  const { stream } = controller;
  pullIntoDescriptor.bytesFilled += bytesWritten;
  if (pullIntoDescriptor.readerType === "none") {
    readableByteStreamControllerEnqueueDetachedPullIntoToQueue(controller, pullIntoDescriptor);
    const filledPullIntos = readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(controller);
    commitPullIntoDescriptors(stream, filledPullIntos);
    return;
  }
  const { buffer, byteOffset, bytesFilled, elementSize, minimumFill } = pullIntoDescriptor;
  if (bytesFilled < minimumFill) return;
  controller.pendingPullIntos.shift();
  const remainderSize = bytesFilled % elementSize;
  if (remainderSize > 0) {
    const start = byteOffset + bytesFilled - remainderSize;
    readableByteStreamControllerEnqueueClonedChunkToQueue(controller, buffer, start, remainderSize);
  }
  pullIntoDescriptor.bytesFilled -= remainderSize;
  const filledPullIntos = readableByteStreamControllerProcessPullIntoDescriptorsUsingQueue(controller);
  readableByteStreamControllerCommitPullIntoDescriptor(stream, pullIntoDescriptor);
  commitPullIntoDescriptors(stream, filledPullIntos);
}

function readableByteStreamControllerRespondInternal(controller, bytesWritten) {
  const firstDescriptor = controller.pendingPullIntos.peek();
  readableByteStreamControllerInvalidateBYOBRequest(controller);
  if (controller.stream.state === "closed") {
    readableByteStreamControllerRespondInClosedState(controller, firstDescriptor);
  } else {
    readableByteStreamControllerRespondInReadableState(controller, bytesWritten, firstDescriptor);
  }
  readableByteStreamControllerCallPullIfNeeded(controller);
}

export class ReadableStreamBYOBRequest {
  #request;

  constructor(request) {
    this.#request = request;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #request in value;
  }

  get view() {
    return this.#request.view;
  }

  respond(bytesWritten) {
    const { controller, view } = this.#request;
    if (controller === undefined) throw invalidated();
    if (isDetached(view)) throw new TypeErrorConstructor("The buffer of the BYOB request is detached.");
    readableByteStreamControllerRespond(controller, bytesWritten);
  }

  respondWithNewView(view) {
    const { controller } = this.#request;
    if (controller === undefined) throw invalidated();
    if (isDetached(view)) throw new TypeErrorConstructor("The buffer of the view is detached.");
    readableByteStreamControllerRespondWithNewView(controller, view);
  }
}

const invalidated = () => new TypeErrorConstructor("The BYOB request has been responded to, or is obsolete.");

defineInterface(ReadableStreamBYOBRequest, {
  readonly: ["view"],
  operations: { respond: [enforceRange(unsignedLongLong)], respondWithNewView: [ArrayBufferView] },
});
