"""Frames of the channel: what one side has written the other one reads, and nothing else."""

import json
import tracemalloc
from typing import Any

import pytest

from swproxy.errors import InvalidInput
from swproxy.pages.frames import JSON_LIMIT, decode, encode
from swproxy.pages.page import Method, Page


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ([1, "register", ["https://site.test/sw.js"]], []),
        ([0, "message", [{"a": None}]], []),
        ([0, "message", ["é"]], [b"abc", b"", b"\0\xff"]),
        ([7, "\U0001f600", []], [b"x"]),
    ],
)
def test_there_and_back(message: list[Any], parts: list[bytes]) -> None:
    """Text without bytes beside it, binary with them."""
    frame = encode(message, parts)
    assert isinstance(frame, bytes) == bool(parts)
    said, received = decode(frame)
    assert [said.call, said.name, json.loads(bytes(said.arguments)), received] == [*message, parts]


def test_what_is_not_unicode() -> None:
    """A document can be told any string of JavaScript."""
    message = [0, "message", ["\ud800"]]
    text = encode(message)
    assert isinstance(text, str)
    assert text.isascii()
    assert json.loads(text) == message


def test_what_is_long() -> None:
    """Strings and bytes may be; what would become many objects is not even looked at."""
    got: list[Any] = []

    def receive(page: Page, text: str, ends: list[tuple[str, int]], parts: list[bytes]) -> None:
        got.append((text, ends, parts))

    def send(frame: str | bytes) -> None:
        said, parts = decode(frame)
        page: Any = None
        Method(receive)(page, said.arguments, parts)

    long = "x" * (4 * JSON_LIMIT)
    send(encode([0, "name", [long, [["a", 1]]]], [long.encode()]))
    assert got.pop() == (long, [("a", 1)], [long.encode()])
    many = "[]," * JSON_LIMIT * 2 + "[]"
    tracemalloc.start()
    for form in ('[0,"name",["",[{}]]]', '[0,"name",["",[],{}]]', '[0,"name",[[{}],[]]]', '[[{}],0,"name",[]]'):
        text = form.format(many)
        with pytest.raises(InvalidInput):
            send(text if form[1] == "0" else len(text).to_bytes(4, "big") + text.encode())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * len(many)
    assert got == []


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
        "[]",
        '[1,"name"]',
        '["1","name",[]]',
        "[1,2,[]]",
        '[1,"name",[],[]]',
        '[1,"name",[' + "[" * 100_000,
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
