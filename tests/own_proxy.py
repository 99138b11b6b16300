"""A proxy in the tests' own process, without the command around it."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

from swproxy.ca.authority import Authority
from swproxy.config import Settings
from swproxy.context import ServiceWorkerContext
from swproxy.proxy.addon import ServiceWorkerAddon
from swproxy.proxy.master import ProxyMaster
from swproxy.storage.profile import Profile

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class OwnProxy:
    """A master with a context; nothing runs before ``start``.

    Args:
        directory: for the profile.
        settings: those that are not the default ones; the port is a free one.

    Raises:
        InvalidInput: mitmproxy does not take an option.
    """

    def __init__(self, directory: Path, **settings: Any) -> None:
        profile = Profile(directory / "profile")
        profile.prepare()
        self.authority = Authority(profile.ca)
        self.authority.ensure()
        made = Settings(**{"listen_port": 0} | settings)
        self.context = ServiceWorkerContext(made, profile)
        self.master = ProxyMaster(made, ServiceWorkerAddon(self.context), self.authority, self.context.authorities)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when it listens.

        Raises:
            Exception: the master's failure.
        """
        ready = asyncio.Event()

        async def on_ready() -> None:
            ready.set()

        self.master.on_ready = on_ready
        self._running = asyncio.ensure_future(self.master.run())
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait({self._running, waiting}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.master.failure is not None:
            raise self.master.failure
        assert ready.is_set()

    async def close(self) -> None:
        if self._running is not None:
            self.master.shutdown()
            await asyncio.wait_for(self._running, 10)
        await self.context.close()

    # Clients

    async def connect(self) -> Streams:
        """A client that has said nothing yet."""
        host, _, port = self.master.urls()[0].removeprefix("http://").rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    async def tunnel(self, port: int, trusted: Path, host: str = "localhost") -> Streams:
        """TLS to that host, through the proxy.

        Raises:
            ssl.SSLError: whoever answers is not trusted.
        """
        reader, writer = await self.connect()
        writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert b" 200 " in head, head
        context = ssl.create_default_context(cafile=str(trusted))
        await writer.start_tls(context, server_hostname=host, ssl_handshake_timeout=10)
        return reader, writer


async def asked(streams: Streams, url: str, host: str = "localhost") -> bytes:
    """The head of the response to a GET request; its body is left."""
    reader, writer = streams
    writer.write(f"GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)


async def ended(streams: Streams) -> bool:
    """Whether the other side ends the connection; waits for it.

    Raises:
        TimeoutError: it does not.
    """
    try:
        async with asyncio.timeout(10):
            while await streams[0].read(65536):
                pass
    except ConnectionError:
        pass
    return True
