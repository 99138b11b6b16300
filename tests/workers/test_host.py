"""What workers ask of the proxy, and what they are told."""

import asyncio
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from disks import fill
from running_workers import Workers
from waiting import soon

from swproxy.errors import InvalidInput, ProfileError
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage import cache_storage
from swproxy.storage.bodies import BytesBody
from swproxy.storage.origins import directory_of

SITE = "https://site.test"
ROOT = f"{SITE}/"


async def told(workers: Workers, source: str, scope: str = ROOT) -> Any:
    """What ``await ask(...)`` gives for each expression of an active worker, an error as its name.

    Args:
        source: the elements of a JavaScript array.
    """
    script = workers._directory / "asks.js"
    script.write_text(
        f"""
        const ask = async (work) => {{
          try {{ return (await work()) ?? null; }} catch (error) {{ return error.name; }}
        }};
        onactivate = (event) => event.waitUntil((async () => {{
          console.log(JSON.stringify(await Promise.all([{source}])));
        }})());
        """
    )
    await workers.context.register(scope, str(script), "classic", "imports", local=True)
    return json.loads((await workers.printed(scope))[-1])


# Clients


async def test_clients(workers: Workers) -> None:
    """One of the own origin can be had by its number; those are listed that are surely there."""
    own, foreign = (ServiceWorkerClient(f"{origin}/page", "browser", None) for origin in (SITE, "https://other.test"))
    for client in (own, foreign):
        workers.context.clients.see(client)
    unseen = ServiceWorkerClient(f"{SITE}/unseen", "browser", None)
    workers.context.clients.lose_sight(unseen)
    source = f"""
      ask(() => clients.get("{own.id}").then(({{ id, url, type, frameType }}) => [id, url, type, frameType])),
      ask(() => clients.get("{foreign.id}")),
      ask(() => clients.get("unknown")),
      ask(async () => (await clients.matchAll({{ includeUncontrolled: true, type: "all" }})).map(({{ id }}) => id)),
    """
    assert await told(workers, source) == [[own.id, f"{SITE}/page", "window", "top-level"], None, None, [own.id]]


async def test_windows_are_the_users(workers: Workers) -> None:
    """None can be opened, focused or navigated: nobody has clicked."""
    client = ServiceWorkerClient(f"{SITE}/page", "browser", None)
    workers.context.clients.see(client)
    source = f"""
      ask(() => clients.openWindow("/")),
      ask(() => clients.get("{client.id}").then((client) => client.focus())),
      ask(() => clients.get("{client.id}").then((client) => client.postMessage("lost"))),
    """
    assert await told(workers, source) == ["InvalidAccessError", "InvalidAccessError", None]


async def test_only_the_active_worker_claims(workers: Workers) -> None:
    """Before its activation it has no clients to take."""
    await workers.register(
        ROOT,
        "oninstall = (event) => event.waitUntil(clients.claim().then(() => console.log('claimed'),"
        " (error) => console.log(error.name)));",
    )
    assert await workers.printed(ROOT) == ["InvalidStateError"]
    assert await told(workers, "ask(() => clients.claim())", f"{ROOT}other/") == [None]


async def test_claiming_waits_for_documents_that_arrive(workers: Workers) -> None:
    """They hear of their controller by the time that the worker goes on."""
    client = ServiceWorkerClient(f"{SITE}/page", "browser", None)
    client.is_delivered = True
    workers.context.clients.add(client)
    claiming = asyncio.ensure_future(told(workers, "ask(() => clients.claim())"))
    await soon(lambda: bool(client._waiting))
    assert client.controller is None
    workers.context.clients.see(client)
    assert await claiming == [None]
    assert client.controller is workers.context.registration(ROOT)


# The registration


async def test_update_while_installing(workers: Workers) -> None:
    """A worker that is being installed cannot update its registration; an active one can."""
    await workers.register(
        ROOT,
        """
        const update = () => registration.update().then(() => "updated", (error) => error.name);
        oninstall = (event) => event.waitUntil(update().then(console.log));
        onactivate = (event) => event.waitUntil(update().then(console.log));
        """,
    )
    assert await workers.printed(ROOT, 2) == ["InvalidStateError", "updated"]


async def test_navigation_preload(workers: Workers, tmp_path: Path) -> None:
    """Needs an active worker, is refused what is no header value, and survives a restart."""
    await workers.register(
        ROOT,
        """
        const preload = registration.navigationPreload;
        const asked = (work) => work.then((value) => value ?? null, ({ name }) => name);
        const all = async (...work) => console.log(JSON.stringify(await Promise.all(work.map(asked))));
        oninstall = (event) => event.waitUntil(
          all(preload.enable(), preload.disable(), preload.setHeaderValue("x"), preload.getState()));
        onactivate = (event) => event.waitUntil(
          all(preload.enable(), preload.setHeaderValue(" \xe9 "), preload.getState(), preload.setHeaderValue("\\n")));
        """,
    )
    refused = "InvalidStateError"
    installing, activating = map(json.loads, await workers.printed(ROOT, 2))
    assert installing == [refused, refused, refused, {"enabled": False, "headerValue": "true"}]
    assert activating == [None, None, {"enabled": True, "headerValue": "\xe9"}, "TypeError"]
    await workers.context.close()
    (found,) = Workers(tmp_path).context.registrations
    assert (found.navigation_preload_enabled, found.navigation_preload_header_value) == (True, "\xe9")


async def test_navigation_preload_of_what_is_unregistered(workers: Workers) -> None:
    """Is changed and not stored: the registration would be there again after a restart."""
    source = """
      ask(async () => {
        await registration.unregister();
        await registration.navigationPreload.enable();
        return (await registration.navigationPreload.getState()).enabled;
      })
    """
    assert await told(workers, source) == [True]
    assert workers.context._database.load() == []


async def test_unregister(workers: Workers) -> None:
    """By the worker itself; a second time there is nothing left to unregister."""
    source = "ask(async () => [await registration.unregister(), await registration.unregister()])"
    assert await told(workers, source) == [[True, False]]
    assert workers.context.status()["registrations"] == []


async def test_states_are_told(workers: Workers) -> None:
    """The worker sees its own state change, and what takes which place in its registration."""
    await workers.register(
        ROOT,
        """
        const places = () => [registration.installing, registration.waiting, registration.active];
        const show = () => console.log([serviceWorker, ...places()].map((worker) => worker?.state).join());
        show();
        serviceWorker.onstatechange = show;
        """,
    )
    assert await workers.printed(ROOT, 5) == [
        "parsed,,,",
        "installing,installing,,",
        "installed,,installed,",
        "activating,,,activating",
        "activated,,,activated",
    ]


# Calls that no script of ours makes


async def test_a_call_that_there_is_not(workers: Workers) -> None:
    """Is invalid input, whatever it is called."""
    worker = await workers.register(ROOT, "")
    for name in ("", "call", "__init__", "clients_take_over"):
        with pytest.raises(InvalidInput, match=f"there is no {name}"):
            await workers.context._host.call(worker, name, [])


async def test_imports_end_with_the_installation(workers: Workers) -> None:
    """Also for a worker process that asks all the same."""
    worker = await workers.register(ROOT, "")
    answer = await workers.context._host.load_script(worker, f"{ROOT}lib.js")
    assert (answer.source, answer.error) == (None, "it was not imported before or during the install event")


# What a process is told


async def test_the_start_message(workers: Workers, tmp_path: Path) -> None:
    """Script, origin, limits and directories; each origin has caches of its own."""
    workers.context.conditions.set_offline(True, "https://other.test")
    worker = await workers.register(ROOT, "// code")
    other = await workers.register("https://other.test/", "// code")
    host = workers.context._host
    start = host.start_message(worker, tmp_path / "scratch")
    assert (start.worker_id, start.script_url, start.origin, start.module) == (
        worker.id,
        f"{ROOT}sw.js",
        SITE,
        False,
    )
    assert start.scripts == {f"{ROOT}sw.js": "// code"}
    assert (start.may_import, start.online) == (False, True)
    assert start.registration["active"] == {"id": worker.id, "scriptURL": f"{ROOT}sw.js", "state": "activated"}
    foreign = host.start_message(other, tmp_path)
    assert not foreign.online
    assert foreign.caches_directory != start.caches_directory
    assert Path(start.caches_directory).parent == workers.context.profile.caches


async def test_going_offline_is_told(workers: Workers) -> None:
    """To the workers whose origin it concerns."""
    listening = "ononline = onoffline = (event) => console.log(event.type); console.log(navigator.onLine);"
    for scope in (ROOT, "https://other.test/"):
        await workers.register(scope, listening)
    workers.context.conditions.set_offline(True, SITE)
    assert await workers.printed(ROOT, 2) == ["true", "offline"]
    workers.context.conditions.set_offline(False)
    assert await workers.printed(ROOT, 3) == ["true", "offline", "online"]


# Caches are tidied


STORES = f"""
oninstall = (event) => event.waitUntil((async () => {{
  const cache = await caches.open("v1");
  await cache.put("/x", new Response("x".repeat(100_000)));
  await caches.delete("v1");
  await cache.put("/y", new Response("y".repeat(100_000)));
  await (await caches.open("v2")).put("/z", new Response("{"z" * 10}"));
}})());
"""


def cache_directories(workers: Workers) -> int:
    """Those of caches, deleted ones too."""
    directory = directory_of(workers.context.profile.caches, SITE)
    return len([path for path in directory.iterdir() if path.name != "index"])


async def stop(workers: Workers, worker: ServiceWorker) -> None:
    """Returns when nothing is left of its process."""
    process = workers.context.manager.running(worker)
    workers.context.manager.terminate(worker)
    if process is not None:
        await asyncio.wait_for(process.gone.wait(), 10)


async def restart(workers: Workers, worker: ServiceWorker) -> None:
    await stop(workers, worker)
    assert await workers.context.manager.run_service_worker(worker) is None


async def test_deleted_caches_go_when_no_process_uses_them(workers: Workers) -> None:
    """At the next start of a process of the origin; as long as another one runs they stay."""
    worker = await workers.register(ROOT, STORES)
    assert cache_directories(workers) == 2
    other = await workers.register(f"{ROOT}other/", "")
    await restart(workers, worker)
    assert cache_directories(workers) == 2
    await stop(workers, other)
    await restart(workers, worker)
    assert cache_directories(workers) == 1


async def test_a_process_that_has_not_ended_yet_uses_the_caches(workers: Workers) -> None:
    """Though it was stopped: nothing is tidied beside it."""
    worker = await workers.register(ROOT, STORES)
    process = workers.context.manager.running(worker)
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    workers.context.manager.terminate(worker)
    assert await workers.context.manager.run_service_worker(worker) is None
    assert cache_directories(workers) == 2
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.wait_for(process.gone.wait(), 10)
    await restart(workers, worker)
    assert cache_directories(workers) == 1


def orphan(workers: Workers) -> list[Path]:
    """Leaves a body without an entry, as a process does that is killed; what the origin's caches have then."""
    directory = directory_of(workers.context.profile.caches, SITE)
    storage = cache_storage.CacheStorage(directory)
    put = cache_storage.Put(
        cache_storage.StoredRequest("GET", f"{ROOT}z", [], {}),
        cache_storage.StoredResponse("basic", [], 200, "", []),
        BytesBody(b"z" * 100_000),
        0.0,
    )
    storage.open("v2")._write_body(put, [])
    storage.close()
    return list(directory.rglob("*.val"))


async def test_after_a_crash_all_wait_for_the_sweep(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once, beside the event loop, before any process of the origin is forked."""
    first = await workers.register(ROOT, STORES)
    second = await workers.register(f"{ROOT}other/", "")
    for worker in (first, second):
        await stop(workers, worker)
    left = orphan(workers)
    workers.context._host.stores.mark_unclean(SITE)
    may_sweep, swept = threading.Event(), []
    sweep = cache_storage.CacheStorage.sweep

    def held(storage: cache_storage.CacheStorage, *, thorough: bool) -> None:
        assert may_sweep.wait(10)
        sweep(storage, thorough=thorough)
        swept.append(thorough)

    monkeypatch.setattr(cache_storage.CacheStorage, "sweep", held)
    manager = workers.context.manager
    starting = [asyncio.ensure_future(manager.run_service_worker(worker)) for worker in (first, second)]
    await soon(lambda: SITE in workers.context._host.stores._sweeps)
    third = asyncio.ensure_future(workers.register(f"{ROOT}third/", ""))
    await soon(lambda: len(manager.all_processes()) == 3)
    assert [process.pid for process in manager.all_processes()] == [0, 0, 0]
    may_sweep.set()
    assert await asyncio.gather(*starting) == [None, None]
    await third
    assert swept == [True]
    directory = directory_of(workers.context.profile.caches, SITE)
    assert len(list(directory.rglob("*.val"))) < len(left)
    assert not workers.context._host.stores._sweeps


async def test_damaged_caches_keep_no_worker_from_starting(
    workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """It may not need them; the log says what is wrong."""
    worker = await workers.register(ROOT, STORES)
    await stop(workers, worker)
    directory = directory_of(workers.context.profile.caches, SITE)
    for database in directory.rglob("cache.db"):
        database.write_bytes(b"no database at all" * 1000)
    assert await workers.context.manager.run_service_worker(worker) is None
    assert f"cannot tidy what {SITE} has stored: The caches in {directory} are damaged" in caplog.text


async def test_navigation_preload_on_a_full_disk(small_disk: Path) -> None:
    """What cannot be stored is not changed."""
    workers = Workers(small_disk)
    await workers.context.start()
    try:
        await workers.register(ROOT, "onfetch = () => {};")
        registration = workers.context.registration(ROOT)
        fill(small_disk)
        with pytest.raises(ProfileError, match="full"):
            workers.context._driver.navigation_preload(registration, "set", "x" * 1_000_000)
        assert registration.navigation_preload_header_value == "true"
    finally:
        (small_disk / "filler").unlink()
        await workers.context.close()


async def test_a_full_disk_keeps_no_worker_from_starting(small_disk: Path) -> None:
    """What it needs of the disk is little, and was reserved before."""
    workers = Workers(small_disk)
    await workers.context.start()
    try:
        worker = await workers.register(ROOT, "onfetch = () => {};")
        workers.context.manager.terminate(worker)
        fill(small_disk)
        assert await workers.context.manager.run_service_worker(worker) is None
        assert worker.state is WorkerState.ACTIVATED
        await soon(lambda: workers.context.manager.running(worker) is not None)
    finally:
        (small_disk / "filler").unlink()
        await workers.context.close()
