// https://encoding.spec.whatwg.org/#interface-textencoder
import {
  StringPrototypeCharCodeAt,
  StringPrototypeSlice,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeSet,
} from "../infra/primordials.js";
import { subarray } from "../infra/bytes.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { AllowSharedUint8Array, USVString } from "../webidl/types.js";
import { utf8DecodeWithoutBOM, utf8Encode } from "./utf_8.js";

class TextEncoder {
  #encoding = "utf-8";

  static is(value) {
    return typeof value === "object" && value !== null && #encoding in value;
  }

  get encoding() {
    return this.#encoding;
  }

  encode(input) {
    return utf8Encode(input);
  }

  encodeInto(source, destination) {
    const space = TypedArrayPrototypeGetLength(destination);
    if (space === 0) return { read: 0, written: 0 };
    const beginning = firstScalarValues(source, space); // a code unit takes one byte at least
    const bytes = utf8Encode(beginning);
    const length = TypedArrayPrototypeGetLength(bytes);
    if (length <= space) {
      TypedArrayPrototypeSet(destination, bytes);
      return { read: beginning.length, written: length };
    }
    let written = space;
    while ((bytes[written] & 0xc0) === 0x80) written--;
    const fitting = subarray(bytes, 0, written);
    TypedArrayPrototypeSet(destination, fitting);
    return { read: utf8DecodeWithoutBOM(fitting).length, written };
  }
}

/** The beginning of a scalar value string, of at most `length` code units, and no half of a pair. */
function firstScalarValues(string, length) {
  if (string.length <= length) return string;
  const isLead = (StringPrototypeCharCodeAt(string, length - 1) & 0xfc00) === 0xd800;
  return StringPrototypeSlice(string, 0, isLead ? length - 1 : length);
}

defineInterface(TextEncoder, {
  constructor: [],
  readonly: ["encoding"],
  operations: { encode: [optional(USVString, "")], encodeInto: [USVString, AllowSharedUint8Array] },
});
