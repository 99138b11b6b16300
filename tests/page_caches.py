"""``/.swproxy/cache/`` as a page speaks to it, over a real HTTP server."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from swproxy.network.fetcher import Fetcher
from swproxy.pages.caches import PageCaches
from swproxy.storage.cache_storage import CacheStorage
from swproxy.storage.origins import directory_of
from swproxy.storage.profile import Profile
from swproxy.workers.origin_stores import OriginStores

SITE = "https://site.test"
REST = {"mode": "cors", "destination": ""}


class Refused(Exception):
    """What an operation has failed with: the name of the exception, and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class PageApi:
    """The server, and a page's half of the protocol.

    Args:
        profile: where everything is.
        fetcher: of the proxy.
        origin: of the page.
    """

    def __init__(self, profile: Profile, fetcher: Fetcher, origin: str, quota: int, patience: float) -> None:
        self.profile = profile
        self.used = False
        self.stores = OriginStores(profile, quota, lambda _: self.used, patience=patience)
        self.origin = origin
        self._caches = PageCaches(self.stores, fetcher, profile.scratch)
        self.url = ""
        self.session: aiohttp.ClientSession

    async def serve(self, request: web.Request) -> web.StreamResponse:
        return await self._caches.handle(request, self.origin, request.path)

    async def ask(self, operation: str, arguments: Any, *bodies: bytes, **headers: str) -> tuple[Any, list[bytes]]:
        """The value, and the bodies that come with it: as many as there are ``size``s in it, or one.

        Raises:
            Refused: the operation has failed.
        """
        text = json.dumps(arguments).encode()
        data = b"".join([len(text).to_bytes(4, "big"), text, *bodies])
        status, answer = await self.post(operation, data, **headers)
        assert status == 200, answer
        end = 4 + int.from_bytes(answer[:4], "big")
        said, rest = json.loads(answer[4:end]), answer[end:]
        if said["error"] is not None:
            raise Refused(*said["error"])
        value = said["value"]
        if isinstance(value, int) and not isinstance(value, bool):
            return value, [rest]
        parts = []
        for found in value if operation == "match" else ():
            if found["entry"] is None and found["size"] is not None:
                parts.append(rest[: found["size"]])
                rest = rest[found["size"] :]
        assert rest == b""
        return value, parts

    async def post(self, operation: str, data: Any, **headers: str) -> tuple[int, bytes]:
        """Status and body."""
        async with self.session.post(f"{self.url}{operation}", data=data, headers=headers) as response:
            return response.status, await response.read()

    async def value(self, operation: str, **arguments: Any) -> Any:
        return (await self.ask(operation, arguments))[0]

    async def open(self, name: str) -> str:
        return str(await self.value("open", name=name))

    async def put(self, cache: str, path: str, body: bytes | None, **response: Any) -> None:
        await self.ask(
            "put", {"cache": cache, "puts": [entry(path, body, **response)]}, *([] if body is None else [body])
        )

    async def match(self, cache: str, path: str, **options: Any) -> tuple[dict[str, Any], bytes | None]:
        """The one response, and its body as far as it comes with it.

        Raises:
            LookupError: there is none.
        """
        found, parts = await self.ask("match", {"cache": cache, "query": query(path, **options)})
        return found[0], parts[0] if parts else None

    async def read(self, found: dict[str, Any]) -> bytes:
        """The body of what was found, piece by piece."""
        data = b""
        while len(data) < found["size"]:
            size, (piece,) = await self.ask("read", {"entry": found["entry"], "offset": len(data)})
            assert size == len(piece) > 0
            data += piece
        return data

    def storage(self) -> CacheStorage:
        """What is on the disk, as another process sees it."""
        return CacheStorage(directory_of(self.profile.caches, self.origin))

    def files(self) -> list[Path]:
        """Bodies in files, those half-written too, and what is in the scratch directory."""
        return [*self.profile.caches.rglob("*.val"), *self.profile.scratch.iterdir()]


@asynccontextmanager
async def page_api(
    profile: Profile, fetcher: Fetcher, origin: str = SITE, *, quota: int = 1 << 30, patience: float = 60.0
) -> AsyncIterator[PageApi]:
    """The API of an origin."""
    api = PageApi(profile, fetcher, origin, quota, patience)
    application = web.Application(client_max_size=0)
    application.router.add_route("*", "/.swproxy/cache/{operation}", api.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}/.swproxy/cache/"
    async with aiohttp.ClientSession() as api.session:
        try:
            yield api
        finally:
            await runner.cleanup()
            await api.stores.close()


def request(path: str, **headers: str) -> dict[str, Any]:
    """A request, of ``SITE`` unless the path is a URL."""
    url = path if path.startswith("http") else f"{SITE}{path}"
    return {"method": "GET", "url": url, "headers": list(headers.items()), "rest": REST}


def entry(path: str, body: bytes | None, **response: Any) -> dict[str, Any]:
    """What ``put`` takes; ``response`` may have type, urls, status, status_text, headers and request_headers."""
    described = [
        response.get("type", "basic"),
        response.get("urls", [f"{SITE}{path}"]),
        response.get("status", 200),
        response.get("status_text", "OK"),
        response.get("headers", []),
    ]
    return {
        "request": request(path, **response.get("request_headers", {})),
        "response": described,
        "size": None if body is None else len(body),
    }


def query(path: str, **options: Any) -> dict[str, Any]:
    headers = options.pop("headers", [])
    return {"url": f"{SITE}{path}", "method": "GET", "headers": headers, **options}


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
