// A workaround for QuickJS-NG 0.11, which frees a suspended async function when nothing but its own local variables
// leads to it, although closures still use these: https://github.com/quickjs-ng/quickjs/pull/1569. An example is
// `let resolve; const p = new Promise((r) => { resolve = r; }); addEventListener("x", () => resolve()); await p;`.
//
// So a promise that is awaited is held here until it is settled, and it holds what awaits it. `await` and `then` ask a
// promise for its constructor: that is how we hear of them. The price: a rejection is not reported as unhandled if a
// script has only asked for the promise's constructor itself, as Promise.resolve() does.
import { hideSources } from "./native_functions.js";
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  PromiseConstructor,
  PromisePrototypeThen,
  SafeSet,
} from "./primordials.js";

const { prototype } = PromiseConstructor;
const awaited = new SafeSet();
let isHolding = false;

function hold(promise) {
  isHolding = true; // then() asks for the constructor, too
  try {
    const settled = () => awaited.delete(promise);
    PromisePrototypeThen(promise, settled, settled);
    awaited.add(promise);
  } catch {
    // what inherits from Promise.prototype need not be a promise
  } finally {
    isHolding = false;
  }
}

const accessor = {
  get constructor() {
    if (!isHolding && this !== prototype && !awaited.has(this)) hold(this);
    return PromiseConstructor;
  },
  set constructor(value) {
    ObjectDefineProperty(this, "constructor", {
      __proto__: null,
      value,
      writable: true,
      enumerable: this !== prototype,
      configurable: true,
    });
  },
};
hideSources(accessor);
ObjectDefineProperty(prototype, "constructor", {
  ...ObjectGetOwnPropertyDescriptor(accessor, "constructor"),
  enumerable: false,
});
