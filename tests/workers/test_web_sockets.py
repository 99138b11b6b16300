"""The WebSockets of real workers, and what a worker process may ask for."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from origin import Origin
from running_workers import Workers
from waiting import soon

from swproxy.ipc import messages
from swproxy.ipc.channel import ChannelClosed
from swproxy.workers.web_sockets import LARGE_MESSAGE, MAX_CONNECTIONS, MAX_LARGE, SMALL_MESSAGE, WebSockets

SCOPE = "https://site.test/"


class Echo:
    """An origin with a WebSocket at /ws. A message that is a number makes it send that many, 0.1 seconds apart."""

    def __init__(self) -> None:
        self.origin = Origin(None)
        self.origin.route("/ws", handler=self._handle)
        self.url = f"ws://localhost:{self.origin.port}/ws"
        self.closed: list[Any] = []  # the codes that they were closed with
        self.bytes = 0  # that it has got

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=0, autoclose=False)
        await socket.prepare(request)
        while (message := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            if message.type is WSMsgType.BINARY:
                self.bytes += len(message.data)
            elif message.data.isdigit():
                for number in range(int(message.data)):
                    await asyncio.sleep(0.1)
                    await socket.send_str(str(number))
            else:
                await socket.send_str(f"{request.headers['Origin']} {message.data}")
        self.closed.append(message.data)
        await socket.close()
        return socket


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.origin.close()


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Workers]:
    """Workers that are stopped soon."""
    workers = Workers(tmp_path, idle_timeout=0.5)
    await workers.context.start()
    yield workers
    await workers.context.close()


def script(echo: Echo, drive: str) -> str:
    """A worker with an open WebSocket; ``drive`` runs when it is."""
    return f"""
      const socket = new WebSocket("{echo.url}");
      socket.onopen = async () => {{ {drive} }};
      socket.onmessage = ({{ data }}) => console.log(data);
      socket.onerror = () => console.log("error");
      socket.onclose = ({{ code, wasClean }}) => console.log("close", code, wasClean);
      oninstall = (event) => event.waitUntil(new Promise((resolve) => socket.addEventListener("open", resolve)));
    """


async def test_a_conversation(workers: Workers, echo: Echo) -> None:
    """From the script to the server and back, with the origin of the worker."""
    await workers.register(
        SCOPE,
        script(echo, "socket.send('hé'); socket.onmessage = (e) => { console.log(e.data); socket.close(3000) };"),
    )
    assert await workers.printed(SCOPE, 2) == ["https://site.test hé", "close 1000 true"]
    assert echo.closed == [3000]


async def test_much_is_sent(workers: Workers, echo: Echo) -> None:
    """All of it arrives, though it does not fit into what may be under way."""
    drive = """
      const blob = new Blob([new Uint8Array(1 << 20)]);
      for (let i = 0; i < 20; i++) socket.send(i % 2 ? blob : new ArrayBuffer(100_000));
      const before = socket.bufferedAmount;
      socket.send("done");
      socket.onmessage = () => console.log(before, socket.bufferedAmount);
    """
    await workers.register(SCOPE, script(echo, drive))
    size = 10 * (1 << 20) + 10 * 100_000
    assert await workers.printed(SCOPE) == [f"{size} 0"]
    assert echo.bytes == size


async def test_going_offline(workers: Workers, echo: Echo) -> None:
    """Open ones break off, new ones fail."""
    drive = "self.ononline = self.onoffline = () => { new WebSocket(socket.url).onerror = () => console.log('no') }"
    await workers.register(SCOPE, script(echo, drive))
    workers.context.conditions.set_offline(True)
    lines = sorted(await workers.printed(SCOPE, 3))
    assert lines == [f"WebSocket connection to '{echo.url}' failed: offline", "close 1006 false", "no"]


@pytest.mark.parametrize("end", ["stopped", "killed", "unregistered"])
async def test_the_worker_ends(workers: Workers, echo: Echo, end: str) -> None:
    """However it does, its servers hear that it is going away."""
    worker = await workers.register(SCOPE, script(echo, "console.log('open')"))
    await workers.printed(SCOPE)
    process = workers.context.manager.running(worker)
    assert process is not None
    if end == "stopped":
        workers.context.stop_workers(SCOPE)
    elif end == "killed":
        os.kill(process.pid, signal.SIGKILL)
    else:
        await workers.context.unregister(SCOPE)
        workers.context.manager.terminate(worker)
    await soon(lambda: bool(echo.closed))
    assert echo.closed == [1001]


async def test_messages_keep_a_worker_alive(impatient: Workers, echo: Echo) -> None:
    """Each for as long as an event would; an open connection alone does not."""
    await impatient.register(SCOPE, script(echo, "socket.send('12')"))
    assert await impatient.printed(SCOPE, 12) == [str(number) for number in range(12)]
    assert echo.closed == []
    await soon(lambda: bool(echo.closed))
    assert echo.closed == [1001]


async def test_the_proxy_ends(tmp_path: Path, echo: Echo) -> None:
    """All connections do."""
    workers = Workers(tmp_path)
    await workers.context.start()
    await workers.register(SCOPE, script(echo, "console.log('open')"))
    await workers.printed(SCOPE)
    await workers.context.close()
    await soon(lambda: bool(echo.closed))
    assert echo.closed == [1001]


async def test_a_stream(workers: Workers, echo: Echo) -> None:
    """A WebSocketStream: messages in both directions, and the end."""
    source = f"""
      const drive = async () => {{
        const stream = new WebSocketStream("{echo.url}");
        const {{ readable, writable, protocol, extensions }} = await stream.opened;
        const reader = readable.getReader();
        const writer = writable.getWriter();
        await writer.write("a");
        await writer.write(new Uint8Array(5_000_000));
        console.log((await reader.read()).value, JSON.stringify(protocol), extensions);
        stream.close({{ closeCode: 3333 }});
        console.log(JSON.stringify(await stream.closed), (await reader.read()).done);
        await writer.closed.catch(({{ name }}) => console.log(name));
      }};
      drive().catch((error) => console.log(`${{error}}`));
    """
    await workers.register(SCOPE, source)
    assert await workers.printed(SCOPE, 3) == [
        'https://site.test a "" permessage-deflate',
        '{"closeCode":1000,"reason":""} true',
        "InvalidStateError",
    ]
    assert (echo.bytes, echo.closed) == (5_000_000, [3333])


# What a process may ask for


class FakeConnection:
    """Notes what it is told."""

    def __init__(self, limit: int, send: Any) -> None:
        self.limit = limit
        self.send_to_worker = send
        self.unsent = 0
        self.calls: list[tuple[Any, ...]] = []

    def send(self, data: bytes, *, is_text: bool) -> None:
        self.unsent += len(data)
        self.calls.append(("send", data, is_text))

    def close(self, code: int | None, reason: str) -> None:
        self.calls.append(("close", code, reason))

    def acknowledge(self, cost: int) -> None:
        self.calls.append(("acknowledge", cost))

    def go_away(self) -> None:
        self.calls.append(("go away",))


class Process:
    """The WebSockets of one, without connections."""

    def __init__(self) -> None:
        self.made: list[FakeConnection] = []
        self.told: list[messages.Message] = []
        self.touched = 0
        self.sockets = WebSockets(self._connect, self.told.append, self._touch)

    def _connect(self, message: messages.WebSocketConnect, message_limit: int, send: Any) -> Any:
        self.made.append(FakeConnection(message_limit, send))
        return self.made[-1]

    def _touch(self) -> None:
        self.touched += 1

    def connects(self, number: int) -> None:
        self.sockets.received(messages.WebSocketConnect(number, "wss://a.test/", []))


def test_as_many_as_in_chromium() -> None:
    """One more fails, until another is closed; only some may get large messages."""
    process = Process()
    for number in range(1, MAX_CONNECTIONS + 3):
        process.connects(number)
    assert len(process.made) == MAX_CONNECTIONS
    assert [connection.limit for connection in process.made].count(LARGE_MESSAGE) == MAX_LARGE
    refused = process.told[-1]
    assert isinstance(refused, messages.WebSocketClosed)
    assert (refused.id, refused.code, refused.was_clean) == (MAX_CONNECTIONS + 2, 1006, False)
    assert "255 connections already" in str(refused.error)
    process.made[0].send_to_worker(messages.WebSocketClosed(1, 1000, "", True, None))
    process.connects(1000)
    process.connects(1001)
    assert [connection.limit for connection in process.made[-2:]] == [SMALL_MESSAGE, LARGE_MESSAGE]
    assert len(process.made) == MAX_CONNECTIONS + 1


def test_what_is_passed_on() -> None:
    """To the connection of that number; unknown numbers are of connections that are closed."""
    process = Process()
    process.connects(7)
    for number in (7, 6, 8, -1):
        process.sockets.received(messages.WebSocketSend(number, b"x", True))
        process.sockets.received(messages.WebSocketAck(number, 5))
        process.sockets.received(messages.WebSocketClose(number, 3000, "y"))
    assert process.made[0].calls == [("send", b"x", True), ("acknowledge", 5), ("close", 3000, "y")]
    process.made[0].send_to_worker(messages.WebSocketMessage(7, b"z", False))
    assert (process.told, process.touched) == ([messages.WebSocketMessage(7, b"z", False)], 2)
    process.sockets.close()
    assert process.made[0].calls[-1] == ("go away",)


@pytest.mark.parametrize(
    "message",
    [
        messages.WebSocketConnect(1, "wss://a.test/", []),
        messages.WebSocketConnect(-1, "wss://a.test/", []),
        messages.WebSocketClose(1, 1001, ""),
        messages.WebSocketClose(1, -1, ""),
        messages.WebSocketClose(1, 1 << 20, ""),
        messages.WebSocketClose(1, 1000, "é" * 62),
        messages.WebSocketClose(1, None, "x"),
        messages.WebSocketSend(1, bytes(messages.WEB_SOCKET_BACKLOG + 1), False),
    ],
)
def test_what_no_runtime_says(message: Any) -> None:
    """A process that is not ours any more is let go."""
    process = Process()
    process.connects(1)
    with pytest.raises(ChannelClosed):
        process.sockets.received(message)
