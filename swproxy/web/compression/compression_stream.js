// https://compression.spec.whatwg.org/#compression-stream
import { op_compression_create } from "host:ops";
import { defineInterface } from "../webidl/interface.js";
import { CompressionFormat, createTransform } from "./context.js";

class CompressionStream {
  #transform;

  constructor(format) {
    this.#transform = createTransform(op_compression_create(format), "CompressionStream: the chunk");
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

defineInterface(CompressionStream, {
  constructor: [CompressionFormat],
  readonly: ["readable", "writable"],
});
