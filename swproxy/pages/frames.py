"""What the page client and the proxy say to each other over a WebSocket (script/channel.js has the other half).

A message is a JSON array, with bytes beside it if need be. Without bytes it is a text frame. With them it is a binary
one: the JSON's length, big-endian in four bytes, the JSON, whose first element has the lengths of the parts, and
the parts one after the other.
"""

import json
from collections.abc import Sequence
from typing import Any

from swproxy.errors import InvalidInput

_LENGTH = 4


def encode(message: list[Any], parts: Sequence[bytes] = ()) -> str | bytes:
    """A frame. Strings of the message need not be well-formed Unicode."""
    if not parts:
        return json.dumps(message, separators=(",", ":"))
    text = json.dumps([[len(part) for part in parts], *message], separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(_LENGTH, "big"), text, *parts])


def decode(frame: str | bytes) -> tuple[list[Any], list[bytes]]:
    """The message of a frame, and its parts.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        if isinstance(frame, str):
            return _array(json.loads(frame)), []
        end = _LENGTH + int.from_bytes(frame[:_LENGTH], "big")
        lengths, *message = _array(json.loads(frame[_LENGTH:end]))
        parts = []
        for length in lengths:
            begin, end = end, end + length
            parts.append(frame[begin:end])
        if end != len(frame) or any(length < 0 for length in lengths):
            raise ValueError("the lengths are wrong")
        return message, parts
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"A page has sent what is no message: {error}.") from None


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not an array")
    return value
