"""https://fetch.spec.whatwg.org/#data-urls"""

import re
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from swproxy.network.integrity import matches
from swproxy.storage.bodies import BytesBody
from swproxy.web.infra.forgiving_base64 import forgiving_base64_decode
from swproxy.web.mime_sniffing.mime_type import parse_mime_type

_ASCII_WHITESPACE = "\t\n\f\r "
_BASE64 = re.compile(r"; *base64\Z", re.IGNORECASE | re.ASCII)


class DataURLStruct(NamedTuple):
    """https://fetch.spec.whatwg.org/#data-url-struct; the MIME type is serialized."""

    mime_type: str
    body: bytes


def data_url_processor(url: str) -> DataURLStruct | None:
    """https://fetch.spec.whatwg.org/#data-url-processor, None for failure

    Args:
        url: serialized.
    """
    text, comma, encoded = url.partition("#")[0].removeprefix("data:").partition(",")
    if not comma:
        return None
    text = text.strip(_ASCII_WHITESPACE)
    body = unquote_to_bytes(encoded)
    if base64 := _BASE64.search(text):
        decoded = forgiving_base64_decode(body.decode("latin-1"))
        if decoded is None:
            return None
        text, body = text[: base64.start()], decoded
    if text.startswith(";"):
        text = "text/plain" + text
    mime_type = parse_mime_type(text)
    return DataURLStruct("text/plain;charset=US-ASCII" if mime_type is None else mime_type.serialize(), body)


def op_fetch_data_url(realm: Any, url: str, integrity: str) -> dict[str, Any] | None:
    """The MIME type of a data: URL and a handle of its body; None for a network error."""
    processed = data_url_processor(url)
    if processed is None or not matches(processed.body, integrity):
        return None
    return {"mimeType": processed.mime_type, "body": realm.bodies.add(BytesBody(processed.body))}
