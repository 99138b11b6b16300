"""The databases of an origin, each in a directory of its own."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from swproxy.errors import SwproxyError
from swproxy.storage.indexeddb import part_files, schema
from swproxy.storage.indexeddb.database import IndexedDatabase, reusable_bytes
from swproxy.storage.indexeddb.failures import failure


@dataclass(frozen=True, slots=True)
class Found:
    """A database on disk, or what keeps it from being read. The name may be a guess then."""

    name: str
    version: int
    directory: Path
    error: SwproxyError | None = None


def database_directory(origin_directory: Path, name: str) -> Path:
    """Where the database of that name is, or may be made.

    No path is used twice: what somebody still has open of a database that was deleted cannot be taken for a part of
    the next one of that name.
    """
    digest = hashlib.sha256(schema.encode_name(name)).hexdigest()[:32]
    for path in _directories(origin_directory):
        if path.stem == digest:
            return path
    return origin_directory / f"{digest}.{secrets.token_hex(4)}"


def _directories(origin_directory: Path) -> Iterator[Path]:
    """Of all databases, also of unfinished ones."""
    if origin_directory.is_dir():
        for path in origin_directory.iterdir():
            if path.suffix not in (schema.NEW, schema.GONE) and path.is_dir():
                yield path


def find(origin_directory: Path) -> list[Found]:
    """All databases, also those that cannot be read, by their names; none that has not got a version yet."""
    found = []
    for path in _directories(origin_directory):
        try:
            database = IndexedDatabase.open_existing(path)
        except SwproxyError as error:
            if path.is_dir():  # else somebody has just deleted it
                found.append(Found(schema.known_name(path), 0, path, error))
            continue
        if database.version:
            found.append(Found(database.name, database.version, path))
        database.close()
    return sorted(found, key=lambda each: schema.encode_name(each.name))


def databases(origin_directory: Path) -> list[tuple[str, int]]:
    """Names and versions (https://w3c.github.io/IndexedDB/#dom-idbfactory-databases) of those that can be read."""
    return [(each.name, each.version) for each in find(origin_directory) if each.error is None]


def version_of(origin_directory: Path, name: str) -> int | None:
    """The version of a database: 0 if it cannot be read, None if there is none."""
    directory = database_directory(origin_directory, name)
    if not directory.is_dir():
        return None
    try:
        database = IndexedDatabase.open_existing(directory)
    except SwproxyError:
        return 0
    version = database.version
    database.close()
    return version


def delete_database(origin_directory: Path, name: str) -> bool:
    """Deletes a database, at once and as a whole, whatever its state: whether there was one. Nobody may have it open.

    Raises:
        UnknownError: the file system does not let us.
    """
    return delete_directory(database_directory(origin_directory, name), name)


def delete_directory(directory: Path, name: str) -> bool:
    """The same by its directory; the name is for errors."""
    gone = directory.with_name(f"{directory.name}.{secrets.token_hex(4)}{schema.GONE}")
    try:
        os.rename(directory, gone)  # noqa: PTH104
    except FileNotFoundError:
        return False
    except OSError as error:
        raise failure(name, error) from None
    shutil.rmtree(gone, ignore_errors=True)
    return True


def logged(origin_directory: Path) -> int:
    """Bytes in the logs, which will go into the databases."""
    total = 0
    for path in _directories(origin_directory):
        with suppress(OSError):
            total += (path / f"{schema.FILE}-wal").stat().st_size
    return total


def usage(origin_directory: Path) -> int:
    """Bytes on disk, of all databases."""
    return sum(database_usage(path) for path in _directories(origin_directory))


def database_usage(directory: Path) -> int:
    """Bytes on disk, of one database; pages that this process will use again do not count."""
    total = part_files.total_size(f"{directory}/{schema.PARTS}") - reusable_bytes(directory)
    for name in (schema.FILE, f"{schema.FILE}-wal", schema.NAME):
        # Never by opening it: closing it again would take away the locks that SQLite has in this process.
        with suppress(OSError):
            total += os.stat(f"{directory}/{name}").st_size  # noqa: PTH116, called often
    return max(total, 0)


def sweep(origin_directory: Path) -> list[SwproxyError]:
    """Removes what killed processes have left: half a database, one without a version, files of no record.

    Nobody else may use the databases of the origin meanwhile.

    Returns:
        about those that cannot be used, and stay as they are.
    """
    if not origin_directory.is_dir():
        return []
    for path in origin_directory.iterdir():
        if path.suffix in (schema.NEW, schema.GONE):
            shutil.rmtree(path, ignore_errors=True)
    errors = []
    for path in list(_directories(origin_directory)):
        try:
            database = IndexedDatabase.open_existing(path)
            try:
                if database.version:
                    database.sweep()
            finally:
                database.close()
            if not database.version:
                delete_directory(path, database.name)
        except SwproxyError as error:
            errors.append(error)
    with suppress(OSError):  # it has databases
        origin_directory.rmdir()
    return errors
