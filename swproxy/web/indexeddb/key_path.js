// Key paths: https://w3c.github.io/IndexedDB/#key-path-construct. A key path is a string or a list of strings.
import { ArrayIsArray, ObjectHasOwn, RegExpPrototypeTest, StringPrototypeSplit } from "../infra/primordials.js";
import { isObject } from "../webidl/types.js";
import { convertValueToKey, convertValueToMultiEntryKey, createDataProperty, validKey } from "./keys.js";

// https://tc39.es/ecma262/#prod-IdentifierName without escapes
const IDENTIFIER = /^[$_\p{ID_Start}][$\u200c\u200d\p{ID_Continue}]*$/u;
const FAILURE = { __proto__: null };

/** https://w3c.github.io/IndexedDB/#valid-key-path */
export function isValidKeyPath(keyPath) {
  if (typeof keyPath === "string") return isValidString(keyPath);
  if (keyPath.length === 0) return false;
  for (let i = 0; i < keyPath.length; i++) if (!isValidString(keyPath[i])) return false;
  return true;
}

function isValidString(keyPath) {
  if (keyPath === "") return true;
  const identifiers = StringPrototypeSplit(keyPath, ".");
  for (let i = 0; i < identifiers.length; i++) if (!RegExpPrototypeTest(IDENTIFIER, identifiers[i])) return false;
  return true;
}

// Of a Blob and a File: https://w3c.github.io/IndexedDB/#key-path-construct has a table of them.
const isBlob = (value) => load("../file/blob.js").Blob.is(value);
const isFile = (value) => load("../file/file.js").File.is(value);

function evaluateIdentifier(value, identifier) {
  if (typeof value === "string") return identifier === "length" ? value.length : FAILURE;
  if (!isObject(value)) return FAILURE;
  if (ArrayIsArray(value) && identifier === "length") return value.length;
  if ((identifier === "size" || identifier === "type") && isBlob(value)) return value[identifier];
  if ((identifier === "name" || identifier === "lastModified") && isFile(value)) return value[identifier];
  if (!ObjectHasOwn(value, identifier)) return FAILURE;
  const found = value[identifier];
  return found === undefined ? FAILURE : found;
}

/** https://w3c.github.io/IndexedDB/#evaluate-a-key-path-on-a-value, on a value that structured clone has made */
function evaluate(value, keyPath) {
  if (typeof keyPath === "string") {
    if (keyPath === "") return value;
    const identifiers = StringPrototypeSplit(keyPath, ".");
    for (let i = 0; i < identifiers.length && value !== FAILURE; i++) {
      value = evaluateIdentifier(value, identifiers[i]);
    }
    return value;
  }
  const result = [];
  for (let i = 0; i < keyPath.length; i++) {
    const key = evaluate(value, keyPath[i]);
    if (key === FAILURE) return FAILURE;
    result[i] = key;
  }
  return result;
}

/**
 * https://w3c.github.io/IndexedDB/#extract-a-key-from-a-value-using-a-key-path: the key; null if what is there is no
 * key; undefined if there is nothing.
 */
export function extractKey(value, keyPath, multiEntry = false) {
  const found = evaluate(value, keyPath);
  if (found === FAILURE) return undefined;
  return validKey(multiEntry ? convertValueToMultiEntryKey(found) : convertValueToKey(found));
}

/** https://w3c.github.io/IndexedDB/#check-that-a-key-could-be-injected-into-a-value */
export function canInject(value, keyPath) {
  const identifiers = StringPrototypeSplit(keyPath, ".");
  for (let i = 0; i < identifiers.length - 1; i++) {
    if (!isObject(value)) return false;
    if (!ObjectHasOwn(value, identifiers[i])) return true;
    value = value[identifiers[i]];
  }
  return isObject(value);
}

/** https://w3c.github.io/IndexedDB/#inject-a-key-into-a-value-using-a-key-path; `keyValue` is a value, not a key. */
export function inject(value, keyPath, keyValue) {
  const identifiers = StringPrototypeSplit(keyPath, ".");
  const last = identifiers.length - 1;
  for (let i = 0; i < last; i++) {
    if (!ObjectHasOwn(value, identifiers[i])) createDataProperty(value, identifiers[i], {});
    value = value[identifiers[i]];
  }
  createDataProperty(value, identifiers[last], keyValue);
}
