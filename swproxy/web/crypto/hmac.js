// https://w3c.github.io/webcrypto/#hmac
import { op_sign, op_verify } from "host:ops";
import { DOMExceptionConstructor, StringPrototypeSlice, TypeErrorConstructor } from "../infra/primordials.js";
import { dictionary, enforceRange, required, unsignedLong } from "../webidl/types.js";
import { Algorithm, algorithmOf, HashAlgorithmIdentifier } from "./algorithms.js";
import { checkUsages } from "./crypto_key.js";
import { SecretKeyAlgorithm } from "./secret_key.js";

const members = { hash: required(HashAlgorithmIdentifier), length: enforceRange(unsignedLong) };
const HmacKeyGenParams = dictionary("HmacKeyGenParams", members, Algorithm);
const HmacImportParams = dictionary("HmacImportParams", members, Algorithm);

class Hmac extends SecretKeyAlgorithm {
  parameters = {
    __proto__: null,
    sign: Algorithm,
    verify: Algorithm,
    generateKey: HmacKeyGenParams,
    importKey: HmacImportParams,
    "get key length": HmacImportParams,
  };

  keyAlgorithm({ hash }, { length }) {
    return { __proto__: null, name: this.name, hash: { __proto__: null, name: hash.name }, length };
  }

  jwkAlgorithm({ algorithm }) {
    return `HS${StringPrototypeSlice(algorithm.hash.name, 4)}`; // HS256
  }

  generateKey(algorithm, extractable, usages) {
    checkUsages(usages, this.usages);
    if (algorithm.length === 0) {
      throw new DOMExceptionConstructor("An HMAC key must not be empty.", "OperationError");
    }
    algorithm.length ??= algorithmOf(algorithm.hash).blockSize;
    return this.generate(algorithm, extractable, usages);
  }

  getKeyLength({ hash, length }) {
    if (length === 0) throw new TypeErrorConstructor("An HMAC key must not be empty.");
    return length ?? algorithmOf(hash).blockSize;
  }

  sign(algorithm, key, message) {
    return op_sign(key.number, algorithm, message);
  }

  verify(algorithm, key, signature, message) {
    return op_verify(key.number, algorithm, signature, message);
  }
}

export const algorithms = { __proto__: null, HMAC: new Hmac("HMAC", ["sign", "verify"], "sig") };
