// What the algorithms with secret keys have in common.
import { op_export_key, op_generate_key, op_import_key } from "host:ops";
import { DOMExceptionConstructor } from "../infra/primordials.js";
import { checkUsages, InnerKey, normalizedUsages } from "./crypto_key.js";
import { checkJwk, checkJwkAlgorithm, jwkOf } from "./json_web_key.js";

/**
 * A subclass has
 *   parameters: see algorithms.js;
 *   keyAlgorithm(algorithm, properties): the KeyAlgorithm of a key;
 *   jwkAlgorithm(key): the `alg` of its JSON Web Key.
 */
export class SecretKeyAlgorithm {
  /** @param use that of its JSON Web Keys */
  constructor(name, usages, use) {
    this.name = name;
    this.usages = usages;
    this.use = use;
  }

  /** The second half of its generate key operation. */
  async generate(algorithm, extractable, usages) {
    const key = await op_generate_key(algorithm, extractable);
    return new InnerKey(
      "secret",
      extractable,
      this.keyAlgorithm(algorithm, algorithm),
      normalizedUsages(usages),
      key,
    );
  }

  async importKey(format, { data, jwk }, algorithm, extractable, usages) {
    checkUsages(usages, this.usages);
    if (format !== "raw" && format !== "jwk") throw unsupportedFormat(format);
    if (format === "jwk") checkJwk(jwk, { kty: "oct", use: this.use }, extractable, usages);
    const { key, properties } = await op_import_key(algorithm, format, data, extractable);
    const keyAlgorithm = this.keyAlgorithm(algorithm, properties);
    const inner = new InnerKey("secret", extractable, keyAlgorithm, normalizedUsages(usages), key);
    if (format === "jwk") checkJwkAlgorithm(jwk, this.jwkAlgorithm(inner));
    return inner;
  }

  async exportKey(format, key) {
    if (format !== "raw" && format !== "jwk") throw unsupportedFormat(format);
    const exported = await op_export_key(key.number, format);
    return format === "jwk" ? jwkOf(exported, this.jwkAlgorithm(key), key) : exported;
  }
}

export const unsupportedFormat = (format) =>
  new DOMExceptionConstructor(`A key of this kind does not have the format '${format}'.`, "NotSupportedError");
