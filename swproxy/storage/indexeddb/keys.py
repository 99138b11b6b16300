"""Keys (https://w3c.github.io/IndexedDB/#key-construct) as bytes: ``memcmp`` orders those as "compare two keys" does.

A tag says the type, tags rise in the order of the types.

- number, date: 8 bytes, an IEEE 754 double, big-endian; the sign bit is flipped, and all others if it was set.
- string: its UTF-16 code units as UTF-8 has code points (CESU-8), also surrogates; 0 is 00 FF; 00 at the end.
- binary: its bytes, in the same way.
- array: its elements, 00 at the end; no tag is 00 or FF.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from swproxy.errors import DatabaseDamaged


@dataclass(frozen=True, slots=True)
class Date:
    """A key of the type date, in milliseconds since the epoch."""

    milliseconds: float


Key = Union[int, float, str, bytes, Date, tuple["Key", ...]]  # noqa: UP007, a string has no |

_NUMBER, _DATE, _STRING, _BINARY, _ARRAY = 0x10, 0x20, 0x30, 0x40, 0x50
_pack = struct.Struct(">Bd").pack
_double = struct.Struct(">d")
_unsigned = struct.Struct(">Q")
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_ZERO = _SIGN.to_bytes(8, "big")
# Beyond these a double has no place for all integers, and JavaScript writes it differently.
_EXACT = 1 << 53
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def encode_key(key: Key) -> bytes:
    """The bytes of a key. Numbers become doubles; -0 becomes 0.

    Raises:
        TypeError: it is no key.
        ValueError: a number or date is NaN.
    """
    kind = type(key)
    if kind is str:
        if key.isascii() and "\0" not in key:  # type: ignore[union-attr, operator]
            return b"0" + key.encode() + b"\0"  # type: ignore[union-attr]
        return _encode_string(key)  # type: ignore[arg-type]
    if kind is int or kind is float:
        if key > 0:  # type: ignore[operator]
            return _pack(_NUMBER, -key)  # type: ignore[operator]
        return b"\x10" + _encode_double(key)  # type: ignore[arg-type]
    if kind is tuple:
        return _encode_array(key)  # type: ignore[arg-type]
    return _encode_other(key)


def _encode_double(value: float) -> bytes:
    if value > 0:
        return _double.pack(-value)
    if value < 0:
        return _unsigned.pack(_unsigned.unpack(_double.pack(value))[0] ^ _ALL)
    if value != value:
        raise ValueError("NaN is no key")
    return _ZERO


def _encode_string(text: str) -> bytes:
    if _ASTRAL.search(text):
        text = _ASTRAL.sub(_surrogates, text)
    return b"0" + text.encode("utf-8", "surrogatepass").replace(b"\0", b"\0\xff") + b"\0"


def _surrogates(found: re.Match[str]) -> str:
    point = ord(found[0]) - 0x10000
    return chr(0xD800 + (point >> 10)) + chr(0xDC00 + (point & 0x3FF))


def _encode_other(key: object) -> bytes:
    if type(key) is bytes:
        return b"@" + key.replace(b"\0", b"\0\xff") + b"\0"
    if type(key) is Date:
        return b"\x20" + _encode_double(key.milliseconds)
    raise TypeError(f"a key cannot be {type(key).__name__}")


def _encode_array(array: tuple[Key, ...]) -> bytes:
    """Its nested arrays have a stack of their own, so that depth has no limit."""
    encoded = [b"P"]
    open_arrays: list[Iterator[Key]] = [iter(array)]
    while open_arrays:
        for element in open_arrays[-1]:
            if type(element) is tuple:
                encoded.append(b"P")
                open_arrays.append(iter(element))
                break
            encoded.append(encode_key(element))
        else:
            encoded.append(b"\0")
            open_arrays.pop()
    return b"".join(encoded)


def decode_key(data: bytes) -> Key:
    """The key of these bytes; a number is an ``int`` if it is a safe integer.

    Raises:
        DatabaseDamaged: they are not those of a key.
    """
    try:
        if data[0] == _STRING and data.isascii() and data.find(b"\0") == len(data) - 1:
            return data[1:-1].decode()
        return _decode(data)
    except (IndexError, struct.error, UnicodeDecodeError, ValueError):
        raise DatabaseDamaged(
            "A key in an IndexedDB database is damaged: delete the database, as `swproxy db rm` does."
        ) from None


def _decode(data: bytes) -> Key:
    found: list[Key] = []
    open_arrays = [found]
    at = 0
    while True:
        tag = data[at]
        if tag == _ARRAY:
            open_arrays.append([])
            at += 1
            continue
        if tag == 0 and len(open_arrays) > 1:
            array = tuple(open_arrays.pop())
            open_arrays[-1].append(array)
            at += 1
        else:
            key, at = _decode_scalar(data, tag, at + 1)
            open_arrays[-1].append(key)
        if len(open_arrays) == 1:
            if at != len(data):
                raise ValueError("there is more")
            return found[0]


def _decode_scalar(data: bytes, tag: int, at: int) -> tuple[Key, int]:
    """A key that is no array, and where it ends; ``at`` is behind the tag."""
    if tag in (_NUMBER, _DATE):
        value = _decode_double(data, at)
        if tag == _DATE:
            return Date(value), at + 8
        return int(value) if value.is_integer() and -_EXACT < value < _EXACT else value, at + 8
    if tag not in (_STRING, _BINARY):
        raise ValueError("no such type")
    end = data.index(b"\0", at)
    while data[end + 1 : end + 2] == b"\xff":
        end = data.index(b"\0", end + 2)
    content = data[at:end].replace(b"\0\xff", b"\0")
    if tag == _BINARY:
        return content, end + 1
    text = content.decode("utf-8", "surrogatepass")
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text, end + 1


def _decode_double(data: bytes, at: int) -> float:
    (bits,) = _unsigned.unpack_from(data, at)
    (value,) = _double.unpack(_unsigned.pack(bits ^ _SIGN if bits & _SIGN else bits ^ _ALL))
    if value != value:
        raise ValueError("NaN is no key")
    return float(value)
