// https://w3c.github.io/FileAPI/#filelist-section
import { defineInterface } from "../webidl/interface.js";
import { unsignedLong } from "../webidl/types.js";

/** Nothing in a worker makes one; scripts ask whether a value is one. */
export class FileList {
  #files;

  constructor(files) {
    this.#files = files;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #files in value;
  }

  get length() {
    return this.#files.length;
  }

  item(index) {
    return this.#files[index] ?? null;
  }
}

defineInterface(FileList, { readonly: ["length"], operations: { item: [unsignedLong] } });
