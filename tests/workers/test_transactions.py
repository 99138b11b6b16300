"""When transactions start: the table of the specification, and SQLite's one writer."""

import random
import time

import pytest

from swproxy.workers.transactions import Transaction, TransactionSchedule


class Logged(Transaction):
    """A transaction that notes its start; its name is "r" or "w" and its stores, as in "r12"."""

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__([int(digit) for digit in name[1:]], is_writer=name[0] == "w")
        self.name = name
        self._log = log

    def start(self) -> None:
        self._log.append(self.name)


class Schedule:
    """A schedule and what it has started, by names that occur once among those that are not finished."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self._schedule = TransactionSchedule()
        self._transactions: dict[str, Transaction] = {}

    def create(self, *names: str) -> list[str]:
        """Those that start because of it."""
        before = len(self.started)
        for name in names:
            self._transactions[name] = Logged(name, self.started)
            self._schedule.add(self._transactions[name])
        return self.started[before:]

    def finish(self, *names: str) -> list[str]:
        """Those that start because of it."""
        before = len(self.started)
        for name in names:
            self._schedule.remove(self._transactions.pop(name))
        return self.started[before:]


@pytest.mark.parametrize(
    ("created", "started"),
    [
        ("r1 r12 r2", "r1 r12 r2"),  # read-only ones together
        ("r1 w1", "r1"),
        ("w1 r1", "w1"),
        ("w1 w12", "w1"),
        ("w1 r2", "w1 r2"),  # they do not overlap
        ("r1 w2", "r1 w2"),
        ("w1 w2", "w1"),  # they do not either, but both write
        ("r1 w1 r12", "r1"),  # a reader does not overtake a writer that overlaps
        ("r1 w1 w2", "r1 w2"),  # a writer overtakes one that waits and does not overlap
        ("r1 w12 w23", "r1"),  # nor does a writer if it does
        ("r1 w12 r2 r3", "r1 r3"),
        ("w w", "w"),  # without stores
    ],
)
def test_what_starts_at_once(created: str, started: str) -> None:
    """One waits for the earlier ones that it may not run beside."""
    schedule = Schedule()
    schedule.create(*created.split())
    assert schedule.started == started.split()


def test_writers_of_a_store_go_in_order() -> None:
    """Each after the end of the one before."""
    schedule = Schedule()
    assert schedule.create("w1", "w12", "w13") == ["w1"]
    assert schedule.finish("w1") == ["w12"]
    assert schedule.finish("w12") == ["w13"]


def test_no_writer_starves_behind_readers() -> None:
    """Readers that come after it wait for it, and then start together, in order."""
    schedule = Schedule()
    assert schedule.create("r1", "w1", "r12", "r13") == ["r1"]
    assert schedule.finish("r1") == ["w1"]
    assert schedule.finish("w1") == ["r12", "r13"]


def test_no_writer_starves_behind_other_writers() -> None:
    """The oldest of those that may start is the next, even if younger ones have waited for the file longer."""
    schedule = Schedule()
    assert schedule.create("r1", "w2", "w1", "w3") == ["r1", "w2"]
    assert schedule.finish("r1") == []
    assert schedule.finish("w2") == ["w1"]
    assert schedule.create("w2") == []
    assert schedule.finish("w1") == ["w3"]
    assert schedule.finish("w3") == ["w2"]


def test_a_writer_that_is_given_up() -> None:
    """What has waited for it alone starts: readers behind readers, and the next writer."""
    schedule = Schedule()
    assert schedule.create("r1", "w1", "r12") == ["r1"]
    assert schedule.finish("w1") == ["r12"]
    assert schedule.create("w12", "r13") == []
    assert schedule.finish("r1") == []
    assert schedule.finish("w12") == ["r13"]


def test_a_writer_that_is_given_up_while_another_writes() -> None:
    """It does not get its turn any more."""
    schedule = Schedule()
    assert schedule.create("w1", "w2", "w3") == ["w1"]
    assert schedule.finish("w2", "w1") == ["w3"]


def test_a_writer_between_readers_that_wait_is_given_up() -> None:
    """The readers before and behind it start together."""
    schedule = Schedule()
    assert schedule.create("w1", "r12", "w12", "r13", "r14", "w13", "r15") == ["w1"]
    assert schedule.finish("w12", "w13") == []
    assert schedule.finish("w1") == ["r12", "r13", "r14", "r15"]


def may_start(name: str, earlier: list[str], started: set[str]) -> bool:
    """https://w3c.github.io/IndexedDB/#transaction-scheduling, and one writer at a time."""
    overlapping = [other for other in earlier if set(other[1:3]) & set(name[1:3])]
    if name[0] == "r":
        return not any(other[0] == "w" for other in overlapping)
    return not overlapping and not any(other[0] == "w" for other in started)


@pytest.mark.parametrize("seed", range(20))
def test_any_order(seed: int) -> None:
    """Whatever comes and goes: those run that the specification lets run."""
    chance = random.Random(seed)
    schedule = TransactionSchedule()
    log: list[str] = []
    unfinished: dict[str, Logged] = {}
    running: set[str] = set()
    for number in range(400):
        if unfinished and chance.random() < 0.5:
            name = chance.choice(list(unfinished))
            running.discard(name)
            schedule.remove(unfinished.pop(name))
        else:
            stores = chance.sample("1234", 2)
            name = f"{chance.choice('rrw')}{''.join(stores)}{number:05}"
            unfinished[name] = Logged(name[:3], log)
            unfinished[name].name = name
            schedule.add(unfinished[name])
        names = list(unfinished)
        for index, other in enumerate(names):
            if other not in running and may_start(other, names[:index], running):
                running.add(other)
        assert running == set(log) & set(unfinished)


def test_many_that_wait() -> None:
    """What each costs does not grow with their number: pairs of them would be 200 million."""
    log: list[str] = []
    schedule = TransactionSchedule()
    transactions = [Logged("w1", log) for _ in range(20_000)]
    began = time.process_time()
    for transaction in transactions:
        schedule.add(transaction)
    for transaction in transactions:
        schedule.remove(transaction)
    assert len(log) == len(transactions)
    assert time.process_time() - began < 3
