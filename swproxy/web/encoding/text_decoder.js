// https://encoding.spec.whatwg.org/#interface-textdecoder
import { viewOf } from "../infra/bytes.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { AllowSharedBufferSource, boolean, dictionary, USVString, withDefault } from "../webidl/types.js";
import { Decoder, TextDecoderOptions } from "./decoder.js";

class TextDecoder {
  #decoder;
  #doNotFlush = false;

  constructor(decoder) {
    this.#decoder = decoder;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #decoder in value;
  }

  static construct(label, options) {
    return [new Decoder(label, options, "Failed to construct 'TextDecoder'")];
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

  decode(input, { stream }) {
    if (!this.#doNotFlush) this.#decoder.reset();
    this.#doNotFlush = stream;
    return this.#decoder.decode(viewOf(input), !stream, "Failed to execute 'decode' on 'TextDecoder'");
  }
}

const TextDecodeOptions = dictionary("TextDecodeOptions", { stream: withDefault(boolean, false) });

defineInterface(TextDecoder, {
  constructor: [optional(USVString, "utf-8"), optional(TextDecoderOptions)],
  readonly: ["encoding", "fatal", "ignoreBOM"],
  operations: { decode: [optional(AllowSharedBufferSource), optional(TextDecodeOptions)] },
});
