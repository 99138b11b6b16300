"""Messages between the proxy and a worker."""

import asyncio
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disks import no_descriptors

from swproxy.ipc import channel, messages
from swproxy.ipc.channel import AsyncChannel, BlockingChannel, ChannelClosed, Framing
from swproxy.ipc.messages import ToProxy, ToWorker

PING = messages.Ping()
LOG = messages.Log("warn", "text ✓", "https://a.test/sw.js", 3, 7, "stack")
FETCH = messages.Fetch(
    7,
    messages.Request(
        None,
        "POST",
        "https://a.test/",
        [("x-a", "1"), ("x-a", "2")],
        messages.Inline(bytes(range(256))),
        mode="no-cors",
    ),
)
RESPOND = messages.Respond(
    2, messages.Response("basic", ["https://a.test/"], 200, "OK", [], messages.OnDisk(3, 4), "cache")
)
TO_PROXY: list[messages.Message] = [
    FETCH,
    LOG,
    messages.Pong(),
    RESPOND,
    messages.Call(1, "x", [None, 1.5, {"a": [True]}]),
]


# Framing


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 7, 100, 1 << 20])
def test_frames_may_be_split_anywhere(step: int) -> None:
    """The messages come out the same and in order, however the bytes arrive."""
    framing: Framing[Any] = Framing(ToProxy)
    stream = b"".join(map(framing.frame, TO_PROXY))
    found = [
        message for start in range(0, len(stream), step) for message in framing.feed(stream[start : start + step])
    ]
    assert found == TO_PROXY


def test_many_messages_in_one_read() -> None:
    """All of them come, and the beginning of the next one is kept."""
    framing: Framing[Any] = Framing(ToWorker)
    frame = framing.frame(PING)
    assert len(list(framing.feed(frame * 10_000 + frame[:-1]))) == 10_000
    assert list(framing.feed(frame[-1:])) == [PING]


def test_messages_of_one_kind_together() -> None:
    """Those that are here already, up to the first of another kind."""
    ours, theirs = socket.socketpair()
    sender: BlockingChannel[ToWorker] = BlockingChannel(ours, ToWorker)
    receiver: BlockingChannel[ToProxy] = BlockingChannel(theirs, ToProxy)
    for message in (LOG, LOG, messages.Pong(), LOG):
        sender.send(message, held=True)
    sender.send(LOG)

    def is_log(message: ToProxy) -> bool:
        return isinstance(message, messages.Log)

    assert receiver.take_ready(is_log) == []
    assert receiver.receive(1) == LOG
    assert receiver.take_ready(is_log) == [LOG]
    assert receiver.take_ready(is_log) == []
    assert [receiver.receive(1) for _ in range(3)] == [messages.Pong(), LOG, LOG]
    sender.close()
    receiver.close()


def test_a_reader_that_stops_early_loses_nothing() -> None:
    """What was not taken yet comes with the next bytes."""
    framing: Framing[Any] = Framing(ToProxy)
    for first in framing.feed(framing.frame(LOG) + framing.frame(FETCH)):
        assert first == LOG
        break
    assert list(framing.feed(b"")) == [FETCH]


def test_a_frame_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused by its length, before anything of it is kept."""
    framing: Framing[Any] = Framing(ToProxy)
    with pytest.raises(ChannelClosed, match="a frame of 4294967295 bytes"):
        list(framing.feed(b"\xff\xff\xff\xff"))
    monkeypatch.setattr(channel, "MAX_FRAME", 10)
    with pytest.raises(ChannelClosed, match="a frame of 11 bytes"):
        list(Framing(ToProxy).feed(struct.pack("!I", 11)))


GARBAGE = {
    "no message": b"\xc1",
    "another type": b"\x93\x01\x02\x03",
    "an unknown tag": b"\x91\xa4Nope",
    "a message for the other side": Framing(ToWorker).frame(PING)[4:],
    "fields missing": b"\x91\xa5Fetch",
    "a field of the wrong type": b"\x92\xa8AbortFetch"[:1] + b"\xaaAbortFetch\xa1x",
    "empty": b"",
    "deep nesting": b"\x91" * 100_000,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=[name.replace(" ", "-") for name in GARBAGE])
def test_garbage_closes_the_channel(garbage: bytes) -> None:
    """What is no message of the other side's ends the conversation; what came before it counts."""
    framing: Framing[Any] = Framing(ToProxy)
    feed = framing.feed(framing.frame(LOG) + struct.pack("!I", len(garbage)) + garbage)
    assert next(feed) == LOG
    with pytest.raises(ChannelClosed):
        next(feed)


def test_strings_that_are_no_unicode() -> None:
    """A lone surrogate of a script, which msgpack cannot carry, costs its character and not the message."""
    framing: Framing[Any] = Framing(ToProxy)
    sent = messages.Call(1, "a\ud800", [{"\udfff": ["\ud83d\ude00", b"\xff", 1]}])
    (message,) = framing.feed(framing.frame(sent))
    assert message == messages.Call(1, "a\ufffd", [{"\ufffd": ["\U0001f600", b"\xff", 1]}])


# Both ends


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def opened(path: Path, content: bytes) -> int:
    path.write_bytes(content)
    return os.open(path, os.O_RDONLY)


def read_and_close(descriptor: int) -> bytes:
    try:
        return os.pread(descriptor, 1000, 0)
    finally:
        os.close(descriptor)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_files_travel_beside_their_messages(pair: tuple[socket.socket, socket.socket], tmp_path: Path) -> None:
    """Each arrives with its message, in order, among messages without one; the sender keeps its own."""
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    proxy: BlockingChannel[Any] = BlockingChannel(pair[1], ToProxy)
    sent = [opened(tmp_path / str(number), str(number).encode()) for number in range(20)]
    for number, descriptor in enumerate(sent):
        worker.send(LOG)
        worker.send(messages.Respond(number, RESPOND.response), descriptor)
    for number in range(20):
        assert proxy.receive(5) == LOG
        answer = proxy.receive(5)
        assert answer is not None
        assert answer.id == number
        assert read_and_close(proxy.files.popleft()) == str(number).encode()
    assert not proxy.files
    for descriptor in sent:
        assert is_open(descriptor)
        os.close(descriptor)


async def test_a_file_beside_a_large_message(pair: tuple[socket.socket, socket.socket], tmp_path: Path) -> None:
    """It is there when the message is, though the message needs many reads."""
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    seen: asyncio.Queue[Any] = asyncio.Queue()
    proxy: AsyncChannel[Any] = AsyncChannel(
        pair[1], ToProxy, lambda message: seen.put_nowait((message.id, list(proxy.files))), lambda: None
    )
    descriptor = opened(tmp_path / "file", b"content")
    headers = [("x-a", "x" * 1000)] * 3000
    response = messages.Response("basic", [], 200, "", headers, body=messages.OnDisk(0, 7))
    await asyncio.to_thread(worker.send, messages.Respond(1, response), descriptor)
    os.close(descriptor)
    number, files = await asyncio.wait_for(seen.get(), 5)
    assert (number, len(files)) == (1, 1)
    assert read_and_close(proxy.files.popleft()) == b"content"
    proxy.close()


def test_receive_waits_no_longer_than_it_may(pair: tuple[socket.socket, socket.socket]) -> None:
    """None is the answer if nothing comes; half a message is kept for the next call."""
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    frame = Framing(ToWorker).frame(PING)
    assert worker.receive(0) is None
    pair[1].sendall(frame[:3])
    assert worker.receive(0.01) is None
    pair[1].sendall(frame[3:] + frame)
    assert worker.receive(0) == PING
    assert not select.select([pair[0]], [], [], 0)[0]
    assert worker.receive(0) == PING  # was read with the first
    assert worker.receive(0) is None


def test_an_alarm_interrupts_waiting(pair: tuple[socket.socket, socket.socket]) -> None:
    """Work on another thread has finished; a message that is there as well is not lost."""
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    alarm, wake = os.pipe()
    os.set_blocking(alarm, False)
    worker.interrupt_on(alarm)
    os.write(wake, b"\0\0")
    assert worker.receive(None) is None
    os.write(wake, b"\0")
    pair[1].sendall(Framing(ToWorker).frame(PING))
    assert worker.receive(None) == PING
    assert worker.receive(0) is None
    os.close(alarm)
    os.close(wake)


@pytest.mark.parametrize("with_file", [False, True], ids=["message", "with-a-file"])
def test_the_worker_notices_that_the_proxy_is_gone(
    pair: tuple[socket.socket, socket.socket], with_file: bool
) -> None:
    """Receiving and sending both raise ChannelClosed."""
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    pair[1].close()
    with pytest.raises(ChannelClosed, match="end of stream"):
        worker.receive(None)
    with pytest.raises(ChannelClosed, match="Broken pipe"):
        worker.send(LOG, 0 if with_file else None)


# The proxy's end


class Proxy:
    """The asynchronous end, and what it saw."""

    def __init__(self, connection: socket.socket, on_message: Callable[[Any], None] | None = None) -> None:
        self.seen: list[Any] = []
        self.closed = 0
        self._changed = asyncio.Event()
        self._on_message = on_message
        self.channel: AsyncChannel[Any] = AsyncChannel(connection, ToProxy, self._message, self._close)

    def _message(self, message: Any) -> None:
        self.seen.append(message)
        self._changed.set()
        if self._on_message is not None:
            self._on_message(message)

    def _close(self) -> None:
        self.closed += 1
        self._changed.set()

    async def until(self, condition: Callable[["Proxy"], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()


async def test_back_pressure(pair: tuple[socket.socket, socket.socket]) -> None:
    """What the worker does not take yet is queued, does not block the proxy, and arrives whole and in order."""
    proxy = Proxy(pair[1])
    sent = [messages.BodyChunk(number, bytes([number]) * 300_000) for number in range(20)]
    for message in sent:
        proxy.channel.send(message)
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    received = [await asyncio.to_thread(worker.receive, 5) for _ in sent]
    assert received == sent
    # With the queue empty again, a message goes out at once.
    proxy.channel.send(PING)
    assert worker.receive(0) == PING
    proxy.channel.close()


async def test_both_directions_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    """A worker that blocks in sending is read from while the proxy's own messages wait."""
    proxy = Proxy(pair[1])
    chunk = messages.BodyChunk(1, b"x" * 1_000_000)
    for _ in range(3):
        proxy.channel.send(chunk)
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    for _ in range(3):
        await asyncio.to_thread(worker.send, chunk)
    await proxy.until(lambda proxy: len(proxy.seen) == 3)
    assert [await asyncio.to_thread(worker.receive, 5) for _ in range(3)] == [chunk] * 3
    proxy.channel.close()


async def test_the_end_of_the_worker_is_told_once(pair: tuple[socket.socket, socket.socket]) -> None:
    """What it sent before comes first; sending to it afterwards does nothing."""
    proxy = Proxy(pair[1])
    pair[0].sendall(Framing(ToProxy).frame(LOG))
    pair[0].close()
    await proxy.until(lambda proxy: proxy.closed == 1)
    assert proxy.seen == [LOG]
    proxy.channel.send(PING)
    proxy.channel.close()
    assert proxy.closed == 1


async def test_a_worker_that_went_while_messages_waited(pair: tuple[socket.socket, socket.socket]) -> None:
    """The queue is dropped and the end is told once."""
    proxy = Proxy(pair[1])
    for _ in range(3):
        proxy.channel.send(messages.BodyChunk(1, b"x" * 1_000_000))
    pair[0].close()
    await proxy.until(lambda proxy: proxy.closed == 1)
    proxy.channel.send(PING)
    assert proxy.closed == 1


async def test_garbage_of_a_worker_ends_it(pair: tuple[socket.socket, socket.socket]) -> None:
    """Messages before it count, those after it do not."""
    proxy = Proxy(pair[1])
    frame = Framing(ToProxy).frame(LOG)
    pair[0].sendall(frame + struct.pack("!I", 1) + b"\xc1" + frame)
    await proxy.until(lambda proxy: proxy.closed == 1)
    assert proxy.seen == [LOG]
    assert pair[0].recv(1) == b""


async def test_nothing_is_delivered_after_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    """Whoever closes the channel because of a message hears no more of what came with it."""
    proxy = Proxy(pair[1], lambda message: proxy.channel.close())
    pair[0].sendall(Framing(ToProxy).frame(LOG) * 3)
    await proxy.until(lambda proxy: proxy.closed == 1)
    assert proxy.seen == [LOG]


async def test_a_file_that_cannot_be_received(pair: tuple[socket.socket, socket.socket], tmp_path: Path) -> None:
    """Ends the channel, and says why: the messages after it would take each other's files."""
    proxy = Proxy(pair[1])
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    descriptor = opened(tmp_path / "file", b"content")
    with no_descriptors():
        worker.send(RESPOND, descriptor)
        await proxy.until(lambda proxy: proxy.closed == 1)
    assert proxy.seen == []
    assert "too many open files" in proxy.channel.error
    os.close(descriptor)


def test_a_file_that_the_worker_cannot_receive(pair: tuple[socket.socket, socket.socket], tmp_path: Path) -> None:
    """The same at its end."""
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToProxy)
    descriptor = opened(tmp_path / "file", b"content")
    with no_descriptors():
        BlockingChannel(pair[1], ToWorker).send(RESPOND, descriptor)
        with pytest.raises(ChannelClosed, match="too many open files"):
            worker.receive(5)
    os.close(descriptor)


async def test_files_that_no_message_took_are_closed(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    """With the channel, at both ends."""
    proxy = Proxy(pair[1])
    worker: BlockingChannel[Any] = BlockingChannel(pair[0], ToWorker)
    descriptor = opened(tmp_path / "file", b"content")
    worker.send(RESPOND, descriptor)
    await proxy.until(lambda proxy: len(proxy.seen) == 1)
    (received,) = proxy.channel.files
    proxy.channel.close()
    assert not is_open(received)
    worker.files.append(descriptor)
    worker.close()
    assert not is_open(descriptor)
