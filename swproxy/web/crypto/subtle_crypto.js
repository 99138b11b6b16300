// https://w3c.github.io/webcrypto/#subtlecrypto-interface
//
// What the specification does in parallel is done at once, but for what takes long; see README.md.
import { op_parse_jwk, op_release_key } from "host:ops";
import {
  ArrayPrototypeIncludes,
  DOMExceptionConstructor,
  TypedArrayPrototypeGetBuffer,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { binaryToBytes, packBytes, unpackBytes, viewOf } from "../infra/bytes.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import {
  boolean,
  BufferSource,
  enumeration,
  interfaceType,
  nullable,
  sequence,
  union,
  unsignedLong,
} from "../webidl/types.js";
import { AlgorithmIdentifier, algorithmOf, normalizeAlgorithm, normalizeForEither } from "./algorithms.js";
import { CryptoKey, InnerKey, KeyUsage } from "./crypto_key.js";
import { JsonWebKey, jwkToJSON, jwkToObject } from "./json_web_key.js";

const invalidAccess = (message) => new DOMExceptionConstructor(message, "InvalidAccessError");

/** A copy of the bytes, for an operation of the host. */
const copied = (source) => packBytes(viewOf(source));

/** The ArrayBuffer of what an operation of the host has given. */
const toArrayBuffer = (packed) => TypedArrayPrototypeGetBuffer(unpackBytes(packed));

/** The InnerKey of a key that the algorithm may use for that. */
function keyFor(key, { name }, usage) {
  const inner = CryptoKey.inner(key);
  if (inner.algorithm.name !== name) throw invalidAccess(`The key is not one for ${name}.`);
  if (!ArrayPrototypeIncludes(inner.usages, usage)) {
    throw invalidAccess(`The key does not have the usage '${usage}'.`);
  }
  return inner;
}

function checkNotUseless({ type, usages }) {
  if (type !== "public" && usages.length === 0) {
    throw new DOMExceptionConstructor(`A ${type} key must have a usage.`, "SyntaxError");
  }
}

/** @param keyData { data, jwk }: the bytes, a JsonWebKey or the number of a secret; for "jwk" what can be seen of it */
async function importInner(format, keyData, algorithm, extractable, usages) {
  const inner = await algorithmOf(algorithm).importKey(format, keyData, algorithm, extractable, usages);
  checkNotUseless(inner);
  return new CryptoKey(inner);
}

/** Imports what the host keeps under a number, and forgets that. */
async function importSecret(format, secret, algorithm, extractable, usages) {
  try {
    const jwk = format === "jwk" ? { __proto__: null, ...op_parse_jwk(secret) } : null;
    const keyData = { __proto__: null, data: secret, jwk };
    return await importInner(format, keyData, algorithm, extractable, usages);
  } finally {
    op_release_key(secret);
  }
}

/** The bytes as the host gives them, or a JsonWebKey. */
function exportInner(format, inner) {
  const algorithm = algorithmOf(inner.algorithm);
  if (algorithm.exportKey === undefined) {
    throw new DOMExceptionConstructor(`Keys for ${algorithm.name} cannot be exported.`, "NotSupportedError");
  }
  if (!inner.extractable) throw invalidAccess("The key is not extractable.");
  return algorithm.exportKey(format, inner);
}

export class SubtleCrypto {
  #brand;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  async encrypt(identifier, key, data) {
    const algorithm = normalizeAlgorithm(identifier, "encrypt");
    const plaintext = copied(data);
    const inner = keyFor(key, algorithm, "encrypt");
    return toArrayBuffer(await algorithmOf(algorithm).encrypt(algorithm, inner, plaintext));
  }

  async decrypt(identifier, key, data) {
    const algorithm = normalizeAlgorithm(identifier, "decrypt");
    const ciphertext = copied(data);
    const inner = keyFor(key, algorithm, "decrypt");
    return toArrayBuffer(await algorithmOf(algorithm).decrypt(algorithm, inner, ciphertext, false));
  }

  async sign(identifier, key, data) {
    const algorithm = normalizeAlgorithm(identifier, "sign");
    const message = copied(data);
    const inner = keyFor(key, algorithm, "sign");
    return toArrayBuffer(await algorithmOf(algorithm).sign(algorithm, inner, message));
  }

  async verify(identifier, key, signature, data) {
    const algorithm = normalizeAlgorithm(identifier, "verify");
    const given = copied(signature);
    const message = copied(data);
    const inner = keyFor(key, algorithm, "verify");
    return algorithmOf(algorithm).verify(algorithm, inner, given, message);
  }

  async digest(identifier, data) {
    const algorithm = normalizeAlgorithm(identifier, "digest");
    return toArrayBuffer(await algorithmOf(algorithm).digest(algorithm, copied(data)));
  }

  async generateKey(identifier, extractable, usages) {
    const algorithm = normalizeAlgorithm(identifier, "generateKey");
    const generated = await algorithmOf(algorithm).generateKey(algorithm, extractable, usages);
    if (generated instanceof InnerKey) {
      checkNotUseless(generated);
      return new CryptoKey(generated);
    }
    const { publicKey, privateKey } = generated;
    checkNotUseless(privateKey);
    return { privateKey: new CryptoKey(privateKey), publicKey: new CryptoKey(publicKey) };
  }

  async deriveKey(identifier, baseKey, derivedKeyType, extractable, usages) {
    const algorithm = normalizeAlgorithm(identifier, "deriveBits");
    const importAlgorithm = normalizeAlgorithm(derivedKeyType, "importKey");
    const lengthAlgorithm = normalizeAlgorithm(derivedKeyType, "get key length");
    const inner = keyFor(baseKey, algorithm, "deriveKey");
    const length = algorithmOf(lengthAlgorithm).getKeyLength(lengthAlgorithm);
    const secret = await algorithmOf(algorithm).deriveBits(algorithm, inner, length, true);
    return importSecret("raw", secret, importAlgorithm, extractable, usages);
  }

  async deriveBits(identifier, baseKey, length) {
    const algorithm = normalizeAlgorithm(identifier, "deriveBits");
    const inner = keyFor(baseKey, algorithm, "deriveBits");
    return toArrayBuffer(await algorithmOf(algorithm).deriveBits(algorithm, inner, length, false));
  }

  async importKey(format, keyData, identifier, extractable, usages) {
    const algorithm = normalizeAlgorithm(identifier, "importKey");
    const isBufferSource = BufferSource.is(keyData);
    if ((format === "jwk") === isBufferSource) {
      throw new TypeErrorConstructor(
        `Key data of the format '${format}' is ${isBufferSource ? "an object" : "bytes"}.`,
      );
    }
    const data = isBufferSource ? copied(keyData) : keyData;
    return importInner(format, { __proto__: null, data, jwk: data }, algorithm, extractable, usages);
  }

  async exportKey(format, key) {
    const exported = await exportInner(format, CryptoKey.inner(key));
    return format === "jwk" ? jwkToObject(exported) : toArrayBuffer(exported);
  }

  async wrapKey(format, key, wrappingKey, identifier) {
    const algorithm = normalizeForEither(identifier, "wrapKey", "encrypt");
    const inner = keyFor(wrappingKey, algorithm, "wrapKey");
    const exported = await exportInner(format, CryptoKey.inner(key));
    const wrapping = algorithmOf(algorithm);
    const hasWrapKey = wrapping.parameters.wrapKey !== undefined;
    // A note of the specification allows to fill JSON up to what AES-KW can wrap.
    const bytes = format === "jwk" ? binaryToBytes(jwkToJSON(exported, hasWrapKey ? 8 : 1)) : unpackBytes(exported);
    const plaintext = packBytes(bytes);
    return toArrayBuffer(
      await (hasWrapKey
        ? wrapping.wrapKey(algorithm, inner, plaintext)
        : wrapping.encrypt(algorithm, inner, plaintext)),
    );
  }

  async unwrapKey(format, wrappedKey, unwrappingKey, identifier, keyIdentifier, extractable, usages) {
    const algorithm = normalizeForEither(identifier, "unwrapKey", "decrypt");
    const keyAlgorithm = normalizeAlgorithm(keyIdentifier, "importKey");
    const wrapped = copied(wrappedKey);
    const inner = keyFor(unwrappingKey, algorithm, "unwrapKey");
    const unwrapping = algorithmOf(algorithm);
    const secret = await (unwrapping.parameters.unwrapKey !== undefined
      ? unwrapping.unwrapKey(algorithm, inner, wrapped, true)
      : unwrapping.decrypt(algorithm, inner, wrapped, true));
    return importSecret(format, secret, keyAlgorithm, extractable, usages);
  }
}

const key = interfaceType("CryptoKey", CryptoKey.is);
const KeyFormat = enumeration("KeyFormat", ["raw", "spki", "pkcs8", "jwk"]);
const usages = sequence(KeyUsage);

defineInterface(SubtleCrypto, {
  operations: {
    encrypt: promising([AlgorithmIdentifier, key, BufferSource]),
    decrypt: promising([AlgorithmIdentifier, key, BufferSource]),
    sign: promising([AlgorithmIdentifier, key, BufferSource]),
    verify: promising([AlgorithmIdentifier, key, BufferSource, BufferSource]),
    digest: promising([AlgorithmIdentifier, BufferSource]),
    generateKey: promising([AlgorithmIdentifier, boolean, usages]),
    deriveKey: promising([AlgorithmIdentifier, key, AlgorithmIdentifier, boolean, usages]),
    deriveBits: promising([AlgorithmIdentifier, key, optional(nullable(unsignedLong), null)]),
    importKey: promising([KeyFormat, union(BufferSource, JsonWebKey), AlgorithmIdentifier, boolean, usages]),
    exportKey: promising([KeyFormat, key]),
    wrapKey: promising([KeyFormat, key, key, AlgorithmIdentifier]),
    unwrapKey: promising([KeyFormat, BufferSource, key, AlgorithmIdentifier, AlgorithmIdentifier, boolean, usages]),
  },
});

export const subtle = new SubtleCrypto();
