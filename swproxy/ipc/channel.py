"""Framed msgpack over a Unix socket pair: the blocking side for a worker, the asyncio side for the proxy.

A frame is a 4-byte length and a message. Files travel beside the bytes of the first frame part that is sent with
them (SCM_RIGHTS); a message with an ``OnDisk`` body takes the next one.
"""

import array
import asyncio
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from swproxy.ipc.messages import Message

Incoming = TypeVar("Incoming", bound=Message)

_LENGTH = struct.Struct("!I")
_MAX_FILES = 16
_READ = 1 << 18
# A frame larger than this is a bug or an attack: bodies travel in chunks.
MAX_FRAME = 1 << 28


class ChannelClosed(BaseException):
    """The other side is gone. No ``Exception``: without the proxy there is no worker, whatever it was doing."""


class Framing(Generic[Incoming]):
    """Bytes to messages and back; no I/O."""

    def __init__(self, incoming: Any) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(incoming)
        self._buffer = bytearray()

    def frame(self, message: Message) -> bytes:
        try:
            data = self._encoder.encode(message)
        except UnicodeEncodeError:  # a string of a script need not be Unicode, msgpack's must
            data = self._encoder.encode(_well_formed(msgspec.to_builtins(message, builtin_types=(bytes,))))
        return _LENGTH.pack(len(data)) + data

    def feed(self, data: bytes) -> Iterator[Incoming]:
        """The messages that are complete now.

        Raises:
            ChannelClosed: what came is no message.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= 4:
                (length,) = _LENGTH.unpack_from(buffer, start)
                if length > MAX_FRAME:
                    raise ChannelClosed(f"a frame of {length} bytes")
                end = start + 4 + length
                if len(buffer) < end:
                    break
                with memoryview(buffer) as view:
                    message = self._decoder.decode(view[start + 4 : end])
                start = end
                yield message
        except msgspec.MsgspecError as error:
            raise ChannelClosed(str(error)) from None
        finally:
            del buffer[:start]


def _well_formed(value: Any) -> Any:
    """The value with U+FFFD for each lone surrogate in its strings."""
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list() | tuple():
            return [_well_formed(item) for item in value]
        case dict():
            return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    return value


def _received(connection: socket.socket, files: deque[int]) -> bytes:
    """Reads once; raises ChannelClosed if a file is missing, after which no message is sure of its own."""
    data, ancillary, flags, _ = connection.recvmsg(_READ, socket.CMSG_SPACE(_MAX_FILES * 4))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
            files.extend(numbers)
    if flags & socket.MSG_CTRUNC:
        raise ChannelClosed("a file that was sent could not be opened: too many open files")
    return data


def _close_files(files: deque[int]) -> None:
    """Those that no message took."""
    while files:
        os.close(files.popleft())


class BlockingChannel(Generic[Incoming]):
    """The worker's end."""

    def __init__(self, connection: socket.socket, incoming: Any) -> None:
        self._connection = connection
        self._framing: Framing[Incoming] = Framing(incoming)
        self._ready: deque[Incoming] = deque()
        self._alarm: int | None = None
        self._held = b""
        self.files: deque[int] = deque()

    def interrupt_on(self, alarm: int) -> None:
        """Lets ``receive`` return None also when something can be read from ``alarm``, a non-blocking descriptor."""
        self._alarm = alarm

    def send(self, message: Message, file: int | None = None, *, held: bool = False) -> None:
        """Sends, waiting if need be; ``file`` is the descriptor that travels along, and stays open here.

        A ``held`` message goes out with the next one, or before something is waited for: for two in a row.
        """
        data = self._held + self._framing.frame(message)
        if held:
            self._held = data
            return
        self._held = b""
        try:
            if file is not None:
                sent = socket.send_fds(self._connection, [data], [file])
                data = data[sent:]
            if data:
                self._connection.sendall(data)
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def _send_held(self) -> None:
        data, self._held = self._held, b""
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def receive(self, timeout: float | None) -> Incoming | None:
        """The next message, None after ``timeout`` seconds (see also ``interrupt_on``)."""
        if self._held:
            self._send_held()
        if self._ready:
            return self._ready.popleft()
        while True:
            if not self._wait(timeout):
                return None
            try:
                data = _received(self._connection, self.files)
            except OSError as error:
                raise ChannelClosed(str(error)) from None
            if not data:
                raise ChannelClosed("end of stream")
            self._ready.extend(self._framing.feed(data))
            if self._ready:
                return self._ready.popleft()

    def take_ready(self, wanted: Callable[[Incoming], bool]) -> list[Incoming]:
        """Those of the messages that are here already and come next, up to the first that is not wanted."""
        taken = []
        while self._ready and wanted(self._ready[0]):
            taken.append(self._ready.popleft())
        return taken

    def _wait(self, timeout: float | None) -> bool:
        """Whether there is something to receive; False after the timeout, or for the alarm."""
        if self._alarm is None:
            return timeout is None or bool(select.select([self._connection], [], [], timeout)[0])
        connection = self._connection.fileno()
        readable = select.select([connection, self._alarm], [], [], timeout)[0]
        if self._alarm in readable:
            os.read(self._alarm, _READ)
        return connection in readable

    def close(self) -> None:
        self._connection.close()
        _close_files(self.files)


class AsyncChannel(Generic[Incoming]):
    """The proxy's end, on the running loop.

    Args:
        connection: the socket; it becomes non-blocking.
        incoming: the type of the messages that come.
        on_message: called with each message; may raise ChannelClosed if it cannot be one.
        on_close: called once, when the other side is gone.

    Attributes:
        backlog: how many bytes wait to be sent.
        error: why this end was closed, if it was because of what came.
    """

    def __init__(
        self,
        connection: socket.socket,
        incoming: Any,
        on_message: Callable[[Incoming], None],
        on_close: Callable[[], None],
    ) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._framing: Framing[Incoming] = Framing(incoming)
        self._on_message = on_message
        self._on_close = on_close
        self._outgoing: deque[bytes] = deque()
        self.backlog = 0
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self.error = ""
        self.files: deque[int] = deque()
        self._loop.add_reader(connection, self._readable)

    def send(self, message: Message) -> None:
        """Queues and sends as much as goes at once. A channel that is closed swallows it."""
        if self._closed:
            return
        data = self._framing.frame(message)
        if not self._outgoing:
            try:
                sent = self._connection.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close()
                return
            if sent == len(data):
                return
            data = data[sent:]
            self._loop.add_writer(self._connection, self._writable)
        self._outgoing.append(data)
        self.backlog += len(data)

    def _writable(self) -> None:
        while self._outgoing:
            data = self._outgoing[0]
            try:
                sent = self._connection.send(data)
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            self.backlog -= sent
            if sent < len(data):
                self._outgoing[0] = data[sent:]
                return
            self._outgoing.popleft()
        self._loop.remove_writer(self._connection)

    def _readable(self) -> None:
        try:
            try:
                data = _received(self._connection, self.files)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            for message in self._framing.feed(data):
                self._on_message(message)
                if self._closed:
                    return
        except ChannelClosed as error:
            self.error = str(error)
            self.close()

    def close(self) -> None:
        """Closes this end; ``on_close`` is called at the first time."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._connection)
        self._loop.remove_writer(self._connection)
        self._connection.close()
        _close_files(self.files)
        self._on_close()
