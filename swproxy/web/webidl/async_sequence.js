// The type async_sequence<T> (https://webidl.spec.whatwg.org/#js-async-sequence).
import {
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  ReflectApply,
  SymbolAsyncIterator,
  SymbolIterator,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { endOfIteration } from "./async_iterable.js";
import { isObject, promise as promiseType } from "./types.js";

function ensureObject(value, what) {
  if (!isObject(value)) throw new TypeErrorConstructor(`${what} is not an object.`);
  return value;
}

/** https://tc39.es/ecma262/#sec-getmethod */
function getMethod(value, key) {
  const method = value[key] ?? undefined;
  if (method !== undefined && typeof method !== "function") {
    throw new TypeErrorConstructor("A method of an iteration is not a function.");
  }
  return method;
}

/** https://tc39.es/ecma262/#sec-%asyncfromsynciteratorprototype%-object */
class AsyncFromSyncIterator {
  #iterator;
  #next;

  constructor(iterator) {
    this.#iterator = iterator;
    this.#next = iterator.next;
  }

  next() {
    try {
      return this.#continuation(ReflectApply(this.#next, this.#iterator, []), true);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  return(value) {
    try {
      const method = getMethod(this.#iterator, "return");
      if (method === undefined) return PromiseResolve({ value, done: true });
      return this.#continuation(ReflectApply(method, this.#iterator, [value]), false);
    } catch (error) {
      return PromiseReject(error);
    }
  }

  #continuation(result, closeIterator) {
    const done = !!ensureObject(result, "The result of an iterator").done;
    const { value } = result;
    const close = (error) => {
      if (!done && closeIterator) this.#close();
      throw error;
    };
    let valueWrapper;
    try {
      valueWrapper = PromiseResolve(value);
    } catch (error) {
      close(error);
    }
    return PromisePrototypeThen(valueWrapper, (unwrapped) => ({ value: unwrapped, done }), close);
  }

  /** After an error, which is what counts: a further one is not heard of. */
  #close() {
    try {
      const method = getMethod(this.#iterator, "return");
      if (method !== undefined) ReflectApply(method, this.#iterator, []);
    } catch {
      // Nobody could be told.
    }
  }
}

class AsyncIterator_ {
  #iterator;
  #next;
  #type;

  constructor(iterator, type) {
    this.#iterator = iterator;
    this.#next = iterator.next;
    this.#type = type;
  }

  /** A promise of the next value, or of endOfIteration. */
  next() {
    let nextResult;
    try {
      nextResult = ReflectApply(this.#next, this.#iterator, []);
    } catch (error) {
      return PromiseReject(error);
    }
    return PromisePrototypeThen(promiseType.convert(nextResult), (result) => {
      if (ensureObject(result, "The result of an iterator").done) return endOfIteration;
      return this.#type.convert(result.value, "A value of the iterator");
    });
  }

  /** A promise of undefined. */
  close(reason) {
    let returnResult;
    try {
      const method = getMethod(this.#iterator, "return");
      if (method === undefined) return PromiseResolve(undefined);
      returnResult = ReflectApply(method, this.#iterator, [reason]);
    } catch (error) {
      return PromiseReject(error);
    }
    return PromisePrototypeThen(promiseType.convert(returnResult), (result) => {
      ensureObject(result, "The result of the iterator's return()");
    });
  }
}

class AsyncSequence {
  #object;
  #method;
  #isAsync;
  #type;

  constructor(object, method, isAsync, type) {
    this.#object = object;
    this.#method = method;
    this.#isAsync = isAsync;
    this.#type = type;
  }

  /** Opens the sequence: an iterator with next() and close(reason). */
  open() {
    const iterator = ensureObject(ReflectApply(this.#method, this.#object, []), "The iterator");
    return new AsyncIterator_(this.#isAsync ? iterator : new AsyncFromSyncIterator(iterator), this.#type);
  }
}

class AsyncSequenceType {
  constructor(inner) {
    this.inner = inner;
  }

  convert(value, place) {
    if (!isObject(value)) throw new TypeErrorConstructor(`${place} is not an object.`);
    const method = getMethod(value, SymbolAsyncIterator);
    if (method !== undefined) return new AsyncSequence(value, method, true, this.inner);
    const syncMethod = getMethod(value, SymbolIterator);
    if (syncMethod === undefined) throw new TypeErrorConstructor(`${place} is not iterable.`);
    return new AsyncSequence(value, syncMethod, false, this.inner);
  }
}
export const asyncSequence = (type) => new AsyncSequenceType(type);
