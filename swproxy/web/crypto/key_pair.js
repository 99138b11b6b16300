// What the algorithms with key pairs have in common.
import { op_export_key, op_generate_key, op_import_key } from "host:ops";
import { ArrayPrototypeIncludes, DOMExceptionConstructor } from "../infra/primordials.js";
import { checkUsages, InnerKey, normalizedUsages, usageIntersection } from "./crypto_key.js";
import { checkJwk, jwkOf } from "./json_web_key.js";
import { unsupportedFormat } from "./secret_key.js";

const invalidAccess = (message) => new DOMExceptionConstructor(message, "InvalidAccessError");

/** Throws if the key is not of that type, which the operation needs. */
export function checkType(key, type) {
  if (key.type !== type) throw invalidAccess(`The key is not a ${type} one.`);
}

/**
 * A subclass has
 *   parameters: see algorithms.js;
 *   keyAlgorithm(algorithm, properties): the KeyAlgorithm of a key;
 *   checkJwk(jwk, algorithm): its own tests of a JSON Web Key;
 *   jwkAlgorithm(key): the `alg` of its JSON Web Key, or undefined.
 */
export class KeyPairAlgorithm {
  /**
   * @param usages { public, private }
   * @param jwk the { kty, use } of its JSON Web Keys
   * @param hasRaw whether its public keys have the format "raw"
   */
  constructor(name, usages, jwk, hasRaw) {
    this.name = name;
    this.usages = usages;
    this.jwk = jwk;
    this.hasRaw = hasRaw;
  }

  /** Its generate key operation, when the parameters have been checked; gives { publicKey, privateKey }. */
  async generate(algorithm, extractable, usages) {
    const keyAlgorithm = this.keyAlgorithm(algorithm, algorithm);
    const numbers = await op_generate_key(algorithm, extractable);
    const publicUsages = usageIntersection(usages, this.usages.public);
    const privateUsages = usageIntersection(usages, this.usages.private);
    return {
      __proto__: null,
      publicKey: new InnerKey("public", true, keyAlgorithm, publicUsages, numbers[0]),
      privateKey: new InnerKey("private", extractable, keyAlgorithm, privateUsages, numbers[1]),
    };
  }

  /** Throws a SyntaxError if neither key of a pair can have one of the usages. */
  checkUsages(usages) {
    for (let i = 0; i < usages.length; i++) {
      if (!ArrayPrototypeIncludes(this.usages.public, usages[i])) checkUsages([usages[i]], this.usages.private);
    }
  }

  async importKey(format, { data, jwk }, algorithm, extractable, usages) {
    const type = this.#typeOf(format, jwk);
    checkUsages(usages, this.usages[type]);
    if (format === "jwk") {
      checkJwk(jwk, this.jwk, extractable, usages);
      this.checkJwk(jwk, algorithm);
    }
    const { key, properties } = await op_import_key(algorithm, format, data, extractable);
    return new InnerKey(type, extractable, this.keyAlgorithm(algorithm, properties), normalizedUsages(usages), key);
  }

  async exportKey(format, key) {
    if (format === "jwk") return jwkOf(await op_export_key(key.number, format), this.jwkAlgorithm(key), key);
    checkType(key, this.#typeOf(format));
    return op_export_key(key.number, format);
  }

  /** The type of the keys that the format is for. */
  #typeOf(format, jwk) {
    switch (format) {
      case "spki":
        return "public";
      case "pkcs8":
        return "private";
      case "jwk":
        return jwk.d === undefined ? "public" : "private";
      default:
        if (this.hasRaw) return "public";
        throw unsupportedFormat(format);
    }
  }
}
