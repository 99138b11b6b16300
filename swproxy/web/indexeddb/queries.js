// What object stores and indexes have in common: the requests that read.
import { MapValues } from "../infra/primordials.js";
import { optional } from "../webidl/interface.js";
import { any, dictionary, enforceRange, enumeration, unsignedLong, withDefault } from "../webidl/types.js";
import { invalidStateError, readOnlyError, transactionInactiveError } from "./errors.js";
import { convertKeyToValue } from "./keys.js";
import { convertValueToKeyRange, isPotentiallyValidKeyRange } from "./key_range.js";
import { deserialize } from "./values.js";

const IDBCursorDirection = enumeration("IDBCursorDirection", ["next", "nextunique", "prev", "prevunique"]);
const IDBGetAllOptions = dictionary("IDBGetAllOptions", {
  query: withDefault(any, null),
  count: enforceRange(unsignedLong),
  direction: withDefault(IDBCursorDirection, "next"),
});

/** The operations of object stores and indexes that read. */
export const READING = {
  get: [any],
  getKey: [any],
  getAll: [optional(any), optional(enforceRange(unsignedLong))],
  getAllKeys: [optional(any), optional(enforceRange(unsignedLong))],
  getAllRecords: [optional(IDBGetAllOptions)],
  count: [optional(any)],
  openCursor: [optional(any), optional(IDBCursorDirection)],
  openKeyCursor: [optional(any), optional(IDBCursorDirection)],
};

/** What requests read from: an object store, or an index of it, within a transaction. */
export class Source {
  #indexes = null;

  /** handle: the IDBObjectStore or IDBIndex; index: null for a store. */
  constructor(handle, transaction, store, index) {
    this.handle = handle;
    this.transaction = transaction;
    this.store = store;
    this.index = index;
    this.keyPath = store.keyPath;
    /** As the host takes it. */
    this.place = [store.id, index === null ? null : index.id];
  }

  /** The indexes of the store: only an upgrade transaction may change them. */
  get indexes() {
    if (this.transaction.isUpgrade) return MapValues(this.store.indexes);
    return (this.#indexes ??= MapValues(this.store.indexes));
  }

  get isDeleted() {
    return this.store.isDeleted || (this.index !== null && this.index.isDeleted);
  }

  checkNotDeleted() {
    if (this.isDeleted) throw invalidStateError("The object store or index has been deleted.");
  }

  checkActive() {
    if (!this.transaction.isActive) throw transactionInactiveError("The transaction is not active.");
  }

  check() {
    this.checkNotDeleted();
    this.checkActive();
  }

  checkWritable() {
    if (this.transaction.mode === "readonly") throw readOnlyError("The transaction is read-only.");
  }

  valueOf(described) {
    return deserialize(described, this.keyPath);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-get and #dom-idbindex-get */
  get(query) {
    this.check();
    const range = convertValueToKeyRange(query, true);
    return this.transaction.execute(this.handle, ["get", this.place, range], (value) =>
      value === null ? undefined : this.valueOf(value),
    );
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-getkey and #dom-idbindex-getkey */
  getKey(query) {
    this.check();
    const range = convertValueToKeyRange(query, true);
    return this.transaction.execute(this.handle, ["getKey", this.place, range], (key) =>
      key === null ? undefined : convertKeyToValue(key),
    );
  }

  /**
   * https://w3c.github.io/IndexedDB/#create-a-request-to-retrieve-multiple-items
   * @param kind "value", "key" or "record"
   */
  getAll(kind, queryOrOptions, count = null) {
    this.check();
    let query = queryOrOptions;
    let direction = "next";
    if (queryOrOptions !== undefined && queryOrOptions !== null && !isPotentiallyValidKeyRange(queryOrOptions)) {
      const options = IDBGetAllOptions.convert(queryOrOptions, "Failed to execute 'getAll'");
      ({ query, direction } = options);
      count = options.count ?? null;
    }
    const range = convertValueToKeyRange(query);
    const operation = ["getAll", this.place, range, direction, count === 0 ? null : count, kind];
    return this.transaction.execute(this.handle, operation, (items) => this.#itemsOf(kind, items));
  }

  #itemsOf(kind, items) {
    const results = [];
    if (kind === "key") {
      for (let i = 0; i < items.length; i++) results[i] = convertKeyToValue(items[i]);
    } else if (kind === "record") {
      const { IDBRecord } = load("./record.js");
      for (let i = 0; i < items.length; i++) {
        const { 0: key, 1: primaryKey, 2: value } = items[i];
        results[i] = new IDBRecord(convertKeyToValue(key), convertKeyToValue(primaryKey), this.valueOf(value));
      }
    } else {
      const { 0: isPlain, 1: values } = items;
      if (isPlain) return values;
      for (let i = 0; i < values.length; i++) results[i] = this.valueOf(values[i]);
    }
    return results;
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-count and #dom-idbindex-count */
  count(query) {
    this.check();
    const range = convertValueToKeyRange(query);
    return this.transaction.execute(this.handle, ["count", this.place, range], (count) => count);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-opencursor and #dom-idbindex-opencursor */
  openCursor(query, direction, isKeyOnly) {
    this.check();
    const range = convertValueToKeyRange(query);
    return load("./cursor.js").openCursor(this, range, direction, isKeyOnly);
  }
}
