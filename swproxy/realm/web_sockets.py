"""The WebSockets of a worker, between its scripts and the proxy, which has the connections."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from swproxy.ipc import messages
from swproxy.ipc.messages import WEB_SOCKET_BACKLOG, WEB_SOCKET_OVERHEAD, WEB_SOCKET_WINDOW, cost_of
from swproxy.realm.bodies import Bodies, Send
from swproxy.storage.bodies import BytesBody, CompleteBody

# Gets what a script is to hear of a WebSocket.
Deliver = Callable[[dict[str, Any]], None]
Incoming = (
    messages.WebSocketOpened
    | messages.WebSocketMessage
    | messages.WebSocketClosing
    | messages.WebSocketClosed
    | messages.WebSocketAck
)


@dataclass(slots=True)
class _WebSocket:
    """One, from its constructor until it is closed.

    Attributes:
        is_open: it was, before a script closed it.
        is_paced: a script asks for each message, and sees nothing of those it has not asked for.
        wanted: how many messages it has asked for and not got.
        arrived: what comes after them.
        outgoing: (UTF-8 or bytes, whether it is text) of the messages that the proxy does not have yet.
        under_way: the cost of those that the proxy has not acknowledged.
        buffered_amount: the bytes of both.
        closing: (code, reason), to be said after them.
        is_full: it closes because too much was to be sent.
        sent: what to call when so many bytes more have been acknowledged.
    """

    id: int
    url: str
    is_paced: bool
    is_open: bool = False
    wanted: int = 0
    arrived: deque[Incoming] = field(default_factory=deque)
    outgoing: deque[tuple[bytes, bool]] = field(default_factory=deque)
    under_way: int = 0
    buffered_amount: int = 0
    closing: tuple[int | None, str] | None = None
    is_full: bool = False
    sent: deque[Callable[[], None] | None] = field(default_factory=deque)


class WebSockets:
    """Those of the realm, by the number that all sides use.

    Args:
        send: to the proxy.
        bodies: get the binary messages.
        deliver: gets, as a turn of its own, {id, type} and what else websockets/connection.js takes.
        log: gets what went wrong, for the console.
    """

    def __init__(self, send: Send, bodies: Bodies, deliver: Deliver, log: Callable[[str], None]) -> None:
        self._send = send
        self._bodies = bodies
        self._deliver = deliver
        self._log = log
        self._sockets: dict[int, _WebSocket] = {}
        self._next_id = 1
        self._backlog = 0

    # What scripts do

    def connect(self, url: str, protocols: list[str], *, is_paced: bool) -> int:
        """Begins to establish a connection: its number."""
        socket = _WebSocket(self._next_id, url, is_paced)
        self._next_id += 1
        self._sockets[socket.id] = socket
        self._send(messages.WebSocketConnect(socket.id, url, protocols))
        return socket.id

    def put(self, id: int, data: bytes | CompleteBody, *, is_text: bool) -> None:  # noqa: A002
        """Sends a message. One that finds no room any more closes the connection, as the standard has it."""
        socket = self._sockets.get(id)
        if socket is None:
            return
        size = len(data) if isinstance(data, bytes) else data.size
        socket.buffered_amount += size
        if socket.closing is not None:
            return
        if self._backlog + size + WEB_SOCKET_OVERHEAD > WEB_SOCKET_BACKLOG:
            self._log(
                f"WebSocket connection to '{socket.url}' is closed: more than {WEB_SOCKET_BACKLOG >> 20} MiB of "
                "messages wait to be sent"
            )
            socket.is_full = True
            self.close(id, None, "")
            self._deliver({"id": id, "type": "closing"})
            return
        if not isinstance(data, bytes):
            data = data.read(0, size)
        self._backlog += cost_of(data)
        socket.outgoing.append((data, is_text))
        socket.sent.append(None)
        self._flow(socket)

    def when_sent(self, id: int, callback: Callable[[], None]) -> None:  # noqa: A002
        """Calls back when all that was put before is sent, or never will be."""
        socket = self._sockets.get(id)
        if socket is None or not socket.sent:
            callback()
        else:
            socket.sent[-1] = callback

    def close(self, id: int, code: int | None, reason: str) -> None:  # noqa: A002
        """Starts the closing handshake after what was put before, or gives up what is not established yet."""
        socket = self._sockets.get(id)
        if socket is None or socket.closing is not None:
            return
        socket.closing = (code, reason)
        self._flow(socket)
        if socket.is_paced:  # nobody will ask for messages any more
            socket.is_paced = False
            while socket.arrived:
                self._tell(socket, socket.arrived.popleft())

    def want(self, id: int) -> None:  # noqa: A002
        """The script takes one message more, of a paced one."""
        if (socket := self._sockets.get(id)) is not None:
            socket.wanted += 1
            self._hand_over(socket)

    def buffered_amount(self, id: int) -> int:  # noqa: A002
        """https://websockets.spec.whatwg.org/#dom-websocket-bufferedamount, until it is closed"""
        socket = self._sockets.get(id)
        return 0 if socket is None else socket.buffered_amount

    def _flow(self, socket: _WebSocket) -> None:
        """Gives the proxy as much as it has room for."""
        while socket.outgoing:
            data, is_text = socket.outgoing[0]
            if socket.under_way and socket.under_way + cost_of(data) > WEB_SOCKET_WINDOW:
                return
            socket.outgoing.popleft()
            socket.under_way += cost_of(data)
            self._send(messages.WebSocketSend(socket.id, data, is_text))
        if socket.closing is not None:
            self._send(messages.WebSocketClose(socket.id, *socket.closing))

    # What the proxy says

    def received(self, message: Incoming) -> None:
        socket = self._sockets.get(message.id)
        if socket is None:
            return
        if isinstance(message, messages.WebSocketAck):
            self._acknowledged(socket, message.cost)
        elif socket.is_paced:
            socket.arrived.append(message)
            self._hand_over(socket)
        else:
            self._tell(socket, message)

    def _acknowledged(self, socket: _WebSocket, cost: int) -> None:
        socket.under_way -= cost
        socket.buffered_amount -= cost - WEB_SOCKET_OVERHEAD
        self._backlog -= cost
        callback = socket.sent.popleft()
        if callback is not None:
            callback()
        if socket.outgoing:
            self._flow(socket)

    def _hand_over(self, socket: _WebSocket) -> None:
        while socket.arrived:
            if isinstance(socket.arrived[0], messages.WebSocketMessage):
                if not socket.wanted:
                    return
                socket.wanted -= 1
            self._tell(socket, socket.arrived.popleft())

    def _tell(self, socket: _WebSocket, message: Incoming) -> None:
        match message:
            case messages.WebSocketOpened():
                if socket.closing is not None:  # a script has given it up
                    return
                socket.is_open = True
                self._deliver(
                    {
                        "id": socket.id,
                        "type": "open",
                        "protocol": message.protocol,
                        "extensions": message.extensions,
                    }
                )
            case messages.WebSocketMessage():
                self._send(messages.WebSocketAck(socket.id, cost_of(message.data)))
                if socket.closing is None:
                    self._deliver({"id": socket.id, "type": "message", **self._content(message)})
            case messages.WebSocketClosing():
                self._deliver({"id": socket.id, "type": "closing"})
            case messages.WebSocketClosed():
                self._closed(socket, message)

    def _content(self, message: messages.WebSocketMessage) -> dict[str, Any]:
        if message.is_text:
            return {"text": message.data.decode()}
        return {"handle": self._bodies.add(BytesBody(message.data)), "size": len(message.data)}

    def _closed(self, socket: _WebSocket, message: messages.WebSocketClosed) -> None:
        del self._sockets[socket.id]
        self._backlog -= socket.under_way + sum(cost_of(data) for data, _ in socket.outgoing)
        if message.error is None and not socket.is_open:
            message = messages.WebSocketClosed(socket.id, 1006, "", False, "it was closed before it was established")
        if message.error is not None:
            self._log(f"WebSocket connection to '{socket.url}' failed: {message.error}")
        self._deliver(
            {
                "id": socket.id,
                "type": "closed",
                "code": message.code,
                "reason": message.reason,
                "wasClean": message.was_clean,
                "failed": message.error is not None or socket.is_full,
                "bufferedAmount": socket.buffered_amount,
            }
        )
        for callback in socket.sent:
            if callback is not None:
                callback()
