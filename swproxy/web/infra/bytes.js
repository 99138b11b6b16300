// Bytes between JavaScript and the host: a "binary" is a string whose code units are the bytes.
import {
  ArrayBufferConstructor,
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeSlice,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  ReflectApply,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSubarray,
  Uint8ArrayConstructor,
} from "./primordials.js";
import { isDetached, viewedBuffer } from "../webidl/types.js";

const CHUNK = 8192;

/** A copy of the bytes of a buffer source as a Uint8Array; empty for undefined or a detached buffer. */
export function bytesOf(source) {
  if (source === undefined || isDetached(source)) return new Uint8ArrayConstructor(0);
  if (!ArrayBufferIsView(source)) {
    return new Uint8ArrayConstructor(copy(source, 0, ArrayBufferPrototypeGetByteLength(source)));
  }
  const isDataView = TypedArrayPrototypeGetSymbolToStringTag(source) === undefined;
  const offset = isDataView ? DataViewPrototypeGetByteOffset(source) : TypedArrayPrototypeGetByteOffset(source);
  const length = isDataView ? DataViewPrototypeGetByteLength(source) : TypedArrayPrototypeGetByteLength(source);
  return new Uint8ArrayConstructor(copy(viewedBuffer(source), offset, offset + length));
}

function copy(buffer, start, end) {
  const copied = ArrayBufferPrototypeSlice(buffer, start, end);
  return copied instanceof ArrayBufferConstructor ? copied : new ArrayBufferConstructor(0);
}

/** The binary of a Uint8Array. */
export function bytesToBinary(bytes) {
  const length = TypedArrayPrototypeGetLength(bytes);
  let binary = "";
  for (let i = 0; i < length; i += CHUNK) {
    binary += ReflectApply(StringFromCharCode, undefined, TypedArrayPrototypeSubarray(bytes, i, i + CHUNK));
  }
  return binary;
}

export function binaryToBytes(binary) {
  const { length } = binary;
  const bytes = new Uint8ArrayConstructor(length);
  for (let i = 0; i < length; i++) bytes[i] = StringPrototypeCharCodeAt(binary, i);
  return bytes;
}
