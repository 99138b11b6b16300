// The derive bits operation of ECDH and X25519: https://w3c.github.io/webcrypto/#ecdh-operations-derive-bits
import { op_derive_bits } from "host:ops";
import { DOMExceptionConstructor } from "../infra/primordials.js";
import { dictionary, interfaceType, required } from "../webidl/types.js";
import { Algorithm } from "./algorithms.js";
import { CryptoKey } from "./crypto_key.js";
import { checkType } from "./key_pair.js";

export const EcdhKeyDeriveParams = dictionary(
  "EcdhKeyDeriveParams",
  { public: required(interfaceType("CryptoKey", CryptoKey.is)) },
  Algorithm,
);

export function deriveSharedBits(algorithm, key, length, keep) {
  checkType(key, "private");
  const publicKey = CryptoKey.inner(algorithm.public);
  checkType(publicKey, "public");
  const { name, namedCurve } = publicKey.algorithm;
  if (name !== key.algorithm.name || namedCurve !== key.algorithm.namedCurve) {
    throw new DOMExceptionConstructor("The public key is not of the private key's algorithm.", "InvalidAccessError");
  }
  return op_derive_bits(key.number, { __proto__: null, name, public: publicKey.number }, length, keep);
}
