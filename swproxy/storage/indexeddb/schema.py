"""The tables of a database, how one begins, and what is known of its stores without a look at records."""

import json
import os
import secrets
import shutil
import sqlite3
from pathlib import Path

import msgspec

from swproxy.errors import ProfileError
from swproxy.storage.indexeddb.failures import BUSY_TIMEOUT, RAISED, damaged, failure, require_file

FILE = "data.db"
PARTS = "parts"
# For people, and for when the database itself cannot say it any more.
NAME = "name"
# A directory with one of these is still, or not any more, a database.
NEW, GONE = ".new", ".gone"

KeyPath = str | list[str] | None

_VERSION = 1
# ``records`` has row numbers: without them a row of a kilobyte would take a page of its own.
_TABLES = """
CREATE TABLE database (name BLOB NOT NULL, version INTEGER NOT NULL, last_id INTEGER NOT NULL);
CREATE TABLE stores (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL,
    key_path TEXT NOT NULL,
    auto_increment INTEGER NOT NULL,
    current_number INTEGER NOT NULL
);
CREATE TABLE indexes (
    id INTEGER PRIMARY KEY,
    store INTEGER NOT NULL,
    name BLOB NOT NULL,
    key_path TEXT NOT NULL,
    is_unique INTEGER NOT NULL,
    multi_entry INTEGER NOT NULL
);
CREATE TABLE records (
    number INTEGER PRIMARY KEY,
    store INTEGER NOT NULL,
    key BLOB NOT NULL,
    index_keys BLOB,
    value BLOB NOT NULL
);
CREATE UNIQUE INDEX records_by_key ON records (store, key);
CREATE TABLE index_records (
    "index" INTEGER NOT NULL,
    key BLOB NOT NULL,
    primary_key BLOB NOT NULL,
    PRIMARY KEY ("index", key, primary_key)
) WITHOUT ROWID;
CREATE TABLE files (
    store INTEGER NOT NULL,
    key BLOB NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (store, key, name)
) WITHOUT ROWID;
"""
_SETTINGS = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = -1024",  # KiB
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = OFF",  # Debian's default writes all that is deleted once more: on a full disk, too
    "PRAGMA journal_size_limit = 1048576",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
)


class IndexInfo(msgspec.Struct):
    """An index of a store."""

    id: int
    name: str
    key_path: str | list[str]
    unique: bool
    multi_entry: bool


class StoreInfo(msgspec.Struct):
    """An object store; ``key_path`` is None for out-of-line keys."""

    id: int
    name: str
    key_path: KeyPath
    auto_increment: bool
    indexes: list[IndexInfo]


def identity(path: str) -> tuple[int, int]:
    """Of a file, whatever its name is later."""
    found = os.stat(path)  # noqa: PTH116, at each transaction
    return found.st_dev, found.st_ino


def is_same_file(path: str, known: tuple[int, int]) -> bool:
    """Whether the path still leads to the file that had that identity."""
    try:
        return identity(path) == known
    except OSError:
        return False


def encode_name(name: str) -> bytes:
    """Names are any code units."""
    return name.encode("utf-16-be", "surrogatepass")


def decode_name(data: bytes) -> str:
    return data.decode("utf-16-be", "surrogatepass")


def create(directory: Path, name: str) -> None:
    """Makes an empty database of version 0. Killed before its end, it leaves nothing with the directory's name.

    Raises:
        OSError, sqlite3.Error: that cannot be done.
    """
    new = directory.with_name(f"{directory.name}.{secrets.token_hex(4)}{NEW}")
    new.mkdir(mode=0o700, parents=True)
    try:
        (new / PARTS).mkdir(mode=0o700)
        (new / NAME).write_bytes(encode_name(name))
        connection = sqlite3.connect(new / FILE, isolation_level=None)
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only before the first table
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # there is one at the end
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}")
            connection.execute("INSERT INTO database VALUES (?, 0, 0)", (encode_name(name),))
            connection.execute("COMMIT")
        finally:
            connection.close()
        _sync(new / FILE)
        os.rename(new, directory)  # noqa: PTH104
        for path in (directory.parent, directory.parent.parent):
            _sync(path)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _sync(path: Path) -> None:
    """What a file or a directory has is on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def known_name(directory: Path) -> str:
    """What the directory says, without a look into the database."""
    try:
        return decode_name((directory / NAME).read_bytes())
    except (OSError, UnicodeDecodeError):
        return directory.name


def connect(directory: Path, name: str, *, check: bool) -> sqlite3.Connection:
    """A connection to a database that is there.

    Raises:
        DatabaseDamaged: it is not as it was written.
        ProfileError: a newer version of the program has made it.
        SwproxyError: it cannot be opened.
    """
    path = directory / FILE
    require_file(name, path)
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
        )
    except RAISED as error:
        raise failure(name, error) from None
    try:
        _prepare(connection, name, check=check)
    except RAISED as error:
        connection.close()
        raise failure(name, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, name: str, *, check: bool) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise ProfileError(f"The IndexedDB database '{name}' was written by a newer swproxy: upgrade this one.")
    if version != _VERSION:
        raise damaged(name, "it has no tables")
    if check:
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise damaged(name, said.replace("\n", " "))


def read_database(connection: sqlite3.Connection, name: str) -> tuple[str, int]:
    """The name and the version that are inside.

    Raises:
        DatabaseDamaged: there are none.
    """
    row = connection.execute("SELECT name, version FROM database").fetchone()
    try:
        return decode_name(row[0]), int(row[1])
    except (TypeError, ValueError, AttributeError):
        raise damaged(name, "it has no name") from None


def read_stores(connection: sqlite3.Connection, name: str) -> dict[int, StoreInfo]:
    """The stores by their ids, in order of creation.

    Raises:
        DatabaseDamaged: what is said of one cannot be meant.
    """
    stores: dict[int, StoreInfo] = {}
    try:
        for number, text, key_path, auto_increment in connection.execute(
            "SELECT id, name, key_path, auto_increment FROM stores ORDER BY id"
        ):
            path = msgspec.convert(json.loads(key_path), KeyPath)
            stores[number] = StoreInfo(number, decode_name(text), path, bool(auto_increment), [])
        for number, store, text, key_path, unique, multi_entry in connection.execute(
            "SELECT id, store, name, key_path, is_unique, multi_entry FROM indexes ORDER BY id"
        ):
            path = msgspec.convert(json.loads(key_path), str | list[str])
            stores[store].indexes.append(IndexInfo(number, decode_name(text), path, bool(unique), bool(multi_entry)))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged(name, "its stores cannot be read") from None
    return stores
