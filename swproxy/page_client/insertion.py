"""The page client's script, put into an HTML document that streams by as the first script that runs.

What is a document, what becomes of the header of its response, and of the body. XHTML is left alone: there one wrong
byte costs the whole page, and what comes before the first element may declare entities of its own.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import webencodings

from swproxy.page_client.content_codings import Coding, UndecodableContent, coding_of, codings_of, is_known
from swproxy.page_client.insertion_point import InsertionPoint

# Where the script is, on every origin.
SCRIPT_PATH = "/.swproxy/client.js"

Field = tuple[bytes, bytes]

# The destinations of requests for what becomes a document: https://fetch.spec.whatwg.org/#concept-request-destination
_DESTINATIONS = frozenset({"document", "iframe", "frame", "embed", "object", "fencedframe"})
_NULL_BODY_STATUSES = frozenset({204, 205, 304})
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_CHARSET = re.compile(r";\s*charset\s*=\s*(?:\"([^\"]*)\"|([^;\s]*))", re.IGNORECASE)
# What such a document begins with, the encoding that it is then in, and whether that is a byte order mark. Without
# one, the beginning of an XML declaration tells: https://html.spec.whatwg.org/#determining-the-character-encoding
_BEGINNINGS = (
    (b"\xef\xbb\xbf", "utf-8", True),
    (b"\xfe\xff", "utf-16be", True),
    (b"\xff\xfe", "utf-16le", True),
    (b"<\0?\0x\0", "utf-16le", False),
    (b"\0<\0?\0x", "utf-16be", False),
)

# Where the head of a document ends, and which of its elements may hold a policy.
_END_OF_HEAD = re.compile(rb"<body[\t\n\f\r />]|</head[\t\n\f\r />]", re.IGNORECASE)
_POLICY = re.compile(
    rb"http-equiv(?!\s*=\s*[\"']?(?:content-type|content-language|default-style|refresh|x-ua-compatible)\b)",
    re.IGNORECASE,
)
# Whether the document may have policies of its own: as long as each other.
_MAY_HAVE_POLICIES, _HAS_NO_POLICIES = b'data-swproxy-policies="1"', b'data-swproxy-policies="0"'

_DIGESTS = frozenset({b"content-md5", b"digest", b"content-digest", b"repr-digest"})


def script_tag(version: str, data: Any, nonce: str = "", integrity: str = "") -> str:
    """Our tag.

    Args:
        version: letters and digits; the script may be cached for ever under it.
        data: what the script is to know of this document; becomes JSON in ASCII.
        nonce: see ``Allowance``.
        integrity: likewise. The request is made with CORS then, as Integrity-Policy demands.
    """
    data = escape(json.dumps(data, separators=(",", ":")))
    tag = f'<script src="{SCRIPT_PATH}?v={escape(version)}" data-swproxy="{data}" {_MAY_HAVE_POLICIES.decode()}'
    if nonce:
        tag += f' nonce="{escape(nonce)}"'
    if integrity:
        tag += f' integrity="{escape(integrity)}" crossorigin'
    return f"{tag}></script>"


def wants_insertion(
    method: str, request_headers: Mapping[str, str], status: int, response_headers: Mapping[str, str]
) -> bool:
    """Whether a response becomes an HTML document in a browser, and can get the script.

    A browser says so with Fetch Metadata. One that does not send it (only to what it does not trust, or because it is
    old) is taken at its Accept. A program that asks for anything gets what the server sent, and so does a download.
    ``no-transform`` is not heeded: the proxy is the user's own, and works for them.

    Args:
        method: of the request.
        request_headers: names in lower case, values of one name combined.
        status: of the response.
        response_headers: as those of the request.
    """
    if method in ("HEAD", "CONNECT") or not _has_document(status, response_headers):
        return False
    destination = request_headers.get("sec-fetch-dest")
    if destination is None:
        return "text/html" in request_headers.get("accept", "").lower()
    return destination in _DESTINATIONS and request_headers.get("sec-fetch-mode", "navigate") == "navigate"


def _has_document(status: int, headers: Mapping[str, str]) -> bool:
    essence, charset = _content_type(headers.get("content-type", ""))
    return (
        200 <= status < 600
        and status not in _NULL_BODY_STATUSES
        and (status != 206 and "content-range" not in headers)
        and not (status in _REDIRECT_STATUSES and "location" in headers)
        and essence == "text/html"
        # The whole document is one U+FFFD.
        and charset != "replacement"
        and headers.get("content-disposition", "inline").partition(";")[0].strip().lower() == "inline"
        and is_known(headers.get("content-encoding", ""))
    )


def _content_type(value: str) -> tuple[str, str]:
    """The MIME type's essence, and the encoding's name or nothing; of several types the last one counts."""
    last = value.rpartition(",")[2]
    match = _CHARSET.search(last)
    encoding = webencodings.lookup((match[1] or match[2] or "") if match else "")
    return last.partition(";")[0].strip().lower(), encoding.name if encoding else ""


def fields_after_insertion(fields: Sequence[Field], added: int | None) -> list[Field]:
    """The header of a response whose body ``Insertion`` changes.

    A Content-Length stays right if it is known how the body grows, and else goes, as digests of the body do. A strong
    ETag becomes a weak one: a conditional request still works with it, and parts of two versions are not put
    together. Nor are ranges offered, which would be those of the server's version. A ``fetch()`` of the same URL gets
    another body, so the browser's cache has to tell them apart.

    Args:
        fields: of the response, with all its policies.
        added: ``Insertion.added``.
    """
    result: list[Field] = []
    for name, value in fields:
        match name.lower():
            case b"content-length":
                if added is not None and value.strip().isdigit():
                    result.append((name, b"%d" % (int(value) + added)))
            case b"etag":
                result.append((name, value if value.startswith(b"W/") else b"W/" + value))
            case lower if lower not in _DIGESTS and lower != b"accept-ranges":
                result.append((name, value))
    return [*result, (b"Accept-Ranges", b"none"), (b"Vary", b"Sec-Fetch-Dest")]


class Insertion:
    """A body on its way to the browser.

    Nothing is kept back that could go: each piece goes out, in a coding flushed up to there, with the piece that came
    in, but for the few bytes that may be the beginning of something. A body that is not in the coding that its header
    names stays as it is; one that breaks off in the middle does so for the browser, too.

    Args:
        tag: ``script_tag``'s.
        content_type: of the response.
        content_encoding: of the response. With a coding that is not known, the body stays as it is.

    Attributes:
        added: by how many bytes the body gets longer, with white space at its end if there was no place for the
            script. None if that is not known: there is a coding, or the encoding could turn out to be UTF-16.
    """

    def __init__(self, tag: str, content_type: str, content_encoding: str = "") -> None:
        encoding = _content_type(content_type)[1]
        is_coded = bool(codings_of(content_encoding))
        self.added = None if is_coded or not encoding else len(tag.encode(_codec(encoding)))
        self._document = _Document(tag, encoding, self.added)
        self._coding: Coding | None = coding_of(content_encoding) if is_known(content_encoding) else None
        self._undecided = b""
        self._has_begun = False
        self._has_failed = False

    def feed(self, data: bytes) -> bytes:
        """What can go out after these bytes."""
        if self._has_failed:
            return b""
        if self._coding is None or not data:
            return data
        output = bytearray()
        has_content = False
        try:
            for piece in self._coding.decode(data):
                has_content = True
                output += self._coding.encode(self._document.feed(piece))
        except UndecodableContent:
            return self._give_up(data, bytes(output))
        if has_content:
            self._has_begun = True
            self._undecided = b""
            output += self._coding.flush()
        elif not self._has_begun:
            self._undecided += data
        return bytes(output)

    def _give_up(self, data: bytes, output: bytes) -> bytes:
        assert self._coding is not None
        if self._has_begun:
            self._has_failed = True
            return output + self._coding.fail()
        self._coding = None
        return self._undecided + data

    def finish(self) -> bytes:
        """What goes out after the last bytes."""
        if self._coding is None or self._has_failed:
            return b""
        if not self._has_begun and not self._coding.is_complete:
            return self._undecided
        output = self._coding.encode(self._document.finish())
        return output + (self._coding.finish() if self._coding.is_complete else self._coding.flush())


class _Document:
    """The bytes of a document, its codings undone.

    Args:
        encoding: that the response names, or nothing.
        added: see ``Insertion``.
    """

    def __init__(self, tag: str, encoding: str, added: int | None) -> None:
        self._tag = tag
        self._encoding = encoding
        self._has_promised = added is not None
        self._padding = added or 0
        self._point: InsertionPoint | None = None
        self._held = b""
        self._is_done = False

    def feed(self, data: bytes) -> bytes:
        if self._is_done:
            return data
        self._held += data
        return self._go_on(is_end=False)

    def finish(self) -> bytes:
        output = b""
        if not self._is_done:
            output = self._go_on(is_end=True)
            if not self._is_done:
                output += self._held
        space = " ".encode(_codec(self._encoding))
        return output + (space * self._padding)[: self._padding]

    def _go_on(self, *, is_end: bool) -> bytes:
        output = b""
        if self._point is None:
            mark = self._read_beginning(is_end=is_end)
            if mark is None:
                return b""
            output, self._held = mark, self._held[len(mark) :]
        assert self._point is not None
        codec = _codec(self._encoding)
        text = self._held if codec == "ascii" else _ascii_of(self._held, codec)
        passed, is_found = self._point.find(text, is_end=is_end)
        passed *= 1 if codec == "ascii" else 2
        output += self._held[:passed]
        self._held = self._held[passed:]
        if not is_found:
            return output
        self._is_done = True
        tag = self._tag.encode(codec)
        if self._has_promised:
            # A byte order mark may contradict the header: then there may be no room.
            tag = tag if len(tag) <= self._padding else b""
            self._padding -= len(tag)
        if _END_OF_HEAD.search(self._held) and not _may_have_policy(self._held):
            tag = tag.replace(_MAY_HAVE_POLICIES, _HAS_NO_POLICIES)
        return output + tag + self._held

    def _read_beginning(self, *, is_end: bool) -> bytes | None:
        """The byte order mark, which may be empty; None if more is needed to tell."""
        for beginning, encoding, is_mark in _BEGINNINGS:
            if not is_mark and self._encoding:
                continue
            if not is_end and len(self._held) < len(beginning) and beginning.startswith(self._held):
                return None
            if self._held.startswith(beginning):
                self._encoding = encoding
                self._point = InsertionPoint(encoding_is_known=True)
                return beginning if is_mark else b""
        self._point = InsertionPoint(encoding_is_known=bool(self._encoding))
        return b""


def _may_have_policy(text: bytes) -> bool:
    """Whether one of the elements may hold a policy; the expression alone takes 8 times as long."""
    return b"http-equiv" in text.lower() and _POLICY.search(text) is not None


def _codec(encoding: str) -> str:
    """How our tag is written in an encoding: all others extend ASCII."""
    return {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(encoding, "ascii")


def _ascii_of(data: bytes, codec: str) -> bytes:
    """UTF-16 with one byte for each whole code unit: a letter for those that are not ASCII."""
    low, high = (data[::2], data[1::2]) if codec == "utf-16-le" else (data[1::2], data[::2])
    return bytes(ord("x") if above or unit > 127 else unit for unit, above in zip(low, high, strict=False))
