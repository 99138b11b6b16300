"""The host half of the URL Standard: ada parses, serializes and sets (https://url.spec.whatwg.org/)."""

from typing import Any
from urllib.parse import unquote_to_bytes

import ada_url

# The order in which url.js keeps them.
PARTS = (
    "href",
    "protocol",
    "username",
    "password",
    "host",
    "hostname",
    "port",
    "pathname",
    "search",
    "hash",
    "origin",
)

# https://url.spec.whatwg.org/#urlencoded-serializing
_FORM_SAFE = frozenset(b"*-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_FORM_TABLE = ["+" if byte == 0x20 else chr(byte) if byte in _FORM_SAFE else f"%{byte:02X}" for byte in range(256)]


def _parts(url: ada_url.URL) -> list[str]:
    return [getattr(url, name) for name in PARTS]


def op_url_parse(realm: Any, url: str, base: str | None) -> list[str] | None:
    """The parts of the parsed URL, None for failure."""
    try:
        return _parts(ada_url.URL(url, base))
    except ValueError:
        return None


def op_url_set(realm: Any, href: str, name: str, value: str) -> list[str] | None:
    """The parts after the setter of that name ran; None if ``href`` was set to what is no URL."""
    url = ada_url.URL(href)
    try:
        setattr(url, name, value)
    except ValueError:
        if name == "href":
            return None
    return _parts(url)


def op_urlencoded_parse(realm: Any, text: str) -> list[list[str]]:
    """https://url.spec.whatwg.org/#concept-urlencoded-parser"""
    return urlencoded_parse(text.encode())


def urlencoded_parse(data: bytes) -> list[list[str]]:
    pairs = []
    for sequence in data.split(b"&"):
        if sequence:
            name, _, value = sequence.replace(b"+", b" ").partition(b"=")
            pairs.append([unquote_to_bytes(part).decode("utf-8", "replace") for part in (name, value)])
    return pairs


def op_urlencoded_serialize(realm: Any, pairs: list[list[str]]) -> str:
    """https://url.spec.whatwg.org/#concept-urlencoded-serializer"""

    def encoded(text: str) -> str:
        return "".join([_FORM_TABLE[byte] for byte in text.encode()])

    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs)
