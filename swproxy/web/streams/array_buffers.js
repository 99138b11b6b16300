// https://streams.spec.whatwg.org/#misc-abstract-ops: those for buffers and their views
import {
  ArrayBufferPrototypeTransfer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";

const isDataView = (view) => TypedArrayPrototypeGetSymbolToStringTag(view) === undefined;

/** 0, or a TypeError, if the buffer is detached */
export const byteLengthOf = (view) =>
  isDataView(view) ? DataViewPrototypeGetByteLength(view) : TypedArrayPrototypeGetByteLength(view);

export const byteOffsetOf = (view) =>
  isDataView(view) ? DataViewPrototypeGetByteOffset(view) : TypedArrayPrototypeGetByteOffset(view);

/** A new buffer with the bytes of the given one, which is detached. */
export const transferArrayBuffer = (buffer) => ArrayBufferPrototypeTransfer(buffer);

export const cloneArrayBuffer = (buffer, byteOffset, byteLength) =>
  TypedArrayPrototypeGetBuffer(new Uint8ArrayConstructor(new Uint8ArrayConstructor(buffer, byteOffset, byteLength)));

export function copyDataBlockBytes(toBuffer, toIndex, fromBuffer, fromIndex, count) {
  const to = new Uint8ArrayConstructor(toBuffer, toIndex, count);
  TypedArrayPrototypeSet(to, new Uint8ArrayConstructor(fromBuffer, fromIndex, count));
}
