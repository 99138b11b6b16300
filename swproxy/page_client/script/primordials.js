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

/** What no property that the page has given to all arrays or objects is found in, or keeps from being set. */
export const bare = (object = []) => (setPrototypeOf(object, null), object);

/** Adds to an array that is for the page. */
export const push = (array, value) =>
  defineProperty(array, array.length, {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });

// The browser's functions may be replaced by what looks like them, and does `apply(the function, this, arguments)`.
function wrap(native, apply) {
  const isOurs = isReplaced;
  return new Proxy(native, {
    __proto__: null,
    apply: (native, self, args) => (isOurs() ? apply : ReflectApply)(native, self, bare(args)),
  });
}
const always = () => true;
let isReplaced = always;
/** What `work` replaces is again what it was whenever the condition is false. */
export function replaceWhile(condition, work) {
  isReplaced = condition;
  try {
    work();
  } catch {
    // Scripts of another window have taken away what is to be replaced.
  }
  isReplaced = always;
}
export function replaceMethod(object, name, apply) {
  object[name] = wrap(object[name], apply);
}
/** The property need not be there. */
export function replaceGetter(object, name, apply) {
  const { get, set } = getOwnPropertyDescriptor(object, name) ?? { __proto__: null, get() {} };
  const descriptor = { __proto__: null, get: wrap(get, apply), set, enumerable: true, configurable: true };
  defineProperty(object, name, descriptor);
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
const { fetch } = globalThis;
/** fetch(); `await` does not ask what the page has made of promises. */
export function fetchNatively(request, init) {
  const promise = fetch(request, init);
  defineProperty(promise, "constructor", { __proto__: null, value: Promise });
  return promise;
}
/** The getters of a prototype's properties, by name. */
export function getters(prototype, names) {
  const all = { __proto__: null };
  for (let i = 0; i < names.length; i++) all[names[i]] = getter(prototype, names[i]);
  return all;
}
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

export const blobSize = getter(Blob.prototype, "size");
export const byteLengthOf = getter(ArrayBuffer.prototype, "byteLength");
export const closeReadable = uncurry(ReadableStreamDefaultController.prototype.close);
export const dataOf = getter(MessageEvent.prototype, "data");
export const enqueue = uncurry(ReadableStreamDefaultController.prototype.enqueue);
export const setBytes = uncurry(Uint8Array.prototype.set);

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
  return bare(array);
}
