"""Both state machines of a service worker, as tables: what the code, the tests and the documentation read."""

from enum import StrEnum

from swproxy.errors import InvalidStateError


class WorkerState(StrEnum):
    """https://w3c.github.io/ServiceWorker/#dfn-state"""

    PARSED = "parsed"
    INSTALLING = "installing"
    INSTALLED = "installed"
    ACTIVATING = "activating"
    ACTIVATED = "activated"
    REDUNDANT = "redundant"


LIFECYCLE: dict[WorkerState, frozenset[WorkerState]] = {
    WorkerState.PARSED: frozenset({WorkerState.INSTALLING, WorkerState.REDUNDANT}),
    WorkerState.INSTALLING: frozenset({WorkerState.INSTALLED, WorkerState.REDUNDANT}),
    WorkerState.INSTALLED: frozenset({WorkerState.ACTIVATING, WorkerState.REDUNDANT}),
    WorkerState.ACTIVATING: frozenset({WorkerState.ACTIVATED, WorkerState.REDUNDANT}),
    WorkerState.ACTIVATED: frozenset({WorkerState.REDUNDANT}),
    WorkerState.REDUNDANT: frozenset(),
}


class RunningStatus(StrEnum):
    """Whether the worker has a process. https://w3c.github.io/ServiceWorker/#dfn-service-worker-running"""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"


RUNNING: dict[RunningStatus, frozenset[RunningStatus]] = {
    RunningStatus.STOPPED: frozenset({RunningStatus.STARTING}),
    # A process that fails to start, or crashes, is stopped at once.
    RunningStatus.STARTING: frozenset({RunningStatus.RUNNING, RunningStatus.STOPPED}),
    # One that is let go takes no more events, though its process may take a while to end.
    RunningStatus.RUNNING: frozenset({RunningStatus.STOPPED}),
}


def lifecycle_transition(before: WorkerState, after: WorkerState) -> WorkerState:
    """``after``, if the table allows it.

    Raises:
        InvalidStateError: it does not.
    """
    if after not in LIFECYCLE[before]:
        raise InvalidStateError(f"a service worker cannot go from {before} to {after}")
    return after


def running_transition(before: RunningStatus, after: RunningStatus) -> RunningStatus:
    """``after``, if the table allows it.

    Raises:
        InvalidStateError: it does not.
    """
    if after not in RUNNING[before]:
        raise InvalidStateError(f"a worker process cannot go from {before} to {after}")
    return after
