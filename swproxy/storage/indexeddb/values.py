"""Values of records, as the bytes of a row: the first says of what kind they are.

- JSON: the text in UTF-8.
- a structured clone record: msgpack of the text and the parts: bytes, or an array of the name of a file.
"""

from collections.abc import Callable

import msgspec

from swproxy.storage.bodies import BytesBody, CompleteBody

# Parts up to this size, in bytes, are in the row.
INLINE_LIMIT = 1 << 15

_JSON, _JSON_INJECT, _RECORD, _RECORD_INJECT = b"JjRr"


class StoredValue(msgspec.Struct):
    """A serialized value.

    ``text`` is JSON of the value if ``is_json``; else it is the tokens of a structured clone record, whose parts are
    ``parts`` (swproxy/web/structured_clone/README.md). ``inject``: the generated key is not in it, and who reads it
    puts it at the store's key path.
    """

    text: str
    is_json: bool
    parts: list[CompleteBody] = []
    inject: bool = False


class Garbage(Exception):
    """The bytes are not those of a value."""


class _Record(msgspec.Struct, array_like=True, frozen=True):
    text: bytes
    parts: list[bytes | tuple[str]]


_encode_record = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(_Record).decode


def encode_json(text: str, *, inject: bool = False) -> bytes:
    """The bytes of a value that JSON can carry."""
    return (b"j" if inject else b"J") + text.encode("utf-8", "surrogatepass")


def encode_value(value: StoredValue, write_file: Callable[[CompleteBody], str]) -> bytes:
    """The bytes of any value. The parts stay the caller's.

    Args:
        write_file: puts a large part into a file; its name.
    """
    if value.is_json:
        return encode_json(value.text, inject=value.inject)
    parts: list[bytes | tuple[str]] = [
        part.read(0, part.size) if part.size <= INLINE_LIMIT else (write_file(part),) for part in value.parts
    ]
    record = _Record(value.text.encode("utf-8", "surrogatepass"), parts)
    return (b"r" if value.inject else b"R") + _encode_record(record)


def decode_value(data: bytes, open_file: Callable[[str], CompleteBody]) -> StoredValue:
    """The value; its parts are the caller's.

    Args:
        open_file: the content of a file that ``write_file`` has named.

    Raises:
        Garbage: there is none in these bytes.
    """
    try:
        kind = data[0]
        if kind == _JSON:
            return StoredValue(data[1:].decode("utf-8", "surrogatepass"), True)
        if kind == _JSON_INJECT:
            return StoredValue(data[1:].decode("utf-8", "surrogatepass"), True, [], True)
        if kind != _RECORD and kind != _RECORD_INJECT:
            raise Garbage("a value of an unknown kind")
        record = _decode_record(memoryview(data)[1:])
        text = record.text.decode("utf-8", "surrogatepass")
    except (IndexError, TypeError, UnicodeDecodeError, AttributeError, msgspec.DecodeError):
        raise Garbage("a value cannot be read") from None
    parts: list[CompleteBody] = []
    try:
        for part in record.parts:
            parts.append(BytesBody(part) if isinstance(part, bytes) else open_file(part[0]))  # noqa: PERF401, closed below
    except BaseException:
        for body in parts:
            body.close()
        raise
    return StoredValue(text, False, parts, kind == _RECORD_INJECT)
