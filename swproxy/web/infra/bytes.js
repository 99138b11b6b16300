// Bytes between JavaScript and the host, whose half is bytes.py.
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeTransfer,
  ArrayPrototypeJoin,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  Int32ArrayConstructor,
  MathMin,
  ReflectApply,
  StringFromCharCode,
  StringPrototypeCharCodeAt,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint16ArrayConstructor,
  Uint8ArrayConstructor,
} from "./primordials.js";
import { isDetached } from "../webidl/types.js";

const CHUNK = 8192;
const EVEN = "\u0100";

/** The bytes of a buffer source, not copied, as a Uint8Array; empty for undefined or a detached buffer. */
export function viewOf(source) {
  if (TypedArrayPrototypeGetSymbolToStringTag(source) !== undefined) {
    const length = TypedArrayPrototypeGetByteLength(source); // 0 if detached
    return length === 0 ? new Uint8ArrayConstructor(0) : subarray(source, 0, length);
  }
  if (source === undefined || isDetached(source)) return new Uint8ArrayConstructor(0);
  if (!ArrayBufferIsView(source)) return new Uint8ArrayConstructor(source);
  const offset = DataViewPrototypeGetByteOffset(source);
  const length = DataViewPrototypeGetByteLength(source);
  return new Uint8ArrayConstructor(DataViewPrototypeGetBuffer(source), offset, length);
}

/** A copy of the bytes of a buffer source as a Uint8Array; empty for undefined or a detached buffer. */
export const bytesOf = (source) => new Uint8ArrayConstructor(viewOf(source));

/** `count` bytes from `start` on of a typed array, not copied. */
export function subarray(bytes, start, count) {
  const offset = TypedArrayPrototypeGetByteOffset(bytes) + start;
  return new Uint8ArrayConstructor(TypedArrayPrototypeGetBuffer(bytes), offset, count);
}

/** What `unpack_bytes` of bytes.py unpacks, of a Uint8Array. */
export function packBytes(bytes) {
  if (TypedArrayPrototypeGetByteOffset(bytes) & 1) bytes = new Uint8ArrayConstructor(bytes);
  const length = TypedArrayPrototypeGetLength(bytes);
  const pairs = stringOfCodeUnits(Uint16ArrayConstructor, bytes, length >>> 1);
  return pairs + (length & 1 ? StringFromCharCode(bytes[length - 1]) : EVEN);
}

/** The string of so many code units, which are the elements of an array of that class on the bytes. */
function stringOfCodeUnits(ArrayConstructor, bytes, count) {
  const buffer = TypedArrayPrototypeGetBuffer(bytes);
  const offset = TypedArrayPrototypeGetByteOffset(bytes);
  if (count <= CHUNK) return fromCodeUnits(new ArrayConstructor(buffer, offset, count));
  const size = ArrayConstructor.BYTES_PER_ELEMENT;
  const parts = [];
  for (let i = 0; i < count; i += CHUNK) {
    const units = new ArrayConstructor(buffer, offset + i * size, MathMin(CHUNK, count - i));
    parts[parts.length] = fromCodeUnits(units);
  }
  return ArrayPrototypeJoin(parts, "");
}

const fromCodeUnits = (units) => ReflectApply(StringFromCharCode, undefined, units);

/** The Uint8Array of what `pack_bytes` of bytes.py has packed. */
export function unpackBytes(packed) {
  if (typeof packed === "string") return binaryToBytes(packed);
  const { length } = packed;
  const numbers = new Int32ArrayConstructor(length);
  TypedArrayPrototypeSet(numbers, packed);
  const buffer = TypedArrayPrototypeGetBuffer(numbers);
  return new Uint8ArrayConstructor(ArrayBufferPrototypeTransfer(buffer, packed[length - 1]));
}

/** A string with one character for each byte of a Uint8Array. */
export function bytesToBinary(bytes) {
  const length = TypedArrayPrototypeGetLength(bytes);
  return length <= CHUNK ? fromCodeUnits(bytes) : stringOfCodeUnits(Uint8ArrayConstructor, bytes, length);
}

/** The Uint8Array of a string with one character for each byte. */
export function binaryToBytes(binary) {
  const { length } = binary;
  const bytes = new Uint8ArrayConstructor(length);
  for (let i = 0; i < length; i++) bytes[i] = StringPrototypeCharCodeAt(binary, i);
  return bytes;
}
