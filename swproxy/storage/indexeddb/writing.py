"""Changes of records, and of what belongs to them: the rows of indexes and the files of parts.

All of it takes place within a transaction. ``index_keys`` of a record are the rows that indexes have of it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator

import msgspec

from swproxy.errors import ConstraintError
from swproxy.storage.bodies import CompleteBody
from swproxy.storage.indexeddb.reading import KeyRange, Source, bounds_of
from swproxy.storage.indexeddb.schema import StoreInfo
from swproxy.storage.indexeddb.values import Garbage, StoredValue, encode_json, encode_value

# The id of an index, and the keys that it has of one record.
IndexKeys = list[tuple[int, list[bytes]]]

_EXISTING = (
    "SELECT index_keys, EXISTS (SELECT 1 FROM files WHERE store = ?1 AND key = ?2)"
    " FROM records WHERE store = ?1 AND key = ?2"
)
_PUT = (
    "INSERT INTO records (store, key, index_keys, value) VALUES (?, ?, ?, ?) ON CONFLICT (store, key)"
    " DO UPDATE SET index_keys = excluded.index_keys, value = excluded.value"
)
_INSERT = (
    "INSERT INTO records (store, key, index_keys, value) VALUES (?, ?, ?, ?) ON CONFLICT (store, key) DO NOTHING"
)
_PUT_INDEX_ROW = 'INSERT OR IGNORE INTO index_records ("index", key, primary_key) VALUES (?, ?, ?)'
_DELETE_INDEX_ROW = 'DELETE FROM index_records WHERE "index" = ? AND key = ? AND primary_key = ?'
_TAKEN = 'SELECT 1 FROM index_records WHERE "index" = ? AND key = ? AND primary_key != ? LIMIT 1'

_encode_index_keys = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(IndexKeys)


def _decode_index_keys(data: bytes | None) -> IndexKeys:
    try:
        return [] if data is None else _decoder.decode(data)
    except (msgspec.DecodeError, TypeError):
        raise Garbage("the index keys of a record cannot be read") from None


def _flat(index_keys: IndexKeys, key: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    return ((index, index_key, key) for index, keys in index_keys for index_key in keys)


class Writer:
    """Writes with a connection.

    Args:
        write_file: puts a large part into a file; its name.
        doom: is told the files that nobody needs once the transaction is committed.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        write_file: Callable[[CompleteBody], str],
        doom: Callable[[Iterable[str]], None],
    ) -> None:
        self._execute = connection.execute
        self._execute_many = connection.executemany
        self._write_file = write_file
        self._doom = doom

    def put(
        self,
        store: StoreInfo,
        key: bytes,
        value: StoredValue,
        index_keys: IndexKeys,
        *,
        overwrite: bool,
    ) -> None:
        """See ``IndexedDatabase.put``."""
        if index_keys:
            self._require_unique(store, key, index_keys)
        if value.is_json and self._insert(store, key, value, index_keys):
            return
        existing = self._execute(_EXISTING, (store.id, key)).fetchone()
        if existing is not None and not overwrite:
            raise ConstraintError("Key already exists in the object store.")
        files: list[str] = []

        def write_file(body: CompleteBody) -> str:
            files.append(self._write_file(body))
            return files[-1]

        data = encode_value(value, write_file)
        if existing is not None:
            if existing[0] is not None:
                self._execute_many(_DELETE_INDEX_ROW, _flat(_decode_index_keys(existing[0]), key))
            if existing[1]:
                self._delete_files(store.id, KeyRange.only(key))
        self._execute(_PUT, (store.id, key, _encode_index_keys(index_keys) if index_keys else None, data))
        self._put_index_rows(index_keys, key)
        if files:
            self._execute_many(
                "INSERT INTO files (store, key, name) VALUES (?, ?, ?)", [(store.id, key, name) for name in files]
            )

    def _insert(self, store: StoreInfo, key: bytes, value: StoredValue, index_keys: IndexKeys) -> bool:
        """Most records are new, and without files: False if there is one with this key, and nothing has changed."""
        encoded = _encode_index_keys(index_keys) if index_keys else None
        row = (store.id, key, encoded, encode_json(value.text, inject=value.inject))
        if self._execute(_INSERT, row).rowcount == 0:
            return False
        self._put_index_rows(index_keys, key)
        return True

    def _put_index_rows(self, index_keys: IndexKeys, key: bytes) -> None:
        for index, keys in index_keys:
            for index_key in keys:
                self._execute(_PUT_INDEX_ROW, (index, index_key, key))

    def _require_unique(self, store: StoreInfo, key: bytes, index_keys: IndexKeys) -> None:
        unique = {index.id: index for index in store.indexes if index.unique}
        if not unique:
            return
        for number, keys in index_keys:
            if number in unique:
                for index_key in keys:
                    self._require_free(unique[number].name, number, index_key, key)

    def _require_free(self, name: str, index: int, key: bytes, primary_key: bytes) -> None:
        if self._execute(_TAKEN, (index, key, primary_key)).fetchone() is not None:
            raise ConstraintError(f"The unique index '{name}' already has this key for another record.")

    def put_many(self, store: StoreInfo, rows: list[tuple[bytes, bytes]]) -> None:
        """See ``IndexedDatabase.put_many``."""
        assert not store.indexes, "the index keys would be missing"
        number = store.id
        if self._execute("SELECT 1 FROM files WHERE store = ? LIMIT 1", (number,)).fetchone() is not None:
            for key, _ in rows:
                self._delete_files(number, KeyRange.only(key))
        # No value of these has a file.
        self._execute_many(_PUT, [(number, key, None, value) for key, value in rows])

    def add_index_entries(self, store: StoreInfo, index: int, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """See ``IndexedDatabase.add_index_entries``."""
        (info,) = [each for each in store.indexes if each.id == index]
        added: dict[bytes, list[bytes]] = {}
        for key, primary_key in entries:
            if info.unique:
                self._require_free(info.name, index, key, primary_key)
            self._execute(_PUT_INDEX_ROW, (index, key, primary_key))
            added.setdefault(primary_key, []).append(key)
        for primary_key, keys in added.items():
            row = self._execute(_EXISTING, (store.id, primary_key)).fetchone()
            if row is None:
                raise Garbage("a record is missing")
            index_keys = [*_decode_index_keys(row[0]), (index, keys)]
            self._execute(
                "UPDATE records SET index_keys = ? WHERE store = ? AND key = ?",
                (_encode_index_keys(index_keys), store.id, primary_key),
            )

    def delete(self, store: StoreInfo, range_: KeyRange) -> None:
        """See ``IndexedDatabase.delete``."""
        (lower,), (upper,) = bounds_of(Source(store.id), range_)
        within = "WHERE store = ? AND key >= ? AND key < ?"
        if store.indexes:
            rows = self._execute(
                f"SELECT key, index_keys FROM records {within} AND index_keys IS NOT NULL",  # noqa: S608, ours
                (store.id, lower, upper),
            )
            self._execute_many(
                _DELETE_INDEX_ROW, (row for key, data in rows for row in _flat(_decode_index_keys(data), key))
            )
        self._delete_files(store.id, range_)
        self._execute(f"DELETE FROM records {within}", (store.id, lower, upper))  # noqa: S608, ours

    def clear(self, store: StoreInfo) -> None:
        """See ``IndexedDatabase.clear``."""
        for index in store.indexes:
            self._execute('DELETE FROM index_records WHERE "index" = ?', (index.id,))
        self._delete_files(store.id, KeyRange())
        self._execute("DELETE FROM records WHERE store = ?", (store.id,))

    def _delete_files(self, store: int, range_: KeyRange) -> None:
        (lower,), (upper,) = bounds_of(Source(store), range_)
        parameters = (store, lower, upper)
        names = self._execute(
            "SELECT name FROM files WHERE store = ? AND key >= ? AND key < ?", parameters
        ).fetchall()
        if names:
            self._doom(name for (name,) in names)
            self._execute("DELETE FROM files WHERE store = ? AND key >= ? AND key < ?", parameters)
