"""Keys, ranges and values as JSON carries them between scripts and the host.

A key is a finite number or a string; or ``[0, 1 or -1]`` for an infinite number, ``[1, milliseconds]`` for a date,
``[2, text]`` for bytes, one character each, ``[3, keys]`` for an array. From scripts comes also ``[4]``, the key that
will be generated; to them goes, and comes back, ``[5, text]``: the JSON of a string that is not well-formed.

A value goes to scripts as ``[kind, content, key]``: bit 0 of ``kind`` says that ``content`` is a record of structured
clone (``{text, parts}``) and not the value itself, bit 1 that ``key`` is still to be put into it.
"""

import json
import math
from typing import Any

import msgspec

from swproxy.storage.bodies import BytesBody, CompleteBody, FileBody
from swproxy.storage.indexeddb.keys import Date, Key, decode_key, encode_key
from swproxy.storage.indexeddb.reading import KeyRange, Source
from swproxy.storage.indexeddb.values import StoredValue

_INFINITE, _DATE, _BINARY, _ARRAY, _GENERATED, _ILL_FORMED = range(6)


def key_bytes(wire: Any, generated: int | None = None) -> bytes:
    """The encoded key.

    Args:
        generated: what a key that will be generated is.
    """
    return encode_key(_key(wire, generated) if type(wire) is list else wire)


def number_of(wire: Any) -> float | None:
    """The number that a key is, None for other types."""
    if type(wire) is list and wire[0] == _INFINITE:
        return math.copysign(math.inf, wire[1])
    return wire if isinstance(wire, int | float) else None


def _key(wire: Any, generated: int | None) -> Key:
    if type(wire) is not list:
        return wire  # type: ignore[no-any-return]
    match wire:
        case [0, sign]:
            return math.copysign(math.inf, sign)
        case [1, milliseconds]:
            return Date(milliseconds)
        case [2, text]:
            return text.encode("latin-1")  # type: ignore[no-any-return]
        case [3, keys]:
            return tuple(_key(key, generated) for key in keys)
        case [5, text]:
            return json.loads(text)  # type: ignore[no-any-return]
    assert generated is not None, wire
    return generated


def key_wire(data: bytes) -> Any:
    """The key for scripts."""
    return _wire(decode_key(data))


def _wire(key: Key) -> Any:
    match key:
        case str():
            return key if _is_well_formed(key) else [_ILL_FORMED, json.dumps(key)]
        case float() if math.isinf(key):
            return [_INFINITE, 1 if key > 0 else -1]
        case int() | float():
            return key
        case Date():
            return [_DATE, key.milliseconds]
        case bytes():
            return [_BINARY, key.decode("latin-1")]
        case tuple():
            return [_ARRAY, [_wire(item) for item in key]]


def _is_well_formed(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def range_of(wire: list[Any]) -> KeyRange:
    """The range that ``convertValueToKeyRange`` of key_range.js has made."""
    lower, upper, lower_open, upper_open = wire
    return KeyRange(
        None if lower is None else key_bytes(lower),
        None if upper is None else key_bytes(upper),
        lower_open,
        upper_open,
    )


def source_of(wire: list[int | None]) -> Source:
    store, index = wire
    assert store is not None
    return Source(store, index)


class Put(msgspec.Struct, array_like=True, gc=False):
    """A put, as scripts describe it.

    Attributes:
        key: None if it is to be generated.
        value: JSON; that of the value itself if ``is_json``, else of ``{text, parts}`` of a record.
        index_keys: the number of each index, and the keys that it gets.
        inject: the generated key is to be put into the value.
    """

    store: int
    key: Any
    is_json: bool
    value: msgspec.Raw
    index_keys: list[tuple[int, list[Any]]]
    overwrite: bool
    inject: bool


_decode_put = msgspec.json.Decoder(Put).decode


def put_of(text: str) -> Put:
    """The put that object_store.js has written."""
    try:
        return _decode_put(text)
    except msgspec.DecodeError:  # of a string that is not well-formed
        values = json.loads(text)
        values[3] = msgspec.Raw(json.dumps(values[3]).encode())
        return Put(*values)


def value_of(realm: Any, put: Put) -> StoredValue:
    """The value of a put. Its parts are to be closed."""
    if put.is_json:
        return StoredValue(bytes(put.value).decode(), True, [], put.inject)
    record = json.loads(bytes(put.value))
    parts: list[CompleteBody] = []
    for handle in record["parts"]:
        part = realm.bodies.take(handle)
        assert isinstance(part, BytesBody | FileBody)
        parts.append(part)
    return StoredValue(record["text"], False, parts, put.inject)


def describe(realm: Any, value: StoredValue, key: bytes) -> list[Any]:
    """The value for scripts, which get its parts.

    Args:
        key: that of its record.
    """
    content: Any
    if value.is_json:
        content = msgspec.Raw(value.text.encode())
    else:
        content = {"text": value.text, "parts": [realm.bodies.add(part) for part in value.parts]}
    kind = (0 if value.is_json else 1) | (2 if value.inject else 0)
    return [kind, content, key_wire(key) if value.inject else None]
