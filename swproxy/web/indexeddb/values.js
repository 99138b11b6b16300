// Values on their way to and from the disk. Most are what JSON can carry, and travel and are stored as JSON: the engine
// is many times as fast with that as with the tokens of structured clone, which all other values are.
import {
  ArrayIsArray,
  ArrayPrototype,
  JSONStringify,
  NumberIsFinite,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectKeys,
  ObjectPrototype,
  ObjectPrototypeLookupGetter,
  SafeSet,
  SymbolIterator,
} from "../infra/primordials.js";
import { isProxy } from "../structured_clone/proxies.js";
import { convertKeyToValue, keyTexts } from "./keys.js";
import { inject } from "./key_path.js";

const NOT_PLAIN = { __proto__: null };
const MAX_DEPTH = 100;

/** Copies a value if JSON can carry it, without running anything of a script's; NOT_PLAIN if not. */
const plainCopy = (value) => (isContainer(value) ? plainContainer(value, null, 0) : plainPrimitive(value));

const isContainer = (value) => typeof value === "object" && value !== null;

function plainPrimitive(value) {
  switch (typeof value) {
    case "number":
      return NumberIsFinite(value) && (value !== 0 || 1 / value > 0) ? value : NOT_PLAIN;
    case "string":
    case "boolean":
    case "object":
      return value;
    default:
      return NOT_PLAIN;
  }
}

/** seen: the objects that this one is in, and their others; null for none. */
function plainContainer(object, seen, depth) {
  if (isProxy(object)) return NOT_PLAIN;
  if (seen !== null) {
    if (depth === MAX_DEPTH || seen.has(object)) return NOT_PLAIN; // one object in two places
    seen.add(object);
  }
  if (ArrayIsArray(object)) return plainArray(object, seen, depth);
  const prototype = ObjectGetPrototypeOf(object);
  if (prototype !== ObjectPrototype && prototype !== null) return NOT_PLAIN;
  if (ObjectHasOwn(object, SymbolIterator)) return NOT_PLAIN; // perhaps an arguments object
  const copy = { __proto__: null };
  const keys = ObjectKeys(object);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (ObjectPrototypeLookupGetter(object, key) !== undefined) return NOT_PLAIN;
    let item = object[key];
    if (typeof item !== "string") {
      item = isContainer(item) ? plainContainer(item, (seen ??= seenFrom(object)), depth + 1) : plainPrimitive(item);
      if (item === NOT_PLAIN) return NOT_PLAIN;
    }
    copy[key] = item;
  }
  return copy;
}

function plainArray(array, seen, depth) {
  const { length } = array;
  const keys = ObjectKeys(array);
  if (keys.length !== length || "toJSON" in ArrayPrototype) return NOT_PLAIN;
  const copy = [];
  for (let i = 0; i < length; i++) {
    if (keys[i] !== `${i}` || ObjectPrototypeLookupGetter(array, i) !== undefined) return NOT_PLAIN;
    let item = array[i];
    item = isContainer(item) ? plainContainer(item, (seen ??= seenFrom(array)), depth + 1) : plainPrimitive(item);
    if (item === NOT_PLAIN) return NOT_PLAIN;
    copy[i] = item;
  }
  return copy;
}

function seenFrom(object) {
  const seen = new SafeSet();
  seen.add(object);
  return seen;
}

/** The StructuredSerializeForStorage of a value that JSON can carry: `text` is that. */
class PlainValue {
  #copy;

  constructor(copy) {
    this.text = JSONStringify(copy);
    this.#copy = copy;
  }

  get isPlain() {
    return true;
  }

  /** The clone, whose objects have no prototypes. It is the caller's; there is only one. */
  clone() {
    return this.#copy;
  }
}

/** The StructuredSerializeForStorage of any other value. */
class ClonedValue {
  #record;

  constructor(record) {
    this.#record = record;
  }

  get isPlain() {
    return false;
  }

  clone() {
    return structuredCloneOf().structuredDeserialize(this.#record.copy());
  }

  /** The JSON of { text, parts }, as the host takes it: it is used up then. */
  toHost() {
    const { text, parts } = this.#record.toHost();
    return `{"text":${JSONStringify(text)},"parts":[${keyTexts(parts)}]}`;
  }
}

const structuredCloneOf = () => load("../structured_clone/structured_clone.js");

/** A serialized value. Throws a DataCloneError. */
export function serializeForStorage(value) {
  const copy = plainCopy(value);
  return copy === NOT_PLAIN ? new ClonedValue(structuredCloneOf().structuredSerialize(value)) : new PlainValue(copy);
}

/**
 * The value that the host describes as [kind, content, key], as ops.py says.
 * @param keyPath of its store
 */
export function deserialize({ 0: kind, 1: content, 2: key }, keyPath) {
  let value = content;
  if (kind & 1) {
    const { Record } = load("../structured_clone/record.js");
    value = structuredCloneOf().structuredDeserialize(Record.fromHost(content));
  }
  if (kind & 2) inject(value, keyPath, convertKeyToValue(key));
  return value;
}
