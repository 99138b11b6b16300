"""Bodies that go between the proxy and one worker process: https://fetch.spec.whatwg.org/#bodies, in messages."""

import asyncio
import itertools
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from swproxy.errors import NetworkError, SwproxyError
from swproxy.ipc import messages
from swproxy.ipc.channel import ChannelClosed
from swproxy.network.fetcher import NetworkResponse
from swproxy.network.live_body import BodyReader, LiveBody, LiveReader
from swproxy.storage.bodies import BytesBody, CompleteBody, FileBody

Body = CompleteBody | BodyReader
BodyMessage = messages.BodyPull | messages.BodyChunk | messages.BodyClone | messages.BodyRelease | messages.BodySave


class ProcessBodies:
    """Those that the worker reads, and those that its script writes.

    Args:
        send: to the worker; raises nothing when it is gone.
        begin: runs something as long as the worker does.

    Attributes:
        last_chunk: when the last piece of one came or went, in seconds of the monotonic clock.
    """

    def __init__(self, send: Callable[[messages.Message], None], begin: Callable[[Any], object]) -> None:
        self.last_chunk = time.monotonic()
        self._send = send
        self._begin = begin
        self._numbers = itertools.count(1)
        self._readers: dict[int, LiveReader] = {}
        self._script_bodies: dict[int, ScriptBodyReader] = {}
        self._has_ended = False

    @property
    def are_open(self) -> bool:
        """Whether somebody may still read what the script writes, or the script from the network."""
        return bool(self._script_bodies or self._readers)

    def received(self, message: BodyMessage) -> None:
        match message:
            case messages.BodyPull():
                self._begin(self._send_chunk(message.id))
            case messages.BodyChunk():
                self.last_chunk = time.monotonic()
                if (body := self._script_bodies.get(message.id)) is not None:
                    body.arrived(message)
            case messages.BodyClone():
                if (reader := self._readers.get(message.id)) is not None:
                    self._readers[message.copy] = reader.clone()
            case messages.BodyRelease():
                if (released := self._readers.pop(message.id, None)) is not None:
                    released.close()
            case messages.BodySave():
                self._begin(self._save(message.id))

    def close(self, reason: str) -> None:
        """The worker has ended."""
        self._has_ended = True
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        for body in list(self._script_bodies.values()):
            body.arrived(messages.BodyChunk(0, b"", reason))

    # To the worker

    def export(self, body: bytes | LiveBody | None) -> messages.Body | None:
        """For a message to the worker."""
        if body is None:
            return None
        if isinstance(body, bytes):
            return messages.Inline(body)
        number = next(self._numbers)
        self._readers[number] = body.reader()
        return messages.Stream(number, body.size)

    def export_response(self, response: NetworkResponse) -> messages.Response:
        """For a message to the worker."""
        return messages.Response(
            type=response.type,
            urls=response.urls,
            status=response.status,
            status_text=response.status_text,
            headers=response.headers,
            body=self.export(response.body),
            source="network",
        )

    async def _send_chunk(self, number: int) -> None:
        self.last_chunk = time.monotonic()
        reader = self._readers.get(number)
        if reader is None:
            self._send(messages.BodyChunk(number, b"", "the body is gone"))
            return
        try:
            data = await reader.read()
            self.last_chunk = time.monotonic()
        except NetworkError as error:
            self._send(messages.BodyChunk(number, b"", str(error), error.name))
        else:
            self._send(messages.BodyChunk(number, data))
            if data:
                return
        self._readers.pop(number, None)
        reader.close()

    async def _save(self, number: int) -> None:
        reader = self._readers.pop(number, None)
        if reader is None:
            self._send(messages.BodySaved(number, "", 0, ("TypeError", "the body is gone")))
            return
        try:
            saved = await reader.save()
        except SwproxyError as error:
            answer = messages.BodySaved(number, "", 0, (error.name, str(error)))
        else:
            answer = messages.BodySaved(number, saved.path, saved.size)
        finally:
            reader.close()  # a disk that is full has room again when the script hears of it
        self._send(answer)

    # From the worker

    def import_(self, body: messages.Body | None, files: deque[int]) -> Body | None:
        """What came with a message from the worker.

        Args:
            files: descriptors that have come; the body's is the next one.

        Raises:
            ChannelClosed: it has not come.
        """
        if body is None:
            return None
        if isinstance(body, messages.Inline):
            return BytesBody(body.data)
        if isinstance(body, messages.OnDisk):
            if not files:
                raise ChannelClosed("a body came without its file")
            return FileBody(os.fdopen(files.popleft(), "rb"), body.offset, body.size)
        if body.id in self._readers:
            return self._readers.pop(body.id)
        if body.id > messages.FIRST_WORKER_STREAM:
            self.last_chunk = time.monotonic()
            reader = self._script_bodies[body.id] = ScriptBodyReader(body.id, self)
            return reader
        return BytesBody(b"")

    def pull(self, number: int) -> None:
        """Asks the script for the next piece of what it writes; raises NetworkError."""
        if self._has_ended:
            raise NetworkError("the worker process has ended")
        self._send(messages.BodyPull(number))

    def forget(self, number: int, *, is_given_up: bool = False) -> None:
        """Nobody reads any more what the script writes."""
        self._script_bodies.pop(number, None)
        if is_given_up:
            self._send(messages.BodyRelease(number))


class ScriptBodyReader:
    """A body that a script of the worker writes (see ``BodyReader``)."""

    size: int | None = None

    def __init__(self, number: int, bodies: ProcessBodies) -> None:
        self._number = number
        self._bodies = bodies
        self._chunk: asyncio.Future[messages.BodyChunk] | None = None
        self._ended = False
        self._error: str | None = None

    async def read(self) -> bytes:
        if self._error is not None:
            raise NetworkError(self._error)
        if self._ended:
            return b""
        self._chunk = asyncio.get_running_loop().create_future()
        self._bodies.pull(self._number)
        chunk = await self._chunk
        if chunk.error is not None:
            raise NetworkError(chunk.error)
        if not chunk.data:
            self._end()
        return chunk.data

    def arrived(self, chunk: messages.BodyChunk) -> None:
        if self._chunk is not None and not self._chunk.done():
            self._chunk.set_result(chunk)
        if chunk.error is not None:
            self._error = chunk.error
            self._end()

    def _end(self, *, is_given_up: bool = False) -> None:
        self._ended = True
        self._bodies.forget(self._number, is_given_up=is_given_up)

    def close(self) -> None:
        if not self._ended:
            self._end(is_given_up=True)
