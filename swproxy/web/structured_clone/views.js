// The parts of a typed array or DataView that its constructor takes.
import {
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeGetMaxByteLength,
  ArrayBufferPrototypeGetResizable,
  ArrayBufferPrototypeResize,
  DataViewConstructor,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  TypedArrayConstructors,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { viewedBuffer } from "../webidl/types.js";

const typeOf = TypedArrayPrototypeGetSymbolToStringTag; // undefined for a DataView

/** In bytes. */
export const offsetOf = (view) =>
  typeOf(view) === undefined ? DataViewPrototypeGetByteOffset(view) : TypedArrayPrototypeGetByteOffset(view);

/** In elements. */
export const lengthOf = (view) =>
  typeOf(view) === undefined ? DataViewPrototypeGetByteLength(view) : TypedArrayPrototypeGetLength(view);

/** A new view; a length of null makes it track that of the buffer. */
export function createView(type, buffer, offset, length) {
  const Constructor = type === "DataView" ? DataViewConstructor : TypedArrayConstructors[type];
  return new Constructor(buffer, offset, length ?? undefined);
}

/** https://tc39.es/ecma262/#sec-istypedarrayoutofbounds and #sec-isviewoutofbounds: so is one of a detached buffer. */
export function isOutOfBounds(view) {
  const buffer = viewedBuffer(view);
  if (ArrayBufferPrototypeGetDetached(buffer)) return true;
  if (!ArrayBufferPrototypeGetResizable(buffer)) return false;
  try {
    if (typeOf(view) === undefined) DataViewPrototypeGetByteLength(view);
    else TypedArrayPrototypeSet(view, []);
    return false;
  } catch {
    return true;
  }
}

/**
 * Whether the length of a view follows that of its resizable ArrayBuffer. The language does not tell: the buffer is
 * resized for a moment, of which no script sees anything.
 */
export function isLengthTracking(view) {
  const buffer = viewedBuffer(view);
  if (!ArrayBufferPrototypeGetResizable(buffer)) return false;
  const type = typeOf(view);
  const elementSize = type === undefined ? 1 : TypedArrayConstructors[type].BYTES_PER_ELEMENT;
  const byteLength = ArrayBufferPrototypeGetByteLength(buffer);
  const length = lengthOf(view);
  if (byteLength + elementSize <= ArrayBufferPrototypeGetMaxByteLength(buffer)) {
    ArrayBufferPrototypeResize(buffer, byteLength + elementSize);
    const isTracking = lengthOf(view) > length;
    ArrayBufferPrototypeResize(buffer, byteLength);
    return isTracking;
  }
  if (length === 0 || offsetOf(view) + (length + 1) * elementSize <= byteLength) return false;
  const last = new Uint8ArrayConstructor(new Uint8ArrayConstructor(buffer, byteLength - elementSize));
  ArrayBufferPrototypeResize(buffer, byteLength - elementSize);
  const isTracking = !isOutOfBounds(view);
  ArrayBufferPrototypeResize(buffer, byteLength);
  TypedArrayPrototypeSet(new Uint8ArrayConstructor(buffer, byteLength - elementSize), last);
  return isTracking;
}
