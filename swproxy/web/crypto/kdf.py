"""Key derivation (https://w3c.github.io/webcrypto/#hkdf, #pbkdf2)."""

import hashlib

from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from swproxy.web.crypto.asymmetric import hash_of
from swproxy.web.crypto.digest import hash_name
from swproxy.web.crypto.key import Algorithm, Key, KeyData, OperationError, SecretKey, octets, secret_octets


class HkdfKey(SecretKey):
    """The input keying material of HKDF."""

    def derive_bits(self, algorithm: Algorithm, length: int | None) -> bytes:
        """https://w3c.github.io/webcrypto/#hkdf-operations-derive-bits"""
        size, salt, info = _whole_bytes(length), octets(algorithm["salt"]), octets(algorithm["info"])
        try:
            return HKDF(hash_of(algorithm), size, salt, info).derive(self.data)
        except ValueError as error:
            raise OperationError(f"HKDF failed: {error}") from None


class Pbkdf2Key(SecretKey):
    """A password."""

    def derive_bits(self, algorithm: Algorithm, length: int | None) -> bytes:
        """https://w3c.github.io/webcrypto/#pbkdf2-operations-derive-bits

        hashlib lets other threads run meanwhile, which ``cryptography`` does not.
        """
        size, iterations = _whole_bytes(length), algorithm["iterations"]
        if iterations == 0:
            raise OperationError("PBKDF2 needs at least one iteration.")
        if size == 0:
            return b""
        try:
            return hashlib.pbkdf2_hmac(hash_name(algorithm), self.data, octets(algorithm["salt"]), iterations, size)
        except (OverflowError, MemoryError, ValueError) as error:
            raise OperationError(f"PBKDF2 failed: {error}") from None


def _whole_bytes(length: int | None) -> int:
    if length is None or length % 8:
        raise OperationError("The length must be a multiple of 8 bits.")
    return length // 8


def import_key(algorithm: Algorithm, format: str, data: KeyData, extractable: bool) -> Key:  # noqa: A002
    """The key data are the input keying material, or the password."""
    kind = HkdfKey if algorithm["name"] == "HKDF" else Pbkdf2Key
    return kind(secret_octets(data), extractable)
