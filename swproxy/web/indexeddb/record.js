// https://w3c.github.io/IndexedDB/#record-interface
import { defineInterface } from "../webidl/interface.js";

export class IDBRecord {
  #key;
  #primaryKey;
  #value;

  constructor(key, primaryKey, value) {
    this.#key = key;
    this.#primaryKey = primaryKey;
    this.#value = value;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #key in value;
  }

  get key() {
    return this.#key;
  }

  get primaryKey() {
    return this.#primaryKey;
  }

  get value() {
    return this.#value;
  }
}

defineInterface(IDBRecord, { readonly: ["key", "primaryKey", "value"] });
