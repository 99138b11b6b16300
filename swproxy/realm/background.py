"""Work that takes long, on threads beside the one that JavaScript runs on."""

import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from swproxy.errors import SwproxyError

log = logging.getLogger(__name__)

# A script that asks for more waits: the machine has other workers, too.
_THREADS = 2

Task = Callable[[], None]
Outcome = Any  # what the work returned, or the SwproxyError that it raised


class Background:
    """Threads for functions that let go of the GIL.

    Args:
        tasks: gets what is to be done with the outcomes, on the realm's own thread.
        on_start: called once, with a descriptor that becomes readable when there is a new task.
    """

    def __init__(self, tasks: deque[Task], on_start: Callable[[int], None]) -> None:
        self._tasks = tasks
        self._on_start = on_start
        self._executor: ThreadPoolExecutor | None = None
        self._wake = -1

    def submit(self, work: Callable[[], Any], done: Callable[[Outcome], None]) -> None:
        """Runs ``work`` on a thread; the task is to call ``done`` with its outcome."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(_THREADS)
            woken, self._wake = os.pipe()
            os.set_blocking(woken, False)
            os.set_blocking(self._wake, False)
            self._on_start(woken)
        self._executor.submit(self._run, work, done)

    def _run(self, work: Callable[[], Any], done: Callable[[Outcome], None]) -> None:
        outcome: Outcome
        try:
            outcome = work()
        except SwproxyError as error:
            outcome = error
        except Exception:
            log.exception("work in the background failed")
            outcome = SwproxyError("The operation failed.")
        self._tasks.append(lambda: done(outcome))
        with suppress(BlockingIOError):  # full of bytes that nobody has read yet
            os.write(self._wake, b"\0")
