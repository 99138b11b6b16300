"""WebSocket connections to a real server; tests/web/test_websockets.py has what scripts see of them."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from network_worker import raw_server
from origin import Origin
from waiting import soon

from certs.pki import Pki
from swproxy.ipc import messages
from swproxy.ipc.messages import cost_of
from swproxy.network import web_socket
from swproxy.network.conditions import Conditions
from swproxy.network.sessions import FetchSettings
from swproxy.network.web_socket import Handshake, WebSocketConnection, WebSocketConnector

MIB = 1 << 20


class Client:
    """One WebSocket, with what the worker is told of it."""

    def __init__(self, connector: WebSocketConnector, handshake: Handshake, *, acknowledges: bool) -> None:
        self._told: asyncio.Queue[messages.Message] = asyncio.Queue()
        self._acknowledges = acknowledges
        self.acknowledged = 0
        self.connection: WebSocketConnection = connector.connect(1, handshake, self._tell)

    def _tell(self, message: messages.Message) -> None:
        if isinstance(message, messages.WebSocketAck):
            self.acknowledged += message.cost
            return
        if isinstance(message, messages.WebSocketMessage) and self._acknowledges:
            self.connection.acknowledge(cost_of(message.data))
        self._told.put_nowait(message)

    @property
    def waiting(self) -> int:
        """How much it was told that nobody has asked for."""
        return self._told.qsize()

    async def next(self) -> Any:
        """What the worker is told next."""
        async with asyncio.timeout(10):
            return await self._told.get()

    async def opened(self) -> messages.WebSocketOpened:
        message = await self.next()
        assert isinstance(message, messages.WebSocketOpened), message
        return message

    async def closed(self) -> messages.WebSocketClosed:
        message = await self.next()
        assert isinstance(message, messages.WebSocketClosed), message
        return message

    async def failure(self) -> str:
        """Why it was failed."""
        closed = await self.closed()
        assert (closed.code, closed.reason, closed.was_clean) == (1006, "", False)
        assert closed.error is not None
        return closed.error

    def send(self, data: str | bytes) -> None:
        is_text = isinstance(data, str)
        self.connection.send(data.encode() if isinstance(data, str) else data, is_text=is_text)

    async def received(self) -> str | bytes:
        message = await self.next()
        assert isinstance(message, messages.WebSocketMessage), message
        return message.data.decode() if message.is_text else message.data


Connect = Callable[..., Client]


@pytest.fixture
async def connector(trusted: None, conditions: Conditions) -> AsyncIterator[WebSocketConnector]:
    connector = WebSocketConnector(FetchSettings(user_agent="swproxy/test"), conditions)
    yield connector
    await connector.close()


@pytest.fixture
def connect(connector: WebSocketConnector, origin: Origin) -> Connect:
    """Connects to a path of the origin, or to a URL, as a worker of the origin."""

    def connect(url: str, *protocols: str, limit: int = MIB, acknowledges: bool = True) -> Client:
        if url.startswith("/"):
            url = f"wss://localhost:{origin.port}{url}"
        handshake = Handshake(url, list(protocols), origin.url, limit)
        return Client(connector, handshake, acknowledges=acknowledges)

    return connect


class Sockets:
    """What the origin has seen of its WebSockets: close codes, reasons, and whatever a test notes."""

    def __init__(self) -> None:
        self.ended: list[tuple[int | None, str]] = []


Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


def serve(origin: Origin, talk: Talk | None = None, path: str = "/ws", **options: Any) -> Sockets:
    """A WebSocket at a path of the origin: an echo, or as ``talk`` does."""
    sockets = Sockets()

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoclose=False, **options)
        await socket.prepare(request)
        if talk is not None:
            await talk(socket)
        while (message := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        if message.type is WSMsgType.CLOSE:
            sockets.ended.append((message.data, message.extra or ""))
            await socket.close(code=message.data or 1000, message=(message.extra or "").encode())
        else:
            sockets.ended.append((None, message.type.name))
        return socket

    origin.route(path, handler=handler)
    return sockets


Frames = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def speak(frames: bytes | Frames = b"", **headers: str) -> Frames:
    """A raw server that accepts a handshake with these headers beside, and sends these bytes at once."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        accept = hashlib.sha1((fields["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
        answer = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": base64.b64encode(accept.digest()).decode(),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"{name}: {value}\r\n" for name, value in answer.items()]
        head = f"HTTP/1.1 101 Switching Protocols\r\n{''.join(lines)}\r\n"
        writer.write(head.encode() + (frames if isinstance(frames, bytes) else b""))
        if callable(frames):
            await frames(reader, writer)
        else:
            while await reader.read(4096):
                pass

    return talk


def ws_url(origin: str) -> str:
    return f"ws{origin.removeprefix('http')}/"


# The opening handshake


async def test_the_handshake(origin: Origin, connect: Connect) -> None:
    """What browsers send, with credentials of the URL and without cookies."""
    serve(origin)
    client = connect(f"wss://me:sec%20ret@localhost:{origin.port}/ws?a=b")
    assert await client.opened() == messages.WebSocketOpened(1, "", "permessage-deflate")
    headers = origin.hits[-1].headers
    del headers["sec-websocket-key"]
    assert headers == {
        "host": f"localhost:{origin.port}",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "pragma": "no-cache",
        "cache-control": "no-cache",
        "user-agent": "swproxy/test",
        "origin": origin.url,
        "accept-encoding": "gzip, deflate, br, zstd",
        "accept-language": "en-US,en;q=0.9",
        "authorization": f"Basic {base64.b64encode(b'me:sec ret').decode()}",
        "sec-websocket-version": "13",
        "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
    }


async def test_subprotocols(origin: Origin, connect: Connect) -> None:
    """The server picks one of those that were asked for; none is no answer."""
    serve(origin, protocols=("b", "c"))
    assert (await connect("/ws", "a", "c").opened()).protocol == "c"
    assert origin.hits[-1].headers["sec-websocket-protocol"] == "a, c"
    assert "none of the subprotocols" in await connect("/ws", "a").failure()
    assert (await connect("/ws").opened()).protocol == ""


@pytest.mark.parametrize(
    ("headers", "protocols", "reason"),
    [
        ({"Sec_WebSocket_Protocol": "x"}, ["a"], "'x', which was not asked for"),
        ({"Sec_WebSocket_Protocol": "x"}, [], "'x', which was not asked for"),
        ({"Sec_WebSocket_Protocol": "a, b"}, ["a", "b"], "'a, b', which was not asked for"),
        ({"Sec_WebSocket_Extensions": "x"}, [], "'x', which were not offered"),
        ({"Sec_WebSocket_Extensions": "permessage-deflate, permessage-deflate"}, [], "which were not offered"),
        ({"Sec_WebSocket_Extensions": "permessage-deflate; x"}, [], "not supported"),
        ({"Sec_WebSocket_Accept": "x"}, [], "Invalid challenge response"),
        ({"Upgrade": "x"}, [], "Invalid upgrade header"),
    ],
)
async def test_answers_that_are_not_accepted(
    connect: Connect, headers: dict[str, str], protocols: list[str], reason: str
) -> None:
    """What was not offered, and a handshake that is none."""
    async with raw_server(speak(**headers)) as server:
        assert reason in await connect(ws_url(server), *protocols).failure()


async def test_answers_of_http(origin: Origin, connect: Connect) -> None:
    """An error, and a redirect, which is not followed."""
    serve(origin)
    origin.route("/redirect", status=302, headers={"Location": "/ws"})
    assert await connect("/nothing").failure() == "Invalid response status (404)"
    assert "which a WebSocket does not follow" in await connect("/redirect").failure()
    assert origin.count("/ws") == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("wss://localhost:25/", "browsers never connect to"),
        ("ws://elsewhere.test/", "mixed content"),
        ("http://localhost/", "no URL of a WebSocket"),
        ("wss://localhost/#x", "no URL of a WebSocket"),
        ("wss://local host/", "invalid"),
        ("wss://localhost/\r\nX: y", "no URL of a WebSocket"),
        ("wss://localhost:1/", "never connect to"),
    ],
)
async def test_what_a_hostile_worker_may_ask_for(connect: Connect, url: str, reason: str) -> None:
    """The proxy does not rely on what the worker has checked."""
    assert reason in await connect(url).failure()


async def test_subprotocols_of_a_hostile_worker(origin: Origin, connect: Connect) -> None:
    """They cannot be headers of their own."""
    serve(origin)
    assert await connect("/ws", "a\r\nX: y").failure() == "a subprotocol is invalid"
    assert origin.hits == []


async def test_nobody_is_there(origin: Origin, connect: Connect) -> None:
    """A server that is not running."""
    origin.stop()
    assert await connect("/ws").failure() == "Connection refused"


async def test_certificates(pki: Pki, connect: Connect) -> None:
    """A server that is not trusted; unless nobody needs to be."""
    untrusted = Origin(pki.self_signed())
    try:
        serve(untrusted)
        url = f"wss://localhost:{untrusted.port}/ws"
        assert "its certificate is not trusted" in await connect(url).failure()
        connector = WebSocketConnector(FetchSettings(insecure=True), Conditions())
        await Client(connector, Handshake(url, [], "https://a.test", MIB), acknowledges=True).opened()
        await connector.close()
    finally:
        untrusted.close()


async def test_names_that_mean_something_else(origin: Origin, pki: Pki, connect: Connect) -> None:
    """The setting ``resolve`` counts, also where the name is of another port."""
    serve(origin)
    resolve = {"localhost:443": f"127.0.0.1:{origin.port}"}
    connector = WebSocketConnector(FetchSettings(resolve=resolve), Conditions())
    await Client(connector, Handshake("wss://localhost/ws", [], origin.url, MIB), acknowledges=True).opened()
    await connector.close()
    assert origin.hits[-1].headers["host"] == "localhost"


async def test_plain_http_on_this_machine(connect: Connect) -> None:
    """Is no mixed content."""
    plain = Origin(None)
    try:
        serve(plain)
        client = connect(f"ws://localhost:{plain.port}/ws")
        await client.opened()
        client.send("x")
        assert await client.received() == "x"
    finally:
        plain.close()


async def test_the_server_does_not_answer(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a while for that; the script may close it before."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(say_nothing) as server:
        url = ws_url(server)
        client = connect(url)
        await asyncio.sleep(0)
        client.connection.close(None, "")
        assert await client.failure() == "it was closed before it was established"
        monkeypatch.setattr(web_socket, "HANDSHAKE_TIMEOUT", 0.05)
        assert await connect(url).failure() == "no connection in time"


# Messages


@pytest.mark.parametrize("compress", [True, False])
async def test_messages(origin: Origin, connect: Connect, compress: bool) -> None:
    """Text and bytes, empty, large, many; the sender hears when they are sent."""
    serve(origin, compress=compress)
    client = connect("/ws")
    assert (await client.opened()).extensions == ("permessage-deflate" if compress else "")
    large = bytes(range(256)) * 3000
    sent: list[str | bytes] = ["", b"", "é\U0001f600\0", b"\xff\0", large, "x" * 70_000, *["many"] * 50]
    for data in sent:
        client.send(data)
    assert [await client.received() for _ in sent] == sent
    assert client.acknowledged == sum(cost_of(data.encode() if isinstance(data, str) else data) for data in sent)
    assert client.connection.unsent == 0


async def test_fragments_and_pings(connect: Connect) -> None:
    """A message in pieces with a ping in between, which is answered."""
    pongs: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x01\x02ab" + b"\x89\x01p" + b"\x80\x01c")
        pongs.append((await reader.readexactly(7))[:2])
        writer.write(b"\x88\x00")
        await reader.read()

    async with raw_server(speak(talk)) as server:
        client = connect(ws_url(server))
        await client.opened()
        assert await client.received() == "abc"
        assert isinstance(await client.next(), messages.WebSocketClosing)
        assert await client.closed() == messages.WebSocketClosed(1, 1005, "", True, None)
    assert pongs == [b"\x8a\x81"]


async def test_a_worker_that_does_not_keep_up(origin: Origin, connect: Connect) -> None:
    """What it has not acknowledged is limited, and the server has to wait."""
    sent = 0

    async def flood(socket: web.WebSocketResponse) -> None:
        nonlocal sent
        for _ in range(400):
            await socket.send_bytes(bytes(MIB // 8))
            sent += 1

    serve(origin, flood, compress=False)
    client = connect("/ws", acknowledges=False)
    await client.opened()
    await soon(lambda: client.waiting >= 2)
    before = -1
    while before != sent:
        before = sent
        await asyncio.sleep(0.2)
    assert client.waiting == 2
    assert sent < 200
    for _ in range(400):
        client.connection.acknowledge(cost_of(await client.received()))  # type: ignore[arg-type]


async def test_a_server_that_does_not_keep_up(origin: Origin, connect: Connect) -> None:
    """What it has not taken is not acknowledged; the close comes after it."""
    go_on = asyncio.Event()
    loop = asyncio.get_running_loop()
    taken: list[int] = []

    async def wait(socket: web.WebSocketResponse) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go_on.wait(), loop))
        while len(taken) < 10:
            taken.append(len((await socket.receive()).data))

    sockets = serve(origin, wait, compress=False, max_msg_size=1 << 26)
    client = connect("/ws")
    await client.opened()
    for _ in range(10):
        client.send(bytes(10 * MIB))
    client.connection.close(4000, "done")
    before = -1
    while before != client.acknowledged:
        before = client.acknowledged
        await asyncio.sleep(0.3)
    assert client.acknowledged < 50 * MIB  # the system and the server have some of it
    go_on.set()
    assert await client.closed() == messages.WebSocketClosed(1, 4000, "done", True, None)
    assert taken == [10 * MIB] * 10
    assert sockets.ended == [(4000, "done")]


async def test_messages_that_are_too_large(origin: Origin, connect: Connect) -> None:
    """Also when they are small on their way; the server is told."""

    async def boast(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(bytes(MIB + 1))

    for compress in (True, False):
        sockets = serve(origin, boast, compress=compress)
        client = connect("/ws")
        await client.opened()
        assert "size" in await client.failure()
        await soon(lambda sockets=sockets: bool(sockets.ended))  # type: ignore[misc]
        assert sockets.ended[0][0] == 1009


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02\xff\xfe", 1007),
        (b"\x83\x00", 1002),
        (b"\xc1\x00", 1002),
        (b"\x80\x00", 1002),
        (b"\x88\x01x", 1002),
        (b"\x88\x02\x03\xed", 1002),
        (b"\x88\x04\x03\xe8\xff\xfe", 1007),
    ],
)
async def test_frames_that_break_the_rules(connect: Connect, frame: bytes, code: int) -> None:
    """The connection fails, and the server hears why."""
    answers: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame)
        answers.append(await reader.read())

    async with raw_server(speak(talk)) as server:
        client = connect(ws_url(server))
        await client.opened()
        await client.failure()
        await soon(lambda: bool(answers))
    mask, body = answers[0][2:6], answers[0][6:8]
    assert answers[0][0] == 0x88
    assert int.from_bytes(bytes(a ^ b for a, b in zip(mask, body, strict=False))) == code


# Closing


async def test_the_worker_closes(origin: Origin, connect: Connect) -> None:
    """The code and reason arrive, and come back; nothing is sent or heard after that."""
    sockets = serve(origin)
    for code, reason in ((1000, "bye é"), (4999, ""), (None, "")):
        client = connect("/ws")
        await client.opened()
        client.connection.close(code, reason)
        client.connection.close(3000, "again")
        client.send("too late")
        assert await client.closed() == messages.WebSocketClosed(1, code or 1000, reason, True, None)
    assert sockets.ended == [(1000, "bye é"), (4999, ""), (0, "")]


@pytest.mark.parametrize("end", ["close", "drop"])
async def test_ended_before_it_has_begun(origin: Origin, connect: Connect, end: str) -> None:
    """In the same breath: the worker hears of it all the same."""
    serve(origin)
    client = connect("/ws")
    if end == "close":
        client.connection.close(None, "")
    else:
        client.connection.drop()
    assert await client.failure()


async def test_the_server_closes(origin: Origin, connect: Connect) -> None:
    """The worker hears of it twice: when it begins, and when it is over."""

    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.send_str("last")
        await socket.close(code=4001, message="gone é".encode())

    serve(origin, leave)
    client = connect("/ws")
    await client.opened()
    assert await client.received() == "last"
    assert await client.next() == messages.WebSocketClosing(1)
    assert await client.closed() == messages.WebSocketClosed(1, 4001, "gone é", True, None)


async def test_the_servers_close_is_echoed_at_once(connect: Connect) -> None:
    """Instead of what was still to be sent; it may come with the handshake."""
    answers: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x88\x05\x03\xe9abc")
        answers.append(await reader.read())

    async with raw_server(speak(talk)) as server:
        client = connect(ws_url(server))
        await client.opened()
        assert isinstance(await client.next(), messages.WebSocketClosing)
        assert await client.closed() == messages.WebSocketClosed(1, 1001, "abc", True, None)
        await soon(lambda: bool(answers))
    assert answers[0][:2] == b"\x88\x82"


async def test_a_server_that_does_not_answer_the_close(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for without end."""
    monkeypatch.setattr(web_socket, "CLOSING_TIMEOUT", 0.05)
    async with raw_server(speak()) as server:
        client = connect(ws_url(server))
        await client.opened()
        client.connection.close(None, "")
        assert await client.closed() == messages.WebSocketClosed(1, 1006, "", False, None)


async def test_the_connection_breaks(origin: Origin, connect: Connect) -> None:
    """It was not closed cleanly; that is no error."""
    serve(origin)
    client = connect("/ws")
    await client.opened()
    origin.stop()
    closed = await client.closed()
    assert (closed.was_clean, closed.error) in ((False, None), (True, None))
    async with raw_server(speak(lambda reader, writer: asyncio.sleep(0))) as server:
        client = connect(ws_url(server))
        await client.opened()
        assert await client.closed() == messages.WebSocketClosed(1, 1006, "", False, None)


async def test_the_worker_goes_away(origin: Origin, connect: Connect) -> None:
    """The server is told, and the worker nothing any more."""
    sockets = serve(origin)
    client = connect("/ws")
    await client.opened()
    client.connection.go_away()
    await soon(lambda: bool(sockets.ended))
    assert sockets.ended == [(1001, "")]
    await asyncio.wait([client.connection.task])
    assert client.waiting == 0


async def test_the_proxy_ends(origin: Origin, connector: WebSocketConnector, connect: Connect) -> None:
    """All connections end, however far they are."""
    sockets = serve(origin)
    clients = [connect("/ws") for _ in range(3)]
    for client in clients:
        await client.opened()
    connecting = connect("/ws")
    await connector.close()
    await soon(lambda: len(sockets.ended) >= 3)
    assert sockets.ended[:3] == [(1001, "")] * 3
    assert all(client.connection.task.done() for client in [*clients, connecting])


# Conditions


async def test_offline(
    origin: Origin, connector: WebSocketConnector, conditions: Conditions, connect: Connect
) -> None:
    """Nothing is connected to any more, and what is open breaks off; other origins are not concerned."""
    sockets = serve(origin)
    cut, kept = connect("/ws"), connect(f"wss://127.0.0.1:{origin.port}/ws")
    await cut.opened()
    await kept.opened()
    conditions.set_offline(True, origin.url)
    connector.cut(conditions.is_offline)
    assert await cut.closed() == messages.WebSocketClosed(1, 1006, "", False, None)
    assert await connect("/ws").failure() == "offline"
    kept.send("still here")
    assert await kept.received() == "still here"
    await soon(lambda: bool(sockets.ended))
    assert sockets.ended == [(None, "CLOSED")] or sockets.ended == [(1006, "")]
    conditions.set_offline(False)
    await connect("/ws").opened()


async def test_by_way_of_another_proxy(origin: Origin, tmp_path: Path, trusted: None) -> None:
    """A WebSocket takes the way that fetches take."""
    heads: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        theirs, ours = await asyncio.open_connection("127.0.0.1", origin.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
            target.close()

        await asyncio.gather(copy(reader, ours), copy(theirs, writer), return_exceptions=True)

    serve(origin)
    async with raw_server(tunnel) as proxy:
        connector = WebSocketConnector(FetchSettings(upstream_proxy=proxy), Conditions())
        url = f"wss://localhost:{origin.port}/ws"
        client = Client(connector, Handshake(url, [], origin.url, MIB), acknowledges=True)
        await client.opened()
        client.send("x")
        assert await client.received() == "x"
        await connector.close()
    assert heads[0].startswith(f"CONNECT localhost:{origin.port} ".encode())
