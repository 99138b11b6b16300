"""Bodies that are complete: bytes in memory, or a file on disk."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

CHUNK = 1 << 18


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
