"""https://fetch.spec.whatwg.org/#concept-cache: what CORS preflights have allowed, for a while."""

import time
from collections.abc import Callable, Sequence

from swproxy.ipc.messages import Header, Request
from swproxy.network import cors

# Seconds.
DEFAULT_AGE = 5
MAX_AGE = 7200
MAX_ENTRIES = 1000
# Characters: what is longer is not remembered.
MAX_KEY = 4096

# the worker's origin, the request's, URL without fragment, with credentials, method or header name in lower case
_Key = tuple[str, str, str, bool, str]


class PreflightCache:
    """Which methods and headers may be used with a URL.

    Entries are of a worker's origin (the network partition key), and of the origin that the request says it has: that
    is "null" after some redirects.

    Args:
        now: the clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._expiry: dict[_Key, float] = {}

    def allows(self, request: Request, partition: str, origin: str) -> bool:
        """Whether the request needs no preflight any more."""
        return all(self._expiry.get(key, 0) > self._now() for key in _needed(request, partition, origin))

    def allow(self, request: Request, partition: str, origin: str, headers: Sequence[Header]) -> None:
        """Remembers what the request needed, as a preflight's response with these headers has allowed it."""
        age = _max_age(cors.get(headers, "access-control-max-age"))
        keys = _needed(request, partition, origin)
        for key in keys:
            self._expiry.pop(key, None)
        if age <= 0 or sum(len(key[2]) + len(key[4]) for key in keys) > MAX_KEY:
            return
        self._expiry |= dict.fromkeys(keys, self._now() + age)
        if len(self._expiry) > MAX_ENTRIES:
            self._expiry = {key: expiry for key, expiry in self._expiry.items() if expiry > self._now()}
        while len(self._expiry) > MAX_ENTRIES:
            del self._expiry[next(iter(self._expiry))]

    def clear(self, request: Request, partition: str, origin: str) -> None:
        """https://fetch.spec.whatwg.org/#concept-cache-clear: the URL has failed a CORS check."""
        failed = (partition, origin, request.url.partition("#")[0])
        self._expiry = {key: expiry for key, expiry in self._expiry.items() if key[:3] != failed}


def _needed(request: Request, partition: str, origin: str) -> list[_Key]:
    where = (partition, origin, request.url.partition("#")[0], request.credentials == "include")
    methods = [] if request.method in cors.SAFELISTED_METHODS else [request.method]
    return [(*where, item) for item in (*methods, *cors.unsafe_header_names(request.headers))]


def _max_age(value: str | None) -> int:
    """https://fetch.spec.whatwg.org/#http-access-control-max-age"""
    if value is None or not value.isascii() or not value.isdecimal():
        return DEFAULT_AGE
    return min(int(value[:9]), MAX_AGE)
