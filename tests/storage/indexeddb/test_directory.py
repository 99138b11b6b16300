"""The databases of an origin."""

import subprocess
import sys
from pathlib import Path

import pytest

from swproxy.storage.indexeddb import directory
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.origins import directory_of, origins_in

ORIGIN = "https://a.test:8443"
NAMES = ["b", "", "a\0/..", "x" * 5000, "\ud800", "\U0001f600"]


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return directory_of(tmp_path / "indexeddb", ORIGIN)


def make(origin: Path, name: str, version: int = 1) -> Path:
    path = directory.database_directory(origin, name)
    database = IndexedDatabase.open(path, name, check=False)
    database.begin()
    database.set_version(version)
    database.commit()
    database.close()
    return path


def test_databases(origin: Path) -> None:
    """Names may be anything; they come in the order of code units. Nothing is made by looking."""
    assert directory.databases(origin) == []
    assert (origins_in(origin.parent), directory.usage(origin), directory.sweep(origin)) == ([], 0, [])
    for name in NAMES:
        make(origin, name, len(name) + 1)
    make(origin, "without a version", 0)
    assert directory.databases(origin) == [
        (name, len(name) + 1) for name in ["", "a\0/..", "b", "x" * 5000, "\ud800", "\U0001f600"]
    ]
    assert origins_in(origin.parent) == [ORIGIN]


def test_delete_database(origin: Path) -> None:
    """Whatever its state; it can be made again."""
    path = make(origin, "a")
    make(origin, "b")
    (path / "data.db").write_bytes(b"")
    assert directory.delete_database(origin, "a")
    assert not directory.delete_database(origin, "a")
    assert directory.databases(origin) == [("b", 1)]
    assert len(list(origin.iterdir())) == 1
    make(origin, "a", 2)
    assert directory.databases(origin) == [("a", 2), ("b", 1)]


def test_usage(origin: Path) -> None:
    """Databases, logs and parts."""
    first = make(origin, "a")
    size = directory.usage(origin)
    assert size == sum((first / name).stat().st_size for name in ("data.db", "name"))
    make(origin, "b")
    (first / "data.db-wal").write_bytes(b"x" * 100)
    (first / "parts" / "0123456789abcdef-1000").write_bytes(b"x" * 1000)
    assert directory.usage(origin) == 2 * size + 1100
    assert directory.database_usage(first) == size + 1100


def test_sweep(origin: Path) -> None:
    """What killed processes leave goes, what is damaged stays and is told."""
    path = make(origin, "a")
    damaged = make(origin, "damaged")
    (damaged / "data.db").write_bytes(b"x" * 10_000)
    make(origin, "without a version", 0)
    (origin / "0123.4567.new").mkdir()
    make(origin, "deleted").rename(origin / "0123.4567.gone")
    (path / "parts" / "0123456789abcdef-1000").write_bytes(b"x" * 10)
    (error,) = directory.sweep(origin)
    assert "'damaged' is damaged" in str(error)
    assert sorted(origin.iterdir()) == sorted([path, damaged])
    assert list((path / "parts").iterdir()) == []
    assert directory.databases(origin) == [("a", 1)]
    found = directory.find(origin)
    assert [(each.name, each.error is None) for each in found] == [("a", True), ("damaged", False)]


def test_the_last_one_takes_the_directory_along(origin: Path) -> None:
    """The next sweep, to be exact."""
    make(origin, "a")
    directory.delete_database(origin, "a")
    directory.sweep(origin)
    assert origins_in(origin.parent) == []


def test_looking_takes_no_locks_away(origin: Path) -> None:
    """To open and close the file in a process that has it open would, and another process could write beside it."""
    path = make(origin, "a")
    writer = IndexedDatabase.open(path, "a", check=False)
    writer.begin()
    directory.usage(origin)
    directory.databases(origin)
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], 0, isolation_level=None).execute('BEGIN IMMEDIATE')"
    command = [sys.executable, "-c", script, str(path / "data.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr
    writer.close()
