"""The host half of the MIME Sniffing Standard."""

from typing import Any

from swproxy.web.mime_sniffing.mime_type import extract_mime_type


def op_extract_mime_type(realm: Any, value: str) -> str | None:
    """The serialized MIME type of a combined Content-Type, None for failure."""
    mime_type = extract_mime_type(value)
    return None if mime_type is None else mime_type.serialize()
