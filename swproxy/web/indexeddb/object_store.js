// https://w3c.github.io/IndexedDB/#object-store-interface
import {
  op_idb_add_index_entries,
  op_idb_create_index,
  op_idb_delete_index,
  op_idb_read_records,
  op_idb_rename_store,
} from "host:ops";
import { SafeMap } from "../infra/primordials.js";
import { errorOf } from "swproxy:bootstrap";
import { defineInterface, optional } from "../webidl/interface.js";
import { any, boolean, dictionary, DOMString, sequence, union, withDefault } from "../webidl/types.js";
import {
  constraintError,
  dataError,
  invalidAccessError,
  invalidStateError,
  notFoundError,
  syntaxError,
} from "./errors.js";
import { IDBIndex } from "./index.js";
import { canInject, extractKey, inject, isValidKeyPath } from "./key_path.js";
import { convertValueToKeyRange } from "./key_range.js";
import { keyOf, keyText, keyTexts, PLACEHOLDER, subkeysOf } from "./keys.js";
import { READING, Source } from "./queries.js";
import { Index, keyPathForScript, renameIn } from "./schema.js";
import { sortedNameList } from "./transaction.js";
import { deserialize, serializeForStorage } from "./values.js";

export class IDBObjectStore {
  #store;
  #transaction;
  #source;
  #keyPath;
  #handles = new SafeMap(); // Index -> IDBIndex

  constructor(store, transaction) {
    this.#store = store;
    this.#transaction = transaction;
    this.#source = new Source(this, transaction, store, null);
    this.#keyPath = keyPathForScript(store.keyPath);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #store in value;
  }

  get name() {
    return this.#store.name;
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-name */
  set name(name) {
    const { connection } = this.#transaction;
    if (this.#store.isDeleted) throw deleted();
    this.#checkUpgrade();
    this.#source.checkActive();
    if (name === this.#store.name) return;
    if (connection.stores.has(name)) throw constraintError(`An object store '${name}' already exists.`);
    this.#transaction.flush();
    op_idb_rename_store(connection.id, this.#store.id, name);
    renameIn(connection.stores, this.#store, name);
  }

  get keyPath() {
    return this.#keyPath;
  }

  get indexNames() {
    return sortedNameList(this.#store.indexes);
  }

  get transaction() {
    return this.#transaction.object;
  }

  get autoIncrement() {
    return this.#store.autoIncrement;
  }

  put(value, key) {
    return this.#addOrPut(value, key, true);
  }

  add(value, key) {
    return this.#addOrPut(value, key, false);
  }

  /** https://w3c.github.io/IndexedDB/#add-or-put */
  #addOrPut(value, key, overwrite) {
    const source = this.#source;
    const { keyPath, autoIncrement } = this.#store;
    source.check();
    source.checkWritable();
    if (keyPath !== null && key !== undefined) {
      throw dataError("The object store uses in-line keys and the key parameter was provided.");
    }
    if (keyPath === null && !autoIncrement && key === undefined) {
      throw dataError("The object store uses out-of-line keys and has no key generator, and no key was provided.");
    }
    const given = key === undefined ? null : keyOf(key);
    return store(source, value, given, overwrite, this);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-delete */
  delete(query) {
    this.#source.check();
    this.#source.checkWritable();
    const range = convertValueToKeyRange(query, true);
    return this.#transaction.execute(this, ["delete", this.#store.id, range], nothing);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-clear */
  clear() {
    this.#source.check();
    this.#source.checkWritable();
    return this.#transaction.execute(this, ["clear", this.#store.id], nothing);
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

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-index */
  index(name) {
    if (this.#store.isDeleted) throw deleted();
    if (this.#transaction.isFinished) throw invalidStateError("The transaction has finished.");
    const index = this.#store.indexes.get(name);
    if (index === undefined) throw notFoundError(`There is no index '${name}'.`);
    return this.#handleOf(index);
  }

  #handleOf(index) {
    let handle = this.#handles.get(index);
    if (handle === undefined) {
      handle = new IDBIndex(index, this.#transaction, this);
      this.#handles.set(index, handle);
    }
    return handle;
  }

  #checkUpgrade() {
    if (!this.#transaction.isUpgrade) throw invalidStateError("The transaction is no version change transaction.");
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-createindex */
  createIndex(name, keyPath, { unique, multiEntry }) {
    const transaction = this.#transaction;
    this.#checkUpgrade();
    this.#source.check();
    if (this.#store.indexes.has(name)) throw constraintError(`An index '${name}' already exists.`);
    if (!isValidKeyPath(keyPath)) throw syntaxError("The keyPath argument contains an invalid key path.");
    if (multiEntry && typeof keyPath !== "string") {
      throw invalidAccessError("The keyPath argument was a list and the multiEntry option is true.");
    }
    transaction.flush();
    const { connection } = transaction;
    const created = op_idb_create_index(connection.id, this.#store.id, name, keyPath, unique, multiEntry);
    const { 0: id, 1: refusal } = created;
    const index = new Index(this.#store, { id, name, keyPath, unique, multiEntry });
    this.#store.indexes.set(name, index);
    connection.added(index);
    const failure = refusal ?? populate(connection.id, this.#store, index);
    if (failure !== null) transaction.abortLater(errorOf(failure[0], failure[1]));
    return this.#handleOf(index);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbobjectstore-deleteindex */
  deleteIndex(name) {
    this.#checkUpgrade();
    this.#source.check();
    const index = this.#store.indexes.get(name);
    if (index === undefined) throw notFoundError(`There is no index '${name}'.`);
    this.#transaction.flush();
    op_idb_delete_index(this.#transaction.connection.id, index.id);
    this.#store.indexes.delete(name);
    index.isDeleted = true;
  }
}

const deleted = () => invalidStateError("The object store has been deleted.");
const nothing = () => undefined;

/**
 * The steps of add, put and update() that come after their checks: clones the value, and asks for its storing.
 * @param key where it is known; null for one that is in the value, or is to be generated
 * @param requestSource of the request
 * @param effectiveKey that of a cursor, which the value must have
 */
export function store(source, value, key, overwrite, requestSource, checkKey = null) {
  const { transaction, indexes } = source;
  const { keyPath, autoIncrement, id } = source.store;
  source.check(); // once more: a getter of the key may have done anything
  const serialized = transaction.whileInactive(() => serializeForStorage(value));
  source.checkActive();
  let clone;
  let isInjected = false;
  if (keyPath !== null) {
    clone = serialized.clone();
    const found = extractKey(clone, keyPath);
    if (checkKey !== null) checkKey(found);
    else if (found === null)
      throw dataError("Evaluating the object store's key path yielded a value that is not a valid key.");
    else if (found !== undefined) key = found;
    else if (!autoIncrement) throw dataError("Evaluating the object store's key path did not yield a value.");
    else if (!canInject(clone, keyPath)) throw dataError("A generated key could not be inserted into the value.");
    else isInjected = true;
  }
  let indexKeys = "";
  if (indexes.length > 0) {
    clone ??= serialized.clone();
    if (isInjected) inject(clone, keyPath, PLACEHOLDER);
    indexKeys = indexKeysText(clone, indexes);
  }
  const keyOrNull = key === null ? "null" : keyText(key);
  const end = `[${indexKeys}],${overwrite},${isInjected}]`;
  const operation = serialized.isPlain
    ? `[${id},${keyOrNull},true,${serialized.text},${end}`
    : () => `[${id},${keyOrNull},false,${serialized.toHost()},${end}`;
  return transaction.execute(requestSource, operation, key);
}

/** The JSON of [number, keys] for each index that the value has a key for, without brackets. */
function indexKeysText(value, indexes) {
  let text = "";
  for (let i = 0; i < indexes.length; i++) {
    const keys = keysInIndex(value, indexes[i]);
    if (keys.length > 0) text += `${text === "" ? "" : ","}[${indexes[i].id},[${keyTexts(keys)}]]`;
  }
  return text;
}

/** The keys that an index has of a value: none, if it has none there or what is there is no key. */
function keysInIndex(value, { keyPath, multiEntry }) {
  const key = extractKey(value, keyPath, multiEntry);
  if (key === null || key === undefined) return [];
  return multiEntry ? subkeysOf(key) : [key];
}

/** Gives a new index what the records of its store have for it; the [name, message] of what prevents that, or null. */
function populate(connection, { id, keyPath }, index) {
  let after = null;
  for (;;) {
    const records = op_idb_read_records(connection, id, after); // [key, described value]
    const entries = [];
    for (let i = 0; i < records.length; i++) {
      const { 0: key, 1: described } = records[i];
      const keys = keysInIndex(deserialize(described, keyPath), index);
      if (keys.length > 0) entries[entries.length] = [key, keys];
      after = key;
    }
    if (records.length === 0) return null;
    const failure = op_idb_add_index_entries(connection, index.id, entries);
    if (failure !== undefined) return failure;
  }
}

const IDBIndexParameters = dictionary("IDBIndexParameters", {
  unique: withDefault(boolean, false),
  multiEntry: withDefault(boolean, false),
});

defineInterface(IDBObjectStore, {
  readonly: ["keyPath", "indexNames", "transaction", "autoIncrement"],
  attributes: { name: DOMString },
  operations: {
    put: [any, optional(any)],
    add: [any, optional(any)],
    delete: [any],
    clear: [],
    ...READING,
    index: [DOMString],
    createIndex: [DOMString, union(sequence(DOMString), DOMString), optional(IDBIndexParameters)],
    deleteIndex: [DOMString],
  },
});
