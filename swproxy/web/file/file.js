// https://w3c.github.io/FileAPI/#file-section
import { DateNow } from "../infra/primordials.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { dictionary, interfaceType, longLong, USVString } from "../webidl/types.js";
import { Blob, BlobParts, BlobPropertyBag } from "./blob.js";
import { ByteRange } from "./byte_range.js";

export class File extends Blob {
  #name;
  #lastModified;

  constructor(range, type, name, lastModified = DateNow()) {
    super(range, type);
    this.#name = name;
    this.#lastModified = lastModified;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #name in value;
  }

  static construct(parts, name, options) {
    const { 0: range, 1: type } = Blob.construct(parts, options);
    return [range, type, name, options.lastModified];
  }

  get name() {
    return this.#name;
  }

  get lastModified() {
    return this.#lastModified;
  }
}

export const fileType = interfaceType("File", File.is);

defineInterface(File, {
  constructor: [
    BlobParts,
    USVString,
    optional(dictionary("FilePropertyBag", { lastModified: longLong }, BlobPropertyBag)),
  ],
  readonly: ["name", "lastModified"],
});

registerSerializable(
  "File",
  File.is,
  (file) => ({
    fields: [file.size, file.type, file.name, file.lastModified],
    bodies: [Blob.range(file).toBody()],
  }),
  ({ 0: size, 1: type, 2: name, 3: lastModified }, { 0: handle }) =>
    new File(ByteRange.whole([handle, size]), type, name, lastModified),
);
