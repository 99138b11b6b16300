// The compression contexts, which the host has (https://compression.spec.whatwg.org/#compression-context).
import { op_compression_finish, op_compression_release, op_compression_write } from "host:ops";
import { SafeFinalizationRegistry, TypedArrayPrototypeGetLength } from "../infra/primordials.js";
import { packBytes, unpackBytes, viewOf } from "../infra/bytes.js";
import { createGenericTransform } from "../streams/generic_transform_stream.js";
import { BufferSource, enumeration } from "../webidl/types.js";

export const CompressionFormat = enumeration("CompressionFormat", ["brotli", "deflate", "deflate-raw", "gzip"]);

const registry = new SafeFinalizationRegistry((id) => op_compression_release(id));
const nothing = packBytes(viewOf(undefined));

/** The steps of both kinds of stream: they differ in the context only. */
class Steps {
  #id;
  #place;

  constructor(id, place) {
    this.#id = id;
    this.#place = place;
    registry.register(this, id);
  }

  /** Compress, or decompress, and enqueue a chunk. */
  transform(chunk, enqueue) {
    let input = packBytes(viewOf(BufferSource.convert(chunk, this.#place)));
    for (;;) {
      const { 0: output, 1: again } = op_compression_write(this.#id, input);
      enqueueUnlessEmpty(unpackBytes(output), enqueue);
      if (!again) return;
      input = nothing;
    }
  }

  /** Compress, or decompress, flush and enqueue. */
  flush(enqueue) {
    enqueueUnlessEmpty(unpackBytes(op_compression_finish(this.#id)), enqueue);
  }
}

function enqueueUnlessEmpty(bytes, enqueue) {
  if (TypedArrayPrototypeGetLength(bytes) > 0) enqueue(bytes);
}

/** The transform of a stream whose context has the number `id`; `place` begins the messages of errors in chunks. */
export const createTransform = (id, place) => createGenericTransform(new Steps(id, place));
