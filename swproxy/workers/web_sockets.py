"""The WebSockets of one worker process: what it asks for, and what it may have."""

from collections.abc import Callable
from typing import Protocol

from swproxy.ipc import messages
from swproxy.ipc.channel import ChannelClosed
from swproxy.network.web_socket import Send, WebSocketConnection

# As many connections may a worker have, as in Chromium.
MAX_CONNECTIONS = 255
# Bytes. Only so many connections receive large messages: what has arrived of them is in memory.
LARGE_MESSAGE = 1 << 25
SMALL_MESSAGE = 1 << 20
MAX_LARGE = 16

FromWorker = messages.WebSocketConnect | messages.WebSocketSend | messages.WebSocketClose | messages.WebSocketAck


class Connect(Protocol):
    """Begins to establish a connection that receives messages of up to ``message_limit`` bytes."""

    def __call__(self, message: messages.WebSocketConnect, message_limit: int, send: Send) -> WebSocketConnection: ...


class WebSockets:
    """Those of a process, by the number that it has given them.

    Args:
        connect: makes one.
        send: to the worker.
        on_message: called for each WebSocket message in either direction.
    """

    def __init__(self, connect: Connect, send: Send, on_message: Callable[[], None]) -> None:
        self._connect = connect
        self._send = send
        self._on_message = on_message
        self._connections: dict[int, WebSocketConnection] = {}
        self._last_id = 0
        self._large: set[int] = set()

    def received(self, message: FromWorker) -> None:
        """What the worker says. Of a number that is not known any more it may not have heard yet.

        Raises:
            ChannelClosed: no runtime of ours says that.
        """
        if isinstance(message, messages.WebSocketConnect):
            self._begin(message)
            return
        connection = self._connections.get(message.id)
        if connection is None:
            return
        match message:
            case messages.WebSocketSend():
                self._on_message()
                connection.send(message.data, is_text=message.is_text)
                if sum(each.unsent for each in self._connections.values()) > messages.WEB_SOCKET_BACKLOG:
                    raise ChannelClosed("the worker does not wait for its WebSockets")
            case messages.WebSocketClose():
                _check_close(message)
                connection.close(message.code, message.reason)
            case messages.WebSocketAck():
                connection.acknowledge(message.cost)

    def _begin(self, message: messages.WebSocketConnect) -> None:
        if message.id <= self._last_id:
            raise ChannelClosed("the worker uses the number of a WebSocket twice")
        self._last_id = message.id
        if len(self._connections) >= MAX_CONNECTIONS:
            error = f"the worker has {MAX_CONNECTIONS} connections already, which is as many as it may have"
            self._send(messages.WebSocketClosed(message.id, 1006, "", False, error))
            return
        is_large = len(self._large) < MAX_LARGE
        if is_large:
            self._large.add(message.id)
        limit = LARGE_MESSAGE if is_large else SMALL_MESSAGE
        self._connections[message.id] = self._connect(message, limit, self._deliver)

    def _deliver(self, message: messages.Message) -> None:
        if isinstance(message, messages.WebSocketMessage):
            self._on_message()
        elif isinstance(message, messages.WebSocketClosed):
            self._connections.pop(message.id, None)
            self._large.discard(message.id)
        self._send(message)

    def close(self) -> None:
        """The worker is gone: the servers are told."""
        for connection in self._connections.values():
            connection.go_away()
        self._connections.clear()


def _check_close(message: messages.WebSocketClose) -> None:
    code = message.code
    if (code is not None and code != 1000 and not 3000 <= code <= 4999) or len(message.reason.encode()) > 123:
        raise ChannelClosed("the worker closes a WebSocket in a way that no script can")
    if code is None and message.reason:
        raise ChannelClosed("the worker closes a WebSocket with a reason and no code")
