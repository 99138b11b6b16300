"""https://infra.spec.whatwg.org/#forgiving-base64"""

import base64
import re

_ASCII_WHITESPACE = re.compile(r"[\t\n\f\r ]")
_PADDING = re.compile(r"={1,2}\Z")
_DATA = re.compile(r"[A-Za-z0-9+/]*")


def forgiving_base64_decode(text: str) -> bytes | None:
    """https://infra.spec.whatwg.org/#forgiving-base64-decode, None for failure"""
    data = _ASCII_WHITESPACE.sub("", text)
    if len(data) % 4 == 0:
        data = _PADDING.sub("", data)
    if len(data) % 4 == 1 or not _DATA.fullmatch(data):
        return None
    return base64.b64decode(data + "=" * (-len(data) % 4))
