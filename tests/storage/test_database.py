"""Registrations on disk."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from disks import fill

from swproxy.errors import ProfileError
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.states import RunningStatus, WorkerState
from swproxy.service_worker.worker import ScriptResource, ServiceWorker
from swproxy.storage import database as database_module
from swproxy.storage.database import Database

SCOPE = "https://a.test/app/"
SCRIPT = "https://a.test/sw.js"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registrations.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(path)
    yield database
    database.close()


def worker(number: int, **changes: Any) -> ServiceWorker:
    values: dict[str, Any] = {
        "id": number,
        "script_url": SCRIPT,
        "type": "classic",
        "scope": SCOPE,
        "script_resource_map": {SCRIPT: ScriptResource(b"\xef\xbb\xbfcode\xff", f"code {number}")},
        "state": WorkerState.INSTALLED,
        "event_types": frozenset({"fetch", "install"}),
    }
    return ServiceWorker(**values | changes)


def reloaded(path: Path) -> list[ServiceWorkerRegistration]:
    """What the next run finds."""
    database = Database(path)
    try:
        return database.load()
    finally:
        database.close()


def described(registration: ServiceWorkerRegistration) -> dict[str, Any]:
    return {
        name: found and found.id
        for name in ("installing", "waiting", "active")
        if (found := getattr(registration, name))
    }


def test_round_trip(database: Database, path: Path) -> None:
    """Registrations with both workers, their scripts byte by byte, and what was learned when they ran."""
    registration = ServiceWorkerRegistration(
        SCOPE,
        "none",
        last_update_check_time=1234.5,
        navigation_preload_enabled=True,
        navigation_preload_header_value="\xe9\xff",
    )
    registration.active = worker(
        1,
        type="module",
        state=WorkerState.ACTIVATED,
        script_resource_map={
            SCRIPT: ScriptResource(b"import './lib.js'", "import './lib.js'"),
            "https://a.test/lib.js": ScriptResource(b"\x00\xff", "\x00\ufffd"),
        },
        local_script="/Users/me/sw.js",
        all_fetch_listeners_are_empty=True,
        policies=(("referrer-policy", "origin"), ("content-security-policy", "default-src 'self'")),
    )
    registration.waiting = worker(2, skip_waiting=True, event_types=frozenset())
    database.store(registration)
    other = ServiceWorkerRegistration("https://b.test/")
    database.store(other)

    loaded = {each.scope: each for each in reloaded(path)}
    assert set(loaded) == {SCOPE, "https://b.test/"}
    found = loaded[SCOPE]
    assert (found.update_via_cache, found.last_update_check_time) == ("none", 1234.5)
    assert (found.navigation_preload_enabled, found.navigation_preload_header_value) == (True, "\xe9\xff")
    for before, after in ((registration.active, found.active), (registration.waiting, found.waiting)):
        assert after is not None
        expected = dataclasses.asdict(before) | {"used_scripts": set(before.script_resource_map)}
        assert dataclasses.asdict(after) == expected
    fresh = loaded["https://b.test/"]
    assert described(fresh) == {}
    assert (fresh.navigation_preload_enabled, fresh.navigation_preload_header_value) == (False, "true")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (WorkerState.ACTIVATING, WorkerState.ACTIVATED),
        (WorkerState.ACTIVATED, WorkerState.ACTIVATED),
    ],
)
def test_an_active_worker_is_activated_after_a_restart(
    database: Database, path: Path, before: WorkerState, after: WorkerState
) -> None:
    """Handle User Agent Shutdown: also if its activate event was not over; nothing is running."""
    registration = ServiceWorkerRegistration(SCOPE)
    registration.active = worker(1, state=before, running_status=RunningStatus.RUNNING, pending_events=3)
    database.store(registration)
    (found,) = reloaded(path)
    assert found.active is not None
    assert (found.active.state, found.active.running_status) == (after, RunningStatus.STOPPED)
    assert found.active.has_no_pending_events()


def test_a_worker_that_is_being_installed_is_not_kept(database: Database, path: Path) -> None:
    """The specification's shutdown drops it; waiting and active stay."""
    registration = ServiceWorkerRegistration(SCOPE)
    registration.installing, registration.waiting = worker(3, state=WorkerState.INSTALLING), worker(2)
    database.store(registration)
    (found,) = reloaded(path)
    assert described(found) == {"waiting": 2}
    assert found.waiting is not None
    assert found.waiting.state is WorkerState.INSTALLED


def test_the_waiting_worker_becomes_the_active_one(database: Database, path: Path) -> None:
    """It moves from slot to slot, whether there was an active one or not; scripts of the old one go."""
    registration = ServiceWorkerRegistration(SCOPE)
    for number in (1, 2, 3):
        registration.waiting = worker(number)
        database.store(registration)
        registration.active, registration.waiting = registration.waiting, None
        registration.active.state = WorkerState.ACTIVATING
        database.store(registration)
    registration.waiting = worker(4)
    database.store(registration)
    (found,) = reloaded(path)
    assert described(found) == {"active": 3, "waiting": 4}
    with sqlite3.connect(path) as connection:
        assert [row[0] for row in connection.execute("SELECT worker FROM scripts ORDER BY worker")] == [3, 4]
    connection.close()


def test_forget(database: Database, path: Path) -> None:
    """A registration goes with its workers and scripts; others stay, and it can be stored anew."""
    for scope, number in ((SCOPE, 1), ("https://b.test/", 2)):
        registration = ServiceWorkerRegistration(scope)
        registration.active = worker(number, scope=scope)
        database.store(registration)
    database.forget(SCOPE)
    database.forget("https://nowhere.test/")
    assert [found.scope for found in reloaded(path)] == ["https://b.test/"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT worker FROM scripts").fetchall() == [(2,)]
    connection.close()
    again = ServiceWorkerRegistration(SCOPE)
    again.active = worker(3)
    database.store(again)
    assert len(reloaded(path)) == 2


def test_worker_numbers_are_never_given_twice(database: Database, path: Path) -> None:
    """Not in the next run either."""
    assert [database.reserve_worker_ids(10), database.reserve_worker_ids(5)] == [1, 11]
    database.close()
    again = Database(path)
    assert again.reserve_worker_ids(1) == 16
    again.close()


def test_a_profile_of_the_first_version(path: Path) -> None:
    """Its registrations have what is new since then at first, and can be stored with it."""
    with sqlite3.connect(path) as connection:
        connection.executescript(database_module._MIGRATIONS[0])
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO registrations VALUES (?, 'all', 5.0)", (SCOPE,))
    connection.close()
    for expected in ((False, "true"), (True, "new")):
        database = Database(path)
        (found,) = database.load()
        assert (found.scope, found.update_via_cache, found.last_update_check_time) == (SCOPE, "all", 5.0)
        assert (found.navigation_preload_enabled, found.navigation_preload_header_value) == expected
        found.navigation_preload_enabled, found.navigation_preload_header_value = True, "new"
        database.store(found)
        database.close()


def test_a_newer_version_is_refused(database: Database, path: Path) -> None:
    """What a newer swproxy wrote is not touched; the message says what to do."""
    database.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ProfileError, match=r"registrations\.db was written by a newer swproxy: upgrade"):
        Database(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "damage", [b"not a database, and long enough to be looked at " * 50, b"SQLite format 3\0" + b"\xff" * 8192]
)
def test_a_damaged_file_is_one_clear_sentence(path: Path, damage: bytes) -> None:
    """The error names the file and says what to do; the file is left as it is."""
    path.write_bytes(damage)
    sentence = (
        rf"^The registrations in {path} cannot be used \(.*\): remove the file, and register .*; the caches stay\.$"
    )
    with pytest.raises(ProfileError, match=sentence):
        Database(path).load()
    assert path.read_bytes() == damage


def test_a_failed_store_changes_nothing(small_disk: Path) -> None:
    """On a full disk the old state stays whole, and is there after a restart."""
    path = small_disk / "registrations.db"
    database = Database(path)
    registration = ServiceWorkerRegistration(SCOPE)
    registration.active = worker(1)
    database.store(registration)
    filler = fill(small_disk)
    registration.waiting = worker(2, script_resource_map={SCRIPT: ScriptResource(b"x" * 100_000, "x" * 100_000)})
    with pytest.raises(ProfileError, match="full"):
        database.store(registration)
    filler.unlink()
    database.forget("https://nowhere.test/")  # the connection is usable again
    database.close()
    (found,) = reloaded(path)
    assert described(found) == {"active": 1}
