"""https://w3c.github.io/ServiceWorker/#service-worker-client-concept: the documents and workers of all browsers

The proxy sees a client when its document (or worker script) is asked for. A document with the page client then says
that it is there, and the proxy sees it close. Of others it remembers the newest ones.
"""

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from swproxy.service_worker.registration import ServiceWorkerRegistration, origin_of

_times = itertools.count(1)


def next_time() -> int:
    """Now, in the order of what clients do: after the ``created`` of all there are, before that of all to come."""
    return next(_times)


class Presence(StrEnum):
    """What the proxy knows of a client's life."""

    RESERVED = "reserved"  # its document is on the way
    OPEN = "open"  # the execution ready flag is set
    FROZEN = "frozen"  # in the back/forward cache
    UNSEEN = "unseen"  # of a browser that does not tell
    DISCARDED = "discarded"


@dataclass(eq=False, slots=True)
class ServiceWorkerClient:
    """A document or a worker of some browser.

    Attributes:
        url: the creation URL.
        current_url: where it is now (``ClientMap.moved``).
        peer: tells browsers apart.
        controller: the registration whose active worker controls it.
        is_delivered: a reserved client's document, with our script, has begun to arrive.
        last_focus: orders clients by when they had the focus; 0 for never.
        last_activity: orders clients by when they were seen to do something, as being navigated to.
    """

    url: str
    peer: str
    controller: ServiceWorkerRegistration | None
    frame_type: str = "top-level"
    type: str = "window"
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    presence: Presence = Presence.RESERVED
    is_delivered: bool = False
    focused: bool = False
    visibility_state: str = "visible"
    ancestor_origins: list[str] = field(default_factory=list)
    last_focus: int = 0
    created: int = field(default_factory=next_time)
    last_activity: int = field(default_factory=next_time)
    current_url: str = ""
    _waiting: list[Callable[[], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.current_url = self.current_url or self.url

    @property
    def origin(self) -> str:
        return origin_of(self.url)

    @property
    def uses_its_controller(self) -> bool:
        """Whether its controller has to stay for it."""
        return self.presence is Presence.OPEN or self.presence is Presence.RESERVED

    def move(self, presence: Presence) -> None:
        """Sets its presence, and tells who waited for that (``when_settled``)."""
        self.presence = presence
        if presence is not Presence.RESERVED:
            waiting, self._waiting = self._waiting, []
            for callback in waiting:
                callback()

    def when_settled(self, callback: Callable[[], object]) -> None:
        """Calls back as soon as it is execution ready, or never will be."""
        if self.presence is Presence.RESERVED:
            self._waiting.append(callback)
        else:
            callback()

    def set_focus(self, *, focused: bool) -> None:
        self.focused = focused
        if focused:
            self.last_focus = next_time()

    def be_active(self) -> None:
        """It is what its user, or its browser, is at."""
        self.last_activity = next_time()

    def describe(self) -> dict[str, Any]:
        """As web/clients/client.js takes it."""
        return {
            "id": self.id,
            "url": self.url,
            "type": self.type,
            "frameType": self.frame_type,
            "focused": self.focused,
            "visibilityState": self.visibility_state,
            "ancestorOrigins": self.ancestor_origins,
        }


class ClientMap:
    """All clients that are there, and the newest of which nobody knows.

    Args:
        capacity: how many of those are remembered.
    """

    def __init__(self, capacity: int = 1000) -> None:
        self._capacity = capacity
        self._clients: dict[str, ServiceWorkerClient] = {}
        self._by_origin: dict[str, dict[str, ServiceWorkerClient]] = {}
        self._unseen: dict[str, None] = {}

    def __iter__(self) -> Iterator[ServiceWorkerClient]:
        return iter(list(self._clients.values()))

    def add(self, client: ServiceWorkerClient) -> None:
        self._clients[client.id] = client
        self._by_origin.setdefault(client.origin, {})[client.id] = client

    def _remove(self, id: str) -> None:  # noqa: A002
        if (client := self._clients.pop(id, None)) is not None:
            same_origin = self._by_origin[client.origin]
            del same_origin[id]
            if not same_origin:
                del self._by_origin[client.origin]

    def get(self, id: str) -> ServiceWorkerClient | None:  # noqa: A002
        return self._clients.get(id)

    def lose_sight(self, client: ServiceWorkerClient) -> None:
        """Nothing will tell whether it is there: it is remembered for a while, but nobody waits for it."""
        client.move(Presence.UNSEEN)
        self._remember(client)

    def expect(self, peer: str, url: str) -> ServiceWorkerClient:
        """The document of that peer and URL that was lost sight of last, or a new one, which our script gets into."""
        client = None
        for id in reversed(self._unseen):  # noqa: A001
            lost = self._clients.get(id)
            if lost is not None and lost.presence is Presence.UNSEEN and lost.peer == peer and lost.url == url:
                client = lost
                break
        if client is None:
            client = ServiceWorkerClient(url, peer, None)
        self._unseen.pop(client.id, None)
        self.add(client)
        client.move(Presence.RESERVED)
        return client

    def _remember(self, client: ServiceWorkerClient) -> None:
        self._unseen[client.id] = None
        if len(self._unseen) > self._capacity:
            oldest = next(iter(self._unseen))
            del self._unseen[oldest]
            self._remove(oldest)

    def discard(self, client: ServiceWorkerClient) -> None:
        """It has closed."""
        self._remove(client.id)
        self._unseen.pop(client.id, None)
        client.move(Presence.DISCARDED)

    def freeze(self, client: ServiceWorkerClient) -> None:
        """It goes into the back/forward cache, from where it may never come back."""
        client.move(Presence.FROZEN)
        self._remember(client)

    def see(self, client: ServiceWorkerClient) -> None:
        """It is there."""
        self._unseen.pop(client.id, None)
        self.add(client)
        client.move(Presence.OPEN)

    def rename(self, client: ServiceWorkerClient, id: str) -> None:  # noqa: A002
        """Gives a client the number of one that is gone: it is the same one, further on."""
        if id not in self._clients:
            self._remove(client.id)
            client.id = id
            self.add(client)

    def moved(self, client: ServiceWorkerClient, url: str) -> None:
        """Its document has another URL now, by history.pushState() or the like; another origin's does not count."""
        if url.startswith(f"{client.origin}/"):
            client.current_url = url

    def find(self, peer: str, url: str) -> ServiceWorkerClient | None:
        """The client of that peer whose URL this is, as a Referer gives it; that is a sign of activity.

        Of several the most recent, where they are now before where they were created.
        """
        best: ServiceWorkerClient | None = None
        best_rank = (False, False, 0)
        for client in self._by_origin.get(origin_of(url), {}).values():
            is_there = _is_at(client.current_url, url)
            if client.peer == peer and (is_there or _is_at(client.url, url)):
                rank = (is_there, *_recency(client))
                if best is None or rank > best_rank:
                    best, best_rank = client, rank
        if best is not None:
            best.be_active()
        return best

    def most_recent(self, peer: str, origin: str, *, only_windows: bool = False) -> ServiceWorkerClient | None:
        """The client of that peer and origin that was active last; those that are surely there come first."""
        clients = [
            client
            for client in self._by_origin.get(origin, {}).values()
            if client.peer == peer and (client.type == "window" or not only_windows)
        ]
        return max(clients, key=_recency, default=None)

    def of_origin(self, origin: str) -> list[ServiceWorkerClient]:
        """Those of the origin, but for the discarded."""
        return list(self._by_origin.get(origin, {}).values())

    def using(self, registration: ServiceWorkerRegistration) -> list[ServiceWorkerClient]:
        """https://w3c.github.io/ServiceWorker/#dfn-service-worker-client-use, as far as is known."""
        return [
            client
            for client in self.of_origin(registration.origin)
            if client.controller is registration and client.uses_its_controller
        ]

    def release(self, registration: ServiceWorkerRegistration, *, everyone: bool = False) -> None:
        """The registration is gone, for all that do not use it, or for everyone."""
        for client in self.of_origin(registration.origin):
            if client.controller is registration and (everyone or not client.uses_its_controller):
                client.controller = None


def _recency(client: ServiceWorkerClient) -> tuple[bool, int]:
    """Orders clients by how likely they are to do something."""
    is_there = client.presence is Presence.OPEN or (client.presence is Presence.RESERVED and client.is_delivered)
    return is_there, client.last_activity


def _is_at(whole: str, url: str) -> bool:
    """Whether a URL is this one, but for its fragment."""
    return whole.startswith(url) and (len(whole) == len(url) or whole[len(url)] == "#")
