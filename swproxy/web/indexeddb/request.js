// https://w3c.github.io/IndexedDB/#request-api
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { defineInterface } from "../webidl/interface.js";
import { invalidStateError } from "./errors.js";

/**
 * A request (https://w3c.github.io/IndexedDB/#request-construct); `result` is there when it is `done`.
 * The class is the interface; who else needs its state reads and writes it through the static methods.
 */
export class IDBRequest extends EventTarget {
  #source;
  #transaction;
  #done = false;
  #result = undefined;
  #error = null;

  /** source: an object, or null; transaction: an IDBTransaction, or null. */
  constructor(source, transaction) {
    super();
    this.#source = source;
    this.#transaction = transaction;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #source in value;
  }

  static succeed(request, result) {
    request.#done = true;
    request.#result = result;
    request.#error = null;
  }

  static fail(request, error) {
    request.#done = true;
    request.#result = undefined;
    request.#error = error;
  }

  /** It is pending again. */
  static reset(request) {
    request.#done = false;
  }

  static setTransaction(request, transaction) {
    request.#transaction = transaction;
  }

  static transactionOf(request) {
    return request.#transaction;
  }

  static errorOf(request) {
    return request.#error;
  }

  get result() {
    if (!this.#done) throw stillPending();
    return this.#result;
  }

  get error() {
    if (!this.#done) throw stillPending();
    return this.#error;
  }

  get source() {
    return this.#source;
  }

  get transaction() {
    return this.#transaction;
  }

  get readyState() {
    return this.#done ? "done" : "pending";
  }
}

const stillPending = () => invalidStateError("The request has not finished.");

defineInterface(IDBRequest, { readonly: ["result", "error", "source", "transaction", "readyState"] });
defineEventHandlers(IDBRequest.prototype, IDBRequest.is, ["success", "error"]);

/** https://w3c.github.io/IndexedDB/#idbopendbrequest */
export class IDBOpenDBRequest extends IDBRequest {
  #brand = true;

  constructor() {
    super(null, null);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }
}

defineInterface(IDBOpenDBRequest, {});
defineEventHandlers(IDBOpenDBRequest.prototype, IDBOpenDBRequest.is, ["blocked", "upgradeneeded"]);
