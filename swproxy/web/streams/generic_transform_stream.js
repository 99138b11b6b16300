// https://streams.spec.whatwg.org/#generictransformstream
import { PromiseReject } from "../infra/primordials.js";
import { createTransformStream } from "./transform_stream.js";
import { transformStreamDefaultControllerEnqueue } from "./transform_stream_default_controller.js";

/**
 * What the "transform" of a GenericTransformStream is, if it never waits for anything: an InnerTransformStream.
 * @param steps an object with transform(chunk, enqueue) and flush(enqueue); what they throw errors the stream
 */
export function createGenericTransform(steps) {
  const enqueue = (chunk) => transformStreamDefaultControllerEnqueue(stream.controller, chunk);
  const stream = createTransformStream({
    transform: (chunk) => completionOf(() => steps.transform(chunk, enqueue)),
    flush: () => completionOf(() => steps.flush(enqueue)),
    cancel: () => undefined,
  });
  return stream;
}

function completionOf(step) {
  try {
    step();
  } catch (error) {
    return PromiseReject(error);
  }
  return undefined;
}
