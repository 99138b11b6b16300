// https://w3c.github.io/IndexedDB/#database-interface: the interface, and the connection behind it.
import { op_idb_close, op_idb_create_store, op_idb_delete_store, op_idb_version_change_fired } from "host:ops";
import {
  SafeFinalizationRegistry,
  SafeMap,
  SafeSet,
  SafeWeakRef,
  SetValues,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { errorOf } from "swproxy:bootstrap";
import { Event } from "../events/event.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  boolean,
  dictionary,
  DOMString,
  enumeration,
  nullable,
  sequence,
  union,
  withDefault,
} from "../webidl/types.js";
import {
  abortError,
  constraintError,
  invalidAccessError,
  invalidStateError,
  notFoundError,
  syntaxError,
  transactionInactiveError,
} from "./errors.js";
import { isValidKeyPath } from "./key_path.js";
import { ObjectStore, objectStoresFromHost, Snapshot } from "./schema.js";
import { onHostMessage, POSTPONED, queueDatabaseTask } from "./tasks.js";
import { sortedNameList, Transaction } from "./transaction.js";
import { fireVersionChangeEvent } from "./version_change_event.js";

const connections = new SafeMap(); // number -> Connection, of those that are not closed
// A connection that no script can reach any more is closed.
const registry = new SafeFinalizationRegistry((id) => connections.get(id)?.close());
onHostMessage("versionchange", ({ connection, oldVersion, newVersion }, isShared) => {
  if (isShared) return POSTPONED;
  const hasFired = connections.get(connection)?.changeVersion(oldVersion, newVersion) ?? false;
  op_idb_version_change_fired(connection);
  return hasFired;
});
onHostMessage("close", ({ connection }) => {
  connections.get(connection)?.close(true);
  return false;
});

/** https://w3c.github.io/IndexedDB/#database-connection */
export class Connection {
  id;
  name;
  version;
  stores;
  transactions = new SafeSet(); // those that are not over, with their events
  upgradeTransaction = null;
  #oldVersion;
  #snapshot = null; // of what an upgrade transaction may change
  #isClosePending = false;
  #isForced = false;
  #object; // a weak reference: it is held by scripts, its request and its transactions

  constructor(id, name, { version, stores }) {
    this.id = id;
    this.name = name;
    this.version = version;
    this.stores = objectStoresFromHost(stores);
    connections.set(id, this);
  }

  /** The IDBDatabase of what op_idb_open has opened, under the number of its request. */
  static open(id, name, opened) {
    const connection = new Connection(id, name, opened);
    const object = new IDBDatabase(connection);
    connection.#object = new SafeWeakRef(object);
    registry.register(object, id);
    return object;
  }

  get isClosePending() {
    return this.#isClosePending;
  }

  get isClosed() {
    return !connections.has(this.id);
  }

  /** https://w3c.github.io/IndexedDB/#upgrade-a-database, the transaction */
  beginUpgrade(object, version, owner) {
    this.#oldVersion = this.version;
    this.#snapshot = new Snapshot(this.stores);
    this.version = version;
    this.upgradeTransaction = Transaction.createUpgrade(this, object, owner);
    return this.upgradeTransaction;
  }

  /** A store or an index is new in this upgrade. */
  added(item) {
    this.#snapshot.add(item);
  }

  /** https://w3c.github.io/IndexedDB/#abort-an-upgrade-transaction */
  revert() {
    this.version = this.#oldVersion;
    this.stores = this.#snapshot.restore();
  }

  changeVersion(oldVersion, newVersion) {
    const object = this.#object.deref();
    if (this.#isClosePending || object === undefined) return false;
    if (!EventTarget.hasListener(object, "versionchange")) return false;
    fireVersionChangeEvent("versionchange", object, oldVersion, newVersion);
    return true;
  }

  /** https://w3c.github.io/IndexedDB/#close-a-database-connection */
  close(isForced = false) {
    this.#isClosePending = true;
    if (isForced) {
      this.#isForced = true;
      const transactions = SetValues(this.transactions);
      for (let i = 0; i < transactions.length; i++) {
        transactions[i].abort(abortError("The connection was closed."));
      }
    }
    this.closeIfDone();
  }

  /** Closes it if that is what it waits for. */
  closeIfDone() {
    if (!this.#isClosePending || this.transactions.size > 0 || !connections.delete(this.id)) return;
    op_idb_close(this.id);
    const object = this.#object.deref();
    if (!this.#isForced || object === undefined) return;
    queueDatabaseTask(() => {
      EventTarget.fire(object, new Event("close"));
      return true;
    });
  }
}

export class IDBDatabase extends EventTarget {
  #connection;

  constructor(connection) {
    super();
    this.#connection = connection;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #connection in value;
  }

  static connectionOf(object) {
    return object.#connection;
  }

  get name() {
    return this.#connection.name;
  }

  get version() {
    return this.#connection.version;
  }

  get objectStoreNames() {
    return sortedNameList(this.#connection.stores);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbdatabase-transaction */
  transaction(storeNames, mode = "readonly", { durability } = { durability: "default" }) {
    const connection = this.#connection;
    if (connection.upgradeTransaction !== null) throw invalidStateError("A version change transaction is running.");
    if (connection.isClosePending) throw invalidStateError("The database connection is closing.");
    const names = typeof storeNames === "string" ? [storeNames] : storeNames;
    const scope = new SafeMap();
    for (let i = 0; i < names.length; i++) {
      const store = connection.stores.get(names[i]);
      if (store === undefined) throw notFoundError(`There is no object store '${names[i]}'.`);
      scope.set(names[i], store);
    }
    if (scope.size === 0) throw invalidAccessError("The storeNames parameter was empty.");
    if (mode === "versionchange") throw new TypeErrorConstructor("A transaction is 'readonly' or 'readwrite'.");
    return Transaction.create(connection, this, mode, scope, durability).object;
  }

  close() {
    this.#connection.close();
  }

  #upgrade() {
    const { upgradeTransaction } = this.#connection;
    if (upgradeTransaction === null)
      throw invalidStateError("The database is not running a version change transaction.");
    if (!upgradeTransaction.isActive) throw transactionInactiveError("The transaction is not active.");
    return upgradeTransaction;
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbdatabase-createobjectstore */
  createObjectStore(name, { keyPath, autoIncrement }) {
    const transaction = this.#upgrade();
    const connection = this.#connection;
    if (keyPath !== null && !isValidKeyPath(keyPath))
      throw syntaxError("The keyPath option is not a valid key path.");
    if (connection.stores.has(name)) throw constraintError(`An object store '${name}' already exists.`);
    if (autoIncrement && (keyPath === "" || (keyPath !== null && typeof keyPath !== "string"))) {
      throw invalidAccessError("The autoIncrement option was set but the keyPath option was empty or a list.");
    }
    transaction.flush();
    const { 0: id, 1: refusal } = op_idb_create_store(connection.id, name, keyPath, autoIncrement);
    const store = new ObjectStore({ id, name, keyPath, autoIncrement });
    connection.stores.set(name, store);
    connection.added(store);
    if (refusal !== null) transaction.abortLater(errorOf(refusal[0], refusal[1]));
    return transaction.handleOf(store);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbdatabase-deleteobjectstore */
  deleteObjectStore(name) {
    const transaction = this.#upgrade();
    const store = this.#connection.stores.get(name);
    if (store === undefined) throw notFoundError(`There is no object store '${name}'.`);
    transaction.flush();
    op_idb_delete_store(this.#connection.id, store.id);
    this.#connection.stores.delete(name);
    store.delete();
  }
}

const IDBTransactionOptions = dictionary("IDBTransactionOptions", {
  durability: withDefault(enumeration("IDBTransactionDurability", ["default", "strict", "relaxed"]), "default"),
});
const IDBObjectStoreParameters = dictionary("IDBObjectStoreParameters", {
  keyPath: withDefault(nullable(union(sequence(DOMString), DOMString)), null),
  autoIncrement: withDefault(boolean, false),
});
const IDBTransactionMode = enumeration("IDBTransactionMode", ["readonly", "readwrite", "versionchange"]);

defineInterface(IDBDatabase, {
  readonly: ["name", "version", "objectStoreNames"],
  operations: {
    transaction: [
      union(sequence(DOMString), DOMString),
      optional(IDBTransactionMode),
      optional(IDBTransactionOptions),
    ],
    close: [],
    createObjectStore: [DOMString, optional(IDBObjectStoreParameters)],
    deleteObjectStore: [DOMString],
  },
});
defineEventHandlers(IDBDatabase.prototype, IDBDatabase.is, ["abort", "close", "error", "versionchange"]);
