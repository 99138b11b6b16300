"""Bodies too large or too endless for one buffer.

mitmproxy holds what an addon answers in memory, and streams only what comes from a server. So the flow is sent to
a server of our own: an HTTP endpoint on a loopback port. Each address there is good for one request.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable

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
# What the endpoint is asked with: its HTTP parser does not know all methods there are.
_METHODS = frozenset({"GET", "HEAD", "POST"})
# mitmproxy opens at most five connections from one client to one address.
PORTS = 8


class StreamingEndpoint:
    """The loopback server."""

    def __init__(self) -> None:
        self._expected: dict[str, tuple[Handler, Callable[[], None]]] = {}
        self._runner: web.AppRunner | None = None
        self._ports: list[int] = []

    async def start(self) -> None:
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{token}", self._serve)
        application.on_response_prepare.append(_without_defaults)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.1, auto_decompress=False, handler_cancellation=True
        )
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

    def redirect(self, flow: http.HTTPFlow, handler: Handler, abandoned: Callable[[], None] = lambda: None) -> None:
        """Sends the flow here instead of to its server.

        Args:
            handler: answers it; is cancelled when the client leaves.
            abandoned: called instead if nobody comes for an answer.
        """
        token = secrets.token_urlsafe(24)
        self._expected[token] = handler, abandoned
        asyncio.get_running_loop().call_later(PATIENCE, self._forget, token)
        port = secrets.choice(self._ports)
        request = flow.request
        exchange_of(flow).is_redirected = True
        if request.method not in _METHODS:
            request.method = "POST"
        request.scheme = "http"
        request.data.host = HOST
        request.data.port = port
        request.data.path = f"/{token}".encode()
        request.data.authority = b""
        request.headers.pop("accept-encoding", None)
        if request.is_http2 and request.stream and "content-length" not in request.headers:
            request.headers["transfer-encoding"] = "chunked"
        flow.server_conn.via = None
        request.headers["host"] = f"{HOST}:{port}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        expected = self._expected.pop(request.match_info["token"], None)
        return web.Response(status=404) if expected is None else await expected[0](request)

    def _forget(self, token: str) -> None:
        if (expected := self._expected.pop(token, None)) is not None:
            expected[1]()


class VerbatimResponse(web.StreamResponse):
    """Has the header fields that it is given; of those that aiohttp adds, only the connection's.

    Args:
        reason: each character is a byte.
    """

    def __init__(self, status: int, reason: str, fields: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__(status=status, reason=reason.encode("latin-1", "replace").decode("latin-1"))
        for name, value in fields:
            self.headers.add(name.decode("latin-1"), value.decode("latin-1"))
        self.given = {name.lower() for name in self.headers}


async def _without_defaults(request: web.Request, response: web.StreamResponse) -> None:
    if isinstance(response, VerbatimResponse):
        for name in ("Server", "Date", "Content-Type"):
            if name.lower() not in response.given:
                response.headers.pop(name, None)


async def stream_answer(request: web.Request, answer: Answer, reader: BodyReader) -> web.StreamResponse:
    """Writes the answer's body as fast as the client takes it. If the body breaks off, so does the response."""
    response = VerbatimResponse(answer.status, answer.status_text, response_headers(answer))
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
