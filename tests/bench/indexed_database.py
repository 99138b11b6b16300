"""IndexedDB in a worker, against the same work in plain SQLite and in fake-indexeddb under Node."""

import json
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from proxy_process import ProxyProcess

from tests.bench.figure import Figure

HERE = Path(__file__).parent
ROUNDS = 5
FEW, MANY, VERY_MANY = 1_000, 10_000, 100_000
# Times that of plain SQLite; and the time for a record of very many, times that for one of many.
RATIO, GROWTH = 5.0, 1.5
BATCH, LARGE = "one-transaction", "one-large-transaction"
# The works of indexed_database.js.
WORKS = {
    BATCH: "10,000 records in one transaction",
    "one-transaction-indexed": "the same with an index",
    "single-puts": "1,000 transactions of one put",
    "single-puts-indexed": "the same with an index",
    "get-all": "getAll() of 10,000 records",
    "cursor": "a cursor over 10,000 records",
    "index-look-ups": "1,000 look-ups by an index",
}
# Seconds.
PATIENCE = 120.0

Times = dict[str, float]


def record(number: int) -> dict[str, Any]:
    """As indexed_database.js makes it."""
    url = f"https://bench.test/images/{number:06}.jpg"
    timestamp = 1_700_000_000_000 + number * 7919 % VERY_MANY
    return {"id": f"images|{url}", "url": url, "cacheName": "images", "timestamp": timestamp}


class PlainSQLite:
    """What a program does that keeps records in SQLite, without thinking of IndexedDB. Times are in milliseconds."""

    def __init__(self, file: Path, *, indexed: bool) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._indexed = indexed
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        columns = "key BLOB PRIMARY KEY, timestamp REAL, value TEXT"
        self._connection.execute(f"CREATE TABLE record ({columns}) WITHOUT ROWID")
        if indexed:
            self._connection.execute("CREATE INDEX by_timestamp ON record (timestamp)")

    def close(self) -> None:
        self._connection.close()

    def put(self, number: int) -> None:
        value = record(number)
        timestamp = value["timestamp"] if self._indexed else None
        row = (value["id"].encode(), timestamp, json.dumps(value))
        self._connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", row)

    def put_in_one(self, count: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for number in range(count):
            self.put(number)
        self._connection.execute("COMMIT")

    def put_one_by_one(self) -> None:
        for number in range(FEW):
            self._connection.execute("BEGIN IMMEDIATE")
            self.put(number)
            self._connection.execute("COMMIT")

    def get_all(self) -> None:
        rows = self._connection.execute("SELECT value FROM record ORDER BY key").fetchall()
        assert len([json.loads(value) for (value,) in rows]) == MANY

    def iterate(self) -> None:
        rows = self._connection.execute("SELECT value FROM record ORDER BY key")
        assert sum(json.loads(value)["cacheName"] == "images" for (value,) in rows) == MANY

    def look_up(self) -> None:
        query = "SELECT value FROM record WHERE timestamp = ? ORDER BY key LIMIT 1"
        for number in range(FEW):
            wanted = record(number)
            (value,) = self._connection.execute(query, (wanted["timestamp"],)).fetchone()
            assert json.loads(value) == wanted


# For each work: whether there is an index, what is done before the clock runs, and what is measured.
IN_SQLITE: dict[str, tuple[bool, int, Callable[[PlainSQLite], None]]] = {
    BATCH: (False, 0, lambda plain: plain.put_in_one(MANY)),
    LARGE: (False, 0, lambda plain: plain.put_in_one(VERY_MANY)),
    "one-transaction-indexed": (True, 0, lambda plain: plain.put_in_one(MANY)),
    "single-puts": (False, 0, PlainSQLite.put_one_by_one),
    "single-puts-indexed": (True, 0, PlainSQLite.put_one_by_one),
    "get-all": (True, MANY, PlainSQLite.get_all),
    "cursor": (True, MANY, PlainSQLite.iterate),
    "index-look-ups": (True, MANY, PlainSQLite.look_up),
}


def in_sqlite(directory: Path, name: str) -> float:
    """In a new file in that directory."""
    indexed, filled, work = IN_SQLITE[name]
    for old in directory.glob("plain.db*"):
        old.unlink()
    with closing(PlainSQLite(directory / "plain.db", indexed=indexed)) as plain:
        plain.put_in_one(filled)
        start = time.perf_counter()
        work(plain)
        return (time.perf_counter() - start) * 1000


def in_node() -> Times:
    """All works but the large one, for which fake-indexeddb, that is in memory, takes seconds."""
    command = ["node", str(HERE / "fake_indexeddb.mjs"), *WORKS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def in_worker(proxy: ProxyProcess, scope: str, name: str) -> float:
    answer = proxy.curl(f"{scope}{name}", timeout=PATIENCE)
    assert answer.status == 200, answer.text or answer.stderr
    return float(answer.body)


def figures(proxy: ProxyProcess, directory: Path, scope: str) -> Iterator[Figure]:
    """Registers a worker for the scope.

    Args:
        directory: on the same disk as the profile.
    """
    script = str(HERE / "indexed_database.js")
    proxy.control("POST", "/register", {"scope": scope, "script": script, "local": True})
    workers: dict[str, list[float]] = {name: [] for name in IN_SQLITE}
    plain: dict[str, list[float]] = {name: [] for name in IN_SQLITE}
    fake: list[Times] = []
    for _ in range(ROUNDS):
        for name in IN_SQLITE:
            workers[name].append(in_worker(proxy, scope, name))
            plain[name].append(in_sqlite(directory, name))
        fake.append(in_node())
    mine = {name: statistics.median(times) for name, times in workers.items()}
    other = {name: statistics.median(times) for name, times in plain.items()}
    for name, title in WORKS.items():
        node = statistics.median(times[name] for times in fake)
        details = f"{mine[name]:.0f} ms, plain SQLite {other[name]:.0f} ms, fake-indexeddb {node:.0f} ms"
        yield Figure(title, mine[name] / other[name], "x", RATIO if name == BATCH else None, True, details)
    growth, plain_growth = (times[LARGE] / times[BATCH] * MANY / VERY_MANY for times in (mine, other))
    details = f"{mine[LARGE]:.0f} ms; plain SQLite {plain_growth:.2f} x, {other[LARGE]:.0f} ms"
    yield Figure("time per record of 100,000, to that of 10,000", growth, "x", GROWTH, True, details)
