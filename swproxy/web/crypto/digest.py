"""SHA and HMAC (https://w3c.github.io/webcrypto/#sha, #hmac): the standard library has them loaded already."""

import hashlib
import hmac
import secrets

from swproxy.errors import DataError
from swproxy.web.crypto.key import Algorithm, Key, KeyData, OperationError, SecretKey, first_bits, secret_octets

_NAMES = {"SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def digest(name: str, message: bytes) -> bytes:
    """https://w3c.github.io/webcrypto/#sha-operations-digest"""
    return hashlib.new(_NAMES[name], message, usedforsecurity=False).digest()


def hash_name(algorithm: Algorithm) -> str:
    """What hashlib calls the ``hash`` member."""
    return _NAMES[algorithm["hash"]["name"]]


class HmacKey(SecretKey):
    """https://w3c.github.io/webcrypto/#hmac

    Args:
        data: the key; bits beyond ``length`` are zero.
        length: in bits.
        hash_name: as hashlib calls it.
        extractable: as for ``Key``.
    """

    def __init__(self, data: bytes, length: int, hash_name: str, extractable: bool) -> None:
        super().__init__(data, extractable)
        self.length = length
        self.hash_name = hash_name

    def properties(self) -> dict[str, int]:
        return {"length": self.length}

    def sign(self, algorithm: Algorithm, message: bytes) -> bytes:
        return hmac.digest(self.data, message, self.hash_name)

    def verify(self, algorithm: Algorithm, signature: bytes, message: bytes) -> bool:
        return hmac.compare_digest(self.sign(algorithm, message), signature)


def generate(algorithm: Algorithm, extractable: bool) -> Key:
    """https://w3c.github.io/webcrypto/#hmac-operations-generate-key; ``length`` is there and not zero.

    Raises:
        OperationError: there is no memory for a key of that length.
    """
    length = algorithm["length"]
    try:
        data = secrets.token_bytes((length + 7) // 8)
    except MemoryError:
        raise OperationError(f"A key of {length} bits is too long.") from None
    return HmacKey(first_bits(data, length), length, hash_name(algorithm), extractable)


def import_key(algorithm: Algorithm, format: str, data: KeyData, extractable: bool) -> Key:  # noqa: A002
    """https://w3c.github.io/webcrypto/#hmac-operations-import-key

    Raises:
        DataError: the key is empty, or has not the length that the algorithm asks for.
    """
    secret = secret_octets(data)
    available = len(secret) * 8
    if not available:
        raise DataError("An HMAC key must not be empty.")
    length = algorithm.get("length", available)
    if not available - 8 < length <= available:
        raise DataError(f"The key data has {available} bits, which does not go with a length of {length}.")
    return HmacKey(first_bits(secret, length), length, hash_name(algorithm), extractable)
