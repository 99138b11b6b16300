"""MIME types (https://mimesniff.spec.whatwg.org/#understanding-mime-types), and Fetch's way to one of a header."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_QUOTED_STRING_TOKEN = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# https://fetch.spec.whatwg.org/#collect-an-http-quoted-string: the end of the input may stand for the last quote.
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)', re.DOTALL)
_HTTP_WHITESPACE = "\t\n\r "
# A value of a combined header: whatever has no comma outside of quoted strings.
_LIST_VALUE = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))*', re.DOTALL)


@dataclass(slots=True)
class MimeType:
    """https://mimesniff.spec.whatwg.org/#mime-type; type, subtype and the names of parameters are in lower case."""

    type: str
    subtype: str
    parameters: dict[str, str]

    @property
    def essence(self) -> str:
        return f"{self.type}/{self.subtype}"

    def serialize(self) -> str:
        """https://mimesniff.spec.whatwg.org/#serialize-a-mime-type"""
        return self.essence + "".join(f";{name}={_quoted(value)}" for name, value in self.parameters.items())


def _quoted(value: str) -> str:
    if _TOKEN.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_mime_type(text: str) -> MimeType | None:
    """https://mimesniff.spec.whatwg.org/#parse-a-mime-type, None for failure"""
    essence, _, rest = text.strip(_HTTP_WHITESPACE).partition(";")
    type_, _, subtype = essence.partition("/")
    subtype = subtype.rstrip(_HTTP_WHITESPACE)
    if not (_TOKEN.fullmatch(type_) and _TOKEN.fullmatch(subtype)):
        return None
    return MimeType(_ascii_lower(type_), _ascii_lower(subtype), _parse_parameters(rest))


def _ascii_lower(token: str) -> str:
    return token.lower()  # a token is ASCII


def _parse_parameters(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    position = 0
    while position < len(text):
        while position < len(text) and text[position] in _HTTP_WHITESPACE:
            position += 1
        start = position
        while position < len(text) and text[position] not in ";=":
            position += 1
        name = text[start:position]
        if position == len(text):
            break
        position += 1
        if text[position - 1] == ";":
            continue
        value, position = _parse_value(text, position)
        if value is None or not _TOKEN.fullmatch(name) or not _QUOTED_STRING_TOKEN.fullmatch(value):
            continue
        parameters.setdefault(_ascii_lower(name), value)
    return parameters


def _parse_value(text: str, position: int) -> tuple[str | None, int]:
    """The value, None if it is empty and not quoted, and where the next parameter begins."""
    quoted = _QUOTED_STRING.match(text, position)
    end = text.find(";", quoted.end() if quoted else position)
    if end < 0:
        end = len(text)
    if quoted:
        return _unescaped(quoted), end + 1
    return text[position:end].rstrip(_HTTP_WHITESPACE) or None, end + 1


def _unescaped(quoted: re.Match[str]) -> str:
    value = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    return value + "\\" if quoted[0].endswith("\\") and quoted.end(1) < quoted.end() else value


def get_decode_and_split(value: str) -> list[str]:
    """https://fetch.spec.whatwg.org/#header-value-get-decode-and-split, of a combined value"""
    values = []
    position = 0
    while True:
        match = _LIST_VALUE.match(value, position)
        assert match is not None  # it matches nothing, if need be
        values.append(match[0].strip("\t "))
        position = match.end() + 1
        if match.end() == len(value):
            return values


def extract_mime_type(value: str) -> MimeType | None:
    """https://fetch.spec.whatwg.org/#concept-header-extract-mime-type, None for failure

    Args:
        value: the combined value of Content-Type.
    """
    charset: str | None = None
    found: MimeType | None = None
    for text in get_decode_and_split(value):
        parsed = parse_mime_type(text)
        if parsed is None or parsed.essence == "*/*":
            continue
        if found is None or parsed.essence != found.essence:
            charset = parsed.parameters.get("charset")
        elif charset is not None:
            parsed.parameters.setdefault("charset", charset)
        found = parsed
    return found
