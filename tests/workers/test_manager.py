"""Worker processes on demand."""

import asyncio
import os
import shutil
import signal
from typing import Any

import psutil
import pytest
from disks import no_descriptors
from fake_host import ManagedWorkers, answered, body_of, fetch
from helpers import ORIGIN, SCRIPT_URL
from waiting import soon, until_ended

from swproxy.errors import ScriptError, WorkerGone
from swproxy.ipc import messages
from swproxy.service_worker.states import RunningStatus, WorkerState
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.bodies import ScriptBodyReader
from swproxy.workers.limits import Limits

HELLO = "onfetch = (event) => event.respondWith(new Response('hello'));"
PENDING = "onfetch = (event) => event.respondWith(new Promise(() => {}));"


def fork_server_of(managed: ManagedWorkers) -> psutil.Process:
    process = managed.manager._fork_server._process
    assert process is not None
    return psutil.Process(process.pid)


async def failure(event: asyncio.Future[Any] | None) -> str:
    """Why an event got no answer."""
    assert event is not None
    with pytest.raises(WorkerGone) as caught:
        await asyncio.wait_for(event, 10)
    return str(caught.value)


# Starting


async def test_start_on_demand(managed: ManagedWorkers) -> None:
    """The first event starts the process, the next one uses it; what it listens to is remembered."""
    worker = managed.worker(HELLO)
    assert managed.manager.running(worker) is None
    process = await managed.process(worker)
    assert worker.running_status is RunningStatus.RUNNING
    assert worker.event_types == frozenset({"fetch"})
    assert await body_of(fetch(process)) == b"hello"
    assert await managed.process(worker) is process
    assert await managed.manager.run_service_worker(worker) is None
    assert managed.manager.running(worker) is process
    assert managed.host.starts == 1


async def test_concurrent_starts_give_one_process(managed: ManagedWorkers) -> None:
    """All who ask while it is starting get the same; one who gives up takes it from nobody."""
    worker = managed.worker(HELLO)
    asking = [asyncio.ensure_future(managed.manager.running_process(worker)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    processes = await asyncio.gather(*asking[1:])
    assert len(set(processes)) == 1
    assert managed.host.starts == 1
    assert await body_of(fetch(processes[0])) == b"hello"


async def test_many_workers_at_once(managed: ManagedWorkers) -> None:
    """Each has a process and a directory of its own."""
    workers = [managed.worker(f"onfetch = (e) => e.respondWith(new Response('{number}'))") for number in range(8)]
    processes = await asyncio.gather(*map(managed.process, workers))
    assert len({process.pid for process in processes}) == 8
    assert len({process.directory for process in processes}) == 8
    bodies = await asyncio.gather(*(body_of(fetch(process)) for process in processes))
    assert bodies == [str(number).encode() for number in range(8)]
    assert managed.manager.all_processes() == processes


async def test_a_script_that_fails(managed: ManagedWorkers) -> None:
    """The error is told, the process is let go, and the next start tries again."""
    worker = managed.worker("\nthrow new Error('no');", WorkerState.PARSED)
    for _ in range(2):
        error = await managed.manager.run_service_worker(worker)
        assert isinstance(error, ScriptError)
        assert (error.message, error.url, error.line) == ("Error: no", SCRIPT_URL, 2)
        assert worker.running_status is RunningStatus.STOPPED
    with pytest.raises(ScriptError, match="Error: no"):
        await managed.process(worker)
    assert managed.host.ended == [(worker.id, "the script failed", False)] * 3
    assert managed.manager.all_processes() == []


async def test_a_redundant_worker_is_not_started(managed: ManagedWorkers) -> None:
    """An event for it fails at once."""
    with pytest.raises(WorkerGone, match="redundant"):
        await managed.process(managed.worker(HELLO, WorkerState.REDUNDANT))
    assert managed.host.starts == 0


async def test_a_start_that_cannot_be_prepared(managed: ManagedWorkers) -> None:
    """Fails, and is no obstacle to the next one."""

    def broken(worker: ServiceWorker) -> None:
        raise RuntimeError("the host is broken")

    worker = managed.worker(HELLO)
    managed.host.on_start = broken
    with pytest.raises(RuntimeError, match="broken"):
        await managed.process(worker)
    managed.host.on_start = lambda worker: None
    managed.scratch.write_text("not a directory")
    with pytest.raises(WorkerGone, match="the worker process cannot be started: Not a directory"):
        await managed.process(worker)
    managed.scratch.unlink()
    assert await body_of(fetch(await managed.process(worker))) == b"hello"


async def test_imports_while_it_starts(managed: ManagedWorkers) -> None:
    """The script waits for the proxy to have them, and what is used again is noted."""
    managed.host.scripts = {f"{ORIGIN}/lib.js": "self.lib = (self.lib ?? '') + 'lib';"}
    worker = managed.worker(
        "importScripts('/lib.js', '/lib.js'); onfetch = (e) => e.respondWith(new Response(lib));", WorkerState.PARSED
    )
    assert await body_of(fetch(await managed.process(worker))) == b"liblib"
    assert f"{ORIGIN}/lib.js" in worker.used_scripts


# A start that hangs


@pytest.mark.parametrize("limits", [Limits(start=1.0)])
async def test_a_start_that_takes_too_long(managed: ManagedWorkers) -> None:
    """A script that waits for an import for ever is given up, and its process killed."""
    worker = managed.worker("importScripts('/never.js');", WorkerState.PARSED)
    starting = asyncio.ensure_future(managed.manager.run_service_worker(worker))
    await soon(lambda: any(process.pid for process in managed.manager.all_processes()))
    (process,) = managed.manager.all_processes()
    with pytest.raises(WorkerGone, match="the script did not end within 1 seconds"):
        await asyncio.wait_for(starting, 10)
    await asyncio.wait_for(process.gone.wait(), 10)
    assert managed.host.ended == [(worker.id, "the script did not end within 1 seconds", True)]
    assert worker.running_status is RunningStatus.STOPPED


async def test_a_script_that_does_not_end(managed: ManagedWorkers) -> None:
    """The turn's budget ends it, and says so."""
    managed.host.turn_budget = 0.05
    worker = managed.worker("for (;;);", WorkerState.PARSED)
    with pytest.raises(WorkerGone, match=r"a script ran for more than 0\.05 seconds without a pause"):
        await managed.process(worker)
    assert managed.host.ended[0][2]


@pytest.mark.parametrize("limits", [Limits(start=1.0)])
async def test_a_fork_server_that_does_not_answer(managed: ManagedWorkers) -> None:
    """Is waited for no longer than a script; nothing of the process stays on disk."""
    await managed.process(HELLO)
    server = fork_server_of(managed)
    os.kill(server.pid, signal.SIGSTOP)
    worker = managed.worker(HELLO)
    with pytest.raises(WorkerGone, match="the process that starts workers did not answer for 1 seconds"):
        await managed.process(worker)
    assert worker.running_status is RunningStatus.STOPPED
    os.kill(server.pid, signal.SIGCONT)
    assert await body_of(fetch(await managed.process(worker))) == b"hello"
    assert len(list(managed.scratch.iterdir())) == 2


async def test_stopped_before_it_is_forked(managed: ManagedWorkers) -> None:
    """It never runs, and leaves nothing behind; the next start does not wait for it."""
    await managed.process(HELLO)
    server = fork_server_of(managed)
    os.kill(server.pid, signal.SIGSTOP)
    worker = managed.worker(HELLO)
    starting = asyncio.ensure_future(managed.manager.running_process(worker))
    await soon(lambda: bool(managed.manager._fork_server._spawning))
    managed.manager.terminate(worker, "unregistered")
    assert worker.running_status.value == "stopped"
    again = asyncio.ensure_future(managed.manager.running_process(worker))
    os.kill(server.pid, signal.SIGCONT)
    with pytest.raises(WorkerGone, match="unregistered"):
        await asyncio.wait_for(starting, 10)
    assert await body_of(fetch(await asyncio.wait_for(again, 10))) == b"hello"
    assert worker.running_status.value == "running"
    assert managed.host.ended == [(worker.id, "unregistered", False)]
    assert len(list(managed.scratch.iterdir())) == 2


async def test_without_a_descriptor_for_its_socket(managed: ManagedWorkers) -> None:
    """The start fails with the reason, leaves nothing behind, and is no obstacle to the next one."""
    await managed.process(HELLO)
    worker = managed.worker(HELLO)
    reason = "the worker process cannot be started: Too many open files"
    with no_descriptors(), pytest.raises(WorkerGone, match=reason):
        await managed.process(worker)
    assert worker.running_status.value == "stopped"
    assert len(list(managed.scratch.iterdir())) == 1
    assert await body_of(fetch(await managed.process(worker))) == b"hello"


async def test_a_process_that_dies_right_after_its_script_has_run(managed: ManagedWorkers) -> None:
    """It is not taken for running, though both were seen at once."""
    await managed.process(HELLO)
    worker = managed.worker("onfetch = () => {}; console.log('runs');")
    starting = asyncio.ensure_future(managed.manager.running_process(worker))
    await soon(lambda: any(process.pid and process.worker is worker for process in managed.manager.all_processes()))
    (process,) = [process for process in managed.manager.all_processes() if process.worker is worker]
    while not process.started.done():  # not a turn of the loop in between: see ``_start``
        process._channel._readable()  # type: ignore[union-attr]
    process.kill("killed")
    with pytest.raises(WorkerGone, match="killed"):
        await asyncio.wait_for(starting, 10)
    assert worker.running_status.value == "stopped"


async def test_stopped_while_it_starts(managed: ManagedWorkers) -> None:
    """Who waits for it is told."""
    worker = managed.worker("importScripts('/never.js');", WorkerState.PARSED)
    starting = asyncio.ensure_future(managed.manager.running_process(worker))
    await soon(lambda: any(process.pid for process in managed.manager.all_processes()))
    managed.manager.terminate(worker, "not wanted any more")
    with pytest.raises(WorkerGone, match="not wanted any more"):
        await asyncio.wait_for(starting, 10)
    assert worker.running_status is RunningStatus.STOPPED


# The end


@pytest.mark.parametrize("limits", [Limits(idle=0.1)])
async def test_an_idle_worker_is_stopped(managed: ManagedWorkers) -> None:
    """When its last event is over for that long; it starts again with the next, its globals gone."""
    worker = managed.worker("let count = 0; onfetch = (e) => e.respondWith(new Response(`${++count}`));")
    process = await managed.process(worker)
    assert await body_of(fetch(process)) == b"1"
    running = psutil.Process(process.pid)
    await managed.host.until(lambda host: host.ended == [(worker.id, "idle", False)])
    assert worker.running_status is RunningStatus.STOPPED
    await asyncio.wait_for(process.gone.wait(), 10)
    await until_ended(running)
    assert not process.directory.exists()
    assert await body_of(fetch(await managed.process(worker))) == b"1"


STREAM = """
let controller, count = 0;
onfetch = (event) => {
  if (event.request.url.endsWith("/stream")) {
    event.respondWith(new Response(new ReadableStream({ start(c) { controller = c; } })));
  } else {
    controller.enqueue(new Uint8Array(1));
    if (++count === 3) controller.close();
  }
};
"""


@pytest.mark.parametrize("limits", [Limits(idle=0.05)])
async def test_a_body_keeps_a_worker_alive(managed: ManagedWorkers) -> None:
    """As long as it is being written, though the event is over; afterwards the worker is idle."""
    process = await managed.process(STREAM)
    event = fetch(process, "/stream")
    await answered(event)
    reader = event.body
    assert isinstance(reader, ScriptBodyReader)
    for number in range(1, 4):
        await managed.process(HELLO)
        await managed.host.until(lambda host, number=number: len(host.ended) == number)  # type: ignore[misc]
        assert process.worker.pending_events == 0
        fetch(process, "/chunk")
        assert await asyncio.wait_for(reader.read(), 10) == b"\0"
    assert await asyncio.wait_for(reader.read(), 10) == b""
    assert process.alive
    await managed.host.until(lambda host: host.ended[-1] == (process.worker.id, "idle", False))


@pytest.mark.parametrize("limits", [Limits(idle=0.05, fetch_event=0.2)])
async def test_a_body_that_nobody_reads(managed: ManagedWorkers) -> None:
    """Keeps its worker alive no longer than an event that does not end."""
    process = await managed.process(STREAM)
    await answered(fetch(process, "/stream"))
    await managed.host.until(lambda host: host.ended == [(process.worker.id, "idle", False)])


@pytest.mark.parametrize("limits", [Limits(idle=0.05)])
async def test_events_keep_a_worker_alive(managed: ManagedWorkers) -> None:
    """As long as one is not over, a worker is not idle, however long ago it was started."""
    worker = managed.worker(
        "onfetch = (e) => { e.respondWith(new Response('x')); e.waitUntil(fetch('/held')); };"
        "setTimeout(() => console.log('still here'), 300);"
    )
    over = asyncio.Event()

    async def held(*arguments: object) -> None:
        await over.wait()

    managed.host.on_fetch = held
    process = await managed.process(worker)
    fetch(process)
    await managed.host.until(lambda host: "still here" in host.logs)
    assert worker.pending_events == 1
    assert managed.host.ended == []
    over.set()
    await managed.host.until(lambda host: host.ended == [(worker.id, "idle", False)])
    assert worker.pending_events == 0


async def test_a_crash(managed: ManagedWorkers) -> None:
    """What was pending fails and says why; the next event starts a fresh process; other workers do not notice."""
    worker, other = managed.worker(PENDING), managed.worker(HELLO)
    process, bystander = await managed.process(worker), await managed.process(other)
    events = [fetch(process) for _ in range(3)]
    finished = process.dispatch_event("message").finished
    os.kill(process.pid, signal.SIGKILL)
    for event in events:
        assert await failure(event.answer) == "the worker process has crashed"
    await failure(finished)
    assert worker.pending_events == 0
    assert managed.host.ended == [(worker.id, "the worker process has crashed", True)]
    with pytest.raises(WorkerGone):
        fetch(process)
    again = await managed.process(worker)
    assert again.pid != process.pid
    assert await managed.process(other) is bystander
    assert await body_of(fetch(bystander)) == b"hello"


async def test_a_turn_over_its_budget(managed: ManagedWorkers) -> None:
    """Its process ends and says why, its events fail, and the next event gets a fresh process."""
    managed.host.turn_budget = 0.05
    worker = managed.worker("onfetch = (e) => { if (e.request.url.endsWith('/x')) for (;;); };")
    process = await managed.process(worker)
    assert "ran for more than 0.05 seconds" in await failure(fetch(process).answer)
    assert managed.host.ended[0][2]
    answer = fetch(await managed.process(worker), "/fine").answer
    assert answer is not None
    assert isinstance(await asyncio.wait_for(answer, 10), messages.FallThrough)


async def test_terminate(managed: ManagedWorkers) -> None:
    """The process ends after its present turn; pending events fail with the reason; a second time does nothing."""
    worker = managed.worker(PENDING)
    process = await managed.process(worker)
    event = fetch(process)
    managed.manager.terminate(worker, "stopped by command")
    managed.manager.terminate(worker)
    assert await failure(event.answer) == "stopped by command"
    assert managed.host.ended == [(worker.id, "stopped by command", False)]
    await asyncio.wait_for(process.gone.wait(), 10)


@pytest.mark.parametrize(
    "source",
    [
        "setInterval(() => console.log('x'), 0); onerror = () => console.log('error');",
        "onfetch = () => { for (;;) { try { console.log('x'); } catch {} } };",
        "onfetch = () => { const log = () => Promise.resolve(console.log('x')).catch(() => {}).then(log); log(); };",
    ],
    ids=["timer", "loop", "promises"],
)
async def test_without_its_proxy_a_worker_ends(managed: ManagedWorkers, source: str) -> None:
    """Though it has always something to say, and catches that nobody hears it."""
    process = await managed.process(source)
    fetch(process)
    await managed.host.until(lambda host: "x" in host.logs)
    managed.manager.terminate(process.worker)
    await asyncio.wait_for(process.gone.wait(), 3)


async def test_closing_ends_all(managed: ManagedWorkers) -> None:
    """Those that run, those that start, and one that hears nothing any more."""
    stuck = await managed.process(HELLO)
    os.kill(stuck.pid, signal.SIGSTOP)
    running = await managed.process(HELLO)
    starting = asyncio.ensure_future(managed.manager.running_process(managed.worker("importScripts('/never.js');")))
    await soon(lambda: len(managed.manager.all_processes()) == 3)
    processes = [psutil.Process(process.pid) for process in (stuck, running)]
    server = managed.manager._fork_server._process
    assert server is not None
    await managed.manager.close()
    assert server.returncode is not None
    assert managed.manager.all_processes() == []
    with pytest.raises((WorkerGone, asyncio.CancelledError)):
        await starting
    for process in processes:
        await until_ended(process)


async def test_only_its_own_process_is_killed(managed: ManagedWorkers) -> None:
    """Once a process is gone its number is nobody's, or somebody else's: here it is given to a bystander."""
    process = await managed.process(HELLO)
    bystander = await managed.process(HELLO)
    server = fork_server_of(managed)
    server.kill()
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.wait_for(process.gone.wait(), 10)  # though nobody is left who would tell
    process.pid = bystander.pid
    process.kill("stuck")
    assert await body_of(fetch(bystander)) == b"hello"


async def test_stuck_and_the_fork_server_gone(managed: ManagedWorkers) -> None:
    """A process that hears nothing is killed all the same."""
    process = await managed.process(HELLO)
    stuck = psutil.Process(process.pid)
    stuck.suspend()
    fork_server_of(managed).kill()
    process.kill("stuck")
    await asyncio.wait_for(process.gone.wait(), 10)
    await until_ended(stuck)


async def test_the_order_of_those_that_remain(managed: ManagedWorkers) -> None:
    """One that was stopped remains until nothing is left of it."""
    process = await managed.process(HELLO)
    os.kill(process.pid, signal.SIGSTOP)
    managed.manager.terminate(process.worker)
    other = await managed.process(HELLO)
    assert managed.manager.all_processes() == [other]
    assert managed.manager.remaining_processes() == [process, other]
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.wait_for(process.gone.wait(), 10)
    assert managed.manager.remaining_processes() == [other]


# The fork server's end


async def test_the_fork_server_is_started_again(managed: ManagedWorkers) -> None:
    """When it was killed: workers that run go on, those that stopped start again."""
    runs, stopped = managed.worker(HELLO), managed.worker(HELLO)
    process = await managed.process(runs)
    await managed.process(stopped)
    managed.manager.terminate(stopped)
    server = managed.manager._fork_server._process
    assert server is not None
    server.kill()
    server.wait(10)
    assert await body_of(fetch(process)) == b"hello"
    assert await body_of(fetch(await managed.process(stopped))) == b"hello"
    assert await managed.process(runs) is process


async def test_killed_while_a_worker_starts(managed: ManagedWorkers) -> None:
    """That start fails, the next one does not."""
    await managed.process(HELLO)
    server = fork_server_of(managed)
    server.suspend()
    worker = managed.worker(HELLO)
    starting = asyncio.ensure_future(managed.manager.running_process(worker))
    await soon(lambda: bool(managed.manager._fork_server._spawning))
    server.kill()
    with pytest.raises(WorkerGone, match="the process that starts workers"):
        await asyncio.wait_for(starting, 10)
    assert worker.running_status is RunningStatus.STOPPED
    assert await body_of(fetch(await managed.process(worker))) == b"hello"


async def test_a_directory_that_disappears(managed: ManagedWorkers) -> None:
    """Somebody empties the scratch directory: the process goes on and ends without a complaint."""
    process = await managed.process(HELLO)
    shutil.rmtree(managed.scratch)
    assert (await answered(fetch(process))).status == 200
    managed.manager.terminate(process.worker)
    assert managed.host.ended == [(process.worker.id, "terminated", False)]
