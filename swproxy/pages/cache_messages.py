"""What page_client/script/caches.js and ``pages/caches.py`` say to each other.

Each way: the length of a JSON text (four bytes, big-endian), that text, and bodies, one after the other.
"""

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Protocol

import ada_url
import msgspec

from swproxy.storage.cache_storage import Header, Query, StoredRequest, StoredResponse
from swproxy.storage.held_entries import Reference

# Bytes: of the JSON of a request, and at most read at once.
JSON_LIMIT = 1 << 23
PIECE = 1 << 22

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NO_VALUE = re.compile(r"[\0\r\n]|[^\0-\xff]")
Size = Annotated[int, msgspec.Meta(ge=0)]


class Malformed(Exception):
    """No script of ours sends that; the message says what is wrong with it."""


class Names(msgspec.Struct, forbid_unknown_fields=True):
    """``caches.keys()``"""


class Name(msgspec.Struct, forbid_unknown_fields=True):
    """``caches.has()``, ``open()``, which gives an id, and ``delete()``"""

    name: str


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """``match()`` and ``matchAll()``, in the cache of that id, or of that name, or in all."""

    query: Query | None
    cache: str | None = None
    name: str | None = None
    all: bool = False


class Keys(msgspec.Struct, forbid_unknown_fields=True):
    """``cache.keys()``"""

    cache: str
    query: Query | None


class Remove(msgspec.Struct, forbid_unknown_fields=True):
    """``cache.delete()``"""

    cache: str
    query: Query


class Rest(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """What a request has besides: see ``toHost`` in web/fetch/request.js."""

    destination: str = ""
    referrer: str = "about:client"
    referrer_policy: str = ""
    mode: str = "cors"
    credentials: str = "same-origin"
    cache: str = "default"
    redirect: str = "follow"
    integrity: str = ""
    keepalive: bool = False
    is_reload_navigation: bool = False


class PageRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A request as pages see it."""

    method: str
    url: str
    headers: list[Header]
    rest: Rest

    def check(self) -> None:
        """Raises Malformed: no script can have such a request and cache it."""
        try:
            url = ada_url.URL(self.url)
        except (ValueError, UnicodeError):
            raise Malformed("The URL of the request is none.") from None
        if url.protocol not in ("http:", "https:") or url.href != self.url:
            raise Malformed("The URL of the request is not one of HTTP, as URLs are written.")
        if self.method != "GET":
            raise Malformed("Only GET requests can be cached.")
        _check_headers(self.headers)

    def stored(self) -> StoredRequest:
        """As it is stored, and given to workers; raises Malformed."""
        self.check()
        return StoredRequest("GET", self.url, self.headers, msgspec.to_builtins(self.rest))


class Uploaded(msgspec.Struct, forbid_unknown_fields=True):
    """An entry whose body, of that many bytes, comes with it."""

    request: PageRequest
    response: StoredResponse
    size: Size | None


class PutAll(msgspec.Struct, forbid_unknown_fields=True):
    """``cache.put()``, ``add()`` and ``addAll()``: all or nothing."""

    cache: str
    puts: list[Uploaded]


class Copy(msgspec.Struct, forbid_unknown_fields=True):
    """``cache.put()`` of what another cache, or this one, had: the page cannot look into it."""

    cache: str
    request: PageRequest
    entry: Reference


class Fetch(msgspec.Struct, forbid_unknown_fields=True):
    """``cache.put()`` of what the page has fetched and cannot look into: it is fetched again."""

    cache: str
    request: PageRequest
    fetch: PageRequest


class Read(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of an entry's body, from ``offset`` on."""

    entry: Reference
    offset: Size


OPERATIONS: dict[str, type[msgspec.Struct]] = {
    "names": Names,
    "has": Name,
    "open": Name,
    "drop": Name,
    "match": Match,
    "keys": Keys,
    "remove": Remove,
    "put": PutAll,
    "copy": Copy,
    "fetch": Fetch,
    "read": Read,
}


class Content(Protocol):
    """What a page sends, as it comes."""

    async def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""


class Bytes:
    """It is all here (see ``Content``)."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    async def read(self, size: int) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        return bytes(data)


async def read_message(content: Content, kind: type[msgspec.Struct]) -> Any:
    """The arguments of an operation; bodies are still to be read.

    Raises:
        Malformed: they are none.
    """
    length = int.from_bytes(await exactly(content, 4), "big")
    if length > JSON_LIMIT:
        raise Malformed(f"The arguments are longer than {JSON_LIMIT} bytes.")
    text = await exactly(content, length)
    try:
        # Not msgspec's: the names of caches may have lone surrogates in them.
        return msgspec.convert(json.loads(text), kind)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The arguments make no sense: {error}.") from None


async def exactly(content: Content, size: int) -> bytes:
    """So many bytes; raises Malformed."""
    data = bytearray()
    while len(data) < size:
        data += await some(content, size - len(data))
    return bytes(data)


async def some(content: Content, size: int) -> bytes:
    """One to so many bytes; raises Malformed."""
    data = await content.read(min(size, PIECE))
    if not data:
        raise Malformed("It ends too early.")
    return data


def framed(answer: dict[str, Any], parts: Sequence[bytes]) -> bytes:
    """An answer with its bodies."""
    text = json.dumps(answer, default=dataclasses.asdict).encode()
    return b"".join([len(text).to_bytes(4, "big"), text, *parts])


def check_response(response: StoredResponse) -> None:
    """Raises Malformed: no script can have such a response and look into it."""
    if response.type not in ("basic", "cors", "default", "error"):
        raise Malformed("No response that a page can look into is of that type.")
    if response.status != 0 and not 200 <= response.status <= 599:
        raise Malformed(f"No response has the status {response.status}.")
    if _NO_VALUE.search(response.status_text) or not all(url.isascii() for url in response.urls):
        raise Malformed("The response has characters that no response has.")
    _check_headers(response.headers)


def _check_headers(headers: Sequence[Header]) -> None:
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or _NO_VALUE.search(value):
            raise Malformed("There is a header that no message can have.")
