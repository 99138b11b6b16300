// https://streams.spec.whatwg.org/#ts-class and #ts-all-abstract-ops
import { RangeErrorConstructor, ReflectApply } from "../infra/primordials.js";
import { registerTransferable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { any, callbackFunction, dictionary, object, Place } from "../webidl/types.js";
import { completionOf, Deferred, ignore, invokePromising, settleWith } from "./promises.js";
import { extractHighWaterMark, extractSizeAlgorithm, QueuingStrategy } from "./queuing_strategy.js";
import { createReadableStream, ReadableStream } from "./readable_stream.js";
import {
  readableStreamDefaultControllerClose,
  readableStreamDefaultControllerError,
} from "./readable_stream_default_controller.js";
import { createWritableStream, WritableStream } from "./writable_stream.js";
import { writableStreamDefaultControllerErrorIfNeeded } from "./writable_stream_default_controller.js";

/** The internal slots of a TransformStream. */
export class InnerTransformStream {
  backpressure;
  backpressureChange; // a Deferred
  /** an InnerTransformStreamDefaultController */
  controller = undefined;
  detached = false;
  readable;
  writable;
  #readableObject = null;
  #writableObject = null;

  get readableObject() {
    this.#readableObject ??= new ReadableStream(this.readable);
    return this.#readableObject;
  }

  get writableObject() {
    this.#writableObject ??= new WritableStream(this.writable);
    return this.#writableObject;
  }
}

/** `start` is a completion; a strategy is { highWaterMark, sizeAlgorithm }. */
function initializeTransformStream(stream, start, writableStrategy, readableStrategy) {
  const { highWaterMark: writableHWM, sizeAlgorithm: writableSize } = writableStrategy;
  const { highWaterMark: readableHWM, sizeAlgorithm: readableSize } = readableStrategy;
  stream.writable = createWritableStream(new DefaultSink(stream, start), writableHWM, writableSize);
  stream.readable = createReadableStream(new DefaultSource(stream, start), readableHWM, readableSize);
  transformStreamSetBackpressure(stream, true);
}

const forOthers = (highWaterMark) => ({ highWaterMark, sizeAlgorithm: undefined });

/**
 * Sets up a transform stream for another standard: https://streams.spec.whatwg.org/#transformstream-set-up.
 * @param algorithms an object with transform(chunk), flush() and cancel(reason), which return completions and do not
 *   throw; their output goes through transformStreamDefaultControllerEnqueue(stream.controller, chunk)
 */
export function createTransformStream(algorithms) {
  const stream = new InnerTransformStream();
  initializeTransformStream(stream, undefined, forOthers(1), forOthers(0));
  load("./transform_stream_default_controller.js").setUpTransformStreamDefaultController(stream, algorithms);
  return stream;
}

/** https://streams.spec.whatwg.org/#transformstream-create-an-identity-transformstream */
export function createIdentityTransformStream() {
  const stream = createTransformStream({
    transform: (chunk) => stream.controller.forward(chunk),
    flush() {},
    cancel() {},
  });
  return stream;
}

export function transformStreamError(stream, e) {
  readableStreamDefaultControllerError(stream.readable.controller, e);
  transformStreamErrorWritableAndUnblockWrite(stream, e);
}

export function transformStreamErrorWritableAndUnblockWrite(stream, e) {
  stream.controller.clearAlgorithms();
  writableStreamDefaultControllerErrorIfNeeded(stream.writable.controller, e);
  transformStreamUnblockWrite(stream);
}

export function transformStreamSetBackpressure(stream, backpressure) {
  if (stream.backpressureChange !== undefined) stream.backpressureChange.resolve();
  stream.backpressureChange = new Deferred();
  stream.backpressure = backpressure;
}

function transformStreamUnblockWrite(stream) {
  if (stream.backpressure) transformStreamSetBackpressure(stream, false);
}

/** The algorithms of the writable side: https://streams.spec.whatwg.org/#ts-default-sink-abstract-ops */
class DefaultSink {
  #stream;
  #start;

  constructor(stream, start) {
    this.#stream = stream;
    this.#start = start;
  }

  start() {
    return this.#start;
  }

  write(chunk) {
    const stream = this.#stream;
    const { controller } = stream;
    if (!stream.backpressure) return controller.performTransform(chunk);
    const written = new Deferred();
    stream.backpressureChange.upon(() => {
      const { state, storedError } = stream.writable;
      if (state === "erroring") written.reject(storedError);
      else settleWith(written, controller.performTransform(chunk));
    }, ignore);
    return written;
  }

  abort(reason) {
    const { controller, readable } = this.#stream;
    return controller.finish(
      () => controller.algorithms.cancel(reason),
      () => readableStreamDefaultControllerError(readable.controller, reason),
      (r) => readableStreamDefaultControllerError(readable.controller, r),
      readable,
    );
  }

  close() {
    const { controller, readable } = this.#stream;
    return controller.finish(
      () => controller.algorithms.flush(),
      () => readableStreamDefaultControllerClose(readable.controller),
      (r) => readableStreamDefaultControllerError(readable.controller, r),
      readable,
    );
  }
}

/** The algorithms of the readable side: https://streams.spec.whatwg.org/#ts-default-source-abstract-ops */
class DefaultSource {
  #stream;
  #start;

  constructor(stream, start) {
    this.#stream = stream;
    this.#start = start;
  }

  start() {
    return this.#start;
  }

  pull() {
    const stream = this.#stream;
    transformStreamSetBackpressure(stream, false);
    return stream.backpressureChange;
  }

  cancel(reason) {
    const stream = this.#stream;
    const { controller, writable } = stream;
    const error = (r) => {
      writableStreamDefaultControllerErrorIfNeeded(writable.controller, r);
      transformStreamUnblockWrite(stream);
    };
    return controller.finish(
      () => controller.algorithms.cancel(reason),
      () => error(reason),
      error,
      writable,
    );
  }
}

// The interface

const Transformer = dictionary("Transformer", {
  cancel: callbackFunction,
  flush: callbackFunction,
  readableType: any,
  start: callbackFunction,
  transform: callbackFunction,
  writableType: any,
});

/** The algorithms of a controller that has a script's transformer. */
class TransformerAlgorithms {
  #transformer;
  #callbacks;
  #controller = null;

  constructor(transformer, callbacks) {
    this.#transformer = transformer;
    this.#callbacks = callbacks;
  }

  start(controller) {
    this.#controller = controller;
    const { start } = this.#callbacks;
    return start === undefined ? undefined : ReflectApply(start, this.#transformer, [controller.object]);
  }

  transform(chunk) {
    const { transform } = this.#callbacks;
    if (transform === undefined) return this.#controller.forward(chunk);
    return invokePromising(transform, this.#transformer, [chunk, this.#controller.object]);
  }

  flush() {
    const { flush } = this.#callbacks;
    return flush === undefined ? undefined : invokePromising(flush, this.#transformer, [this.#controller.object]);
  }

  cancel(reason) {
    const { cancel } = this.#callbacks;
    return cancel === undefined ? undefined : invokePromising(cancel, this.#transformer, [reason]);
  }
}

export class TransformStream {
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

  /** The transfer-receiving steps: there is no transformer here, only the two sides of one. */
  static receive(readable, writable) {
    const { receiveReadable, receiveWritable } = load("./transfer.js");
    const stream = new InnerTransformStream();
    stream.readable = receiveReadable(readable);
    stream.writable = receiveWritable(writable);
    return new TransformStream(stream);
  }

  /** https://streams.spec.whatwg.org/#ts-constructor */
  static construct(transformer, writableStrategy, readableStrategy) {
    const callbacks = Transformer.convert(transformer, new Place("Failed to construct 'TransformStream'"));
    if (callbacks.readableType !== undefined) throw new RangeErrorConstructor("The readableType is reserved.");
    if (callbacks.writableType !== undefined) throw new RangeErrorConstructor("The writableType is reserved.");
    const readableHighWaterMark = extractHighWaterMark(readableStrategy, 0);
    const writableHighWaterMark = extractHighWaterMark(writableStrategy, 1);
    const started = new Deferred();
    const stream = new InnerTransformStream();
    initializeTransformStream(
      stream,
      started,
      { highWaterMark: writableHighWaterMark, sizeAlgorithm: extractSizeAlgorithm(writableStrategy) },
      { highWaterMark: readableHighWaterMark, sizeAlgorithm: extractSizeAlgorithm(readableStrategy) },
    );
    const algorithms = new TransformerAlgorithms(transformer, callbacks);
    load("./transform_stream_default_controller.js").setUpTransformStreamDefaultController(stream, algorithms);
    settleWith(started, completionOf(algorithms.start(stream.controller)));
    return [stream];
  }

  get readable() {
    return this.#stream.readableObject;
  }

  get writable() {
    return this.#stream.writableObject;
  }
}

defineInterface(TransformStream, {
  constructor: [optional(object), optional(QueuingStrategy), optional(QueuingStrategy)],
  readonly: ["readable", "writable"],
});
registerTransferable(
  "TransformStream",
  TransformStream.is,
  (value) => TransformStream.inner(value).detached,
  (value) => load("./transfer.js").transferTransform(TransformStream.inner(value)),
  2,
  (_fields, _bodies, { 0: readable, 1: writable }) => TransformStream.receive(readable, writable),
);
