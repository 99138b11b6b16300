"""The host half of bytes.js: bytes in what JSON can carry.

JavaScript turns bytes into text fastest two at a time, and gets them back fastest from numbers of four.
"""

import sys

_NATIVE_UTF_16 = f"utf-16-{'le' if sys.byteorder == 'little' else 'be'}"
_EVEN = "\u0100"
# Numbers take far more memory than the bytes that they stand for: above this many bytes, text is sent.
_NUMBERS_LIMIT = 1 << 22


def unpack_bytes(packed: str) -> bytes:
    """What ``packBytes`` of bytes.js has packed: a code unit for every two bytes, then one for the odd last byte."""
    pairs = packed[:-1].encode(_NATIVE_UTF_16, "surrogatepass")
    last = packed[-1]
    return pairs if last == _EVEN else pairs + last.encode("latin-1")


def pack_bytes(data: bytes) -> list[int] | str:
    """For ``unpackBytes`` of bytes.js: a number for every four bytes, then their count; or a character for each."""
    length = len(data)
    if length > _NUMBERS_LIMIT:
        return data.decode("latin-1")
    numbers = memoryview(data + bytes(-length % 4)).cast("i").tolist()
    numbers.append(length)
    return numbers
