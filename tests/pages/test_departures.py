"""What documents say of where they go, and whose word counts."""

import asyncio

from swproxy.pages.departures import DELAY, Departure, Departures
from swproxy.service_worker.client import ServiceWorkerClient

HERE = "https://a.test/"
THERE = "https://a.test/there"


def client(peer: str = "browser") -> ServiceWorkerClient:
    return ServiceWorkerClient(HERE, peer, None)


async def of_navigation(departures: Departures, url: str = THERE, *, may_be_late: bool = False) -> Departure | None:
    return await departures.of_navigation("browser", url, may_be_late=may_be_late)


async def test_a_departure_counts_once() -> None:
    departures, leaving = Departures(), client()
    departures.add(leaving, f"{THERE}#x", "push")
    assert await of_navigation(departures) == Departure(leaving.id, "#x", "push")
    assert await of_navigation(departures) is None


async def test_of_another_browser_or_origin() -> None:
    departures = Departures()
    departures.add(client("other browser"), THERE, "push")
    departures.add(client(), "https://a.test.example/", "push")
    assert await of_navigation(departures) is None
    assert await of_navigation(departures, "https://a.test.example/") is None


async def test_the_way_back_may_be_told_late() -> None:
    """Only to where the browser has been, if it tells at all: nothing else waits."""
    departures, leaving = Departures(), client()
    assert await of_navigation(departures, may_be_late=True) is None
    departures.add(leaving, HERE, "push")
    asyncio.get_running_loop().call_soon(departures.add, leaving, THERE, "traverse")
    assert await of_navigation(departures, may_be_late=True) == Departure(leaving.id, "", "traverse")
    assert await of_navigation(departures, may_be_late=True) is None  # after a moment
    departures.add(leaving, THERE, "traverse")  # too late
    assert await of_navigation(departures) is None


async def test_a_departure_at_the_last_moment() -> None:
    """When the time is over, but the navigation has not gone on yet: no other navigation has it."""
    departures, leaving = Departures(), client()
    assert await of_navigation(departures, may_be_late=True) is None
    departures.add(leaving, HERE, "push")
    asyncio.get_running_loop().call_later(DELAY, departures.add, leaving, THERE, "traverse")
    first = await of_navigation(departures, may_be_late=True)
    assert await of_navigation(departures) is None
    assert first == Departure(leaving.id, "", "traverse")


async def test_a_departure_that_never_comes() -> None:
    """What a document tells that was made later counts: it is of another navigation."""
    departures = Departures()
    assert await of_navigation(departures) is None
    leaving = client()
    departures.add(leaving, THERE, "traverse")
    assert await of_navigation(departures) == Departure(leaving.id, "", "traverse")
