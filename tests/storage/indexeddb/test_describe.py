"""Stored values as JSON."""

import json
import math
from typing import Any

import pytest

from swproxy.storage.bodies import BytesBody
from swproxy.storage.indexeddb.describe import key_as_json, value_as_json
from swproxy.storage.indexeddb.keys import Date, Key
from swproxy.storage.indexeddb.values import StoredValue


def described(*tokens: Any, parts: tuple[bytes, ...] = (), inject: bool = False, key_path: str | None = None) -> Any:
    """Of a record of these tokens; a generated key is 5."""
    value = StoredValue(json.dumps([1, *tokens]), False, [BytesBody(part) for part in parts], inject)
    return json.loads(value_as_json(value, key_path, 5))


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        (["text"], "text"),
        ([True], True),
        ([None], None),
        ([1], {"$undefined": True}),
        ([2, 1.5], 1.5),
        ([2, "NaN"], {"$number": "NaN"}),
        ([2, "-Infinity"], {"$number": "-Infinity"}),
        ([2, "-0"], {"$number": "-0"}),
        ([3, "123"], {"$bigint": "123"}),
        ([4, "a", 2, 1, "", 4, 0, 0], {"a": 1, "": {}}),
        ([4, "$a", 2, 1, 0], {"$object": {"$a": 1}}),
        ([4, "$a", 2, 1, "b", False, 0], {"$a": 1, "b": False}),
        ([5, 2, 2, 1, "x", 0], [1, "x"]),
        ([5, 2, 7, "x", 0], {"$array": {"length": 2, "1": "x"}}),
        ([5, 1, "x", "name", True, 0], {"$array": {"length": 1, "0": "x", "name": True}}),
        ([6, 9, "7", "x", 0], {"$array": {"length": 9, "7": "x"}}),
        ([10, False], {"$Boolean": False}),
        ([11, "-0"], {"$Number": {"$number": "-0"}}),
        ([12, "1"], {"$BigInt": "1"}),
        ([13, "x"], {"$String": "x"}),
        ([14, 1000], {"$date": 1000}),
        ([14, "NaN"], {"$date": None}),
        ([15, "a/", "gi"], {"$regexp": ["a/", "gi"]}),
        ([16, 1, "k", 17, 1, 1], {"$map": [["k", {"$set": [{"$undefined": True}]}]]}),
        ([18, "TypeError", "m", None, False], {"$error": {"name": "TypeError", "message": "m", "stack": None}}),
        (
            [18, "Error", None, "s", True, 2, 1],
            {"$error": {"name": "Error", "message": None, "stack": "s", "cause": 1}},
        ),
        ([19, 0], {"$bytes": "AAEC"}),
        ([20, 9, 0], {"$resizable": {"maximum": 9, "bytes": "AAEC"}}),
        (
            [21, "Uint8Array", 1, None, 19, 0],
            {"$view": {"type": "Uint8Array", "offset": 1, "length": None, "buffer": {"$bytes": "AAEC"}}},
        ),
        ([22, "Blob", 2, 3, "text/x", 1, 0], {"$blob": {"size": 3, "type": "text/x", "bytes": "AAEC"}}),
        (
            [22, "File", 4, 3, "", "n", 7, 1, 0],
            {"$file": {"size": 3, "type": "", "name": "n", "lastModified": 7, "bytes": "AAEC"}},
        ),
        ([22, "CryptoKey", 1, "secret", 1, 0], {"$platform": {"name": "CryptoKey", "fields": ["secret"]}}),
        (
            [23, "DOMPoint", 0, 0, 2, 2, 1, 2, "-0"],
            {"$platform": {"name": "DOMPoint", "fields": [], "values": [1, {"$number": "-0"}]}},
        ),
    ],
    ids=str,
)
def test_types(tokens: list[Any], shown: Any) -> None:
    """Each that the format of records has."""
    assert described(*tokens, parts=(b"\0\1\2",)) == shown


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        ([4, "self", 8, 0, 0], {"self": {"$ref": ""}}),
        ([4, "a/~", 4, 0, "b", 8, 1, 0], {"a/~": {}, "b": {"$ref": "/a~1~0"}}),
        ([5, 2, 4, 0, 8, 1, 0], [{}, {"$ref": "/0"}]),
        ([5, 1, 8, 0, "x", 8, 0, 0], {"$array": {"length": 1, "0": {"$ref": ""}, "x": {"$ref": ""}}}),
        ([16, 1, 4, 0, 8, 1], {"$map": [[{}, {"$ref": "/$map/0/0"}]]}),
        (
            [5, 3, 21, "Uint8Array", 0, 1, 19, 0, 8, 1, 8, 2, 0],
            [
                {"$view": {"type": "Uint8Array", "offset": 0, "length": 1, "buffer": {"$bytes": "eA=="}}},
                {"$ref": "/0/$view/buffer"},
                {"$ref": "/0"},
            ],
        ),
    ],
    ids=str,
)
def test_references(tokens: list[Any], shown: Any) -> None:
    """To what has come before, by its place in what is shown."""
    assert described(*tokens, parts=(b"x",)) == shown


@pytest.mark.parametrize(
    "text", ['{"a":1}', "[1.0]", '{"$a":1,"b":2}', '"$a"', '["\ud800"]', '{"a":1e21}'], ids=ascii
)
def test_json_stays_as_it_is(text: str) -> None:
    """But for an object that could be taken for one of ours."""
    assert json.loads(value_as_json(StoredValue(text, True), None, 1)) == json.loads(text)
    shown = value_as_json(StoredValue('[{"$date":1}]', True), None, 1)
    assert json.loads(shown) == [{"$object": {"$date": 1}}]


def test_generated_keys() -> None:
    """They are put where the key path says; what is missing on the way is made."""
    assert json.loads(value_as_json(StoredValue('{"a":1}', True, [], True), "id", 5)) == {"a": 1, "id": 5}
    assert json.loads(value_as_json(StoredValue('{"b":{}}', True, [], True), "b.c.id", 5)) == {"b": {"c": {"id": 5}}}
    assert described(4, "a", 1, 0, inject=True, key_path="id") == {"a": {"$undefined": True}, "id": 5}
    array = {"$array": {"length": 1, "0": True, "id": 5}}
    assert described(5, 1, True, 0, inject=True, key_path="id") == array


@pytest.mark.parametrize(
    "text",
    ["[2,1]", "[1,99]", "[1,8,3]", "[1,4]", "[1,5,9]", "not JSON", "[1" + ",5,1" * 20_000 + ",1" + ",0" * 20_000],
)
def test_what_cannot_be_read(text: str) -> None:
    """Another version, garbage, or nested too deeply: as it is stored."""
    assert json.loads(value_as_json(StoredValue(text, False), None, 1)) == {"$raw": text}


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (1, 1),
        (1.5, 1.5),
        (-math.inf, {"$number": "-Infinity"}),
        (Date(5.0), {"$date": 5}),
        ("x", "x"),
        (b"x", {"$bytes": "eA=="}),
        ((1, ("x", b"")), [1, ["x", {"$bytes": ""}]]),
    ],
    ids=str,
)
def test_keys(key: Key, shown: Any) -> None:
    """Of all types."""
    assert key_as_json(key) == shown
