"""The host half of IndexedDB (https://w3c.github.io/IndexedDB/): the files of the databases.

The proxy says when a connection may be opened and a transaction may start (workers/databases.py); requests and
connections have one number in all three places. What a script does in a transaction comes here in batches.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swproxy.errors import ConstraintError, QuotaExceededError, SwproxyError
from swproxy.realm.engine import Pending
from swproxy.storage.indexeddb import directory as directories
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.reading import Direction, KeyRange, Row
from swproxy.web.indexeddb.wire import (
    Put,
    describe,
    key_bytes,
    key_wire,
    number_of,
    put_of,
    range_of,
    source_of,
    value_of,
)

# More bytes than this of values are not given to scripts at once, if there is more than one.
RESULTS_LIMIT = 1 << 22
# Seconds: what the proxy answers at once is here by then.
PATIENCE = 0.001
# A transaction that may have written more, in bytes, may take its time to be committed.
MUCH = 1 << 24
# Bytes on the disk for a character of a name, which is in several places.
NAME_COST = 8
# Records that are read at once to populate an index.
POPULATE_BATCH = 256


@dataclass(slots=True)
class Writer:
    """A transaction that has begun to write. ``has_deleted``: perhaps much; ``size``: bytes of values."""

    transaction: int
    has_deleted: bool = False
    size: int = 0


class Connections:
    """The open databases of the realm by their number, and the transactions that write."""

    def __init__(self) -> None:
        self.databases: dict[int, IndexedDatabase] = {}
        self.writers: dict[int, Writer] = {}  # by the number of the connection

    def close(self) -> None:
        for database in self.databases.values():
            database.close()


def _connections(realm: Any) -> Connections:
    return realm.state(Connections)  # type: ignore[no-any-return]


def _database(realm: Any, connection: int) -> IndexedDatabase:
    return _connections(realm).databases[connection]


def _directory(realm: Any) -> Path:
    return Path(realm.start.databases_directory)


def op_idb_schedule(realm: Any) -> None:
    """Lets a turn come for the database tasks, when the worker has looked at its messages once more."""
    realm.tasks.append(lambda: realm.later("deliver", target="indexedDB", detail=[{"type": "run"}]))


def op_idb_messages(realm: Any) -> list[dict[str, Any]]:
    """What the proxy says of databases within a moment, if it says nothing else first."""
    return realm.receive_for("indexedDB", PATIENCE)  # type: ignore[no-any-return]


# Connections


def op_idb_request(realm: Any, id: int, name: str) -> None:  # noqa: A002
    """Joins a connection queue; ``name`` is the JSON of the database's."""
    realm.tell("db_request", id, name)


def op_idb_open(realm: Any, id: int, name: str, check: bool, version: int | None) -> dict[str, Any]:  # noqa: A002
    """Opens a database when it is this request's turn: its version (0 if it is new) and object stores.

    Args:
        check: look for damage first.
        version: the one that is wanted; if it is too low, the database is closed again.
    """
    directory = directories.database_directory(_directory(realm), name)
    if not directory.exists():
        realm.caches.quota.reserve(NAME_COST * len(name))
    if check:
        database = realm.patiently(lambda: IndexedDatabase.open(directory, name, check=True))
    else:
        database = IndexedDatabase.open(directory, name, check=False)
    if version is not None and database.version > version:
        database.close()
        return {"version": database.version, "stores": []}
    _connections(realm).databases[id] = database
    stores = [
        {
            "id": store.id,
            "name": store.name,
            "keyPath": store.key_path,
            "autoIncrement": store.auto_increment,
            "indexes": [
                {
                    "id": index.id,
                    "name": index.name,
                    "keyPath": index.key_path,
                    "unique": index.unique,
                    "multiEntry": index.multi_entry,
                }
                for index in store.indexes
            ],
        }
        for store in database.stores()
    ]
    return {"version": database.version, "stores": stores}


def op_idb_change_version(realm: Any, id: int, old: int, new: int | None) -> None:  # noqa: A002
    """Asks for the database alone: the others hear of the new version, or of its deletion."""
    realm.tell("db_change_version", id, old, new)


def op_idb_version_change_fired(realm: Any, connection: int) -> None:
    realm.tell("db_version_change_fired", connection)


def op_idb_done(realm: Any, id: int, is_open: bool, is_checked: bool) -> None:  # noqa: A002
    """The request is over: it leaves a connection, or none."""
    realm.tell("db_done", id, is_open, is_checked)


def op_idb_close(realm: Any, connection: int) -> None:
    """Closes it. A database that was made and never got a version is gone then."""
    connections = _connections(realm)
    database = connections.databases.pop(connection)
    connections.writers.pop(connection, None)
    try:
        database.close()
        if database.version == 0:
            directories.delete_database(_directory(realm), database.name)
    finally:
        realm.tell("db_close", connection)


def op_idb_version(realm: Any, name: str) -> int | None:
    """The version of a database, 0 if it cannot be read; None if there is none."""
    return directories.version_of(_directory(realm), name)


def op_idb_delete(realm: Any, name: str) -> None:
    directories.delete_database(_directory(realm), name)


def op_idb_databases(realm: Any) -> Pending:
    """IDBDatabaseInfo of all that have a version, in a turn of its own."""
    pending: Pending = realm.defer()
    found = directories.databases(_directory(realm))
    realm.settle_in_task(pending, [{"name": name, "version": version} for name, version in found])
    return pending


# Upgrades


def op_idb_begin_upgrade(realm: Any, connection: int, version: int) -> None:
    """Begins the upgrade transaction of a connection that has its database for itself."""
    database = _database(realm, connection)
    database.begin()
    database.set_version(version)


def op_idb_create_store(
    realm: Any, connection: int, name: str, key_path: Any, auto_increment: bool
) -> tuple[int, list[str] | None]:
    """Makes a store: its number, and what the transaction is to be aborted with, if so."""
    number = _database(realm, connection).create_store(name, key_path, auto_increment)
    return number, _refusal(realm, NAME_COST * (len(name) + len(str(key_path))))


def _refusal(realm: Any, size: int) -> list[str] | None:
    try:
        realm.caches.quota.reserve(size)
    except QuotaExceededError as error:
        return [error.name, str(error)]
    return None


def op_idb_delete_store(realm: Any, connection: int, store: int) -> None:
    _database(realm, connection).delete_store(store)


def op_idb_rename_store(realm: Any, connection: int, store: int, name: str) -> None:
    _database(realm, connection).rename_store(store, name)


def op_idb_create_index(
    realm: Any, connection: int, store: int, name: str, key_path: Any, unique: bool, multi_entry: bool
) -> tuple[int, list[str] | None]:
    """Makes an index, which is to be populated; as ``op_idb_create_store``."""
    number = _database(realm, connection).create_index(store, name, key_path, unique, multi_entry)
    return number, _refusal(realm, NAME_COST * (len(name) + len(str(key_path))))


def op_idb_delete_index(realm: Any, connection: int, index: int) -> None:
    _database(realm, connection).delete_index(index)


def op_idb_rename_index(realm: Any, connection: int, index: int, name: str) -> None:
    _database(realm, connection).rename_index(index, name)


def op_idb_read_records(realm: Any, connection: int, store: int, after: Any) -> list[list[Any]]:
    """Some records of a store, as [key, value], behind a key or from the first on."""
    range_ = KeyRange() if after is None else KeyRange(lower=key_bytes(after), lower_open=True)
    rows = _database(realm, connection).rows(source_of([store, None]), range_, "next", POPULATE_BATCH, values=True)
    return [[key_wire(row.key), describe(realm, row.value, row.key)] for row in rows if row.value is not None]


def op_idb_add_index_entries(realm: Any, connection: int, index: int, entries: list[list[Any]]) -> list[str] | None:
    """Populates an index: of each record its key, and its keys there. None, or what keeps that from being done."""
    pairs = [(key_bytes(key), key_bytes(primary_key)) for primary_key, keys in entries for key in keys]
    try:
        realm.caches.quota.reserve(_size_in_index(pairs))
        _database(realm, connection).add_index_entries(index, pairs)
    except (ConstraintError, QuotaExceededError) as error:
        return [error.name, str(error)]
    return None


def _size_in_index(pairs: Iterable[tuple[bytes, bytes]]) -> int:
    """Each key is in the index, and in the record for its deletion."""
    return sum(2 * len(key) + len(primary_key) for key, primary_key in pairs)


# Transactions


def op_idb_transaction(realm: Any, id: int, connection: int, stores: list[int], mode: str) -> None:  # noqa: A002
    realm.tell("db_transaction", id, connection, stores, mode)


def op_idb_commit(realm: Any, connection: int, transaction: int, is_upgrade: bool) -> None:
    """Writes what it has changed, and ends it. If that fails, it is to be aborted."""
    connections = _connections(realm)
    database = connections.databases[connection]
    writer = connections.writers.get(connection)
    if is_upgrade:
        realm.patiently(database.commit)
    elif writer is not None and writer.transaction == transaction:
        del connections.writers[connection]
        if writer.has_deleted or writer.size > MUCH:
            realm.patiently(database.commit)
        else:
            database.commit()
        if writer.has_deleted:
            realm.caches.quota.forget()
    if not is_upgrade:
        realm.tell("db_finish", transaction)


def op_idb_abort(realm: Any, connection: int, transaction: int, is_upgrade: bool) -> None:
    """Undoes what it has changed, if it has not failed to be committed, and ends it."""
    connections = _connections(realm)
    database = connections.databases[connection]
    writer = connections.writers.get(connection)
    try:
        if is_upgrade:
            database.roll_back()
        elif writer is not None and writer.transaction == transaction:
            del connections.writers[connection]
            database.roll_back()
    finally:
        if not is_upgrade:
            realm.tell("db_finish", transaction)


def op_idb_execute(
    realm: Any, connection: int, transaction: int, mode: str, strict: bool, operations: list[str | list[Any]]
) -> list[Any]:
    """Executes operations in order, perhaps not all: the outcomes, ``{"error": [name, message]}`` of a failure."""
    database = _database(realm, connection)
    writers = _connections(realm).writers
    writer = writers.get(connection)
    if (
        mode == "readwrite"
        and any(map(_writes, operations))
        and (writer is None or writer.transaction != transaction)
    ):
        size = sum(len(operation) for operation in operations if isinstance(operation, str))
        if not realm.caches.quota.has_room(size):
            database.trim_log()  # the log counts; perhaps it need not be there
            realm.caches.quota.forget()
        database.begin(strict=strict)
        writer = writers[connection] = Writer(transaction)
    execution = Execution(realm, database, writer or Writer(transaction))
    outcomes: list[Any] = []
    while len(outcomes) < len(operations) and (not outcomes or execution.size < RESULTS_LIMIT):
        operation = operations[len(outcomes)]
        try:
            if isinstance(operation, str):
                outcomes += execution.put_some(operations, len(outcomes))
            else:
                name, *arguments = operation
                outcomes.append(OPERATIONS[name](execution, *arguments))
        except SwproxyError as error:
            outcomes.append({"error": [error.name, str(error)]})
    return outcomes


def _writes(operation: str | list[Any]) -> bool:
    return isinstance(operation, str) or operation[0] in ("delete", "clear")


class Execution:
    """Executes some operations of one transaction. ``size``: bytes of the values that were read."""

    def __init__(self, realm: Any, database: IndexedDatabase, writer: Writer) -> None:
        self._realm = realm
        self._database = database
        self._writer = writer
        self.size = 0

        self._is_cramped = False

    def _reserve(self, size: int, parts: int = 0) -> None:
        self._realm.caches.quota.reserve(size, once=parts)
        self._writer.size += size + parts

    def put_some(self, operations: list[str | list[Any]], start: int) -> list[Any]:
        """Executes one or more puts: their outcomes."""
        if not self._is_cramped:
            puts = self.puts_from(operations, start)
            if len(puts) == 1:
                return [self.put(puts[0])]
            try:
                return self.put_many(puts)
            except QuotaExceededError:
                self._is_cramped = True  # some of them may still fit
        text = operations[start]
        assert isinstance(text, str)
        return [self.put(put_of(text))]

    def puts_from(self, operations: list[str | list[Any]], start: int) -> list[Put]:
        """As many puts as come in a row and can be done at once: or the one put that is first."""
        puts: list[Put] = []
        for index in range(start, len(operations)):
            operation = operations[index]
            if not isinstance(operation, str):
                break
            put = put_of(operation)
            simple = put.is_json and put.overwrite and put.key is not None and not put.inject
            if puts and not (simple and put.store == puts[0].store):
                break
            puts.append(put)
            if not simple or not self._database.is_simple(put.store):
                break
        return puts

    def put_many(self, puts: list[Put]) -> list[None]:
        """Stores records of plain values with keys, in a store without indexes and generator."""
        rows = [(key_bytes(put.key), b"J" + bytes(put.value)) for put in puts]
        self._reserve(sum(len(key) + len(value) for key, value in rows))
        self._database.put_many(puts[0].store, rows)
        return [None] * len(puts)

    def put(self, put: Put) -> float | None:
        """Stores a record: its key, if that was generated."""
        database, store = self._database, put.store
        value = value_of(self._realm, put)
        number = database.current_number(store) if database.has_generator(store) else None
        try:
            generated = None if put.key is not None else database.generate_key(store)
            key = key_bytes(put.key if generated is None else generated)
            if number is not None and generated is None and (given := number_of(put.key)) is not None:
                database.advance_generator(store, given)
            index_keys = [(index, [key_bytes(each, generated) for each in keys]) for index, keys in put.index_keys]
            pairs = [(each, key) for _, keys in index_keys for each in keys]
            parts = sum(part.size for part in value.parts)
            self._reserve(len(key) + len(put.value) + _size_in_index(pairs), parts)
            database.put(store, key, value, index_keys, overwrite=put.overwrite)
        except SwproxyError:
            if number is not None:
                database.restore_number(store, number)
            raise
        finally:
            for part in value.parts:
                part.close()
        return generated

    def get(self, source: list[int | None], range_: list[Any]) -> Any:
        rows = self._database.rows(source_of(source), range_of(range_), "next", 1, values=True)
        return self._value(rows[0]) if rows else None

    def get_key(self, source: list[int | None], range_: list[Any]) -> Any:
        rows = self._database.rows(source_of(source), range_of(range_), "next", 1, values=False)
        return key_wire(rows[0].primary_key) if rows else None

    def get_all(
        self, source: list[int | None], range_: list[Any], direction: Direction, count: int | None, kind: str
    ) -> Any:
        """Keys; or [key, primary key, value] of each record; or [True, values themselves] or [False, values]."""
        rows = self._database.rows(source_of(source), range_of(range_), direction, count, values=kind != "key")
        if kind == "key":
            return [key_wire(row.primary_key) for row in rows]
        if kind == "record":
            return [[key_wire(row.key), key_wire(row.primary_key), self._value(row)] for row in rows]
        values = [self._value(row) for row in rows]
        if all(value[0] == 0 for value in values):
            return [True, [value[1] for value in values]]
        return [False, values]

    def count(self, source: list[int | None], range_: list[Any]) -> int:
        return self._database.count(source_of(source), range_of(range_))

    def delete(self, store: int, range_: list[Any]) -> None:
        range_of_keys = range_of(range_)
        self._writer.has_deleted = True
        if range_of_keys.lower is not None and range_of_keys.lower == range_of_keys.upper:
            self._database.delete(store, range_of_keys)
        else:
            self._realm.patiently(lambda: self._database.delete(store, range_of_keys))

    def clear(self, store: int) -> None:
        self._writer.has_deleted = True
        self._realm.patiently(lambda: self._database.clear(store))

    def seek(
        self,
        source: list[int | None],
        range_: list[Any],
        direction: Direction,
        places: list[Any],
        count: int,
        with_value: bool,
    ) -> list[Any] | None:
        """What a cursor finds: [key, primary key, value].

        Args:
            places: its position and object store position; the key and primary key to continue to.
        """
        position, object_store_position, key, primary_key = [
            None if place is None else key_bytes(place) for place in places
        ]
        row = self._database.seek(
            source_of(source),
            range_of(range_),
            direction,
            position=position,
            object_store_position=object_store_position,
            key=key,
            primary_key=primary_key,
            count=count,
            values=with_value,
        )
        if row is None:
            return None
        value = self._value(row) if with_value else None
        return [key_wire(row.key), key_wire(row.primary_key), value]

    def nothing(self) -> None:
        pass

    def _value(self, row: Row) -> list[Any]:
        assert row.value is not None
        self.size += len(row.value.text)
        return describe(self._realm, row.value, row.primary_key)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "get": Execution.get,
    "getKey": Execution.get_key,
    "getAll": Execution.get_all,
    "count": Execution.count,
    "delete": Execution.delete,
    "clear": Execution.clear,
    "seek": Execution.seek,
    "nothing": Execution.nothing,
}
