"""Large parts of values, each in a file of its own that is written once."""

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from swproxy.storage.bodies import MEMORY_LIMIT, BytesBody, CompleteBody, FileBody, chunks
from swproxy.storage.indexeddb.values import Garbage

# The name has the size, in bytes, so that the sum of all needs no look at each of them.
_NAME = re.compile(r"[0-9a-f]{16}-([0-9]{1,15})")


class PartFiles:
    """The files of one database."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, body: CompleteBody, *, sync: bool) -> str:
        """Writes a file, also to the disk itself if ``sync``; its name.

        Raises:
            OSError: that cannot be done; nothing is left of it.
        """
        name = f"{secrets.token_hex(8)}-{body.size}"
        path = self._directory / name
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            with path.open("xb") as file:
                for data in chunks(body):
                    file.write(data)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name

    def sync(self) -> None:
        """Makes sure that the names are on the disk itself."""
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, name: str) -> CompleteBody:
        """The content: in memory if it is small enough, else as an open file.

        Raises:
            Garbage: there is no such file.
            OSError: it cannot be opened.
        """
        found = _NAME.fullmatch(name)
        if found is None:
            raise Garbage("a part of a value has no possible name")
        try:
            file = (self._directory / name).open("rb", buffering=0)
        except FileNotFoundError:
            raise Garbage("a part of a value is missing") from None
        body = FileBody(file, 0, os.fstat(file.fileno()).st_size)
        if body.size != int(found[1]):
            body.close()
            raise Garbage("a part of a value is not whole")
        if body.size > MEMORY_LIMIT:
            return body
        try:
            return BytesBody(body.read(0, body.size))
        finally:
            body.close()

    def remove(self, names: Iterable[str]) -> None:
        """Those that are there."""
        for name in names:
            with suppress(OSError):  # what cannot be removed is swept some time
                (self._directory / name).unlink()

    def names(self) -> list[str]:
        """Of all files there are."""
        return [name for name in _listed(self._directory) if _NAME.fullmatch(name)]


def total_size(directory: str) -> int:
    """Bytes of all part files in a directory; 0 if there is none."""
    return sum(int(found[1]) for name in _listed(directory) if (found := _NAME.fullmatch(name)))


def _listed(directory: Path | str) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208, there may be many
    except FileNotFoundError:
        return []
