// https://encoding.spec.whatwg.org/#interface-textencoderstream
import {
  StringPrototypeCharCodeAt,
  StringPrototypeSlice,
  StringPrototypeToWellFormed,
} from "../infra/primordials.js";
import { createGenericTransform } from "../streams/generic_transform_stream.js";
import { defineInterface } from "../webidl/interface.js";
import { DOMString } from "../webidl/types.js";
import { utf8Encode } from "./utf_8.js";

class TextEncoderStream {
  #encoding = "utf-8";
  #transform = createGenericTransform(new Steps());

  static is(value) {
    return typeof value === "object" && value !== null && #transform in value;
  }

  get encoding() {
    return this.#encoding;
  }

  get readable() {
    return this.#transform.readableObject;
  }

  get writable() {
    return this.#transform.writableObject;
  }
}

class Steps {
  #leadingSurrogate = "";

  /** https://encoding.spec.whatwg.org/#encode-and-enqueue-a-chunk */
  transform(chunk, enqueue) {
    const input = this.#leadingSurrogate + DOMString.convert(chunk, "TextEncoderStream: the chunk");
    const last = input.length - 1;
    const isLeading = last >= 0 && (StringPrototypeCharCodeAt(input, last) & 0xfc00) === 0xd800;
    this.#leadingSurrogate = isLeading ? input[last] : "";
    const text = isLeading ? StringPrototypeSlice(input, 0, last) : input;
    if (text !== "") enqueue(utf8Encode(StringPrototypeToWellFormed(text)));
  }

  /** https://encoding.spec.whatwg.org/#encode-and-flush */
  flush(enqueue) {
    if (this.#leadingSurrogate !== "") enqueue(utf8Encode("\ufffd"));
  }
}

defineInterface(TextEncoderStream, {
  constructor: [],
  readonly: ["encoding", "readable", "writable"],
});
