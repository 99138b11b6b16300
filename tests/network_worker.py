"""A worker as the network sees it, and servers that speak no proper HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from swproxy.ipc.messages import Header, Request
from swproxy.network.fetcher import Fetcher, Initiator, NetworkResponse
from swproxy.network.live_body import BodyReader, LiveBody


class Worker:
    """Fetches as the worker of an origin.

    Args:
        origin: serialized.
        directory: for bodies that are kept.
    """

    def __init__(self, fetcher: Fetcher, origin: str, directory: Path) -> None:
        self._fetcher = fetcher
        self._origin = origin
        self._directory = directory

    async def fetch(
        self,
        url: str,
        *,
        body: bytes | BodyReader | None = None,
        client: tuple[str, list[Header]] | None = None,
        **changes: Any,
    ) -> NetworkResponse:
        """The response to a request.

        Args:
            url: or a path of the worker's own origin.
            client: where the client's request was sent to, and its headers that scripts do not see.
            changes: to the request.
        """
        client_url, client_headers = client or ("", [])
        initiator = Initiator(self._origin, f"{self._origin}/sw.js", self._directory, client_url, client_headers)
        absolute = self._origin + url if url.startswith("/") else url
        request = Request(**{"id": None, "method": "GET", "url": absolute, "headers": []} | changes)
        async with asyncio.timeout(10):
            return await self._fetcher.fetch(request, initiator, body)

    async def text(self, url: str, **changes: Any) -> str:
        """The body of the response."""
        return (await content(await self.fetch(url, **changes))).decode()


async def content(response: NetworkResponse) -> bytes:
    """All bytes of a response's body."""
    if not isinstance(response.body, LiveBody):
        return response.body or b""
    reader = response.body.reader()
    try:
        data = b""
        async with asyncio.timeout(10):
            while chunk := await reader.read():
                data += chunk
        return data
    finally:
        reader.close()


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: bytes | Conversation) -> AsyncIterator[str]:
    """A plain HTTP origin that answers every connection with these bytes, or as ``talk`` does; its origin."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(talk, bytes):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(talk)
            else:
                await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
