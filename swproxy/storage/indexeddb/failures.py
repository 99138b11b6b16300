"""What SQLite and the disk say, as errors that a script or a person can act on."""

import errno
import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from swproxy.errors import DatabaseDamaged, QuotaExceededError, SwproxyError, UnknownError
from swproxy.storage.indexeddb.values import Garbage

BUSY_TIMEOUT = 5.0  # seconds

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_MISMATCH)
# Those of the codes of "disk I/O error" that speak of what has been read. A full disk has others.
_BAD_READS = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
_FULL = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE),
    *(sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMMAP),
)

# What SQLite, files and values raise. A message of SQLite that quotes garbage cannot be decoded.
RAISED = (sqlite3.Error, OSError, Garbage, UnicodeDecodeError)


class _Named(Protocol):
    """A database that can say which one it is."""

    @property
    def name(self) -> str: ...


P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D", bound=_Named)


def damaged(name: str, reason: object) -> DatabaseDamaged:
    """The error about a database that cannot be read."""
    return DatabaseDamaged(
        f"The IndexedDB database '{name}' is damaged ({reason}): delete it, as `swproxy db rm` does, "
        "and let the site fill it again."
    )


def failure(name: str, error: Exception) -> SwproxyError:
    """What one of ``RAISED`` means for the database of that name."""
    if isinstance(error, Garbage):
        return damaged(name, error)
    if isinstance(error, UnicodeDecodeError) or "Could not decode" in str(error):
        return damaged(name, "it has text that is none")
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return QuotaExceededError("The disk is full: free some space.")
        return UnknownError(f"Cannot use the files of the IndexedDB database '{name}': {error.strerror}.")
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    kind = code & 0xFF
    if kind in _DAMAGE or code in _BAD_READS or (kind == sqlite3.SQLITE_ERROR and "no such" in str(error)):
        return damaged(name, error)
    if code in _FULL:
        return QuotaExceededError("The disk is full: free some space.")
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UnknownError(
            f"The IndexedDB database '{name}' has been busy for {BUSY_TIMEOUT:.0f} seconds: try again."
        )
    return UnknownError(f"Cannot use the IndexedDB database '{name}': {error}.")


def translated(method: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
    """Of what SQLite and the disk raise, nothing leaves the method as it is."""

    @functools.wraps(method)
    def call(self: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except RAISED as error:
            raise failure(self.name, error) from None

    return call


def require_file(name: str, path: Path) -> None:
    """SQLite cannot open what is not there.

    Raises:
        DatabaseDamaged: somebody has removed it.
    """
    if not path.is_file():
        raise damaged(name, f"{path.name} is missing")
