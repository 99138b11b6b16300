"""The Web Cryptography API."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import cryptography
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256

from swproxy.web.crypto import ops

RunJs = Callable[..., Any]

PRELUDE = """
  const { subtle } = crypto;
  const bytes = (hex) => new Uint8Array((hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16)));
  const hex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const text = (string) => new TextEncoder().encode(string);
  const nameOf = (promise) => promise.then(() => "fulfilled", (error) => error.name);
"""


@pytest.fixture
def run(run_js: RunJs) -> RunJs:
    """As ``run_js``, with the functions of the prelude."""
    return lambda body, **options: run_js(PRELUDE + body, **options)


def test_random_values_fill_integer_arrays(run: RunJs) -> None:
    """The array that was given is filled within its bounds, and returned."""
    script = """
      const whole = new Uint8Array(3000);
      const part = new Uint16Array(whole.buffer, 1000, 500);
      const same = crypto.getRandomValues(part) === part;
      const outside = whole.subarray(0, 1000).some(Boolean) || whole.subarray(2000).some(Boolean);
      const small = new BigInt64Array(4);
      return [same, outside, part.filter(Boolean).length > 400, crypto.getRandomValues(small).every(Boolean)];
    """
    assert run(script) == [True, False, True, True]


def test_random_values_refuse_floats_and_too_much(run: RunJs) -> None:
    """The type is tested before the quota."""
    script = """
      const name = (array) => { try { crypto.getRandomValues(array); } catch (error) { return error.name; } };
      return [new Float32Array(70000), new DataView(new ArrayBuffer(1)), new Uint8Array(65537), {}].map(name);
    """
    assert run(script) == ["TypeMismatchError", "TypeMismatchError", "QuotaExceededError", "TypeError"]


def test_uuids_are_of_version_4_and_differ(run: RunJs) -> None:
    """More than the host sends at once."""
    script = """
      const uuids = Array.from({ length: 300 }, () => crypto.randomUUID());
      const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
      return [uuids.every((uuid) => form.test(uuid)), new Set(uuids).size];
    """
    assert run(script) == [True, 300]


def test_digests(run: RunJs) -> None:
    """Names have no case; of the bytes given, only those of the view count."""
    script = """
      const data = text("xabcx").subarray(1, 4);
      return Promise.all(["SHA-1", "sha-256", { name: "Sha-384" }, "SHA-512"].map(
        async (name) => hex(await subtle.digest(name, data))));
    """
    names = ("sha1", "sha256", "sha384", "sha512")
    assert run(script) == [hashlib.new(name, b"abc").hexdigest() for name in names]


def test_algorithm_names_are_compared_as_ascii(run: RunJs) -> None:
    """U+017F is an S in upper case, but no S; null is the name "null"."""
    script = """
      return Promise.all(["\\u017fHA-256", "AES-GCM", null, {}, "constructor"].map(
        (name) => nameOf(subtle.digest(name, new Uint8Array(1)))));
    """
    refused = "NotSupportedError"
    assert run(script) == [refused, refused, refused, "TypeError", refused]


def test_data_are_copied_after_the_algorithm_is_normalized(run: RunJs) -> None:
    """A getter of the algorithm can still change them; the script cannot any more when the call has returned."""
    script = """
      const data = text("xbc");
      const algorithm = { get name() { data[0] = 97; return "SHA-256"; } };
      const promise = subtle.digest(algorithm, data);
      data[0] = 120;
      return hex(await promise);
    """
    assert run(script) == hashlib.sha256(b"abc").hexdigest()


def test_hmac(run: RunJs) -> None:
    """Signatures are those of others; a key of 12 bits has zeros in the rest of its two bytes."""
    script = """
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      const key = await subtle.importKey("raw", text("key"), algorithm, true, ["verify", "sign", "sign"]);
      const signature = await subtle.sign("hmac", key, text("message"));
      const short = await subtle.importKey("raw", bytes("ffff"), { ...algorithm, length: 12 }, true, ["sign"]);
      return [
        hex(signature),
        await subtle.verify("HMAC", key, signature, text("message")),
        await subtle.verify("HMAC", key, signature.slice(1), text("message")),
        await subtle.exportKey("jwk", key), key.algorithm, key.usages,
        hex(await subtle.exportKey("raw", short)), short.algorithm.length,
      ];
    """
    jwk = {"alg": "HS256", "ext": True, "k": "a2V5", "key_ops": ["sign", "verify"], "kty": "oct"}
    assert run(script) == [
        hmac.digest(b"key", b"message", "sha256").hex(),
        True,
        False,
        jwk,
        {"name": "HMAC", "hash": {"name": "SHA-256"}, "length": 24},
        ["sign", "verify"],
        "fff0",
        12,
    ]


@pytest.mark.parametrize(
    "parameters",
    [
        "{ name: 'AES-CBC', iv: new Uint8Array(16) }",
        "{ name: 'AES-CTR', counter: new Uint8Array(16), length: 64 }",
        "{ name: 'AES-GCM', iv: new Uint8Array(12), additionalData: text('more'), tagLength: 32 }",
    ],
)
def test_aes_decrypts_what_it_encrypted(run: RunJs, parameters: str) -> None:
    """With 192 bits, which Chromium lacks; another key gives an OperationError or other data."""
    script = f"""
      const parameters = {parameters};
      const algorithm = {{ name: parameters.name, length: 192 }};
      const generate = () => subtle.generateKey(algorithm, false, ["encrypt", "decrypt"]);
      const key = await generate(), other = await generate();
      const encrypted = await subtle.encrypt(parameters, key, text("message"));
      const wrong = await subtle.decrypt(parameters, other, encrypted).then(hex, (error) => error.name);
      return [
        hex(await subtle.decrypt(parameters, key, encrypted)), wrong !== "{b"message".hex()}",
        encrypted.byteLength, await nameOf(subtle.exportKey("raw", key)),
      ];
    """
    length = {"CBC": 16, "CTR": 7, "GCM": 11}[parameters.split("AES-")[1][:3]]
    assert run(script) == [b"message".hex(), True, length, "InvalidAccessError"]


def test_the_counter_of_aes_ctr_wraps_around(run: RunJs) -> None:
    """Only its last bits count; a message that would use a counter twice is refused."""
    script = """
      const key = await subtle.importKey("raw", new Uint8Array(16), "AES-CTR", false, ["encrypt"]);
      const parameters = { name: "AES-CTR", counter: new Uint8Array(16).fill(0xff), length: 2 };
      const encrypt = (length) => subtle.encrypt(parameters, key, new Uint8Array(length));
      return [hex(await encrypt(40)), await nameOf(encrypt(65))];
    """
    encryptor = Cipher(AES(bytes(16)), ECB()).encryptor()
    counters = [15 * b"\xff" + bytes([last]) for last in (0xFF, 0xFC, 0xFD)]
    assert run(script) == [encryptor.update(b"".join(counters))[:40].hex(), "OperationError"]


def test_wrapping_keys(run: RunJs) -> None:
    """AES-KW wraps JSON of any length; what is unwrapped as not extractable stays so."""
    script = """
      const wrapping = await subtle.generateKey({ name: "AES-KW", length: 256 }, false, ["wrapKey", "unwrapKey"]);
      const key = await subtle.importKey("raw", text("1234567"), { name: "HMAC", hash: "SHA-1" }, true, ["sign"]);
      const wrapped = await subtle.wrapKey("jwk", key, wrapping, "AES-KW");
      const unwrap = (extractable, usages) => subtle.unwrapKey(
        "jwk", wrapped, wrapping, "AES-KW", { name: "HMAC", hash: "SHA-1" }, extractable, usages);
      const same = await unwrap(true, ["sign"]), secret = await unwrap(false, ["sign"]);
      return [
        hex(await subtle.exportKey("raw", same)),
        hex(await subtle.sign("HMAC", secret, text(""))) === hex(await subtle.sign("HMAC", key, text(""))),
        await nameOf(subtle.exportKey("raw", secret)),
        await nameOf(subtle.wrapKey("jwk", secret, wrapping, "AES-KW")),
        await nameOf(unwrap(true, ["verify"])), // not in key_ops
        await nameOf(subtle.wrapKey("raw", key, wrapping, "AES-KW")), // seven bytes
      ];
    """
    expected = [True, "InvalidAccessError", "InvalidAccessError", "DataError", "OperationError"]
    assert run(script) == [b"1234567".hex(), *expected]


def test_a_wrapped_key_that_is_no_json_web_key(run: RunJs) -> None:
    """What was decrypted must be an object of the right types, with a kty."""
    script = """
      const key = await subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt", "unwrapKey"]);
      const parameters = { name: "AES-GCM", iv: new Uint8Array(12) };
      return Promise.all(['{"k":"AA"}', "[]", "{", '{"kty":"oct","k":1}'].map(async (json) => {
        const wrapped = await subtle.encrypt(parameters, key, text(json));
        return nameOf(subtle.unwrapKey("jwk", wrapped, key, parameters, "HKDF", false, ["deriveBits"]));
      }));
    """
    assert run(script) == ["DataError"] * 4


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    """A key of 2048 bits."""
    return rsa.generate_private_key(65537, 2048)


def _pkcs8(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).hex()


def _spki(key: Any) -> str:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo).hex()


def test_rsa_signatures(run: RunJs, rsa_key: rsa.RSAPrivateKey) -> None:
    """Both schemes verify what they signed, and nothing else."""
    pkcs8, spki = _pkcs8(rsa_key), _spki(rsa_key.public_key())
    script = f"""
      const result = [];
      for (const parameters of [{{ name: "RSASSA-PKCS1-v1_5" }}, {{ name: "RSA-PSS", saltLength: 20 }}]) {{
        const algorithm = {{ name: parameters.name, hash: "SHA-256" }};
        const privateKey = await subtle.importKey("pkcs8", bytes("{pkcs8}"), algorithm, false, ["sign"]);
        const publicKey = await subtle.importKey("spki", bytes("{spki}"), algorithm, true, ["verify"]);
        const signature = await subtle.sign(parameters, privateKey, text("message"));
        result.push(await subtle.verify(parameters, publicKey, signature, text("message")));
        result.push(await subtle.verify(parameters, publicKey, signature, text("other")));
        result.push((await subtle.exportKey("jwk", publicKey)).alg);
      }}
      return result;
    """
    assert run(script) == [True, False, "RS256", True, False, "PS256"]


def test_generated_rsa_keys(run: RunJs) -> None:
    """The exponent is reported without leading zeros; only 3 and 65537 can be had."""
    script = """
      const algorithm = { name: "rsa-oaep", hash: "sha-1", modulusLength: 1024, publicExponent: bytes("00010001") };
      const { publicKey, privateKey } = await subtle.generateKey(algorithm, false, ["decrypt", "wrapKey"]);
      const encrypting = await subtle.importKey(
        "spki", await subtle.exportKey("spki", publicKey), algorithm, true, ["encrypt"]);
      const parameters = { name: "RSA-OAEP", label: text("label") };
      const encrypted = await subtle.encrypt(parameters, encrypting, text("message"));
      return [
        { ...publicKey.algorithm, publicExponent: hex(publicKey.algorithm.publicExponent) },
        publicKey.extractable, publicKey.usages, privateKey.extractable, privateKey.usages,
        hex(await subtle.decrypt(parameters, privateKey, encrypted)),
        await nameOf(subtle.decrypt("RSA-OAEP", privateKey, encrypted)),
        await nameOf(subtle.encrypt("RSA-OAEP", encrypting, new Uint8Array(87))),
        await nameOf(subtle.generateKey({ ...algorithm, publicExponent: bytes("05") }, false, ["decrypt"])),
        await nameOf(subtle.generateKey(algorithm, false, ["encrypt"])),
      ];
    """
    algorithm = {
        "name": "RSA-OAEP",
        "modulusLength": 1024,
        "publicExponent": "010001",
        "hash": {"name": "SHA-1"},
    }
    errors = ["OperationError", "OperationError", "OperationError", "SyntaxError"]
    assert run(script) == [algorithm, True, ["wrapKey"], False, ["decrypt"], b"message".hex(), *errors]


def test_other_structures_than_spki_and_pkcs8_are_refused(run: RunJs, rsa_key: rsa.RSAPrivateKey) -> None:
    """PKCS#1 is not PKCS#8, and a key for RSASSA-PSS is not one of rsaEncryption."""
    pkcs1 = rsa_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).hex()
    pss = _spki(rsa_key.public_key()).replace("2a864886f70d010101", "2a864886f70d01010a")
    script = f"""
      const algorithm = {{ name: "RSA-PSS", hash: "SHA-256" }};
      return Promise.all([
        nameOf(subtle.importKey("pkcs8", bytes("{pkcs1}"), algorithm, true, ["sign"])),
        nameOf(subtle.importKey("spki", bytes("{pss}"), algorithm, true, ["verify"])),
        nameOf(subtle.importKey("spki", bytes(""), algorithm, true, ["verify"])),
      ]);
    """
    assert run(script) == ["DataError"] * 3


def test_an_rsa_json_web_key_without_its_primes(run: RunJs, rsa_key: rsa.RSAPrivateKey) -> None:
    """They are found again; leading zeros of a number are forgiven, an alg of another hash is not."""
    numbers = rsa_key.private_numbers()

    def encoded(value: int, zeros: int = 0) -> str:
        data = bytes(zeros) + value.to_bytes((value.bit_length() + 7) // 8)
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    jwk = {
        "kty": "RSA",
        "e": encoded(65537, 1),
        "n": encoded(numbers.public_numbers.n),
        "d": encoded(numbers.d, 1),
    }
    script = f"""
      const jwk = {json.dumps(jwk)};
      const imported = (jwk) => subtle.importKey("jwk", jwk, {{ name: "RSA-PSS", hash: "SHA-256" }}, true, ["sign"]);
      const {{ q, n, alg }} = await subtle.exportKey("jwk", await imported(jwk));
      const bad = [{{ alg: "PS512" }}, {{ q }}].map((change) => nameOf(imported({{ ...jwk, ...change }})));
      return [q, n === jwk.n, alg, ...await Promise.all(bad)];
    """
    q, *rest = run(script)
    assert q in (encoded(numbers.p), encoded(numbers.q))
    assert rest == [True, "PS256", "DataError", "DataError"]


def test_ecdsa(run: RunJs) -> None:
    """A signature is r and s in the length of the curve; the key is accepted in all formats."""
    script = """
      const algorithm = { name: "ECDSA", namedCurve: "P-521" };
      const { publicKey, privateKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const parameters = { name: "ECDSA", hash: "SHA-256" };
      const signature = await subtle.sign(parameters, privateKey, text("message"));
      const results = [];
      for (const format of ["raw", "spki", "jwk"]) {
        const exported = await subtle.exportKey(format, publicKey);
        const again = await subtle.importKey(format, exported, algorithm, true, ["verify"]);
        results.push(await subtle.verify(parameters, again, signature, text("message")));
      }
      results.push(await subtle.verify(parameters, publicKey, signature.slice(1), text("message")));
      return [results, hex(signature), hex(await subtle.exportKey("spki", publicKey))];
    """
    results, signature, spki = run(script)
    public = serialization.load_der_public_key(bytes.fromhex(spki))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = (int(half, 16) for half in (signature[:132], signature[132:]))
    public.verify(encode_dss_signature(r, s), b"message", ec.ECDSA(SHA256()))
    assert results == [True, True, True, False]


def test_ecdh(run: RunJs) -> None:
    """Both sides derive the same, or its first bits if it has as many; keys of two curves do not agree."""
    script = """
      const usages = ["deriveBits", "deriveKey"];
      const generate = (namedCurve) => subtle.generateKey({ name: "ECDH", namedCurve }, false, usages);
      const a = await generate("P-256"), b = await generate("P-256"), c = await generate("P-384");
      const derive = (own, other, length) =>
        subtle.deriveBits({ name: "ECDH", public: other.publicKey }, own.privateKey, length);
      const all = hex(await derive(a, b));
      const key = await subtle.deriveKey(
        { name: "ECDH", public: a.publicKey }, b.privateKey, { name: "AES-CBC", length: 128 }, true, ["encrypt"]);
      return [
        all === hex(await derive(b, a, null)), all.length,
        all.startsWith(hex(await subtle.exportKey("raw", key))),
        (parseInt(all.slice(0, 4), 16) & 0xfff8).toString(16).padStart(4, "0") === hex(await derive(a, b, 13)),
        hex(await derive(a, b, 0)), await nameOf(derive(a, b, 257)), await nameOf(derive(a, c)),
        await nameOf(subtle.generateKey({ name: "ECDH", namedCurve: "P-192" }, true, ["deriveBits"])),
      ];
    """
    expected = [True, 64, True, True, "", "OperationError", "InvalidAccessError", "NotSupportedError"]
    assert run(script) == expected


def test_ec_json_web_keys_that_are_not_valid(run: RunJs) -> None:
    """x and y must be a point of that curve, d must belong to it, and each have the full length."""
    script = """
      const algorithm = { name: "ECDSA", namedCurve: "P-256" };
      const { privateKey } = await subtle.generateKey(algorithm, true, ["sign"]);
      const { kty, crv, x, y, d } = await subtle.exportKey("jwk", privateKey);
      const jwk = { kty, crv, x, y, d };
      const bad = [
        { crv: "P-384" }, { x: y, y: x }, { d: x }, { y: undefined }, { x: x.slice(0, -2) }, { x: x + "=" },
        { alg: "ES384" }, { key_ops: ["sign", "sign"] }, { key_ops: ["verify"] }, { use: "enc" }, { ext: false },
      ];
      const imported = (jwk) => nameOf(subtle.importKey("jwk", jwk, algorithm, true, ["sign"]));
      return [await imported(jwk), ...await Promise.all(bad.map((change) => imported({ ...jwk, ...change })))];
    """
    assert run(script) == ["fulfilled", *["DataError"] * 11]


def test_ed25519(run: RunJs) -> None:
    """The first test vector of RFC 8032; points of small order verify nothing."""
    script = """
      const jwk = {
        kty: "OKP", crv: "Ed25519", alg: "EdDSA",
        d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      };
      const key = await subtle.importKey("jwk", jwk, "ED25519", true, ["sign"]);
      const publicKey = await subtle.importKey("jwk", { ...jwk, d: undefined }, "Ed25519", true, ["verify"]);
      const signature = await subtle.sign("Ed25519", key, text(""));
      const zero = await subtle.importKey("raw", new Uint8Array(32), "Ed25519", true, ["verify"]);
      return [
        hex(signature), await subtle.verify("Ed25519", publicKey, signature, text("")),
        await subtle.verify("Ed25519", zero, new Uint8Array(64), text("")),
        (await subtle.exportKey("jwk", key)).alg, hex(await subtle.exportKey("raw", publicKey)).slice(0, 8),
        await nameOf(subtle.importKey("jwk", { ...jwk, x: jwk.d }, "Ed25519", true, ["sign"])),
      ];
    """
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert run(script) == [signature, True, False, "Ed25519", "d75a9801", "DataError"]


def test_x25519(run: RunJs) -> None:
    """The test vector of RFC 7748, section 6.1; a shared secret of zeros is an error."""
    pkcs8 = "302e020100300506032b656e0422042077076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
    public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    script = f"""
      const privateKey = await subtle.importKey("pkcs8", bytes("{pkcs8}"), "X25519", true, ["deriveBits"]);
      const derive = async (raw) => subtle.deriveBits(
        {{ name: "X25519", public: await subtle.importKey("raw", raw, "X25519", true, []) }}, privateKey);
      return [
        hex(await derive(bytes("{public}"))), await nameOf(derive(new Uint8Array(32))),
        await nameOf(derive(new Uint8Array(31))), hex(await subtle.exportKey("pkcs8", privateKey)),
      ];
    """
    shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert run(script) == [shared, "OperationError", "DataError", pkcs8]


def test_hkdf(run: RunJs) -> None:
    """The first test case of RFC 5869; it derives nothing, but not more than 255 hashes."""
    script = """
      const key = await subtle.importKey("raw", bytes("0b".repeat(22)), "HKDF", false, ["deriveBits"]);
      const parameters = {
        name: "HKDF", hash: "SHA-256", salt: bytes("000102030405060708090a0b0c"), info: bytes("f0f1f2f3f4f5f6f7f8f9"),
      };
      const derive = (length) => subtle.deriveBits(parameters, key, length);
      return [
        hex(await derive(336)), hex(await derive(0)), await nameOf(derive(255 * 256 + 8)),
        await nameOf(derive(null)), await nameOf(derive(4)),
        await nameOf(subtle.importKey("raw", bytes(""), "HKDF", true, ["deriveBits"])),
      ];
    """
    derived = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    errors = ["OperationError", "OperationError", "OperationError", "SyntaxError"]
    assert run(script) == [derived, "", *errors]


@pytest.mark.parametrize("iterations", [2, 12_000])
def test_pbkdf2(run: RunJs, iterations: int) -> None:
    """At once, and in the background: bits for the script, or a key."""
    script = f"""
      const key = await subtle.importKey("raw", text("password"), "PBKDF2", false, ["deriveBits", "deriveKey"]);
      const parameters = {{ name: "PBKDF2", hash: "SHA-1", salt: text("salt"), iterations: {iterations} }};
      const kind = {{ name: "HMAC", hash: "SHA-256", length: 160 }};
      const derived = await subtle.deriveKey(parameters, key, kind, true, ["sign"]);
      return [
        hex(await subtle.deriveBits(parameters, key, 160)), hex(await subtle.exportKey("raw", derived)),
        hex(await subtle.deriveBits(parameters, key, 0)),
        await nameOf(subtle.deriveBits({{ ...parameters, iterations: 0 }}, key, 0)),
      ];
    """
    derived = hashlib.pbkdf2_hmac("sha1", b"password", b"salt", iterations, 20).hex()
    assert run(script) == [derived, derived, "", "OperationError"]


def test_the_order_of_errors_in_an_import(run: RunJs) -> None:
    """Types, then the algorithm, then the usages, then the data, at last usages that are missing."""
    script = """
      const { importKey } = SubtleCrypto.prototype;
      const name = (...values) => nameOf(importKey.apply(subtle, values));
      const data = new Uint8Array(3), aes = "AES-CBC";
      return [
        await name("der", data, "none", true, []), await name("raw", data, "none", true, ["none"]),
        await name("raw", data, "none", true, ["sign"]), await name("raw", {}, aes, true, ["sign"]),
        await name("raw", data, aes, true, ["sign"]), await name("spki", data, aes, true, ["encrypt"]),
        await name("raw", data, aes, true, []), await name("raw", new Uint8Array(16), aes, true, []),
        await name("raw", data, { name: "ECDSA", namedCurve: "P-1" }, true, ["sign"]),
      ];
    """
    assert run(script) == [
        "TypeError",
        "TypeError",
        "NotSupportedError",
        "TypeError",
        "SyntaxError",
        "NotSupportedError",
        "DataError",
        "SyntaxError",
        "DataError",
    ]


def test_a_key_is_used_for_its_algorithm_and_usages_only(run: RunJs) -> None:
    """Everything else is an InvalidAccessError."""
    script = """
      const key = await subtle.generateKey({ name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
      const data = new Uint8Array(1);
      return [
        await nameOf(subtle.sign("HMAC", key, data)), await nameOf(subtle.verify("HMAC", key, data, data)),
        await nameOf(subtle.sign("Ed25519", key, data)), await nameOf(subtle.exportKey("jwk", key)),
        await nameOf(subtle.generateKey({ name: "HMAC", hash: "SHA-1" }, false, [])),
      ];
    """
    refused = "InvalidAccessError"
    assert run(script) == ["fulfilled", refused, refused, refused, "SyntaxError"]


def test_a_script_cannot_redirect_an_export(run: RunJs) -> None:
    """A toJSON of the site's changes nothing of what is asked of the host."""
    script = """
      const generate = (extractable) => subtle.generateKey({ name: "HMAC", hash: "SHA-1" }, extractable, ["sign"]);
      const secret = await generate(false), open = await generate(true); // they have the first numbers
      const raw = async () => [...new Uint8Array(await subtle.exportKey("raw", open))].join();
      const right = await raw();
      const outcomes = [];
      for (const number of [1, 2]) {
        Object.prototype.toJSON = function () { return this[1] === "raw" ? [number, "raw"] : this; };
        outcomes.push((await raw()) === right);
        delete Object.prototype.toJSON;
      }
      return outcomes;
    """
    assert run(script) == [True, True]


def test_cloned_keys(run: RunJs) -> None:
    """A clone works as the original, also where the material stays hidden."""
    script = """
      const { publicKey, privateKey } = await subtle.generateKey(
        { name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
      const parameters = { name: "ECDSA", hash: "SHA-256" };
      const [a, b] = structuredClone([publicKey, privateKey]);
      const signature = await subtle.sign(parameters, b, text("message"));
      return [
        a instanceof CryptoKey, a !== publicKey, a.algorithm, a.usages, [b.type, b.extractable, b.usages],
        await subtle.verify(parameters, publicKey, signature, text("message")),
        await nameOf(subtle.exportKey("jwk", b)),
      ];
    """
    algorithm = {"name": "ECDSA", "namedCurve": "P-256"}
    expected = [True, True, algorithm, ["verify"], ["private", False, ["sign"]], True, "InvalidAccessError"]
    assert run(script) == expected


@pytest.mark.skipif(
    int(cryptography.__version__.partition(".")[0]) < 45,
    reason="cryptography 44, the newest for mitmproxy 11, does not let go of the GIL while it makes a key",
)
def test_generating_an_rsa_key_blocks_nothing(run: RunJs) -> None:
    """Timers go on, and the turn's budget does not count."""
    script = """
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      const algorithm = { name: "RSA-PSS", hash: "SHA-256", modulusLength: 3072, publicExponent: bytes("010001") };
      const generated = Array.from({ length: 3 }, () => subtle.generateKey(algorithm, false, ["sign"]));
      for (const { privateKey } of await Promise.all(generated)) if (privateKey.type !== "private") return "no key";
      clearInterval(timer);
      return ticks > 5;
    """
    assert run(script) is True


def test_many_operations_take_more_than_one_turn(run: RunJs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that lasts long is ended by an operation: others get their chance, errors stay what they are."""
    monkeypatch.setattr(ops, "_PATIENCE", -1.0)  # every turn is too long
    script = """
      const key = await subtle.generateKey({ name: "HMAC", hash: "SHA-1" }, true, ["sign"]);
      let timerFired = 0;
      setTimeout(() => timerFired++, 0);
      let digests = 0;
      while (timerFired === 0 && digests < 5000) {
        await subtle.digest("SHA-1", new Uint8Array(1));
        digests++;
      }
      return [timerFired, (await subtle.exportKey("jwk", key)).alg, await nameOf(subtle.importKey(
        "raw", new Uint8Array(3), "AES-CBC", true, ["encrypt"]))];
    """
    assert run(script) == [1, "HS1", "DataError"]
