"""Registrations and workers as the scripts of other realms see them."""

from typing import Any

from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.worker import ServiceWorker


def describe_worker(worker: ServiceWorker | None) -> dict[str, Any] | None:
    """As web/service_worker/service_worker.js takes it."""
    if worker is None:
        return None
    return {"id": worker.id, "scriptURL": worker.script_url, "state": worker.state.value}


def describe_registration(registration: ServiceWorkerRegistration, reader: ServiceWorker) -> dict[str, Any]:
    """As web/service_worker/service_worker_registration.js takes it, for the realm of ``reader``."""
    workers = {str(worker.id): describe_worker(worker) for worker in (reader, *registration.workers())}
    return {
        "scope": registration.scope,
        "updateViaCache": registration.update_via_cache,
        "installing": describe_worker(registration.installing),
        "waiting": describe_worker(registration.waiting),
        "active": describe_worker(registration.active),
        "workers": workers,
    }
