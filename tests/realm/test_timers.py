"""The clock of a worker's timers."""

import time

import pytest

from swproxy.realm.timers import Timers


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def due(timers: Timers) -> list[int]:
    """The timers whose time has come, in the order in which they fire."""
    found = []
    while (number := timers.pop_due()) is not None:
        found.append(number)
    return found


def test_none(clock: Clock) -> None:
    """Nothing is waited for."""
    timers = Timers()
    assert timers.next_in() is None
    assert timers.pop_due() is None


def test_timers_fire_in_the_order_of_their_time(clock: Clock) -> None:
    """Those of the same time in the order in which they were set, each once."""
    timers = Timers()
    for number, seconds in ((1, 2.0), (2, 1.0), (3, 2.0), (4, 0.0)):
        timers.set(number, seconds)
    assert timers.next_in() == 0.0
    assert due(timers) == [4]
    assert timers.next_in() == 1.0
    clock.now += 1.5
    assert due(timers) == [2]
    assert timers.next_in() == 0.5
    clock.now += 10
    assert timers.next_in() == 0.0
    assert due(timers) == [1, 3]
    assert timers.next_in() is None


def test_a_cleared_timer_does_not_fire(clock: Clock) -> None:
    """Nor is it waited for; clearing what is not there does nothing."""
    timers = Timers()
    timers.set(1, 1.0)
    timers.set(2, 2.0)
    timers.clear(1)
    timers.clear(7)
    assert timers.next_in() == 2.0
    clock.now += 5
    assert due(timers) == [2]


def test_a_number_that_is_set_again(clock: Clock) -> None:
    """Counts from then on: as an interval does, after it has fired or before."""
    timers = Timers()
    timers.set(1, 1.0)
    timers.set(1, 3.0)
    clock.now += 2
    assert due(timers) == []
    clock.now += 1
    assert timers.pop_due() == 1
    timers.set(1, 1.0)
    assert timers.next_in() == 1.0
    timers.clear(1)
    assert timers.next_in() is None
