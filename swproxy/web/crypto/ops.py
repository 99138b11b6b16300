"""The host half of the Web Cryptography API (https://w3c.github.io/webcrypto/).

A key is a number in JavaScript; its material leaves the host by export only. What an operation derives or decrypts
may be kept here as a secret, for an import: then it is a number, too. An algorithm is an object with its normalized
members, in which bytes are text with one character a byte; all other bytes cross as ``infra/bytes.py`` says.
"""

import os
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from swproxy.errors import SwproxyError
from swproxy.realm.engine import Pending
from swproxy.storage.bodies import BytesBody
from swproxy.web.crypto import aes, curve25519, digest, ec, kdf, rsa
from swproxy.web.crypto.jwk import Jwk, jwk_from_script, parse_jwk, without_material
from swproxy.web.crypto.key import Algorithm, Key, KeyData, KeyStore
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes

_FAMILIES: dict[str, ModuleType] = {
    "AES-CBC": aes,
    "AES-CTR": aes,
    "AES-GCM": aes,
    "AES-KW": aes,
    "ECDH": ec,
    "ECDSA": ec,
    "Ed25519": curve25519,
    "HKDF": kdf,
    "HMAC": digest,
    "PBKDF2": kdf,
    "RSA-OAEP": rsa,
    "RSA-PSS": rsa,
    "RSASSA-PKCS1-v1_5": rsa,
    "X25519": curve25519,
}

Packed = list[int] | str

# So many UUIDs go to JavaScript at once, which takes them one by one.
_UUIDS = 64
# digit -> that digit with the two bits of the variant
_VARIANTS = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}

# So many rounds of PBKDF2 take some milliseconds: then they are worth a thread.
_LONG_PBKDF2 = 10_000


# When a turn has lasted that many seconds, the answers to its operations come in turns of their own: a script that
# awaits a thousand of them one after the other may have more time than one turn's, and other events their chance.
_PATIENCE = 0.1

Operation = Callable[..., Any]


def _paced(operation: Operation) -> Operation:
    """The operation, which answers at once or later."""

    @wraps(operation)
    def paced(realm: Any, *values: Any) -> Any:
        try:
            outcome = operation(realm, *values)
        except SwproxyError as error:
            outcome = error
        if realm.turn_time() > _PATIENCE and not isinstance(outcome, Pending):
            pending = realm.defer()
            realm.settle_in_task(pending, outcome)
            return pending
        if isinstance(outcome, SwproxyError):
            raise outcome
        return outcome

    return paced


def op_random_bytes(realm: Any, count: int) -> Packed:
    return pack_bytes(os.urandom(count))


def op_random_uuids(realm: Any) -> list[str]:
    """https://w3c.github.io/webcrypto/#dfn-generate-a-random-uuid, many times."""
    digits = os.urandom(16 * _UUIDS).hex()
    return [
        f"{digits[i : i + 8]}-{digits[i + 8 : i + 12]}-4{digits[i + 13 : i + 16]}"
        f"-{_VARIANTS[digits[i + 16]]}{digits[i + 17 : i + 20]}-{digits[i + 20 : i + 32]}"
        for i in range(0, 32 * _UUIDS, 32)
    ]


@_paced
def op_digest(realm: Any, name: str, message: str) -> Packed:
    return pack_bytes(digest.digest(name, unpack_bytes(message)))


@_paced
def op_generate_key(realm: Any, algorithm: Algorithm, extractable: bool) -> Any:
    """A secret key, or a list of the public and the private one; those of RSA come later."""
    generate: Callable[[Algorithm, bool], Key | tuple[Key, Key]] = _FAMILIES[algorithm["name"]].generate

    def add(generated: Key | tuple[Key, Key]) -> int | list[int]:
        keys: KeyStore = realm.state(KeyStore)
        return keys.add(generated) if isinstance(generated, Key) else [keys.add(key) for key in generated]

    if algorithm["name"].startswith("RSA"):
        return realm.in_background(lambda: generate(algorithm, extractable), add)
    return add(generate(algorithm, extractable))


@_paced
def op_import_key(
    realm: Any,
    algorithm: Algorithm,
    format: str,  # noqa: A002, the specification's word
    data: str | int | dict[str, Any],
    extractable: bool,
) -> dict[str, Any]:
    """The key, and what its [[algorithm]] takes from it.

    Args:
        algorithm: the normalized one.
        format: of the data.
        data: bytes, a JSON Web Key, or the number of a secret with either.
        extractable: see ``Key``.
    """
    key_data: KeyData
    if isinstance(data, int):
        key_data = realm.state(KeyStore).secret(data)
    else:
        key_data = unpack_bytes(data) if isinstance(data, str) else jwk_from_script(data)
    return _imported(realm, algorithm, format, key_data, extractable)


def _imported(realm: Any, algorithm: Algorithm, format: str, data: KeyData, extractable: bool) -> dict[str, Any]:  # noqa: A002
    key: Key = _FAMILIES[algorithm["name"]].import_key(algorithm, format, data, extractable)
    return {"key": realm.state(KeyStore).add(key), "properties": key.properties()}


@_paced
def op_export_key(realm: Any, key: int, format: str) -> Any:  # noqa: A002
    """Bytes, or for "jwk" the members with the material."""
    material = realm.state(KeyStore).exportable(key).export(format)
    return pack_bytes(material) if isinstance(material, bytes) else material


def op_key_to_body(realm: Any, key: int, format: str) -> int:  # noqa: A002
    """For a serialization: a host body with the exported material, be it extractable or not."""
    return realm.bodies.add(BytesBody(realm.state(KeyStore).key(key).export(format)))  # type: ignore[no-any-return]


def op_key_from_body(realm: Any, algorithm: Algorithm, format: str, body: int, extractable: bool) -> dict[str, Any]:  # noqa: A002
    """As ``op_import_key``, of what ``op_key_to_body`` has made, which is used up."""
    return realm.read_all(  # type: ignore[no-any-return]
        realm.bodies.take(body), lambda data: _imported(realm, algorithm, format, data, extractable)
    )


def op_release_key(realm: Any, key: int) -> None:
    """Also of a secret."""
    realm.state(KeyStore).release(key)


@_paced
def op_encrypt(realm: Any, key: int, algorithm: Algorithm, plaintext: str) -> Packed:
    return pack_bytes(realm.state(KeyStore).key(key).encrypt(algorithm, unpack_bytes(plaintext)))


@_paced
def op_decrypt(realm: Any, key: int, algorithm: Algorithm, ciphertext: str, keep: bool) -> Packed | int:
    return _kept_or_sent(realm, realm.state(KeyStore).key(key).decrypt(algorithm, unpack_bytes(ciphertext)), keep)


@_paced
def op_sign(realm: Any, key: int, algorithm: Algorithm, message: str) -> Packed:
    return pack_bytes(realm.state(KeyStore).key(key).sign(algorithm, unpack_bytes(message)))


@_paced
def op_verify(realm: Any, key: int, algorithm: Algorithm, signature: str, message: str) -> bool:
    public = realm.state(KeyStore).key(key)
    return public.verify(algorithm, unpack_bytes(signature), unpack_bytes(message))  # type: ignore[no-any-return]


@_paced
def op_derive_bits(realm: Any, key: int, algorithm: dict[str, Any], length: int | None, keep: bool) -> Any:
    """``length`` is in bits, None for all that there are. What takes long comes later."""
    keys: KeyStore = realm.state(KeyStore)
    base = keys.key(key)
    if "public" in algorithm:
        algorithm["public"] = keys.key(algorithm["public"])
    if algorithm.get("iterations", 0) * ((length or 0) // 128 + 1) >= _LONG_PBKDF2:
        return realm.in_background(
            lambda: base.derive_bits(algorithm, length), lambda bits: _kept_or_sent(realm, bits, keep)
        )
    return _kept_or_sent(realm, base.derive_bits(algorithm, length), keep)


def _kept_or_sent(realm: Any, data: bytes, keep: bool) -> Packed | int:
    """For ``keep`` the number of a secret, else the bytes."""
    return realm.state(KeyStore).add(data) if keep else pack_bytes(data)


def op_parse_jwk(realm: Any, secret: int) -> dict[str, Any]:
    """Makes a JSON Web Key of the secret; the answer has its members, the material left out."""
    keys: KeyStore = realm.state(KeyStore)
    data = keys.secret(secret)
    jwk = data if isinstance(data, Jwk) else parse_jwk(data)
    keys.replace(secret, jwk)
    return without_material(jwk)
