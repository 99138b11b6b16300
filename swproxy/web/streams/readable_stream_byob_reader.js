// https://streams.spec.whatwg.org/#byob-reader-class
import {
  ArrayBufferPrototypeGetByteLength,
  DataViewConstructor,
  RangeErrorConstructor,
  TypeErrorConstructor,
  TypedArrayConstructors,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} from "../infra/primordials.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import {
  any,
  ArrayBufferView,
  dictionary,
  enforceRange,
  isDetached,
  unsignedLongLong,
  viewedBuffer,
  withDefault,
} from "../webidl/types.js";
import { byteLengthOf, byteOffsetOf, transferArrayBuffer } from "./array_buffers.js";
import {
  PullIntoDescriptor,
  readableByteStreamControllerCallPullIfNeeded,
  readableByteStreamControllerConvertPullIntoDescriptor,
  readableByteStreamControllerError,
  readableByteStreamControllerFillPullIntoDescriptorFromQueue,
  readableByteStreamControllerHandleQueueDrain,
} from "./readable_byte_stream_controller.js";
import {
  ReadableStream,
  readableStreamAddRequest,
  readableStreamReaderErrorRequests,
  readableStreamType,
} from "./readable_stream.js";
import {
  InnerReader,
  mixInGenericReader,
  PromiseReadRequest,
  readableStreamReaderGenericRelease,
  released,
} from "./readable_stream_generic_reader.js";

export function acquireReadableStreamBYOBReader(stream) {
  if (stream.reader === undefined && !stream.controller.isByteController) {
    throw new TypeErrorConstructor("A BYOB reader is only for streams whose underlying source has the type 'bytes'.");
  }
  return new InnerReader(stream, true);
}

export function readableStreamBYOBReaderRead(reader, view, min, readIntoRequest) {
  const { stream } = reader;
  stream.disturbed = true;
  if (stream.state === "errored") readIntoRequest.errorSteps(stream.storedError);
  else readableByteStreamControllerPullInto(stream.controller, view, min, readIntoRequest);
}

export function readableStreamBYOBReaderRelease(reader) {
  readableStreamReaderGenericRelease(reader);
  readableStreamReaderErrorRequests(reader, released());
}

function readableByteStreamControllerPullInto(controller, view, min, readIntoRequest) {
  const { stream, pendingPullIntos } = controller;
  const name = TypedArrayPrototypeGetSymbolToStringTag(view);
  const viewConstructor = name === undefined ? DataViewConstructor : TypedArrayConstructors[name];
  const elementSize = name === undefined ? 1 : viewConstructor.BYTES_PER_ELEMENT;
  const byteOffset = byteOffsetOf(view);
  const byteLength = byteLengthOf(view);
  let buffer;
  try {
    buffer = transferArrayBuffer(viewedBuffer(view));
  } catch (e) {
    readIntoRequest.errorSteps(e);
    return;
  }
  const descriptor = new PullIntoDescriptor(buffer, byteOffset, byteLength, "byob");
  descriptor.minimumFill = min * elementSize;
  descriptor.elementSize = elementSize;
  descriptor.viewConstructor = viewConstructor;
  if (pendingPullIntos.length > 0) {
    pendingPullIntos.push(descriptor);
    readableStreamAddRequest(stream, readIntoRequest);
    return;
  }
  if (stream.state === "closed") {
    readIntoRequest.closeSteps(new viewConstructor(buffer, byteOffset, 0));
    return;
  }
  if (controller.queueTotalSize > 0) {
    if (readableByteStreamControllerFillPullIntoDescriptorFromQueue(controller, descriptor)) {
      const filledView = readableByteStreamControllerConvertPullIntoDescriptor(descriptor);
      readableByteStreamControllerHandleQueueDrain(controller);
      readIntoRequest.chunkSteps(filledView);
      return;
    }
    if (controller.closeRequested) {
      const e = new TypeErrorConstructor("The stream ended in the middle of an element.");
      readableByteStreamControllerError(controller, e);
      readIntoRequest.errorSteps(e);
      return;
    }
  }
  pendingPullIntos.push(descriptor);
  readableStreamAddRequest(stream, readIntoRequest);
  readableByteStreamControllerCallPullIfNeeded(controller);
}

export class ReadableStreamBYOBReader {
  #reader;

  constructor(reader) {
    this.#reader = reader;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #reader in value;
  }

  static inner(object) {
    return object.#reader;
  }

  static construct(stream) {
    return [acquireReadableStreamBYOBReader(ReadableStream.inner(stream))];
  }

  read(view, { min }) {
    const reader = this.#reader;
    if (byteLengthOf(view) === 0) throw new TypeErrorConstructor("The view is empty.");
    if (ArrayBufferPrototypeGetByteLength(viewedBuffer(view)) === 0)
      throw new TypeErrorConstructor("The view's buffer is empty.");
    if (isDetached(view)) throw new TypeErrorConstructor("The view's buffer is detached.");
    if (min === 0) throw new TypeErrorConstructor("The min option must be greater than 0.");
    const isTypedArray = TypedArrayPrototypeGetSymbolToStringTag(view) !== undefined;
    if (min > (isTypedArray ? TypedArrayPrototypeGetLength(view) : byteLengthOf(view))) {
      throw new RangeErrorConstructor("The min option is greater than the length of the view.");
    }
    if (reader.stream === undefined) throw released();
    const readIntoRequest = new PromiseReadRequest();
    readableStreamBYOBReaderRead(reader, view, min, readIntoRequest);
    return readIntoRequest.promise;
  }

  releaseLock() {
    if (this.#reader.stream !== undefined) readableStreamBYOBReaderRelease(this.#reader);
  }
}

const ReadableStreamBYOBReaderReadOptions = dictionary("ReadableStreamBYOBReaderReadOptions", {
  min: withDefault(enforceRange(unsignedLongLong), 1),
});

mixInGenericReader(ReadableStreamBYOBReader);
defineInterface(ReadableStreamBYOBReader, {
  constructor: [readableStreamType],
  attributes: { closed: promising(any) },
  operations: {
    cancel: promising([optional(any)]),
    read: promising([ArrayBufferView, optional(ReadableStreamBYOBReaderReadOptions)]),
    releaseLock: [],
  },
});
