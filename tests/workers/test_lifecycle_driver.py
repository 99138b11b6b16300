"""The lifecycle with real workers: one job of a scope after the other, activations in their order."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from disks import fill
from fake_host import answered, fetch
from running_workers import Workers
from waiting import soon

from swproxy.config import Settings
from swproxy.context import Registered, ServiceWorkerContext
from swproxy.errors import NotFoundError, ProfileError, ScriptError, SwproxyError
from swproxy.ipc.messages import Fetch, FetchAnswer
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.service_worker.jobs import Job, JobType
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.states import RunningStatus, WorkerState
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.profile import Profile
from swproxy.workers.lifecycle_driver import settled
from swproxy.workers.process import WorkerProcess

SCOPE = "https://site.test/"
OTHER = "https://other.test/"
# Its install event waits until somebody calls its fetch a failure: see ``Held``.
HELD = "oninstall = (event) => event.waitUntil(fetch('/held').catch(() => {}));"
# The same for its fetch events, which it answers before.
WORKING = """
onfetch = (event) => {
  event.respondWith(new Response("x"));
  event.waitUntil(fetch("/held").catch(() => {}));
};
"""


MESSAGE = {"message": {"text": "[1,null]", "parts": []}, "source": None, "sourceType": "worker"}


class Held:
    """Keeps the fetches of all workers waiting until ``release``."""

    def __init__(self, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
        self._released = asyncio.Event()
        self.asked = 0

        async def answer(process: WorkerProcess, message: Fetch, body: object) -> FetchAnswer:
            self.asked += 1
            await self._released.wait()
            return FetchAnswer(message.id, None, "released")

        monkeypatch.setattr(workers.context._host, "fetch_for_worker", answer)

    def release(self) -> None:
        self._released.set()

    async def until_asked(self) -> None:
        await soon(lambda: self.asked > 0)


@pytest.fixture
def held(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Held:
    return Held(workers, monkeypatch)


@pytest.fixture
def states(workers: Workers) -> list[str]:
    """Every change of a worker's state, as "number state"."""
    seen: list[str] = []
    observe = workers.context.journal.observer
    assert observe is not None

    def watch(line: dict[str, Any]) -> None:
        observe(line)
        if line["kind"] == "worker":
            seen.append(f"{line['worker']} {line['event']}")

    workers.context.journal.observer = watch
    return seen


def script(workers: Workers, source: str, name: str = "sw.js") -> str:
    """Writes a local script; its path."""
    path = workers._directory / "scripts" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    return str(path)


async def register(workers: Workers, source: str, scope: str = SCOPE, name: str = "sw.js") -> Registered:
    path = script(workers, source, name)
    return await asyncio.wait_for(workers.context.register(scope, path, "classic", "imports", local=True), 10)


async def update(workers: Workers, source: str, *, skip_waiting: bool = False) -> Registered:
    """The script has changed."""
    script(workers, source)
    return await asyncio.wait_for(workers.context.update(SCOPE, skip_waiting=skip_waiting), 10)


async def begin_event(workers: Workers, worker: ServiceWorker) -> None:
    """An event that goes on until the network is released, if the script is ``WORKING``."""
    await answered(fetch(await workers.context.manager.running_process(worker)))


def active(workers: Workers) -> ServiceWorker:
    found = workers.context.registration(SCOPE).active
    assert found is not None
    return found


# Queues


async def test_jobs_of_a_scope_wait_for_each_other(workers: Workers, held: Held, states: list[str]) -> None:
    """The second script is not even fetched before the first is installed; other scopes do not wait."""
    first = asyncio.ensure_future(register(workers, HELD, name="1.js"))
    await held.until_asked()
    second = asyncio.ensure_future(register(workers, "", name="2.js"))
    assert (await register(workers, "", OTHER)).worker is not None
    assert not first.done()
    assert not second.done()
    held.release()
    workers_of_scope = [(await first).worker, (await second).worker]
    assert [worker and worker.script_url.rpartition("/")[2] for worker in workers_of_scope] == ["1.js", "2.js"]
    assert active(workers) is workers_of_scope[1]
    one, two = (worker.id for worker in workers_of_scope if worker is not None)
    assert states.index(f"{one} installed") < states.index(f"{two} installing")
    assert one < two


async def test_an_equivalent_job_joins(workers: Workers, held: Held) -> None:
    """Two who register the same at the same time get the same worker, and it is installed once."""
    both = [asyncio.ensure_future(register(workers, HELD)) for _ in range(2)]
    await held.until_asked()
    held.release()
    first, second = await asyncio.gather(*both)
    assert first.registration is second.registration
    assert first.worker is active(workers)
    assert second.worker in (first.worker, None)
    assert held.asked == 1


async def test_a_job_that_fails_does_not_stop_the_queue(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a script that throws, nor a fault of our own, which is in the log."""
    with pytest.raises(ScriptError, match="Error: no"):
        await register(workers, "throw new Error('no');")
    with monkeypatch.context() as patched:
        patched.setattr(workers.context._driver._scripts, "load", lambda effect: 1 / 0)
        with pytest.raises(SwproxyError, match=r"^The register of .* failed: see the proxy's log\.$"):
            await register(workers, "")
    assert "ZeroDivisionError" in caplog.text
    with pytest.raises(NotFoundError):
        workers.context.registration(SCOPE)
    assert (await register(workers, "")).worker is not None


async def test_an_unregistered_scope_is_free_at_once(workers: Workers, held: Held) -> None:
    """Though its worker has an event to finish; the new registration is another one."""
    await register(workers, WORKING)
    registration, old = workers.context.registration(SCOPE), active(workers)
    await begin_event(workers, old)
    await held.until_asked()
    await workers.context.unregister(SCOPE)
    assert registration.unregistered
    assert old.state is WorkerState.ACTIVATED
    assert workers.context._driver.registration_of(old) is registration
    again = await register(workers, "")
    assert again.registration is not registration
    assert active(workers) is again.worker
    held.release()
    await soon(lambda: old.state is WorkerState.REDUNDANT)
    assert old.running_status is RunningStatus.STOPPED
    assert active(workers) is again.worker


# Activations


async def test_the_states_of_a_worker(workers: Workers, states: list[str]) -> None:
    """All of them, in their order, and those of the one it replaces."""
    await register(workers, "// 1")
    first = active(workers).id
    assert states == [f"{first} {state}" for state in ("installing", "installed", "activating", "activated")]
    states.clear()
    await update(workers, "// 2")
    second = active(workers).id
    assert [line for line in states if "stopped" not in line] == [
        f"{second} installing",
        f"{second} installed",
        f"{first} redundant",
        f"{second} activating",
        f"{second} activated",
    ]


async def test_a_new_version_waits_for_the_events_of_the_old(workers: Workers, held: Held) -> None:
    """When the last is over it is activated; a newer one that came meanwhile takes its place."""
    await register(workers, WORKING)
    old = active(workers)
    await begin_event(workers, old)
    await held.until_asked()
    second = (await update(workers, "// 2")).worker
    assert second is not None
    assert second.state is WorkerState.INSTALLED
    third = (await update(workers, "// 3", skip_waiting=True)).worker
    assert third is not None
    assert second.state.value == "redundant"
    assert (active(workers), workers.context.registration(SCOPE).waiting) == (old, third)
    held.release()
    await soon(lambda: third.state is WorkerState.ACTIVATED)
    assert active(workers) is third
    assert old.state is WorkerState.REDUNDANT
    assert old.running_status is RunningStatus.STOPPED


async def test_activation_is_waited_for(workers: Workers, held: Held) -> None:
    """Whoever needs the worker waits until its activate event is over; a failing one activates it all the same."""
    source = "onactivate = (event) => event.waitUntil(fetch('/held'));"
    registering = asyncio.ensure_future(register(workers, source))
    await held.until_asked()
    worker = active(workers)
    assert worker.state is WorkerState.ACTIVATING
    waiting = [asyncio.ensure_future(workers.context._driver.until_activated(worker)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    held.release()
    await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert worker.state.value == "activated"
    await registering
    await workers.context._driver.until_activated(worker)


@pytest.fixture
async def eager_tasks() -> None:
    """Tasks begin at once, as in mitmproxy (from Python 3.12 on)."""
    asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))


def page(workers: Workers) -> ServiceWorkerClient:
    """One that is open, and controlled."""
    client = ServiceWorkerClient(SCOPE, "browser", workers.context.registration(SCOPE))
    workers.context.clients.see(client)
    return client


@pytest.mark.usefixtures("eager_tasks")
async def test_what_keeps_a_version_waiting_goes_in_one_turn(workers: Workers) -> None:
    """Each of two pages that close has it looked at, though nothing else has run between them."""
    old = (await register(workers, "// 1")).worker
    pages = [page(workers) for _ in range(2)]
    assert (await update(workers, "// 2")).worker is not None
    for client in pages:
        assert active(workers) is old
        workers.context.clients.discard(client)
        workers.context._look_after(workers.context.registration(SCOPE))
    await asyncio.sleep(0)
    assert active(workers) is not old


@pytest.mark.usefixtures("eager_tasks")
async def test_a_version_that_waits_for_a_page_is_told_not_to(workers: Workers) -> None:
    """By an update that finds nothing new."""
    old = (await register(workers, "// 1")).worker
    page(workers)
    new = (await update(workers, "// 2")).worker
    assert active(workers) is old
    assert (await update(workers, "// 2", skip_waiting=True)).worker is new
    assert active(workers) is new


async def test_skip_waiting_does_not_wait_for_the_activation(workers: Workers) -> None:
    """Its promise is there when the activate event is, which may wait for it."""
    await register(workers, "onactivate = () => {};")
    page(workers)
    source = """
    let activating;
    onmessage = (event) => event.waitUntil(skipWaiting().then(() => {
      console.log(registration.active.state);
      activating();
    }));
    onactivate = (event) => event.waitUntil(new Promise((resolve) => (activating = resolve)));
    """
    new = (await update(workers, source)).worker
    assert new is not None
    assert new.state is WorkerState.INSTALLED
    await workers.context.manager.dispatch_event(new, "message", MESSAGE)
    assert await workers.printed(SCOPE) == ["activating"]
    await asyncio.wait_for(workers.context._driver.until_activated(new), 10)
    assert new.state is WorkerState.ACTIVATED


@pytest.mark.parametrize("when", ["activating", "event"])
async def test_an_activation_that_fails_unexpectedly(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    """Ends all the same: nobody waits for ever. The proxy's log has the fault of ours."""
    tell, fire = workers.context._driver._on_state, workers.context.manager.dispatch_event

    def on_state(registration: ServiceWorkerRegistration, worker: ServiceWorker | None) -> None:
        tell(registration, worker)
        if when == "activating" and worker is not None and worker.state is WorkerState.ACTIVATING:
            raise ZeroDivisionError

    async def dispatch_event(worker: ServiceWorker, type: str, detail: Any = None, **options: Any) -> None:  # noqa: A002
        if type == "activate":
            raise ZeroDivisionError
        await fire(worker, type, detail, **options)

    monkeypatch.setattr(workers.context._driver, "_on_state", on_state)
    monkeypatch.setattr(workers.context.manager, "dispatch_event", dispatch_event)
    await register(workers, "onactivate = () => {};")
    await asyncio.wait_for(workers.context._driver.until_activated(active(workers)), 10)
    assert active(workers).state is WorkerState.ACTIVATED
    assert "ZeroDivisionError" in caplog.text


async def test_an_update_while_the_old_one_is_activating(workers: Workers, held: Held) -> None:
    """The new version waits for that, and is activated then."""
    registering = asyncio.ensure_future(
        register(workers, "onactivate = (event) => event.waitUntil(fetch('/held').catch(() => {}));")
    )
    await held.until_asked()
    first = active(workers)
    script(workers, "// 2")
    updating = asyncio.ensure_future(workers.context.update(SCOPE, skip_waiting=True))
    await soon(lambda: workers.context.registration(SCOPE).waiting is not None)
    assert active(workers) is first
    held.release()
    await asyncio.gather(registering, updating)
    await soon(lambda: active(workers) is not first and active(workers).state is WorkerState.ACTIVATED)
    assert first.state is WorkerState.REDUNDANT


async def test_a_waiting_worker_is_activated_after_a_restart(workers: Workers, held: Held, tmp_path: Path) -> None:
    """The pages and events that it waited for are gone."""
    await register(workers, WORKING)
    await begin_event(workers, active(workers))
    await held.until_asked()
    waiting = (await update(workers, "// 2")).worker
    assert waiting is not None
    await workers.context.close()
    again = ServiceWorkerContext(Settings(), Profile(tmp_path / "profile"))
    await again.start()
    try:
        found = again.registration(SCOPE)
        await soon(lambda: found.active is not None and found.active.state is WorkerState.ACTIVATED)
        assert found.active is not None
        assert found.active.id == waiting.id
    finally:
        await again.close()


# Updates that nobody waits for


@pytest.fixture
def errors(workers: Workers) -> list[dict[str, Any]]:
    """What the log has of errors."""
    seen: list[dict[str, Any]] = []
    observe = workers.context.journal.observer
    assert observe is not None

    def watch(line: dict[str, Any]) -> None:
        observe(line)
        if line["kind"] == "console" and line["level"] == "error":
            seen.append(line)

    workers.context.journal.observer = watch
    return seen


async def test_a_failed_update_is_in_the_log(workers: Workers, errors: list[dict[str, Any]]) -> None:
    """With its place, though nobody asked for it: the local file has changed."""
    await register(workers, "")
    script(workers, "\n  throw new Error('no');")
    await soon(lambda: bool(errors))
    assert errors[0]["text"] == "The update failed: Error: no"
    assert (errors[0]["scope"], errors[0]["url"], errors[0]["line"]) == (SCOPE, f"{SCOPE}sw.js", 2)
    assert errors[0]["column"] > 0
    script(workers, "oninstall = (event) => event.waitUntil(Promise.reject(new Error('not either')));")
    await soon(lambda: len(errors) > 1)
    assert "The update failed: Error: not either" in [line["text"] for line in errors]


async def test_imports_below_the_directory_are_watched(workers: Workers) -> None:
    """A change of one is an update."""
    (workers._directory / "scripts" / "lib").mkdir(parents=True)
    script(workers, "self.version = 1;", "lib/a.js")
    first = (await register(workers, "importScripts('lib/a.js');")).worker
    script(workers, "self.version = 2.0;", "lib/a.js")
    await soon(lambda: active(workers) is not first)


# Disks


async def test_a_full_disk(small_disk: Path) -> None:
    """A registration that cannot be stored has failed; a version that was activated meanwhile serves."""
    workers = Workers(small_disk)
    await workers.context.start()
    try:
        await register(workers, "onfetch = () => {};")
        old = active(workers)
        script(workers, "// a new version")
        script(workers, "", "other.js")
        filler = fill(small_disk)
        with pytest.raises(ProfileError, match="full"):
            await workers.context.update(SCOPE, skip_waiting=True)
        with pytest.raises(ProfileError, match="full"):
            await workers.context.register(
                OTHER, str(small_disk / "scripts" / "other.js"), "classic", "imports", local=True
            )
        assert [each.scope for each in workers.context.registrations] == [SCOPE]
        assert active(workers) is old
        assert old.state is WorkerState.ACTIVATED
        filler.unlink()
        assert (await workers.context.update(SCOPE, skip_waiting=True)).worker is active(workers)
    finally:
        await workers.context.close()


# Promises


async def test_settled() -> None:
    """What a job's promise comes to, before or after somebody waits; giving up does not disturb it."""
    job = Job(JobType.UPDATE, SCOPE)
    waiting = asyncio.ensure_future(settled(job.promise))
    given_up = asyncio.ensure_future(settled(job.promise))
    await asyncio.sleep(0)
    given_up.cancel()
    job.promise.resolve("value")
    assert await waiting == "value"
    assert await settled(job.promise) == "value"
    job.installed.reject(NotFoundError("no"))
    with pytest.raises(NotFoundError, match="no"):
        await settled(job.installed)
