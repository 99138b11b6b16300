// What other standards do with a script's ReadableStream: https://streams.spec.whatwg.org/#other-specs-rs
import { markAsHandled } from "../infra/primordials.js";
import {
  isReadableStreamLocked,
  ReadableStream,
  readableStreamCancel,
  readableStreamTee,
} from "./readable_stream.js";

export const isDisturbed = (object) => ReadableStream.inner(object).disturbed;
export const isLocked = (object) => isReadableStreamLocked(ReadableStream.inner(object));

export function throwIfErrored(object) {
  const { state, storedError } = ReadableStream.inner(object);
  if (state === "errored") throw storedError;
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

/** https://streams.spec.whatwg.org/#readablestream-create-a-proxy */
export function proxyOf(object) {
  const { createIdentityTransformStream } = load("./transform_stream.js");
  const { readableStreamPipeTo } = load("./pipe_to.js");
  const identity = createIdentityTransformStream();
  readableStreamPipeTo(ReadableStream.inner(object), identity.writable, noOptions);
  return identity.readableObject;
}
