"""Holds running workers to their limits of time; the process itself holds the limit of memory."""

import asyncio
import time
from collections.abc import Callable, Iterable

from swproxy.errors import WorkerGone
from swproxy.ipc.messages import Ping
from swproxy.workers.limits import Limits
from swproxy.workers.process import PendingEvent, WorkerProcess

# Seconds beyond the turn's budget, in which the process interrupts itself, before it is killed.
GRACE = 2.0


class Watchdog:
    """Looks after all processes, a few times within the shortest limit."""

    def __init__(self, limits: Limits, processes: Callable[[], Iterable[WorkerProcess]]) -> None:
        self._limits = limits
        self._processes = processes
        self._task: asyncio.Task[None] | None = None
        shortest = min(limits.turn, limits.lifecycle_event, limits.fetch_event, limits.extended)
        self._interval = min(1.0, shortest / 4)

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._watch())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            now = time.monotonic()
            for process in list(self._processes()):
                self._check(process, now)

    def _check(self, process: WorkerProcess, now: float) -> None:
        if not process.events:
            process.last_pong = now
            return
        for event in list(process.events.values()):
            self._check_event(process, event, now - event.began)
        # A worker that answers nothing at all is stuck in a turn that not even a signal interrupts.
        if now - process.last_pong > self._limits.turn + GRACE:
            process.kill(f"the worker process did not answer for {self._limits.turn + GRACE:g} seconds")
        else:
            process.send(Ping())

    def _check_event(self, process: WorkerProcess, event: PendingEvent, age: float) -> None:
        if event.answer is not None and not event.answer.done():
            limit = self._limits.fetch_event
            if age > limit:
                event.answer.set_exception(
                    WorkerGone(f"the promise given to respondWith() did not settle within {limit:g} seconds")
                )
                event.answer.exception()
            return
        limit = self._limits.lifecycle_event if event.type in ("install", "activate") else self._limits.extended
        if age > limit:
            error = WorkerGone(f"the {event.type} event was not finished within {limit:g} seconds")
            process.finish_event(event.id, error if event.type in ("install", "activate") else None)
