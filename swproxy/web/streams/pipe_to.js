// https://streams.spec.whatwg.org/#readable-stream-pipe-to
import { queueMicrotask, TypeErrorConstructor } from "../infra/primordials.js";
import { Deferred, ignore, upon } from "./promises.js";
import { readableStreamCancel } from "./readable_stream.js";
import {
  acquireReadableStreamDefaultReader,
  readableStreamDefaultReaderRead,
  readableStreamDefaultReaderRelease,
} from "./readable_stream_default_reader.js";
import { writableStreamAbort, writableStreamCloseQueuedOrInFlight } from "./writable_stream.js";
import {
  acquireWritableStreamDefaultWriter,
  writableStreamDefaultWriterCloseWithErrorPropagation,
  writableStreamDefaultWriterRelease,
  writableStreamDefaultWriterWrite,
} from "./writable_stream_default_writer.js";

const nothing = { __proto__: null };

/** A pipe is the read request of its reads and the write request of its writes. */
class Pipe {
  #source;
  #dest;
  #reader;
  #writer;
  #options;
  #result = new Deferred();
  #shuttingDown = false;
  #chunk = nothing; // read and not yet written
  #writes = 0; // not yet settled
  #onWritten = null;

  constructor(source, dest, options) {
    this.#source = source;
    this.#dest = dest;
    this.#options = options;
    this.#reader = acquireReadableStreamDefaultReader(source);
    this.#writer = acquireWritableStreamDefaultWriter(dest);
    source.disturbed = true;
  }

  start() {
    const { signal } = this.#options;
    if (signal !== undefined) {
      const { AbortSignal } = load("../abort/abort_signal.js");
      if (AbortSignal.isAborted(signal)) {
        this.#abort(AbortSignal.reasonOf(signal));
        return this.#result;
      }
      AbortSignal.add(signal, this.#abort);
    }
    this.#propagate();
    this.#continue();
    return this.#result;
  }

  #abort = (error) => {
    const { preventAbort, preventCancel } = this.#options;
    this.#shutdown({ error }, () => {
      let aborted;
      let canceled;
      if (!preventAbort && this.#dest.state === "writable") aborted = writableStreamAbort(this.#dest, error);
      if (!preventCancel && this.#source.state === "readable") canceled = readableStreamCancel(this.#source, error);
      return allOf(aborted, canceled);
    });
  };

  /** "Error and close states must be propagated", in this order. */
  #propagate() {
    const source = this.#source;
    const dest = this.#dest;
    if (source.state === "errored") this.#sourceErrored();
    else this.#reader.closed.upon(ignore, () => this.#sourceErrored());
    if (dest.state === "errored") this.#destErrored();
    else this.#writer.closed.upon(ignore, () => this.#destErrored());
    if (source.state === "closed") this.#sourceClosed();
    else this.#reader.closed.upon(() => this.#sourceClosed(), ignore);
    if (writableStreamCloseQueuedOrInFlight(dest) || dest.state === "closed") {
      this.#cancelSource(new TypeErrorConstructor("The destination of the pipe is closed or closing."));
    }
  }

  #sourceErrored() {
    const error = this.#source.storedError;
    this.#shutdown({ error }, this.#options.preventAbort ? null : () => writableStreamAbort(this.#dest, error));
  }

  #destErrored() {
    this.#cancelSource(this.#dest.storedError);
  }

  #cancelSource(error) {
    this.#shutdown({ error }, this.#options.preventCancel ? null : () => readableStreamCancel(this.#source, error));
  }

  #sourceClosed() {
    const close = () => writableStreamDefaultWriterCloseWithErrorPropagation(this.#writer);
    this.#shutdown(null, this.#options.preventClose ? null : close);
  }

  /** "Backpressure must be enforced": reads when the writer is ready. */
  #continue() {
    if (this.#shuttingDown) return;
    this.#writer.ready.upon(this.#read, ignore);
  }

  #read = () => {
    if (this.#shuttingDown || this.#dest.state !== "writable") return;
    readableStreamDefaultReaderRead(this.#reader, this);
  };

  // Not within the enqueue() that brought the chunk: https://github.com/whatwg/streams/issues/1243
  chunkSteps(chunk) {
    this.#chunk = chunk;
    queueMicrotask(this.#writeAndContinue);
  }

  closeSteps() {}

  errorSteps() {}

  #writeAndContinue = () => {
    this.#write();
    this.#continue();
  };

  #write() {
    if (this.#chunk === nothing) return;
    const chunk = this.#chunk;
    this.#chunk = nothing;
    this.#writes++;
    writableStreamDefaultWriterWrite(this.#writer, chunk, this);
  }

  resolve() {
    this.#writes--;
    if (this.#writes === 0 && this.#onWritten !== null) queueMicrotask(this.#onWritten);
  }

  reject() {
    this.resolve();
  }

  /**
   * "Shutdown" or "shutdown with an action".
   * @param failure { error }, or null
   * @param action returns a completion, or null for none
   */
  #shutdown(failure, action) {
    if (this.#shuttingDown) return;
    this.#shuttingDown = true;
    const act = () => {
      if (action === null) this.#finalize(failure);
      else
        upon(
          action(),
          () => this.#finalize(failure),
          (error) => this.#finalize({ error }),
        );
    };
    if (this.#dest.state !== "writable" || writableStreamCloseQueuedOrInFlight(this.#dest)) {
      act();
      return;
    }
    this.#write();
    if (this.#writes === 0) queueMicrotask(act);
    else this.#onWritten = act;
  }

  #finalize(failure) {
    writableStreamDefaultWriterRelease(this.#writer);
    readableStreamDefaultReaderRelease(this.#reader);
    const { signal } = this.#options;
    if (signal !== undefined) load("../abort/abort_signal.js").AbortSignal.remove(signal, this.#abort);
    if (failure === null) this.#result.resolve();
    else this.#result.reject(failure.error);
  }
}

/** "Getting a promise to wait for all" of two completions. */
function allOf(first, second) {
  if (first === undefined || second === undefined) return first ?? second;
  const both = new Deferred();
  let missing = 2;
  const onFulfilled = () => {
    if (--missing === 0) both.resolve();
  };
  const onRejected = (reason) => both.reject(reason);
  upon(first, onFulfilled, onRejected);
  upon(second, onFulfilled, onRejected);
  return both;
}

/**
 * Neither of the inner streams may be locked.
 * @param options { preventClose, preventAbort, preventCancel, signal }; the last may be undefined
 * @returns a Deferred
 */
export const readableStreamPipeTo = (source, dest, options) => new Pipe(source, dest, options).start();
