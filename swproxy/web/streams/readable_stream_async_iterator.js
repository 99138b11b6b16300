// https://streams.spec.whatwg.org/#rs-asynciterator
import { PromiseResolve, PromiseWithResolvers } from "../infra/primordials.js";
import { endOfIteration } from "../webidl/async_iterable.js";
import { readableStreamCancel } from "./readable_stream.js";
import {
  acquireReadableStreamDefaultReader,
  readableStreamDefaultReaderRead,
  readableStreamDefaultReaderRelease,
} from "./readable_stream_default_reader.js";

/** What async_iterable.js asks for chunks. */
export class ReadableStreamAsyncIterator {
  #reader;
  #preventCancel;

  constructor(stream, preventCancel) {
    this.#reader = acquireReadableStreamDefaultReader(stream);
    this.#preventCancel = preventCancel;
  }

  next() {
    const reader = this.#reader;
    const { promise, resolve, reject } = PromiseWithResolvers();
    readableStreamDefaultReaderRead(reader, {
      chunkSteps: resolve,
      closeSteps() {
        readableStreamDefaultReaderRelease(reader);
        resolve(endOfIteration);
      },
      errorSteps(e) {
        readableStreamDefaultReaderRelease(reader);
        reject(e);
      },
    });
    return promise;
  }

  return(reason) {
    const result = this.#preventCancel
      ? PromiseResolve(undefined)
      : readableStreamCancel(this.#reader.stream, reason);
    readableStreamDefaultReaderRelease(this.#reader);
    return result;
  }
}
