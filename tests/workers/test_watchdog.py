"""Limits of time."""

import asyncio
import os
import signal

import pytest
from fake_host import ManagedWorkers, answered, fetch
from waiting import soon

from swproxy.errors import WorkerGone
from swproxy.service_worker.states import RunningStatus
from swproxy.workers import watchdog
from swproxy.workers.limits import Limits

ENDLESS = """
const never = new Promise(() => {});
onfetch = (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/never") event.respondWith(never);
  else event.respondWith(new Response("x"));
  if (pathname === "/after") event.waitUntil(never);
};
oninstall = onactivate = onmessage = (event) => event.waitUntil(never);
"""
MESSAGE = {"message": {"text": "1", "parts": []}, "source": None, "sourceType": "worker"}


@pytest.mark.parametrize("limits", [Limits(fetch_event=0.1, extended=0.3)])
async def test_a_response_that_does_not_come(managed: ManagedWorkers) -> None:
    """The client is told after its limit; the process goes on, and the event is over after the longer one."""
    process = await managed.process(ENDLESS)
    event = fetch(process, "/never")
    assert event.answer is not None
    with pytest.raises(WorkerGone, match=r"the promise given to respondWith\(\) did not settle within 0\.1 seconds"):
        await asyncio.wait_for(event.answer, 10)
    assert process.worker.pending_events == 1
    assert (await answered(fetch(process))).status == 200
    await managed.host.until(lambda host: process.worker.pending_events == 0)
    assert managed.host.ended == []


@pytest.mark.parametrize("limits", [Limits(extended=0.1)])
async def test_work_that_does_not_end(managed: ManagedWorkers) -> None:
    """After the answer, or of any other event: it counts as done after its limit, and is no failure."""
    process = await managed.process(ENDLESS)
    await answered(fetch(process, "/after"))
    finished = process.dispatch_event("message", MESSAGE).finished
    assert finished is not None
    await asyncio.wait_for(finished, 10)
    await managed.host.until(lambda host: process.worker.pending_events == 0)


@pytest.mark.parametrize("limits", [Limits(lifecycle_event=0.1, extended=0.05)])
@pytest.mark.parametrize("type_", ["install", "activate"])
async def test_a_lifecycle_event_that_does_not_end(managed: ManagedWorkers, type_: str) -> None:
    """Has failed, after a limit of its own."""
    process = await managed.process(ENDLESS)
    finished = process.dispatch_event(type_).finished
    assert finished is not None
    with pytest.raises(WorkerGone, match=rf"the {type_} event was not finished within 0\.1 seconds"):
        await asyncio.wait_for(finished, 10)


@pytest.mark.parametrize("limits", [Limits(turn=0.1)])
async def test_a_process_that_answers_nothing(managed: ManagedWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is killed: not even its own alarm could interrupt it."""
    monkeypatch.setattr(watchdog, "GRACE", 0.1)
    process = await managed.process(ENDLESS)
    os.kill(process.pid, signal.SIGSTOP)
    event = fetch(process)
    assert event.answer is not None
    with pytest.raises(WorkerGone, match=r"the worker process did not answer for 0\.2 seconds"):
        await asyncio.wait_for(event.answer, 10)
    await asyncio.wait_for(process.gone.wait(), 10)
    assert process.worker.running_status is RunningStatus.STOPPED
    assert managed.host.ended[0][2]


@pytest.mark.parametrize("limits", [Limits(turn=0.1)])
async def test_a_process_without_events_is_left_alone(
    managed: ManagedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it has been silent: the time counts from its next event."""
    monkeypatch.setattr(watchdog, "GRACE", 0.1)
    process = await managed.process(ENDLESS)
    busy = await managed.process(ENDLESS)
    event = fetch(busy, "/never")
    process.last_pong -= 1000
    for _ in range(3):
        before = busy.last_pong
        await soon(lambda before=before: busy.last_pong > before)  # type: ignore[misc]
    assert (await answered(fetch(process))).status == 200
    assert event.answer is not None
    assert not event.answer.done()
    assert managed.host.ended == []


@pytest.mark.parametrize(
    ("limits", "interval"),
    [(Limits(), 1.0), (Limits(turn=2.0), 0.5), (Limits(fetch_event=0.4), 0.1), (Limits(idle=0.01), 1.0)],
    ids=["default", "turn", "fetch", "idle"],
)
def test_how_often_it_looks(limits: Limits, interval: float) -> None:
    """A few times within the shortest limit, and at least once a second."""
    assert watchdog.Watchdog(limits, list)._interval == interval
