// https://w3c.github.io/IndexedDB/#factory-interface
import {
  op_idb_begin_upgrade,
  op_idb_change_version,
  op_idb_databases,
  op_idb_delete,
  op_idb_done,
  op_idb_open,
  op_idb_request,
  op_idb_version,
} from "host:ops";
import { JSONStringify, SafeMap, TypeErrorConstructor } from "../infra/primordials.js";
import { Event } from "../events/event.js";
import { EventTarget } from "../events/event_target.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import { any, DOMString, enforceRange, unsignedLongLong } from "../webidl/types.js";
import { Connection, IDBDatabase } from "./database.js";
import { abortError, versionError } from "./errors.js";
import { compareKeys, keyOf } from "./keys.js";
import { IDBOpenDBRequest, IDBRequest } from "./request.js";
import { nextNumber, onHostMessage, POSTPONED, queueDatabaseTask } from "./tasks.js";
import { fireVersionChangeEvent } from "./version_change_event.js";

const requests = new SafeMap(); // number -> OpenRequest or DeleteRequest, of those that are in a connection queue
const onRequestMessage = (type, receive) =>
  onHostMessage(type, (message, isShared) => (isShared ? POSTPONED : receive(requests.get(message.id), message)));
onRequestMessage("turn", (request, { checked }) => request.begin(checked));
onRequestMessage("blocked", (request) => request.fireBlocked());
onRequestMessage("exclusive", (request) => request.goOn());

/** An open request (https://w3c.github.io/IndexedDB/#open-requests). Methods say whether they have dispatched an event. */
class ConnectionRequest {
  id = nextNumber();
  name;
  object = new IDBOpenDBRequest();
  oldVersion = 0;
  newVersion = null;

  constructor(name) {
    this.name = name;
    requests.set(this.id, this);
    op_idb_request(this.id, JSONStringify(name));
  }

  /** Waits until the database is closed for all others; `goOn` is called then. */
  closeOthers() {
    op_idb_change_version(this.id, this.oldVersion, this.newVersion);
    return false;
  }

  fireBlocked() {
    fireVersionChangeEvent("blocked", this.object, this.oldVersion, this.newVersion);
    return true;
  }

  /** Lets the next request of the queue have its turn. */
  leave(isOpen, isChecked) {
    if (requests.delete(this.id)) op_idb_done(this.id, isOpen, isChecked);
  }

  fail(error) {
    IDBRequest.fail(this.object, error);
    EventTarget.fire(this.object, new Event("error", { __proto__: null, bubbles: true, cancelable: true }));
    return true;
  }
}

/** https://w3c.github.io/IndexedDB/#open-a-database-connection */
class OpenRequest extends ConnectionRequest {
  #database = null; // an IDBDatabase

  constructor(name, version) {
    super(name);
    this.newVersion = version;
  }

  get #connection() {
    return IDBDatabase.connectionOf(this.#database);
  }

  begin(isChecked) {
    let opened;
    try {
      opened = op_idb_open(this.id, this.name, !isChecked, this.newVersion);
    } catch (error) {
      this.leave(false, false);
      return this.fail(error);
    }
    this.oldVersion = opened.version;
    this.newVersion ??= opened.version === 0 ? 1 : opened.version;
    if (opened.version > this.newVersion) {
      this.leave(false, true);
      const versions = `The requested version (${this.newVersion}) is less than the existing version`;
      return this.fail(versionError(`${versions} (${opened.version}).`));
    }
    this.#database = Connection.open(this.id, this.name, opened);
    return opened.version < this.newVersion ? this.closeOthers() : this.#succeed();
  }

  /** https://w3c.github.io/IndexedDB/#upgrade-a-database */
  goOn() {
    try {
      op_idb_begin_upgrade(this.id, this.newVersion);
    } catch (error) {
      return this.#close(error);
    }
    const transaction = this.#connection.beginUpgrade(this.#database, this.newVersion, this);
    IDBRequest.succeed(this.object, this.#database);
    IDBRequest.setTransaction(this.object, transaction.object);
    transaction.upgrade(() => fireVersionChangeEvent("upgradeneeded", this.object, this.oldVersion, this.newVersion));
    return true;
  }

  /** The upgrade is on disk: who hears of that may begin transactions. */
  committed() {
    this.leave(!this.#connection.isClosePending, true);
  }

  finished(isAborted) {
    if (isAborted) IDBRequest.reset(this.object);
    queueDatabaseTask((isShared) => {
      if (isShared) return POSTPONED;
      IDBRequest.setTransaction(this.object, null);
      if (isAborted) return this.#close(abortError("The version change transaction was aborted."));
      if (this.#connection.isClosePending) return this.#close(abortError("The connection was closed."));
      return this.#succeed();
    });
  }

  #close(error) {
    this.#connection.close();
    this.leave(false, true);
    return this.fail(error);
  }

  #succeed() {
    this.leave(true, true);
    IDBRequest.succeed(this.object, this.#database);
    EventTarget.fire(this.object, new Event("success"));
    return true;
  }
}

/** https://w3c.github.io/IndexedDB/#delete-a-database */
class DeleteRequest extends ConnectionRequest {
  begin() {
    const version = op_idb_version(this.name);
    if (version === undefined) return this.#succeed();
    this.oldVersion = version;
    return this.closeOthers();
  }

  goOn() {
    try {
      op_idb_delete(this.name);
    } catch (error) {
      this.leave(false, false);
      return this.fail(error);
    }
    return this.#succeed();
  }

  #succeed() {
    this.leave(false, false);
    IDBRequest.succeed(this.object, undefined);
    fireVersionChangeEvent("success", this.object, this.oldVersion, null);
    return true;
  }
}

export class IDBFactory {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  open(name, version = null) {
    if (version === 0) throw new TypeErrorConstructor("The version provided must not be 0.");
    return new OpenRequest(name, version).object;
  }

  deleteDatabase(name) {
    return new DeleteRequest(name).object;
  }

  async databases() {
    return op_idb_databases();
  }

  cmp(first, second) {
    const a = keyOf(first);
    return compareKeys(a, keyOf(second));
  }
}

defineInterface(IDBFactory, {
  operations: {
    open: [DOMString, optional(enforceRange(unsignedLongLong))],
    deleteDatabase: [DOMString],
    databases: promising([]),
    cmp: [any, any],
  },
});

/** https://w3c.github.io/IndexedDB/#dom-windoworworkerglobalscope-indexeddb */
export const indexedDB = new IDBFactory();
