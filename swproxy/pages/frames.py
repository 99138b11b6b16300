"""What the page client and the proxy say to each other over a WebSocket (script/channel.js has the other half).

A message is a JSON array, with bytes beside it if need be. Without bytes it is a text frame. With them it is a binary
one: the JSON's length, big-endian in four bytes, the JSON, whose first element has the lengths of the parts, and
the parts one after the other.

A document may be hostile: of what it sends, only strings and parts may be long, and nothing is decoded into objects
before it is known what they have to be.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from swproxy.errors import InvalidInput

# Bytes of the JSON of anything that is not a string: some ten times as many become objects.
JSON_LIMIT = 1 << 22
_LENGTH = 4
_LENGTHS = msgspec.json.Decoder(list[Annotated[int, msgspec.Meta(ge=0)]])
T = TypeVar("T")


class Said(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What a document says.

    Attributes:
        call: its number for the answer; 0 if it wants none.
        name: of a method.
        arguments: a JSON array.
    """

    call: int
    name: str
    arguments: msgspec.Raw


class _WithLengths(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    lengths: msgspec.Raw
    call: int
    name: str
    arguments: msgspec.Raw


def encode(message: list[Any], parts: Sequence[bytes] = ()) -> str | bytes:
    """A frame. Strings of the message need not be well-formed Unicode."""
    if not parts:
        return json.dumps(message, separators=(",", ":"))
    text = json.dumps([[len(part) for part in parts], *message], separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(_LENGTH, "big"), text, *parts])


def decode(frame: str | bytes) -> tuple[Said, list[bytes]]:
    """What a document says in a frame, and the parts.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        if isinstance(frame, str):
            return msgspec.json.decode(frame, type=Said), []
        end = _LENGTH + int.from_bytes(frame[:_LENGTH], "big")
        said = msgspec.json.decode(frame[_LENGTH:end], type=_WithLengths)
        parts = []
        for length in decode_value(said.lengths, _LENGTHS):
            begin, end = end, end + length
            parts.append(frame[begin:end])
        if end != len(frame):
            raise ValueError("the lengths are wrong")
        return Said(said.call, said.name, said.arguments), parts
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"A page has sent what is no message: {error}.") from None


def decode_value(text: msgspec.Raw, decoder: "msgspec.json.Decoder[T]") -> T:
    """The value that a JSON text stands for; raises ValueError or RecursionError."""
    if len(text) > JSON_LIMIT and decoder.type is not str:
        raise ValueError(f"there are more than {JSON_LIMIT} bytes of JSON")
    return decoder.decode(text)
