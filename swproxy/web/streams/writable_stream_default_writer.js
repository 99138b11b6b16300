// https://streams.spec.whatwg.org/#default-writer-class
import { PromiseReject, PromiseResolve, PromiseWithResolvers, TypeErrorConstructor } from "../infra/primordials.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import { any } from "../webidl/types.js";
import { Deferred } from "./promises.js";
import {
  isWritableStreamLocked,
  WritableStream,
  writableStreamAbort,
  writableStreamClose,
  writableStreamCloseQueuedOrInFlight,
  writableStreamType,
} from "./writable_stream.js";
import {
  writableStreamDefaultControllerGetChunkSize,
  writableStreamDefaultControllerGetDesiredSize,
  writableStreamDefaultControllerWrite,
} from "./writable_stream_default_controller.js";

/** The internal slots of a WritableStreamDefaultWriter. */
class InnerWriter {
  stream;
  ready;
  closed;

  /** SetUpWritableStreamDefaultWriter */
  constructor(stream) {
    if (isWritableStreamLocked(stream)) throw new TypeErrorConstructor("The WritableStream is locked to a writer.");
    this.stream = stream;
    stream.writer = this;
    const { state, storedError } = stream;
    if (state === "writable" && !writableStreamCloseQueuedOrInFlight(stream) && stream.backpressure) {
      this.ready = new Deferred();
    } else if (state === "writable" || state === "closed") {
      this.ready = Deferred.resolved();
    } else {
      this.ready = Deferred.rejected(storedError);
    }
    if (state === "closed") this.closed = Deferred.resolved();
    else this.closed = state === "errored" ? Deferred.rejected(storedError) : new Deferred();
  }

  /** WritableStreamDefaultWriterEnsureReadyPromiseRejected */
  ensureReadyPromiseRejected(error) {
    this.ready = ensureRejected(this.ready, error);
  }

  /** WritableStreamDefaultWriterEnsureClosedPromiseRejected */
  ensureClosedPromiseRejected(error) {
    this.closed = ensureRejected(this.closed, error);
  }
}

function ensureRejected(deferred, error) {
  if (!deferred.isPending) return Deferred.rejected(error);
  deferred.reject(error, true);
  return deferred;
}

export const acquireWritableStreamDefaultWriter = (stream) => new InnerWriter(stream);

/** Returns a promise. */
export function writableStreamDefaultWriterCloseWithErrorPropagation(writer) {
  const { stream } = writer;
  if (writableStreamCloseQueuedOrInFlight(stream) || stream.state === "closed") return PromiseResolve(undefined);
  if (stream.state === "errored") return PromiseReject(stream.storedError);
  return writableStreamClose(stream);
}

function writableStreamDefaultWriterGetDesiredSize({ stream }) {
  const { state } = stream;
  if (state === "errored" || state === "erroring") return null;
  return state === "closed" ? 0 : writableStreamDefaultControllerGetDesiredSize(stream.controller);
}

export function writableStreamDefaultWriterRelease(writer) {
  const releasedError = released();
  writer.ensureReadyPromiseRejected(releasedError);
  writer.ensureClosedPromiseRejected(releasedError);
  writer.stream.writer = undefined;
  writer.stream = undefined;
}

/** `request` is the promise that the standard returns: what has resolve() and reject(reason). */
export function writableStreamDefaultWriterWrite(writer, chunk, request) {
  const { stream } = writer;
  const { controller } = stream;
  const chunkSize = writableStreamDefaultControllerGetChunkSize(controller, chunk);
  const { state } = stream;
  if (stream !== writer.stream) {
    request.reject(released()); // by the size algorithm
  } else if (state === "errored") {
    request.reject(stream.storedError);
  } else if (writableStreamCloseQueuedOrInFlight(stream) || state === "closed") {
    request.reject(new TypeErrorConstructor("The stream is closing or closed and cannot be written to."));
  } else if (state === "erroring") {
    request.reject(stream.storedError);
  } else {
    stream.writeRequests.push(request);
    writableStreamDefaultControllerWrite(controller, chunk, chunkSize);
  }
}

const released = () => new TypeErrorConstructor("The writer has been released.");

export class WritableStreamDefaultWriter {
  #writer;

  constructor(writer) {
    this.#writer = writer;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #writer in value;
  }

  static construct(stream) {
    return [acquireWritableStreamDefaultWriter(WritableStream.inner(stream))];
  }

  #streamOrThrow() {
    const { stream } = this.#writer;
    if (stream === undefined) throw released();
    return stream;
  }

  get closed() {
    return this.#writer.closed.promise;
  }

  get desiredSize() {
    this.#streamOrThrow();
    return writableStreamDefaultWriterGetDesiredSize(this.#writer);
  }

  get ready() {
    return this.#writer.ready.promise;
  }

  abort(reason) {
    return writableStreamAbort(this.#streamOrThrow(), reason);
  }

  close() {
    const stream = this.#streamOrThrow();
    if (writableStreamCloseQueuedOrInFlight(stream)) throw new TypeErrorConstructor("The stream is closing already.");
    return writableStreamClose(stream);
  }

  releaseLock() {
    if (this.#writer.stream !== undefined) writableStreamDefaultWriterRelease(this.#writer);
  }

  write(chunk) {
    this.#streamOrThrow();
    const request = PromiseWithResolvers();
    writableStreamDefaultWriterWrite(this.#writer, chunk, request);
    return request.promise;
  }
}

defineInterface(WritableStreamDefaultWriter, {
  constructor: [writableStreamType],
  readonly: ["desiredSize"],
  attributes: { closed: promising(any), ready: promising(any) },
  operations: {
    abort: promising([optional(any)]),
    close: promising([]),
    releaseLock: [],
    write: promising([optional(any)]),
  },
});
