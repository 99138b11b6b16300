"""The host half of the Encoding Standard (https://encoding.spec.whatwg.org/)."""

from typing import Any

import webencodings

from swproxy.web.encoding.decoders import Malformed, decode_chunk
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes


def op_encoding_get(realm: Any, label: str) -> str | None:
    """The name of the encoding (https://encoding.spec.whatwg.org/#concept-encoding-get), in lower case."""
    encoding = webencodings.lookup(label)
    return None if encoding is None else encoding.name


def op_encoding_decode(realm: Any, name: str, packed: str, flush: bool, fatal: bool, state: int) -> list[Any]:
    """Decodes a chunk: see ``decode_chunk`` of decoders.py.

    Returns:
        [text, how many bytes at the end were not read, state]; the text is None for an error, if ``fatal`` is set.
    """
    data = unpack_bytes(packed)
    try:
        text, read, state = decode_chunk(name, data, flush=flush, fatal=fatal, state=state)
    except Malformed as error:
        return [None, len(data) - error.read, error.state]
    return [text, len(data) - read, state]


def op_utf_8_encode(realm: Any, text: str) -> list[int] | str:
    """https://encoding.spec.whatwg.org/#utf-8-encode"""
    return pack_bytes(text.encode())
