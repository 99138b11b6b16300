"""What the lifecycle's algorithms ask of the world. The driver performs it and sends the result back."""

from dataclasses import dataclass

from swproxy.errors import ScriptError, SwproxyError
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.worker import ScriptResource, ServiceWorker


@dataclass(frozen=True, slots=True)
class FetchScript:
    """Fetch a script, or one it imports. Result: ``ScriptResponse``.

    ``referrer`` and ``cookie`` are those of the client that asks for it, if there is one; ``policies`` bind it.
    """

    registration: ServiceWorkerRegistration
    url: str
    top_level: bool
    no_cache: bool
    module: bool
    local_script: str | None = None
    referrer: str = ""
    cookie: str = ""
    policies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptResponse:
    """What came of it; ``error`` if it is a network error or not usable as a script.

    ``time`` is when, in seconds since the epoch. ``policies`` are the fields of its header that bind a worker.
    """

    time: float
    resource: ScriptResource | None = None
    mime_type: str = ""
    service_worker_allowed: str | None = None
    policies: tuple[tuple[str, str], ...] = ()
    error: SwproxyError | None = None


@dataclass(frozen=True, slots=True)
class RunServiceWorker:
    """https://w3c.github.io/ServiceWorker/#run-service-worker-algorithm. Result: ``ScriptError``, None if it runs."""

    worker: ServiceWorker


@dataclass(frozen=True, slots=True)
class DispatchLifecycleEvent:
    """Fire "install" or "activate" and wait until the event is not active.

    Result: None, or the ``SwproxyError`` with which it failed: rejected, timed out, the process died.
    """

    worker: ServiceWorker
    type: str


@dataclass(frozen=True, slots=True)
class TerminateServiceWorker:
    """https://w3c.github.io/ServiceWorker/#terminate-service-worker-algorithm. No result."""

    worker: ServiceWorker


@dataclass(frozen=True, slots=True)
class HasClients:
    """Whether any service worker client is using the registration. Result: bool."""

    registration: ServiceWorkerRegistration


@dataclass(frozen=True, slots=True)
class Store:
    """Write the registration, as it is now, to disk. Result: None, or the ``SwproxyError`` that it failed with."""

    registration: ServiceWorkerRegistration


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove the registration from disk. No result."""

    registration: ServiceWorkerRegistration


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The registration's workers, or the state of one, have changed: tell those who watch. No result."""

    registration: ServiceWorkerRegistration
    worker: ServiceWorker | None = None


@dataclass(frozen=True, slots=True)
class ControllerChange:
    """The clients that use the registration have a new active worker. No result."""

    registration: ServiceWorkerRegistration


Effect = (
    FetchScript
    | RunServiceWorker
    | DispatchLifecycleEvent
    | TerminateServiceWorker
    | HasClients
    | Store
    | Forget
    | StateChanged
    | ControllerChange
)

RunResult = ScriptError | None
