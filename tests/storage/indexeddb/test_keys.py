"""Keys as bytes."""

import math
import random
import struct
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from swproxy.errors import DatabaseDamaged
from swproxy.storage.indexeddb.keys import Date, Key, decode_key, encode_key

RANK: dict[type, int] = {int: 0, float: 0, Date: 1, str: 2, bytes: 3, tuple: 4}
NUMBERS = [0, 1, -1, 0.5, -0.5, 1e-320, -1e-320, 1e308, -1e308, math.inf, -math.inf, 2**53, -(2**53), 255, 256, 1e21]
CHARACTERS = "\0\1a\x7f\x80é\ud7ff\ud800\udbff\udc00\udfff\ue000\uffff\U00010000\U0001f600\U0010ffff"


def code_units(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return list(struct.unpack(f">{len(data) // 2}H", data))


def compare(a: Any, b: Any) -> int:
    """https://w3c.github.io/IndexedDB/#compare-two-keys, literally."""
    if RANK[type(a)] != RANK[type(b)]:
        return 1 if RANK[type(a)] > RANK[type(b)] else -1
    if isinstance(a, tuple):
        for one, other in zip(a, b, strict=False):
            if found := compare(one, other):
                return found
        return (len(a) > len(b)) - (len(a) < len(b))
    if isinstance(a, Date):
        a, b = a.milliseconds, b.milliseconds
    elif isinstance(a, str):
        a, b = code_units(a), code_units(b)
    return (a > b) - (a < b)


def random_key(source: random.Random, depth: int = 3) -> Key:
    kind = source.randrange(5 if depth else 4)
    if kind == 0:
        return source.choice([source.choice(NUMBERS), source.uniform(-10, 10), source.randrange(-3, 3)])
    if kind == 1:
        return Date(float(source.choice([*NUMBERS, source.randrange(-3, 3)])))
    if kind == 2:
        return "".join(source.choices(CHARACTERS, k=source.randrange(4)))
    if kind == 3:
        return bytes(source.choices([0, 1, 0x10, 0x50, 0xFF], k=source.randrange(4)))
    return tuple(random_key(source, depth - 1) for _ in range(source.randrange(4)))


def test_order_is_that_of_the_specification() -> None:
    """Of bytes as of keys, whatever their types."""
    source = random.Random(1)
    keys = [random_key(source) for _ in range(400)]
    encoded = [encode_key(key) for key in keys]
    for (a, x), (b, y) in product(zip(keys, encoded, strict=True), repeat=2):
        assert (x > y) - (x < y) == compare(a, b), (a, b)


def test_round_trip() -> None:
    """A key is the same again, with pairs of surrogates as one character."""
    source = random.Random(2)
    for _ in range(3000):
        key = random_key(source)
        decoded = decode_key(encode_key(key))
        assert compare(key, decoded) == 0
        assert encode_key(decoded) == encode_key(key)
    assert decode_key(encode_key("\ud83d\ude00")) == "\U0001f600"


@pytest.mark.parametrize(("given", "got"), [(5.0, 5), (-0.0, 0), (2.0**53, 2.0**53), (0.5, 0.5)])
def test_numbers_are_integers_if_they_are_safe(given: float, got: float) -> None:
    """Others stay floats; there is no -0."""
    decoded = decode_key(encode_key(given))
    assert (type(decoded), decoded) == (type(got), got)
    assert not isinstance(decoded, float) or math.copysign(1, decoded) == 1


def test_arrays_may_be_deep() -> None:
    """Deeper than the stack of Python."""
    key: Key = ()
    for _ in range(20_000):
        key = (key,)
    data = encode_key(key)
    assert len(data) == 40_002
    assert encode_key(decode_key(data)) == data


@pytest.mark.parametrize("key", [True, None, [1], {}, math.nan, Date(math.nan), (1, None), (math.nan,)])
def test_what_is_no_key(key: Any) -> None:
    """Also within an array."""
    with pytest.raises((TypeError, ValueError)):
        encode_key(key)


def test_garbage_is_an_error() -> None:
    """Whatever it is: an error that says so, or a key."""
    source = random.Random(3)
    for _ in range(5000):
        data = bytearray(encode_key(random_key(source)))
        match source.randrange(4):
            case 0:
                data = data[: source.randrange(len(data))]
            case 1:
                data[source.randrange(len(data))] = source.randrange(256)
            case 2:
                data += bytes([source.randrange(256)])
            case _:
                data = bytearray(source.randbytes(source.randrange(10)))
        with suppress(DatabaseDamaged):
            decode_key(bytes(data))
    for data in (b"", b"\0", b"\x10\0", b"0a", b"P", b"P\0\0", b"\x60\0", b"\x10" + b"\xff" * 8):
        with pytest.raises(DatabaseDamaged):
            decode_key(bytes(data))
