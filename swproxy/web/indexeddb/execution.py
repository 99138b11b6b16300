"""What the requests of a transaction do with the records: https://w3c.github.io/IndexedDB/#database-operations"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from swproxy.errors import QuotaExceededError, SwproxyError
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.reading import Direction, Row
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


@dataclass(slots=True)
class Writer:
    """A transaction that has begun to write. ``has_deleted``: perhaps much; ``size``: bytes of values."""

    transaction: int
    has_deleted: bool = False
    size: int = 0


def size_in_index(pairs: Iterable[tuple[bytes, bytes]]) -> int:
    """Each key is in the index, and in the record for its deletion."""
    return sum(2 * len(key) + len(primary_key) for key, primary_key in pairs)


class Execution:
    """Executes some operations of one transaction."""

    def __init__(self, realm: Any, database: IndexedDatabase, writer: Writer) -> None:
        self._realm = realm
        self._database = database
        self._writer = writer
        self._size = 0  # bytes of the values that were read
        self._is_cramped = False

    def _reserve(self, size: int, parts: int = 0) -> None:
        self._realm.caches.quota.reserve(size, once=parts)
        self._writer.size += size + parts

    def run(self, operations: list[str | list[Any]]) -> list[Any]:
        """Executes them in order, perhaps not all: their outcomes."""
        outcomes: list[Any] = []
        while len(outcomes) < len(operations) and (not outcomes or self._size < RESULTS_LIMIT):
            operation = operations[len(outcomes)]
            try:
                if isinstance(operation, str):
                    outcomes += self._put_some(operations, len(outcomes))
                else:
                    name, *arguments = operation
                    outcomes.append(_OPERATIONS[name](self, *arguments))
            except SwproxyError as error:
                outcomes.append({"error": [error.name, str(error)]})
        return outcomes

    def _put_some(self, operations: list[str | list[Any]], start: int) -> list[Any]:
        """Executes one or more puts: their outcomes."""
        if not self._is_cramped:
            puts = self._puts_from(operations, start)
            if len(puts) == 1:
                return [self._put(puts[0])]
            try:
                return self._put_many(puts)
            except QuotaExceededError:
                self._is_cramped = True  # some of them may still fit
        text = operations[start]
        assert isinstance(text, str)
        return [self._put(put_of(text))]

    def _puts_from(self, operations: list[str | list[Any]], start: int) -> list[Put]:
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

    def _put_many(self, puts: list[Put]) -> list[None]:
        """Stores records of plain values with keys, in a store without indexes and generator."""
        rows = [(key_bytes(put.key), b"J" + bytes(put.value)) for put in puts]
        self._reserve(sum(len(key) + len(value) for key, value in rows))
        self._database.put_many(puts[0].store, rows)
        return [None] * len(puts)

    def _put(self, put: Put) -> float | None:
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
            self._reserve(len(key) + len(put.value) + size_in_index(pairs), parts)
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
        self._size += len(row.value.text)
        return describe(self._realm, row.value, row.primary_key)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "get": Execution.get,
    "getKey": Execution.get_key,
    "getAll": Execution.get_all,
    "count": Execution.count,
    "delete": Execution.delete,
    "clear": Execution.clear,
    "seek": Execution.seek,
    "nothing": Execution.nothing,
}
