"""The room that an origin has on the disk (https://storage.spec.whatwg.org/#usage-and-quota)."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from swproxy.errors import QuotaExceededError, UnknownError

# So many bytes of the disk, or this part of a small one, are left free: to read and to delete takes some, too.
MARGIN = 1 << 22
MARGIN_PART = 16
DISK_FULL = "The disk is full: free some space."
# Seconds for which a usage is good enough to add to what was written since, and the part of the room that may be.
FRESH = 1.0
PATIENCE_PART = 8


class Quota:
    """The quota of an origin, and what of it is used.

    Args:
        limit: bytes.
        directory: of the origin, which need not be there yet.
        usages: name of what there is -> its bytes on the disk, now.
        logged: bytes that the databases' logs will still add to them.
    """

    def __init__(
        self,
        limit: int,
        directory: Path,
        usages: Mapping[str, Callable[[], int]],
        logged: Callable[[], int] = lambda: 0,
    ) -> None:
        self.limit = limit
        self._directory = directory
        self._usages = usages
        self._logged = logged
        # What ``reserve`` knows: the usage some time ago, what was written since, how much may be before it looks.
        self._known = 0
        self._known_at = -FRESH
        self._reserved = 0
        self._patience = 0

    def usage(self) -> dict[str, int]:
        """Bytes on disk, by name.

        Raises:
            UnknownError: the disk does not tell.
        """
        with _disk_errors():
            return {name: usage() for name, usage in self._usages.items()}

    def require(self, size: int, *, on_disk: int = 0, logged: int = 0) -> None:
        """Makes sure that there is room for ``size`` more bytes.

        Args:
            on_disk: how many of them are on the disk already.
            logged: how many others will still be written, of what is there.

        Raises:
            QuotaExceededError: they are more than the quota, or the disk would be too full.
            UnknownError: the disk does not tell.
        """
        self._look()
        room = self._room_on_disk() + on_disk - logged
        if self._known + size > self.limit:
            raise QuotaExceededError(f"The origin's quota of {self.limit} bytes would be exceeded.")
        if size > room:
            raise QuotaExceededError(DISK_FULL)
        self._patience = max(0, min(self.limit - self._known - size, room - size) // PATIENCE_PART)

    def reserve(self, size: int, *, once: int = 0) -> None:
        """As ``require`` for a database, which writes everything twice; does not look at the disk each time.

        Args:
            once: bytes that it writes besides, and only once.
        """
        self._reserved += size + once
        if not self._is_sure():
            with _disk_errors():
                logged = self._logged()
            self.require(size + once, logged=logged + size)

    def has_room(self, size: int) -> bool:
        """Whether that many bytes more are within the quota."""
        if not self._is_sure():
            self._look()
        return self._known + self._reserved + size <= self.limit

    def forget(self) -> None:
        """Something was deleted: the next one looks again."""
        self._known_at = -FRESH

    def _is_sure(self) -> bool:
        return self._reserved <= self._patience and time.monotonic() - self._known_at < FRESH

    def _look(self) -> None:
        self._known, self._known_at, self._reserved = sum(self.usage().values()), time.monotonic(), 0

    def _room_on_disk(self) -> int:
        with _disk_errors():
            disk = os.statvfs(next(path for path in (self._directory, *self._directory.parents) if path.exists()))
        margin = min(MARGIN, disk.f_blocks * disk.f_frsize // MARGIN_PART)
        return disk.f_bavail * disk.f_frsize - margin


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnknownError(f"Cannot see how much room there is on the disk: {error.strerror}.") from None
