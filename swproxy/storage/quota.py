"""The room that an origin has on the disk (https://storage.spec.whatwg.org/#usage-and-quota)."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from swproxy.errors import QuotaExceededError

# So many bytes of the disk, or this part of a small one, are left free: to read and to delete takes some, too.
MARGIN = 1 << 22
MARGIN_PART = 16
DISK_FULL = "The disk is full: free some space."
# Seconds for which a usage is good enough to add to what was written since.
FRESH = 1.0


class Quota:
    """The quota of an origin, and what of it is used.

    Args:
        limit: bytes.
        directory: of the origin, which need not be there yet.
        usages: name of what there is -> its bytes on the disk, now.
    """

    def __init__(self, limit: int, directory: Path, usages: Mapping[str, Callable[[], int]]) -> None:
        self.limit = limit
        self._directory = directory
        self._usages = usages
        self._known = 0
        self._known_at = -FRESH
        self._reserved = 0

    def usage(self) -> dict[str, int]:
        """Bytes on disk, by name."""
        return {name: usage() for name, usage in self._usages.items()}

    def require(self, size: int, *, on_disk: int = 0, logged: int = 0) -> None:
        """Makes sure that there is room for ``size`` more bytes.

        Args:
            on_disk: how many of them are on the disk already.
            logged: how many others will still be written, of what is there.

        Raises:
            QuotaExceededError: they are more than the quota, or the disk would be too full.
        """
        self._known, self._known_at, self._reserved = sum(self.usage().values()), time.monotonic(), 0
        self._check(size, on_disk, logged)

    def reserve(self, size: int) -> None:
        """As ``require``, often: adds up for a moment what is written, and does not look each time."""
        self._reserved += size
        too_much = self._known + self._reserved > self.limit
        if too_much or self._reserved > MARGIN or time.monotonic() - self._known_at > FRESH:
            self.require(size)

    def _check(self, size: int, on_disk: int, logged: int) -> None:
        if self._known + size > self.limit:
            raise QuotaExceededError(f"The origin's quota of {self.limit} bytes would be exceeded.")
        disk = os.statvfs(next(path for path in (self._directory, *self._directory.parents) if path.exists()))
        margin = min(MARGIN, disk.f_blocks * disk.f_frsize // MARGIN_PART)
        if disk.f_bavail * disk.f_frsize < size - on_disk + logged + margin:
            raise QuotaExceededError(DISK_FULL)
