// https://streams.spec.whatwg.org/#ws-class and #ws-all-abstract-ops
import {
  PromiseReject,
  PromiseResolve,
  RangeErrorConstructor,
  ReflectApply,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { registerTransferable } from "../structured_clone/registry.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import { any, callbackFunction, dictionary, interfaceType, object, Place } from "../webidl/types.js";
import { Deferred, invokePromising, upon } from "./promises.js";
import { extractHighWaterMark, extractSizeAlgorithm, QueuingStrategy } from "./queuing_strategy.js";
import { Queue } from "./queue.js";

/** The internal slots of a WritableStream. A request is what has resolve() and reject(reason). */
export class InnerWritableStream {
  backpressure = false;
  /** an InnerWritableStreamDefaultController */
  controller = undefined;
  detached = false;
  /** an InnerWriter */
  writer = undefined;
  state = "writable";
  storedError = undefined;
  writeRequests = new Queue();
  inFlightWriteRequest = undefined;
  closeRequest = undefined;
  inFlightCloseRequest = undefined;
  /** { deferred, reason, wasAlreadyErroring } */
  pendingAbortRequest = undefined;
}

// Working with writable streams

/**
 * @param algorithms an object with start(controller), write(chunk), close() and abort(reason); all but the first
 *   return completions
 * @param sizeAlgorithm a function, or undefined for the one that returns 1
 */
export function createWritableStream(algorithms, highWaterMark = 1, sizeAlgorithm = undefined) {
  const stream = new InnerWritableStream();
  load("./writable_stream_default_controller.js").setUpWritableStreamDefaultController(
    stream,
    algorithms,
    highWaterMark,
    sizeAlgorithm,
  );
  return stream;
}

export const isWritableStreamLocked = (stream) => stream.writer !== undefined;

const isFinished = ({ state }) => state === "closed" || state === "errored";

/** Returns a promise. */
export function writableStreamAbort(stream, reason) {
  if (isFinished(stream)) return PromiseResolve(undefined);
  stream.controller.signalAbort(reason);
  if (isFinished(stream)) return PromiseResolve(undefined); // the signal's listeners may have done that
  if (stream.pendingAbortRequest !== undefined) return stream.pendingAbortRequest.deferred.promise;
  const wasAlreadyErroring = stream.state === "erroring";
  const deferred = new Deferred();
  stream.pendingAbortRequest = { deferred, reason: wasAlreadyErroring ? undefined : reason, wasAlreadyErroring };
  if (!wasAlreadyErroring) writableStreamStartErroring(stream, reason);
  return deferred.promise;
}

/** Returns a promise. */
export function writableStreamClose(stream) {
  if (isFinished(stream)) {
    return PromiseReject(new TypeErrorConstructor(`The stream is ${stream.state} and cannot be closed.`));
  }
  const closeRequest = new Deferred();
  stream.closeRequest = closeRequest;
  const { controller, writer } = stream;
  if (writer !== undefined && stream.backpressure && stream.state === "writable") writer.ready.resolve();
  load("./writable_stream_default_controller.js").writableStreamDefaultControllerClose(controller);
  return closeRequest.promise;
}

// Interfacing with controllers

export const writableStreamCloseQueuedOrInFlight = (stream) =>
  stream.closeRequest !== undefined || stream.inFlightCloseRequest !== undefined;

export function writableStreamDealWithRejection(stream, error) {
  if (stream.state === "writable") writableStreamStartErroring(stream, error);
  else writableStreamFinishErroring(stream);
}

export function writableStreamFinishErroring(stream) {
  stream.state = "errored";
  stream.controller.errorSteps();
  const { pendingAbortRequest, storedError, writeRequests } = stream;
  stream.writeRequests = new Queue();
  while (writeRequests.length > 0) writeRequests.shift().reject(storedError);
  if (pendingAbortRequest === undefined) {
    writableStreamRejectCloseAndClosedPromiseIfNeeded(stream);
    return;
  }
  stream.pendingAbortRequest = undefined;
  const { deferred, reason, wasAlreadyErroring } = pendingAbortRequest;
  if (wasAlreadyErroring) {
    deferred.reject(storedError);
    writableStreamRejectCloseAndClosedPromiseIfNeeded(stream);
    return;
  }
  const onAborted = () => {
    deferred.resolve();
    writableStreamRejectCloseAndClosedPromiseIfNeeded(stream);
  };
  const onFailed = (error) => {
    deferred.reject(error);
    writableStreamRejectCloseAndClosedPromiseIfNeeded(stream);
  };
  upon(stream.controller.abortSteps(reason), onAborted, onFailed);
}

export function writableStreamFinishInFlightClose(stream) {
  stream.inFlightCloseRequest.resolve();
  stream.inFlightCloseRequest = undefined;
  if (stream.state === "erroring") {
    stream.storedError = undefined; // the error was too late to do anything
    if (stream.pendingAbortRequest !== undefined) {
      stream.pendingAbortRequest.deferred.resolve();
      stream.pendingAbortRequest = undefined;
    }
  }
  stream.state = "closed";
  if (stream.writer !== undefined) stream.writer.closed.resolve();
}

export function writableStreamFinishInFlightCloseWithError(stream, error) {
  stream.inFlightCloseRequest.reject(error);
  stream.inFlightCloseRequest = undefined;
  if (stream.pendingAbortRequest !== undefined) {
    stream.pendingAbortRequest.deferred.reject(error);
    stream.pendingAbortRequest = undefined;
  }
  writableStreamDealWithRejection(stream, error);
}

export function writableStreamFinishInFlightWrite(stream) {
  stream.inFlightWriteRequest.resolve();
  stream.inFlightWriteRequest = undefined;
}

export function writableStreamFinishInFlightWriteWithError(stream, error) {
  stream.inFlightWriteRequest.reject(error);
  stream.inFlightWriteRequest = undefined;
  writableStreamDealWithRejection(stream, error);
}

const writableStreamHasOperationMarkedInFlight = (stream) =>
  stream.inFlightWriteRequest !== undefined || stream.inFlightCloseRequest !== undefined;

export function writableStreamMarkCloseRequestInFlight(stream) {
  stream.inFlightCloseRequest = stream.closeRequest;
  stream.closeRequest = undefined;
}

export function writableStreamMarkFirstWriteRequestInFlight(stream) {
  stream.inFlightWriteRequest = stream.writeRequests.shift();
}

function writableStreamRejectCloseAndClosedPromiseIfNeeded(stream) {
  if (stream.closeRequest !== undefined) {
    stream.closeRequest.reject(stream.storedError);
    stream.closeRequest = undefined;
  }
  if (stream.writer !== undefined) stream.writer.closed.reject(stream.storedError, true);
}

export function writableStreamStartErroring(stream, reason) {
  const { controller, writer } = stream;
  stream.state = "erroring";
  stream.storedError = reason;
  if (writer !== undefined) writer.ensureReadyPromiseRejected(reason);
  if (!writableStreamHasOperationMarkedInFlight(stream) && controller.started) writableStreamFinishErroring(stream);
}

export function writableStreamUpdateBackpressure(stream, backpressure) {
  const { writer } = stream;
  if (writer !== undefined && backpressure !== stream.backpressure) {
    if (backpressure) writer.ready = new Deferred();
    else writer.ready.resolve();
  }
  stream.backpressure = backpressure;
}

// The interface

const UnderlyingSink = dictionary("UnderlyingSink", {
  abort: callbackFunction,
  close: callbackFunction,
  start: callbackFunction,
  type: any,
  write: callbackFunction,
});

/** The algorithms of a controller that has a script's underlying sink. */
class UnderlyingSinkAlgorithms {
  #sink;
  #callbacks;
  #controller;

  constructor(sink, callbacks) {
    this.#sink = sink;
    this.#callbacks = callbacks;
  }

  start(controller) {
    this.#controller = controller;
    const { start } = this.#callbacks;
    return start === undefined ? undefined : ReflectApply(start, this.#sink, [controller.object]);
  }

  write(chunk) {
    const { write } = this.#callbacks;
    return write === undefined ? undefined : invokePromising(write, this.#sink, [chunk, this.#controller.object]);
  }

  close() {
    const { close } = this.#callbacks;
    return close === undefined ? undefined : invokePromising(close, this.#sink, []);
  }

  abort(reason) {
    const { abort } = this.#callbacks;
    return abort === undefined ? undefined : invokePromising(abort, this.#sink, [reason]);
  }
}

export class WritableStream {
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

  /** https://streams.spec.whatwg.org/#ws-constructor */
  static construct(underlyingSink, strategy) {
    const sink = UnderlyingSink.convert(underlyingSink, new Place("Failed to construct 'WritableStream'"));
    if (sink.type !== undefined) throw new RangeErrorConstructor("The type of an underlying sink is reserved.");
    const sizeAlgorithm = extractSizeAlgorithm(strategy);
    const highWaterMark = extractHighWaterMark(strategy, 1);
    return [createWritableStream(new UnderlyingSinkAlgorithms(underlyingSink, sink), highWaterMark, sizeAlgorithm)];
  }

  get locked() {
    return isWritableStreamLocked(this.#stream);
  }

  abort(reason) {
    if (isWritableStreamLocked(this.#stream)) throw failed("abort", "locked");
    return writableStreamAbort(this.#stream, reason);
  }

  close() {
    if (isWritableStreamLocked(this.#stream)) throw failed("close", "locked");
    if (writableStreamCloseQueuedOrInFlight(this.#stream)) throw failed("close", "closing already");
    return writableStreamClose(this.#stream);
  }

  getWriter() {
    const writer = load("./writable_stream_default_writer.js");
    return new writer.WritableStreamDefaultWriter(writer.acquireWritableStreamDefaultWriter(this.#stream));
  }
}

const failed = (method, what) =>
  new TypeErrorConstructor(`Failed to execute '${method}' on 'WritableStream': The stream is ${what}.`);

export const writableStreamType = interfaceType("WritableStream", WritableStream.is);

defineInterface(WritableStream, {
  constructor: [optional(object), optional(QueuingStrategy)],
  readonly: ["locked"],
  operations: { abort: promising([optional(any)]), close: promising([]), getWriter: [] },
});
registerTransferable(
  "WritableStream",
  WritableStream.is,
  (value) => WritableStream.inner(value).detached,
  (value) => [load("./transfer.js").transferWritable(WritableStream.inner(value))],
  1,
  (_fields, _bodies, { 0: port }) => new WritableStream(load("./transfer.js").receiveWritable(port)),
);
