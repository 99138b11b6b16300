// https://w3c.github.io/IndexedDB/#keyrange
import { defineInterface, optional } from "../webidl/interface.js";
import { any, boolean } from "../webidl/types.js";
import { dataError } from "./errors.js";
import { compareKeys, convertKeyToValue, convertValueToKey, INVALID_TYPE, keyOf } from "./keys.js";

export class IDBKeyRange {
  #lower;
  #upper;
  #lowerOpen;
  #upperOpen;
  #lowerValue;
  #upperValue;

  /** lower, upper: keys, or null for an end without bound. */
  constructor(lower, upper, lowerOpen, upperOpen) {
    this.#lower = lower;
    this.#upper = upper;
    this.#lowerOpen = lowerOpen;
    this.#upperOpen = upperOpen;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #lower in value;
  }

  /** As the host takes it: [lower, upper, lowerOpen, upperOpen]. */
  static toHost(range) {
    return [range.#lower, range.#upper, range.#lowerOpen, range.#upperOpen];
  }

  get lower() {
    if (this.#lower !== null) this.#lowerValue ??= convertKeyToValue(this.#lower);
    return this.#lowerValue;
  }

  get upper() {
    if (this.#upper !== null) this.#upperValue ??= convertKeyToValue(this.#upper);
    return this.#upperValue;
  }

  get lowerOpen() {
    return this.#lowerOpen;
  }

  get upperOpen() {
    return this.#upperOpen;
  }

  static only(value) {
    const key = keyOf(value);
    return new IDBKeyRange(key, key, false, false);
  }

  static lowerBound(lower, open = false) {
    return new IDBKeyRange(keyOf(lower), null, open, true);
  }

  static upperBound(upper, open = false) {
    return new IDBKeyRange(null, keyOf(upper), true, open);
  }

  static bound(lower, upper, lowerOpen = false, upperOpen = false) {
    const lowerKey = keyOf(lower);
    const upperKey = keyOf(upper);
    const order = compareKeys(lowerKey, upperKey);
    if (order > 0) throw dataError("The lower key is greater than the upper key.");
    if (order === 0 && (lowerOpen || upperOpen)) {
      throw dataError("The lower key and upper key are equal and one of the bounds is open.");
    }
    return new IDBKeyRange(lowerKey, upperKey, lowerOpen, upperOpen);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbkeyrange-includes */
  includes(value) {
    const key = keyOf(value);
    if (this.#lower !== null) {
      const order = compareKeys(this.#lower, key);
      if (order > 0 || (order === 0 && this.#lowerOpen)) return false;
    }
    if (this.#upper !== null) {
      const order = compareKeys(this.#upper, key);
      if (order < 0 || (order === 0 && this.#upperOpen)) return false;
    }
    return true;
  }
}

defineInterface(IDBKeyRange, {
  readonly: ["lower", "upper", "lowerOpen", "upperOpen"],
  statics: {
    only: [any],
    lowerBound: [any, optional(boolean)],
    upperBound: [any, optional(boolean)],
    bound: [any, any, optional(boolean), optional(boolean)],
  },
  operations: { includes: [any] },
});

const UNBOUNDED = [null, null, true, true];

/**
 * https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key-range, as the host takes it
 * @param nullDisallowed whether nothing is an error and not every key
 */
export function convertValueToKeyRange(value, nullDisallowed = false) {
  if (IDBKeyRange.is(value)) return IDBKeyRange.toHost(value);
  if (value === undefined || value === null) {
    if (nullDisallowed) throw dataError("No key or key range was given.");
    return UNBOUNDED;
  }
  const key = keyOf(value);
  return [key, key, false, false];
}

/** https://w3c.github.io/IndexedDB/#is-a-potentially-valid-key-range */
export const isPotentiallyValidKeyRange = (value) =>
  IDBKeyRange.is(value) || convertValueToKey(value) !== INVALID_TYPE;
