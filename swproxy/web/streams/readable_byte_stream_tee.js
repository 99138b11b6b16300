// https://streams.spec.whatwg.org/#abstract-opdef-readablebytestreamtee
import { queueMicrotask } from "../infra/primordials.js";
import { bytesOf } from "../infra/bytes.js";
import { Deferred, ignore, settleWith } from "./promises.js";
import { createReadableByteStream, readableStreamCancel } from "./readable_stream.js";
import {
  acquireReadableStreamBYOBReader,
  readableStreamBYOBReaderRead,
  readableStreamBYOBReaderRelease,
} from "./readable_stream_byob_reader.js";
import {
  readableByteStreamControllerRespond,
  readableByteStreamControllerRespondWithNewView,
} from "./readable_stream_byob_request.js";
import {
  readableByteStreamControllerClose,
  readableByteStreamControllerEnqueue,
  readableByteStreamControllerError,
  readableByteStreamControllerGetBYOBRequest,
} from "./readable_byte_stream_controller.js";
import {
  acquireReadableStreamDefaultReader,
  readableStreamDefaultReaderRead,
  readableStreamDefaultReaderRelease,
} from "./readable_stream_default_reader.js";

/** One of the two streams that a stream is teed into; its algorithms are those of createReadableStream. */
class Branch {
  canceled = false;
  reason = undefined;
  readAgain = false;
  #tee;

  constructor(tee) {
    this.#tee = tee;
    this.stream = createReadableByteStream(this);
  }

  get controller() {
    return this.stream.controller;
  }

  start() {}

  pull() {
    this.#tee.pull(this);
  }

  cancel(reason) {
    this.canceled = true;
    this.reason = reason;
    return this.#tee.cancel();
  }

  close() {
    try {
      readableByteStreamControllerClose(this.controller);
    } catch {
      // It ends in the middle of an element that its reader waits for, and so is errored now.
    }
  }

  /** Gives a view back to the read that it came from, unless that has failed. */
  respondWithNewView(view) {
    if (this.controller.pendingPullIntos.length === 0) return;
    readableByteStreamControllerRespondWithNewView(this.controller, view);
  }

  /** Answers the reads that wait though there is nothing more to read. */
  respondToPendingPullIntos() {
    if (this.controller.pendingPullIntos.length > 0) readableByteStreamControllerRespond(this.controller, 0);
  }
}

class ByteTee {
  #stream;
  #reader;
  #reading = false;
  #cancellation = new Deferred();

  constructor(stream) {
    this.#stream = stream;
    this.#setReader(acquireReadableStreamDefaultReader(stream));
    this.branch1 = new Branch(this);
    this.branch2 = new Branch(this);
  }

  #setReader(reader) {
    this.#reader = reader;
    reader.closed.upon(ignore, (r) => {
      if (reader !== this.#reader) return;
      this.#error(r);
      this.#finish();
    });
  }

  pull(branch) {
    if (this.#reading) {
      branch.readAgain = true;
      return;
    }
    this.#reading = true;
    const byobRequest = readableByteStreamControllerGetBYOBRequest(branch.controller);
    if (byobRequest === null) this.#pullWithDefaultReader();
    else this.#pullWithBYOBReader(byobRequest.view, branch);
  }

  cancel() {
    const { branch1, branch2 } = this;
    if (branch1.canceled && branch2.canceled) {
      settleWith(this.#cancellation, readableStreamCancel(this.#stream, [branch1.reason, branch2.reason]));
    }
    return this.#cancellation;
  }

  #pullWithDefaultReader() {
    if (this.#reader.isBYOB) {
      readableStreamBYOBReaderRelease(this.#reader);
      this.#setReader(acquireReadableStreamDefaultReader(this.#stream));
    }
    readableStreamDefaultReaderRead(this.#reader, {
      // A microtask later, so that errors, of which the closed promise tells, reach both branches before this chunk.
      chunkSteps: (chunk) => queueMicrotask(() => this.#forward(chunk)),
      closeSteps: () => this.#close(),
      errorSteps: () => this.#stopReading(),
    });
  }

  #forward(chunk) {
    const { branch1, branch2 } = this;
    this.#forgetReadAgain();
    let chunk2 = chunk;
    if (!branch1.canceled && !branch2.canceled) {
      chunk2 = this.#clone(chunk);
      if (chunk2 === null) return;
    }
    if (!branch1.canceled) readableByteStreamControllerEnqueue(branch1.controller, chunk);
    if (!branch2.canceled) readableByteStreamControllerEnqueue(branch2.controller, chunk2);
    this.#pullAgain();
  }

  #close() {
    this.#stopReading();
    const { branch1, branch2 } = this;
    if (!branch1.canceled) branch1.close();
    if (!branch2.canceled) branch2.close();
    branch1.respondToPendingPullIntos();
    branch2.respondToPendingPullIntos();
    this.#finish();
  }

  #pullWithBYOBReader(view, byobBranch) {
    if (!this.#reader.isBYOB) {
      readableStreamDefaultReaderRelease(this.#reader);
      this.#setReader(acquireReadableStreamBYOBReader(this.#stream));
    }
    const otherBranch = byobBranch === this.branch1 ? this.branch2 : this.branch1;
    readableStreamBYOBReaderRead(this.#reader, view, 1, {
      chunkSteps: (chunk) => queueMicrotask(() => this.#forwardInto(byobBranch, otherBranch, chunk)),
      closeSteps: (chunk) => this.#closeInto(byobBranch, otherBranch, chunk),
      errorSteps: () => this.#stopReading(),
    });
  }

  #forwardInto(byobBranch, otherBranch, chunk) {
    this.#forgetReadAgain();
    let clonedChunk;
    if (!otherBranch.canceled) {
      clonedChunk = this.#clone(chunk);
      if (clonedChunk === null) return;
    }
    if (!byobBranch.canceled) byobBranch.respondWithNewView(chunk);
    if (!otherBranch.canceled) readableByteStreamControllerEnqueue(otherBranch.controller, clonedChunk);
    this.#pullAgain();
  }

  #closeInto(byobBranch, otherBranch, chunk) {
    this.#stopReading();
    const byobCanceled = byobBranch.canceled;
    const otherCanceled = otherBranch.canceled;
    if (!byobCanceled) byobBranch.close();
    if (!otherCanceled) otherBranch.close();
    if (chunk !== undefined) {
      if (!byobCanceled) byobBranch.respondWithNewView(chunk);
      if (!otherCanceled) otherBranch.respondToPendingPullIntos();
    }
    if (!byobCanceled || !otherCanceled) this.#cancellation.resolve();
  }

  #stopReading() {
    this.#reading = false;
  }

  #forgetReadAgain() {
    this.branch1.readAgain = false;
    this.branch2.readAgain = false;
  }

  #pullAgain() {
    this.#reading = false;
    if (this.branch1.readAgain) this.pull(this.branch1);
    else if (this.branch2.readAgain) this.pull(this.branch2);
  }

  /** A copy of the chunk; null if that fails, which errors both branches. */
  #clone(chunk) {
    try {
      return bytesOf(chunk);
    } catch (error) {
      this.#error(error);
      settleWith(this.#cancellation, readableStreamCancel(this.#stream, error));
      return null;
    }
  }

  #error(error) {
    readableByteStreamControllerError(this.branch1.controller, error);
    readableByteStreamControllerError(this.branch2.controller, error);
  }

  #finish() {
    if (!this.branch1.canceled || !this.branch2.canceled) this.#cancellation.resolve();
  }
}

/** Returns two inner streams. */
export function readableByteStreamTee(stream) {
  const { branch1, branch2 } = new ByteTee(stream);
  return [branch1.stream, branch2.stream];
}
