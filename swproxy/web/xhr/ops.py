"""The host half of FormData: bodies to entries and back."""

import secrets
import string
from typing import Any

from swproxy.errors import NetworkError
from swproxy.realm.bodies import READ_LIMIT
from swproxy.storage.bodies import BytesBody, CompleteBody, Spool
from swproxy.web.mime_sniffing.mime_type import extract_mime_type
from swproxy.web.url.ops import urlencoded_parse
from swproxy.web.xhr.multipart import (
    MultipartError,
    closing_delimiter,
    normalize_newlines,
    parse_parts,
    part_headers,
)

_BOUNDARY_CHARACTERS = string.ascii_letters + string.digits


class NotAForm(NetworkError):
    """The body cannot be read as a form."""


def op_form_data_parse(realm: Any, content_type: str | None, handle: int | None, size: int) -> list[list[Any]]:
    """https://fetch.spec.whatwg.org/#concept-body-package-data for forms

    Args:
        content_type: the combined value of the header.
        handle: of the complete body.
        size: of that, in bytes.

    Returns:
        [name, value] for a string, [name, file name, type, start, end] for a file.

    Raises:
        NotAForm: it is none.
    """
    mime_type = None if content_type is None else extract_mime_type(content_type)
    body: CompleteBody = BytesBody(b"") if handle is None else realm.bodies.complete(handle)
    if mime_type is not None and mime_type.essence == "application/x-www-form-urlencoded":
        return urlencoded_parse(_read(body, 0, body.size))
    if mime_type is None or mime_type.essence != "multipart/form-data":
        raise NotAForm(f"The body is no form: its Content-Type is '{content_type or ''}'.")
    boundary = mime_type.parameters.get("boundary")
    if boundary is None:
        raise NotAForm("The body cannot be read as a form: its Content-Type has no boundary.")
    entries: list[list[Any]] = []
    try:
        for part in parse_parts(body, boundary.encode("latin-1")):
            if part.filename is None:
                text = _read(body, part.start, part.end).decode("utf-8", "replace")
                entries.append([part.name, text])
            else:
                entries.append([part.name, part.filename, _file_type(part.content_type), part.start, part.end])
    except MultipartError as error:
        raise NotAForm(f"The body cannot be read as a form: {error}.") from None
    return entries


def _read(body: CompleteBody, start: int, end: int) -> bytes:
    if end - start > READ_LIMIT:
        raise NotAForm(f"The body cannot be read as a form: a value has more than {READ_LIMIT} bytes.")
    return body.read(start, end - start)


def _file_type(content_type: str | None) -> str:
    if content_type is None:
        return "text/plain"
    return content_type if content_type.isascii() else ""


def op_form_data_serialize(realm: Any, entries: list[list[Any]]) -> dict[str, Any]:
    """https://html.spec.whatwg.org/#multipart/form-data-encoding-algorithm

    Args:
        entries: [name, value] for a string, [name, file name, type, handle, offset, size] for a file.

    Returns:
        The boundary, and the handle of the body.
    """
    boundary = "----swproxyFormBoundary" + "".join(secrets.choice(_BOUNDARY_CHARACTERS) for _ in range(16))
    spool = Spool(realm.start.scratch_directory)
    try:
        for name, value, *file in entries:
            if file:
                type_, handle, offset, size = file
                spool.write(part_headers(boundary, name, value, type_))
                spool.append(BytesBody(b"") if handle is None else realm.bodies.complete(handle), offset, size)
            else:
                spool.write(part_headers(boundary, name) + normalize_newlines(value).encode())
            spool.write(b"\r\n")
        spool.write(closing_delimiter(boundary))
    except BaseException:
        spool.close()
        raise
    return {"boundary": boundary, "body": realm.bodies.add(spool.finish())}
