"""https://w3c.github.io/ServiceWorker/#service-worker-registration-concept and the map of all registrations"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from swproxy.service_worker.worker import ServiceWorker

_ids = itertools.count(1)
# https://w3c.github.io/ServiceWorker/#dfn-stale, in seconds
STALE_AFTER = 86400.0


def origin_of(url: str) -> str:
    """The serialized origin of a serialized http(s) URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@dataclass(eq=False, slots=True)
class ServiceWorkerRegistration:
    """A scope and the versions of its worker.

    ``last_update_check_time`` is in seconds since the epoch, 0 before the first. Each character of
    ``navigation_preload_header_value`` is a byte. ``id`` tells a registration from others that the same scope has
    had, in this run of the proxy.
    """

    scope: str
    update_via_cache: str = "imports"
    installing: ServiceWorker | None = None
    waiting: ServiceWorker | None = None
    active: ServiceWorker | None = None
    last_update_check_time: float = 0.0
    navigation_preload_enabled: bool = False
    navigation_preload_header_value: str = "true"
    unregistered: bool = False
    id: int = field(default_factory=lambda: next(_ids))

    @property
    def origin(self) -> str:
        """Its storage key."""
        return origin_of(self.scope)

    @property
    def local_script(self) -> str | None:
        """The file that its newest worker was made from, if it was."""
        newest = self.get_newest_worker()
        return None if newest is None else newest.local_script

    def workers(self) -> Iterator[ServiceWorker]:
        """Those there are: installing, waiting, active."""
        for worker in (self.installing, self.waiting, self.active):
            if worker is not None:
                yield worker

    def get_newest_worker(self) -> ServiceWorker | None:
        """https://w3c.github.io/ServiceWorker/#get-newest-worker-algorithm"""
        return self.installing or self.waiting or self.active

    def is_stale(self, now: float) -> bool:
        """https://w3c.github.io/ServiceWorker/#dfn-stale; ``now`` in seconds since the epoch"""
        return self.last_update_check_time > 0 and now - self.last_update_check_time > STALE_AFTER


class RegistrationMap:
    """https://w3c.github.io/ServiceWorker/#dfn-scope-to-registration-map, by origin for a quick look."""

    def __init__(self) -> None:
        self._by_origin: dict[str, dict[str, ServiceWorkerRegistration]] = {}

    def __iter__(self) -> Iterator[ServiceWorkerRegistration]:
        for scopes in self._by_origin.values():
            yield from scopes.values()

    def has_origin(self, origin: str) -> bool:
        """Whether any scope is of this origin."""
        return origin in self._by_origin

    def origins(self) -> list[str]:
        return list(self._by_origin)

    def get_registration(self, scope: str) -> ServiceWorkerRegistration | None:
        """https://w3c.github.io/ServiceWorker/#get-registration-algorithm"""
        return self._by_origin.get(origin_of(scope), {}).get(scope)

    def set_registration(self, registration: ServiceWorkerRegistration) -> None:
        """https://w3c.github.io/ServiceWorker/#set-registration-algorithm"""
        self._by_origin.setdefault(registration.origin, {})[registration.scope] = registration

    def remove(self, registration: ServiceWorkerRegistration) -> None:
        """Takes the registration out, unless another one has taken its scope."""
        scopes = self._by_origin.get(registration.origin, {})
        if scopes.get(registration.scope) is registration:
            del scopes[registration.scope]
            if not scopes:
                del self._by_origin[registration.origin]

    def match_service_worker_registration(self, client_url: str) -> ServiceWorkerRegistration | None:
        """https://w3c.github.io/ServiceWorker/#scope-match-algorithm: the longest scope wins."""
        scopes = self._by_origin.get(origin_of(client_url))
        if not scopes:
            return None
        matching = [scope for scope in scopes if client_url.startswith(scope)]
        return scopes[max(matching, key=len)] if matching else None
