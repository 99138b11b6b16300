// What a serialized value is made of, in memory and outside of the realm. README.md describes the format.
import { op_body_clone, op_body_release, op_record_part, op_record_part_bytes } from "host:ops";
import {
  ArrayBufferConstructor,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetMaxByteLength,
  ArrayBufferPrototypeGetResizable,
  DOMExceptionConstructor,
  JSONParse,
  JSONStringify,
  MathMin,
  ObjectSetPrototypeOf,
  SafeFinalizationRegistry,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeSet,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { packBytes, subarray, unpackBytes } from "../infra/bytes.js";

/** Stands first in every record that leaves the realm, and changes when the meaning of the tokens does. */
export const VERSION = 1;

// A token that is a number says what comes next; strings, booleans and null stand for themselves.
export const END = 0;
export const UNDEFINED = 1;
export const NUMBER = 2;
export const BIGINT = 3;
export const OBJECT = 4;
export const ARRAY = 5;
export const SPARSE_ARRAY = 6;
export const HOLE = 7;
export const REFERENCE = 8;
export const TRANSFERRED = 9;
export const BOOLEAN_OBJECT = 10;
export const NUMBER_OBJECT = 11;
export const BIGINT_OBJECT = 12;
export const STRING_OBJECT = 13;
export const DATE = 14;
export const REGEXP = 15;
export const MAP = 16;
export const SET = 17;
export const ERROR = 18;
export const ARRAY_BUFFER = 19;
export const RESIZABLE_ARRAY_BUFFER = 20;
export const VIEW = 21;
export const PLATFORM_OBJECT = 22;
export const COMPOSED_PLATFORM_OBJECT = 23;

/** https://html.spec.whatwg.org/#datacloneerror */
export const dataCloneError = (message) => new DOMExceptionConstructor(message, "DataCloneError");

/** The maxByteLength of a resizable ArrayBuffer, undefined for another. */
export const maxByteLengthOf = (buffer) =>
  ArrayBufferPrototypeGetResizable(buffer) ? ArrayBufferPrototypeGetMaxByteLength(buffer) : undefined;

/** A new ArrayBuffer with the same bytes, which is resizable if maxByteLength is not undefined. */
export function copyBuffer(buffer, maxByteLength) {
  const length = ArrayBufferPrototypeGetByteLength(buffer);
  const copy = new ArrayBufferConstructor(length, { __proto__: null, maxByteLength });
  TypedArrayPrototypeSet(new Uint8ArrayConstructor(copy), new Uint8ArrayConstructor(buffer, 0, length));
  return copy;
}

/** Gives up the handles among the parts of a record. */
export function releaseParts(parts) {
  for (let i = 0; i < parts.length; i++) if (typeof parts[i] === "number") op_body_release(parts[i]);
}

// Packed bytes take several times the memory: they cross in pieces of this size.
const PIECE = 1 << 20;

/** The handle of a host body with the bytes. */
function partOf(bytes) {
  const length = TypedArrayPrototypeGetLength(bytes);
  let handle = null;
  for (let i = 0; i < length || handle === null; i += PIECE) {
    handle = op_record_part(handle, packBytes(subarray(bytes, i, MathMin(PIECE, length - i))));
  }
  return handle;
}

/** An ArrayBuffer with the bytes of a host body, which is used up. */
function bufferOf(handle, maxByteLength) {
  const { 0: size, 1: first } = op_record_part_bytes(handle, 0, PIECE);
  const buffer = new ArrayBufferConstructor(size, { __proto__: null, maxByteLength });
  for (let i = 0; i < size; i += PIECE) {
    const packed = i === 0 ? first : op_record_part_bytes(handle, i, PIECE)[1];
    TypedArrayPrototypeSet(new Uint8ArrayConstructor(buffer, i), unpackBytes(packed));
  }
  op_body_release(handle);
  return buffer;
}

const registry = new SafeFinalizationRegistry(releaseParts);

/**
 * A serialized value. Its parts can be taken out once: where there is more than one receiver, each deserializes a
 * copy.
 */
export class Record {
  /** VERSION, then the value in order, depth first: strings, numbers, booleans and null. */
  tokens;
  /** What was transferred but for ArrayBuffers: Endpoints (messaging/endpoint.js), which take them out of the realm. */
  transferred = [];
  // Bytes that tokens refer to by their index: an ArrayBuffer, or the handle of a host body.
  #parts;

  constructor(tokens, parts) {
    this.tokens = tokens;
    this.#parts = parts;
    for (let i = 0; i < parts.length; i++) {
      if (typeof parts[i] === "number") {
        registry.register(this, parts);
        break;
      }
    }
  }

  /** The record of what `toHost` gave, here or in another realm. */
  static fromHost({ text, parts }) {
    return new Record(JSONParse(text), parts);
  }

  /** { text, parts }: parts are handles of host bodies, which are the caller's; this record is used up. */
  toHost() {
    const parts = [];
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#take(i);
      parts[i] = typeof part === "number" ? part : partOf(new Uint8ArrayConstructor(part));
    }
    ObjectSetPrototypeOf(this.tokens, null); // a site's Array.prototype.toJSON has no say
    return { text: JSONStringify(this.tokens), parts };
  }

  /** Fills the place of an ArrayBuffer that was transferred. */
  setPart(index, buffer) {
    this.#parts[index] = buffer;
  }

  #take(index) {
    const part = this.#parts[index];
    this.#parts[index] = null;
    return part;
  }

  /** The ArrayBuffer of a part, which is the caller's; with a maxByteLength if it is resizable. */
  takeBuffer(index, maxByteLength) {
    const part = this.#take(index);
    return typeof part === "number" ? bufferOf(part, maxByteLength) : part;
  }

  /** The handle of a part, which is the caller's. */
  takeHandle(index) {
    return this.#take(index);
  }

  copy() {
    const parts = [];
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i];
      parts[i] = typeof part === "number" ? op_body_clone(part) : copyBuffer(part, maxByteLengthOf(part));
    }
    return new Record(this.tokens, parts);
  }
}
