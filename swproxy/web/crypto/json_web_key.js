// https://w3c.github.io/webcrypto/#JsonWebKey-dictionary
import {
  ArrayPrototypeIncludes,
  ArrayPrototypeSlice,
  DOMExceptionConstructor,
  JSONStringify,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  StringPrototypeRepeat,
  StringPrototypeSlice,
} from "../infra/primordials.js";
import { boolean, dictionary, DOMString, sequence } from "../webidl/types.js";

const RsaOtherPrimesInfo = dictionary("RsaOtherPrimesInfo", { r: DOMString, d: DOMString, t: DOMString });

export const JsonWebKey = dictionary("JsonWebKey", {
  kty: DOMString,
  use: DOMString,
  key_ops: sequence(DOMString),
  alg: DOMString,
  ext: boolean,
  crv: DOMString,
  x: DOMString,
  y: DOMString,
  d: DOMString,
  n: DOMString,
  e: DOMString,
  p: DOMString,
  q: DOMString,
  dp: DOMString,
  dq: DOMString,
  qi: DOMString,
  oth: sequence(RsaOtherPrimesInfo),
  k: DOMString,
});

// use -> the key operations that contradict it
const contradictions = {
  __proto__: null,
  sig: ["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"],
  enc: ["sign", "verify"],
};

export const dataError = (message) => new DOMExceptionConstructor(message, "DataError");

/** The tests that every import of a JSON Web Key makes; `expected` has the algorithm's kty and use. */
export function checkJwk(jwk, expected, extractable, usages) {
  if (jwk.kty !== expected.kty) throw dataError(`The JSON Web Key's 'kty' is not '${expected.kty}'.`);
  if (usages.length > 0 && jwk.use !== undefined && jwk.use !== expected.use) {
    throw dataError(`The JSON Web Key's 'use' is not '${expected.use}'.`);
  }
  if (jwk.key_ops !== undefined) checkKeyOperations(jwk, usages);
  if (jwk.ext === false && extractable) throw dataError("The JSON Web Key is not extractable.");
}

/** https://www.rfc-editor.org/rfc/rfc7517#section-4.3 */
function checkKeyOperations({ key_ops: operations, use }, usages) {
  const contradicting = contradictions[use] ?? [];
  const seen = { __proto__: null };
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i];
    if (operation in seen) throw dataError(`The JSON Web Key's 'key_ops' has '${operation}' more than once.`);
    if (ArrayPrototypeIncludes(contradicting, operation)) {
      throw dataError(`The JSON Web Key's 'key_ops' has '${operation}', but its 'use' is '${use}'.`);
    }
    seen[operation] = true;
  }
  for (let i = 0; i < usages.length; i++) {
    if (!(usages[i] in seen)) throw dataError(`The JSON Web Key's 'key_ops' lacks '${usages[i]}'.`);
  }
}

/** Throws if the key has an `alg` that is not the expected one. */
export function checkJwkAlgorithm(jwk, expected) {
  if (jwk.alg !== undefined && jwk.alg !== expected) {
    throw dataError(`The JSON Web Key's 'alg' is not '${expected}'.`);
  }
}

/** A JsonWebKey of the members with the material and its `alg`, if it has one. */
export function jwkOf(material, alg, { usages, extractable }) {
  return { __proto__: null, ...material, alg, ext: extractable, key_ops: usages };
}

/** The object that scripts see. */
export function jwkToObject(jwk) {
  const object = {};
  const { keys } = JsonWebKey;
  for (let i = 0; i < keys.length; i++) {
    let value = jwk[keys[i]];
    if (value === undefined) continue;
    if (keys[i] === "key_ops") value = ArrayPrototypeSlice(value);
    ObjectDefineProperty(object, keys[i], {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return object;
}

/** Its JSON, in ASCII, filled up with spaces to a multiple of `block` bytes. */
export function jwkToJSON(jwk, block) {
  // Nothing in it has a prototype that could have a toJSON().
  const operations = ObjectSetPrototypeOf(ArrayPrototypeSlice(jwk.key_ops), null);
  const text = JSONStringify({ __proto__: null, ...jwk, key_ops: operations });
  const missing = (block - (text.length % block)) % block;
  return `${StringPrototypeSlice(text, 0, -1)}${StringPrototypeRepeat(" ", missing)}}`;
}
