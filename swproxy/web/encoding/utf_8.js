// UTF-8, by whatever way is the shortest for the size: see the README.
import { op_encoding_decode, op_utf_8_encode } from "host:ops";
import {
  DecodeURIComponent,
  EncodeURIComponent,
  Escape,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypedArrayPrototypeGetLength,
  Unescape,
} from "../infra/primordials.js";
import { binaryToBytes, bytesToBinary, packBytes, unpackBytes } from "../infra/bytes.js";

// Up to so many bytes, the engine is faster than a call of the host.
const ENCODE_IN_ENGINE = 64;
const DECODE_IN_ENGINE = 1024;

/** https://encoding.spec.whatwg.org/#utf-8-encode: a scalar value string -> a Uint8Array */
export function utf8Encode(string) {
  if (string.length <= ENCODE_IN_ENGINE) {
    const binary = Unescape(EncodeURIComponent(string));
    if (binary.length <= ENCODE_IN_ENGINE) return binaryToBytes(binary);
  }
  return unpackBytes(op_utf_8_encode(string));
}

/** The text of a small Uint8Array; null if it is not small, or not UTF-8 from its beginning to its end. */
export function decodeInEngine(bytes) {
  if (TypedArrayPrototypeGetLength(bytes) > DECODE_IN_ENGINE) return null;
  try {
    return DecodeURIComponent(Escape(bytesToBinary(bytes)));
  } catch {
    return null;
  }
}

/** https://encoding.spec.whatwg.org/#utf-8-decode-without-bom: a Uint8Array -> a string */
export function utf8DecodeWithoutBOM(bytes) {
  return decodeInEngine(bytes) ?? op_encoding_decode("utf-8", packBytes(bytes), true, false, 0)[0];
}

/** https://encoding.spec.whatwg.org/#utf-8-decode: a Uint8Array -> a string */
export function utf8Decode(bytes) {
  const text = utf8DecodeWithoutBOM(bytes);
  return StringPrototypeStartsWith(text, "\ufeff") ? StringPrototypeSlice(text, 1) : text;
}
