// https://compression.spec.whatwg.org/#decompression-stream
import { op_decompression_create } from "host:ops";
import { defineInterface } from "../webidl/interface.js";
import { CompressionFormat, createTransform } from "./context.js";

class DecompressionStream {
  #transform;

  constructor(format) {
    this.#transform = createTransform(op_decompression_create(format), "DecompressionStream: the chunk");
  }

  static is(value) {
    return typeof value === "object" && value !== null && #transform in value;
  }

  get readable() {
    return this.#transform.readableObject;
  }

  get writable() {
    return this.#transform.writableObject;
  }
}

defineInterface(DecompressionStream, {
  constructor: [CompressionFormat],
  readonly: ["readable", "writable"],
});
