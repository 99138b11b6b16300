"""The host half of the Compression Standard (https://compression.spec.whatwg.org/): contexts by number."""

import itertools
from typing import Any

from swproxy.web.compression.contexts import Context, compression, decompression
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes


class _Contexts(dict[int, Context]):
    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def add(self, context: Context) -> int:
        id = next(self._ids)  # noqa: A001
        self[id] = context
        return id


def op_compression_create(realm: Any, format: str) -> int:  # noqa: A002
    return realm.state(_Contexts).add(compression(format))  # type: ignore[no-any-return]


def op_decompression_create(realm: Any, format: str) -> int:  # noqa: A002
    return realm.state(_Contexts).add(decompression(format))  # type: ignore[no-any-return]


def op_compression_write(realm: Any, id: int, packed: str) -> list[Any]:  # noqa: A002
    """[packed output, whether to call again with no input before there is other input]"""
    output, again = realm.state(_Contexts)[id].write(unpack_bytes(packed))
    return [pack_bytes(output), again]


def op_compression_finish(realm: Any, id: int) -> list[int] | str:  # noqa: A002
    """The last packed output; the context is gone."""
    return pack_bytes(realm.state(_Contexts).pop(id).finish())


def op_compression_release(realm: Any, id: int) -> None:  # noqa: A002
    realm.state(_Contexts).pop(id, None)
