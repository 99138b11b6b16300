"""https://w3c.github.io/ServiceWorker/#service-worker-client-concept, as far as HTTP shows clients

The proxy sees a document when it is navigated to, and again in the Referer of what it loads. It does not see it
close; so it remembers the newest ones.
"""

import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from swproxy.service_worker.registration import ServiceWorkerRegistration, origin_of


@dataclass(eq=False, slots=True)
class ServiceWorkerClient:
    """A document (or a worker) of some browser.

    ``peer`` tells browsers apart; ``controller`` is the registration whose active worker controls it.
    """

    url: str
    peer: str
    controller: ServiceWorkerRegistration | None
    frame_type: str = "top-level"
    type: str = "window"
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    def describe(self) -> dict[str, Any]:
        """As web/clients/client.js takes it."""
        return {
            "id": self.id,
            "url": self.url,
            "type": self.type,
            "frameType": self.frame_type,
            "focused": False,
            "visibilityState": "visible",
            "ancestorOrigins": [],
        }


class ClientMap:
    """The clients that were seen lately.

    Args:
        capacity: how many are remembered.
    """

    def __init__(self, capacity: int = 1000) -> None:
        self._capacity = capacity
        self._clients: OrderedDict[str, ServiceWorkerClient] = OrderedDict()

    def __iter__(self) -> Iterator[ServiceWorkerClient]:
        return iter(self._clients.values())

    def add(self, client: ServiceWorkerClient) -> None:
        self._clients[client.id] = client
        if len(self._clients) > self._capacity:
            self._clients.popitem(last=False)

    def get(self, id: str) -> ServiceWorkerClient | None:  # noqa: A002
        return self._clients.get(id)

    def find(self, peer: str, url: str) -> ServiceWorkerClient | None:
        """The newest client of that peer whose URL this is, as a Referer gives it; failing that, of its origin."""
        of_origin = None
        origin = origin_of(url)
        for client in reversed(self._clients.values()):
            if client.peer != peer or origin_of(client.url) != origin:
                continue
            if client.url.partition("#")[0] == url:
                return client
            of_origin = of_origin or client
        return of_origin

    def claim(self, registration: ServiceWorkerRegistration, matches: Any) -> None:
        """https://w3c.github.io/ServiceWorker/#clients-claim; ``matches`` gives the registration for a URL."""
        for client in self._clients.values():
            if origin_of(client.url) == registration.origin and matches(client.url) is registration:
                client.controller = registration

    def release(self, registration: ServiceWorkerRegistration) -> None:
        """The registration is gone."""
        for client in self._clients.values():
            if client.controller is registration:
                client.controller = None
