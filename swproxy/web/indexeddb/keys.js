// Keys: https://w3c.github.io/IndexedDB/#key-construct. A key is in the form in which it crosses to the host and back:
// a finite number or a string is itself, any other a list that begins with what it is (see ops.py).
import {
  ArrayBufferIsView,
  ArrayIsArray,
  DateConstructor,
  DatePrototypeGetTime,
  JSONParse,
  JSONStringify,
  MathMin,
  NumberIsFinite,
  NumberIsNaN,
  ObjectDefineProperty,
  ObjectHasOwn,
  SafeSet,
  TypedArrayPrototypeGetBuffer,
} from "../infra/primordials.js";
import { binaryToBytes, bytesToBinary, viewOf } from "../infra/bytes.js";
import { isProxy } from "../structured_clone/proxies.js";
import { isArrayBuffer, isDetached, isObject } from "../webidl/types.js";
import { dataError } from "./errors.js";

const INFINITE = 0; // [INFINITE, 1 or -1]
const DATE = 1; // [DATE, milliseconds]
const BINARY = 2; // [BINARY, a string with one character for each byte]
const ARRAY = 3; // [ARRAY, keys]
const GENERATED = [4]; // the key that the store's key generator is going to make
const ILL_FORMED = 5; // [ILL_FORMED, JSON] from the host: a string that is not well-formed

/** Stands in a value where its generated key will be. */
export const PLACEHOLDER = { __proto__: null };

// What is no key: https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key
export const INVALID_VALUE = { __proto__: null, reason: "is no valid key" };
export const INVALID_TYPE = { __proto__: null, reason: "is of a type that no key has" };
const isInvalid = (key) => key === INVALID_VALUE || key === INVALID_TYPE;

// Arrays in arrays; the standard has no limit, other implementations do.
const MAX_DEPTH = 200;

/** https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key: a key, INVALID_VALUE or INVALID_TYPE */
export function convertValueToKey(input) {
  if (typeof input === "string") return input;
  if (typeof input === "number") return numberKey(input);
  return isObject(input) ? convertObject(input, null, 0) : INVALID_TYPE;
}

function numberKey(number) {
  if (NumberIsFinite(number)) return number + 0; // -0 is equal to 0
  return NumberIsNaN(number) ? INVALID_VALUE : [INFINITE, number > 0 ? 1 : -1];
}

function convertObject(input, seen, depth) {
  if (input === PLACEHOLDER) return GENERATED;
  if (isProxy(input)) return INVALID_TYPE;
  if (ArrayIsArray(input)) return convertArray(input, seen ?? new SafeSet(), depth);
  if (ArrayBufferIsView(input) || isArrayBuffer(input)) {
    return isDetached(input) ? INVALID_VALUE : [BINARY, bytesToBinary(viewOf(input))];
  }
  let milliseconds;
  try {
    milliseconds = DatePrototypeGetTime(input);
  } catch {
    return INVALID_TYPE;
  }
  return NumberIsNaN(milliseconds) ? INVALID_VALUE : [DATE, milliseconds];
}

function convertArray(input, seen, depth) {
  if (seen.has(input) || depth === MAX_DEPTH) return INVALID_VALUE;
  const { length } = input;
  seen.add(input);
  const keys = [];
  for (let i = 0; i < length; i++) {
    if (!ObjectHasOwn(input, i)) return INVALID_VALUE;
    const entry = input[i];
    const key = isObject(entry) ? convertObject(entry, seen, depth + 1) : convertValueToKey(entry);
    if (isInvalid(key)) return INVALID_VALUE;
    createDataProperty(keys, i, key);
  }
  return [ARRAY, keys];
}

/** https://w3c.github.io/IndexedDB/#convert-a-value-to-a-multientry-key */
export function convertValueToMultiEntryKey(input) {
  if (!ArrayIsArray(input)) return convertValueToKey(input);
  const seen = new SafeSet();
  seen.add(input);
  const keys = [];
  const texts = new SafeSet();
  for (let i = 0; i < input.length; i++) {
    let key;
    try {
      const entry = input[i];
      key = isObject(entry) ? convertObject(entry, seen, 1) : convertValueToKey(entry);
    } catch {
      continue;
    }
    if (isInvalid(key)) continue;
    const text = keyText(key);
    if (!texts.has(text)) keys[keys.length] = key;
    texts.add(text);
  }
  return [ARRAY, keys];
}

/** The keys that a multiEntry index gets for one key. */
export const subkeysOf = (key) => (typeof key === "object" && key[0] === ARRAY ? key[1] : [key]);

/** The key that a value is. Throws a DataError if it is none. */
export function keyOf(value) {
  const key = convertValueToKey(value);
  if (isInvalid(key)) throw dataError(`The parameter ${key.reason}.`);
  return key;
}

/** What a conversion came to: a key, or null if it was none. */
export const validKey = (key) => (isInvalid(key) ? null : key);

// The order of types: https://w3c.github.io/IndexedDB/#compare-two-keys
const RANKS = [0, 1, 3, 4, 5]; // of INFINITE, DATE, BINARY, ARRAY and GENERATED; a string has 2
const rankOf = (key) => (typeof key === "object" ? RANKS[key[0]] : typeof key === "string" ? 2 : 0);
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const numberOf = (key) => (typeof key === "object" ? key[1] * Infinity : key);

/** https://w3c.github.io/IndexedDB/#compare-two-keys: -1, 0 or 1 */
export function compareKeys(a, b) {
  if (a[0] === ILL_FORMED) a = JSONParse(a[1]);
  if (b[0] === ILL_FORMED) b = JSONParse(b[1]);
  if (typeof a === typeof b && typeof a !== "object") return compare(a, b);
  const rank = rankOf(a);
  if (rank !== rankOf(b)) return compare(rank, rankOf(b));
  switch (rank) {
    case 0:
      return compare(numberOf(a), numberOf(b));
    case 1:
    case 3:
      return compare(a[1], b[1]);
    case 4:
      return compareLists(a[1], b[1]);
    default:
      return 0;
  }
}

function compareLists(a, b) {
  const count = MathMin(a.length, b.length);
  for (let i = 0; i < count; i++) {
    const order = compareKeys(a[i], b[i]);
    if (order !== 0) return order;
  }
  return compare(a.length, b.length);
}

/** The JSON of a key, or of a list of them: nothing of a script's has a say in it. */
export function keyText(key) {
  if (typeof key === "number") return `${key}`;
  if (typeof key === "string") return JSONStringify(key);
  switch (key[0]) {
    case BINARY:
      return `[${BINARY},${JSONStringify(key[1])}]`;
    case ARRAY:
      return `[${ARRAY},[${keyTexts(key[1])}]]`;
    default:
      return key.length === 1 ? `[${key[0]}]` : `[${key[0]},${keyText(key[1])}]`;
  }
}

/** The JSON of keys, without brackets. */
export function keyTexts(keys) {
  let text = "";
  for (let i = 0; i < keys.length; i++) text += i === 0 ? keyText(keys[i]) : `,${keyText(keys[i])}`;
  return text;
}

/** CreateDataProperty (https://tc39.es/ecma262/#sec-createdataproperty): no setter of a prototype has a say. */
export function createDataProperty(object, name, value) {
  const descriptor = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  ObjectDefineProperty(object, name, descriptor);
}

/** https://w3c.github.io/IndexedDB/#convert-a-key-to-a-value */
export function convertKeyToValue(key) {
  if (typeof key !== "object") return key;
  switch (key[0]) {
    case INFINITE:
      return numberOf(key);
    case DATE:
      return new DateConstructor(key[1]);
    case BINARY:
      return TypedArrayPrototypeGetBuffer(binaryToBytes(key[1]));
    case ILL_FORMED:
      return JSONParse(key[1]);
    default: {
      const values = [];
      for (let i = 0; i < key[1].length; i++) createDataProperty(values, i, convertKeyToValue(key[1][i]));
      return values;
    }
  }
}
