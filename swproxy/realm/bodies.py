"""The bodies that a worker's scripts hold by number: complete ones, and streams in either direction."""

import os
import tempfile
from collections.abc import Callable
from typing import IO

from swproxy.errors import AbortError, NetworkError, SwproxyError
from swproxy.ipc.messages import (
    FIRST_WORKER_STREAM,
    BodyChunk,
    BodyClone,
    BodyPull,
    BodyRelease,
    BodySave,
    Message,
)
from swproxy.storage.bodies import BytesBody, CompleteBody, FileBody, SavedFile

Send = Callable[[Message], None]
Outcome = bytes | SwproxyError
# More than this, in bytes, is not read into memory at once.
READ_LIMIT = 1 << 28


class RemoteStream:
    """A stream that the proxy has the bytes of, one chunk at a time and each when it is asked for."""

    def __init__(self, id: int, size: int | None, streams: "Streams") -> None:  # noqa: A002
        self.id = id
        self.size = size
        self._streams = streams
        self._on_chunk: Callable[[Outcome], None] | None = None
        self._on_saved: Callable[[SavedFile | SwproxyError], None] | None = None
        self._finished = False

    def pull(self, on_chunk: Callable[[Outcome], None]) -> None:
        """Asks for the next chunk; no bytes are the end."""
        if self._finished:
            on_chunk(b"")
            return
        self._on_chunk = on_chunk
        self._streams.send(BodyPull(self.id))

    def collect(self, on_end: Callable[[Outcome], None]) -> None:
        """Reads all of it."""
        data = bytearray()

        def chunk(outcome: Outcome) -> None:
            if isinstance(outcome, SwproxyError):
                on_end(outcome)
            elif not outcome:
                on_end(bytes(data))
            elif len(data) + len(outcome) > READ_LIMIT:
                self.release()
                on_end(NetworkError(f"a body of more than {READ_LIMIT} bytes cannot be read at once"))
            else:
                data.extend(outcome)
                self.pull(chunk)

        self.pull(chunk)

    def save(self, on_saved: Callable[[SavedFile | SwproxyError], None]) -> None:
        """Has the proxy put all of it into a file of the scratch directory."""
        self._on_saved = on_saved
        self._streams.send(BodySave(self.id))

    def clone(self) -> "RemoteStream":
        copy = self._streams.remote(self._streams.new_id(), self.size)
        self._streams.send(BodyClone(self.id, copy.id))
        return copy

    def release(self) -> None:
        if not self._finished:
            self._finished = True
            self._streams.send(BodyRelease(self.id))
        self._streams.forget(self.id)
        handler, self._on_chunk = self._on_chunk, None
        if handler is not None:
            handler(AbortError("the body was released while it was read"))

    def arrived(self, chunk: BodyChunk) -> None:
        """The proxy's answer to a pull."""
        handler, self._on_chunk = self._on_chunk, None
        if chunk.error is not None or not chunk.data:
            self._finished = True
            self._streams.forget(self.id)
        if handler is not None:
            kind = AbortError if chunk.name == AbortError.name else NetworkError
            handler(chunk.data if chunk.error is None else kind(chunk.error))

    def saved(self, outcome: SavedFile | SwproxyError) -> None:
        """The proxy's answer to a save."""
        self._finished = True
        self._streams.forget(self.id)
        if self._on_saved is not None:
            self._on_saved(outcome)


class ScriptStream:
    """A stream that the script writes. Its reader is the proxy, or this process.

    Attributes:
        backlog: how many bytes wait for the reader.
        on_release: what to call if the reader goes away before the end.
    """

    def __init__(self, id: int, streams: "Streams") -> None:  # noqa: A002
        self.id = id
        self.size = None
        self.backlog = 0
        self.on_release: Callable[[], None] | None = None
        self._streams = streams
        self._waiting: list[tuple[bytes, Callable[[bool], None]]] = []
        self._reader: Callable[[Outcome], None] | None = None
        self._end: Outcome | None = None
        self._released = False

    def write(self, data: bytes, written: Callable[[bool], None]) -> None:
        """Hands bytes on; ``written`` is told when the reader has them, or False if nobody will read."""
        if self._released:
            written(False)
            return
        self._waiting.append((data, written))
        self.backlog += len(data)
        self._flow()

    def end(self, outcome: Outcome = b"") -> None:
        """No bytes: the regular end. An error: the reader gets that."""
        self._end = outcome
        self._flow()

    def pull(self, on_chunk: Callable[[Outcome], None]) -> None:
        self._reader = on_chunk
        self._flow()

    def _flow(self) -> None:
        if self._reader is None:
            return
        if self._waiting:
            reader, self._reader = self._reader, None
            waiting, self._waiting = self._waiting, []
            self.backlog = 0
            for _, written in waiting:
                written(True)
            reader(b"".join([data for data, _ in waiting]))
        elif self._end is not None:
            reader, self._reader = self._reader, None
            self._streams.forget(self.id)
            reader(self._end)

    def collect(self, on_end: Callable[[Outcome], None]) -> None:
        data = bytearray()

        def chunk(outcome: Outcome) -> None:
            if isinstance(outcome, SwproxyError):
                on_end(outcome)
            elif not outcome:
                on_end(bytes(data))
            else:
                data.extend(outcome)
                self.pull(chunk)

        self.pull(chunk)

    def save(self, on_saved: Callable[[SavedFile | SwproxyError], None]) -> None:
        file: IO[bytes] = tempfile.NamedTemporaryFile(  # noqa: SIM115, closed at the end of the stream
            dir=self._streams.scratch, delete=False
        )

        def chunk(outcome: Outcome) -> None:
            if isinstance(outcome, SwproxyError):
                file.close()
                os.unlink(file.name)  # noqa: PTH108
                on_saved(outcome)
            elif outcome:
                file.write(outcome)
                self.pull(chunk)
            else:
                size = file.tell()
                file.close()
                on_saved(SavedFile(file.name, size))

        self.pull(chunk)

    def serve_pull(self) -> None:
        """The proxy asks for the next chunk."""

        def chunk(outcome: Outcome) -> None:
            if isinstance(outcome, SwproxyError):
                self._streams.send(BodyChunk(self.id, b"", str(outcome)))
            else:
                self._streams.send(BodyChunk(self.id, outcome))

        self.pull(chunk)

    def release(self) -> None:
        self._released = True
        self._streams.forget(self.id)
        waiting, self._waiting = self._waiting, []
        for _, written in waiting:
            written(False)
        if self._end is None and self.on_release is not None:
            self.on_release()


AnyStream = RemoteStream | ScriptStream
Body = CompleteBody | AnyStream


class Streams:
    """The streams of a process, by the number that both sides use."""

    def __init__(self, send: Send, scratch: str) -> None:
        self.send = send
        self.scratch = scratch
        self._next_id = FIRST_WORKER_STREAM
        self._streams: dict[int, AnyStream] = {}

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def remote(self, id: int, size: int | None) -> RemoteStream:  # noqa: A002
        stream = RemoteStream(id, size, self)
        self._streams[id] = stream
        return stream

    def script(self) -> ScriptStream:
        stream = ScriptStream(self.new_id(), self)
        self._streams[stream.id] = stream
        return stream

    def get(self, id: int) -> AnyStream | None:  # noqa: A002
        return self._streams.get(id)

    def forget(self, id: int) -> None:  # noqa: A002
        self._streams.pop(id, None)


class Bodies:
    """The bodies by the number that scripts know them by: its handle."""

    def __init__(self) -> None:
        self._bodies: dict[int, Body] = {}
        self._next = 1

    def add(self, body: Body) -> int:
        handle = self._next
        self._next += 1
        self._bodies[handle] = body
        return handle

    def take(self, handle: int) -> Body:
        """The body, which is the caller's from now on."""
        try:
            return self._bodies.pop(handle)
        except KeyError:
            raise NetworkError("the body is gone") from None

    def get(self, handle: int) -> Body:
        """The body, which stays here."""
        try:
            return self._bodies[handle]
        except KeyError:
            raise NetworkError("the body is gone") from None

    def complete(self, handle: int) -> CompleteBody:
        """The body, which stays here; its bytes are all here too."""
        body = self._bodies.get(handle)
        if not isinstance(body, BytesBody | FileBody):
            raise NetworkError("the body is gone, or not complete")
        return body

    def clone(self, handle: int) -> int:
        body = self._bodies.get(handle)
        if body is None:
            raise NetworkError("the body is gone")
        if isinstance(body, RemoteStream):
            return self.add(body.clone())
        if isinstance(body, FileBody):
            return self.add(body.slice(0, body.size))
        return self.add(body)

    def release(self, handle: int) -> None:
        body = self._bodies.pop(handle, None)
        if isinstance(body, RemoteStream | ScriptStream):
            body.release()
        elif isinstance(body, FileBody):
            body.close()


def slice_of(body: CompleteBody, start: int, end: int) -> CompleteBody:
    """A copy of a part; an empty one needs no file."""
    return BytesBody(b"") if start >= end else body.slice(start, end)
