"""The room of an origin."""

from pathlib import Path

import pytest

from swproxy.errors import QuotaExceededError, UnknownError
from swproxy.storage.quota import Quota


class Usage:
    """Of one kind of storage; ``looks``: how often somebody asked."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.looks = 0

    def __call__(self) -> int:
        self.looks += 1
        return self.value


def test_require_adds_up_what_there_is(tmp_path: Path) -> None:
    """Of all kinds together."""
    quota = Quota(1000, tmp_path / "not there yet", {"a": lambda: 300, "b": lambda: 500})
    assert quota.usage() == {"a": 300, "b": 500}
    quota.require(200)
    with pytest.raises(QuotaExceededError, match="1000 bytes"):
        quota.require(201)


def test_reserve_does_not_look_each_time(tmp_path: Path) -> None:
    """While there is much room: near the limit it does."""
    usage = Usage(0)
    quota = Quota(100_000, tmp_path, {"a": usage})
    for _ in range(100):
        quota.reserve(10)
    assert usage.looks == 1
    assert quota.has_room(90_000)
    assert usage.looks == 1
    usage.value = 99_000
    with pytest.raises(QuotaExceededError):
        quota.reserve(50_000)
    assert not quota.has_room(2000)
    usage.value = 0
    quota.forget()
    assert quota.has_room(2000)
    quota.reserve(2000)


def test_a_database_writes_everything_twice(tmp_path: Path) -> None:
    """Into its log and out of that: both need room on the disk, and what is in the log already, too."""
    quota = Quota(1 << 62, tmp_path, {"a": lambda: 0}, lambda: 1 << 60)
    with pytest.raises(QuotaExceededError, match="disk is full"):
        quota.reserve(1)


def test_a_disk_that_does_not_tell(tmp_path: Path) -> None:
    """One sentence, and no OSError."""

    def broken() -> int:
        raise PermissionError(13, "Permission denied")

    quota = Quota(1000, tmp_path, {"a": broken})
    for look in (lambda: quota.require(1), lambda: quota.reserve(1), quota.usage):
        with pytest.raises(UnknownError, match="Permission denied"):
            look()
