"""A real HTTPS origin for tests: its routes can be changed, and it can be stopped and started, while it runs."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web


async def _cancel_others() -> None:
    """Ends the handlers that still wait for something."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@dataclass
class Route:
    """What the origin answers at a path. ``handler`` answers instead, if it is given."""

    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None


@dataclass(frozen=True)
class Hit:
    """One request that the origin has seen."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


_had: set[int] = set()


def _listening(port: int) -> socket.socket:
    """On that port; 0 for one that no origin has had, as a proxy or a browser that tests share remembers those."""
    while True:
        listening = socket.create_server(("127.0.0.1", port))
        found = listening.getsockname()[1]
        if port or found not in _had:
            _had.add(found)
            return listening
        listening.close()


class Origin:
    """Serves on a thread of its own.

    Args:
        certificate: PEM with key and certificate; None serves plain HTTP.
    """

    def __init__(self, certificate: Path | None) -> None:
        self.routes: dict[str, Route] = {}
        self.hits: list[Hit] = []
        self.port = 0
        self._certificate = certificate
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self.start()

    @property
    def url(self) -> str:
        """Its origin, without a slash at the end."""
        return f"{'https' if self._certificate else 'http'}://localhost:{self.port}"

    def route(self, path: str, body: bytes | str = b"", content_type: str = "text/plain", **options: object) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.routes[path] = Route(data, content_type, **options)  # type: ignore[arg-type]

    def script(self, path: str, source: str, **headers: str) -> None:
        """A JavaScript file; header names with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.route(path, source, "text/javascript", headers=named)

    def count(self, path: str) -> int:
        """How many requests for the path there were."""
        return sum(hit.path == path for hit in self.hits)

    def start(self) -> None:
        """Listens; on the same port as before."""
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def stop(self) -> None:
        """Refuses connections, and drops those there are."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)

    def close(self) -> None:
        self.stop()
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        if self._runner is not None:
            return
        application = web.Application(client_max_size=1 << 34)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        context = None
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
        listening = _listening(self.port)
        self.port = listening.getsockname()[1]
        await web.SockSite(self._runner, listening, ssl_context=context).start()

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        route = self.routes.get(request.path)
        if route is not None and route.handler is not None:
            self.hits.append(
                Hit(
                    request.method,
                    request.path,
                    {name.lower(): value for name, value in request.headers.items()},
                    b"",
                )
            )
            return await route.handler(request)
        body = await request.read()
        self.hits.append(
            Hit(request.method, request.path, {name.lower(): value for name, value in request.headers.items()}, body)
        )
        if route is None:
            return web.Response(status=404, text="not found")
        headers = {"Content-Type": route.content_type, **route.headers}
        return web.Response(status=route.status, body=route.body, headers=headers)
