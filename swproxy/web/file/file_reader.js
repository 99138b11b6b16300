// https://w3c.github.io/FileAPI/#filereader-section
import { op_file_reading_task } from "host:ops";
import {
  DOMExceptionConstructor,
  MathMin,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeSet,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { performanceNow } from "../infra/clock.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { DOMString } from "../webidl/types.js";
import { ProgressEvent } from "../xhr/progress_event.js";
import { Blob, blobType } from "./blob.js";
import { CHUNK } from "./byte_range.js";

const EMPTY = 0;
const LOADING = 1;
const DONE = 2;

/** The time in milliseconds between two progress events. */
const PROGRESS = 50;

// https://w3c.github.io/FileAPI/#blob-package-data: what becomes of each chunk, and of all of them.

class ArrayBufferPackage {
  #bytes;

  constructor(range) {
    this.#bytes = new Uint8ArrayConstructor(range.size);
  }

  add(chunk, position) {
    TypedArrayPrototypeSet(this.#bytes, chunk.chunk(), position);
  }

  finish() {
    return TypedArrayPrototypeGetBuffer(this.#bytes);
  }
}

class BinaryStringPackage {
  #string = "";

  add(chunk) {
    this.#string += chunk.binary();
  }

  finish() {
    return this.#string;
  }
}

class DataURLPackage {
  #url;

  constructor(range, type) {
    this.#url = `data:${type || "application/octet-stream"};base64,`;
  }

  add(chunk) {
    this.#url += chunk.base64();
  }

  finish() {
    return this.#url;
  }
}

class TextPackage {
  #range;
  #type;
  #label;

  constructor(range, type, label = null) {
    this.#range = range;
    this.#type = type;
    this.#label = label;
  }

  add() {} // a character may be in two chunks: all are decoded at once

  finish() {
    return this.#range.packageText(this.#label, this.#type);
  }
}

export class FileReader extends EventTarget {
  #state = EMPTY;
  #result = null;
  #error = null;
  #reading = null; // what the running operation reads; one that was aborted finds another here, or null

  static is(value) {
    return typeof value === "object" && value !== null && #reading in value;
  }

  get readyState() {
    return this.#state;
  }

  get result() {
    return this.#result;
  }

  get error() {
    return this.#error;
  }

  readAsArrayBuffer(blob) {
    this.#readOperation(blob, ArrayBufferPackage);
  }

  readAsBinaryString(blob) {
    this.#readOperation(blob, BinaryStringPackage);
  }

  readAsText(blob, encoding) {
    this.#readOperation(blob, TextPackage, encoding);
  }

  readAsDataURL(blob) {
    this.#readOperation(blob, DataURLPackage);
  }

  /** https://w3c.github.io/FileAPI/#readOperation */
  #readOperation(blob, Package, label) {
    if (this.#state === LOADING) {
      throw new DOMExceptionConstructor("The FileReader is reading another blob.", "InvalidStateError");
    }
    this.#state = LOADING;
    this.#result = null;
    this.#error = null;
    this.#reading = { range: Blob.range(blob), loaded: 0 };
    this.#run(this.#reading, blob.type, Package, label);
  }

  async #run(reading, type, Package, label) {
    if (!(await this.#goesOn(reading))) return;
    this.#fire("loadstart", reading);
    try {
      const collected = new Package(reading.range, type, label);
      if (!(await this.#collect(reading, collected))) return;
      this.#result = collected.finish();
    } catch (error) {
      if (!(await this.#goesOn(reading))) return;
      const message = `The blob cannot be read: ${error.message}`;
      this.#error = new DOMExceptionConstructor(message, "NotReadableError");
    }
    this.#state = DONE;
    this.#fire(this.#error === null ? "load" : "error", reading);
    if (await this.#goesOn(reading)) this.#fire("loadend", reading);
  }

  /** Reads chunk by chunk; false if the operation was aborted. */
  async #collect(reading, collected) {
    const { range } = reading;
    let lastProgress = -PROGRESS;
    while (await this.#goesOn(reading)) {
      if (reading.loaded === range.size) return true;
      const position = reading.loaded;
      reading.loaded = MathMin(position + CHUNK, range.size);
      collected.add(range.slice(position, reading.loaded), position);
      const now = performanceNow();
      if (now - lastProgress < PROGRESS && reading.loaded < range.size) continue;
      lastProgress = now;
      this.#fire("progress", reading);
    }
    return false;
  }

  /**
   * Waits for the next task, as each event has one of its own: promise jobs run between them. False if the
   * operation was aborted meanwhile, or a handler has begun the next one.
   */
  async #goesOn(reading) {
    await op_file_reading_task();
    return this.#reading === reading;
  }

  #fire(type, { loaded, range }) {
    const init = { __proto__: null, lengthComputable: true, loaded, total: range.size };
    EventTarget.fire(this, new ProgressEvent(type, init));
  }

  /** https://w3c.github.io/FileAPI/#dfn-abort */
  abort() {
    this.#result = null;
    if (this.#state !== LOADING) return;
    const reading = this.#reading;
    this.#state = DONE;
    this.#reading = null;
    this.#fire("abort", reading);
    if (this.#state !== LOADING) this.#fire("loadend", reading);
  }
}

defineInterface(FileReader, {
  constructor: [],
  readonly: ["readyState", "result", "error"],
  operations: {
    readAsArrayBuffer: [blobType],
    readAsBinaryString: [blobType],
    readAsText: [blobType, optional(DOMString)],
    readAsDataURL: [blobType],
    abort: [],
  },
  constants: { EMPTY, LOADING, DONE },
});
defineEventHandlers(FileReader.prototype, FileReader.is, [
  "loadstart",
  "progress",
  "load",
  "abort",
  "error",
  "loadend",
]);
