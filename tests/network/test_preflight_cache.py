"""What preflights have allowed, and for how long."""

from typing import Any

import pytest
from network_worker import Worker
from origin import Origin, Route

from swproxy.errors import NetworkError
from swproxy.ipc.messages import Request
from swproxy.network.preflight_cache import DEFAULT_AGE, MAX_AGE, MAX_ENTRIES, MAX_KEY, PreflightCache

URL = "https://api.test/a"
ORIGIN = "https://site.test"


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def put(**changes: Any) -> Request:
    values = {"id": None, "method": "PUT", "url": URL, "headers": [("X-A", "1")]} | changes
    return Request(**values)


@pytest.mark.parametrize(
    ("value", "age"),
    [(None, DEFAULT_AGE), ("60", 60), ("0", 0), ("-1", DEFAULT_AGE), ("x", DEFAULT_AGE), ("9" * 30, MAX_AGE)],
)
def test_an_entry_has_an_age(value: str | None, age: int) -> None:
    """That of the response, but no more than browsers allow; no header is five seconds."""
    clock = Clock()
    cache = PreflightCache(clock)
    cache.allow(put(), ORIGIN, ORIGIN, [] if value is None else [("Access-Control-Max-Age", value)])
    clock.time += age - 0.1
    assert cache.allows(put(), ORIGIN, ORIGIN) is (age > 0)
    clock.time += 0.1
    assert not cache.allows(put(), ORIGIN, ORIGIN)


@pytest.mark.parametrize(
    ("other", "origin", "allowed"),
    [
        (put(url=f"{URL}#fragment"), ORIGIN, True),
        (put(headers=[("x-a", "other value")]), ORIGIN, True),
        (put(headers=[]), ORIGIN, True),
        (put(method="GET"), ORIGIN, True),
        (put(method="DELETE"), ORIGIN, False),
        (put(headers=[("x-a", "1"), ("x-b", "1")]), ORIGIN, False),
        (put(url=f"{URL}?query"), ORIGIN, False),
        (put(credentials="include"), ORIGIN, False),
        (put(), "https://other.test", False),
    ],
)
def test_what_an_entry_is_for(other: Request, origin: str, allowed: bool) -> None:
    """A method and each header, of one URL, from one origin, with or without credentials."""
    cache = PreflightCache()
    cache.allow(put(), ORIGIN, ORIGIN, [])
    assert cache.allows(other, ORIGIN, origin) is allowed
    assert not cache.allows(other, "https://another.test", origin)


def test_a_url_is_forgotten() -> None:
    """For that origin only."""
    cache = PreflightCache()
    for origin in (ORIGIN, "https://other.test"):
        cache.allow(put(), ORIGIN, origin, [])
    cache.clear(put(credentials="include"), ORIGIN, ORIGIN)
    assert not cache.allows(put(), ORIGIN, ORIGIN)
    assert cache.allows(put(), ORIGIN, "https://other.test")


def test_a_later_preflight_can_take_an_entry_back() -> None:
    """With an age of 0."""
    cache = PreflightCache()
    cache.allow(put(), ORIGIN, ORIGIN, [])
    cache.allow(put(), ORIGIN, ORIGIN, [("Access-Control-Max-Age", "0")])
    assert not cache.allows(put(), ORIGIN, ORIGIN)


def test_what_is_very_long_is_not_remembered() -> None:
    """A thousand long URLs would be a lot of memory."""
    cache = PreflightCache()
    long = put(url=f"{URL}?{'x' * MAX_KEY}")
    cache.allow(long, ORIGIN, ORIGIN, [])
    assert not cache.allows(long, ORIGIN, ORIGIN)


def test_the_cache_has_a_limit() -> None:
    """The oldest entries go."""
    cache = PreflightCache()
    for number in range(MAX_ENTRIES + 1):
        cache.allow(put(url=f"{URL}{number}", headers=[]), ORIGIN, ORIGIN, [])
    assert not cache.allows(put(url=f"{URL}0", headers=[]), ORIGIN, ORIGIN)
    assert cache.allows(put(url=f"{URL}{MAX_ENTRIES}", headers=[]), ORIGIN, ORIGIN)


async def test_a_second_request_makes_no_preflight(other: Origin, worker: Worker) -> None:
    """Until the URL fails a CORS check."""
    allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT"}
    other.routes["/a"] = Route(b"done", headers=allowed)
    for _ in range(2):
        await worker.fetch(f"{other.url}/a", method="PUT")
    assert [hit.method for hit in other.hits] == ["OPTIONS", "PUT", "PUT"]
    other.routes["/a"] = Route(b"done")
    for _ in range(2):
        with pytest.raises(NetworkError, match="Access-Control-Allow-Origin"):
            await worker.fetch(f"{other.url}/a", method="PUT")
    assert [hit.method for hit in other.hits[3:]] == ["PUT", "OPTIONS"]


async def test_what_a_preflight_says_of_the_referrer(origin: Origin, other: Origin, worker: Worker) -> None:
    """As the request's policy allows."""
    allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT, DELETE"}
    other.routes["/a"] = Route(b"done", headers=allowed)
    await worker.fetch(f"{other.url}/a", method="PUT")
    await worker.fetch(f"{other.url}/a", method="DELETE", referrer_policy="no-referrer")
    assert [(hit.method, hit.headers.get("referer")) for hit in other.hits] == [
        *[("OPTIONS", f"{origin.url}/"), ("PUT", f"{origin.url}/")],
        *[("OPTIONS", None), ("DELETE", None)],
    ]
