"""Frames of the channel: what one side has written the other one reads, and nothing else."""

import json
from typing import Any

import pytest

from swproxy.errors import InvalidInput
from swproxy.pages.frames import decode, encode


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ([1, "register", ["https://site.test/sw.js"]], []),
        ([0, "message", ["\ud800", {"a": None}]], []),
        ([0, "message", ["é"]], [b"abc", b"", b"\0\xff"]),
        ([], [b"x"]),
    ],
)
def test_there_and_back(message: list[Any], parts: list[bytes]) -> None:
    """Text without bytes beside it, binary with them."""
    frame = encode(message, parts)
    assert isinstance(frame, bytes) == bool(parts)
    assert decode(frame) == (message, parts)


def frame(lengths: Any, rest: bytes = b"") -> bytes:
    text = json.dumps([lengths, 1, "name", []]).encode()
    return len(text).to_bytes(4, "big") + text + rest


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{}",
        "[",
        "[" * 100_000,
        "1",
        b"",
        b"\0\0",
        b"\xff\xff\xff\xff[]",
        b"\0\0\0\x02[]",
        frame([5], b"abc"),
        frame([1], b"abc"),
        frame([-1, 4], b"abc"),
        frame("ab", b"abc"),
        frame([1e300], b"a"),
        frame([None], b"a"),
        frame(3, b"abc"),
    ],
)
def test_what_is_no_message(bad: str | bytes) -> None:
    with pytest.raises(InvalidInput):
        decode(bad)
