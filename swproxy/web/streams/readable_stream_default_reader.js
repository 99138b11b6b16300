// https://streams.spec.whatwg.org/#default-reader-class
import { defineInterface, optional, promising } from "../webidl/interface.js";
import { any } from "../webidl/types.js";
import { readableStreamReaderErrorRequests, readableStreamType, ReadableStream } from "./readable_stream.js";
import {
  InnerReader,
  mixInGenericReader,
  PromiseReadRequest,
  readableStreamReaderGenericRelease,
  released,
} from "./readable_stream_generic_reader.js";

export const acquireReadableStreamDefaultReader = (stream) => new InnerReader(stream, false);

export function readableStreamDefaultReaderRead(reader, readRequest) {
  const { stream } = reader;
  stream.disturbed = true;
  if (stream.state === "readable") stream.controller.pullSteps(readRequest);
  else if (stream.state === "closed") readRequest.closeSteps(undefined);
  else readRequest.errorSteps(stream.storedError);
}

export function readableStreamDefaultReaderRelease(reader) {
  readableStreamReaderGenericRelease(reader);
  readableStreamReaderErrorRequests(reader, released());
}

export class ReadableStreamDefaultReader {
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
    return [acquireReadableStreamDefaultReader(ReadableStream.inner(stream))];
  }

  read() {
    const reader = this.#reader;
    if (reader.stream === undefined) throw released();
    const readRequest = new PromiseReadRequest();
    readableStreamDefaultReaderRead(reader, readRequest);
    return readRequest.promise;
  }

  releaseLock() {
    if (this.#reader.stream !== undefined) readableStreamDefaultReaderRelease(this.#reader);
  }
}

mixInGenericReader(ReadableStreamDefaultReader);
defineInterface(ReadableStreamDefaultReader, {
  constructor: [readableStreamType],
  attributes: { closed: promising(any) },
  operations: { cancel: promising([optional(any)]), read: promising([]), releaseLock: [] },
});
