"""Both state machines, from their tables."""

import itertools

import pytest

from swproxy.errors import InvalidStateError
from swproxy.service_worker.states import (
    LIFECYCLE,
    RUNNING,
    RunningStatus,
    WorkerState,
    lifecycle_transition,
    running_transition,
)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(WorkerState, repeat=2)))
def test_lifecycle_transitions(before: WorkerState, after: WorkerState) -> None:
    """A transition happens if the table has it, and is refused otherwise."""
    if after in LIFECYCLE[before]:
        assert lifecycle_transition(before, after) is after
    else:
        with pytest.raises(InvalidStateError, match="cannot go from"):
            lifecycle_transition(before, after)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(RunningStatus, repeat=2)))
def test_running_transitions(before: RunningStatus, after: RunningStatus) -> None:
    """The same for the running status."""
    if after in RUNNING[before]:
        assert running_transition(before, after) is after
    else:
        with pytest.raises(InvalidStateError, match="cannot go from"):
            running_transition(before, after)


def test_every_state_ends_redundant() -> None:
    """Every lifecycle state can become redundant, which is final."""
    assert all(
        WorkerState.REDUNDANT in LIFECYCLE[state] for state in WorkerState if state is not WorkerState.REDUNDANT
    )
    assert LIFECYCLE[WorkerState.REDUNDANT] == frozenset()
