"""What is set for an origin, where requests are on their way: "update on reload" and "bypass for network"."""

import asyncio
from pathlib import Path

import pytest
from running_workers import Workers
from waiting import soon

from swproxy.ipc.messages import Fetch, FetchAnswer
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.service_worker.handle_fetch import FetchTarget
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.bodies import BytesBody
from swproxy.storage.origin_settings import BYPASS_FOR_NETWORK, UPDATE_ON_RELOAD
from swproxy.workers import lifecycle_driver
from swproxy.workers.dispatcher import Answer, ClientRequest, PassedThrough
from swproxy.workers.process import WorkerProcess

SITE = "https://site.test"
ROOT = f"{SITE}/"
ANSWERS = "onfetch = (event) => event.respondWith(new Response('worker'));"


def request(url: str, *, navigates: bool = False, hard: bool = False) -> ClientRequest:
    """A navigation, or what a page of the site asks for."""
    target = FetchTarget(url, "document" if navigates else "", navigates, hard, has_metadata=True)
    return ClientRequest(
        target,
        method="GET",
        mode="navigate" if navigates else "cors",
        credentials="include",
        cache="default",
        redirect="manual" if navigates else "follow",
        is_reload_navigation=False,
        referrer="no-referrer" if navigates else ROOT,
        client_origin="",
        headers=[],
        hidden_headers=[],
        peer="browser",
    )


NAVIGATION = request(ROOT, navigates=True)


async def text(workers: Workers, asked: ClientRequest = NAVIGATION) -> str | None:
    """What a worker has answered, None if the network is to."""
    outcome = await asyncio.wait_for(workers.context.dispatcher.handle(asked, None), 10)
    if isinstance(outcome, PassedThrough):
        return None
    assert isinstance(outcome, Answer), outcome
    assert isinstance(outcome.body, BytesBody)
    return outcome.body.data.decode()


def active(workers: Workers) -> ServiceWorker:
    found = workers.context.registration(ROOT).active
    assert found is not None
    return found


def change(worker: ServiceWorker, source: str) -> None:
    assert worker.local_script is not None
    Path(worker.local_script).write_text(source)


def updating(workers: Workers) -> Workers:
    workers.context.origin_settings.set(UPDATE_ON_RELOAD, SITE, True)
    return workers


# Update on reload


async def test_each_navigation_has_a_new_version(workers: Workers) -> None:
    """The script is the same; the page that comes is the new version's, and so are those that are open."""
    first = await workers.register(ROOT, ANSWERS)
    page = ServiceWorkerClient(ROOT, "browser", workers.context.registration(ROOT))
    workers.context.clients.see(page)
    assert await text(workers) == "worker"
    assert active(workers) is first
    updating(workers)
    for count in (1, 2):
        assert await text(workers) == "worker"
        assert active(workers).id == first.id + count
        assert active(workers).state is WorkerState.ACTIVATED
    assert first.state is WorkerState.REDUNDANT
    assert page.controller is workers.context.registration(ROOT)


async def test_what_is_no_navigation_to_a_controlled_url(workers: Workers) -> None:
    """Nothing is installed."""
    first = await workers.register(ROOT, ANSWERS)
    await workers.register("https://other.test/", ANSWERS)
    other = workers.context.registration("https://other.test/").active
    updating(workers)
    assert await text(workers, request(f"{SITE}/x")) == "worker"
    assert await text(workers, request(ROOT, navigates=True, hard=True)) is None
    assert await text(workers, request("https://other.test/", navigates=True)) == "worker"
    assert await text(workers, request("https://third.test/", navigates=True)) is None
    assert active(workers) is first
    assert workers.context.registration("https://other.test/").active is other


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("throw new Error('broken');", "The update failed: Error: broken"),
        ("oninstall = (event) => event.waitUntil(Promise.reject(new Error('no')));", "The update failed: "),
    ],
    ids=["throws", "rejects"],
)
async def test_a_version_that_fails(workers: Workers, source: str, complaint: str) -> None:
    """The page gets the version that there is; the log tells why."""
    first = await workers.register(ROOT, ANSWERS)
    change(first, source)
    updating(workers)
    assert await text(workers) == "worker"
    assert active(workers) is first
    assert (await workers.printed(ROOT))[0].startswith(complaint)


async def test_a_script_that_is_gone(workers: Workers) -> None:
    """As one that fails."""
    first = await workers.register(ROOT, ANSWERS)
    assert first.local_script is not None
    Path(first.local_script).unlink()
    assert await text(updating(workers)) == "worker"
    assert active(workers) is first


class Held:
    """Keeps the fetches of all workers waiting until ``release``."""

    def __init__(self, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
        self._released = asyncio.Event()

        async def answer(process: WorkerProcess, message: Fetch, body: object) -> FetchAnswer:
            await self._released.wait()
            return FetchAnswer(message.id, None, "released")

        monkeypatch.setattr(workers.context._host, "fetch_for_worker", answer)

    def release(self) -> None:
        self._released.set()


async def test_an_installation_that_takes_too_long(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page does not wait any longer; the new version takes over when it is ready."""
    held = Held(workers, monkeypatch)
    monkeypatch.setattr(lifecycle_driver, "INSTALLATION_PATIENCE", 0.2)
    wait = "if (registration.active) event.waitUntil(fetch('/held').catch(() => {}));"
    first = await workers.register(ROOT, f"{ANSWERS} oninstall = (event) => {{ {wait} }};")
    assert await text(updating(workers)) == "worker"
    assert active(workers) is first
    held.release()
    await soon(lambda: active(workers) is not first)


async def test_an_event_of_the_old_version_that_goes_on(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It might end only when the page that waits is there: the page gets the old version, and then the new one."""
    held = Held(workers, monkeypatch)
    monkeypatch.setattr(lifecycle_driver, "TAKEOVER_PATIENCE", 0.2)
    goes_on = "event.waitUntil(fetch('/held').catch(() => {}));"
    first = await workers.register(
        ROOT, f"onfetch = (event) => {{ event.respondWith(new Response('worker')); {goes_on} }};"
    )
    assert await text(workers) == "worker"
    assert await text(updating(workers)) == "worker"
    assert active(workers) is first
    held.release()
    await soon(lambda: active(workers) is not first)


# Bypass for network


async def test_bypass_for_network(workers: Workers) -> None:
    """No fetch event for what pages of the origin ask for, and for navigations to it; they stay controlled."""
    await workers.register(ROOT, ANSWERS)
    await workers.register("https://other.test/", ANSWERS)
    page = ServiceWorkerClient(ROOT, "browser", workers.context.registration(ROOT))
    workers.context.clients.see(page)
    asked = (NAVIGATION, request(f"{SITE}/x"), request("https://cdn.test/x"), request("https://other.test/x"))
    foreign = request("https://other.test/", navigates=True)
    for bypassed in (True, False):
        workers.context.origin_settings.set(BYPASS_FOR_NETWORK, SITE, bypassed)
        answers = [await text(workers, each) for each in asked]
        assert answers == [None if bypassed else "worker"] * len(asked)
        assert await text(workers, foreign) == "worker"
        reserved = workers.context.dispatcher.reserve(NAVIGATION)
        assert reserved is not None
        assert reserved.controller is page.controller is workers.context.registration(ROOT)
