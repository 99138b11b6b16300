"""https://w3c.github.io/ServiceWorker/#on-fetch-request-algorithm, up to the decision what must happen"""

from collections.abc import Callable
from dataclasses import dataclass

from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration
from swproxy.service_worker.worker import ServiceWorker

# https://fetch.spec.whatwg.org/#non-subresource-request, by destination
_NON_SUBRESOURCE = frozenset({"document", "embed", "frame", "iframe", "object", "report", "sharedworker", "worker"})


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """What the decision needs to know of a request.

    Attributes:
        url: serialized.
        destination: https://fetch.spec.whatwg.org/#concept-request-destination
        is_navigation: its mode is "navigate".
        is_hard_reload: it was made by shift+reload or the like.
        is_import: a worker's module imports it, with the destination of the worker.
        has_metadata: the client says what kind of request it is (Sec-Fetch-*), as browsers do.
    """

    url: str
    destination: str = ""
    is_navigation: bool = False
    is_hard_reload: bool = False
    has_metadata: bool = False
    is_import: bool = False

    @property
    def is_non_subresource(self) -> bool:
        return self.is_navigation or (self.destination in _NON_SUBRESOURCE and not self.is_import)


@dataclass(frozen=True, slots=True)
class PassThrough:
    """To the network, as if there was no worker; ``soft_update`` is a registration to look after meanwhile."""

    soft_update: ServiceWorkerRegistration | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Fire a fetch event in this worker."""

    registration: ServiceWorkerRegistration
    worker: ServiceWorker
    soft_update: bool


Plan = PassThrough | Dispatch


def plan_fetch(
    target: FetchTarget,
    registrations: RegistrationMap,
    controller: ServiceWorkerRegistration | None,
    now: float,
    is_bypassed: Callable[[str], bool] = lambda _: False,
) -> Plan:
    """What must happen to a request.

    Args:
        controller: the registration that controls the request's client, for a subresource of a browser.
        now: seconds since the epoch.
        is_bypassed: whether the workers of an origin get no fetch events.
    """
    if target.destination in ("embed", "object"):
        return PassThrough()
    if target.is_non_subresource or not target.has_metadata:
        # A client that does not say what it asks for, curl, is matched like a navigation.
        if target.is_hard_reload:
            return PassThrough()
        registration = registrations.match_service_worker_registration(target.url)
    else:
        registration = controller
    if registration is None or registration.active is None:
        return PassThrough()
    worker = registration.active
    soft_update = target.is_non_subresource or registration.is_stale(now)
    has_no_listener = worker.should_skip_event("fetch") or worker.all_fetch_listeners_are_empty
    if has_no_listener or is_bypassed(registration.origin):
        return PassThrough(registration if soft_update else None)
    return Dispatch(registration, worker, soft_update)


def check_response(mode: str, redirect: str, type_: str, url_count: int) -> str | None:
    """Whether a request may get what the worker answered: the reason why not, or None.

    https://fetch.spec.whatwg.org/#concept-http-fetch, the step after Handle Fetch
    """
    if type_ == "error":
        return "the worker answered with a network error"
    if type_ == "cors" and mode == "same-origin":
        return "the worker answered a same-origin request with a response of type 'cors'"
    if type_ == "opaque" and mode != "no-cors":
        return f"the worker answered a request of mode '{mode}' with an opaque response"
    if type_ == "opaqueredirect" and redirect != "manual":
        return "the worker answered with a redirect that the request does not handle"
    if url_count > 1 and redirect != "follow":
        return "the worker answered with a redirected response, which the request does not allow"
    return None
