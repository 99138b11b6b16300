"""Starts worker processes on demand, stops them when idle, and lets the next event start a fresh one."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from swproxy.errors import ScriptError, WorkerGone
from swproxy.ipc import messages
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.states import RunningStatus, WorkerState, running_transition
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.fork_server import ForkServer
from swproxy.workers.limits import Limits
from swproxy.workers.process import WorkerHost, WorkerProcess
from swproxy.workers.watchdog import Watchdog

# Seconds that all processes together have to end when the proxy does.
CLOSE_PATIENCE = 1.0


class ManagerHost(WorkerHost, Protocol):
    """What the manager needs of the proxy."""

    def start_message(self, worker: ServiceWorker, scratch: Path) -> messages.Start:
        """What a fresh process is told."""

    async def before_start(self, worker: ServiceWorker) -> None:
        """Called before a process is forked for the worker, which is one of ``remaining_processes`` already."""

    def worker_has_no_pending_events(self, worker: ServiceWorker) -> None:
        """Called when the last event of a worker is over."""

    def worker_ended(self, worker: ServiceWorker, reason: str, *, crashed: bool) -> None:
        """Called when a process has ended, by itself or because we let it go."""


class WorkerManager:
    """The running workers.

    Args:
        host: the proxy.
        limits: of each worker.
        scratch: where processes keep bodies for a while; each gets a directory of its own.
        error_log: for what worker processes print.
    """

    def __init__(
        self, host: ManagerHost, limits: Limits, scratch: Path, error_log: Path, *, internal_frames: bool = False
    ) -> None:
        self._host = host
        self._limits = limits
        self._scratch = scratch
        self._fork_server = ForkServer(error_log, internal_frames=internal_frames)
        self._processes: dict[int, WorkerProcess] = {}
        self._leaving: list[WorkerProcess] = []
        self._starting: dict[int, asyncio.Task[ScriptError | None]] = {}
        self._watchdog = Watchdog(limits, lambda: self._processes.values())
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Warms the fork server up."""
        self._fork_server.start()
        self._watchdog.start()

    async def close(self) -> None:
        """Stops all workers and the fork server."""
        self._watchdog.stop()
        for task in self._starting.values():
            task.cancel()
        processes = self.remaining_processes()
        for process in processes:
            process.stop("the proxy is stopping")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                for process in processes:
                    if process.pid:
                        await process.gone.wait()
        for process in processes:
            process.kill("the proxy has stopped")
        self._fork_server.close()

    def running(self, worker: ServiceWorker) -> WorkerProcess | None:
        """Its process, if the script has run there."""
        return self._processes.get(worker.id) if worker.running_status is RunningStatus.RUNNING else None

    def process_of(self, worker: ServiceWorker) -> WorkerProcess | None:
        """Its process, if it has one that is not ending; the script need not have run there."""
        return self._processes.get(worker.id)

    def processes_of(self, registration: ServiceWorkerRegistration) -> list[WorkerProcess]:
        """The processes of its workers."""
        return [
            process
            for process in self._processes.values()
            if process.worker in (registration.installing, registration.waiting, registration.active)
        ]

    def all_processes(self) -> list[WorkerProcess]:
        return list(self._processes.values())

    def remaining_processes(self) -> list[WorkerProcess]:
        """Those that were stopped but are not gone yet, and all others in the order of their start."""
        self._leaving = [process for process in self._leaving if not process.gone.is_set()]
        return [*self._leaving, *self._processes.values()]

    async def run_service_worker(self, worker: ServiceWorker) -> ScriptError | None:
        """https://w3c.github.io/ServiceWorker/#run-service-worker-algorithm

        Returns:
            None if it runs, else why its script did not.

        Raises:
            WorkerGone: the process ended before the script did.
        """
        if worker.running_status is RunningStatus.RUNNING:
            return None
        if worker.state is WorkerState.REDUNDANT:
            raise WorkerGone("the worker is redundant")
        task = self._starting.get(worker.id)
        if task is None:
            task = self._starting[worker.id] = asyncio.ensure_future(self._start(self._new_process(worker)))
            task.add_done_callback(lambda task: self._no_longer_starting(worker, task))
        return await asyncio.shield(task)

    def _no_longer_starting(self, worker: ServiceWorker, task: asyncio.Task[ScriptError | None]) -> None:
        if self._starting.get(worker.id) is task:
            del self._starting[worker.id]

    def _new_process(self, worker: ServiceWorker) -> WorkerProcess:
        """A process that is not forked yet: from now on it can be stopped."""
        worker.running_status = running_transition(worker.running_status, RunningStatus.STARTING)
        directory = self._scratch / f"{worker.id}-{next(self._numbers)}"
        process = self._processes[worker.id] = WorkerProcess(worker, self._host, directory, self._idle, self._ended)
        return process

    async def _start(self, process: WorkerProcess) -> ScriptError | None:
        worker = process.worker
        try:
            await self._host.before_start(worker)
            async with asyncio.timeout(self._limits.start):
                await self._fork(process)
                failure = await asyncio.shield(process.started)
        except TimeoutError:
            if process.pid:
                process.kill(f"the script did not end within {self._limits.start:g} seconds")
            else:
                process.stop(f"the process that starts workers did not answer for {self._limits.start:g} seconds")
            raise WorkerGone(process.end_reason) from None
        except OSError as error:
            process.stop(f"the worker process cannot be started: {error.strerror}")
            raise WorkerGone(process.end_reason) from None
        except BaseException:
            process.stop("the worker was not started")
            raise
        if failure is not None:
            process.stop("the script failed")
            return failure
        if not process.alive:
            raise WorkerGone(process.end_reason)
        worker.running_status = running_transition(worker.running_status, RunningStatus.RUNNING)
        self._idle(process)
        return None

    async def _fork(self, process: WorkerProcess) -> None:
        pid, connection = await self._fork_server.spawn(process.has_exited)
        try:
            process.attach(pid, connection, self._host.start_message(process.worker, process.directory))
        except BaseException:
            connection.close()
            raise

    async def dispatch_event(
        self,
        worker: ServiceWorker,
        type: str,  # noqa: A002
        detail: dict[str, Any] | None = None,
        *,
        on_dispatch: Callable[[], None] = lambda: None,
    ) -> None:
        """Fires an event and waits until it is not active any more.

        Args:
            on_dispatch: called as soon as the worker has been sent the event.

        Raises:
            SwproxyError: it failed; of which kind depends on how.
        """
        process = await self.running_process(worker)
        finished = process.dispatch_event(type, detail).finished
        on_dispatch()
        assert finished is not None
        await finished

    async def running_process(self, worker: ServiceWorker) -> WorkerProcess:
        """Its process, started if need be.

        Raises:
            WorkerGone: there is none.
            ScriptError: the script failed.
        """
        if worker.running_status is not RunningStatus.RUNNING:
            failure = await self.run_service_worker(worker)
            if failure is not None:
                raise failure
        process = self._processes.get(worker.id)
        if process is None:
            raise WorkerGone("the worker process has ended")
        return process

    def expect_event(self, worker: ServiceWorker) -> Callable[[], None]:
        """An event waits for the worker to run, and is pending already, until what is returned is called."""
        worker.pending_events += 1

        def has_come() -> None:
            worker.pending_events -= 1
            if worker.has_no_pending_events():
                self._host.worker_has_no_pending_events(worker)

        return has_come

    def terminate(self, worker: ServiceWorker, reason: str = "terminated") -> None:
        """https://w3c.github.io/ServiceWorker/#terminate-service-worker-algorithm"""
        process = self._processes.get(worker.id)
        if process is not None:
            process.stop(reason)

    def _idle(self, process: WorkerProcess) -> None:
        process.last_active = time.monotonic()
        self._host.worker_has_no_pending_events(process.worker)
        if not process.is_timed:
            process.is_timed = True
            asyncio.get_running_loop().call_later(self._limits.idle, self._stop_if_idle, process)

    def _stop_if_idle(self, process: WorkerProcess) -> None:
        process.is_timed = False
        if not process.alive or process.events:
            return  # the end of the last event begins anew
        until = max(process.last_active, process.bodies.last_chunk) + self._limits.idle
        if process.bodies.are_open:  # the end of what was answered, perhaps
            until = max(until, process.bodies.last_chunk + self._limits.fetch_event)
        missing = until - time.monotonic()
        if missing > 0:
            process.is_timed = True
            asyncio.get_running_loop().call_later(min(missing, self._limits.idle), self._stop_if_idle, process)
        else:
            process.stop("idle")

    def _ended(self, process: WorkerProcess) -> None:
        worker = process.worker
        if self._processes.get(worker.id) is not process:
            return
        del self._processes[worker.id]
        self._starting.pop(worker.id, None)  # the next start does not wait for the failure of this one
        if process.pid:
            self._leaving.append(process)
        if worker.running_status is not RunningStatus.STOPPED:
            worker.running_status = running_transition(worker.running_status, RunningStatus.STOPPED)
        self._host.worker_ended(worker, process.end_reason, crashed=process.crashed)
