"""Which realm has which end of a channel, with realms that only remember; no process, no page."""

import random
from collections import deque
from collections.abc import Iterator

import pytest

from swproxy.ipc.messages import PortEnd, Record
from swproxy.workers import ports as ports_module
from swproxy.workers.ports import Ports, Transit

ORIGIN = "https://site.test"
NUMBERS = [f"{number:032x}" for number in range(10)]
CHANNEL = NUMBERS[0]
ONE: PortEnd = (CHANNEL, 1)
ZERO: PortEnd = (CHANNEL, 0)


class Realm:
    """Has ends as the runtime of a worker has them (web/messaging/endpoint.js).

    What it is told waits in its inbox until ``read``; ``got`` has, for each end, what arrived there: the texts of
    messages, and None for its close.
    """

    def __init__(self, ports: Ports, origin: str = ORIGIN, room: int = 1000) -> None:
        self.origin = origin
        self.ports = ports
        self.room = room
        self.ends: set[PortEnd] = set()
        self.got: dict[PortEnd, list[str | None]] = {}
        self.inbox: deque[tuple[str, PortEnd, Record | None]] = deque()

    def deliver_port_message(self, end: PortEnd, record: Record) -> bool:
        if len(self.inbox) >= self.room:
            return False
        self.inbox.append(("message", end, record))
        return True

    def deliver_port_close(self, end: PortEnd) -> None:
        self.inbox.append(("close", end, None))

    def deliver_port_left(self, end: PortEnd) -> None:
        self.inbox.append(("left", end, None))

    def deliver_ends(self, end: PortEnd) -> None:
        """Plays a message that brings an end."""
        self.inbox.append(("end", end, None))

    def read(self, count: int = 1000) -> "Realm":
        for _ in range(min(count, len(self.inbox))):
            what, end, record = self.inbox.popleft()
            if what == "end":
                self.ends.add(end)
            elif what == "left":
                self.ports.drained(self, end)
            elif what == "close":
                self.ends.discard(end)
                self.got.setdefault(end, []).append(None)
            elif end in self.ends:
                assert record is not None
                self.ends.update(record.ports)
                self.got.setdefault(end, []).append(record.text)
            else:
                assert record is not None
                self.ports.bounce(self, end, record)
        return self

    def open(self, number: str) -> None:
        self.ports.open(self, number)
        self.ends |= {(number, 0), (number, 1)}

    def send(self, end: PortEnd, text: str, *ends: PortEnd) -> None:
        self.ends -= set(ends)
        self.ports.message(self, end, Record(text, [], list(ends)))

    def pass_on(self, end: PortEnd, receiver: "Realm") -> None:
        self.ends.discard(end)
        receiver.deliver_ends(end)
        self.ports.transferred(self, receiver, [end])


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def pair(ports: Ports) -> Iterator[tuple[Realm, Realm]]:
    """A page that has opened a channel, and a worker that has its other end. All is forgotten when both are gone."""
    page, worker = Realm(ports), Realm(ports)
    page.open(CHANNEL)
    page.pass_on(ONE, worker)
    yield page, worker
    for realm in (page, worker):
        ports.gone(realm)
    assert_empty(ports)


def assert_empty(ports: Ports) -> None:
    assert (ports._channels, ports._held, ports._left) == ({}, {}, {})


def test_messages_go_both_ways(pair: tuple[Realm, Realm]) -> None:
    """To the realm that has the other end."""
    page, worker = pair
    page.send(ZERO, "to the worker")
    worker.read().send(ONE, "to the page")
    assert worker.got == {ONE: ["to the worker"]}
    assert page.read().got == {ZERO: ["to the page"]}


def test_both_ends_in_one_realm(ports: Ports) -> None:
    """A worker may send a port to itself."""
    worker = Realm(ports)
    worker.open(CHANNEL)
    worker.pass_on(ONE, worker)
    worker.send(ZERO, "self")
    assert worker.read().got == {ONE: ["self"]}


def test_messages_wait_for_a_realm_that_is_on_its_way(ports: Ports) -> None:
    """Until its worker runs, for instance; ports that they bring arrive there, too."""
    page, worker = Realm(ports), Realm(ports)
    page.open(CHANNEL)
    page.open(NUMBERS[1])
    transit = ports.depart(page, [ONE])
    page.send(ZERO, "first")
    page.send(ZERO, "with a port", (NUMBERS[1], 1))
    page.send((NUMBERS[1], 0), "through that")
    worker.ends.add(ONE)
    ports.arrive(transit, worker)
    page.send((NUMBERS[1], 0), "later")
    worker.read().send((NUMBERS[1], 1), "back")
    assert worker.got == {ONE: ["first", "with a port"], (NUMBERS[1], 1): ["through that", "later"]}
    assert page.read().got == {(NUMBERS[1], 0): ["back"]}


def test_a_realm_that_never_comes(ports: Ports) -> None:
    """Closes the channels whose ends it was to get."""
    page = Realm(ports)
    page.open(CHANNEL)
    page.open(NUMBERS[1])
    transit = ports.depart(page, [ONE])
    page.send(ZERO, "lost", (NUMBERS[1], 1))
    ports.gone(transit)
    assert page.read().got == {ZERO: [None], (NUMBERS[1], 0): [None]}
    assert_empty(ports)


def test_close_comes_after_what_was_sent(pair: tuple[Realm, Realm]) -> None:
    """And ends the channel for both."""
    page, worker = pair
    page.send(ZERO, "last")
    page.ports.close(page, ZERO)
    worker.send(ONE, "lost")
    page.send(ZERO, "lost")
    assert worker.read().got == {ONE: ["last", None]}
    assert page.read().got == {}
    assert_empty(page.ports)


def test_what_was_sent_before_the_sender_is_gone(ports: Ports) -> None:
    """Also to a realm that is on its way: a page sends a port to a worker that has to be started, and closes."""
    page, worker = Realm(ports), Realm(ports)
    page.open(CHANNEL)
    transit = ports.depart(page, [ONE])
    page.send(ZERO, "last")
    ports.gone(page)
    worker.ends.add(ONE)
    ports.arrive(transit, worker)
    assert worker.read().got == {ONE: ["last", None]}
    assert_empty(ports)


def test_an_end_that_is_passed_on_keeps_its_order(pair: tuple[Realm, Realm]) -> None:
    """What was on its way to the first realm comes before what was sent when the second had it already."""
    page, first = pair
    second = Realm(page.ports)
    first.read()
    page.send(ZERO, "1")
    page.send(ZERO, "2")
    first.pass_on(ONE, second)
    page.send(ZERO, "3")
    assert second.read().got == {}
    first.read()
    page.send(ZERO, "4")
    assert second.read().got == {ONE: ["1", "2", "3", "4"]}
    page.ports.gone(second)
    assert page.read().got == {ZERO: [None]}


def test_a_realm_that_ends_before_it_has_bounced_all(pair: tuple[Realm, Realm]) -> None:
    """Takes with it what was on its way to it, and nothing else."""
    page, first = pair
    second = Realm(page.ports)
    first.read()
    page.send(ZERO, "lost")
    first.pass_on(ONE, second)
    page.send(ZERO, "kept")
    page.ports.close(page, ZERO)
    page.ports.gone(first)
    assert second.read().got == {ONE: ["kept", None]}
    assert_empty(page.ports)


@pytest.mark.parametrize("seed", range(40))
def test_order_whatever_happens_when(ports: Ports, seed: int) -> None:
    """An end wanders among realms that read slowly; every message arrives once, in order, at one of them."""
    chance = random.Random(seed)
    page, *realms = [Realm(ports) for _ in range(4)]
    page.open(CHANNEL)
    page.pass_on(ONE, realms[0])
    arrived: list[str | None] = []
    sent = 0
    for _ in range(300):
        action = chance.random()
        holders = [realm for realm in realms if ONE in realm.ends]
        if action < 0.35:
            page.send(ZERO, str(sent))
            sent += 1
        elif action < 0.55 and holders:
            holders[0].pass_on(ONE, chance.choice(realms))
        else:
            reader = chance.choice(realms)
            reader.got.clear()
            reader.read(1)
            arrived += reader.got.get(ONE, [])
    while any(realm.inbox for realm in realms):
        for realm in realms:
            realm.got.clear()
            realm.read(1)
            arrived += realm.got.get(ONE, [])
    assert arrived == [str(number) for number in range(sent)]
    for realm in (page, *realms):
        ports.gone(realm)
    assert_empty(ports)


def test_nobody_can_use_an_end_of_another(pair: tuple[Realm, Realm]) -> None:
    """It can neither send, close, pass on, bounce nor open again what it does not have."""
    page, worker = pair
    thief = Realm(page.ports)
    accomplice = Realm(page.ports)
    for end in (ZERO, ONE):
        thief.open(CHANNEL)
        thief.send(end, "forged")
        thief.pass_on(end, accomplice)
        page.ports.bounce(thief, end, Record("forged"))
        page.ports.drained(thief, end)
        page.ports.close(thief, end)
        accomplice.read().send(end, "forged")
    page.send(ZERO, "true")
    assert worker.read().got == {ONE: ["true"]}
    assert page.read().got == {}
    assert accomplice.got == {ZERO: [None], ONE: [None]}  # what does not exist for it is closed


def test_ports_in_a_forged_message_are_closed(pair: tuple[Realm, Realm]) -> None:
    """Whoever has their other ends hears of it."""
    page, worker = pair
    page.open(NUMBERS[1])
    page.send((NUMBERS[2], 0), "nowhere", (NUMBERS[1], 1))
    page.ports.bounce(page, ONE, Record("not had", [], [(NUMBERS[1], 0)]))
    assert page.read().got == {(NUMBERS[1], 0): [None]}
    assert worker.read().got == {}


def test_origins_are_apart(pair: tuple[Realm, Realm]) -> None:
    """The same number is another channel there; and nothing shows that it exists here."""
    page, worker = pair
    foreign = Realm(page.ports, "https://other.test")
    foreign.pass_on(ZERO, foreign)
    foreign.send(ZERO, "forged")
    assert foreign.read().got == {ZERO: [None]}
    foreign.open(CHANNEL)
    foreign.send(ZERO, "its own")
    assert foreign.read().got == {ZERO: [None], ONE: ["its own"]}
    assert worker.read().got == page.read().got == {}
    page.ports.gone(foreign)


@pytest.mark.parametrize("number", ["", "0" * 31, "0" * 37, "G" * 32, "0" * 32 + "\n"])
def test_numbers(ports: Ports, number: str) -> None:
    """Are of 128 bits; others are no channels."""
    ports.open(Realm(ports), number)
    assert_empty(ports)


@pytest.mark.parametrize("side", [-1, 2])
def test_ends_are_two(pair: tuple[Realm, Realm], side: int) -> None:
    """Of other sides there is nothing to have."""
    page, _ = pair
    page.send((CHANNEL, side), "forged")
    page.ports.close(page, (CHANNEL, side))
    page.send(ZERO, "true")
    assert pair[1].read().got == {ONE: ["true"]}


def test_a_port_through_its_own_channel(ports: Ports) -> None:
    """Is lost with what it was sent with, as nobody can reach it."""
    page = Realm(ports)
    page.open(CHANNEL)
    page.send(ZERO, "round", ONE)
    assert page.read().got == {ZERO: [None]}
    assert_empty(ports)


def test_ports_through_each_other(ports: Ports) -> None:
    """While they wait for what is bounced: nothing of that goes on for ever."""
    page, first, second = (Realm(ports) for _ in range(3))
    ends = [(number, 1) for number in NUMBERS[:2]]
    for end in ends:
        page.open(end[0])
        page.pass_on(end, first)
    first.read()
    for end in ends:
        page.send((end[0], 0), "on its way")
        first.pass_on(end, second)
    second.read()
    for end in ends:
        second.pass_on(end, page)
    page.read()
    page.send((NUMBERS[0], 0), "second", ends[1])
    page.send((NUMBERS[1], 0), "first", ends[0])
    first.read()
    assert page.read().got == {(NUMBERS[0], 0): [None], (NUMBERS[1], 0): [None]}
    assert_empty(ports)


def test_what_waits_has_a_limit(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bytes; a message beyond closes the channel, and the ports in it are closed."""
    monkeypatch.setattr(ports_module, "WAITING_LIMIT", 1000)
    page, worker = Realm(ports), Realm(ports)
    page.open(CHANNEL)
    page.open(NUMBERS[1])
    transit = ports.depart(page, [ONE])
    page.send(ZERO, "x" * 400)
    page.send(ZERO, "x", (NUMBERS[1], 1))
    assert page.read().got == {ZERO: [None], (NUMBERS[1], 0): [None]}
    worker.ends.add(ONE)
    ports.arrive(transit, worker)
    assert worker.read().got == {ONE: ["x" * 400, None]}
    assert_empty(ports)


def test_a_realm_that_can_take_no_more(ports: Ports) -> None:
    """Loses the channel, at once or when it has arrived."""
    page, worker = Realm(ports), Realm(ports, room=2)
    for number in NUMBERS[:2]:
        page.open(number)
    page.pass_on(ONE, worker)
    transit = ports.depart(page, [(NUMBERS[1], 1)])
    for _ in range(3):
        page.send(ZERO, "x")
        page.send((NUMBERS[1], 0), "y")
    ports.arrive(transit, worker)
    assert page.read().got == {ZERO: [None], (NUMBERS[1], 0): [None]}
    assert worker.read().got[ONE][-1] is None
    assert_empty(ports)


def test_the_channels_of_an_origin_have_a_limit(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was used the longest time ago is closed for a new one."""
    monkeypatch.setattr(ports_module, "CHANNEL_LIMIT", 2)
    page = Realm(ports)
    for number in NUMBERS[:2]:
        page.open(number)
    page.send((NUMBERS[0], 0), "used")
    page.open(NUMBERS[2])
    assert page.read().got == {(NUMBERS[0], 1): ["used"], (NUMBERS[1], 0): [None], (NUMBERS[1], 1): [None]}


def test_a_channel_that_is_cut_while_it_moves(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves nothing behind, and what is said of it later has no effect."""
    monkeypatch.setattr(ports_module, "CHANNEL_LIMIT", 1)
    page, first, second = (Realm(ports) for _ in range(3))
    page.open(CHANNEL)
    page.pass_on(ONE, first)
    page.send(ZERO, "on its way")
    first.read(1).pass_on(ONE, second)
    page.send(ZERO, "waiting")
    page.open(NUMBERS[1])
    first.read()
    assert second.read().got == {ONE: [None]}
    for realm in (page, first, second):
        ports.gone(realm)
    assert_empty(ports)


def test_a_transit_passes_nothing_on() -> None:
    """It is no realm that runs."""
    with pytest.raises(AssertionError):
        Transit(ORIGIN).deliver_port_left(ONE)


def test_what_is_sent_to_a_channel_of_which_an_end_is_closed(ports: Ports) -> None:
    """While the other end still waits for what is bounced: nothing arrives, and nothing stays."""
    page, first, second = (Realm(ports) for _ in range(3))
    page.open(CHANNEL)
    page.pass_on(ONE, first)
    first.read()
    page.send(ZERO, "1")
    first.pass_on(ONE, second)
    second.read()
    ports.close(second, ONE)
    second.send(ONE, "closed")
    page.send(ZERO, "2")
    first.read()
    assert page.read().got == {ZERO: [None]}
    assert second.read().got == {}
    ports.gone(page)
    assert_empty(ports)
