// https://streams.spec.whatwg.org/#abstract-opdef-readablestreamdefaulttee
import { queueMicrotask, TypedArrayPrototypeGetSymbolToStringTag } from "../infra/primordials.js";
import { bytesOf } from "../infra/bytes.js";
import { Deferred, ignore, settleWith } from "./promises.js";
import { createReadableStream, readableStreamCancel } from "./readable_stream.js";
import {
  readableStreamDefaultControllerClose,
  readableStreamDefaultControllerEnqueue,
  readableStreamDefaultControllerError,
} from "./readable_stream_default_controller.js";
import {
  acquireReadableStreamDefaultReader,
  readableStreamDefaultReaderRead,
} from "./readable_stream_default_reader.js";

/** One of the two streams that a stream is teed into; its algorithms are those of createReadableStream. */
class Branch {
  canceled = false;
  reason = undefined;
  #tee;

  constructor(tee) {
    this.#tee = tee;
    this.stream = createReadableStream(this);
  }

  start() {}

  pull() {
    this.#tee.pull();
  }

  cancel(reason) {
    this.canceled = true;
    this.reason = reason;
    return this.#tee.cancel();
  }
}

/** The two branches and what they share; it is itself the read request of the reads from their source. */
class DefaultTee {
  #stream;
  #reader;
  #cloneForBranch2;
  #reading = false;
  #readAgain = false;
  #cancellation = new Deferred();

  constructor(stream, cloneForBranch2) {
    this.#stream = stream;
    this.#cloneForBranch2 = cloneForBranch2;
    this.#reader = acquireReadableStreamDefaultReader(stream);
    this.branch1 = new Branch(this);
    this.branch2 = new Branch(this);
    this.#reader.closed.upon(ignore, (r) => {
      this.#error(r);
      this.#finish();
    });
  }

  pull() {
    if (this.#reading) {
      this.#readAgain = true;
      return;
    }
    this.#reading = true;
    readableStreamDefaultReaderRead(this.#reader, this);
  }

  cancel() {
    const { branch1, branch2 } = this;
    if (branch1.canceled && branch2.canceled) {
      settleWith(this.#cancellation, readableStreamCancel(this.#stream, [branch1.reason, branch2.reason]));
    }
    return this.#cancellation;
  }

  // A microtask later, so that errors, of which the closed promise tells, reach both branches before this chunk.
  chunkSteps(chunk) {
    queueMicrotask(() => this.#forward(chunk));
  }

  #forward(chunk) {
    const { branch1, branch2 } = this;
    this.#readAgain = false;
    let chunk2 = chunk;
    if (!branch2.canceled && this.#cloneForBranch2) {
      try {
        chunk2 = cloneChunk(chunk);
      } catch (error) {
        this.#error(error);
        settleWith(this.#cancellation, readableStreamCancel(this.#stream, error));
        return;
      }
    }
    if (!branch1.canceled) readableStreamDefaultControllerEnqueue(branch1.stream.controller, chunk);
    if (!branch2.canceled) readableStreamDefaultControllerEnqueue(branch2.stream.controller, chunk2);
    this.#reading = false;
    if (this.#readAgain) this.pull();
  }

  closeSteps() {
    this.#reading = false;
    const { branch1, branch2 } = this;
    if (!branch1.canceled) readableStreamDefaultControllerClose(branch1.stream.controller);
    if (!branch2.canceled) readableStreamDefaultControllerClose(branch2.stream.controller);
    this.#finish();
  }

  errorSteps() {
    this.#reading = false;
  }

  #error(error) {
    readableStreamDefaultControllerError(this.branch1.stream.controller, error);
    readableStreamDefaultControllerError(this.branch2.stream.controller, error);
  }

  #finish() {
    if (!this.branch1.canceled || !this.branch2.canceled) this.#cancellation.resolve();
  }
}

/** https://streams.spec.whatwg.org/#abstract-opdef-structuredclone */
function cloneChunk(chunk) {
  if (TypedArrayPrototypeGetSymbolToStringTag(chunk) === "Uint8Array") return bytesOf(chunk);
  return load("../structured_clone/structured_clone.js").structuredClone(chunk, []);
}

/** Returns two inner streams. */
export function readableStreamDefaultTee(stream, cloneForBranch2) {
  const { branch1, branch2 } = new DefaultTee(stream, cloneForBranch2);
  return [branch1.stream, branch2.stream];
}
