"""Bodies that are still arriving, for any number of readers, with back-pressure for a single one."""

import asyncio
import errno
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from swproxy.errors import AbortError, NetworkError, QuotaExceededError, SwproxyError
from swproxy.storage.bodies import CHUNK, CompleteBody, SavedFile

# Gives the next bytes, none at the end; raises NetworkError.
Source = Callable[[], Awaitable[bytes]]


class BodyReader(Protocol):
    """Who wants the bytes in their order."""

    @property
    def size(self) -> int | None:
        """Bytes, if known."""

    async def read(self) -> bytes:
        """The next bytes, none at the end.

        Raises:
            NetworkError: there will be no more.
        """

    def close(self) -> None:
        """No more is wanted."""


class LiveBody:
    """A body from the network.

    With one reader the bytes pass straight through, no faster than they are read. With several, or to save
    it, they go to a file, as fast as they come. If the disk is full, nothing is saved, and the first reader who comes
    for what is missing goes on without the file.

    Args:
        source: where the bytes come from.
        size: in bytes, if known.
        directory: for the file; it can be changed until that is needed.
        close: releases the source.
    """

    def __init__(self, source: Source, size: int | None, directory: Path, close: Callable[[], None]) -> None:
        self.size = size
        self._source = source
        self.directory = directory
        self._close_source = close
        self._readers: set[LiveReader] = set()
        self._file: tempfile._TemporaryFileWrapper[bytes] | None = None
        self._written = 0
        self._saved = 0
        self._complete = False
        self._error: SwproxyError | None = None
        self._disk_error: SwproxyError | None = None
        self._unwritten = b""
        self._survivor: LiveReader | None = None
        self._pump: asyncio.Task[None] | None = None
        self._progress = asyncio.Event()

    def reader(self) -> "LiveReader":
        """One more reader; only before any has read, or while the file is kept."""
        reader = LiveReader(self)
        self._readers.add(reader)
        return reader

    def _to_file(self) -> None:
        """From now on the bytes go to the file."""
        if self._file is not None or self._disk_error is not None:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            # Removed when the last reader has closed.
            self._file = tempfile.NamedTemporaryFile(dir=self.directory, delete=False)  # noqa: SIM115
        except OSError as error:
            self._disk_error = _disk_error(error)
            return
        self._pump = asyncio.ensure_future(self._pump_to_file())
        # Also if it is cancelled before it has begun.
        self._pump.add_done_callback(self._pump_ended)

    async def _pump_to_file(self) -> None:
        assert self._file is not None
        data = b""
        try:
            while data := await self._source():
                self._file.write(data)
                self._file.flush()
                self._written += len(data)
                self._wake()
            self._complete = True
        except NetworkError as error:
            self._error = error
        except OSError as error:
            self._disk_error, self._unwritten = _disk_error(error), data
        finally:
            self._wake()

    def _pump_ended(self, pump: "asyncio.Task[None]") -> None:
        if self._disk_error is None or not self._readers:
            self._close_source()

    def _wake(self) -> None:
        self._progress.set()
        self._progress = asyncio.Event()

    def abort(self) -> None:
        """Breaks the body off for all its readers: https://fetch.spec.whatwg.org/#abort-fetch"""
        if self._complete or self._error is not None:
            return
        self._error = AbortError("the fetch was aborted")
        if self._pump is not None:
            self._pump.cancel()
        self._close_source()
        self._wake()

    async def read_for(self, reader: "LiveReader", offset: int, size: int) -> bytes:
        """The next bytes for a reader that has read up to ``offset``."""
        if self._file is None:
            return await self._read_without_file(reader)
        while self._written <= offset:
            if self._error is not None:
                raise type(self._error)(str(self._error))
            if self._complete:
                return b""
            if self._disk_error is not None:
                return await self._read_without_file(reader)
            await self._progress.wait()
        return os.pread(self._file.fileno(), min(size, self._written - offset), offset)

    async def _read_without_file(self, reader: "LiveReader") -> bytes:
        if self._disk_error is not None and self._survivor is None:
            self._survivor = reader
        if self._survivor not in (None, reader):
            raise NetworkError(str(self._disk_error))
        data, self._unwritten = self._unwritten, b""
        try:
            data = data or await self._source()
        except NetworkError:
            if self._error is None:
                raise
        if self._error is not None:
            raise type(self._error)(str(self._error))
        return data

    async def save(self) -> SavedFile:
        """Waits for the end; the file is the caller's.

        Raises:
            NetworkError: the body did not arrive whole.
            QuotaExceededError: the disk is full.
        """
        if self._error is None:
            self._to_file()
        if self._pump is not None:
            await asyncio.wait([self._pump])
            if self._pump.cancelled() and self._error is None:
                raise AbortError("the body was released while it was saved")
        if error := self._disk_error or self._error:
            raise error
        assert self._file is not None
        # A name of its own: other readers may still use the file, and another save may come.
        self._saved += 1
        path = f"{self._file.name}.{self._saved}"
        os.link(self._file.name, path)
        return SavedFile(path, self._written)

    def clone(self) -> "LiveReader":
        """A second reader, from the start: only possible before the first has read."""
        self._to_file()
        return self.reader()

    def forget(self, reader: "LiveReader") -> None:
        """For readers: one is done."""
        self._readers.discard(reader)
        if self._readers:
            return
        if self._pump is not None and not self._pump.done():
            self._pump.cancel()
        elif self._pump is None or self._disk_error is not None:
            self._close_source()
        if self._file is not None:
            with suppress(OSError):  # of a full disk: its buffer still has what did not fit
                self._file.close()
            Path(self._file.name).unlink(missing_ok=True)


def _disk_error(error: OSError) -> SwproxyError:
    kind = QuotaExceededError if error.errno in (errno.ENOSPC, errno.EDQUOT) else NetworkError
    return kind(f"The body cannot be kept on disk: {error.strerror}.")


class LiveReader:
    """One reader of a LiveBody."""

    def __init__(self, body: LiveBody) -> None:
        self._body = body
        self._offset = 0
        self._closed = False

    @property
    def size(self) -> int | None:
        return self._body.size

    async def read(self) -> bytes:
        """See ``BodyReader``."""
        data = await self._body.read_for(self, self._offset, CHUNK)
        self._offset += len(data)
        return data

    def clone(self) -> "LiveReader":
        return self._body.clone()

    async def save(self) -> SavedFile:
        """See ``LiveBody``."""
        return await self._body.save()

    def close(self) -> None:
        """See ``BodyReader``."""
        if not self._closed:
            self._closed = True
            self._body.forget(self)


class CompleteReader:
    """A reader of a body that is complete (see ``BodyReader``)."""

    def __init__(self, body: CompleteBody) -> None:
        self._body = body
        self._offset = 0

    @property
    def size(self) -> int:
        return self._body.size

    async def read(self) -> bytes:
        data = self._body.read(self._offset, CHUNK)
        self._offset += len(data)
        return data

    def close(self) -> None:
        self._body.close()


def prefixed(prefix: bytes, source: Source) -> Source:
    """The source with bytes before it that were read already."""
    rest = [prefix] if prefix else []

    async def read() -> bytes:
        return rest.pop() if rest else await source()

    return read
