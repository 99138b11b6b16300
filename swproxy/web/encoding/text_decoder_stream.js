// https://encoding.spec.whatwg.org/#interface-textdecoderstream
import { viewOf } from "../infra/bytes.js";
import { createGenericTransform } from "../streams/generic_transform_stream.js";
import { pipeThrough } from "../streams/internals.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { AllowSharedBufferSource, USVString } from "../webidl/types.js";
import { Decoder, TextDecoderOptions } from "./decoder.js";

class TextDecoderStream {
  #decoder;
  #transform;

  constructor(decoder) {
    this.#decoder = decoder;
    this.#transform = createGenericTransform(new Steps(decoder));
  }

  static is(value) {
    return typeof value === "object" && value !== null && #transform in value;
  }

  static construct(label, options) {
    return [new Decoder(label, options, "Failed to construct 'TextDecoderStream'")];
  }

  get encoding() {
    return this.#decoder.encoding;
  }

  get fatal() {
    return this.#decoder.fatal;
  }

  get ignoreBOM() {
    return this.#decoder.ignoreBOM;
  }

  get readable() {
    return this.#transform.readableObject;
  }

  get writable() {
    return this.#transform.writableObject;
  }
}

class Steps {
  #decoder;

  constructor(decoder) {
    this.#decoder = decoder;
  }

  /** https://encoding.spec.whatwg.org/#decode-and-enqueue-a-chunk */
  transform(chunk, enqueue) {
    const source = AllowSharedBufferSource.convert(chunk, "TextDecoderStream: the chunk");
    this.#decode(viewOf(source), false, enqueue);
  }

  /** https://encoding.spec.whatwg.org/#flush-and-enqueue */
  flush(enqueue) {
    this.#decode(viewOf(undefined), true, enqueue);
  }

  #decode(bytes, flush, enqueue) {
    const text = this.#decoder.decode(bytes, flush, "TextDecoderStream");
    if (text !== "") enqueue(text);
  }
}

/** What textStream() makes of the stream of a body or a blob: a ReadableStream of its text, which is UTF-8. */
export function utf8TextStream(stream) {
  const decoder = new Decoder("utf-8", { fatal: false, ignoreBOM: false }, "textStream()");
  return pipeThrough(stream, createGenericTransform(new Steps(decoder)));
}

defineInterface(TextDecoderStream, {
  constructor: [optional(USVString, "utf-8"), optional(TextDecoderOptions)],
  readonly: ["encoding", "fatal", "ignoreBOM", "readable", "writable"],
});
