"""Where documents are about to go, as they say themselves: what no header of a navigation tells."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from swproxy.service_worker.client import ServiceWorkerClient, next_time

# Seconds in which a browser asks for the next document.
PATIENCE = 5.0
# Seconds by which what a document says may come later than that: browsers go back and forward without waiting for it.
DELAY = 0.05
# Seconds in which it comes too late: the navigation that it tells of has been answered.
LATENESS = 1.0
_MOST = 256
_MOST_VISITED = 2048


@dataclass(frozen=True, slots=True)
class Departure:
    """What the document's https://html.spec.whatwg.org/#navigateevent said.

    Attributes:
        client: the number of its client.
        fragment: of the URL that it goes to, with "#", or nothing.
        kind: https://html.spec.whatwg.org/#navigationtype
    """

    client: str
    fragment: str
    kind: str


class Departures:
    """Those of all documents. A document tells only of its own origin, so that nobody speaks for others."""

    def __init__(self) -> None:
        # By browsers and URLs without fragments; with when nobody expects it any more.
        self._departures: dict[tuple[str, str], tuple[Departure, float]] = {}
        self._awaited: dict[tuple[str, str], asyncio.Future[Departure]] = {}
        self._visited: dict[tuple[str, str], bool] = {}
        # Navigations that came without: until when one would be late, and what documents of then are older than.
        self._untold: dict[tuple[str, str], tuple[float, int]] = {}
        self._telling: dict[str, None] = {}  # the browsers that tell at all

    def add(self, client: ServiceWorkerClient, url: str, kind: str) -> None:
        """A document leaves; ``kind`` is a NavigationType."""
        if not url.startswith(f"{client.origin}/"):
            return
        address, sign, fragment = url.partition("#")
        key = client.peer, address
        self._telling[client.peer] = None
        _keep(self._telling, _MOST)
        departure = Departure(client.id, sign + fragment, kind)
        waiting = self._awaited.pop(key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(departure)
            return
        if kind in ("traverse", "reload"):
            until, newest = self._untold.pop(key, (0.0, 0))
            if until >= time.monotonic() and client.created < newest:
                return
        self._departures[key] = departure, time.monotonic() + PATIENCE
        _keep(self._departures, _MOST)

    async def of_navigation(self, peer: str, url: str, *, may_be_late: bool) -> Departure | None:
        """The one that a navigation comes of, if any document tells.

        Args:
            url: without a fragment.
            may_be_late: it is waited for, if the browser could be on its way back.
        """
        key = peer, url
        was_there = self._visited.pop(key, False) and peer in self._telling
        self._visited[key] = True
        _keep(self._visited, _MOST_VISITED)
        departure, until = self._departures.pop(key, (None, 0.0))
        if departure is not None and until >= time.monotonic():
            return departure
        if not (was_there and may_be_late) or key in self._awaited:
            self._miss(key)
            return None
        waiting: asyncio.Future[Departure] = asyncio.get_running_loop().create_future()
        self._awaited[key] = waiting
        try:
            await asyncio.wait([waiting], timeout=DELAY)
        finally:
            self._awaited.pop(key, None)
        if waiting.done():  # it may be by now, though the time is over
            return waiting.result()
        self._miss(key)
        return None

    def _miss(self, key: tuple[str, str]) -> None:
        self._untold[key] = time.monotonic() + LATENESS, next_time()
        _keep(self._untold, _MOST)


def _keep(entries: dict[Any, Any], most: int) -> None:
    """Forgets the oldest."""
    if len(entries) > most:
        del entries[next(iter(entries))]
