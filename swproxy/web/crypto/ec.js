// https://w3c.github.io/webcrypto/#ecdsa and #ecdh
import { op_sign, op_verify } from "host:ops";
import { DOMExceptionConstructor } from "../infra/primordials.js";
import { dictionary, DOMString, required } from "../webidl/types.js";
import { Algorithm, HashAlgorithmIdentifier } from "./algorithms.js";
import { checkJwkAlgorithm, dataError } from "./json_web_key.js";
import { deriveSharedBits, EcdhKeyDeriveParams } from "./key_agreement.js";
import { checkType, KeyPairAlgorithm } from "./key_pair.js";

const EcdsaParams = dictionary("EcdsaParams", { hash: required(HashAlgorithmIdentifier) }, Algorithm);
const EcKeyGenParams = dictionary("EcKeyGenParams", { namedCurve: required(DOMString) }, Algorithm);
const EcKeyImportParams = dictionary("EcKeyImportParams", { namedCurve: required(DOMString) }, Algorithm);

// named curve -> the `alg` of a JSON Web Key for ECDSA
const curves = { __proto__: null, "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

class Ec extends KeyPairAlgorithm {
  constructor(name, usages, use, parameters) {
    super(name, usages, { kty: "EC", use }, true);
    this.parameters = { __proto__: null, ...parameters, generateKey: EcKeyGenParams, importKey: EcKeyImportParams };
  }

  keyAlgorithm({ namedCurve }) {
    return { __proto__: null, name: this.name, namedCurve };
  }

  jwkAlgorithm() {
    return undefined;
  }

  checkJwk(jwk, { namedCurve }) {
    if (jwk.crv !== namedCurve) throw dataError(`The JSON Web Key's 'crv' is not '${namedCurve}'.`);
  }

  generateKey(algorithm, extractable, usages) {
    this.checkUsages(usages);
    if (!(algorithm.namedCurve in curves)) {
      const message = `The curve '${algorithm.namedCurve}' is not supported.`;
      throw new DOMExceptionConstructor(message, "NotSupportedError");
    }
    return this.generate(algorithm, extractable, usages);
  }

  async importKey(format, keyData, algorithm, extractable, usages) {
    // For "raw", this comes before the usages; the host tests it for the others.
    if (format === "raw" && !(algorithm.namedCurve in curves)) {
      throw dataError(`The curve '${algorithm.namedCurve}' is not known.`);
    }
    return super.importKey(format, keyData, algorithm, extractable, usages);
  }
}

class Ecdsa extends Ec {
  checkJwk(jwk, algorithm) {
    super.checkJwk(jwk, algorithm);
    checkJwkAlgorithm(jwk, curves[algorithm.namedCurve]);
  }

  sign(algorithm, key, message) {
    checkType(key, "private");
    return op_sign(key.number, algorithm, message);
  }

  verify(algorithm, key, signature, message) {
    checkType(key, "public");
    return op_verify(key.number, algorithm, signature, message);
  }
}

class Ecdh extends Ec {
  deriveBits(algorithm, key, length, keep) {
    return deriveSharedBits(algorithm, key, length, keep);
  }
}

export const algorithms = {
  __proto__: null,
  ECDSA: new Ecdsa("ECDSA", { public: ["verify"], private: ["sign"] }, "sig", {
    sign: EcdsaParams,
    verify: EcdsaParams,
  }),
  ECDH: new Ecdh("ECDH", { public: [], private: ["deriveKey", "deriveBits"] }, "enc", {
    deriveBits: EcdhKeyDeriveParams,
  }),
};
