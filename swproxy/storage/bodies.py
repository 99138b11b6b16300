"""Bodies that are complete: bytes in memory, or a file on disk."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, cast

from swproxy.errors import QuotaExceededError

CHUNK = 1 << 18
# Bodies up to this size, in bytes, may stay in memory; larger ones are better kept in a file.
MEMORY_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class BytesBody:
    """A body in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on."""
        return self.data[offset : offset + size]

    def slice(self, start: int, end: int) -> "BytesBody":
        return BytesBody(self.data[start:end])

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class FileBody:
    """A part of a file that this process holds open: the file may be deleted meanwhile."""

    file: BinaryIO
    offset: int
    size: int

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on."""
        return os.pread(self.file.fileno(), min(size, self.size - offset), self.offset + offset)

    def slice(self, start: int, end: int) -> "FileBody":
        """A part of it, with a descriptor of its own."""
        copy = os.fdopen(os.dup(self.file.fileno()), "rb")
        return FileBody(copy, self.offset + start, end - start)

    def close(self) -> None:
        self.file.close()


CompleteBody = BytesBody | FileBody


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A whole file in the profile that is to become a body: it is linked, not copied."""

    path: str
    size: int

    def take(self) -> CompleteBody:
        """The bytes as a body; the name is removed."""
        body = FileBody(open(self.path, "rb"), 0, self.size)  # noqa: SIM115, it closes it
        self.remove()
        if self.size > MEMORY_LIMIT:
            return body
        data = body.read(0, self.size)
        body.close()
        return BytesBody(data)

    def remove(self) -> None:
        """Removes the name; where it was linked, the file stays."""
        with suppress(FileNotFoundError):
            os.unlink(self.path)  # noqa: PTH108


def chunks(body: CompleteBody, size: int = CHUNK) -> Iterator[bytes]:
    """All of the body, ``size`` bytes at a time."""
    offset = 0
    while data := body.read(offset, size):
        yield data
        offset += len(data)


class Spool:
    """A body that is being put together: in memory while it is small, then in a file that has no name.

    Args:
        directory: for the file.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._data = bytearray()
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, data: bytes) -> None:
        """Appends the bytes.

        Raises:
            QuotaExceededError: the disk is full.
        """
        self._size += len(data)
        if self._file is None:
            self._data += data
            if self._size <= MEMORY_LIMIT:
                return
            data, self._data = bytes(self._data), bytearray()
            self._file = cast(BinaryIO, tempfile.TemporaryFile(dir=self._directory))  # noqa: SIM115, the body closes it
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise QuotaExceededError("The disk is full: free some space.") from None

    def append(self, body: CompleteBody, offset: int, size: int) -> None:
        """Appends a part of a body; else as ``write``."""
        end = offset + size
        while offset < end and (data := body.read(offset, min(CHUNK, end - offset))):
            self.write(data)
            offset += len(data)

    def finish(self) -> CompleteBody:
        """The body."""
        if self._file is None:
            return BytesBody(bytes(self._data))
        return FileBody(self._file, 0, self._size)

    def close(self) -> None:
        """It will not be finished."""
        if self._file is not None:
            self._file.close()
