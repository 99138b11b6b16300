// What other standards do with a script's ReadableStream: https://streams.spec.whatwg.org/#other-specs-rs
import { markAsHandled } from "../infra/primordials.js";
import {
  isReadableStreamLocked,
  ReadableStream,
  readableStreamCancel,
  readableStreamTee,
} from "./readable_stream.js";
import { acquireReadableStreamDefaultReader } from "./readable_stream_default_reader.js";

export const isDisturbed = (object) => ReadableStream.inner(object).disturbed;
export const isLocked = (object) => isReadableStreamLocked(ReadableStream.inner(object));

/** What reading an errored stream to its end does: it is locked and disturbed, and throws its error. */
export function throwIfErrored(object) {
  const stream = ReadableStream.inner(object);
  if (stream.state !== "errored") return;
  if (!isReadableStreamLocked(stream)) acquireReadableStreamDefaultReader(stream);
  stream.disturbed = true;
  throw stream.storedError;
}

/** https://streams.spec.whatwg.org/#readablestream-cancel, of a stream that may be locked; nobody hears of failures. */
export function cancel(object, reason) {
  markAsHandled(readableStreamCancel(ReadableStream.inner(object), reason));
}

/** https://streams.spec.whatwg.org/#readablestream-tee: two ReadableStreams, the second of which gets copies */
export function tee(object) {
  const { 0: branch1, 1: branch2 } = readableStreamTee(ReadableStream.inner(object), true);
  return { branch1: new ReadableStream(branch1), branch2: new ReadableStream(branch2) };
}

const noOptions = { __proto__: null, preventAbort: false, preventCancel: false, preventClose: false };

/**
 * https://streams.spec.whatwg.org/#readablestream-pipe-through
 * @param transform an InnerTransformStream
 * @returns its ReadableStream
 */
export function pipeThrough(object, transform) {
  load("./pipe_to.js").readableStreamPipeTo(ReadableStream.inner(object), transform.writable, noOptions);
  return transform.readableObject;
}

/** https://streams.spec.whatwg.org/#readablestream-create-a-proxy */
export const proxyOf = (object) => pipeThrough(object, load("./transform_stream.js").createIdentityTransformStream());
