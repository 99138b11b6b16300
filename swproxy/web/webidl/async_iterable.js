// Asynchronously iterable declarations of one type (https://webidl.spec.whatwg.org/#js-asynchronous-iterable).
import {
  AsyncIteratorPrototype,
  ObjectCreate,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectSetPrototypeOf,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  SymbolToStringTag,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { hideSources } from "../infra/native_functions.js";

/** What the next() of an implementation's iterator fulfils its promise with when there are no more values. */
export const endOfIteration = { __proto__: null };

/** https://webidl.spec.whatwg.org/#js-default-asynchronous-iterator-object */
class DefaultAsyncIterator {
  #iterator;
  #ongoing = null;
  #finished = false;

  constructor(iterator, prototype) {
    this.#iterator = iterator;
    ObjectSetPrototypeOf(this, prototype);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #iterator in value;
  }

  next() {
    if (!DefaultAsyncIterator.is(this)) return PromiseReject(new TypeErrorConstructor("Illegal invocation"));
    return this.#afterOngoing(() => this.#next());
  }

  return(value) {
    if (!DefaultAsyncIterator.is(this)) return PromiseReject(new TypeErrorConstructor("Illegal invocation"));
    const returned = this.#afterOngoing(() => this.#return(value));
    return PromisePrototypeThen(returned, () => ({ value, done: true }));
  }

  #afterOngoing(steps) {
    this.#ongoing = this.#ongoing === null ? steps() : PromisePrototypeThen(this.#ongoing, steps, steps);
    return this.#ongoing;
  }

  #next() {
    if (this.#finished) return PromiseResolve({ value: undefined, done: true });
    return PromisePrototypeThen(
      this.#iterator.next(),
      (value) => {
        this.#ongoing = null;
        if (value !== endOfIteration) return { value, done: false };
        this.#finished = true;
        return { value: undefined, done: true };
      },
      (reason) => {
        this.#ongoing = null;
        this.#finished = true;
        throw reason;
      },
    );
  }

  #return(value) {
    if (this.#finished) return PromiseResolve({ value, done: true });
    this.#finished = true;
    return this.#iterator.return(value);
  }
}

/** https://webidl.spec.whatwg.org/#js-asynchronous-iterator-prototype-object */
function makePrototype(interfaceName) {
  const prototype = ObjectCreate(AsyncIteratorPrototype);
  const names = ["next", "return"];
  for (let i = 0; i < names.length; i++) {
    const descriptor = ObjectGetOwnPropertyDescriptor(DefaultAsyncIterator.prototype, names[i]);
    descriptor.enumerable = true;
    ObjectDefineProperty(prototype, names[i], descriptor);
  }
  hideSources(prototype);
  ObjectDefineProperty(prototype, SymbolToStringTag, {
    __proto__: null,
    value: `${interfaceName} AsyncIterator`,
    configurable: true,
  });
  return prototype;
}

/** The method that makes an iterator, of converted arguments. */
export function makeValuesMethod(implementation, interfaceName) {
  let prototype = null;
  return {
    values(...converted) {
      prototype ??= makePrototype(interfaceName);
      return new DefaultAsyncIterator(implementation.asyncIterator(this, converted), prototype);
    },
  }.values;
}
