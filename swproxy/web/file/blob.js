// https://w3c.github.io/FileAPI/#blob-section
import { op_extract_mime_type } from "host:ops";
import {
  MathMax,
  MathMin,
  RegExpPrototypeTest,
  StringPrototypeToLowerCase,
  TypedArrayPrototypeGetBuffer,
} from "../infra/primordials.js";
import { viewOf } from "../infra/bytes.js";
import { bodyKinds, InnerBody } from "../fetch/body.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  BufferSource,
  clamp,
  dictionary,
  DOMString,
  enumeration,
  interfaceType,
  longLong,
  sequence,
  union,
  USVString,
  withDefault,
} from "../webidl/types.js";
import { ByteRange, ByteRangeBuilder } from "./byte_range.js";

const NOT_IN_TYPE = /[^\x20-\x7e]/;
const normalizeType = (type) => (RegExpPrototypeTest(NOT_IN_TYPE, type) ? "" : StringPrototypeToLowerCase(type));

export class Blob {
  #range;
  #type;

  constructor(range, type) {
    this.#range = range;
    this.#type = type;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #range in value;
  }

  static construct(parts, options) {
    return [processParts(parts ?? [], options.endings === "native"), normalizeType(options.type)];
  }

  /** The ByteRange that it stands for. */
  static range(blob) {
    return blob.#range;
  }

  /** { handle, type } of a host body with its bytes; type is its Content-Type, or null. */
  static toBody(blob) {
    return { handle: blob.#range.toBody(), type: blob.#type || null };
  }

  get size() {
    return this.#range.size;
  }

  get type() {
    return this.#type;
  }

  /** https://w3c.github.io/FileAPI/#slice-blob */
  slice(start = 0, end = this.#range.size, contentType = "") {
    const { size } = this.#range;
    const relativeStart = start < 0 ? MathMax(size + start, 0) : MathMin(start, size);
    const relativeEnd = end < 0 ? MathMax(size + end, 0) : MathMin(end, size);
    const range = this.#range.slice(relativeStart, MathMax(relativeStart, relativeEnd));
    return new Blob(range, normalizeType(contentType));
  }

  stream() {
    return InnerBody.ofHandle(this.#range.toBody()).toStream();
  }

  async text() {
    return this.#range.text();
  }

  textStream() {
    return load("../encoding/text_decoder_stream.js").utf8TextStream(this.stream());
  }

  async arrayBuffer() {
    return TypedArrayPrototypeGetBuffer(await this.#range.bytes());
  }

  async bytes() {
    return this.#range.bytes();
  }
}

export const blobType = interfaceType("Blob", Blob.is);
export const BlobParts = sequence(union(BufferSource, blobType, USVString));
export const BlobPropertyBag = dictionary("BlobPropertyBag", {
  type: withDefault(DOMString, ""),
  endings: withDefault(enumeration("EndingType", ["transparent", "native"]), "transparent"),
});

/** https://w3c.github.io/FileAPI/#process-blob-parts */
function processParts(parts, native) {
  if (parts.length === 1 && Blob.is(parts[0])) return Blob.range(parts[0]);
  const builder = new ByteRangeBuilder(native);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (Blob.is(part)) builder.append(Blob.range(part));
    else builder.append(typeof part === "string" ? part : viewOf(part));
  }
  return builder.finish();
}

/** What blob() of a Response or Request gives, for an InnerBody or null and the value of Content-Type or null. */
export async function blobOfBody(body, contentType) {
  const type = contentType === null ? "" : (op_extract_mime_type(contentType) ?? "");
  return new Blob(await ByteRange.ofBody(body), type);
}

defineInterface(Blob, {
  constructor: [optional(BlobParts), optional(BlobPropertyBag)],
  readonly: ["size", "type"],
  operations: {
    slice: [optional(clamp(longLong)), optional(clamp(longLong)), optional(DOMString)],
    stream: [],
    text: [],
    textStream: [],
    arrayBuffer: [],
    bytes: [],
  },
});

registerSerializable(
  "Blob",
  Blob.is,
  (blob) => ({ fields: [blob.size, blob.type], bodies: [Blob.range(blob).toBody()] }),
  ({ 0: size, 1: type }, { 0: handle }) => new Blob(ByteRange.whole([handle, size]), type),
);

bodyKinds.isBlob = Blob.is;
bodyKinds.fromBlob = Blob.toBody;
