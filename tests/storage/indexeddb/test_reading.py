"""Ranges, directions and cursors, against a list."""

import random
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.keys import encode_key
from swproxy.storage.indexeddb.reading import Direction, KeyRange, Row, Source
from swproxy.storage.indexeddb.values import StoredValue, encode_json

DIRECTIONS: list[Direction] = ["next", "nextunique", "prev", "prevunique"]
Records = list[tuple[bytes, bytes]]


class Filled:
    """A store with an index of few keys, so that many records share one; and the same as lists."""

    def __init__(self, directory: Path) -> None:
        source = random.Random(4)
        self.database = IndexedDatabase.open(directory / "x", "x", check=False)
        self.database.begin()
        store = self.database.create_store("s", None, False)
        index = self.database.create_index(store, "i", "a", False, True)
        self.keys = [encode_key(key) for key in [*range(12), "", "a", "a\0", "a\0a", b"", (), ("a",), ((),)]]
        source.shuffle(self.keys)
        self.by_store: Records = []
        self.by_index: Records = []
        for number, key in enumerate(self.keys):
            index_keys = source.sample(self.keys[:6], source.randrange(4))
            value = StoredValue(str(number), True)
            self.database.put(store, key, value, [(index, index_keys)], overwrite=False)
            self.by_store.append((key, key))
            self.by_index += [(index_key, key) for index_key in index_keys]
        self.database.commit()
        self.by_store.sort()
        self.by_index.sort()
        self.sources = {Source(store): self.by_store, Source(store, index): self.by_index}

    def random_range(self, source: random.Random) -> KeyRange:
        lower, upper = (source.choice([None, *self.keys]) for _ in range(2))
        return KeyRange(lower, upper, source.random() < 0.5, source.random() < 0.5)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    filled = Filled(tmp_path_factory.mktemp("database"))
    yield filled
    filled.database.close()


def is_in(key: bytes, range_: KeyRange) -> bool:
    """https://w3c.github.io/IndexedDB/#in"""
    return not (
        (range_.lower is not None and (key < range_.lower or (key == range_.lower and range_.lower_open)))
        or (range_.upper is not None and (key > range_.upper or (key == range_.upper and range_.upper_open)))
    )


def in_order(records: Records, range_: KeyRange, direction: Direction) -> Records:
    """All that a direction visits."""
    found = [record for record in records if is_in(record[0], range_)]
    if direction.endswith("unique"):
        found = [record for i, record in enumerate(found) if i == 0 or found[i - 1][0] != record[0]]
    return found if direction.startswith("next") else found[::-1]


def pairs(rows: list[Row]) -> Records:
    return [(row.key, row.primary_key) for row in rows]


def test_rows(filled: Filled) -> None:
    """Of both kinds of sources, in every range and direction, with and without values, all or some."""
    source = random.Random(5)
    for _ in range(400):
        range_ = filled.random_range(source)
        for of, records in filled.sources.items():
            assert filled.database.count(of, range_) == len(in_order(records, range_, "next"))
            for direction in DIRECTIONS:
                count = source.choice([None, 0, 1, 2, 5])
                values = source.random() < 0.5
                rows = filled.database.rows(of, range_, direction, count, values=values)
                assert pairs(rows) == in_order(records, range_, direction)[:count]
                for row in rows:
                    number = str(filled.keys.index(row.primary_key))
                    assert row.value == (StoredValue(number, True) if values else None)


def iterate(records: Records, of: Source, range_: KeyRange, direction: Direction, count: int, **at: Any) -> Any:
    """https://w3c.github.io/IndexedDB/#iterate-a-cursor, literally."""
    key, primary_key, position, store_position = (
        at.get(name) for name in ("key", "primary_key", "position", "object_store_position")
    )
    forward = direction.startswith("next")

    def before(a: Any, b: Any) -> bool:
        return a < b if forward else a > b

    found = None
    while count > 0:
        fitting = []
        for record in records:
            if key is not None and before(record[0], key):
                continue
            if primary_key is not None and record[0] == key and before(record[1], primary_key):
                continue
            if position is not None:
                here = record[0] == position
                if of.index is not None and not direction.endswith("unique"):
                    if not (here and before(store_position, record[1])) and not before(position, record[0]):
                        continue
                elif here or before(record[0], position):
                    continue
            if is_in(record[0], range_):
                fitting.append(record)
        if not fitting:
            return None
        found = fitting[0] if forward else fitting[-1]
        if direction == "prevunique":
            found = next(record for record in records if record[0] == found[0])
        position, store_position = found
        count -= 1
    return found


def test_seek(filled: Filled) -> None:
    """As the specification's steps do, from every position."""
    source = random.Random(6)
    for _ in range(4000):
        range_ = filled.random_range(source)
        of, records = source.choice(list(filled.sources.items()))
        direction = source.choice(DIRECTIONS)
        at: dict[str, bytes] = {}
        if source.random() < 0.8:
            at["position"], store_position = source.choice(records)
            if of.index is not None:
                at["object_store_position"] = store_position
        count = 1
        if source.random() < 0.4:
            at["key"] = source.choice(filled.keys)
            if of.index is not None and not direction.endswith("unique") and source.random() < 0.5:
                at["primary_key"] = source.choice(filled.keys)
        else:
            count = source.choice([1, 1, 2, 3, 7])
        values = source.random() < 0.5
        row = filled.database.seek(of, range_, direction, **at, count=count, values=values)
        expected = iterate(records, of, range_, direction, count, **at)
        assert (row and (row.key, row.primary_key)) == expected
        if row is not None:
            number = str(filled.keys.index(row.primary_key))
            assert row.value == (StoredValue(number, True) if values else None)


def walk(database: IndexedDatabase, of: Source, direction: Direction, count: int) -> tuple[int, float]:
    """Goes through a source to its end; how many records were visited, and the time for each."""
    started = process_time()
    visited = 0
    position = store_position = None
    while row := database.seek(
        of,
        KeyRange(),
        direction,
        position=position,
        object_store_position=store_position if of.index is not None else None,
        count=count,
        values=False,
    ):
        position, store_position = row.key, row.primary_key
        visited += 1
    return visited, (process_time() - started) / visited


def test_no_step_gets_longer_with_the_number_of_records(tmp_path: Path) -> None:
    """Whether an index has all its records under one key or each under its own."""
    times: dict[int, list[float]] = {}
    for size in (1000, 16_000):
        database = IndexedDatabase.open(tmp_path / str(size), "x", check=False)
        database.begin()
        store = database.create_store("s", None, False)
        keys = [encode_key(number) for number in range(size)]
        database.put_many(store, [(key, encode_json("1")) for key in keys])
        same, own = (database.create_index(store, name, "a", False, False) for name in ("same", "own"))
        database.add_index_entries(same, [(keys[0], key) for key in keys])
        database.add_index_entries(own, [(key, key) for key in keys])
        database.commit()
        times[size] = []
        for of in (Source(store), Source(store, same), Source(store, own)):
            for direction in DIRECTIONS:
                visited, time = walk(database, of, direction, 1)
                unique = direction.endswith("unique") and of.index == same
                assert visited == (1 if unique else size)
                if not unique:
                    times[size].append(time)
        assert database.seek(Source(store, own), KeyRange(), "prevunique", count=size, values=False) == Row(
            keys[0], keys[0], None
        )
        database.close()
    assert all(large < 5 * small for small, large in zip(*times.values(), strict=True)), times
