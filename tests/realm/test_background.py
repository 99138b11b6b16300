"""Work on threads beside the realm's, and how its outcomes reach the main loop."""

import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swproxy.errors import DataError
from swproxy.ipc.channel import BlockingChannel
from swproxy.ipc.messages import Ping, ToWorker
from swproxy.realm.background import Background, Task

Start = Callable[[deque[Task], Callable[[int], None]], Background]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes a Background whose threads end with the test: later tests fork this process."""
    started: list[Background] = []

    def make(tasks: deque[Task], on_start: Callable[[int], None]) -> Background:
        started.append(Background(tasks, on_start))
        return started[-1]

    yield make
    for background in started:
        assert background._executor is not None
        background._executor.shutdown()


def run_task(tasks: deque[Task], wake: list[int]) -> None:
    """What the main loop does: it waits for a task and runs it."""
    while not tasks:
        assert select.select(wake, [], [], 20)[0], "nothing was woken"
    tasks.popleft()()


def test_the_outcome_is_handed_over_on_the_loops_own_thread(start: Start) -> None:
    """The work runs on another one."""
    tasks, wake, seen = deque[Task](), list[int](), list[Any]()
    background = start(tasks, wake.append)
    background.submit(threading.get_ident, lambda outcome: seen.append((outcome, threading.get_ident())))
    run_task(tasks, wake)
    [(worked, handed)] = seen
    assert worked != threading.get_ident()
    assert handed == threading.get_ident()


def test_errors_are_outcomes(start: Start) -> None:
    """Those that are meant for scripts come as they are; of others, only that there was one."""
    tasks, wake, seen = deque[Task](), list[int](), list[Any]()
    background = start(tasks, wake.append)
    error = DataError("bad")

    def fail(error: Exception) -> None:
        raise error

    for failure in (error, KeyError("secret")):
        background.submit(lambda failure=failure: fail(failure), seen.append)  # type: ignore[misc]
        run_task(tasks, wake)
    assert seen[0] is error
    assert (seen[1].name, str(seen[1])) == ("OperationError", "The operation failed.")


def test_a_channel_that_waits_is_woken(start: Start) -> None:
    """receive() returns None once; messages still arrive afterwards."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel: BlockingChannel[ToWorker] = BlockingChannel(ours, ToWorker)
        tasks = deque[Task]()
        start(tasks, channel.interrupt_on).submit(lambda: None, lambda outcome: None)
        assert channel.receive(20) is None
        assert len(tasks) == 1
        BlockingChannel(theirs, ToWorker).send(Ping())
        assert channel.receive(20) == Ping()
        assert channel.receive(0) is None
