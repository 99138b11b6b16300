"""multipart/form-data (RFC 7578), written as HTML says and read as Fetch says, without its bodies in memory.

https://html.spec.whatwg.org/#multipart-form-data and https://fetch.spec.whatwg.org/#concept-body-package-data
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from swproxy.storage.bodies import CHUNK, CompleteBody

_CRLF = b"\r\n"
_NEWLINE = re.compile("\r\n?|\n")
_ESCAPES = {ord("\n"): "%0A", ord("\r"): "%0D", ord('"'): "%22"}
_ESCAPED = re.compile(rb"%(0A|0D|22)")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[\t ]*:[\t ]*([^\r\n]*)")
_PARAMETER = re.compile(rb';[\t ]*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)=(?:"([^"]*)"|([^\t ";]*))[\t ]*')
# The headers of one part may be this long, in bytes.
_HEADERS_LIMIT = 1 << 14


class MultipartError(Exception):
    """The bytes are not a multipart/form-data body with that boundary."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its body is the bytes [start, end) of the whole. A part with a file name is a file."""

    name: str
    filename: str | None
    content_type: str | None
    start: int
    end: int


def normalize_newlines(text: str) -> str:
    """What forms do to names and values: each newline becomes CR LF."""
    return _NEWLINE.sub("\r\n", text)


def part_headers(boundary: str, name: str, filename: str | None = None, content_type: str = "") -> bytes:
    """What stands before the body of a part, with the boundary delimiter; its end is CR LF."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{normalize_newlines(name).translate(_ESCAPES)}"'
    if filename is None:
        return head.encode() + _CRLF * 2
    head += f'; filename="{filename.translate(_ESCAPES)}"\r\nContent-Type: '
    return head.encode() + (content_type or "application/octet-stream").encode("latin-1", "replace") + _CRLF * 2


def closing_delimiter(boundary: str) -> bytes:
    """What stands after the last part."""
    return f"--{boundary}--\r\n".encode()


def parse_parts(body: CompleteBody, boundary: bytes) -> Iterator[Part]:
    """The parts in their order.

    Raises:
        MultipartError: while it goes on.
    """
    window = _Window(body)
    delimiter = _CRLF + b"--" + boundary
    # A preamble may precede the first delimiter, which needs no line break if it is the first thing.
    position = 0 if window.read(0, len(delimiter) - 2) == delimiter[2:] else window.find(delimiter, 0) + 2
    position += len(delimiter) - 2
    while window.read(position, 2) != b"--":
        padding = window.read_until(_CRLF, position)
        if padding.strip(b"\t "):
            raise MultipartError(f"{padding!r} stands beside a boundary")
        position += len(padding)
        headers = window.read_until(_CRLF * 2, position)
        start = position + len(headers) + 4
        end = window.find(delimiter, start)
        yield Part(*_parse_headers(headers.split(_CRLF)[1:]), start, end)
        position = end + len(delimiter)


class _Window:
    """A view of a body that moves forward over it."""

    def __init__(self, body: CompleteBody) -> None:
        self._body = body
        self._start = 0
        self._data = b""

    def read(self, position: int, size: int) -> bytes:
        """The bytes from ``position`` on, fewer at the end."""
        while self._start + len(self._data) < position + size and self._forward(position):
            pass
        return self._data[position - self._start : position - self._start + size]

    def read_until(self, wanted: bytes, position: int) -> bytes:
        """The bytes from ``position`` to the next place of ``wanted``, which is within ``_HEADERS_LIMIT``.

        Raises:
            MultipartError: it is not.
        """
        before, found, _ = self.read(position, _HEADERS_LIMIT).partition(wanted)
        if not found:
            raise MultipartError("the headers of a part have no end")
        return before

    def find(self, wanted: bytes, position: int) -> int:
        """The next place of ``wanted`` from ``position`` on; nothing before it will be read again.

        Raises:
            MultipartError: there is none.
        """
        while (found := self._data.find(wanted, position - self._start)) < 0:
            position = max(position, self._start + len(self._data) - len(wanted) + 1)
            if not self._forward(position):
                raise MultipartError("a boundary is missing")
        return self._start + found

    def _forward(self, position: int) -> bool:
        """Adds the next bytes and forgets what is before ``position``; False at the end."""
        data = self._body.read(self._start + len(self._data), CHUNK)
        self._data = self._data[position - self._start :] + data
        self._start = position
        return bool(data)


def _parse_headers(lines: list[bytes]) -> tuple[str, str | None, str | None]:
    """Name, file name and Content-Type of a part.

    Raises:
        MultipartError: they are no headers of a form's part.
    """
    name: str | None = None
    filename: str | None = None
    content_type: str | None = None
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise MultipartError(f"{line!r} is no header")
        field, value = match[1].lower(), match[2].rstrip(b"\t ")
        if field == b"content-disposition":
            parameters = _parse_disposition(value)
            name, filename = parameters.get(b"name"), parameters.get(b"filename")
        elif field == b"content-type":
            content_type = value.decode("latin-1")
    if name is None:
        raise MultipartError("a part has no name")
    return name, filename, content_type


def _parse_disposition(value: bytes) -> dict[bytes, str]:
    kind, separator, rest = value.partition(b";")
    if kind.rstrip(b"\t ").lower() != b"form-data":
        raise MultipartError(f"a part is {kind!r}")
    rest = separator + rest
    parameters: dict[bytes, str] = {}
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None:
            raise MultipartError(f"{value!r} is no Content-Disposition")
        value_ = match[3] if match[2] is None else match[2]
        parameters.setdefault(match[1].lower(), _unescape(value_))
        position = match.end()
    return parameters


def _unescape(value: bytes) -> str:
    """What ``part_headers`` escapes, and UTF-8 decode without BOM."""
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), value).decode("utf-8", "replace")
