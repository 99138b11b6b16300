"""What the host keeps for the scripts' CryptoKey objects: the material, under a number."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from swproxy.errors import SwproxyError
from swproxy.web.crypto.jwk import Jwk, base64url, from_base64url

# A normalized algorithm as algorithms.js makes it: its members by name, bytes as text with one character a byte.
Algorithm = Mapping[str, Any]

# Key data of an import: the octets of "raw", "spki" and "pkcs8", or a JSON Web Key.
KeyData = bytes | Jwk


class OperationError(SwproxyError):
    """The operation failed for an operation-specific reason."""


class InvalidAccessError(SwproxyError):
    """The key does not allow that."""

    name = "InvalidAccessError"


class Key(ABC):
    """The [[handle]] of a CryptoKey.

    Args:
        extractable: whether ``export`` may be called.
    """

    def __init__(self, extractable: bool) -> None:
        self.extractable = extractable

    def properties(self) -> dict[str, Any]:
        """The members of the CryptoKey's [[algorithm]] that come from the material."""
        return {}

    @abstractmethod
    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002, the specification's word
        """The material in one of the formats that the key has; for "jwk", the members that carry it."""


class SecretKey(Key):
    """A key that is a sequence of bytes."""

    def __init__(self, data: bytes, extractable: bool) -> None:
        super().__init__(extractable)
        self.data = data

    def properties(self) -> dict[str, Any]:
        return {"length": len(self.data) * 8}

    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002
        return {"kty": "oct", "k": base64url(self.data)} if format == "jwk" else self.data


def secret_octets(data: KeyData) -> bytes:
    """The bytes of a secret key (https://www.rfc-editor.org/rfc/rfc7518#section-6.4 for a JSON Web Key).

    Raises:
        DataError: the JSON Web Key has none.
    """
    return data if isinstance(data, bytes) else from_base64url(data.k)


def octets(binary: str) -> bytes:
    """The bytes that JavaScript sent as characters."""
    return binary.encode("latin-1")


def first_bits(data: bytes, length: int) -> bytes:
    """https://w3c.github.io/webcrypto/#dfn-byte-sequence-containing the first ``length`` bits of the data"""
    size = (length + 7) // 8
    unused = size * 8 - length
    return ((int.from_bytes(data[:size]) >> unused) << unused).to_bytes(size)


class KeyStore:
    """The keys of one realm, and secrets on their way from one operation to the next."""

    def __init__(self) -> None:
        self._kept: dict[int, Key | KeyData] = {}
        self._last = 0

    def add(self, item: Key | KeyData) -> int:
        self._last += 1
        self._kept[self._last] = item
        return self._last

    def key(self, number: int) -> Any:
        """The key, of the class that the script's algorithm asks for: JavaScript has compared the two."""
        key = self._kept[number]
        assert isinstance(key, Key)
        return key

    def secret(self, number: int) -> KeyData:
        """What an operation kept for ``import_key``."""
        secret = self._kept[number]
        assert not isinstance(secret, Key)
        return secret

    def exportable(self, number: int) -> Key:
        """The key, which is going to be exported.

        JavaScript has checked [[extractable]]; it is checked here again, because a script can change what its
        engine sends, and must not come to another key's material.

        Raises:
            InvalidAccessError: it is not extractable.
        """
        key: Key = self.key(number)
        if not key.extractable:
            raise InvalidAccessError("The key is not extractable.")
        return key

    def replace(self, number: int, secret: KeyData) -> None:
        self._kept[number] = secret

    def release(self, number: int) -> None:
        self._kept.pop(number, None)
