// https://w3c.github.io/webcrypto/#aes-ctr, #aes-cbc, #aes-gcm and #aes-kw
import { op_decrypt, op_encrypt } from "host:ops";
import { DOMExceptionConstructor, StringPrototypeSlice } from "../infra/primordials.js";
import { BufferSource, dictionary, enforceRange, octet, required, unsignedShort } from "../webidl/types.js";
import { Algorithm } from "./algorithms.js";
import { checkUsages } from "./crypto_key.js";
import { SecretKeyAlgorithm } from "./secret_key.js";

const AesKeyGenParams = dictionary("AesKeyGenParams", { length: required(enforceRange(unsignedShort)) }, Algorithm);
const AesDerivedKeyParams = dictionary(
  "AesDerivedKeyParams",
  { length: required(enforceRange(unsignedShort)) },
  Algorithm,
);
const AesCbcParams = dictionary("AesCbcParams", { iv: required(BufferSource) }, Algorithm);
const AesCtrParams = dictionary(
  "AesCtrParams",
  { counter: required(BufferSource), length: required(enforceRange(octet)) },
  Algorithm,
);
const AesGcmParams = dictionary(
  "AesGcmParams",
  { iv: required(BufferSource), additionalData: BufferSource, tagLength: enforceRange(octet) },
  Algorithm,
);

function checkLength({ length }) {
  if (length !== 128 && length !== 192 && length !== 256) {
    throw new DOMExceptionConstructor(`An AES key has 128, 192 or 256 bits, not ${length}.`, "OperationError");
  }
}

class Aes extends SecretKeyAlgorithm {
  /** @param parameters those of its own operations */
  constructor(name, usages, parameters) {
    super(name, usages, "enc");
    this.parameters = {
      __proto__: null,
      ...parameters,
      generateKey: AesKeyGenParams,
      importKey: Algorithm,
      "get key length": AesDerivedKeyParams,
    };
  }

  keyAlgorithm(algorithm, { length }) {
    return { __proto__: null, name: this.name, length };
  }

  jwkAlgorithm({ algorithm }) {
    return `A${algorithm.length}${StringPrototypeSlice(this.name, 4)}`; // A128CBC
  }

  generateKey(algorithm, extractable, usages) {
    checkUsages(usages, this.usages);
    checkLength(algorithm);
    return this.generate(algorithm, extractable, usages);
  }

  getKeyLength(algorithm) {
    checkLength(algorithm);
    return algorithm.length;
  }

  encrypt(algorithm, key, plaintext) {
    return op_encrypt(key.number, algorithm, plaintext);
  }

  decrypt(algorithm, key, ciphertext, keep) {
    return op_decrypt(key.number, algorithm, ciphertext, keep);
  }

  wrapKey(algorithm, key, plaintext) {
    return this.encrypt(algorithm, key, plaintext);
  }

  unwrapKey(algorithm, key, ciphertext, keep) {
    return this.decrypt(algorithm, key, ciphertext, keep);
  }
}

const usages = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];
const cipher = (name, params) => new Aes(name, usages, { encrypt: params, decrypt: params });

export const algorithms = {
  __proto__: null,
  "AES-CBC": cipher("AES-CBC", AesCbcParams),
  "AES-CTR": cipher("AES-CTR", AesCtrParams),
  "AES-GCM": cipher("AES-GCM", AesGcmParams),
  "AES-KW": new Aes("AES-KW", ["wrapKey", "unwrapKey"], { wrapKey: Algorithm, unwrapKey: Algorithm }),
};
