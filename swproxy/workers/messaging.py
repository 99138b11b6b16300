"""postMessage() to workers, and the message ports of workers (https://html.spec.whatwg.org/#web-messaging)."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from swproxy.errors import SwproxyError, WorkerGone
from swproxy.ipc import messages
from swproxy.ipc.messages import PortEnd, Record
from swproxy.service_worker.registration import ServiceWorkerRegistration, origin_of
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.descriptions import describe_worker
from swproxy.workers.manager import WorkerManager
from swproxy.workers.ports import WAITING_LIMIT, PortHolder, Ports, Transit
from swproxy.workers.process import WorkerProcess

log = logging.getLogger(__name__)


class WorkerPorts:
    """The process of a worker as a holder of ports (``PortHolder``), to which web/messaging/endpoint.js belongs."""

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self.origin = origin_of(process.worker.script_url)

    def deliver_port_message(self, end: PortEnd, record: Record) -> bool:
        if self._process.backlog + record.size > WAITING_LIMIT:
            return False
        self._deliver(end, "message", message=record)
        return True

    def deliver_port_close(self, end: PortEnd) -> None:
        self._deliver(end, "close")

    def deliver_port_left(self, end: PortEnd) -> None:
        self._deliver(end, "left")

    def _deliver(self, end: PortEnd, what: str, **detail: Any) -> None:
        self._process.send(messages.Deliver("ports", {"end": end, "what": what, **detail}))


@dataclass(frozen=True, slots=True)
class _Message:
    """One on its way to a worker: the detail of its event, and the ports in it."""

    detail: dict[str, Any]
    transit: Transit


@dataclass(slots=True)
class _Waiting:
    """What waits for a worker that is being started; ``size`` is in bytes."""

    messages: list[_Message] = field(default_factory=list)
    size: int = 0


class Messaging:
    """What workers send, and what is sent to them.

    Args:
        manager: of the workers.
        registrations: gives all that have workers.
    """

    def __init__(
        self, manager: WorkerManager, registrations: Callable[[], Iterable[ServiceWorkerRegistration]]
    ) -> None:
        self.ports = Ports()
        self._manager = manager
        self._registrations = registrations
        self._holders: dict[int, WorkerPorts] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def tells(self) -> dict[str, Callable[..., None]]:
        """What workers say, by the names of ``Call`` messages."""
        return {
            "worker_post_message": self._worker_post_message,
            "port_open": self._port_open,
            "port_message": self._port_message,
            "port_bounce": self._port_bounce,
            "port_drained": self._port_drained,
            "port_close": self._port_close,
        }

    def holder(self, worker: ServiceWorker) -> PortHolder:
        """Has the ports of a worker that runs, as long as this process of it does."""
        if (holder := self._holders.get(worker.id)) is None:
            process = self._manager.process_of(worker)
            assert process is not None
            holder = self._holders[worker.id] = WorkerPorts(process)
        return holder

    def worker_ended(self, worker: ServiceWorker) -> None:
        """The process of the worker is gone."""
        if (holder := self._holders.pop(worker.id, None)) is not None:
            self.ports.gone(holder)

    # Messages to workers

    def post_message(
        self, sender: PortHolder, worker: ServiceWorker, record: Record, *, source: Any = None, client: Any = None
    ) -> None:
        """https://w3c.github.io/ServiceWorker/#service-worker-postmessage-options, the steps in parallel

        The events of a worker come in the order of these calls.

        Args:
            source: describes the worker that sends it.
            client: describes the client that sends it.
        """
        transit = self.ports.depart(sender, record.ports)
        message = _Message({"message": record, "source": source, "client": client}, transit)
        waiting = self._waiting.get(worker.id)
        process = self._manager.running(worker)
        backlog = (process.backlog if process is not None else 0) + (waiting.size if waiting is not None else 0)
        if worker.should_skip_event("message"):
            self.ports.gone(transit)
        elif backlog + record.size > WAITING_LIMIT:
            log.warning("%s: a message is lost, because the worker does not read", worker.scope)
            self.ports.gone(transit)
        elif waiting is not None:
            waiting.messages.append(message)
            waiting.size += record.size
        elif process is not None:
            self._dispatch(process, message)
        else:
            self._waiting[worker.id] = _Waiting([message], record.size)
            task = asyncio.ensure_future(self._start(worker, self._manager.expect_event(worker)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _start(self, worker: ServiceWorker, have_come: Callable[[], None]) -> None:
        process: WorkerProcess | None = None
        try:
            process = await self._manager.running_process(worker)
        except SwproxyError as error:
            log.info("%s: messages are lost, because the worker does not start: %s", worker.scope, error)
        finally:
            for message in self._waiting.pop(worker.id).messages:
                if process is None:
                    self.ports.gone(message.transit)
                else:
                    self._dispatch(process, message)
            have_come()

    def _dispatch(self, process: WorkerProcess, message: _Message) -> None:
        try:
            process.dispatch_event("message", message.detail)
        except WorkerGone:
            self.ports.gone(message.transit)
        else:
            self.ports.arrive(message.transit, self.holder(process.worker))

    # What workers say

    def _worker_post_message(self, worker: ServiceWorker, number: int, message: Record) -> None:
        origin = origin_of(worker.script_url)
        others = (other for each in self._registrations() if each.origin == origin for other in each.workers())
        target = next((other for other in (worker, *others) if other.id == number), None)
        holder = self.holder(worker)
        if target is None:
            self.ports.gone(self.ports.depart(holder, message.ports))
        else:
            self.post_message(holder, target, message, source=describe_worker(worker))

    def _port_open(self, worker: ServiceWorker, number: str) -> None:
        self.ports.open(self.holder(worker), number)

    def _port_message(self, worker: ServiceWorker, number: str, side: int, message: Record) -> None:
        self.ports.message(self.holder(worker), (number, side), message)

    def _port_bounce(self, worker: ServiceWorker, number: str, side: int, message: Record) -> None:
        self.ports.bounce(self.holder(worker), (number, side), message)

    def _port_drained(self, worker: ServiceWorker, number: str, side: int) -> None:
        self.ports.drained(self.holder(worker), (number, side))

    def _port_close(self, worker: ServiceWorker, number: str, side: int) -> None:
        self.ports.close(self.holder(worker), (number, side))
