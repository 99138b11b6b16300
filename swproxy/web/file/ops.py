"""The host half of the File API (https://w3c.github.io/FileAPI/): the bytes of blobs.

A range is (handle, offset, size), of a complete body; without bytes it needs no handle. A part of a blob is
``["text", text]``, ``["bytes", packed]`` or ``["range", handle, offset, size]``.
"""

import base64
import codecs
import itertools
import re
from typing import Any

import webencodings

from swproxy.errors import NetworkError, SwproxyError
from swproxy.realm.bodies import READ_LIMIT, RemoteStream, ScriptStream, slice_of
from swproxy.realm.engine import Pending
from swproxy.storage.bodies import MEMORY_LIMIT, BytesBody, CompleteBody, SavedFile, Spool
from swproxy.web.encoding.decoders import decode
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes
from swproxy.web.mime_sniffing.mime_type import parse_mime_type

_LINE_ENDING = re.compile("\r\n?|\n")
_spool_ids = itertools.count(1)


class NotReadableError(SwproxyError):
    """The bytes cannot be read (https://w3c.github.io/FileAPI/#dfn-error-codes)."""

    name = "NotReadableError"


# Making


def op_blob_write(realm: Any, id: int | None, parts: list[list[Any]], native: bool) -> int:  # noqa: A002
    """Appends parts to a blob that is being put together.

    Args:
        id: what an earlier call has returned; None begins one.
        parts: see above.
        native: convert line endings to native (https://w3c.github.io/FileAPI/#convert-line-endings-to-native).
    """
    if id is None:
        id = next(_spool_ids)  # noqa: A001
        realm.spools[id] = Spool(realm.start.scratch_directory)
    spool = realm.spools[id]
    try:
        for kind, *values in parts:
            if kind == "text":
                spool.write((_LINE_ENDING.sub("\n", values[0]) if native else values[0]).encode())
            elif kind == "bytes":
                spool.write(unpack_bytes(values[0]))
            else:
                handle, offset, size = values
                spool.append(_body(realm, handle), offset, size)
    except BaseException:
        op_blob_discard(realm, id)
        raise
    return id


def op_blob_finish(realm: Any, id: int | None, parts: list[list[Any]], native: bool) -> list[int]:  # noqa: A002
    """As ``op_blob_write``, for the last parts; [handle, size] of the body."""
    return _adopt(realm, realm.spools.pop(op_blob_write(realm, id, parts, native)).finish())


def op_blob_discard(realm: Any, id: int) -> None:  # noqa: A002
    """The blob will not be finished."""
    realm.spools.pop(id).close()


def op_blob_of_body(realm: Any, handle: int) -> list[int] | Pending:
    """Takes the body; [handle, size] of a complete one, once all of its bytes are here."""
    body = realm.bodies.take(handle)
    if not isinstance(body, RemoteStream | ScriptStream):
        return _adopt(realm, body)
    pending: Pending = realm.defer()

    def arrived(outcome: bytes | SavedFile | SwproxyError) -> None:
        if isinstance(outcome, SwproxyError):
            realm.settle(pending, outcome)
        elif isinstance(outcome, bytes):
            realm.settle(pending, _adopt(realm, BytesBody(outcome)))
        else:
            try:
                realm.settle(pending, _adopt(realm, outcome.take()))
            except OSError as error:
                realm.settle(pending, NetworkError(f"the body cannot be read from disk: {error.strerror}"))

    if body.size is not None and body.size <= MEMORY_LIMIT:
        body.collect(arrived)
    else:
        body.save(arrived)
    return pending


def _body(realm: Any, handle: int | None) -> CompleteBody:
    return BytesBody(b"") if handle is None else realm.bodies.complete(handle)


def _adopt(realm: Any, body: CompleteBody) -> list[int]:
    return [realm.bodies.add(body), body.size]


# Reading


def op_blob_body(realm: Any, handle: int | None, offset: int, size: int) -> int:
    """The handle of a body of its own with these bytes."""
    return realm.bodies.add(slice_of(_body(realm, handle), offset, offset + size))  # type: ignore[no-any-return]


def _read(realm: Any, handle: int | None, offset: int, size: int) -> bytes:
    if size > READ_LIMIT:
        raise NotReadableError(f"More than {READ_LIMIT} bytes cannot be read at once: read the blob in slices.")
    data = _body(realm, handle).read(offset, size)
    if len(data) < size:
        raise NotReadableError("The bytes of the blob are gone.")
    return data


def op_blob_bytes(realm: Any, handle: int | None, offset: int, size: int) -> list[int] | str:
    """The bytes, packed."""
    return pack_bytes(_read(realm, handle, offset, size))


def op_blob_binary(realm: Any, handle: int | None, offset: int, size: int) -> str:
    """The bytes as characters."""
    return _read(realm, handle, offset, size).decode("latin-1")


def op_blob_base64(realm: Any, handle: int | None, offset: int, size: int) -> str:
    return base64.b64encode(_read(realm, handle, offset, size)).decode()


def op_blob_text(realm: Any, handle: int | None, offset: int, size: int) -> str:
    """https://encoding.spec.whatwg.org/#utf-8-decode"""
    return _read(realm, handle, offset, size).removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")


def op_blob_package_text(realm: Any, handle: int | None, offset: int, size: int, label: str | None, type: str) -> str:  # noqa: A002
    """https://w3c.github.io/FileAPI/#blob-package-data for text

    Args:
        label: of the encoding, if the script gives one.
        type: the blob's type.
    """
    encoding = None if label is None else webencodings.lookup(label)
    if encoding is None and (mime_type := parse_mime_type(type)) is not None:
        encoding = webencodings.lookup(mime_type.parameters.get("charset", ""))
    return decode(_read(realm, handle, offset, size), "utf-8" if encoding is None else encoding.name)


def op_file_reading_task(realm: Any) -> Pending:
    """Settles in a turn of its own: https://w3c.github.io/FileAPI/#fileReadingTaskSource"""
    pending: Pending = realm.defer()
    realm.settle(pending, None)
    return pending
