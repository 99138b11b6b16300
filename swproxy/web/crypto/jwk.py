"""JSON Web Keys (https://www.rfc-editor.org/rfc/rfc7517, https://www.rfc-editor.org/rfc/rfc7518#section-6)."""

import base64
import re
from typing import Any

import msgspec

from swproxy.errors import DataError

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Jwk(msgspec.Struct, omit_defaults=True):
    """https://w3c.github.io/webcrypto/#JsonWebKey-dictionary"""

    alg: str | None = None
    crv: str | None = None
    d: str | None = None
    dp: str | None = None
    dq: str | None = None
    e: str | None = None
    ext: bool | None = None
    k: str | None = None
    key_ops: list[str] | None = None
    kty: str | None = None
    n: str | None = None
    oth: list[Any] | None = None
    p: str | None = None
    q: str | None = None
    qi: str | None = None
    use: str | None = None
    x: str | None = None
    y: str | None = None


_MATERIAL = ("d", "dp", "dq", "e", "k", "n", "p", "q", "qi", "x", "y")


def parse_jwk(data: bytes) -> Jwk:
    """https://w3c.github.io/webcrypto/#concept-parse-a-jwk

    Raises:
        DataError: it is not a JSON object with the types of a JsonWebKey.
    """
    try:
        key = msgspec.json.decode(data, type=Jwk)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"The key data is not a JSON Web Key: {error}") from None
    if key.kty is None:
        raise DataError("The JSON Web Key has no 'kty'.")
    return key


def jwk_from_script(members: dict[str, Any]) -> Jwk:
    """Of a JsonWebKey that JavaScript has converted."""
    return msgspec.convert(members, Jwk)


def without_material(key: Jwk) -> dict[str, Any]:
    """What JavaScript may see of the key: of the members with key material only that they are there."""
    members: dict[str, Any] = msgspec.to_builtins(key)
    members.update((name, "") for name in _MATERIAL if name in members)
    return members


def base64url(data: bytes) -> str:
    """https://www.rfc-editor.org/rfc/rfc7515#appendix-C"""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str | None) -> bytes:
    """The bytes.

    Raises:
        DataError: the member is missing, or is not base64url without padding.
    """
    if text is None:
        raise DataError("The JSON Web Key lacks a member.")
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise DataError("A member of the JSON Web Key is not encoded with base64url.")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64url_uint(value: int) -> str:
    """https://www.rfc-editor.org/rfc/rfc7518#section-2, Base64urlUInt"""
    return base64url(value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


def from_base64url_uint(text: str | None) -> int:
    """The number of a Base64urlUInt. Leading zeros, which it must not have, do no harm: libraries write them.

    Raises:
        DataError: it is empty, or as ``from_base64url``.
    """
    data = from_base64url(text)
    if not data:
        raise DataError("A number in the JSON Web Key is empty.")
    return int.from_bytes(data)
