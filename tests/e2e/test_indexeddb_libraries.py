"""Libraries that nobody here wrote, unmodified, on IndexedDB: in workers that are stopped, killed and updated."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from origin import Origin
from proxy_process import ProxyProcess
from waiting import until

TESTS = Path(__file__).parents[1]
WORKERS = Path(__file__).parent / "libraries"
LIBRARIES = {
    "idb": "idb/build/umd.js",
    "idb-keyval": "idb-keyval/dist/umd.js",
    "localforage": "localforage/dist/localforage.min.js",
}
SCRIPTS = {"idb": "idb.js", "idb-keyval": "idb_keyval.js", "localforage": "localforage.js"}
# How long Workbox keeps what is in the cache "fresh", and what is added here, as clocks differ. Seconds.
MAX_AGE = 4.0
MORE = 0.3
SENT = {"X-Note": "kept", "Content-Type": "application/x-test"}

StartProxy = Callable[..., ProxyProcess]


@pytest.fixture
def site(origin: Origin) -> Origin:
    """The libraries as npm has them, and a worker for each at ``/LIBRARY/sw.js``."""
    origin.script("/answers.js", (WORKERS / "answers.js").read_text())
    origin.script("/cached.js", (WORKERS / "cached.js").read_text())
    for library, file in LIBRARIES.items():
        origin.script(f"/npm/{library}.js", (TESTS / "node_modules" / file).read_text("utf-8"))
        origin.script(f"/{library}/sw.js", (WORKERS / SCRIPTS[library]).read_text("utf-8"))
    serve_idb(origin, 1)
    return origin


def serve_idb(site: Origin, version: int) -> None:
    """The worker with this version of its database."""
    site.script("/idb/sw.js", f"const VERSION = {version};\n" + (WORKERS / "idb.js").read_text())


def ask(proxy: ProxyProcess, url: str) -> Any:
    """What an operation of a worker gives."""
    answer = proxy.curl(url)
    assert answer.status == 200, answer.text or answer.stderr
    return json.loads(answer.body)


def registered(site: Origin, proxy: ProxyProcess, library: str) -> str:
    """The scope of its worker."""
    scope = f"{site.url}/{library}/"
    proxy.registered(scope, f"{scope}sw.js")
    return scope


def stop_worker(proxy: ProxyProcess, scope: str) -> None:
    proxy.control("POST", "/stop", {"scope": scope})


def kill_worker(proxy: ProxyProcess, scope: str) -> None:
    pid = proxy.worker_pid(scope)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


# What a library has written, as its worker reads it.
WRITTEN = {
    "idb": [
        {"id": 1, "author": "ada", "text": "first note", "written": 0},
        {"id": 2, "author": "bob", "text": "second note", "written": 1},
        {"id": 3, "author": "ada", "text": "third note", "written": 2},
        {"id": 4, "author": "cyd", "text": "fourth note", "written": 3},
        {"id": 5, "author": "bob", "text": "last", "written": 4},
    ],
    "idb-keyval": {
        "date": "1970-01-02T00:00:00.000Z",
        "map": [1, 2],
        "bytes": ["Uint8Array", 0, 127, 255],
        "bigint": "12345678901234567890",
        "text": [0xD83D, 0xDE00, 0, 0xD800],
        "pattern": "/a.b/gi",
        "nested": [True, True, True, True],
        "gone": True,
        # In the order of keys: numbers, dates, strings, arrays.
        "keys": [
            *(3, "1970-01-01T00:00:00.000Z", "bigint", "bytes", "count", "date", "map", "pattern", "text"),
            ["an", "array"],
        ],
    },
    "localforage": {
        "list": [1, "two", {"three": 3}],
        "date": 1000,
        "buffer": [1, 2, 3],
        "floats": [0.5, -1],
        "blob": ["in a blob", "text/x-kept"],
        "undefined": None,
        "gone": None,
        "keys": ["blob", "buffer", "count", "floats", "object", "undefined"],
    },
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_was_written_is_there_afterwards(site: Origin, start_proxy: StartProxy, library: str) -> None:
    """After the worker is stopped or killed, and the proxy is restarted or killed: also the last write before."""
    proxy = start_proxy()
    scope = registered(site, proxy, library)
    ask(proxy, f"{scope}count")
    ask(proxy, f"{scope}write")
    ends: list[Callable[[], object]] = [
        lambda: stop_worker(proxy, scope),
        lambda: kill_worker(proxy, scope),
        lambda: proxy.stop(),
        lambda: proxy.kill(),
    ]
    for number, end in enumerate(ends):
        assert ask(proxy, f"{scope}count") == number + 2
        end()
        if proxy.process.poll() is not None:
            proxy = start_proxy()
        assert ask(proxy, f"{scope}read") == WRITTEN[library]
    assert ask(proxy, f"{scope}count") == len(ends) + 2


# idb


def test_idb_indexes_and_ranges(site: Origin, proxy: ProxyProcess) -> None:
    """By key, by index, by range, and so many at most."""
    scope = registered(site, proxy, "idb")
    assert ask(proxy, f"{scope}write") == 5
    assert ask(proxy, f"{scope}find") == {
        "first": 1,
        "key": 2,
        "all": [1, 3],
        "count": 3,
        "range": [3, 4],
        "limited": [1, 2],
        "nothing": "undefined",
    }


def test_idb_iterates(site: Origin, proxy: ProxyProcess) -> None:
    """``for await`` over stores and indexes, in both directions, with jumps; and cursors by hand."""
    scope = registered(site, proxy, "idb")
    ask(proxy, f"{scope}write")
    assert ask(proxy, f"{scope}iterate") == {
        "store": [[1, "ada"], [2, "bob"], [3, "ada"], [4, "cyd"], [5, "bob"]],
        "backwards": [["cyd", 4], ["bob", 5], ["bob", 2], ["ada", 3], ["ada", 1]],
        "unique": [["ada", 1], ["bob", 2], ["cyd", 4]],
        "advanced": [1, 3, 5],
        "continued": [1, 3, 4],
        "byHand": [1, 2, 3, 4, 5],
    }


def test_idb_changes_while_iterating(site: Origin, proxy: ProxyProcess) -> None:
    """A cursor updates and deletes, and the key generator goes on from the highest key there was."""
    scope = registered(site, proxy, "idb")
    ask(proxy, f"{scope}write")
    assert ask(proxy, f"{scope}change") == 6
    texts = {note["id"]: note["text"] for note in ask(proxy, f"{scope}read")}
    assert texts == {1: "changed", 3: "changed", 5: "changed", 6: "new"}


def test_idb_transactions_are_all_or_nothing(site: Origin, proxy: ProxyProcess) -> None:
    """What is aborted, by the script or by a conflict, leaves everything as it was; also for the next worker."""
    scope = registered(site, proxy, "idb")
    ask(proxy, f"{scope}write")
    assert ask(proxy, f"{scope}abort") == "AbortError"
    # idb's ``done`` fails with the event of the request, which comes before the transaction has its error.
    assert ask(proxy, f"{scope}conflict") == ["ConstraintError", "AbortError"]
    assert ask(proxy, f"{scope}read") == WRITTEN["idb"]
    kill_worker(proxy, scope)
    assert ask(proxy, f"{scope}read") == WRITTEN["idb"]


def test_idb_upgrades_with_a_new_script(site: Origin, start_proxy: StartProxy) -> None:
    """The old worker lets go of its database, the new one migrates the records; and that lasts."""
    proxy = start_proxy()
    scope = registered(site, proxy, "idb")
    ask(proxy, f"{scope}write")
    assert ask(proxy, f"{scope}version") == 1
    serve_idb(site, 2)
    proxy.control("POST", "/update", {"scope": scope})
    until(lambda: bool(ask(proxy, f"{scope}version") == 2))
    migrated = [note | {"words": str(note["text"]).split()} for note in WRITTEN["idb"]]
    for _ in range(2):
        assert ask(proxy, f"{scope}read") == migrated
        assert ask(proxy, f"{scope}words") == [1, 2, 3, 4]
        proxy.stop()
        proxy = start_proxy()


# idb-keyval and localForage


def test_idb_keyval_stores(site: Origin, proxy: ProxyProcess) -> None:
    """A store of one's own is another database; updates that begin together do not lose each other."""
    scope = registered(site, proxy, "idb-keyval")
    assert ask(proxy, f"{scope}stores") == [[["name", "of the other"]], True]
    assert ask(proxy, f"{scope}race") == 20


def test_localforage_stores(site: Origin, proxy: ProxyProcess) -> None:
    """It chooses IndexedDB, iterates until it has enough, and adds and drops stores while others are open."""
    scope = registered(site, proxy, "localforage")
    assert ask(proxy, f"{scope}driver") is True
    assert ask(proxy, f"{scope}write") == 5
    assert ask(proxy, f"{scope}iterate") == {"seen": [[1, "blob"], [2, "buffer"], [3, "floats"]], "ended": "enough"}
    assert ask(proxy, f"{scope}stores") == ["of the other", "of the third", None, ["key"]]


# Workbox


@pytest.fixture(scope="session")
def workbox_worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the worker's files are."""
    directory = tmp_path_factory.mktemp("workbox-storage")
    built = subprocess.run(
        ["node", "workbox_storage.mjs", str(directory)], cwd=TESTS, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, f"run `npm ci` in {TESTS} first:\n{built.stderr}"
    return directory


@pytest.fixture
def workbox(site: Origin, workbox_worker: Path) -> Origin:
    """The site with Workbox's worker at ``/sw.js``."""
    for path in workbox_worker.glob("*.js"):
        site.script(f"/{path.name}", path.read_text("utf-8"))
    for name in "abcdef":
        site.route(f"/few/{name}", name)
        site.route(f"/fresh/{name}", name)
    return site


def get(proxy: ProxyProcess, site: Origin, *paths: str) -> None:
    """One after the other."""
    for path in paths:
        assert proxy.curl(f"{site.url}{path}").text == path[-1]


def comes_to_hold(proxy: ProxyProcess, site: Origin, cache: str, names: str) -> None:
    """Waits until exactly these are in the cache: Workbox expires others after it has answered."""
    until(lambda: sorted(ask(proxy, f"{site.url}/cached?{cache}")) == [f"/{cache}/{name}" for name in names])


def test_entries_beyond_the_number_expire(workbox: Origin, start_proxy: StartProxy) -> None:
    """Those go that were not used for the longest time, whichever worker and proxy noted the uses."""
    proxy = start_proxy()
    proxy.registered(f"{workbox.url}/", f"{workbox.url}/sw.js")
    get(proxy, workbox, "/few/a", "/few/b", "/few/c", "/few/d")
    comes_to_hold(proxy, workbox, "few", "bcd")
    stop_worker(proxy, f"{workbox.url}/")
    get(proxy, workbox, "/few/b", "/few/e")
    comes_to_hold(proxy, workbox, "few", "bde")
    proxy.stop()
    proxy = start_proxy()
    get(proxy, workbox, "/few/f")
    comes_to_hold(proxy, workbox, "few", "bef")
    assert workbox.count("/few/b") == 1


def test_old_entries_expire(workbox: Origin, start_proxy: StartProxy) -> None:
    """What is too old goes when something else is used, also if the worker and the proxy are others by then."""
    proxy = start_proxy()
    proxy.registered(f"{workbox.url}/", f"{workbox.url}/sw.js")
    get(proxy, workbox, "/fresh/a", "/fresh/b", "/fresh/c")
    comes_to_hold(proxy, workbox, "fresh", "bc")
    written = time.monotonic()
    stop_worker(proxy, f"{workbox.url}/")
    comes_to_hold(proxy, workbox, "fresh", "bc")
    proxy.stop()
    proxy = start_proxy()
    time.sleep(max(0.0, written + MAX_AGE + MORE - time.monotonic()))
    get(proxy, workbox, "/fresh/d")
    comes_to_hold(proxy, workbox, "fresh", "d")
    get(proxy, workbox, "/fresh/e")
    comes_to_hold(proxy, workbox, "fresh", "de")


@pytest.mark.parametrize("anew", ["worker", "proxy"])
def test_queued_requests_are_sent_later(workbox: Origin, start_proxy: StartProxy, anew: str) -> None:
    """What is posted offline arrives when the worker starts again online: in order, whole, once."""
    workbox.route("/queued/x", "got it")
    proxy = start_proxy()
    scope = f"{workbox.url}/"
    proxy.registered(scope, f"{scope}sw.js")
    headers = [argument for name, value in SENT.items() for argument in ("-H", f"{name}: {value}")]

    def post(body: bytes) -> int:
        return proxy.curl(f"{scope}queued/x", "--data-binary", "@-", *headers, stdin=body).status

    def arrived() -> list[bytes]:
        return [hit.body for hit in workbox.hits if hit.path == "/queued/x"]

    proxy.offline(True)
    bodies = [b"one \xff\x00", b"two" * 50_000]
    assert [post(body) for body in bodies] == [502, 502]
    assert arrived() == []
    if anew == "worker":
        proxy.offline(False)
        stop_worker(proxy, scope)
    else:
        proxy.stop()
        proxy = start_proxy()
    ask(proxy, f"{scope}cached?few")
    until(lambda: len(arrived()) == 2)
    proxy.stop()
    proxy = start_proxy()
    assert post(b"three") == 200
    assert arrived() == [*bodies, b"three"]
    for hit in workbox.hits:
        if hit.path == "/queued/x":
            assert hit.method == "POST"
            assert hit.headers["x-note"] == SENT["X-Note"]
            assert hit.headers["content-type"] == SENT["Content-Type"]
