"""What mitmproxy does not do with connections by itself: give up dialling, and cut those that must not go on."""

import asyncio
from collections.abc import Callable, Iterator

from mitmproxy import connection, ctx
from mitmproxy.proxy.server import ConnectionHandler


class Connections:
    """The open connections of the proxy.

    Args:
        connect_timeout: seconds after which dialling a server fails.
    """

    def __init__(self, connect_timeout: float) -> None:
        self._connect_timeout = connect_timeout
        self._tunnels: dict[str, str] = {}

    def tunnelled(self, client: connection.Client, host: str) -> None:
        """The client talks TLS to that host, and we do not look into it."""
        self._tunnels[client.id] = host

    def client_gone(self, client: connection.Client) -> None:
        self._tunnels.pop(client.id, None)

    def limit_dialling(self, server: connection.Server, client: connection.Client) -> None:
        """Gives up if the server does not answer in time."""
        asyncio.get_running_loop().call_later(self._connect_timeout, self._give_up, server, client)

    def _give_up(self, server: connection.Server, client: connection.Client) -> None:
        if server.timestamp_start is None and server.error is None:
            # Others are dialling the same address: mitmproxy lets it wait.
            self.limit_dialling(server, client)
            return
        is_ready = server.timestamp_tls_setup if server.tls else server.timestamp_tcp_setup
        if is_ready is None and server.error is None:
            for handler in self._handlers():
                if handler.client is client:
                    _cut(handler, server, "no connection in time")

    def connected(self, server: connection.Server, client: connection.Client) -> None:
        """The server was reached: too late for one that was cut before its turn came."""
        if server.error is not None:
            for handler in self._handlers():
                if handler.client is client and (writer := handler.transports[server].writer) is not None:
                    writer.close()

    def cut_servers(self, condition: Callable[[connection.Server], bool]) -> None:
        """Cuts the connections to servers for which the condition is true."""
        for handler in self._handlers():
            for other in list(handler.transports):
                if isinstance(other, connection.Server) and condition(other):
                    _cut(handler, other, "the network was turned off")

    def cut_tunnels(self, condition: Callable[[str], bool]) -> None:
        """Cuts the clients whose TLS we let through to a host for which the condition is true."""
        hosts = {number for number, host in self._tunnels.items() if condition(host)}
        for handler in self._handlers():
            if handler.client.id in hosts:
                _cut(handler, handler.client, "the host is decrypted from now on")

    @staticmethod
    def _handlers() -> Iterator[ConnectionHandler]:
        server = ctx.master.addons.get("proxyserver")
        return iter(list(server.connections.values()) if server is not None else [])


def _cut(handler: ConnectionHandler, which: connection.Connection, reason: str) -> None:
    transport = handler.transports.get(which)
    if isinstance(which, connection.Server) and which.timestamp_start is None:
        which.error = reason  # not even dialled: mitmproxy cannot be interrupted there
    elif transport is not None and transport.handler is not None:
        transport.handler.cancel(reason)
