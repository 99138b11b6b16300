"""A database (https://w3c.github.io/IndexedDB/#database-construct): one connection to one SQLite file.

Who schedules the transactions is somebody else. Writers of one database come one after the other; readers need no
transaction: what they read, nobody writes meanwhile.
"""

import json
import math
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from swproxy.errors import ConstraintError, UnknownError
from swproxy.storage.bodies import CompleteBody
from swproxy.storage.indexeddb import schema
from swproxy.storage.indexeddb.failures import BUSY_TIMEOUT, RAISED, damaged, failure, translated
from swproxy.storage.indexeddb.part_files import PartFiles
from swproxy.storage.indexeddb.reading import Cursor, Direction, KeyRange, Reader, Row, Source
from swproxy.storage.indexeddb.schema import IndexInfo, KeyPath, StoreInfo
from swproxy.storage.indexeddb.values import StoredValue, decode_value
from swproxy.storage.indexeddb.writing import IndexKeys, Writer

# Bytes: SQLite itself empties its log when it has about so many.
LOG_LIMIT = 1 << 22
# The current number of a key generator that has used up its numbers is greater.
_LAST_NUMBER = 1 << 53
# Free pages that are never worth the time of giving them back.
_KEPT_FREE = 64
# Pages that are given back at a time.
_STEP = 256


_opened: WeakSet["IndexedDatabase"] = WeakSet()  # of this process


def reusable_bytes(directory: Path) -> int:
    """Of the database in a directory, the bytes that need not grow the file; 0 if this process has not opened it."""
    return max((each.free_bytes() for each in _opened if each.directory == directory), default=0)


class IndexedDatabase:
    """An open database.

    Raises (every method):
        DatabaseDamaged: it is not as it was written.
        QuotaExceededError: the disk is full.
        UnknownError: something else keeps the files from being used.
    """

    def __init__(self, directory: Path, name: str, connection: sqlite3.Connection) -> None:
        """Use ``open`` or ``open_existing``."""
        self.name = name
        self._connection = connection
        self._execute = connection.execute
        self.directory = directory
        self._path = str(directory / schema.FILE)
        self._log = f"{self._path}-wal"
        self._identity = schema.identity(self._path)
        self._files = PartFiles(directory / schema.PARTS)
        self._reader = Reader(connection, lambda data: decode_value(data, self._files.open))
        self._writer = Writer(connection, self._write_file, self._doom)
        self._version = 0
        self._stores: dict[int, StoreInfo] = {}
        self._synchronous = "NORMAL"
        self._is_strict = False
        self._begun = False
        # Of the transaction: current numbers, files that it has written or that it needs no more.
        self._generators: dict[int, int] = {}
        self._written: list[str] = []
        self._doomed: list[str] = []
        self._has_upgraded = False
        self._has_deleted = False

    @classmethod
    def open(cls, directory: Path, name: str, *, check: bool) -> "IndexedDatabase":
        """The database of that name, made with the version 0 if there is none.

        Args:
            directory: of this database; see ``directory.database_directory``.
            check: look for damage everywhere. This reads all of it.

        Raises:
            ProfileError: a newer swproxy has written it.
        """
        if not directory.is_dir():
            try:
                schema.create(directory, name)
            except RAISED as error:
                raise failure(name, error) from None
        return cls._open(directory, name, check=check)

    @classmethod
    def open_existing(cls, directory: Path, *, check: bool = False) -> "IndexedDatabase":
        """The database in a directory, whatever its name; else as ``open``."""
        return cls._open(directory, None, check=check)

    @classmethod
    def _open(cls, directory: Path, name: str | None, *, check: bool) -> "IndexedDatabase":
        shown = schema.known_name(directory) if name is None else name
        connection = schema.connect(directory, shown, check=check)
        try:
            inside, _ = schema.read_database(connection, shown)
            if name not in (None, inside):
                raise damaged(shown, "it is another one")
            database = cls(directory, inside, connection)
            database._read_schema()
            _opened.add(database)
        except RAISED as error:
            connection.close()
            raise failure(shown, error) from None
        except BaseException:
            connection.close()
            raise
        return database

    def _read_schema(self) -> None:
        _, self._version = schema.read_database(self._connection, self.name)
        self._stores = schema.read_stores(self._connection, self.name)

    @property
    def version(self) -> int:
        """0 until the first upgrade is committed."""
        return self._version

    def stores(self) -> list[StoreInfo]:
        """In order of creation; so are the indexes of each."""
        return list(self._stores.values())

    def free_bytes(self) -> int:
        """Of pages that hold nothing now."""
        try:
            (free,) = self._execute("PRAGMA freelist_count").fetchone()
            (size,) = self._execute("PRAGMA page_size").fetchone()
        except RAISED:  # it is closed, or damaged
            return 0
        return int(free) * int(size)

    # Transactions

    @translated
    def begin(self, *, strict: bool = False) -> None:
        """Begins a transaction that writes.

        Args:
            strict: what is committed survives even a loss of power.
        """
        assert not self._begun
        synchronous = "FULL" if strict else "NORMAL"
        if synchronous != self._synchronous:
            self._execute(f"PRAGMA synchronous = {synchronous}")
            self._synchronous = synchronous
        if not schema.is_same_file(self._path, self._identity):
            raise damaged(self.name, f"{schema.FILE} was removed")  # what is written to it would be lost
        self._execute("BEGIN IMMEDIATE")
        self._begun = True
        self._is_strict = strict

    @translated
    def commit(self) -> None:
        """What the transaction has done survives the end of this process. If it fails, it is rolled back."""
        try:
            self._require_transaction()
            for store, number in self._generators.items():
                self._execute("UPDATE stores SET current_number = ? WHERE id = ?", (number, store))
            if self._is_strict and self._written:
                self._files.sync()
            self._execute("COMMIT")
        except Exception:
            self.roll_back()
            raise
        except BaseException:  # the alarm of a turn that is too long: it may come when all is done
            if self._connection.in_transaction:
                self.roll_back()
            else:
                self._forget_transaction()
            raise
        doomed, has_deleted = self._doomed, self._has_deleted
        self._forget_transaction()
        self._files.remove(doomed)
        self.trim_log(LOG_LIMIT)
        if has_deleted:
            self._give_pages_back()

    def trim_log(self, limit: int = 0) -> None:
        """Brings what is in the log into the database if the log has more bytes, unless somebody reads it now."""
        try:
            if self._begun or os.stat(self._log).st_size <= limit:  # noqa: PTH116, at each commit
                return
            self._execute("PRAGMA busy_timeout = 0")
            try:
                self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                self._execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
        except (OSError, sqlite3.Error):
            return  # it is as good as it was

    def _give_pages_back(self) -> None:
        """Makes the file smaller, in small steps: the disk may be nearly full."""
        with suppress(sqlite3.Error):
            (free,) = self._execute("PRAGMA freelist_count").fetchone()
            (pages,) = self._execute("PRAGMA page_count").fetchone()
            if free <= _KEPT_FREE or free * 4 <= pages:
                return
            for _ in range(0, free, _STEP):
                self._execute(f"PRAGMA incremental_vacuum({_STEP})").fetchall()
                self.trim_log()
        self.trim_log()

    def roll_back(self) -> None:
        """Undoes the transaction, if there is one."""
        if not self._begun:
            return
        with suppress(*RAISED):
            if self._connection.in_transaction:  # SQLite itself has ended it when the disk was full
                self._execute("ROLLBACK")
        written, upgraded = self._written, self._has_upgraded
        self._forget_transaction()
        self._files.remove(written)
        if upgraded:
            try:
                self._read_schema()
            except RAISED as error:
                raise failure(self.name, error) from None

    def _forget_transaction(self) -> None:
        self._begun = self._is_strict = False
        self._generators = {}
        self._written = []
        self._doomed = []
        self._has_upgraded = self._has_deleted = False

    def _require_transaction(self) -> None:
        assert self._begun
        if not self._connection.in_transaction:
            raise UnknownError(f"The transaction of the IndexedDB database '{self.name}' has failed: begin another.")

    def close(self) -> None:
        """Ends the connection; a transaction is rolled back."""
        _opened.discard(self)
        self.roll_back()
        with suppress(*RAISED):
            self._connection.close()

    @translated
    def sweep(self) -> None:
        """Removes the files that killed processes have left."""
        self._execute("BEGIN IMMEDIATE")  # so that nobody is writing files
        try:
            known = {name for (name,) in self._execute("SELECT name FROM files")}
            self._files.remove(name for name in self._files.names() if name not in known)
        finally:
            self._execute("ROLLBACK")

    def _write_file(self, body: CompleteBody) -> str:
        name = self._files.write(body, sync=self._is_strict)
        self._written.append(name)
        return name

    def _doom(self, names: Iterable[str]) -> None:
        self._doomed += names

    # Upgrades

    def _upgrade(self) -> None:
        self._require_transaction()
        self._has_upgraded = True

    def _new_id(self) -> int:
        self._execute("UPDATE database SET last_id = last_id + 1")
        (number,) = self._execute("SELECT last_id FROM database").fetchone()
        return int(number)

    @translated
    def set_version(self, version: int) -> None:
        self._upgrade()
        self._execute("UPDATE database SET version = ?", (version,))
        self._version = version

    @translated
    def create_store(self, name: str, key_path: KeyPath, auto_increment: bool) -> int:
        """Makes an object store; its id, which is never used again."""
        self._upgrade()
        number = self._new_id()
        self._execute(
            "INSERT INTO stores (id, name, key_path, auto_increment, current_number) VALUES (?, ?, ?, ?, 1)",
            (number, schema.encode_name(name), json.dumps(key_path), auto_increment),
        )
        self._stores[number] = StoreInfo(number, name, key_path, auto_increment, [])
        return number

    @translated
    def delete_store(self, store: int) -> None:
        """Deletes it with its records and indexes."""
        self._upgrade()
        self._has_deleted = True
        self._writer.clear(self._stores[store])
        self._execute("DELETE FROM indexes WHERE store = ?", (store,))
        self._execute("DELETE FROM stores WHERE id = ?", (store,))
        self._generators.pop(store, None)
        del self._stores[store]

    @translated
    def rename_store(self, store: int, name: str) -> None:
        self._upgrade()
        self._execute("UPDATE stores SET name = ? WHERE id = ?", (schema.encode_name(name), store))
        self._stores[store].name = name

    @translated
    def create_index(self, store: int, name: str, key_path: str | list[str], unique: bool, multi_entry: bool) -> int:
        """Makes an index without records (see ``add_index_entries``); its id, which is never used again."""
        self._upgrade()
        number = self._new_id()
        self._execute(
            "INSERT INTO indexes (id, store, name, key_path, is_unique, multi_entry) VALUES (?, ?, ?, ?, ?, ?)",
            (number, store, schema.encode_name(name), json.dumps(key_path), unique, multi_entry),
        )
        self._stores[store].indexes.append(IndexInfo(number, name, key_path, unique, multi_entry))
        return number

    @translated
    def delete_index(self, index: int) -> None:
        """Deletes it with its records."""
        self._upgrade()
        self._has_deleted = True
        store = self._store_of(index)
        # The records go on to list their keys in it. As no other index gets its id, that does no harm.
        self._execute('DELETE FROM index_records WHERE "index" = ?', (index,))
        self._execute("DELETE FROM indexes WHERE id = ?", (index,))
        store.indexes = [each for each in store.indexes if each.id != index]

    @translated
    def rename_index(self, index: int, name: str) -> None:
        self._upgrade()
        self._execute("UPDATE indexes SET name = ? WHERE id = ?", (schema.encode_name(name), index))
        for each in self._store_of(index).indexes:
            if each.id == index:
                each.name = name

    def _store_of(self, index: int) -> StoreInfo:
        return next(store for store in self._stores.values() if any(each.id == index for each in store.indexes))

    @translated
    def add_index_entries(self, index: int, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Fills a new index: pairs of a key and the primary key of a record that is there.

        All keys of one record have to come in one call. ``rows(Source(store), KeyRange(lower=last, lower_open=True),
        "next", count, values=True)`` are the records behind the last one that was seen.

        Raises:
            ConstraintError: the index is unique and these keys are not. Some have been added: roll back.
        """
        self._require_transaction()
        self._writer.add_index_entries(self._store_of(index), index, entries)

    # Key generators

    def is_simple(self, store: int) -> bool:
        """Whether ``put_many`` does for it: it has neither indexes nor a key generator."""
        info = self._stores[store]
        return not info.indexes and not info.auto_increment

    def has_generator(self, store: int) -> bool:
        return self._stores[store].auto_increment

    @translated
    def current_number(self, store: int) -> int:
        """The number that a key generator gives next (https://w3c.github.io/IndexedDB/#key-generator-construct)."""
        number = self._generators.get(store)
        if number is None:
            row = self._execute("SELECT current_number FROM stores WHERE id = ?", (store,)).fetchone()
            if row is None or type(row[0]) is not int:
                raise damaged(self.name, "a key generator has no number")
            number = row[0]
        return number

    def restore_number(self, store: int, number: int) -> None:
        """Sets it back to what it was before an operation that has failed."""
        self._require_transaction()
        self._generators[store] = number

    def generate_key(self, store: int) -> int:
        """https://w3c.github.io/IndexedDB/#generate-a-key

        Raises:
            ConstraintError: there are no numbers left.
        """
        self._require_transaction()
        number = self.current_number(store)
        if number > _LAST_NUMBER:
            raise ConstraintError(
                "The key generator has used up its numbers: give the records keys of your own, or make a new store."
            )
        self._generators[store] = number + 1
        return number

    def advance_generator(self, store: int, number: float) -> None:
        """https://w3c.github.io/IndexedDB/#possibly-update-the-key-generator, for a key that is a number."""
        self._require_transaction()
        number = min(number, _LAST_NUMBER)
        if number >= self.current_number(store):
            self._generators[store] = math.floor(number) + 1

    # Records

    @translated
    def put(self, store: int, key: bytes, value: StoredValue, index_keys: IndexKeys, *, overwrite: bool) -> None:
        """https://w3c.github.io/IndexedDB/#object-store-storage-operation, without the key generator.

        Args:
            index_keys: of each index that gets records, its id and the keys.

        Raises:
            ConstraintError: the key is taken and not to be overwritten, or a unique index has another record with one
                of its keys. Nothing has changed.
        """
        self._require_transaction()
        self._writer.put(self._stores[store], key, value, index_keys, overwrite=overwrite)

    @translated
    def put_many(self, store: int, rows: list[tuple[bytes, bytes]]) -> None:
        """Puts keys with values of ``values.encode_json`` into a store without indexes; overwrites."""
        self._require_transaction()
        self._writer.put_many(self._stores[store], rows)

    @translated
    def delete(self, store: int, range_: KeyRange) -> None:
        """https://w3c.github.io/IndexedDB/#delete-records-from-an-object-store"""
        self._require_transaction()
        self._has_deleted = True
        self._writer.delete(self._stores[store], range_)

    @translated
    def clear(self, store: int) -> None:
        """https://w3c.github.io/IndexedDB/#clear-an-object-store"""
        self._require_transaction()
        self._has_deleted = True
        self._writer.clear(self._stores[store])

    @translated
    def rows(
        self, source: Source, range_: KeyRange, direction: Direction, count: int | None, *, values: bool
    ) -> list[Row]:
        """The first ``count`` records in a range, or all of them. The parts of values are the caller's."""
        return self._reader.rows(source, range_, direction, count, values=values)

    @translated
    def seek(
        self,
        source: Source,
        range_: KeyRange,
        direction: Direction,
        *,
        position: bytes | None = None,
        object_store_position: bytes | None = None,
        key: bytes | None = None,
        primary_key: bytes | None = None,
        count: int = 1,
        values: bool,
    ) -> Row | None:
        """https://w3c.github.io/IndexedDB/#iterate-a-cursor: the found record.

        ``position`` and ``object_store_position`` are those of the cursor; ``key`` and ``primary_key`` are where it
        is to go at least. ``count`` is 1 if there is a ``key``.
        """
        cursor = Cursor(source, range_, direction, position, object_store_position, key, primary_key)
        return self._reader.seek(cursor, count, values=values)

    @translated
    def count(self, source: Source, range_: KeyRange) -> int:
        """The number of records in a range."""
        return self._reader.count(source, range_)
