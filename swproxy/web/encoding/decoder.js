// https://encoding.spec.whatwg.org/#textdecodercommon, for both classes that are one.
import { op_encoding_decode, op_encoding_get } from "host:ops";
import {
  RangeErrorConstructor,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeSet,
  TypeErrorConstructor,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { bytesOf, packBytes, subarray } from "../infra/bytes.js";
import { boolean, dictionary, withDefault } from "../webidl/types.js";
import { decodeInEngine } from "./utf_8.js";

export const TextDecoderOptions = dictionary("TextDecoderOptions", {
  fatal: withDefault(boolean, false),
  ignoreBOM: withDefault(boolean, false),
});

const BOM = "\ufeff";
const nothing = new Uint8ArrayConstructor(0);

/** https://encoding.spec.whatwg.org/#concept-encoding-get, or a RangeError; `place` begins its message. */
function getEncoding(label, place) {
  if (label === "utf-8") return label;
  const name = op_encoding_get(label);
  if (name === undefined || name === "replacement") {
    throw new RangeErrorConstructor(`${place}: The encoding label provided ('${label}') is invalid.`);
  }
  return name;
}

export class Decoder {
  #ioQueue = nothing; // what was not read yet
  #state = 0; // of the host's decoder
  #bomSeen = false;

  constructor(label, { fatal, ignoreBOM }, place) {
    this.encoding = getEncoding(label, place);
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  /** Forgets what came before: the next chunk is the first. */
  reset() {
    this.#ioQueue = nothing;
    this.#state = 0;
    this.#bomSeen = false;
  }

  /**
   * Decodes a Uint8Array.
   * @param flush nothing follows
   * @param place begins the message of the TypeError that is thrown if the input is malformed and fatal is set
   */
  decode(bytes, flush, place) {
    const input = this.#push(bytes);
    const inEngine = this.encoding === "utf-8" ? decodeInEngine(input) : null;
    return this.#serialize(inEngine ?? this.#decodeAtHost(input, flush, place));
  }

  #push(bytes) {
    const waiting = TypedArrayPrototypeGetLength(this.#ioQueue);
    if (waiting === 0) return bytes;
    const input = new Uint8ArrayConstructor(waiting + TypedArrayPrototypeGetLength(bytes));
    TypedArrayPrototypeSet(input, this.#ioQueue);
    TypedArrayPrototypeSet(input, bytes, waiting);
    this.#ioQueue = nothing;
    return input;
  }

  #decodeAtHost(input, flush, place) {
    const { encoding, fatal } = this;
    const packed = packBytes(input);
    const { 0: text, 1: unread, 2: state } = op_encoding_decode(encoding, packed, flush, fatal, this.#state);
    this.#state = state;
    if (unread > 0) this.#ioQueue = bytesOf(subarray(input, TypedArrayPrototypeGetLength(input) - unread, unread));
    if (text === null) throw new TypeErrorConstructor(`${place}: The encoded data was not valid ${encoding}.`);
    return text;
  }

  /** https://encoding.spec.whatwg.org/#concept-td-serialize */
  #serialize(text) {
    if (this.#bomSeen || this.ignoreBOM || text === "") return text;
    this.#bomSeen = true;
    if (!StringPrototypeStartsWith(text, BOM)) return text;
    return this.encoding === "utf-8" || StringPrototypeStartsWith(this.encoding, "utf-16")
      ? StringPrototypeSlice(text, 1)
      : text;
  }
}
