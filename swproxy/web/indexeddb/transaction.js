// https://w3c.github.io/IndexedDB/#transaction: the interface, and the transaction behind it.
import { op_idb_abort, op_idb_commit, op_idb_execute, op_idb_transaction } from "host:ops";
import { ArrayIsArray, ArrayPrototypeSort, MapKeys, MapValues, SafeMap } from "../infra/primordials.js";
import { errorOf, turnNumber } from "swproxy:bootstrap";
import { Event } from "../events/event.js";
import { defineEventHandlers, EventTarget, setGetTheParent } from "../events/event_target.js";
import { DOMStringList } from "../html/dom_string_list.js";
import { defineInterface } from "../webidl/interface.js";
import { DOMString, isObject } from "../webidl/types.js";
import { abortError, invalidStateError, notFoundError, transactionInactiveError } from "./errors.js";
import { convertKeyToValue } from "./keys.js";
import { IDBRequest } from "./request.js";
import { RequestList } from "./request_list.js";
import { expectMessage, nextNumber, onHostMessage, POSTPONED, queueDatabaseTask } from "./tasks.js";

// States: https://w3c.github.io/IndexedDB/#transaction-lifecycle
const ACTIVE = 0;
const INACTIVE = 1;
const COMMITTING = 2;
const FINISHED = 3;

const bubbling = { __proto__: null, bubbles: true, cancelable: true, composed: false };
const bubblingOnly = { __proto__: null, bubbles: true, cancelable: false, composed: false };

const waiting = new SafeMap(); // number -> Transaction, of those that are not started
onHostMessage("start", ({ id }) => waiting.get(id)?.start() ?? false);

/** https://w3c.github.io/IndexedDB/#transaction-construct */
export class Transaction {
  id = nextNumber();
  connection;
  database; // the IDBDatabase, which lives as long as this
  mode;
  durability;
  object = new IDBTransaction(this);
  error = null;
  #scope; // name -> ObjectStore; null for all of the connection
  #state;
  #turn = 0; // in which it is active
  #isStarted = false;
  #hasStep = false; // among the database tasks
  #requests = new RequestList();
  // What the dispatch of an event has led to, until its task is over.
  #didThrow = false;
  #errorEvent = null; // { event, error }
  #handles = new SafeMap(); // ObjectStore -> IDBObjectStore
  #owner = null; // of an upgrade transaction: { committed(), finished(isAborted) }

  constructor(connection, database, mode, scope, durability) {
    this.connection = connection;
    this.database = database;
    this.mode = mode;
    this.durability = durability;
    this.#scope = scope;
    connection.transactions.add(this);
  }

  /** One of IDBDatabase.transaction(): it waits for its turn among those of the database. */
  static create(connection, database, mode, scope, durability) {
    const transaction = new Transaction(connection, database, mode, scope, durability);
    transaction.#activate();
    waiting.set(transaction.id, transaction);
    const stores = MapValues(scope);
    const numbers = [];
    for (let i = 0; i < stores.length; i++) numbers[i] = stores[i].id;
    op_idb_transaction(transaction.id, connection.id, numbers, mode);
    expectMessage();
    return transaction;
  }

  /**
   * An upgrade transaction, which has its database for itself.
   * @param owner { committed(), finished(isAborted) }, called before and after its last event
   */
  static createUpgrade(connection, database, owner) {
    const transaction = new Transaction(connection, database, "versionchange", null, "default");
    transaction.#state = INACTIVE;
    transaction.#isStarted = true;
    transaction.#owner = owner;
    return transaction;
  }

  get isActive() {
    return this.#state === ACTIVE && this.#turn === turnNumber();
  }

  get isFinished() {
    return this.#state === FINISHED;
  }

  /** Whether commit() or abort() may be called no more. */
  get isOver() {
    return this.#state === FINISHED || this.#state === COMMITTING;
  }

  get isUpgrade() {
    return this.mode === "versionchange";
  }

  get stores() {
    return this.#scope ?? this.connection.stores;
  }

  /** The handle of a store: https://w3c.github.io/IndexedDB/#object-store-handle-construct */
  handleOf(store) {
    let handle = this.#handles.get(store);
    if (handle === undefined) {
      const { IDBObjectStore } = load("./object_store.js");
      handle = new IDBObjectStore(store, this);
      this.#handles.set(store, handle);
    }
    return handle;
  }

  /** It is active until the turn is over: also while other events share that. */
  #activate() {
    this.#state = ACTIVE;
    this.#turn = turnNumber();
  }

  /** Runs the steps while nothing can be asked of it, which is active: https://w3c.github.io/IndexedDB/#clone-value */
  whileInactive(steps) {
    this.#state = INACTIVE;
    try {
      return steps();
    } finally {
      if (this.#state === INACTIVE) this.#state = ACTIVE;
    }
  }

  start() {
    waiting.delete(this.id);
    this.#isStarted = true;
    this.#scheduleStep();
    return false;
  }

  /**
   * https://w3c.github.io/IndexedDB/#async-execute-request
   * @param source what the request is made of
   * @param operation, finish: see RequestList
   */
  execute(source, operation, finish, request = new IDBRequest(source, this.object)) {
    if (!this.isActive) throw transactionInactiveError("The transaction is not active."); // any more: for a getter's sake
    this.#requests.add(request, operation, finish);
    if (!this.#hasStep) this.#scheduleStep();
    return request;
  }

  /** Aborts it with an error, when what was asked before has had its events. */
  abortLater(error) {
    this.#requests.add(null, ["nothing"], error);
    this.#scheduleStep();
  }

  /** Executes what was asked so far: of an upgrade transaction that is about to change the schema. */
  flush() {
    while (this.#requests.hasWaiting && this.#executeBatch());
    if (this.isFinished) throw transactionInactiveError("The transaction was aborted.");
  }

  #scheduleStep() {
    if (this.#hasStep || !this.#isStarted) return;
    this.#hasStep = true;
    const step = (isShared) => {
      this.#hasStep = false;
      const outcome = this.#step(isShared);
      if (outcome === POSTPONED) this.#hasStep = true;
      return outcome;
    };
    queueDatabaseTask(step);
  }

  /**
   * Delivers results until there is an event; whether there was one. Commits if nothing is left to do. Within the turn of
   * another event of it, whose microtasks may still be running, it only calls a listener that is there.
   */
  #step(isShared) {
    if (this.#state === FINISHED) return false;
    if (isShared && this.#turn === turnNumber()) {
      if (!this.#canGoOn()) return POSTPONED;
    } else if (this.#state === ACTIVE) {
      this.#deactivate();
    }
    const requests = this.#requests;
    while (this.#state !== FINISHED) {
      while (requests.hasOutcome) {
        if (this.#deliver()) return true;
        if (this.#state === FINISHED) return false;
      }
      if (!requests.hasWaiting) return this.isActive ? false : this.#commit();
      this.#executeBatch();
    }
    return false;
  }

  #canGoOn() {
    const requests = this.#requests;
    if (this.#didThrow || this.#errorEvent !== null) return false;
    if (!requests.hasOutcome && requests.hasWaiting && !this.#executeBatch()) return false;
    if (!requests.hasOutcome) return false;
    const { request, outcome } = requests;
    return request !== null && !isFailure(outcome) && EventTarget.hasListener(request, "success");
  }

  /** Whether that did not abort it. */
  #executeBatch() {
    const { connection, durability } = this;
    try {
      this.#requests.execute((operations) =>
        op_idb_execute(connection.id, this.id, this.mode, durability === "strict", operations),
      );
    } catch (error) {
      this.abort(error);
    }
    return this.#state !== FINISHED;
  }

  /** Delivers the next outcome: whether it has dispatched an event. */
  #deliver() {
    const { request, finish, outcome } = this.#requests;
    const failure = request === null ? finish : errorOfOutcome(outcome);
    if (failure !== null && (request === null || this.#state === COMMITTING)) {
      this.abort(failure);
      return false;
    }
    this.#requests.next();
    if (failure !== null) return this.#fireError(request, failure);
    let result;
    try {
      result = typeof finish === "function" ? finish(outcome) : convertKeyToValue(outcome ?? finish);
    } catch (error) {
      // What is stored cannot be read.
      if (this.#state !== COMMITTING) return this.#fireError(request, error);
      this.abort(error);
      return false;
    }
    IDBRequest.succeed(request, result);
    return this.#fireSuccess(request);
  }

  /** https://w3c.github.io/IndexedDB/#fire-success-event, up to the end of the dispatch: the rest is `deactivate` */
  #fireSuccess(request) {
    if (!this.#hasListener(request, "success")) return false;
    if (this.#state !== COMMITTING) this.#activate();
    this.#didThrow = EventTarget.fireWatching(request, new Event("success"));
    this.#scheduleStep();
    return true;
  }

  /** https://w3c.github.io/IndexedDB/#fire-error-event, likewise */
  #fireError(request, error) {
    IDBRequest.fail(request, error);
    if (!this.#hasListener(request, "error")) {
      this.abort(error);
      return false;
    }
    this.#activate();
    const event = new Event("error", bubbling);
    this.#errorEvent = { event, error };
    this.#didThrow = EventTarget.fireWatching(request, event);
    this.#scheduleStep();
    return true;
  }

  #hasListener(request, type) {
    return (
      EventTarget.hasListener(request, type) ||
      EventTarget.hasListener(this.object, type) ||
      EventTarget.hasListener(this.database, type)
    );
  }

  /** Fires upgradeneeded, of an upgrade transaction: fire() says whether a listener threw. */
  upgrade(fire) {
    this.#activate();
    this.#didThrow = fire();
    this.#scheduleStep();
  }

  /** What comes after the turn in which it was active. */
  #deactivate() {
    const didThrow = this.#didThrow;
    const errorEvent = this.#errorEvent;
    this.#didThrow = false;
    this.#errorEvent = null;
    this.#state = INACTIVE;
    if (didThrow) this.abort(abortError("An event handler threw an exception."));
    else if (errorEvent !== null && !Event.isCanceled(errorEvent.event)) this.abort(errorEvent.error);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbtransaction-commit, the steps in parallel */
  commit() {
    this.#state = COMMITTING;
    this.#scheduleStep();
  }

  /** https://w3c.github.io/IndexedDB/#commit-transaction; whether it has dispatched an event. */
  #commit() {
    try {
      op_idb_commit(this.connection.id, this.id, this.isUpgrade);
    } catch (error) {
      this.abort(error);
      return false;
    }
    if (this.isUpgrade) this.connection.upgradeTransaction = null;
    this.#state = FINISHED;
    this.#owner?.committed();
    const hasListener = EventTarget.hasListener(this.object, "complete");
    if (hasListener) EventTarget.fire(this.object, new Event("complete"));
    this.#finish(false);
    return hasListener;
  }

  /** https://w3c.github.io/IndexedDB/#abort-transaction */
  abort(error) {
    if (this.#state === FINISHED) return;
    try {
      op_idb_abort(this.connection.id, this.id, this.isUpgrade);
    } catch {
      // It cannot be read any more: whoever opens it next is told.
    }
    waiting.delete(this.id);
    if (this.isUpgrade) this.connection.revert();
    this.#state = FINISHED;
    this.error = error;
    const next = (isShared) => {
      if (isShared && this.#turn === turnNumber()) return POSTPONED;
      for (;;) {
        const request = this.#requests.take();
        if (request === undefined) break;
        if (request === null) continue;
        IDBRequest.fail(request, abortError("The transaction was aborted."));
        if (!this.#hasListener(request, "error")) continue;
        queueDatabaseTask(next);
        EventTarget.fire(request, new Event("error", bubbling));
        return true;
      }
      return this.#aborted();
    };
    queueDatabaseTask(next);
  }

  #aborted() {
    if (this.isUpgrade) this.connection.upgradeTransaction = null;
    const hasListener =
      EventTarget.hasListener(this.object, "abort") || EventTarget.hasListener(this.database, "abort");
    if (hasListener) EventTarget.fire(this.object, new Event("abort", bubblingOnly));
    this.#finish(true);
    return hasListener;
  }

  #finish(isAborted) {
    if (waiting.size > 0) expectMessage();
    this.connection.transactions.delete(this);
    this.#owner?.finished(isAborted);
    this.connection.closeIfDone();
  }
}

// All other outcomes are lists, strings, numbers or null.
const isFailure = (outcome) => isObject(outcome) && !ArrayIsArray(outcome);
const errorOfOutcome = (outcome) => (isFailure(outcome) ? errorOf(outcome.error[0], outcome.error[1]) : null);

export class IDBTransaction extends EventTarget {
  #transaction;

  constructor(transaction) {
    super();
    this.#transaction = transaction;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #transaction in value;
  }

  static databaseOf(object) {
    return object.#transaction.database;
  }

  get objectStoreNames() {
    return sortedNameList(this.#transaction.stores);
  }

  get mode() {
    return this.#transaction.mode;
  }

  get durability() {
    return this.#transaction.durability;
  }

  get db() {
    return this.#transaction.database;
  }

  get error() {
    return this.#transaction.error;
  }

  objectStore(name) {
    if (this.#transaction.isFinished) throw invalidStateError("The transaction has finished.");
    const store = this.#transaction.stores.get(name);
    if (store === undefined) {
      throw notFoundError(`The object store '${name}' is not in the scope of the transaction.`);
    }
    return this.#transaction.handleOf(store);
  }

  commit() {
    if (!this.#transaction.isActive) throw invalidStateError("The transaction is not active.");
    this.#transaction.commit();
  }

  abort() {
    if (this.#transaction.isOver) throw invalidStateError("The transaction is committing, or has finished.");
    this.#transaction.abort(null);
  }
}

defineInterface(IDBTransaction, {
  readonly: ["objectStoreNames", "mode", "durability", "db", "error"],
  operations: { objectStore: [DOMString], commit: [], abort: [] },
});
defineEventHandlers(IDBTransaction.prototype, IDBTransaction.is, ["abort", "complete", "error"]);

/** https://w3c.github.io/IndexedDB/#create-a-sorted-name-list, of the names in a map */
export const sortedNameList = (map) => new DOMStringList(ArrayPrototypeSort(MapKeys(map)));

// The parents of https://w3c.github.io/IndexedDB/#request-construct and #transaction-construct
setGetTheParent((target) => {
  if (IDBRequest.is(target)) return IDBRequest.transactionOf(target);
  return IDBTransaction.is(target) ? IDBTransaction.databaseOf(target) : null;
});
