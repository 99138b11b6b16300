// What the page's own scripts may replace later, taken before any of them runs.
const { bind, call: callFunction } = Function.prototype;
export const uncurry = bind.bind(callFunction);

const { apply, construct, defineProperty, getOwnPropertyDescriptor, setPrototypeOf } = Reflect;
export const ReflectApply = apply;
export const ReflectConstruct = construct;
export const defineOwn = defineProperty;
export const ownDescriptor = getOwnPropertyDescriptor;

/** The getter of a property, as a function of the object. */
export const getter = (prototype, name) => uncurry(getOwnPropertyDescriptor(prototype, name).get);

// The browser's functions may be replaced by what looks like them, and does `apply(the function, this, arguments)`.
const wrap = (native, apply) => new Proxy(native, { __proto__: null, apply });
export function replaceMethod(object, name, apply) {
  object[name] = wrap(object[name], apply);
}
export function replaceGetter(prototype, name, apply) {
  const descriptor = getOwnPropertyDescriptor(prototype, name);
  defineProperty(prototype, name, { ...descriptor, get: wrap(descriptor.get, apply) });
}

export const { parse: JSONParse, stringify: JSONStringify } = JSON;
export const {
  AbortController,
  ArrayBuffer,
  BigInt,
  Blob,
  Boolean,
  DOMException,
  Date,
  Error,
  Event,
  EventTarget,
  Headers,
  Map,
  MessageChannel,
  MessageEvent,
  MessagePort,
  Number,
  Object,
  Promise,
  ReadableStream,
  RegExp,
  Request,
  Response,
  Set,
  String,
  Symbol,
  TextDecoder,
  TextEncoder,
  TransformStream,
  TypeError,
  URL,
  Uint8Array,
  WeakRef,
  DataView,
  WebSocket,
  WritableStream,
  XMLHttpRequest,
  document,
  encodeURIComponent,
  location,
  navigator,
  setTimeout,
  structuredClone,
} = globalThis;
export const fetchNatively = globalThis.fetch;
export const { freeze: ObjectFreeze, getPrototypeOf: ObjectGetPrototypeOf, keys: ObjectKeys } = Object;

export const { imul } = Math;
export const ArrayPrototypeIncludes = uncurry(Array.prototype.includes);
export const ArrayPrototypeShift = uncurry(Array.prototype.shift);
export const PromiseReject = Promise.reject.bind(Promise);
export const PromiseResolve = Promise.resolve.bind(Promise);
export const PromisePrototypeThen = uncurry(Promise.prototype.then);
export const StringPrototypeSlice = uncurry(String.prototype.slice);
export const StringPrototypeCharCodeAt = uncurry(String.prototype.charCodeAt);
export const StringPrototypeIndexOf = uncurry(String.prototype.indexOf);
export const StringPrototypeStartsWith = uncurry(String.prototype.startsWith);
export const RegExpPrototypeExec = uncurry(RegExp.prototype.exec);
export const addListener = uncurry(EventTarget.prototype.addEventListener);
export const removeListener = uncurry(EventTarget.prototype.removeEventListener);
export const dispatch = uncurry(EventTarget.prototype.dispatchEvent);

/** A Map whose methods cannot be replaced. */
export class SafeMap extends Map {}
setPrototypeOf(SafeMap.prototype, null);
const methods = ["get", "set", "has", "delete"];
for (let i = 0; i < methods.length; i++) {
  defineProperty(SafeMap.prototype, methods[i], getOwnPropertyDescriptor(Map.prototype, methods[i]));
}
export const MapPrototypeSet = uncurry(Map.prototype.set);
export const MapPrototypeForEach = uncurry(Map.prototype.forEach);

/** What Web IDL takes for a sequence of the elements; no script has a say in it. */
export const sequenceOf = (array) => ({
  __proto__: null,
  [Symbol.iterator]() {
    let i = 0;
    return { __proto__: null, next: () => ({ __proto__: null, done: i === array.length, value: array[i++] }) };
  },
});

/** An array that JSON.stringify takes as it is, whatever the page has done to Array.prototype. */
export function forJSON(array) {
  for (let i = 0; i < array.length; i++) {
    const value = array[i];
    if (typeof value === "object" && value !== null) forJSON(value);
  }
  return setPrototypeOf(array, null) ? array : null;
}
