"""The locks that the workers of an origin share (https://w3c.github.io/web-locks/)."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from swproxy.service_worker.registration import origin_of
from swproxy.service_worker.worker import ServiceWorker


@dataclass(frozen=True, slots=True, eq=False)
class LockRequest:
    """A lock request (https://w3c.github.io/web-locks/#lock-requests), and the lock that it becomes.

    Attributes:
        client_id: says whose it is.
        id: a number that the client has chosen.
        mode: "exclusive" or "shared".
        settle: called with True when it is granted; with False when it is not available, or was given up.
        stolen: called when another request steals the lock.
    """

    client_id: str
    id: int
    name: str
    mode: str
    settle: Callable[[bool], None]
    stolen: Callable[[], None]

    def info(self) -> dict[str, str]:
        """https://w3c.github.io/web-locks/#dictdef-lockinfo"""
        return {"name": self.name, "mode": self.mode, "clientId": self.client_id}


class LockManager:
    """The lock manager of an origin (https://w3c.github.io/web-locks/#lock-managers)."""

    def __init__(self) -> None:
        self._held: list[LockRequest] = []
        self._pending: list[LockRequest] = []  # the queues of all names, in the order of arrival

    def request_a_lock(self, request: LockRequest, *, if_available: bool = False, steal: bool = False) -> None:
        """https://w3c.github.io/web-locks/#request-a-lock, the steps in the lock task queue"""
        if steal:
            for lock in [lock for lock in self._held if lock.name == request.name]:
                self._held.remove(lock)
                lock.stolen()
            self._grant(request)
        elif self._is_grantable(request, self._pending):
            self._grant(request)
        elif if_available:
            request.settle(False)
        else:
            self._pending.append(request)

    def release(self, client_id: str, id: int) -> None:  # noqa: A002
        """Releases a lock, or aborts the request for one. What was stolen is gone already."""
        self._remove([request for request in self._requests_of(client_id) if request.id == id])

    def terminate(self, client_id: str) -> None:
        """https://w3c.github.io/web-locks/#terminate-remaining-locks-and-requests"""
        self._remove(self._requests_of(client_id))

    def snapshot(self) -> dict[str, list[dict[str, str]]]:
        """https://w3c.github.io/web-locks/#snapshot-the-lock-state"""
        return {
            "held": [lock.info() for lock in self._held],
            "pending": [request.info() for request in self._pending],
        }

    def _requests_of(self, client_id: str) -> list[LockRequest]:
        return [request for request in (*self._held, *self._pending) if request.client_id == client_id]

    def _remove(self, gone: list[LockRequest]) -> None:
        for request in gone:
            if request in self._held:
                self._held.remove(request)
            else:
                self._pending.remove(request)
                request.settle(False)
        self._process({request.name for request in gone})

    def _process(self, names: set[str]) -> None:
        """https://w3c.github.io/web-locks/#process-a-lock-request-queue"""
        waiting: list[LockRequest] = []
        for request in self._pending:
            if request.name in names and self._is_grantable(request, waiting):
                self._grant(request)
            else:
                waiting.append(request)
        self._pending = waiting

    def _is_grantable(self, request: LockRequest, before: list[LockRequest]) -> bool:
        """https://w3c.github.io/web-locks/#grantable, for a request that those of its name in ``before`` precede."""
        if any(other.name == request.name for other in before):
            return False
        held = [lock for lock in self._held if lock.name == request.name]
        return not held or (request.mode == "shared" and held[0].mode == "shared")

    def _grant(self, request: LockRequest) -> None:
        self._held.append(request)
        request.settle(True)


class Locks:
    """What workers ask of the lock managers of their origins. A worker's locks end with its process.

    Args:
        deliver: tells a worker's process something of its locks.
    """

    def __init__(self, deliver: Callable[[ServiceWorker, dict[str, Any]], None]) -> None:
        self._deliver = deliver
        self._managers: defaultdict[str, LockManager] = defaultdict(LockManager)
        self._client_ids: dict[int, str] = {}  # of the workers that run

    async def request(
        self,
        worker: ServiceWorker,
        id: int,  # noqa: A002
        name: str,
        mode: str,
        if_available: bool,
        steal: bool,
    ) -> bool:
        """Whether the lock is granted, as soon as that is known."""
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def settle(value: bool) -> None:
            if not granted.done():
                granted.set_result(value)

        request = LockRequest(
            self._client_id(worker), id, name, mode, settle, lambda: self._deliver(worker, {"stolen": id})
        )
        self._manager(worker).request_a_lock(request, if_available=if_available, steal=steal)
        return await granted

    def release(self, worker: ServiceWorker, id: int) -> None:  # noqa: A002
        """Gives a lock back, or a request up."""
        self._manager(worker).release(self._client_id(worker), id)

    async def query(self, worker: ServiceWorker) -> dict[str, list[dict[str, str]]]:
        """As ``LockManager.snapshot``."""
        return self._manager(worker).snapshot()

    def worker_ended(self, worker: ServiceWorker) -> None:
        """The process of the worker is gone."""
        client_id = self._client_ids.pop(worker.id, None)
        if client_id is not None:
            self._manager(worker).terminate(client_id)

    def _manager(self, worker: ServiceWorker) -> LockManager:
        return self._managers[origin_of(worker.script_url)]

    def _client_id(self, worker: ServiceWorker) -> str:
        return self._client_ids.setdefault(worker.id, str(uuid.uuid4()))
