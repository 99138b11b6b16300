"""A database on disk: transactions, upgrades, key generators, constraints."""

import math
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disks import fill, no_descriptors

from swproxy.errors import ConstraintError, DatabaseDamaged, ProfileError, QuotaExceededError, UnknownError
from swproxy.storage.bodies import MEMORY_LIMIT, BytesBody, CompleteBody, FileBody
from swproxy.storage.indexeddb import values
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.directory import database_usage
from swproxy.storage.indexeddb.keys import Key, decode_key, encode_key
from swproxy.storage.indexeddb.reading import KeyRange, Source
from swproxy.storage.indexeddb.schema import IndexInfo, StoreInfo
from swproxy.storage.indexeddb.values import INLINE_LIMIT, StoredValue, encode_json

NAME = "name \ud800 \U0001f600"
LARGE = bytes(range(256)) * (INLINE_LIMIT // 256 + 1)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "origin" / "database"


@pytest.fixture
def opened(directory: Path) -> Iterator[Callable[[], IndexedDatabase]]:
    """Opens the database once more."""
    databases = []

    def open_() -> IndexedDatabase:
        databases.append(IndexedDatabase.open(directory, NAME, check=True))
        return databases[-1]

    yield open_
    for database in databases:
        database.close()


@pytest.fixture
def database(opened: Callable[[], IndexedDatabase]) -> IndexedDatabase:
    """With a store of the id 1 that has the unique index 2 and the index 3."""
    database = opened()
    database.begin()
    assert database.create_store("s", "id", True) == 1
    assert database.create_index(1, "u", "u", True, False) == 2
    assert database.create_index(1, "m", ["a", "b"], False, True) == 3
    database.set_version(7)
    database.commit()
    return database


def put(
    database: IndexedDatabase, key: Key, text: str = "1", overwrite: bool = True, **index_keys: list[Key]
) -> None:
    """Within a transaction; ``u`` and ``m`` are the keys of these indexes."""
    encoded = [
        ({"u": 2, "m": 3}[name], [encode_key(index_key) for index_key in keys]) for name, keys in index_keys.items()
    ]
    database.put(1, encode_key(key), StoredValue(text, True), encoded, overwrite=overwrite)


def content(database: IndexedDatabase) -> dict[Key, str]:
    rows = database.rows(Source(1), KeyRange(), "next", None, values=True)
    return {decode_key(row.key): row.value.text for row in rows if row.value is not None}


def indexed(database: IndexedDatabase, index: int) -> list[tuple[Key, Key]]:
    rows = database.rows(Source(1, index), KeyRange(), "next", None, values=True)
    return [(decode_key(row.key), decode_key(row.primary_key)) for row in rows]


def only(key: Key) -> KeyRange:
    return KeyRange.only(encode_key(key))


def files(directory: Path) -> list[Path]:
    return sorted((directory / "parts").iterdir())


def test_what_is_committed_is_there_again(
    database: IndexedDatabase, opened: Callable[[], IndexedDatabase], directory: Path
) -> None:
    """In another connection and after all are closed: stores, records, indexes."""
    database.begin(strict=True)
    put(database, 1, '{"a":"\ud800é"}', u=["x"], m=[1, 2])
    database.commit()
    other = opened()
    database.close()
    other.close()
    assert sorted(path.name for path in directory.iterdir()) == ["data.db", "name", "parts"]
    again = opened()
    assert (again.name, again.version) == (NAME, 7)
    indexes = [IndexInfo(2, "u", "u", True, False), IndexInfo(3, "m", ["a", "b"], False, True)]
    assert again.stores() == [StoreInfo(1, "s", "id", True, indexes)]
    assert content(again) == {1: '{"a":"\ud800é"}'}
    assert (indexed(again, 2), indexed(again, 3)) == ([("x", 1)], [(1, 1), (2, 1)])


def test_a_new_database_has_the_version_0(opened: Callable[[], IndexedDatabase], directory: Path) -> None:
    """And no stores."""
    database = opened()
    assert (database.version, database.stores()) == (0, [])
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]


def test_roll_back_undoes_an_upgrade(database: IndexedDatabase) -> None:
    """Everything that it has done, on disk and in memory."""
    database.begin()
    put(database, 1, u=["x"], m=[1])
    database.commit()
    before = repr(database.stores())
    database.begin()
    database.set_version(8)
    database.rename_store(1, "new")
    database.rename_index(2, "new")
    other = database.create_store("other", ["a", "b"], False)
    database.put_many(other, [(encode_key(1), encode_json("1"))])
    database.delete_index(3)
    assert [index.name for index in database.stores()[0].indexes] == ["new"]
    database.delete_store(1)
    assert [store.name for store in database.stores()] == ["other"]
    database.roll_back()
    assert (database.version, repr(database.stores())) == (7, before)
    assert (content(database), indexed(database, 3)) == ({1: "1"}, [(1, 1)])


def test_ids_are_not_used_again(database: IndexedDatabase, opened: Callable[[], IndexedDatabase]) -> None:
    """Those of deleted stores and indexes; a new index of an old name is empty."""
    database.begin()
    put(database, 1, m=[1])
    database.delete_index(3)
    index = database.create_index(1, "m", "m", False, False)
    assert index > 3
    assert indexed(database, index) == []
    put(database, 1, m=[])
    database.delete_store(1)
    database.commit()
    database.close()
    again = opened()
    again.begin()
    assert again.create_store("s", None, False) > index


def test_a_constraint_leaves_nothing_behind(database: IndexedDatabase) -> None:
    """A key that is there, or a unique index's key of another record: the transaction may go on."""
    database.begin()
    put(database, 1, u=["x"], m=[1])
    put(database, 2, u=["y"])
    with pytest.raises(ConstraintError):
        put(database, 1, "2", overwrite=False, m=[5])
    with pytest.raises(ConstraintError, match="'u'"):
        put(database, 2, "2", m=[5], u=["z", "x"])
    database.commit()
    assert content(database) == {1: "1", 2: "1"}
    assert (indexed(database, 2), indexed(database, 3)) == ([("x", 1), ("y", 2)], [(1, 1)])


def test_a_replaced_record_leaves_its_index_keys(database: IndexedDatabase) -> None:
    """It may keep some of them; deleting and clearing take all."""
    database.begin()
    put(database, 1, u=["x"], m=[1, 2, 2])
    put(database, 2, u=["y"], m=[1])
    put(database, 1, "2", u=["x"], m=[2, 3])
    assert indexed(database, 3) == [(1, 2), (2, 1), (3, 1)]
    database.delete(1, KeyRange(encode_key(1), encode_key(2), upper_open=True))
    assert (indexed(database, 2), indexed(database, 3)) == ([("y", 2)], [(1, 2)])
    database.clear(1)
    assert (content(database), indexed(database, 2), indexed(database, 3)) == ({}, [], [])
    database.commit()


def test_filling_a_new_index(database: IndexedDatabase) -> None:
    """In batches of the store's records; what it got goes with the record."""
    database.begin()
    for number in range(5):
        put(database, number, m=[0])
    index = database.create_index(1, "n", "n", True, True)
    last = None
    while batch := database.rows(Source(1), KeyRange(last, None, lower_open=True), "next", 2, values=True):
        entries = [(encode_key((decode_key(row.key), end)), row.key) for row in batch for end in "ab"]
        database.add_index_entries(index, entries)
        last = batch[-1].key
    assert len(indexed(database, index)) == 10
    with pytest.raises(ConstraintError, match="'n'"):
        database.add_index_entries(index, [(encode_key((0, "a")), encode_key(1))])
    database.delete(1, KeyRange(encode_key(1)))
    assert indexed(database, index) == [((0, "a"), 0), ((0, "b"), 0)]
    assert indexed(database, 3) == [(0, 0)]


def test_key_generator(database: IndexedDatabase, opened: Callable[[], IndexedDatabase]) -> None:
    """It rises with numbers that are used as keys, is kept by commit and forgotten by a rollback."""
    database.begin()
    assert [database.generate_key(1) for _ in range(2)] == [1, 2]
    for number in (-math.inf, -5, 2, 2.9):
        database.advance_generator(1, number)
        assert database.current_number(1) == 3
    database.advance_generator(1, 3.5)
    assert database.generate_key(1) == 4
    database.clear(1)
    database.commit()
    database.begin()
    assert database.generate_key(1) == 5
    database.restore_number(1, 5)
    assert database.generate_key(1) == 5
    database.roll_back()
    database.close()
    again = opened()
    again.begin()
    assert again.generate_key(1) == 5


@pytest.mark.parametrize("number", [2.0**53, 2.0**53 - 1, 1e300, math.inf])
def test_a_key_generator_ends(database: IndexedDatabase, number: float) -> None:
    """After 2 to the power of 53."""
    database.begin()
    database.advance_generator(1, number)
    if number == 2.0**53 - 1:
        assert database.generate_key(1) == 2**53
    for _ in range(2):
        with pytest.raises(ConstraintError):
            database.generate_key(1)
    database.commit()
    assert database.current_number(1) == 2**53 + 1


def test_put_many(database: IndexedDatabase) -> None:
    """Overwrites, also values that have files."""
    database.begin()
    store = database.create_store("plain", None, False)
    key = encode_key(1)
    database.put(store, key, StoredValue("[1]", False, [BytesBody(LARGE)]), [], overwrite=False)
    database.commit()
    database.begin()
    database.put_many(store, [(key, encode_json("1")), (key, encode_json("2", inject=True))])
    database.commit()
    (row,) = database.rows(Source(store), KeyRange(), "next", None, values=True)
    assert row.value == StoredValue("2", True, [], True)
    assert database.stores()[1].name == "plain"


# Parts


def put_parts(database: IndexedDatabase, key: Key, *parts: CompleteBody) -> None:
    database.put(1, encode_key(key), StoredValue("[1,2]", False, list(parts), True), [], overwrite=True)


def parts_of(database: IndexedDatabase, key: Key) -> list[bytes]:
    (row,) = database.rows(Source(1), only(key), "next", 1, values=True)
    assert row.value is not None
    assert (row.value.text, row.value.is_json, row.value.inject) == ("[1,2]", False, True)
    found = [part.read(0, part.size) for part in row.value.parts]
    for part in row.value.parts:
        part.close()
    return found


def test_parts(database: IndexedDatabase, directory: Path, tmp_path: Path) -> None:
    """Small ones are in the row, others in files; those that do not fit memory are not read into it."""
    huge = b"x" * (MEMORY_LIMIT + 1)
    (tmp_path / "huge").write_bytes(b"yy" + huge)
    with (tmp_path / "huge").open("rb") as file:
        database.begin(strict=True)
        put_parts(database, 1, BytesBody(b"small"), BytesBody(LARGE), FileBody(file, 2, len(huge)), BytesBody(b""))
        database.commit()
    assert parts_of(database, 1) == [b"small", LARGE, huge, b""]
    assert sorted(path.stat().st_size for path in files(directory)) == [len(LARGE), len(huge)]
    assert database_usage(directory) > len(LARGE) + len(huge)
    (row,) = database.rows(Source(1), only(1), "next", 1, values=True)
    assert row.value is not None
    assert [type(part) for part in row.value.parts] == [BytesBody, BytesBody, FileBody, BytesBody]
    row.value.parts[2].close()


def test_files_go_with_their_records(database: IndexedDatabase, directory: Path) -> None:
    """Once that is committed: replaced, deleted, cleared, or their store deleted. A rollback takes new ones only."""
    database.begin()
    put_parts(database, 1, BytesBody(LARGE))
    database.commit()
    changes: list[Callable[[], None]] = [
        lambda: put_parts(database, 1, BytesBody(LARGE + b"!")),
        lambda: database.delete(1, only(1)),
        lambda: database.clear(1),
        lambda: database.delete_store(1),
    ]
    for change in changes:
        database.begin()
        before = files(directory)
        change()
        put_new = change is changes[0]
        assert len(files(directory)) == 2 if put_new else files(directory) == before
        database.roll_back()
        assert files(directory) == before
        database.begin()
        change()
        database.commit()
        assert len(files(directory)) == (1 if put_new else 0)
        if not put_new and database.stores():
            database.begin()
            put_parts(database, 1, BytesBody(LARGE))
            database.commit()


def test_sweep(database: IndexedDatabase, directory: Path) -> None:
    """Files of no record go."""
    database.begin()
    put_parts(database, 1, BytesBody(LARGE))
    database.commit()
    (directory / "parts" / "0123456789abcdef-5").write_bytes(b"12345")
    database.sweep()
    assert len(files(directory)) == 1
    assert parts_of(database, 1) == [LARGE]


# Failures

CHILD = """
import os, sys
from pathlib import Path
from swproxy.storage.bodies import BytesBody
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.keys import encode_key
from swproxy.storage.indexeddb.values import StoredValue
database = IndexedDatabase.open(Path(sys.argv[1]), sys.argv[2].encode().decode("unicode-escape"), check=False)
def transaction(text, *numbers):
    database.begin(strict=False)
    for number in numbers:
        value = StoredValue(text, False, [BytesBody(b"x" * 40_000)])
        database.put(1, encode_key(number), value, [(3, [encode_key(number)])], overwrite=True)
    database.generate_key(1)
transaction("old", 1)
database.commit()
transaction("new", *range(1, 300))
print("ready", flush=True)
sys.stdin.read()
"""


def test_kill(database: IndexedDatabase, opened: Callable[[], IndexedDatabase], directory: Path) -> None:
    """What was committed is there; what was not has never been, and the next transaction begins at once."""
    name = NAME.encode("unicode-escape").decode()
    command = [sys.executable, "-c", CHILD, str(directory), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.kill()
    assert len(files(directory)) == 300
    for each in (database, opened()):
        each.begin()
        assert (content(each), indexed(each, 3), each.current_number(1)) == ({1: "old"}, [(1, 1)], 2)
        each.commit()
    database.sweep()
    assert len(files(directory)) == 1


def test_one_writer_at_a_time(database: IndexedDatabase, opened: Callable[[], IndexedDatabase]) -> None:
    """Another waits, and gives up some time. Readers do not wait, and see what is committed."""
    other = opened()
    other._execute("PRAGMA busy_timeout = 10")
    database.begin()
    put(database, 1)
    assert content(other) == {}
    with pytest.raises(UnknownError, match="busy"):
        other.begin()
    database.commit()
    other.begin()
    assert content(other) == {1: "1"}


@pytest.mark.parametrize("large", [False, True])
def test_full_disk(small_disk: Path, large: bool) -> None:
    """Rows or files: an error that says so. What was there stays, and after some deleting all goes on."""
    directory = small_disk / "database"
    database = IndexedDatabase.open(directory, "x", check=False)
    database.begin()
    database.create_store("s", None, False)
    put(database, 0)
    database.commit()
    filler = fill(small_disk)
    database.begin()

    def put_much() -> None:
        for number in range(100):
            put_parts(database, number, BytesBody(LARGE if large else LARGE[: INLINE_LIMIT - 1]))
        database.commit()

    with pytest.raises(QuotaExceededError, match="disk is full"):
        put_much()
    database.roll_back()
    assert content(database) == {0: "1"}
    assert files(directory) == []
    filler.unlink()
    database.begin()
    put(database, 1)
    database.commit()
    assert content(database) == {0: "1", 1: "1"}
    database.close()
    assert content(IndexedDatabase.open(directory, "x", check=True)) == {0: "1", 1: "1"}


def test_a_transaction_that_sqlite_has_ended(database: IndexedDatabase) -> None:
    """Nothing more is written by it, and it cannot be committed."""
    database.begin()
    put(database, 1)
    database._execute("ROLLBACK")
    with pytest.raises(UnknownError):
        put(database, 2)
    with pytest.raises(UnknownError):
        database.commit()
    database.begin()
    database.commit()
    assert content(database) == {}


def test_no_descriptors(database: IndexedDatabase, directory: Path) -> None:
    """An error that says so."""
    database.begin()
    put_parts(database, 1, BytesBody(LARGE))
    database.commit()
    with no_descriptors(), pytest.raises(UnknownError, match="open files"):
        parts_of(database, 1)
    with no_descriptors(), pytest.raises(UnknownError, match="unable to open"):
        IndexedDatabase.open(directory, NAME, check=False)


def test_deleting_frees_space(database: IndexedDatabase, directory: Path) -> None:
    """On disk, by the time that all is closed."""
    database.begin()
    for number in range(500):
        put(database, number, '"' + "x" * 4000 + '"')
    database.commit()
    database.begin()
    database.clear(1)
    database.commit()
    database.close()
    assert database_usage(directory) < 200_000


def test_a_newer_version(database: IndexedDatabase, directory: Path) -> None:
    """It is not damage: nobody is told to delete it."""
    database._execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ProfileError, match="newer"):
        IndexedDatabase.open(directory, NAME, check=False)


def test_what_sqlite_raises_is_translated(database: IndexedDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is."""

    def fail(*arguments: Any) -> Any:
        raise sqlite3.OperationalError("something else")

    monkeypatch.setattr(database._reader, "count", fail)
    with pytest.raises(UnknownError, match="something else"):
        database.count(Source(1), KeyRange())
    assert values.encode_json("1") == b"J1"


class Alarm(BaseException):
    """What ends a turn that takes too long."""


@pytest.mark.parametrize("is_done", [True, False])
def test_an_alarm_in_a_commit(
    database: IndexedDatabase, opened: Callable[[], IndexedDatabase], is_done: bool
) -> None:
    """All is there or nothing: the files of parts, too."""
    execute = database._execute

    def interrupted(statement: str, *parameters: Any) -> Any:
        if statement != "COMMIT":
            return execute(statement, *parameters)
        if is_done:
            execute(statement)
        raise Alarm

    database.begin()
    put_parts(database, 1, BytesBody(b"x" * (INLINE_LIMIT + 1)))
    database._execute = interrupted  # type: ignore[assignment]
    with pytest.raises(Alarm):
        database.commit()
    database._execute = execute
    again = opened()
    if is_done:
        assert parts_of(again, 1) == [b"x" * (INLINE_LIMIT + 1)]
    else:
        assert content(again) == {}


def test_a_file_that_was_removed(database: IndexedDatabase, directory: Path) -> None:
    """Nothing is written to what would be lost."""
    (directory / "data.db").unlink()
    with pytest.raises(DatabaseDamaged, match=r"data\.db was removed"):
        database.begin()


def test_the_log_stays_small(database: IndexedDatabase, directory: Path) -> None:
    """A large transaction goes into the database at once."""
    database.begin()
    for number in range(100):
        put(database, number, "x" * 100_000)
    database.commit()
    assert (directory / "data.db-wal").stat().st_size == 0
