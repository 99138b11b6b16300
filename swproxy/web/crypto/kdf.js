// https://w3c.github.io/webcrypto/#hkdf and #pbkdf2
import { op_derive_bits, op_import_key } from "host:ops";
import { DOMExceptionConstructor } from "../infra/primordials.js";
import { BufferSource, dictionary, enforceRange, required, unsignedLong } from "../webidl/types.js";
import { Algorithm, HashAlgorithmIdentifier } from "./algorithms.js";
import { checkUsages, InnerKey, normalizedUsages } from "./crypto_key.js";
import { unsupportedFormat } from "./secret_key.js";

const HkdfParams = dictionary(
  "HkdfParams",
  { hash: required(HashAlgorithmIdentifier), salt: required(BufferSource), info: required(BufferSource) },
  Algorithm,
);
const Pbkdf2Params = dictionary(
  "Pbkdf2Params",
  {
    salt: required(BufferSource),
    iterations: required(enforceRange(unsignedLong)),
    hash: required(HashAlgorithmIdentifier),
  },
  Algorithm,
);

class KeyDerivation {
  constructor(name, params) {
    this.name = name;
    this.parameters = { __proto__: null, deriveBits: params, importKey: Algorithm, "get key length": Algorithm };
  }

  async importKey(format, { data }, algorithm, extractable, usages) {
    if (format !== "raw") throw unsupportedFormat(format);
    checkUsages(usages, ["deriveKey", "deriveBits"]);
    if (extractable) throw new DOMExceptionConstructor(`A key for ${this.name} is not extractable.`, "SyntaxError");
    const { key } = await op_import_key(algorithm, format, data, false);
    return new InnerKey("secret", false, { __proto__: null, name: this.name }, normalizedUsages(usages), key);
  }

  getKeyLength() {
    return null;
  }

  deriveBits(algorithm, key, length, keep) {
    return op_derive_bits(key.number, algorithm, length, keep);
  }
}

export const algorithms = {
  __proto__: null,
  HKDF: new KeyDerivation("HKDF", HkdfParams),
  PBKDF2: new KeyDerivation("PBKDF2", Pbkdf2Params),
};
