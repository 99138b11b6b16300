// https://streams.spec.whatwg.org/#generic-reader-mixin and #rs-reader-abstract-ops
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  PromiseWithResolvers,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { Deferred } from "./promises.js";
import { Queue } from "./queue.js";
import { isReadableStreamLocked, readableStreamCancel } from "./readable_stream.js";

/**
 * The internal slots of either reader. Its requests are [[readRequests]] or [[readIntoRequests]]: objects with
 * chunkSteps(chunk), closeSteps(chunk), which gets undefined from a default reader, and errorSteps(e).
 */
export class InnerReader {
  isBYOB;
  stream;
  closed;
  requests = new Queue();

  /** ReadableStreamReaderGenericInitialize, and the check for the lock before it. */
  constructor(stream, isBYOB) {
    if (isReadableStreamLocked(stream)) throw new TypeErrorConstructor("The ReadableStream is locked to a reader.");
    this.isBYOB = isBYOB;
    this.stream = stream;
    stream.reader = this;
    if (stream.state === "readable") this.closed = new Deferred();
    else if (stream.state === "closed") this.closed = Deferred.resolved();
    else this.closed = Deferred.rejected(stream.storedError);
  }
}

export const released = () => new TypeErrorConstructor("The reader has been released.");

export function readableStreamReaderGenericRelease(reader) {
  const { stream } = reader;
  if (stream.state === "readable") reader.closed.reject(released(), true);
  else reader.closed = Deferred.rejected(released());
  stream.controller.releaseSteps();
  stream.reader = undefined;
  reader.stream = undefined;
}

/** A request that settles the promise of a script's read(). */
export class PromiseReadRequest {
  constructor() {
    const { promise, resolve, reject } = PromiseWithResolvers();
    this.promise = promise;
    this.resolve = resolve;
    this.errorSteps = reject;
  }

  chunkSteps(chunk) {
    this.resolve({ done: false, value: chunk });
  }

  closeSteps(chunk) {
    this.resolve({ done: true, value: chunk });
  }
}

/** Adds the members of the mixin to the prototype of a class whose static inner(object) gives the InnerReader. */
export function mixInGenericReader(implementation) {
  const { inner, prototype } = implementation;
  const members = {
    get closed() {
      return inner(this).closed.promise;
    },
    cancel(reason) {
      const { stream } = inner(this);
      if (stream === undefined) throw released();
      return readableStreamCancel(stream, reason);
    },
  };
  ObjectDefineProperty(prototype, "closed", ObjectGetOwnPropertyDescriptor(members, "closed"));
  ObjectDefineProperty(prototype, "cancel", ObjectGetOwnPropertyDescriptor(members, "cancel"));
}
