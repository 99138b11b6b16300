// https://w3c.github.io/IndexedDB/#transaction-request-list. The engine's garbage collector goes through all objects that
// there are after each turn: of a request that waits, there is not much more than the request itself.
import { MathMin } from "../infra/primordials.js";

// So many requests are executed at once, before the events of the first; fewer if they have more characters.
const BATCH = 1000;
const BATCH_LENGTH = 1 << 21;

/** The requests of a transaction in order: some have been executed, and some of these have been delivered. */
export class RequestList {
  #requests = [];
  #operations = [];
  #finishes = [];
  #outcomes = [];
  #executed = 0;
  #delivered = 0;

  /**
   * @param request null for one that only aborts the transaction, with the error `finish`
   * @param operation of op_idb_execute, or a function that makes it when its time has come
   * @param finish (outcome) -> the result of the request; or a key, which is the result if the outcome is none
   */
  add(request, operation, finish) {
    const index = this.#requests.length;
    this.#requests[index] = request;
    this.#operations[index] = operation;
    this.#finishes[index] = finish;
  }

  get hasWaiting() {
    return this.#executed < this.#requests.length;
  }

  get hasOutcome() {
    return this.#delivered < this.#executed;
  }

  /** Executes some: run(operations) gives the outcomes of as many as it has executed. */
  execute(run) {
    const start = this.#executed;
    const count = MathMin(BATCH, this.#requests.length - start);
    const operations = [];
    let length = 0;
    let mayStop = false; // before the end: what was made for an operation that does not come would be lost
    for (let i = 0; i < count; i++) {
      const operation = this.#operations[start + i];
      if (typeof operation === "function") {
        if (mayStop) break;
        operations[i] = operation();
      } else {
        operations[i] = operation;
      }
      if (typeof operations[i] === "string") length += operations[i].length;
      else mayStop = true;
      if (length > BATCH_LENGTH) break;
    }
    const outcomes = run(operations);
    for (let i = 0; i < outcomes.length; i++) this.#outcomes[start + i] = outcomes[i];
    for (let i = 0; i < outcomes.length; i++) this.#operations[start + i] = null;
    this.#executed += outcomes.length;
  }

  // The one whose outcome is to be delivered.

  get request() {
    return this.#requests[this.#delivered];
  }

  get finish() {
    return this.#finishes[this.#delivered];
  }

  get outcome() {
    return this.#outcomes[this.#delivered];
  }

  next() {
    this.#requests[this.#delivered] = null;
    this.#finishes[this.#delivered] = null;
    this.#outcomes[this.#delivered] = null;
    if (++this.#delivered === this.#requests.length) this.#clear();
  }

  /** The next request that will never have a result, whether it is executed or not; undefined if there is none. */
  take() {
    const { request, finish, outcome } = this;
    if (request === undefined) return undefined;
    if (this.hasOutcome && typeof finish === "function") forget(finish, outcome);
    this.next();
    return request;
  }

  #clear() {
    this.#requests = [];
    this.#operations = [];
    this.#finishes = [];
    this.#outcomes = [];
    this.#executed = 0;
    this.#delivered = 0;
  }
}

/** Makes the result that nobody gets: what it has of the host's, such as blobs, goes with it. */
function forget(finish, outcome) {
  try {
    finish(outcome);
  } catch {
    // there is none
  }
}
