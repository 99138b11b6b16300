"""https://fetch.spec.whatwg.org/#concept-cache: what CORS preflights have allowed, for a while."""

import time
from collections.abc import Callable, Sequence

from swproxy.ipc.messages import Header, Request
from swproxy.network import cors

# Seconds.
DEFAULT_AGE = 5
MAX_AGE = 7200
MAX_ENTRIES = 1000

# origin, URL without fragment, with credentials, method or header name in lower case
_Key = tuple[str, str, bool, str]


class PreflightCache:
    """Which methods and headers an origin may use with a URL.

    Args:
        now: the clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._expiry: dict[_Key, float] = {}

    def allows(self, request: Request, origin: str) -> bool:
        """Whether the request needs no preflight any more."""
        return all(self._expiry.get(key, 0) > self._now() for key in _needed(request, origin))

    def allow(self, request: Request, origin: str, headers: Sequence[Header]) -> None:
        """Remembers what the request needed, as a preflight's response with these headers has allowed it."""
        age = _max_age(cors.get(headers, "access-control-max-age"))
        if age <= 0:
            return
        self._expiry |= dict.fromkeys(_needed(request, origin), self._now() + age)
        if len(self._expiry) > MAX_ENTRIES:
            self._expiry = {key: expiry for key, expiry in self._expiry.items() if expiry > self._now()}
        while len(self._expiry) > MAX_ENTRIES:
            del self._expiry[next(iter(self._expiry))]

    def clear(self, request: Request, origin: str) -> None:
        """https://fetch.spec.whatwg.org/#concept-cache-clear: the URL has failed a CORS check."""
        url = request.url.partition("#")[0]
        self._expiry = {key: expiry for key, expiry in self._expiry.items() if key[:2] != (origin, url)}


def _needed(request: Request, origin: str) -> list[_Key]:
    where = (origin, request.url.partition("#")[0], request.credentials == "include")
    methods = [] if request.method in cors.SAFELISTED_METHODS else [request.method]
    return [(*where, item) for item in (*methods, *cors.unsafe_header_names(request.headers))]


def _max_age(value: str | None) -> int:
    """https://fetch.spec.whatwg.org/#http-access-control-max-age"""
    if value is None or not value.isascii() or not value.isdecimal():
        return DEFAULT_AGE
    return min(int(value[:9]), MAX_AGE)
