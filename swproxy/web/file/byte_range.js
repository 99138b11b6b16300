// The bytes of blobs stay with the host: a blob is a range of a body there, so that slices, copies and the parts of a
// form share what they are made from.
import {
  op_blob_base64,
  op_blob_binary,
  op_blob_body,
  op_blob_bytes,
  op_blob_discard,
  op_blob_finish,
  op_blob_of_body,
  op_blob_package_text,
  op_blob_text,
  op_blob_write,
  op_body_release,
  op_file_reading_task,
} from "host:ops";
import {
  MathMin,
  SafeFinalizationRegistry,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeSet,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { packBytes, subarray, unpackBytes } from "../infra/bytes.js";

/** As many bytes cross to or from the host at once; a multiple of 3, for base64. */
export const CHUNK = 3 << 18;

const registry = new SafeFinalizationRegistry((handle) => op_body_release(handle));

/** A body that the host keeps as long as there is a range of it. */
class Source {
  constructor(handle) {
    this.handle = handle;
    registry.register(this, handle);
  }
}
const noSource = { handle: null };

/** `size` bytes of a source, from `offset` on. */
export class ByteRange {
  #source;
  #offset;

  constructor(source, offset, size) {
    this.#source = source;
    this.#offset = offset;
    this.size = size;
  }

  /** All of a host body: what the host describes as [handle, size]. */
  static whole(description) {
    return new ByteRange(new Source(description[0]), 0, description[1]);
  }

  /** All bytes of an InnerBody or null, once they have arrived; it is used up. */
  static async ofBody(body) {
    if (body === null) return new ByteRange(noSource, 0, 0);
    try {
      return await body.readHandle(async (handle) => ByteRange.whole(await op_blob_of_body(handle)));
    } catch (error) {
      // The host knows only that a script's stream has failed.
      if (body.stream !== null) load("../streams/internals.js").throwIfErrored(body.stream);
      throw error;
    }
  }

  slice(start, end) {
    return new ByteRange(this.#source, this.#offset + start, end - start);
  }

  /** As host functions take it: [handle, offset, size]. */
  get place() {
    return [this.#source.handle, this.#offset, this.size];
  }

  /** The handle of a host body with these bytes, which is the caller's. */
  toBody() {
    return op_blob_body(this.#source.handle, this.#offset, this.size);
  }

  /** The UTF-8 decoded bytes. */
  text() {
    return op_blob_text(this.#source.handle, this.#offset, this.size);
  }

  /** The bytes decoded as the File API does: by the label, or the type's charset. */
  packageText(label, type) {
    return op_blob_package_text(this.#source.handle, this.#offset, this.size, label, type);
  }

  /** A string with one character for each byte. */
  binary() {
    return op_blob_binary(this.#source.handle, this.#offset, this.size);
  }

  base64() {
    return op_blob_base64(this.#source.handle, this.#offset, this.size);
  }

  /** A new Uint8Array, of no more than CHUNK bytes. */
  chunk() {
    return unpackBytes(op_blob_bytes(this.#source.handle, this.#offset, this.size));
  }

  /** A new Uint8Array; if there are many bytes, other events run while it is filled. */
  async bytes() {
    const { size } = this;
    if (size <= CHUNK) return this.chunk();
    const bytes = new Uint8ArrayConstructor(size);
    for (let i = 0; i < size; i += CHUNK) {
      if (i > 0) await op_file_reading_task();
      TypedArrayPrototypeSet(bytes, this.slice(i, MathMin(i + CHUNK, size)).chunk(), i);
    }
    return bytes;
  }
}

/** The handle of a host body with the bytes of a Uint8Array, however many they are. */
export function bodyOfBytes(bytes) {
  const builder = new ByteRangeBuilder();
  builder.append(bytes);
  return builder.finish().toBody();
}

/** Puts bytes together at the host, as strings, ranges and Uint8Arrays. */
export class ByteRangeBuilder {
  #native;
  #id = null;
  #parts = [];
  #length = 0; // of what #parts has of strings and bytes

  /** native: whether line endings of strings become native */
  constructor(native = false) {
    this.#native = native;
  }

  append(part) {
    if (typeof part === "string") {
      this.#add(["text", part], part.length);
    } else if (part instanceof ByteRange) {
      const { place } = part;
      this.#add(["range", place[0], place[1], place[2]], 0);
    } else {
      const length = TypedArrayPrototypeGetLength(part);
      for (let i = 0; i < length; i += CHUNK) {
        const count = MathMin(CHUNK, length - i);
        this.#add(["bytes", packBytes(subarray(part, i, count))], count);
      }
    }
  }

  #add(part, length) {
    if (this.#length > 0 && this.#length + length > CHUNK) {
      this.#id = op_blob_write(this.#id, this.#parts, this.#native);
      this.#parts = [];
      this.#length = 0;
    }
    this.#parts[this.#parts.length] = part;
    this.#length += length;
  }

  finish() {
    return ByteRange.whole(op_blob_finish(this.#id, this.#parts, this.#native));
  }

  discard() {
    if (this.#id !== null) op_blob_discard(this.#id);
  }
}
