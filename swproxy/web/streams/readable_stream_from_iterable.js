// https://streams.spec.whatwg.org/#readable-stream-from-iterable
import { PromisePrototypeThen } from "../infra/primordials.js";
import { endOfIteration } from "../webidl/async_iterable.js";
import { createReadableStream } from "./readable_stream.js";
import {
  readableStreamDefaultControllerClose,
  readableStreamDefaultControllerEnqueue,
  readableStreamDefaultControllerError,
} from "./readable_stream_default_controller.js";

class IterableAlgorithms {
  #iterator;
  #controller;

  constructor(iterator) {
    this.#iterator = iterator;
  }

  start(controller) {
    this.#controller = controller;
  }

  pull() {
    const controller = this.#controller;
    return PromisePrototypeThen(
      this.#iterator.next(),
      (value) => {
        if (value === endOfIteration) readableStreamDefaultControllerClose(controller);
        else readableStreamDefaultControllerEnqueue(controller, value);
      },
      (reason) => readableStreamDefaultControllerError(controller, reason),
    );
  }

  cancel(reason) {
    return this.#iterator.close(reason);
  }
}

/** Returns an inner stream. */
export const readableStreamFromIterable = (asyncSequence) =>
  createReadableStream(new IterableAlgorithms(asyncSequence.open()), 0);
