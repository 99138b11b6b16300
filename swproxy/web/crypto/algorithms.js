// https://w3c.github.io/webcrypto/#algorithm-normalization
//
// The files of the algorithms export `algorithms`: name in upper case -> an object that has
//   name: its recognized name;
//   parameters: operation -> the dictionary type for its normalization, one for each supported operation;
//   a method for each of them, and exportKey() if it is supported; what it gives may be a promise.
// Normalized algorithms are dictionaries whose BufferSource members are binaries.
import { DOMExceptionConstructor, RegExpPrototypeTest, StringPrototypeToUpperCase } from "../infra/primordials.js";
import { bytesToBinary, viewOf } from "../infra/bytes.js";
import {
  BufferSource,
  dictionary,
  DOMString,
  object,
  Place,
  required,
  Uint8ArrayType,
  union,
} from "../webidl/types.js";

export const AlgorithmIdentifier = union(object, DOMString);
export const HashAlgorithmIdentifier = union(object, DOMString);
export const BigInteger = Uint8ArrayType;
export const Algorithm = dictionary("Algorithm", { name: required(DOMString) });

const aes = () => load("./aes.js");
const curve25519 = () => load("./curve25519.js");
const ec = () => load("./ec.js");
const kdf = () => load("./kdf.js");
const rsa = () => load("./rsa.js");
const sha = () => load("./sha.js");

// name in upper case -> the file, loaded when the algorithm is first asked for
const files = {
  __proto__: null,
  "AES-CBC": aes,
  "AES-CTR": aes,
  "AES-GCM": aes,
  "AES-KW": aes,
  ECDH: ec,
  ECDSA: ec,
  ED25519: curve25519,
  HKDF: kdf,
  HMAC: () => load("./hmac.js"),
  PBKDF2: kdf,
  "RSA-OAEP": rsa,
  "RSA-PSS": rsa,
  "RSASSA-PKCS1-V1_5": rsa,
  "SHA-1": sha,
  "SHA-256": sha,
  "SHA-384": sha,
  "SHA-512": sha,
  X25519: curve25519,
};

/** The algorithm with that name, in whatever case, or undefined. */
function algorithmNamed(name) {
  // Upper case makes an S of U+017F, too: the names compare as ASCII.
  const file = RegExpPrototypeTest(/^[\0-\x7f]*$/, name) ? files[StringPrototypeToUpperCase(name)] : undefined;
  if (file === undefined) return undefined;
  const { algorithms } = file();
  return algorithms[StringPrototypeToUpperCase(name)];
}

/** The algorithm of a normalized one, or of a key's. */
export const algorithmOf = ({ name }) => algorithmNamed(name);

/** https://w3c.github.io/webcrypto/#dfn-normalize-an-algorithm */
export function normalizeAlgorithm(identifier, operation) {
  const value = typeof identifier === "string" ? { __proto__: null, name: identifier } : identifier;
  const place = new Place(`The algorithm for '${operation}'`, false);
  const { name } = Algorithm.convert(value, place);
  const algorithm = algorithmNamed(name);
  const type = algorithm?.parameters[operation];
  if (type === undefined) {
    throw new DOMExceptionConstructor(
      `The algorithm '${name}' does not support '${operation}'.`,
      "NotSupportedError",
    );
  }
  const normalized = type.convert(value, place);
  normalized.name = algorithm.name;
  normalizeMembers(type, normalized);
  return normalized;
}

function normalizeMembers({ parent, keys, members }, normalized) {
  if (parent !== undefined) normalizeMembers(parent, normalized);
  for (let i = 0; i < keys.length; i++) {
    const value = normalized[keys[i]];
    if (value === undefined) continue;
    const type = members[keys[i]].type ?? members[keys[i]];
    if (type === BufferSource || type === BigInteger) {
      normalized[keys[i]] = bytesToBinary(viewOf(value));
    } else if (type === HashAlgorithmIdentifier) {
      normalized[keys[i]] = normalizeAlgorithm(value, "digest");
    }
  }
}

/** Normalizes for the first operation, or if that fails for the second. */
export function normalizeForEither(identifier, first, second) {
  try {
    return normalizeAlgorithm(identifier, first);
  } catch {
    return normalizeAlgorithm(identifier, second);
  }
}
