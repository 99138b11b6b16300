"""Registrations, their workers and scripts, in SQLite: what was stored survives a crash at any moment."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swproxy.errors import ProfileError
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ScriptResource, ServiceWorker

# What each version has added to the one before it.
_MIGRATIONS = (
    """
CREATE TABLE IF NOT EXISTS registrations (
    scope TEXT PRIMARY KEY,
    update_via_cache TEXT NOT NULL,
    last_update_check_time REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS workers (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL REFERENCES registrations(scope) ON DELETE CASCADE,
    slot TEXT NOT NULL CHECK (slot IN ('waiting', 'active')),
    script_url TEXT NOT NULL,
    type TEXT NOT NULL,
    local_script TEXT,
    state TEXT NOT NULL,
    skip_waiting INTEGER NOT NULL,
    event_types TEXT,
    all_fetch_listeners_are_empty INTEGER NOT NULL,
    UNIQUE (scope, slot)
);
CREATE TABLE IF NOT EXISTS scripts (
    worker INTEGER NOT NULL REFERENCES workers(id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (worker, url)
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
""",
    """
ALTER TABLE registrations ADD COLUMN navigation_preload_enabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE registrations ADD COLUMN navigation_preload_header_value TEXT NOT NULL DEFAULT 'true';
""",
    """
ALTER TABLE workers ADD COLUMN policies TEXT NOT NULL DEFAULT '[]';
""",
)


class Database:
    """The registrations of a profile.

    Raises:
        ProfileError: the file is not usable; also by every method.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > len(_MIGRATIONS):
                raise ProfileError(f"{path} was written by a newer swproxy: upgrade this one.")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            for number, migration in enumerate(_MIGRATIONS[version:], version + 1):
                self._connection.executescript(
                    f"BEGIN IMMEDIATE; {migration} PRAGMA user_version = {number}; COMMIT;"
                )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise ProfileError(
                    f"The registrations in {self._path} cannot be used ({error}): remove the file, and register your "
                    "service workers again; the caches stay."
                ) from None
            raise ProfileError(f"Cannot use {self._path}: {error}.") from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def load(self) -> list[ServiceWorkerRegistration]:
        """All registrations, as Handle User Agent Shutdown leaves them: an active worker is activated."""
        with self._errors():
            registrations = {
                scope: ServiceWorkerRegistration(
                    scope,
                    update_via_cache,
                    last_update_check_time=checked,
                    navigation_preload_enabled=bool(preload),
                    navigation_preload_header_value=header_value,
                )
                for scope, update_via_cache, checked, preload, header_value in self._connection.execute(
                    "SELECT scope, update_via_cache, last_update_check_time, navigation_preload_enabled,"
                    " navigation_preload_header_value FROM registrations"
                )
            }
            rows = self._connection.execute(
                "SELECT id, scope, slot, script_url, type, local_script, skip_waiting, event_types,"
                " all_fetch_listeners_are_empty, policies FROM workers"
            ).fetchall()
            for (
                number,
                scope,
                slot,
                script_url,
                type_,
                local_script,
                skip_waiting,
                event_types,
                empty,
                policies,
            ) in rows:
                scripts = self._connection.execute("SELECT url, body, text FROM scripts WHERE worker = ?", (number,))
                worker = ServiceWorker(
                    number,
                    script_url,
                    type_,
                    scope,
                    {url: ScriptResource(body, text) for url, body, text in scripts},
                    local_script,
                    state=WorkerState.ACTIVATED if slot == "active" else WorkerState.INSTALLED,
                    skip_waiting=bool(skip_waiting),
                    event_types=None if event_types is None else frozenset(event_types.split()),
                    all_fetch_listeners_are_empty=bool(empty),
                    policies=tuple((name, value) for name, value in json.loads(policies)),
                )
                worker.used_scripts = set(worker.script_resource_map)
                setattr(registrations[scope], slot, worker)
        return list(registrations.values())

    def store(self, registration: ServiceWorkerRegistration) -> None:
        """Writes the registration with its waiting and its active worker; one that is installing is not kept."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO registrations (scope, update_via_cache, last_update_check_time,"
                " navigation_preload_enabled, navigation_preload_header_value)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope) DO UPDATE SET"
                " update_via_cache = excluded.update_via_cache,"
                " last_update_check_time = excluded.last_update_check_time,"
                " navigation_preload_enabled = excluded.navigation_preload_enabled,"
                " navigation_preload_header_value = excluded.navigation_preload_header_value",
                (
                    registration.scope,
                    registration.update_via_cache,
                    registration.last_update_check_time,
                    registration.navigation_preload_enabled,
                    registration.navigation_preload_header_value,
                ),
            )
            kept = {
                worker.id: slot
                for slot, worker in (("waiting", registration.waiting), ("active", registration.active))
                if worker is not None
            }
            # First out of the way, so that a worker can move from one slot to the other.
            for (number,) in connection.execute(
                "SELECT id FROM workers WHERE scope = ?", (registration.scope,)
            ).fetchall():
                if kept.get(number) is None:
                    connection.execute("DELETE FROM workers WHERE id = ?", (number,))
            for worker in (registration.active, registration.waiting):
                if worker is not None:
                    self._store_worker(connection, worker, kept[worker.id])

    @staticmethod
    def _store_worker(connection: sqlite3.Connection, worker: ServiceWorker, slot: str) -> None:
        event_types = None if worker.event_types is None else " ".join(sorted(worker.event_types))
        connection.execute(
            "INSERT INTO workers (id, scope, slot, script_url, type, local_script, state, skip_waiting, event_types,"
            " all_fetch_listeners_are_empty, policies) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET slot = excluded.slot, state = excluded.state,"
            " skip_waiting = excluded.skip_waiting",
            (
                worker.id,
                worker.scope,
                slot,
                worker.script_url,
                worker.type,
                worker.local_script,
                worker.state.value,
                worker.skip_waiting,
                event_types,
                worker.all_fetch_listeners_are_empty,
                json.dumps(worker.policies),
            ),
        )
        connection.executemany(
            "INSERT OR IGNORE INTO scripts (worker, url, body, text) VALUES (?, ?, ?, ?)",
            [(worker.id, url, script.body, script.text) for url, script in worker.script_resource_map.items()],
        )

    def forget(self, scope: str) -> None:
        """Removes the registration."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM registrations WHERE scope = ?", (scope,))

    def reserve_worker_ids(self, count: int) -> int:
        """The first of ``count`` worker numbers that no worker of this profile had before."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO counters VALUES ('worker', 1)")
            (first,) = connection.execute("SELECT value FROM counters WHERE name = 'worker'").fetchone()
            connection.execute("UPDATE counters SET value = value + ? WHERE name = 'worker'", (count,))
        return int(first)

    def close(self) -> None:
        self._connection.close()
