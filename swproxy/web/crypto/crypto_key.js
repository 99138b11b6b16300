// https://w3c.github.io/webcrypto/#cryptokey-interface
import { op_key_from_body, op_key_to_body, op_release_key } from "host:ops";
import {
  ArrayPrototypeIncludes,
  ArrayPrototypeJoin,
  DOMExceptionConstructor,
  JSONParse,
  JSONStringify,
  ObjectAssign,
  ObjectPrototype,
  ObjectSetPrototypeOf,
  SafeFinalizationRegistry,
  StringPrototypeSplit,
} from "../infra/primordials.js";
import { binaryToBytes } from "../infra/bytes.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface } from "../webidl/interface.js";
import { enumeration } from "../webidl/types.js";

const USAGES = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];
export const KeyUsage = enumeration("KeyUsage", USAGES);

/** https://w3c.github.io/webcrypto/#concept-usage-intersection */
export function usageIntersection(a, b) {
  const result = [];
  for (let i = 0; i < USAGES.length; i++) {
    if (ArrayPrototypeIncludes(a, USAGES[i]) && ArrayPrototypeIncludes(b, USAGES[i])) {
      result[result.length] = USAGES[i];
    }
  }
  return result;
}

/** https://w3c.github.io/webcrypto/#concept-normalized-usages */
export const normalizedUsages = (usages) => usageIntersection(usages, USAGES);

/** Throws a SyntaxError if there is another usage than those that are allowed. */
export function checkUsages(usages, allowed) {
  for (let i = 0; i < usages.length; i++) {
    if (!ArrayPrototypeIncludes(allowed, usages[i])) {
      throw new DOMExceptionConstructor(`A key of this kind cannot have the usage '${usages[i]}'.`, "SyntaxError");
    }
  }
}

const registry = new SafeFinalizationRegistry((number) => op_release_key(number));

/** What a CryptoKey has in its internal slots; nothing of it changes, so clones have it in common. */
export class InnerKey {
  /**
   * @param type "public", "private" or "secret"
   * @param algorithm the members of a KeyAlgorithm; a publicExponent is a binary
   * @param usages normalized
   * @param number the [[handle]]: under it, the host has the material
   */
  constructor(type, extractable, algorithm, usages, number) {
    this.type = type;
    this.extractable = extractable;
    this.algorithm = algorithm;
    this.usages = usages;
    this.number = number;
    registry.register(this, number);
  }
}
// Promises are resolved with it, which must not come upon a then() that a script has given to all objects.
ObjectSetPrototypeOf(InnerKey.prototype, null);

export class CryptoKey {
  #inner;
  #algorithm = null; // [[algorithm_cached]]
  #usages = null; // [[usages_cached]]

  constructor(inner) {
    this.#inner = inner;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #inner in value;
  }

  static inner(key) {
    return key.#inner;
  }

  get type() {
    return this.#inner.type;
  }

  get extractable() {
    return this.#inner.extractable;
  }

  get algorithm() {
    this.#algorithm ??= toObject(this.#inner.algorithm);
    return this.#algorithm;
  }

  get usages() {
    this.#usages ??= normalizedUsages(this.#inner.usages);
    return this.#usages;
  }
}

/** A KeyAlgorithm as Web IDL converts it for scripts. */
function toObject({ name, modulusLength, publicExponent, namedCurve, hash, length }) {
  const object = { __proto__: null, name };
  if (modulusLength !== undefined) object.modulusLength = modulusLength;
  if (publicExponent !== undefined) object.publicExponent = binaryToBytes(publicExponent);
  if (namedCurve !== undefined) object.namedCurve = namedCurve;
  if (hash !== undefined) object.hash = { name: hash.name };
  if (length !== undefined) object.length = length;
  return ObjectSetPrototypeOf(object, ObjectPrototype);
}

defineInterface(CryptoKey, { readonly: ["type", "extractable", "algorithm", "usages"] });

const FORMATS = { __proto__: null, public: "spki", private: "pkcs8", secret: "raw" };

// The material goes from host body to host: scripts and this runtime never see it.
function serialize(key) {
  const { type, extractable, algorithm, usages, number } = CryptoKey.inner(key);
  const fields = [type, extractable, JSONStringify(algorithm), ArrayPrototypeJoin(usages, " ")];
  return { fields, bodies: [op_key_to_body(number, FORMATS[type])] };
}

function deserialize(fields, bodies) {
  const type = fields[0];
  const extractable = fields[1];
  const algorithm = ObjectAssign({ __proto__: null }, JSONParse(fields[2]));
  const usages = normalizedUsages(StringPrototypeSplit(fields[3], " "));
  const { key } = op_key_from_body(algorithm, FORMATS[type], bodies[0], extractable);
  return new CryptoKey(new InnerKey(type, extractable, algorithm, usages, key));
}

registerSerializable("CryptoKey", CryptoKey.is, serialize, deserialize);
