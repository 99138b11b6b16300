// How the algorithms of the standard wait: with as few promises as will do, for a microtask costs a tenth of one.
//
// A *completion* is what an algorithm that "returns a promise" returns here: a promise, a Deferred, or undefined for a
// promise that is fulfilled already. What it is fulfilled with does not matter.
import {
  markAsHandled,
  PromisePrototypeThen,
  PromiseReject,
  PromiseWithResolvers,
  queueMicrotask,
  ReflectApply,
} from "../infra/primordials.js";
import { isObject, promise as promiseType } from "../webidl/types.js";

/** Stands for a promise of undefined: the promise itself is made if a script gets to see it. */
export class Deferred {
  isPending = true;
  #isRejected = false;
  #isHandled = false;
  #reason = undefined;
  #reactions = null; // a list of onFulfilled, onRejected, onFulfilled, ...
  #capability = null;

  static resolved() {
    const deferred = new Deferred();
    deferred.isPending = false;
    return deferred;
  }

  /** Its [[PromiseIsHandled]] is true. */
  static rejected(reason) {
    const deferred = new Deferred();
    deferred.reject(reason, true);
    return deferred;
  }

  get promise() {
    if (this.#capability === null) {
      this.#capability = PromiseWithResolvers();
      if (!this.isPending) this.#settlePromise();
    }
    return this.#capability.promise;
  }

  resolve() {
    if (this.isPending) this.#settle();
  }

  reject(reason, isHandled = false) {
    if (!this.isPending) return;
    this.#isRejected = true;
    this.#isHandled = isHandled;
    this.#reason = reason;
    this.#settle();
  }

  #settle() {
    this.isPending = false;
    if (this.#capability !== null) this.#settlePromise();
    const reactions = this.#reactions;
    if (reactions === null) return;
    this.#reactions = null;
    for (let i = 0; i < reactions.length; i += 2) this.#react(reactions[i], reactions[i + 1]);
  }

  #settlePromise() {
    const { promise, resolve, reject } = this.#capability;
    if (!this.#isRejected) {
      resolve(undefined);
    } else {
      reject(this.#reason);
      if (this.#isHandled) markAsHandled(promise);
    }
  }

  #react(onFulfilled, onRejected) {
    if (!this.#isRejected) queueMicrotask(onFulfilled);
    else queueMicrotask(() => onRejected(this.#reason));
  }

  /** Runs one of the steps, neither of which may throw, when this is settled. */
  upon(onFulfilled, onRejected) {
    if (!this.isPending) {
      this.#react(onFulfilled, onRejected);
      return;
    }
    this.#reactions ??= [];
    this.#reactions[this.#reactions.length] = onFulfilled;
    this.#reactions[this.#reactions.length] = onRejected;
  }
}

/** Runs one of the steps, neither of which may throw, when the completion is settled. */
export function upon(completion, onFulfilled, onRejected) {
  if (completion === undefined) queueMicrotask(onFulfilled);
  else if (completion instanceof Deferred) completion.upon(onFulfilled, onRejected);
  else PromisePrototypeThen(completion, onFulfilled, onRejected);
}

/** Settles the deferred as the completion is. */
export function settleWith(deferred, completion) {
  if (completion === undefined) deferred.resolve();
  else
    upon(
      completion,
      () => deferred.resolve(),
      (reason) => deferred.reject(reason),
    );
}

export function ignore() {}

/** "A promise resolved with" a value, for those who only want to know when. */
export function completionOf(value) {
  if (!isObject(value)) return undefined;
  if (!(value instanceof Deferred)) return promiseType.convert(value);
  const adopting = new Deferred();
  queueMicrotask(() => settleWith(adopting, value)); // a promise that is resolved with another one does so later
  return adopting;
}

/** The completion of a callback function whose return type is Promise<undefined>. */
export function invokePromising(callback, self, values) {
  try {
    return completionOf(ReflectApply(callback, self, values));
  } catch (error) {
    return PromiseReject(error);
  }
}
