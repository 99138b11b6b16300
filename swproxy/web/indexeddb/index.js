// https://w3c.github.io/IndexedDB/#index-interface
import { op_idb_rename_index } from "host:ops";
import { defineInterface } from "../webidl/interface.js";
import { DOMString } from "../webidl/types.js";
import { constraintError, invalidStateError } from "./errors.js";
import { READING, Source } from "./queries.js";
import { keyPathForScript, renameIn } from "./schema.js";

export class IDBIndex {
  #index;
  #transaction;
  #objectStore;
  #source;
  #keyPath;

  constructor(index, transaction, objectStore) {
    this.#index = index;
    this.#transaction = transaction;
    this.#objectStore = objectStore;
    this.#source = new Source(this, transaction, index.store, index);
    this.#keyPath = keyPathForScript(index.keyPath);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #index in value;
  }

  get name() {
    return this.#index.name;
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbindex-name */
  set name(name) {
    const { indexes } = this.#index.store;
    if (!this.#transaction.isUpgrade) throw invalidStateError("The transaction is no version change transaction.");
    this.#source.checkActive();
    this.#source.checkNotDeleted();
    if (name === this.#index.name) return;
    if (indexes.has(name)) throw constraintError(`An index '${name}' already exists.`);
    this.#transaction.flush();
    op_idb_rename_index(this.#transaction.connection.id, this.#index.id, name);
    renameIn(indexes, this.#index, name);
  }

  get objectStore() {
    return this.#objectStore;
  }

  get keyPath() {
    return this.#keyPath;
  }

  get multiEntry() {
    return this.#index.multiEntry;
  }

  get unique() {
    return this.#index.unique;
  }

  get(query) {
    return this.#source.get(query);
  }

  getKey(query) {
    return this.#source.getKey(query);
  }

  getAll(queryOrOptions, count) {
    return this.#source.getAll("value", queryOrOptions, count);
  }

  getAllKeys(queryOrOptions, count) {
    return this.#source.getAll("key", queryOrOptions, count);
  }

  getAllRecords(options) {
    return this.#source.getAll("record", options);
  }

  count(query) {
    return this.#source.count(query);
  }

  openCursor(query, direction = "next") {
    return this.#source.openCursor(query, direction, false);
  }

  openKeyCursor(query, direction = "next") {
    return this.#source.openCursor(query, direction, true);
  }
}

defineInterface(IDBIndex, {
  readonly: ["objectStore", "keyPath", "multiEntry", "unique"],
  attributes: { name: DOMString },
  operations: READING,
});
