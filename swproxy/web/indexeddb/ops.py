"""The host half of IndexedDB (https://w3c.github.io/IndexedDB/): the files of the databases.

The proxy says when a connection may be opened and a transaction may start (workers/databases.py); requests and
connections have one number in all three places. What a script does in a transaction comes here in batches.
"""

from pathlib import Path
from typing import Any

from swproxy.errors import ConstraintError, QuotaExceededError
from swproxy.realm.engine import Pending
from swproxy.storage.indexeddb import directory as directories
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.reading import KeyRange
from swproxy.web.indexeddb.execution import Execution, Writer, size_in_index
from swproxy.web.indexeddb.wire import (
    describe,
    key_bytes,
    key_wire,
    source_of,
)

# Seconds: what the proxy answers at once is here by then.
PATIENCE = 0.001
# A transaction that may have written more, in bytes, may take its time to be committed.
MUCH = 1 << 24
# Bytes on the disk for a character of a name, which is in several places.
NAME_COST = 8
# Records that are read at once to populate an index.
POPULATE_BATCH = 256


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
        realm.caches.quota.reserve(size_in_index(pairs))
        _database(realm, connection).add_index_entries(index, pairs)
    except (ConstraintError, QuotaExceededError) as error:
        return [error.name, str(error)]
    return None


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
    return execution.run(operations)


def _writes(operation: str | list[Any]) -> bool:
    return isinstance(operation, str) or operation[0] in ("delete", "clear")
