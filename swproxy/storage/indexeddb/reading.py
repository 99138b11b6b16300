"""Records in order, of a store or of an index: "retrieve ..." and "iterate a cursor", by lookups in B-trees.

All bounds are made half-open, so that few statements do for every range, direction and position: the successor of a
string of bytes is the string with a 0 byte appended, and no key begins with FF. A bound of an index is a pair of a
key and a primary key, as its rows are sorted.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from swproxy.storage.indexeddb.values import Garbage, StoredValue

Direction = Literal["next", "nextunique", "prev", "prevunique"]

_FIRST, _LAST = b"", b"\xff"  # before and behind all keys


class KeyRange(msgspec.Struct, frozen=True):
    """A key range (https://w3c.github.io/IndexedDB/#range-construct) of encoded keys; None is no bound."""

    lower: bytes | None = None
    upper: bytes | None = None
    lower_open: bool = False
    upper_open: bool = False

    @staticmethod
    def only(key: bytes) -> "KeyRange":
        return KeyRange(key, key)


class Source(msgspec.Struct, frozen=True):
    """The ids of a store and, if it is what is read, of its index."""

    store: int
    index: int | None = None


class Row(msgspec.Struct, frozen=True):
    """A record: ``primary_key`` is ``key`` in a store; ``value`` is None if it was not asked for."""

    key: bytes
    primary_key: bytes
    value: StoredValue | None


_COLUMNS = {False: "", True: ", value"}
_ORDERS = {False: "DESC", True: "ASC"}
# (values, forward) -> statement
_STORE = {
    (values, forward): f"SELECT key{_COLUMNS[values]} FROM records"  # noqa: S608, ours
    f" WHERE store = ? AND key >= ? AND key < ? ORDER BY key {_ORDERS[forward]} LIMIT ? OFFSET ?"
    for values in (False, True)
    for forward in (False, True)
}
_INDEX = {
    (values, forward): f"SELECT i.key, i.primary_key{_COLUMNS[values]} FROM index_records AS i"  # noqa: S608, ours
    + (" LEFT JOIN records ON store = ? AND records.key = i.primary_key" if values else "")
    + ' WHERE i."index" = ? AND (i.key, i.primary_key) >= (?, ?) AND (i.key, i.primary_key) < (?, ?)'
    f" ORDER BY i.key {_ORDERS[forward]}, i.primary_key {_ORDERS[forward]} LIMIT ? OFFSET ?"
    for values in (False, True)
    for forward in (False, True)
}
_COUNT_STORE = "SELECT count(*) FROM records WHERE store = ? AND key >= ? AND key < ?"
_COUNT_INDEX = (
    'SELECT count(*) FROM index_records WHERE "index" = ? AND (key, primary_key) >= (?, ?)'
    " AND (key, primary_key) < (?, ?)"
)
_VALUE = "SELECT value FROM records WHERE store = ? AND key = ?"

# Of a store: (key,). Of an index: (key, primary key).
Bound = tuple[bytes, ...]


def bounds_of(source: Source, range_: KeyRange) -> tuple[Bound, Bound]:
    """The first place of a range, and the first behind it."""
    lower = _FIRST if range_.lower is None else range_.lower
    upper = _LAST if range_.upper is None else range_.upper
    if source.index is None:
        return (
            (lower + b"\0" if range_.lower_open and range_.lower is not None else lower,),
            (upper if range_.upper_open or range_.upper is None else upper + b"\0",),
        )
    return (
        (lower, _LAST if range_.lower_open and range_.lower is not None else _FIRST),
        (upper, _FIRST if range_.upper_open or range_.upper is None else _LAST),
    )


class Cursor(msgspec.Struct, frozen=True):
    """What "iterate a cursor" takes: where the cursor is, and where it is to go."""

    source: Source
    range: KeyRange
    direction: Direction
    position: bytes | None = None
    object_store_position: bytes | None = None
    key: bytes | None = None
    primary_key: bytes | None = None

    def bounds(self) -> tuple[Bound, Bound]:
        """Where the next record may be."""
        lower, upper = bounds_of(self.source, self.range)
        if self.direction in ("next", "nextunique"):
            return max(lower, self._lower_key(), self._lower_position()), upper
        return lower, min(upper, self._upper_key(), self._upper_position())

    def _lower_key(self) -> Bound:
        if self.key is None:
            return ()
        return (self.key,) if self.source.index is None else (self.key, self.primary_key or _FIRST)

    def _lower_position(self) -> Bound:
        if self.position is None:
            return ()
        if self.source.index is None:
            return (self.position + b"\0",)
        if self.direction == "nextunique":
            return (self.position, _LAST)
        return (self.position, (self.object_store_position or _FIRST) + b"\0")

    def _upper_key(self) -> Bound:
        if self.key is None:
            return (_LAST, _LAST)
        if self.source.index is None:
            return (self.key + b"\0",)
        return (self.key, _LAST if self.primary_key is None else self.primary_key + b"\0")

    def _upper_position(self) -> Bound:
        if self.position is None:
            return (_LAST, _LAST)
        if self.source.index is None:
            return (self.position,)
        if self.direction == "prevunique":
            return (self.position, _FIRST)
        return (self.position, self.object_store_position or _FIRST)


class Reader:
    """Reads with a connection.

    Args:
        decode: the value of a row; the parts become the caller's.
    """

    def __init__(self, connection: sqlite3.Connection, decode: Callable[[bytes], StoredValue]) -> None:
        self._execute = connection.execute
        self._decode = decode

    def rows(
        self, source: Source, range_: KeyRange, direction: Direction, count: int | None, *, values: bool
    ) -> list[Row]:
        """See ``IndexedDatabase.rows``."""
        if source.index is None or direction in ("next", "prev"):
            forward = direction in ("next", "nextunique")
            return self._select(source, bounds_of(source, range_), forward, count, values=values)
        found: list[Row] = []
        while count is None or len(found) < count:
            cursor = Cursor(source, range_, direction, found[-1].key if found else None)
            row = self._next(cursor, 0, values=values)
            if row is None:
                break
            found.append(row)
        return found

    def seek(self, cursor: Cursor, count: int, *, values: bool) -> Row | None:
        """See ``IndexedDatabase.seek``."""
        if cursor.source.index is None or cursor.direction in ("next", "prev"):
            return self._next(cursor, count - 1, values=values)
        while count > 1:
            row = self._next(cursor, 0, values=False)
            if row is None:
                return None
            cursor = Cursor(cursor.source, cursor.range, cursor.direction, row.key)
            count -= 1
        return self._next(cursor, 0, values=values)

    def _next(self, cursor: Cursor, skip: int, *, values: bool) -> Row | None:
        """One record; of those that are skipped no value is looked for."""
        source = cursor.source
        forward = cursor.direction in ("next", "nextunique")
        go_back = cursor.direction == "prevunique" and source.index is not None
        rows = self._select(
            source, cursor.bounds(), forward, 1, skip=skip, values=values and not skip and not go_back
        )
        if rows and go_back:  # the last of its key is found, the first is wanted
            bounds = bounds_of(source, KeyRange.only(rows[0].key))
            rows = self._select(source, bounds, True, 1, values=values)
        if not rows:
            return None
        row = rows[0]
        if not values or row.value is not None:
            return row
        value = self._execute(_VALUE, (source.store, row.primary_key)).fetchone()
        return self._with_values([(row.key, row.primary_key, value and value[0])])[0]

    def _select(
        self,
        source: Source,
        bounds: tuple[Bound, Bound],
        forward: bool,
        count: int | None,
        *,
        values: bool,
        skip: int = 0,
    ) -> list[Row]:
        lower, upper = bounds
        limit = -1 if count is None else count
        if source.index is None:
            rows = self._execute(_STORE[values, forward], (source.store, *lower, *upper, limit, skip))
            if values:
                return self._with_values([(key, key, value) for key, value in rows])
            return [Row(key, key, None) for (key,) in rows]
        first = (source.store, source.index) if values else (source.index,)
        rows = self._execute(_INDEX[values, forward], (*first, *lower, *upper, limit, skip))
        if values:
            return self._with_values(rows)
        return [Row(key, primary_key, None) for key, primary_key in rows]

    def _with_values(self, rows: Iterable[tuple[bytes, bytes, bytes | None]]) -> list[Row]:
        decode = self._decode
        found: list[Row] = []
        try:
            for key, primary_key, value in rows:
                if value is None:
                    raise Garbage("an index has a record that its store has not")
                found.append(Row(key, primary_key, decode(value)))
        except BaseException:
            for row in found:
                assert row.value is not None
                for part in row.value.parts:
                    part.close()
            raise
        return found

    def count(self, source: Source, range_: KeyRange) -> int:
        """See ``IndexedDatabase.count``."""
        lower, upper = bounds_of(source, range_)
        sql, number = (_COUNT_STORE, source.store) if source.index is None else (_COUNT_INDEX, source.index)
        (count,) = self._execute(sql, (number, *lower, *upper)).fetchone()
        return int(count)
