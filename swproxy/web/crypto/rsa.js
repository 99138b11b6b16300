// https://w3c.github.io/webcrypto/#rsassa-pkcs1, #rsa-pss and #rsa-oaep
import { op_decrypt, op_encrypt, op_sign, op_verify } from "host:ops";
import { StringPrototypeCharCodeAt, StringPrototypeSlice } from "../infra/primordials.js";
import { BufferSource, dictionary, enforceRange, required, unsignedLong } from "../webidl/types.js";
import { Algorithm, BigInteger, HashAlgorithmIdentifier } from "./algorithms.js";
import { checkJwkAlgorithm } from "./json_web_key.js";
import { checkType, KeyPairAlgorithm } from "./key_pair.js";

const RsaKeyGenParams = dictionary(
  "RsaKeyGenParams",
  { modulusLength: required(enforceRange(unsignedLong)), publicExponent: required(BigInteger) },
  Algorithm,
);
const RsaHashedKeyGenParams = dictionary(
  "RsaHashedKeyGenParams",
  { hash: required(HashAlgorithmIdentifier) },
  RsaKeyGenParams,
);
const RsaHashedImportParams = dictionary(
  "RsaHashedImportParams",
  { hash: required(HashAlgorithmIdentifier) },
  Algorithm,
);
const RsaPssParams = dictionary("RsaPssParams", { saltLength: required(enforceRange(unsignedLong)) }, Algorithm);
const RsaOaepParams = dictionary("RsaOaepParams", { label: BufferSource }, Algorithm);

class Rsa extends KeyPairAlgorithm {
  /** @param jwkAlgorithms hash -> `alg` */
  constructor(name, usages, use, parameters, jwkAlgorithms) {
    super(name, usages, { kty: "RSA", use }, false);
    this.jwkAlgorithms = jwkAlgorithms;
    this.parameters = {
      __proto__: null,
      ...parameters,
      generateKey: RsaHashedKeyGenParams,
      importKey: RsaHashedImportParams,
    };
  }

  keyAlgorithm({ hash }, { modulusLength, publicExponent }) {
    return {
      __proto__: null,
      name: this.name,
      modulusLength,
      publicExponent: withoutLeadingZeros(publicExponent),
      hash: { __proto__: null, name: hash.name },
    };
  }

  jwkAlgorithm({ algorithm }) {
    return this.jwkAlgorithms[algorithm.hash.name];
  }

  checkJwk(jwk, algorithm) {
    checkJwkAlgorithm(jwk, this.jwkAlgorithms[algorithm.hash.name]);
  }

  generateKey(algorithm, extractable, usages) {
    this.checkUsages(usages);
    return this.generate(algorithm, extractable, usages);
  }

  sign(algorithm, key, message) {
    checkType(key, "private");
    return op_sign(key.number, algorithm, message);
  }

  verify(algorithm, key, signature, message) {
    checkType(key, "public");
    return op_verify(key.number, algorithm, signature, message);
  }

  encrypt(algorithm, key, plaintext) {
    checkType(key, "public");
    return op_encrypt(key.number, algorithm, plaintext);
  }

  decrypt(algorithm, key, ciphertext, keep) {
    checkType(key, "private");
    return op_decrypt(key.number, algorithm, ciphertext, keep);
  }
}

/** Of a BigInteger, as a binary: what scripts read has the fewest bytes possible. */
function withoutLeadingZeros(binary) {
  let zeros = 0;
  while (zeros < binary.length - 1 && StringPrototypeCharCodeAt(binary, zeros) === 0) zeros++;
  return StringPrototypeSlice(binary, zeros);
}

const signing = { public: ["verify"], private: ["sign"] };
const encrypting = { public: ["encrypt", "wrapKey"], private: ["decrypt", "unwrapKey"] };
const jwkAlgorithms = (SHA1, prefix) => ({
  __proto__: null,
  "SHA-1": SHA1,
  "SHA-256": `${prefix}256`,
  "SHA-384": `${prefix}384`,
  "SHA-512": `${prefix}512`,
});

export const algorithms = {
  __proto__: null,
  "RSASSA-PKCS1-V1_5": new Rsa(
    "RSASSA-PKCS1-v1_5",
    signing,
    "sig",
    { sign: Algorithm, verify: Algorithm },
    jwkAlgorithms("RS1", "RS"),
  ),
  "RSA-PSS": new Rsa(
    "RSA-PSS",
    signing,
    "sig",
    { sign: RsaPssParams, verify: RsaPssParams },
    jwkAlgorithms("PS1", "PS"),
  ),
  "RSA-OAEP": new Rsa(
    "RSA-OAEP",
    encrypting,
    "enc",
    { encrypt: RsaOaepParams, decrypt: RsaOaepParams },
    jwkAlgorithms("RSA-OAEP", "RSA-OAEP-"),
  ),
};
