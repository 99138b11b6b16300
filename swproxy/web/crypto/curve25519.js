// https://w3c.github.io/webcrypto/#ed25519 and #x25519
import { op_sign, op_verify } from "host:ops";
import { Algorithm } from "./algorithms.js";
import { dataError } from "./json_web_key.js";
import { deriveSharedBits, EcdhKeyDeriveParams } from "./key_agreement.js";
import { checkType, KeyPairAlgorithm } from "./key_pair.js";

class Curve25519 extends KeyPairAlgorithm {
  constructor(name, usages, use, parameters) {
    super(name, usages, { kty: "OKP", use }, true);
    this.parameters = { __proto__: null, ...parameters, generateKey: Algorithm, importKey: Algorithm };
  }

  keyAlgorithm() {
    return { __proto__: null, name: this.name };
  }

  jwkAlgorithm() {
    return undefined;
  }

  checkJwk(jwk) {
    if (jwk.crv !== this.name) throw dataError(`The JSON Web Key's 'crv' is not '${this.name}'.`);
  }

  generateKey(algorithm, extractable, usages) {
    this.checkUsages(usages);
    return this.generate(algorithm, extractable, usages);
  }
}

class Ed25519 extends Curve25519 {
  jwkAlgorithm() {
    return "Ed25519";
  }

  checkJwk(jwk) {
    super.checkJwk(jwk);
    if (jwk.alg !== undefined && jwk.alg !== "Ed25519" && jwk.alg !== "EdDSA") {
      throw dataError("The JSON Web Key's 'alg' is neither 'Ed25519' nor 'EdDSA'.");
    }
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

class X25519 extends Curve25519 {
  deriveBits(algorithm, key, length, keep) {
    return deriveSharedBits(algorithm, key, length, keep);
  }
}

export const algorithms = {
  __proto__: null,
  ED25519: new Ed25519("Ed25519", { public: ["verify"], private: ["sign"] }, "sig", {
    sign: Algorithm,
    verify: Algorithm,
  }),
  X25519: new X25519("X25519", { public: [], private: ["deriveKey", "deriveBits"] }, "enc", {
    deriveBits: EcdhKeyDeriveParams,
  }),
};
