// https://streams.spec.whatwg.org/#ts-default-controller-class
import { PromiseReject, TypeErrorConstructor } from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { any } from "../webidl/types.js";
import { Deferred, upon } from "./promises.js";
import {
  readableStreamDefaultControllerCanCloseOrEnqueue,
  readableStreamDefaultControllerClose,
  readableStreamDefaultControllerEnqueue,
  readableStreamDefaultControllerGetDesiredSize,
  readableStreamDefaultControllerHasBackpressure,
} from "./readable_stream_default_controller.js";
import {
  transformStreamError,
  transformStreamErrorWritableAndUnblockWrite,
  transformStreamSetBackpressure,
} from "./transform_stream.js";

/** The internal slots of a TransformStreamDefaultController. */
class InnerTransformStreamDefaultController {
  stream;
  algorithms;
  #finished = null; // [[finishPromise]], a Deferred
  #object = null;

  constructor(stream, algorithms) {
    this.stream = stream;
    this.algorithms = algorithms;
  }

  /** The TransformStreamDefaultController. */
  get object() {
    this.#object ??= new TransformStreamDefaultController(this);
    return this.#object;
  }

  clearAlgorithms() {
    this.algorithms = undefined;
  }

  /** The transform algorithm without a transformer's: returns a completion. */
  forward(chunk) {
    try {
      transformStreamDefaultControllerEnqueue(this, chunk);
    } catch (error) {
      return PromiseReject(error);
    }
    return undefined;
  }

  /** TransformStreamDefaultControllerPerformTransform: returns a completion. */
  performTransform(chunk) {
    const transformed = this.algorithms.transform(chunk);
    if (transformed === undefined) return undefined;
    const performed = new Deferred();
    upon(
      transformed,
      () => performed.resolve(),
      (r) => {
        transformStreamError(this.stream, r);
        performed.reject(r);
      },
    );
    return performed;
  }

  /**
   * What closing, aborting and cancelling have in common: runs an algorithm, unless one of them has done so already,
   * and then tells the other side.
   * @param algorithm returns a completion
   * @param otherSide an inner stream: if it is errored by then, its error is the outcome
   */
  finish(algorithm, onFulfilled, onRejected, otherSide) {
    if (this.#finished !== null) return this.#finished;
    const finished = new Deferred();
    this.#finished = finished;
    // The algorithms are gone if the transformer has failed while the writable side was waiting to abort.
    const completion = this.algorithms === undefined ? undefined : algorithm();
    this.clearAlgorithms();
    upon(
      completion,
      () => {
        if (otherSide.state === "errored") {
          finished.reject(otherSide.storedError);
        } else {
          onFulfilled();
          finished.resolve();
        }
      },
      (r) => {
        onRejected(r);
        finished.reject(r);
      },
    );
    return finished;
  }
}

export function setUpTransformStreamDefaultController(stream, algorithms) {
  stream.controller = new InnerTransformStreamDefaultController(stream, algorithms);
}

/** Throws a TypeError if the readable side is closed or errored, and what its size algorithm throws. */
export function transformStreamDefaultControllerEnqueue(controller, chunk) {
  const { stream } = controller;
  const readableController = stream.readable.controller;
  if (!readableStreamDefaultControllerCanCloseOrEnqueue(readableController)) {
    throw new TypeErrorConstructor("The readable side of the TransformStream is closed, closing or errored.");
  }
  try {
    readableStreamDefaultControllerEnqueue(readableController, chunk);
  } catch (error) {
    transformStreamErrorWritableAndUnblockWrite(stream, error);
    throw stream.readable.storedError;
  }
  const backpressure = readableStreamDefaultControllerHasBackpressure(readableController);
  if (backpressure !== stream.backpressure) transformStreamSetBackpressure(stream, true);
}

export function transformStreamDefaultControllerTerminate(controller) {
  const { stream } = controller;
  readableStreamDefaultControllerClose(stream.readable.controller);
  const error = new TypeErrorConstructor("The TransformStream has been terminated.");
  transformStreamErrorWritableAndUnblockWrite(stream, error);
}

export class TransformStreamDefaultController {
  #controller;

  constructor(controller) {
    this.#controller = controller;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #controller in value;
  }

  get desiredSize() {
    return readableStreamDefaultControllerGetDesiredSize(this.#controller.stream.readable.controller);
  }

  enqueue(chunk) {
    transformStreamDefaultControllerEnqueue(this.#controller, chunk);
  }

  error(reason) {
    transformStreamError(this.#controller.stream, reason);
  }

  terminate() {
    transformStreamDefaultControllerTerminate(this.#controller);
  }
}

defineInterface(TransformStreamDefaultController, {
  readonly: ["desiredSize"],
  operations: { enqueue: [optional(any)], error: [optional(any)], terminate: [] },
});
