"""What ``swproxy status`` tells of registrations and of open pages, as JSON has it."""

from typing import Any

from swproxy.service_worker.client import ClientMap, Presence, ServiceWorkerClient
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.states import RunningStatus
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.manager import WorkerManager

_THERE = (Presence.RESERVED, Presence.OPEN, Presence.FROZEN)


def describe_registration(
    registration: ServiceWorkerRegistration, clients: ClientMap, manager: WorkerManager
) -> dict[str, Any]:
    """With ``waits_for``: why the waiting version is not the active one yet; None if none waits."""
    return {
        "scope": registration.scope,
        "update_via_cache": registration.update_via_cache,
        "local_script": registration.local_script,
        "workers": [_describe_worker(worker, manager) for worker in registration.workers()],
        "waits_for": _waits_for(registration, clients),
    }


def _describe_worker(worker: ServiceWorker, manager: WorkerManager) -> dict[str, Any]:
    process = manager.running(worker)
    return {
        "id": worker.id,
        "script": worker.script_url,
        "type": worker.type,
        "state": worker.state.value,
        "running": worker.running_status is RunningStatus.RUNNING,
        "pid": None if process is None else process.pid,
        "events": worker.pending_events,
    }


def _waits_for(registration: ServiceWorkerRegistration, clients: ClientMap) -> dict[str, Any] | None:
    """What https://w3c.github.io/ServiceWorker/#try-activate-algorithm looks at."""
    waiting, active = registration.waiting, registration.active
    if waiting is None or active is None:
        return None
    return {
        "worker": active.id,
        "clients": 0 if waiting.skip_waiting else len(clients.using(registration)),
        "events": active.pending_events,
    }


def describe_pages(clients: ClientMap) -> list[dict[str, Any]]:
    """The documents that are there, and their workers. ``scope`` and ``worker`` are of what controls one, or None."""
    there = [client for client in clients if client.presence in _THERE]
    return [_describe_page(client) for client in sorted(there, key=lambda client: (client.url, client.created))]


def _describe_page(client: ServiceWorkerClient) -> dict[str, Any]:
    registration = client.controller
    active = None if registration is None else registration.active
    return {
        "id": client.id,
        "url": client.url,
        "type": client.type,
        "frame_type": client.frame_type,
        "presence": client.presence.value,
        "focused": client.focused,
        "visibility_state": client.visibility_state,
        "scope": None if registration is None or active is None else registration.scope,
        "worker": None if active is None else active.id,
    }
