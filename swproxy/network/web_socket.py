"""WebSocket connections of workers: RFC 6455 as altered by https://websockets.spec.whatwg.org/, on aiohttp."""

import asyncio
import base64
import logging
import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import ada_url
import aiohttp
import yarl

from swproxy.errors import NetworkError
from swproxy.ipc import messages
from swproxy.ipc.messages import Header, cost_of
from swproxy.network import cors
from swproxy.network.conditions import Conditions
from swproxy.network.content_security_policy import CONNECT, check
from swproxy.network.ports import is_bad_port
from swproxy.network.sessions import LANGUAGES, FetchSettings, new_session, reason_of, tls_context
from swproxy.service_worker.registration import origin_of

log = logging.getLogger(__name__)

# Seconds, as in Chromium: for the opening handshake, and for the server's answer to a Close frame.
HANDSHAKE_TIMEOUT = 240.0
CLOSING_TIMEOUT = 60.0
# Seconds in which a last Close frame must have gone out.
FLUSH_TIMEOUT = 2.0

NO_STATUS_RECEIVED = 1005
ABNORMAL_CLOSURE = 1006
GOING_AWAY = 1001

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CLOSE = aiohttp.WSMsgType.CLOSE

Send = Callable[[messages.Message], None]


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the opening handshake asks for.

    Attributes:
        url: with the scheme ws or wss.
        protocols: the subprotocols that the script would like.
        origin: the worker's, serialized.
        message_limit: the largest message that is received, in bytes.
        policies: see ``Initiator``.
    """

    url: str
    protocols: list[str]
    origin: str
    message_limit: int
    policies: Sequence[Header] = ()


class _Socket(aiohttp.ClientWebSocketResponse):
    """One that has kept the response of the server's handshake."""

    def __init__(self, reader: Any, writer: Any, protocol: str | None, response: Any, *rest: Any, **options: Any):
        super().__init__(reader, writer, protocol, response, *rest, **options)
        self.handshake: aiohttp.ClientResponse = response


async def _refuse_redirect(session: Any, context: Any, parameters: aiohttp.TraceRequestRedirectParams) -> None:
    """The redirect mode of a handshake is "error", but ``ws_connect`` follows."""
    parameters.response.close()
    raise NetworkError("the server redirects, which a WebSocket does not follow")


class WebSocketConnector:
    """Establishes connections, and has those that are not closed yet.

    Args:
        settings: how the network is reached, as for fetches.
    """

    def __init__(self, settings: FetchSettings, conditions: Conditions) -> None:
        self._settings = settings
        self._conditions = conditions
        self._session: aiohttp.ClientSession | None = None
        self._connections: set[WebSocketConnection] = set()

    def connect(self, id: int, handshake: Handshake, send: Send) -> "WebSocketConnection":  # noqa: A002
        """Begins to establish a WebSocket connection.

        Args:
            id: its number in the messages.
            send: gets WebSocketOpened and what follows; the last one is WebSocketClosed.
        """
        connection = WebSocketConnection(id, handshake, self._open, send)
        self._connections.add(connection)
        connection.task.add_done_callback(lambda _: self._connections.discard(connection))
        return connection

    def cut(self, condition: Callable[[str], bool]) -> None:
        """Drops the connections to the origins (of HTTP) for which the condition is true."""
        for connection in list(self._connections):
            if condition(_http_origin(connection.url)):
                connection.drop()

    async def close(self) -> None:
        """Ends all: the servers are told."""
        for connection in list(self._connections):
            connection.go_away()
        await asyncio.gather(*(connection.task for connection in self._connections), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _open(self, handshake: Handshake) -> _Socket:
        """https://websockets.spec.whatwg.org/#concept-websocket-establish

        Raises:
            NetworkError: it cannot be established.
        """
        _check(handshake, self._conditions)
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_request_redirect.append(_refuse_redirect)
            tls = tls_context(self._settings)
            self._session = new_session(self._settings, tls, trace_configs=[tracing], ws_response_class=_Socket)
        url, headers = _request(handshake, self._settings.user_agent)
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                socket = await self._session.ws_connect(
                    yarl.URL(url, encoded=True),
                    headers=headers,
                    compress=15,  # offers what browsers offer: permessage-deflate; client_max_window_bits
                    autoclose=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=FLUSH_TIMEOUT),
                    max_msg_size=handshake.message_limit,
                )
        except aiohttp.WSServerHandshakeError as error:
            raise NetworkError(f"{error.message} ({error.status})") from None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise NetworkError(reason_of(error)) from None
        assert isinstance(socket, _Socket)
        try:
            _negotiated(socket, handshake)
        except NetworkError:
            socket.handshake.close()
            raise
        return socket


def _check(handshake: Handshake, conditions: Conditions) -> None:
    """Also what the worker has checked already: a hostile one has not."""
    try:
        url = ada_url.URL(handshake.url)
    except ValueError:
        raise NetworkError("the URL is invalid") from None
    if url.protocol not in ("ws:", "wss:") or "#" in url.href or url.href != handshake.url:
        raise NetworkError("this is no URL of a WebSocket")
    if not all(_TOKEN.fullmatch(protocol) for protocol in handshake.protocols):
        raise NetworkError("a subprotocol is invalid")
    if is_bad_port(handshake.url):
        raise NetworkError("the port is one that browsers never connect to")
    if cors.is_mixed_content(handshake.origin, handshake.url):
        raise NetworkError("it is mixed content: a worker on HTTPS cannot use plain ws:")
    check(handshake.policies, CONNECT, handshake.url, handshake.origin)
    if conditions.is_offline(_http_origin(handshake.url)):
        raise NetworkError("offline")


def _http_origin(url: str) -> str:
    """The origin of what is requested: https://websockets.spec.whatwg.org/#concept-websocket-establish, step 1"""
    return origin_of(f"http{url.removeprefix('ws')}")


def _request(handshake: Handshake, user_agent: str) -> tuple[str, list[Header]]:
    """The URL without credentials, and the headers that aiohttp does not add itself."""
    parts = urlsplit(handshake.url)
    credentials, _, host = parts.netloc.rpartition("@")
    headers = [
        ("Pragma", "no-cache"),
        ("Cache-Control", "no-cache"),
        ("User-Agent", user_agent),
        ("Origin", handshake.origin),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Accept-Language", LANGUAGES),
    ]
    if credentials:
        name, _, password = credentials.partition(":")
        pair = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
        headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
    if handshake.protocols:
        headers.append(("Sec-WebSocket-Protocol", ", ".join(handshake.protocols)))
    start = f"{parts.scheme}://"
    return f"{start}{host}{handshake.url.removeprefix(start + parts.netloc)}", headers


def _negotiated(socket: _Socket, handshake: Handshake) -> tuple[str, str]:
    """The subprotocol and the extensions in use.

    Raises:
        NetworkError: the server has chosen what was not offered.
    """
    headers = socket.handshake.headers
    protocol = ", ".join(headers.getall("Sec-WebSocket-Protocol", ()))
    if protocol and protocol not in handshake.protocols:
        raise NetworkError(f"the server speaks the subprotocol '{protocol}', which was not asked for")
    if handshake.protocols and not protocol:
        raise NetworkError("the server speaks none of the subprotocols that were asked for")
    extensions = ", ".join(headers.getall("Sec-WebSocket-Extensions", ()))
    names = [part.partition(";")[0].strip() for part in extensions.split(",")]
    if extensions and names != ["permessage-deflate"]:
        raise NetworkError(f"the server uses the extensions '{extensions}', which were not offered")
    return protocol, extensions


class WebSocketConnection:
    """One connection. It reads no faster than the worker acknowledges, and acknowledges what has gone out.

    Attributes:
        task: ends when nothing is left of it.
        unsent: the cost of what the worker has sent and is not acknowledged.
    """

    def __init__(self, id: int, handshake: Handshake, open_: Callable[[Handshake], Any], send: Send) -> None:  # noqa: A002
        self.unsent = 0
        self._id = id
        self._handshake = handshake
        self._open = open_
        self._send = send
        self._outgoing: deque[tuple[bytes, aiohttp.WSMsgType]] = deque()
        self._has_outgoing = asyncio.Event()
        self._under_way = 0  # to the worker
        self._has_room = asyncio.Event()
        self._is_open = False
        self._is_closing = False  # a Close frame was sent, or is the last of the outgoing
        self._close_was_sent = False
        self._is_leaving = False
        self._last: messages.WebSocketClosed | None = None
        self._closing_timeout = asyncio.timeout(None)
        self.task = asyncio.ensure_future(self._live())
        self.task.add_done_callback(self._ended)

    @property
    def url(self) -> str:
        return self._handshake.url

    # What the worker says

    def send(self, data: bytes, *, is_text: bool) -> None:
        """Sends a message after those before it; nothing, once the closing handshake has started."""
        if self._is_open and not self._is_closing:
            self.unsent += cost_of(data)
            self._put(data, aiohttp.WSMsgType.TEXT if is_text else aiohttp.WSMsgType.BINARY)

    def close(self, code: int | None, reason: str) -> None:
        """Starts the closing handshake; fails a connection that is not established."""
        if not self._is_open:
            self._end(self._failed("it was closed before it was established"))
        elif not self._is_closing:
            self._start_closing(_close_payload(code, reason))

    def acknowledge(self, cost: int) -> None:
        """The worker has room again."""
        self._under_way = max(self._under_way - cost, 0)
        self._has_room.set()

    # What happens otherwise

    def drop(self) -> None:
        """The network is gone."""
        self._end(self._closed() if self._is_open else self._failed("offline"))

    def go_away(self) -> None:
        """The worker is gone."""
        if not self._is_leaving:
            self._is_leaving = True
            self.task.cancel()

    def _end(self, last: messages.WebSocketClosed) -> None:
        self._last = last
        self.task.cancel()

    # The connection

    def _closed(
        self, code: int = ABNORMAL_CLOSURE, reason: str = "", *, was_clean: bool = False
    ) -> messages.WebSocketClosed:
        return messages.WebSocketClosed(self._id, code, reason, was_clean, None)

    def _failed(self, error: str) -> messages.WebSocketClosed:
        return messages.WebSocketClosed(self._id, ABNORMAL_CLOSURE, "", False, error)

    def _ended(self, task: "asyncio.Task[messages.WebSocketClosed]") -> None:
        """Tells the worker how. A task that is cancelled before its first step gets no chance to do so itself."""
        if task.cancelled():
            last = self._last  # None if the worker is gone: nobody would hear
        elif (error := task.exception()) is None:
            last = task.result()
        else:
            last = self._failed(str(error))
            if not isinstance(error, NetworkError):
                log.error("a WebSocket broke", exc_info=error)
        if last is not None:
            self._send(last)

    async def _live(self) -> messages.WebSocketClosed:
        socket: _Socket = await self._open(self._handshake)
        self._is_open = True
        self._send(messages.WebSocketOpened(self._id, *_negotiated(socket, self._handshake)))
        writing = asyncio.ensure_future(self._write(socket))
        try:
            async with self._closing_timeout:
                return await self._read(socket, writing)
        except TimeoutError:
            return self._closed()
        except asyncio.CancelledError:
            writing.cancel()
            if self._last is None and not self._close_was_sent:
                with suppress(TimeoutError, aiohttp.ClientError, OSError):
                    async with asyncio.timeout(FLUSH_TIMEOUT):
                        await socket.send_frame(_close_payload(GOING_AWAY, ""), _CLOSE)
            raise
        finally:
            writing.cancel()
            socket.handshake.close()

    async def _read(self, socket: _Socket, writing: "asyncio.Task[None]") -> messages.WebSocketClosed:
        """Hands messages to the worker until the connection ends: how it did."""
        while True:
            await self._room()
            message = await socket.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                    if not self._is_closing:
                        is_text = message.type is aiohttp.WSMsgType.TEXT
                        data = message.data.encode() if is_text else message.data
                        self._under_way += cost_of(data)
                        self._send(messages.WebSocketMessage(self._id, data, is_text))
                case aiohttp.WSMsgType.CLOSE if message.data == ABNORMAL_CLOSURE:
                    return self._failed(f"the server closes it with the code {ABNORMAL_CLOSURE}, which it must not")
                case aiohttp.WSMsgType.CLOSE:
                    if not self._close_was_sent:
                        await self._answer_close(message.data, writing)
                    return self._closed(message.data or NO_STATUS_RECEIVED, message.extra or "", was_clean=True)
                case aiohttp.WSMsgType.ERROR:
                    return self._failed(str(message.data))
                case aiohttp.WSMsgType.CLOSED | aiohttp.WSMsgType.CLOSING:
                    return self._closed()

    async def _room(self) -> None:
        """Waits while the worker does not keep up."""
        while self._under_way >= messages.WEB_SOCKET_WINDOW and not self._is_closing:
            self._has_room.clear()
            await self._has_room.wait()

    async def _answer_close(self, code: int, writing: "asyncio.Task[None]") -> None:
        """The server has started the closing handshake: what was not sent yet never will be."""
        self._send(messages.WebSocketClosing(self._id))
        self._outgoing.clear()
        self._start_closing(_close_payload(code or None, ""))
        await asyncio.wait({writing}, timeout=FLUSH_TIMEOUT)

    def _start_closing(self, payload: bytes) -> None:
        self._is_closing = True
        self._has_room.set()
        self._put(payload, _CLOSE)

    def _put(self, data: bytes, kind: aiohttp.WSMsgType) -> None:
        self._outgoing.append((data, kind))
        self._has_outgoing.set()

    async def _write(self, socket: _Socket) -> None:
        """Sends what is outgoing until a Close frame was sent. If the connection ends the reader hears of it."""
        with suppress(aiohttp.ClientError, OSError):
            while True:
                while self._outgoing:
                    data, kind = self._outgoing.popleft()
                    await socket.send_frame(data, kind)
                    if kind is _CLOSE:
                        self._close_was_sent = True
                        self._closing_timeout.reschedule(asyncio.get_running_loop().time() + CLOSING_TIMEOUT)
                        return
                    self.unsent -= cost_of(data)
                    self._send(messages.WebSocketAck(self._id, cost_of(data)))
                self._has_outgoing.clear()
                await self._has_outgoing.wait()


def _close_payload(code: int | None, reason: str) -> bytes:
    """The body of a Close frame: none without a code."""
    return b"" if code is None else code.to_bytes(2) + reason.encode()
