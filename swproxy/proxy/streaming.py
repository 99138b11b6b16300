"""Bodies too large or too endless for one buffer.

mitmproxy holds what an addon answers in memory, and streams only what comes from a server. So the flow is sent to
a server of our own: an HTTP endpoint on a loopback port. Each address there is good for one request.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web
from mitmproxy import http

from swproxy.errors import NetworkError
from swproxy.network.live_body import BodyReader
from swproxy.proxy.flows import NULL_BODY_STATUSES, exchange_of, response_headers
from swproxy.workers.dispatcher import Answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# Seconds after which an address that nobody came to is forgotten.
PATIENCE = 30.0
HOST = "127.0.0.1"
# mitmproxy opens at most five connections from one client to one address.
PORTS = 8


class StreamingEndpoint:
    """The loopback server."""

    def __init__(self) -> None:
        self._expected: dict[str, Handler] = {}
        self._runner: web.AppRunner | None = None
        self._ports: list[int] = []

    async def start(self) -> None:
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{token}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await self._runner.setup()
        for _ in range(PORTS):
            await web.TCPSite(self._runner, HOST, 0).start()
        self._ports = [address[1] for address in self._runner.addresses]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def is_ours(self, address: tuple[str, int] | None) -> bool:
        """Whether a server address is this endpoint's."""
        return address is not None and address[0] == HOST and address[1] in self._ports

    def redirect(self, flow: http.HTTPFlow, handler: Handler) -> None:
        """Sends the flow here instead of to its server; ``handler`` answers it."""
        token = secrets.token_urlsafe(24)
        self._expected[token] = handler
        asyncio.get_running_loop().call_later(PATIENCE, self._expected.pop, token, None)
        port = secrets.choice(self._ports)
        request = flow.request
        exchange_of(flow).is_redirected = True
        request.scheme = "http"
        request.data.host = HOST
        request.data.port = port
        request.data.path = f"/{token}".encode()
        request.data.authority = b""
        request.headers.pop("accept-encoding", None)
        if request.is_http2 and request.stream and "content-length" not in request.headers:
            request.headers["transfer-encoding"] = "chunked"
        request.headers["host"] = f"{HOST}:{port}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        handler = self._expected.pop(request.match_info["token"], None)
        if handler is None:
            return web.Response(status=404)
        return await handler(request)


async def stream_answer(request: web.Request, answer: Answer, reader: BodyReader) -> web.StreamResponse:
    """Writes the answer's body as fast as the client takes it. If the body breaks off, so does the response."""
    response = web.StreamResponse(status=answer.status, reason=answer.status_text)
    for name, value in response_headers(answer):
        response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
    if reader.size is not None and answer.status not in NULL_BODY_STATUSES:
        response.content_length = reader.size
    try:
        await response.prepare(request)
        if request.method != "HEAD":
            while data := await reader.read():
                await response.write(data)
        await response.write_eof()
    except (NetworkError, ConnectionError):
        # The client must see that this is not the end: the connection goes down without one.
        if request.transport is not None:
            request.transport.abort()
    finally:
        reader.close()
    return response
