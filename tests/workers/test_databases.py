"""Databases: who has which turn. Workers are letters, see the transcript."""

from collections.abc import Callable
from typing import Any

import pytest
from database_transcript import WRITE, Transcript

from swproxy.ipc.channel import ChannelClosed
from swproxy.workers import databases


@pytest.fixture
async def t() -> Transcript:
    return Transcript()


# Connection queues


async def test_requests_of_a_database_go_in_order(t: Transcript) -> None:
    """One at a time, over all workers of the origin; the connections that they leave do not matter."""
    assert t.request("a", 1) == ["a turn 1"]
    assert t.request("b", 1) == []
    assert t.request("a", 2) == []
    assert t.done("a", 1, connection=True) == ["b turn 1"]
    assert t.done("b", 1) == ["a turn 2"]
    assert t.done("a", 2) == []
    assert t.close("a", 1) == []
    assert t.is_empty


async def test_other_databases_do_not_wait(t: Transcript) -> None:
    """A database belongs to an origin; names may be anything, and need not be Unicode."""
    assert t.request("a", 1) == ["a turn 1"]
    assert t.request("a", 2, "y") == ["a turn 2"]
    assert t.request("A", 1) == ["A turn 1"]
    assert t.request("a", 3, "\ud800") == ["a turn 3"]
    assert t.request("a", 4, "\udfff") == ["a turn 4"]
    assert t.request("b", 1, "\udfff") == []
    assert t.request("b", 2, "") == ["b turn 2"]
    assert t.done("a", 4) == ["b turn 1"]


async def test_a_request_that_is_given_up(t: Transcript) -> None:
    """While it waits, and when it has its turn."""
    assert t.request("a", 1) == ["a turn 1"]
    assert t.request("b", 1) == []
    assert t.request("a", 2) == []
    assert t.done("b", 1) == []
    assert t.done("a", 1) == ["a turn 2"]
    assert t.done("a", 2) == []
    assert t.is_empty


async def test_who_has_looked_at_the_file(t: Transcript) -> None:
    """All hear of it, also when nothing of the database was in use meanwhile; it is another matter for others."""
    assert t.request("a", 1) == ["a turn 1"]
    assert t.done("a", 1, checked=True) == []
    assert t.is_empty
    assert t.request("b", 1) == ["b turn 1 checked"]
    assert t.request("a", 2) == []
    assert t.done("b", 1) == ["a turn 2 checked"]
    assert t.request("A", 1) == ["A turn 1"]
    assert t.request("a", 3, "y") == ["a turn 3"]


async def test_what_is_remembered_of_files_is_bounded(t: Transcript, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten: it is looked at once more."""
    monkeypatch.setattr(databases, "MAX_CHECKED", 2)
    for number, name in enumerate("xyz"):
        t.request("a", number, name)
        t.done("a", number, checked=True)
    assert [t.request("a", number, name) for number, name in enumerate("xyz")] == [
        ["a turn 0"],
        ["a turn 1 checked"],
        ["a turn 2 checked"],
    ]


# Version changes


async def test_a_version_change_without_connections(t: Transcript) -> None:
    """Nobody is in the way, and nobody gets in before it is done."""
    assert t.request("a", 1) == ["a turn 1"]
    assert t.request("b", 1) == []
    assert t.change_version("a", 1) == ["a exclusive 1"]
    assert t.done("a", 1, connection=True) == ["b turn 1"]


async def test_a_version_change_is_blocked(t: Transcript) -> None:
    """When all events were fired and somebody has not closed; and goes on when all have."""
    t.open("a", 1)
    t.open("a", 2)
    t.open("b", 1)
    assert t.request("c", 5) == ["c turn 5"]
    told = ["a versionchange 1 1->2", "a versionchange 2 1->2", "b versionchange 1 1->2"]
    assert t.change_version("c", 5) == told
    assert t.fired("a", 1) == []
    assert t.fired("b", 1) == []
    assert t.fired("a", 2) == ["c blocked 5"]
    assert t.close("a", 1) == []
    assert t.close("b", 1) == []
    assert t.request("b", 2) == []
    assert t.close("a", 2) == ["c exclusive 5"]
    assert t.done("c", 5, connection=True) == ["b turn 2"]


async def test_a_deletion_has_no_new_version(t: Transcript) -> None:
    """It may be the same worker that has the connection."""
    t.open("a", 1)
    assert t.request("a", 2) == ["a turn 2"]
    assert t.change_version("a", 2, None) == ["a versionchange 1 1->None"]
    assert t.fired("a", 1) == ["a blocked 2"]
    assert t.close("a", 1) == ["a exclusive 2"]
    assert t.done("a", 2) == []
    assert t.is_empty


async def test_connections_that_close_in_the_handler(t: Transcript) -> None:
    """They close before the event was fired: nothing is blocked."""
    t.open("a", 1)
    t.open("b", 1)
    t.request("c", 1)
    t.change_version("c", 1)
    assert t.close("a", 1) == []
    assert t.fired("a", 1) == []
    assert t.close("b", 1) == ["c exclusive 1"]
    assert t.fired("b", 1) == []


async def test_one_closes_and_another_does_not(t: Transcript) -> None:
    """The last that was waited for is gone, and the other stays: that is blocked, once."""
    t.open("a", 1)
    t.open("b", 1)
    t.request("c", 1)
    t.change_version("c", 1)
    assert t.fired("a", 1) == []
    assert t.close("b", 1) == ["c blocked 1"]
    assert t.fired("a", 1) == []
    assert t.close("a", 1) == ["c exclusive 1"]


async def test_a_version_change_that_is_given_up(t: Transcript) -> None:
    """The next one waits for the event that is still to be fired, and there is no other."""
    t.open("a", 1)
    t.request("b", 1)
    assert t.change_version("b", 1) == ["a versionchange 1 1->2"]
    t.request("c", 1)
    assert t.done("b", 1) == ["c turn 1"]
    assert t.change_version("c", 1, 3) == []
    assert t.fired("a", 1) == ["c blocked 1"]
    assert t.done("c", 1) == []
    t.request("c", 2)
    assert t.change_version("c", 2, 4) == ["a versionchange 1 1->4"]


# Workers that end


async def test_a_process_that_ends_has_closed_its_connections(t: Transcript) -> None:
    """Those who wait for it go on; nobody is told that it blocks."""
    t.open("a", 1)
    t.open("a", 2)
    t.request("b", 1)
    t.change_version("b", 1)
    assert t.fired("a", 1) == []
    assert await t.end("a") == ["b exclusive 1"]


async def test_a_process_ends_and_others_still_block(t: Transcript) -> None:
    """They have fired their events; it had not."""
    t.open("a", 1)
    t.open("b", 1)
    t.request("c", 1)
    t.change_version("c", 1)
    assert t.fired("b", 1) == []
    assert await t.end("a") == ["c blocked 1"]


@pytest.mark.parametrize("wants_exclusive", [False, True])
async def test_a_process_ends_when_it_has_the_turn(t: Transcript, wants_exclusive: bool) -> None:
    """Also while it waits for connections to close."""
    t.open("b", 1)
    t.request("a", 1)
    t.request("a", 2)
    t.request("b", 2)
    if wants_exclusive:
        t.change_version("a", 1)
    assert await t.end("a") == ["b turn 2"]


async def test_a_process_ends_when_it_has_the_database_for_itself(t: Transcript) -> None:
    """The next gets its turn."""
    t.request("a", 1)
    t.change_version("a", 1)
    t.request("b", 1)
    assert await t.end("a") == ["b turn 1"]


async def test_a_process_ends_while_it_waits(t: Transcript) -> None:
    """Nothing is left of it."""
    t.request("b", 1)
    t.request("a", 1)
    t.request("b", 2)
    assert await t.end("a") == []
    assert t.done("b", 1) == ["b turn 2"]
    assert t.done("b", 2) == []
    assert t.is_empty


async def test_transactions_of_a_process_that_ends(t: Transcript) -> None:
    """Those that run make way for others, and those that wait do not start."""
    t.open("a", 1)
    t.open("b", 1)
    assert t.transaction("a", 2, 1, [1], WRITE) == ["a start 2"]
    assert t.transaction("a", 3, 1, [1, 2], WRITE) == []
    assert t.transaction("b", 2, 1, [1]) == []
    assert t.transaction("b", 3, 1, [2], WRITE) == []
    assert await t.end("a") == ["b start 2", "b start 3"]


async def test_a_process_that_is_still_ending(t: Transcript) -> None:
    """It may still write: it keeps what it has, but hears nothing, and a new process of the worker begins anew."""
    t.open("a", 1)
    t.transaction("a", 2, 1, [1], WRITE)
    t.transaction("a", 3, 1, [1], WRITE)
    t.open("b", 1)
    t.transaction("b", 2, 1, [1], WRITE)
    t.gone.clear()
    assert await t.end("a") == []
    assert t.request("a", 1) == ["a turn 1"]
    assert t.change_version("a", 1) == ["b versionchange 1 1->2"]
    assert t.fired("b", 1) == []
    assert t.close("a", 1) == []
    assert t.finish("a", 2) == []
    t.gone.set()
    assert await t.soon() == ["b start 2", "a blocked 1"]
    assert t.close("b", 1) == ["a exclusive 1"]


async def test_a_worker_that_has_no_databases_ends(t: Transcript) -> None:
    """Nobody waits for anything."""
    t.gone.clear()
    assert await t.end("a") == []
    assert not t.databases._endings


# Transactions; tests/workers/test_transactions.py has all ways that they may overlap


async def test_transactions_of_a_database(t: Transcript) -> None:
    """Over all connections, of whatever worker; each database has its own order."""
    t.open("a", 1)
    t.open("a", 2)
    t.open("b", 1)
    t.open("a", 3, "y")
    assert t.transaction("a", 10, 1, [1], WRITE) == ["a start 10"]
    assert t.transaction("a", 11, 2, [1]) == []
    assert t.transaction("b", 10, 1, [1]) == []
    assert t.transaction("b", 11, 1, [2], WRITE) == []
    assert t.transaction("b", 12, 1, [3]) == ["b start 12"]
    assert t.transaction("a", 12, 3, [1], WRITE) == ["a start 12"]
    assert t.finish("a", 10) == ["a start 11", "b start 10", "b start 11"]


async def test_a_transaction_that_is_given_up(t: Transcript) -> None:
    """It does not start any more."""
    t.open("a", 1)
    t.transaction("a", 2, 1, [1], WRITE)
    t.transaction("a", 3, 1, [1], WRITE)
    t.transaction("a", 4, 1, [1])
    assert t.finish("a", 3) == []
    assert t.finish("a", 2) == ["a start 4"]


async def test_a_connection_closes_with_its_transactions(t: Transcript) -> None:
    """Should the worker not have said that they are finished."""
    t.open("a", 1)
    t.open("a", 2)
    t.transaction("a", 3, 1, [1], WRITE)
    t.transaction("a", 4, 2, [1])
    assert t.close("a", 1) == ["a start 4"]
    assert t.finish("a", 3) == []


# Workers that are not ours


async def test_numbers_that_are_unknown(t: Transcript) -> None:
    """They may have been known: nothing happens."""
    t.open("b", 1)
    for letter in ("a", "b"):  # one that has nothing, and one that has something
        assert t.done(letter, 9, checked=True) == []
        assert t.fired(letter, 9) == []
        assert t.close(letter, 9) == []
        assert t.finish(letter, 9) == []
    t.transaction("b", 2, 1, [1])
    assert t.done("b", 1) == t.fired("b", 2) == t.close("b", 2) == t.finish("b", 1) == []
    assert t.transaction("b", 3, 1, [1], WRITE) == []  # 2 still runs


@pytest.mark.parametrize(
    "say",
    [
        lambda t: t.request("a", 1),
        lambda t: t.request("a", 2),
        lambda t: t.request("a", 4),
        lambda t: t.transaction("a", 1, 1, [1]),
        lambda t: t.transaction("a", 3, 1, [1]),
        lambda t: t.transaction("a", 9, 2, [1]),
        lambda t: t.transaction("a", 9, 8, [1]),
        lambda t: t.transaction("b", 9, 1, [1]),
        lambda t: t.change_version("a", 1),
        lambda t: t.change_version("a", 2),
        lambda t: t.change_version("a", 4),
        lambda t: t.change_version("a", 9),
        lambda t: t.done("a", 2, connection=True),
        lambda t: t.done("a", 4, connection=True),
    ],
)
async def test_what_no_runtime_of_ours_says(t: Transcript, say: Callable[[Transcript], Any]) -> None:
    """A number twice, no such connection, out of turn: that ends the worker."""
    t.open("a", 1)
    t.request("a", 2)
    t.change_version("a", 2)
    t.transaction("a", 3, 1, [1])
    t.request("a", 4)
    with pytest.raises(ChannelClosed):
        say(t)
    await t.end("a")
    assert t.is_empty


async def test_a_worker_has_only_so_much(t: Transcript, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests, connections, transactions and the stores of their scopes count; what is over does not."""
    monkeypatch.setattr(databases, "MAX_NUMBERS", 6)
    t.open("a", 1)
    for _ in range(10):
        t.transaction("a", 2, 1, [1, 2])
        t.finish("a", 2)
    t.transaction("a", 2, 1, [1, 2])
    t.request("a", 3)
    t.request("b", 1)
    t.request("a", 4)
    with pytest.raises(ChannelClosed):
        t.request("a", 5)
    t.done("a", 3)
    t.done("a", 4)
    with pytest.raises(ChannelClosed):
        t.transaction("a", 5, 1, [1, 2])
    t.transaction("a", 5, 1, [1])
