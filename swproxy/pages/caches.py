"""``window.caches`` of pages: an HTTP API on the caches that the workers have, for page_client/script/caches.js.

``POST /.swproxy/cache/OPERATION`` with the arguments of one of ``cache_messages.OPERATIONS``. Answers are
``{"value": ..., "error": [name, message] or null}``; to what no script of ours sends, a status of 400.

A body of some length is not part of an answer: the page asks for its pieces as it reads them, so that none waits in
the proxy (mitmproxy takes what an HTTP/2 client does not read yet into memory) or takes up a connection.
"""

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from swproxy.errors import InvalidInput, NetworkError, NotFoundError, QuotaExceededError, SwproxyError, UnknownError
from swproxy.ipc import messages
from swproxy.network.cors import is_cors_safelisted_request_header
from swproxy.network.fetcher import Fetcher, Initiator
from swproxy.network.live_body import LiveBody
from swproxy.pages.cache_messages import (
    OPERATIONS,
    PIECE,
    Bytes,
    Content,
    Copy,
    Fetch,
    Keys,
    Malformed,
    Match,
    Name,
    Names,
    PutAll,
    Read,
    Remove,
    check_response,
    exactly,
    framed,
    read_message,
    some,
)
from swproxy.pages.page import Method, Page
from swproxy.storage.bodies import BytesBody, CompleteBody, SavedFile
from swproxy.storage.cache_storage import INLINE_LIMIT, Entry, Put, RequestResponseList, StoredResponse
from swproxy.storage.held_entries import HeldEntry, Reference
from swproxy.workers.origin_stores import OriginStore, OriginStores

log = logging.getLogger(__name__)

# Bytes of the bodies that come with one answer.
INLINE_BODIES = 1 << 18
# How often a query is made again because somebody deletes what it finds.
ATTEMPTS = 5

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "application/octet-stream",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_OPAQUE = ("opaque", "opaqueredirect")
Parts = list[bytes]


class PageCaches:
    """The API. Everything is done in the thread of the origin's store.

    Args:
        stores: shared with who starts the workers.
        fetcher: for responses that a page cannot look into.
        scratch: for uploads, on the file system of the stores.
    """

    def __init__(self, stores: OriginStores, fetcher: Fetcher, scratch: Path) -> None:
        self._stores = stores
        self._fetcher = fetcher
        self._scratch = scratch

    def methods(self) -> dict[str, Method]:
        """What documents call whose policy in a ``meta`` element keeps them from requests."""
        return {"cache": Method(self._call)}

    async def handle(self, request: web.Request, origin: str, path: str) -> web.StreamResponse:
        """Answers a page.

        Args:
            origin: of the page, which has been checked; serialized.
            path: of the URL; its last segment names the operation.
        """
        operation = path.rpartition("/")[2]
        if operation not in OPERATIONS or request.method != "POST":
            status = 405 if operation in OPERATIONS else 404
            return web.Response(status=status, text="There is no such operation.\n")
        try:
            answer = await self._answer(operation, request.content, request.headers, origin)
        except Malformed as error:
            return web.Response(status=400, text=f"{error}\n")
        return web.Response(body=answer, headers=_HEADERS)

    async def _call(self, page: Page, operation: str, number: int, parts: list[bytes]) -> None:
        """Over the channel: tells the answer before that of the call, which has no bytes."""
        if operation not in OPERATIONS:
            raise InvalidInput("There is no such operation.")
        try:
            answer = await self._answer(operation, Bytes(b"".join(parts)), {"Cookie": page.cookie}, page.origin)
        except Malformed as error:
            raise InvalidInput(str(error)) from None
        page.tell("cached", [number], [answer])

    async def _answer(self, operation: str, content: Content, headers: Mapping[str, str], origin: str) -> bytes:
        """Raises Malformed."""
        failure: tuple[str, str] | None = None
        value: Any = None
        parts: Parts = []
        try:
            message = await read_message(content, OPERATIONS[operation])
            value, parts = await self._perform(operation, message, content, headers, origin)
        except SwproxyError as error:
            failure = error.name, str(error)
        except ConnectionError:
            raise
        except UnicodeError:
            raise Malformed("No URL has such characters.") from None
        except (OSError, sqlite3.Error) as error:
            log.warning("the caches of %s cannot be used: %s", origin, error)
            failure = UnknownError.name, f"The caches cannot be used: {error}."
        return framed({"value": value, "error": failure}, parts)

    async def _perform(
        self, operation: str, message: Any, content: Content, headers: Mapping[str, str], origin: str
    ) -> tuple[Any, Parts]:
        use = partial(self._stores.use, origin)
        value: Any = None
        match message:
            case Match():
                return await use(partial(_match, message))
            case Read():
                return await use(partial(_read, message))
            case PutAll():
                await self._put(message, content, origin)
            case Copy():
                await use(partial(_copy, message))
            case Fetch():
                await self._fetch_and_put(message, headers, origin)
            case Keys():
                value = await use(partial(_keys, message))
            case Remove():
                value = await use(lambda store: _cache(store, message.cache).delete(message.query))
            case Name():
                value = await use(partial(_NAMED[operation], message.name))
            case Names():
                value = await use(lambda store: store.caches.keys())
        return value, []

    async def _put(self, message: PutAll, content: Content, origin: str) -> None:
        """Nothing is stored before all bodies are here."""
        puts: list[Put] = []
        try:
            await self._stores.use(origin, partial(_require, message))
            for put in message.puts:
                request = put.request.stored()
                check_response(put.response)
                puts.append(Put(request, put.response, await self._upload(content, put.size), time.time()))
        except SwproxyError:
            _discard(puts)
            while await content.read(PIECE):
                pass  # who is still sending does not listen
            raise
        except BaseException:
            _discard(puts)
            raise
        await self._stores.use(origin, partial(_store, message.cache, puts))

    async def _upload(self, content: Content, size: int | None) -> CompleteBody | SavedFile | None:
        if size is None:
            return None
        if size <= INLINE_LIMIT:
            return BytesBody(await exactly(content, size))
        saved = SavedFile(str(self._scratch / f"upload-{secrets.token_hex(8)}"), size)
        try:
            with await asyncio.to_thread(open, saved.path, "xb") as file:
                while size:
                    data = await some(content, size)
                    await asyncio.to_thread(file.write, data)
                    size -= len(data)
        except OSError as error:
            saved.remove()
            raise QuotaExceededError(f"The body cannot be kept on the disk: {error.strerror}.") from None
        except BaseException:
            saved.remove()
            raise
        return saved

    async def _fetch_and_put(self, message: Fetch, client_headers: Mapping[str, str], origin: str) -> None:
        """Does again what the page has done, without other cookies than the origin's own."""
        stored, asked = message.request.stored(), message.fetch
        asked.check()
        if asked.rest.mode not in ("cors", "no-cors", "same-origin"):
            raise Malformed("No page can fetch in that mode.")
        rest = msgspec.structs.asdict(asked.rest)
        if "Referer" not in client_headers:
            rest["referrer"] = "no-referrer"
        elif not asked.rest.referrer.startswith((f"{origin}/", "no-referrer")):
            rest["referrer"] = "about:client"
        headers = [header for header in asked.headers if is_cors_safelisted_request_header(*header)]
        fetched = await self._fetcher.fetch(
            messages.Request(None, "GET", asked.url, headers, **rest),
            Initiator(origin, f"{origin}/", self._scratch, f"{origin}/", list(client_headers.items())),
        )
        body: CompleteBody | SavedFile | None = None
        reader = fetched.body.reader() if isinstance(fetched.body, LiveBody) else None
        try:
            if fetched.type not in _OPAQUE:
                raise NetworkError(f"{asked.url} does not answer as it did to the page.")
            if fetched.status == 206:
                raise NetworkError("A partial response (206) cannot be cached.")
            if reader is not None:
                body = await reader.save()
            elif isinstance(fetched.body, bytes):
                body = BytesBody(fetched.body)
        finally:
            if reader is not None:
                reader.close()
        response = StoredResponse(fetched.type, fetched.urls, fetched.status, fetched.status_text, fetched.headers)
        await self._stores.use(origin, partial(_store, message.cache, [Put(stored, response, body, time.time())]))


# In the thread of the store.


def _cache(store: OriginStore, id: str) -> RequestResponseList:  # noqa: A002
    cache = store.caches.by_id(id)
    if cache is None:
        raise NotFoundError("The cache was deleted.")
    return cache


def _open(name: str, store: OriginStore) -> str:
    return store.caches.open(name).id


_NAMED: dict[str, Callable[[str, OriginStore], Any]] = {
    "has": lambda name, store: store.caches.has(name),
    "open": _open,
    "drop": lambda name, store: store.caches.delete(name),
}


def _match(message: Match, store: OriginStore) -> tuple[list[dict[str, Any]], Parts]:
    for _ in range(ATTEMPTS):
        room, found = INLINE_BODIES, []
        parts: Parts = []
        try:
            for cache, entry in _matching(message, store):
                described, part = _describe(store, cache, entry, room)
                found.append(described)
                if part:
                    parts.append(part)
                    room -= len(part)
        except FileNotFoundError:
            continue
        return found, parts
    raise UnknownError("The cache changes all the time.")


def _matching(message: Match, store: OriginStore) -> list[tuple[RequestResponseList, Entry]]:
    if message.cache is not None:
        caches = [_cache(store, message.cache)]
    elif message.name is not None:
        named = store.caches.get(message.name)
        caches = [] if named is None else [named]
    else:
        caches = [cache for _, cache in store.caches.all()]
    for cache in caches:
        if entries := cache.query_cache(message.query, first=not message.all):
            return [(cache, entry) for entry in entries]
    return []


def _describe(
    store: OriginStore, cache: RequestResponseList, entry: Entry, room: int
) -> tuple[dict[str, Any], bytes]:
    """What the page gets of an entry, and its body if that comes with it.

    ``size`` is the body's, None if there is none; ``entry`` is where it is to be had if it does not come with it.
    """
    response = entry.response
    is_opaque = response.type in _OPAQUE
    has_url = response.type != "opaque" and response.urls
    found: dict[str, Any] = {
        "type": response.type,
        "url": response.urls[-1].partition("#")[0] if has_url else "",
        "redirected": bool(has_url) and len(response.urls) > 1,
        "status": 0 if is_opaque else response.status,
        "statusText": "" if is_opaque else response.status_text,
        "headers": [] if is_opaque else response.headers,
        "size": None,
        "entry": None,
    }
    if is_opaque:
        return found | {"entry": store.held.hold(cache, entry)}, b""
    if entry.body is None:
        return found, b""
    found["size"] = entry.size
    if entry.size > room:
        return found | {"entry": store.held.hold(cache, entry)}, b""
    body = cache.body(entry)
    assert body is not None
    try:
        return found, body.read(0, entry.size)
    finally:
        body.close()


def _read(message: Read, store: OriginStore) -> tuple[int, Parts]:
    def piece(held: HeldEntry) -> bytes:
        if held.body is None or held.entry.response.type in _OPAQUE:
            raise Malformed("The entry has no body that can be read.")
        if not 0 <= message.offset <= held.entry.size:
            raise Malformed("The offset is not within the body.")
        data = held.body.read(message.offset, PIECE)
        if message.offset + len(data) >= held.entry.size:
            store.held.release(message.entry.number)
        return data

    data = _used(store, message.entry, piece)
    return len(data), [data]


def _used(store: OriginStore, entry: Reference, work: Callable[[HeldEntry], Any]) -> Any:
    try:
        return store.held.use(store.caches, entry, work)
    except FileNotFoundError:
        raise NotFoundError("The entry was deleted.") from None


def _keys(message: Keys, store: OriginStore) -> list[dict[str, Any]]:
    return [
        {
            "method": entry.request.method,
            "url": entry.request.url,
            "headers": entry.request.headers,
            "rest": entry.request.rest,
        }
        for entry in _cache(store, message.cache).query_cache(message.query)
    ]


def _require(message: PutAll, store: OriginStore) -> None:
    _cache(store, message.cache)
    store.caches.require(sum(put.size or 0 for put in message.puts))


def _store(id: str, puts: list[Put], store: OriginStore) -> None:  # noqa: A002
    try:
        cache = _cache(store, id)
        size = sum(put.body.size for put in puts if put.body is not None)
        saved = sum(put.body.size for put in puts if isinstance(put.body, SavedFile))
        store.caches.require(size, saved)
        cache.put(puts)
    finally:
        _discard(puts)


def _copy(message: Copy, store: OriginStore) -> None:
    cache, request = _cache(store, message.cache), message.request.stored()

    def put(held: HeldEntry) -> None:
        store.caches.require(held.entry.size)
        cache.put([Put(request, held.entry.response, held.body, time.time())])

    _used(store, message.entry, put)


def _discard(puts: list[Put]) -> None:
    for put in puts:
        if isinstance(put.body, SavedFile):
            put.body.remove()
