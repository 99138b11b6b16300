// https://w3c.github.io/webcrypto/#Crypto-interface
import { op_random_bytes, op_random_uuids } from "host:ops";
import {
  DOMExceptionConstructor,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypeErrorConstructor,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { subarray, unpackBytes } from "../infra/bytes.js";
import { defineInterface } from "../webidl/interface.js";
import { ArrayBufferView } from "../webidl/types.js";

const integerArrays = {
  __proto__: null,
  Int8Array: true,
  Uint8Array: true,
  Uint8ClampedArray: true,
  Int16Array: true,
  Uint16Array: true,
  Int32Array: true,
  Uint32Array: true,
  BigInt64Array: true,
  BigUint64Array: true,
};
const QUOTA = 65536; // bytes that getRandomValues() gives at a time

/** Random values of the host, which are cheaper by the dozen. */
class RandomSource {
  static #STOCK = 1024;
  #bytes = new Uint8ArrayConstructor(0);
  #used = 0;
  #uuids = [];
  #usedUuids = 0;

  /** A Uint8Array that nobody else has. */
  take(count) {
    if (count > RandomSource.#STOCK / 4) return unpackBytes(op_random_bytes(count));
    if (this.#used + count > this.#bytes.length) {
      this.#bytes = unpackBytes(op_random_bytes(RandomSource.#STOCK));
      this.#used = 0;
    }
    const taken = subarray(this.#bytes, this.#used, count);
    this.#used += count;
    return taken;
  }

  uuid() {
    if (this.#usedUuids === this.#uuids.length) {
      this.#uuids = op_random_uuids();
      this.#usedUuids = 0;
    }
    return this.#uuids[this.#usedUuids++];
  }
}

export class Crypto {
  #random = new RandomSource();

  static is(value) {
    return typeof value === "object" && value !== null && #random in value;
  }

  get subtle() {
    if (!Crypto.is(this)) throw new TypeErrorConstructor("Illegal invocation");
    return load("./subtle_crypto.js").subtle;
  }

  getRandomValues(array) {
    if (!(TypedArrayPrototypeGetSymbolToStringTag(array) in integerArrays)) {
      const message = "The data passed to getRandomValues() is not a typed array of integers.";
      throw new DOMExceptionConstructor(message, "TypeMismatchError");
    }
    const length = TypedArrayPrototypeGetByteLength(array);
    if (length > QUOTA) {
      const message = `${length} bytes are more than the ${QUOTA} that getRandomValues() gives at a time.`;
      const { QuotaExceededError } = load("../webidl/quota_exceeded_error.js");
      throw new QuotaExceededError(message, { quota: QUOTA, requested: length });
    }
    if (length > 0) {
      const offset = TypedArrayPrototypeGetByteOffset(array);
      const target = new Uint8ArrayConstructor(TypedArrayPrototypeGetBuffer(array), offset, length);
      TypedArrayPrototypeSet(target, this.#random.take(length));
    }
    return array;
  }

  randomUUID() {
    return this.#random.uuid();
  }
}

defineInterface(Crypto, {
  readonly: ["subtle"],
  operations: { getRandomValues: [ArrayBufferView], randomUUID: [] },
});

export const crypto = new Crypto();
