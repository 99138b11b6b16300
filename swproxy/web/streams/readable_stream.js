// https://streams.spec.whatwg.org/#rs-class, #rs-abstract-ops and #rs-abstract-ops-used-by-controllers
//
// The algorithms work on inner streams, readers and controllers; a script's objects are made when a script sees them.
import {
  PromiseReject,
  PromiseResolve,
  RangeErrorConstructor,
  ReflectApply,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { abortSignal } from "../events/event_target.js";
import { bodyKinds } from "../fetch/body.js";
import { registerTransferable } from "../structured_clone/registry.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import {
  any,
  boolean,
  callbackFunction,
  dictionary,
  enforceRange,
  enumeration,
  interfaceType,
  object,
  Place,
  required,
  unsignedLongLong,
  withDefault,
} from "../webidl/types.js";
import { Deferred, invokePromising, upon } from "./promises.js";
import { extractHighWaterMark, extractSizeAlgorithm, QueuingStrategy } from "./queuing_strategy.js";
import { Queue } from "./queue.js";

/** The internal slots of a ReadableStream. */
export class InnerReadableStream {
  /** an InnerReadableStreamDefaultController or InnerReadableByteStreamController */
  controller = undefined;
  detached = false;
  disturbed = false;
  /** an InnerReader */
  reader = undefined;
  state = "readable";
  storedError = undefined;
}

// Working with readable streams

/**
 * @param algorithms an object with start(controller), pull() and cancel(reason); the latter two return completions and
 *   do not throw
 * @param sizeAlgorithm a function, or undefined for the one that returns 1
 */
export function createReadableStream(algorithms, highWaterMark = 1, sizeAlgorithm = undefined) {
  const stream = new InnerReadableStream();
  load("./readable_stream_default_controller.js").setUpReadableStreamDefaultController(
    stream,
    algorithms,
    highWaterMark,
    sizeAlgorithm,
  );
  return stream;
}

/** `algorithms` are those of createReadableStream. */
export function createReadableByteStream(algorithms) {
  const stream = new InnerReadableStream();
  load("./readable_byte_stream_controller.js").setUpReadableByteStreamController(stream, algorithms, 0, undefined);
  return stream;
}

export const isReadableStreamLocked = (stream) => stream.reader !== undefined;

/** Returns two inner streams. */
export function readableStreamTee(stream, cloneForBranch2) {
  if (stream.controller.isByteController) return load("./readable_byte_stream_tee.js").readableByteStreamTee(stream);
  return load("./readable_stream_default_tee.js").readableStreamDefaultTee(stream, cloneForBranch2);
}

// Interfacing with controllers

export function readableStreamAddRequest(stream, request) {
  stream.reader.requests.push(request);
}

/** Returns a promise. */
export function readableStreamCancel(stream, reason) {
  stream.disturbed = true;
  if (stream.state === "closed") return PromiseResolve(undefined);
  if (stream.state === "errored") return PromiseReject(stream.storedError);
  readableStreamClose(stream);
  const { reader } = stream;
  if (reader !== undefined && reader.isBYOB) closeRequests(reader);
  const canceled = new Deferred();
  upon(
    stream.controller.cancelSteps(reason),
    () => canceled.resolve(),
    (r) => canceled.reject(r),
  );
  return canceled.promise;
}

export function readableStreamClose(stream) {
  stream.state = "closed";
  const { reader } = stream;
  if (reader === undefined) return;
  reader.closed.resolve();
  if (!reader.isBYOB) closeRequests(reader);
}

function closeRequests(reader) {
  const { requests } = reader;
  reader.requests = new Queue();
  while (requests.length > 0) requests.shift().closeSteps(undefined);
}

export function readableStreamError(stream, e) {
  stream.state = "errored";
  stream.storedError = e;
  const { reader } = stream;
  if (reader === undefined) return;
  reader.closed.reject(e, true);
  readableStreamReaderErrorRequests(reader, e);
}

/** ReadableStreamDefaultReaderErrorReadRequests and ReadableStreamBYOBReaderErrorReadIntoRequests */
export function readableStreamReaderErrorRequests(reader, e) {
  const { requests } = reader;
  reader.requests = new Queue();
  while (requests.length > 0) requests.shift().errorSteps(e);
}

/** ReadableStreamFulfillReadRequest and ReadableStreamFulfillReadIntoRequest */
export function readableStreamFulfillRequest(stream, chunk, done) {
  const { isBYOB, requests } = stream.reader;
  const request = requests.shift();
  if (done) request.closeSteps(isBYOB ? chunk : undefined);
  else request.chunkSteps(chunk);
}

export const readableStreamGetNumReadRequests = (stream) => stream.reader.requests.length;

export const readableStreamHasDefaultReader = ({ reader }) => reader !== undefined && !reader.isBYOB;
export const readableStreamHasBYOBReader = ({ reader }) => reader !== undefined && reader.isBYOB;

// The interface

const UnderlyingSource = dictionary("UnderlyingSource", {
  autoAllocateChunkSize: enforceRange(unsignedLongLong),
  cancel: callbackFunction,
  pull: callbackFunction,
  start: callbackFunction,
  type: enumeration("ReadableStreamType", ["bytes"]),
});

/** The algorithms of a controller that has a script's underlying source. */
class UnderlyingSourceAlgorithms {
  #source;
  #callbacks;
  #controller;

  constructor(source, callbacks) {
    this.#source = source;
    this.#callbacks = callbacks;
  }

  start(controller) {
    this.#controller = controller;
    const { start } = this.#callbacks;
    return start === undefined ? undefined : ReflectApply(start, this.#source, [controller.object]);
  }

  pull() {
    const { pull } = this.#callbacks;
    if (pull === undefined) return undefined;
    return invokePromising(pull, this.#source, [this.#controller.object]);
  }

  cancel(reason) {
    const { cancel } = this.#callbacks;
    return cancel === undefined ? undefined : invokePromising(cancel, this.#source, [reason]);
  }
}

export class ReadableStream {
  #stream;

  constructor(stream) {
    this.#stream = stream;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #stream in value;
  }

  static inner(object) {
    return object.#stream;
  }

  /** https://streams.spec.whatwg.org/#rs-constructor */
  static construct(underlyingSource, strategy) {
    const source = UnderlyingSource.convert(underlyingSource, new Place("Failed to construct 'ReadableStream'"));
    const algorithms = new UnderlyingSourceAlgorithms(underlyingSource, source);
    if (source.type === undefined) {
      const sizeAlgorithm = extractSizeAlgorithm(strategy);
      return [createReadableStream(algorithms, extractHighWaterMark(strategy, 1), sizeAlgorithm)];
    }
    if (strategy.size !== undefined) {
      throw new RangeErrorConstructor("The strategy of a byte stream cannot have a size function.");
    }
    const highWaterMark = extractHighWaterMark(strategy, 0);
    const { autoAllocateChunkSize } = source;
    if (autoAllocateChunkSize === 0) throw new TypeErrorConstructor("The autoAllocateChunkSize must not be 0.");
    const stream = new InnerReadableStream();
    const { setUpReadableByteStreamController } = load("./readable_byte_stream_controller.js");
    setUpReadableByteStreamController(stream, algorithms, highWaterMark, autoAllocateChunkSize);
    return [stream];
  }

  static from(asyncSequence) {
    const { readableStreamFromIterable } = load("./readable_stream_from_iterable.js");
    return new ReadableStream(readableStreamFromIterable(asyncSequence));
  }

  static asyncIterator(object, values) {
    const { ReadableStreamAsyncIterator } = load("./readable_stream_async_iterator.js");
    return new ReadableStreamAsyncIterator(object.#stream, values[0].preventCancel);
  }

  get locked() {
    return isReadableStreamLocked(this.#stream);
  }

  cancel(reason) {
    if (isReadableStreamLocked(this.#stream)) throw locked("cancel", "ReadableStream");
    return readableStreamCancel(this.#stream, reason);
  }

  getReader({ mode }) {
    if (mode === "byob") {
      const { acquireReadableStreamBYOBReader, ReadableStreamBYOBReader } = load("./readable_stream_byob_reader.js");
      return new ReadableStreamBYOBReader(acquireReadableStreamBYOBReader(this.#stream));
    }
    const reader = load("./readable_stream_default_reader.js");
    return new reader.ReadableStreamDefaultReader(reader.acquireReadableStreamDefaultReader(this.#stream));
  }

  pipeThrough({ readable, writable }, options) {
    pipe("pipeThrough", this.#stream, writable, options);
    return readable;
  }

  pipeTo(destination, options) {
    return pipe("pipeTo", this.#stream, destination, options).promise;
  }

  tee() {
    const branches = readableStreamTee(this.#stream, false);
    return [new ReadableStream(branches[0]), new ReadableStream(branches[1])];
  }
}

const locked = (method, what) =>
  new TypeErrorConstructor(`Failed to execute '${method}' on 'ReadableStream': The ${what} is locked.`);

function pipe(method, stream, destination, options) {
  const { isWritableStreamLocked, WritableStream } = load("./writable_stream.js");
  const dest = WritableStream.inner(destination);
  if (isReadableStreamLocked(stream)) throw locked(method, "ReadableStream");
  if (isWritableStreamLocked(dest)) throw locked(method, "WritableStream");
  return load("./pipe_to.js").readableStreamPipeTo(stream, dest, options);
}

export const readableStreamType = interfaceType("ReadableStream", ReadableStream.is);
const writableStreamType = interfaceType("WritableStream", (value) =>
  load("./writable_stream.js").WritableStream.is(value),
);

const ReadableStreamGetReaderOptions = dictionary("ReadableStreamGetReaderOptions", {
  mode: enumeration("ReadableStreamReaderMode", ["byob"]),
});

const ReadableWritablePair = dictionary("ReadableWritablePair", {
  readable: required(readableStreamType),
  writable: required(writableStreamType),
});

const StreamPipeOptions = dictionary("StreamPipeOptions", {
  preventAbort: withDefault(boolean, false),
  preventCancel: withDefault(boolean, false),
  preventClose: withDefault(boolean, false),
  signal: interfaceType("AbortSignal", (value) => abortSignal.is(value)),
});

const ReadableStreamIteratorOptions = dictionary("ReadableStreamIteratorOptions", {
  preventCancel: withDefault(boolean, false),
});

/** async_sequence<any> */
const asyncSequence = {
  convert: (value, place) => load("../webidl/async_sequence.js").asyncSequence(any).convert(value, place),
};

defineInterface(ReadableStream, {
  constructor: [optional(object), optional(QueuingStrategy)],
  statics: { from: [asyncSequence] },
  readonly: ["locked"],
  operations: {
    cancel: promising([optional(any)]),
    getReader: [optional(ReadableStreamGetReaderOptions)],
    pipeThrough: [ReadableWritablePair, optional(StreamPipeOptions)],
    pipeTo: promising([writableStreamType, optional(StreamPipeOptions)]),
    tee: [],
  },
  asyncIterable: [optional(ReadableStreamIteratorOptions)],
});
bodyKinds.isStream = ReadableStream.is;
registerTransferable(
  "ReadableStream",
  ReadableStream.is,
  (value) => ReadableStream.inner(value).detached,
  (value) => [load("./transfer.js").transferReadable(ReadableStream.inner(value))],
  1,
  (_fields, _bodies, { 0: port }) => new ReadableStream(load("./transfer.js").receiveReadable(port)),
);
