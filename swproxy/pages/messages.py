"""postMessage() between documents and workers, and the message ports of documents."""

from collections.abc import Callable, Iterable

from swproxy.ipc.messages import PortEnd, Record
from swproxy.pages.connections import Pages
from swproxy.pages.page import BACKLOG_LIMIT, Method, Page
from swproxy.service_worker.client import ClientMap, Presence
from swproxy.service_worker.registration import ServiceWorkerRegistration, origin_of
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.descriptions import describe_worker
from swproxy.workers.messaging import Messaging
from swproxy.workers.ports import Ports, Transit


class PagePorts:
    """A document as a holder of ports (``PortHolder``); script/message_ports.js is at its other end."""

    def __init__(self, page: Page, ports: Ports) -> None:
        self._page = page
        self._ports = ports
        self.origin = page.origin

    def deliver_port_message(self, end: PortEnd, record: Record) -> bool:
        if self._page.backlog + record.size > BACKLOG_LIMIT // 2:
            return False
        self._page.tell("port_message", [end, record.text, record.ports], record.parts)
        return True

    def deliver_port_close(self, end: PortEnd) -> None:
        self._page.tell("port_close", [end])

    def deliver_port_left(self, end: PortEnd) -> None:
        """It never sends on what it has got: its scripts have ports of the browser, and it keeps their other ends."""
        self._ports.drained(self, end)


class Messages:
    """What documents say to workers, and workers to documents.

    Args:
        registrations: gives all that have workers, also those that are unregistered.
    """

    def __init__(
        self,
        registrations: Callable[[], Iterable[ServiceWorkerRegistration]],
        clients: ClientMap,
        pages: Pages,
        messaging: Messaging,
    ) -> None:
        self._registrations = registrations
        self._clients = clients
        self._pages = pages
        self._messaging = messaging
        self._ports = messaging.ports
        self._holders: dict[Page, PagePorts] = {}
        pages.departed.append(self._departed)

    def methods(self) -> dict[str, Method]:
        """What documents say."""
        functions: dict[str, Callable[..., None]] = {
            "worker_post_message": self._worker_post_message,
            "port_open": self._port_open,
            "port_message": self._port_message,
            "port_close": self._port_close,
        }
        return {name: Method(function) for name, function in functions.items()}

    def tells(self) -> dict[str, Callable[..., None]]:
        """What workers say, by the names of ``Call`` messages."""
        return {"client_post_message": self._client_post_message}

    def _holder(self, page: Page) -> PagePorts:
        return self._holders.setdefault(page, PagePorts(page, self._ports))

    def _departed(self, page: Page) -> None:
        if (holder := self._holders.pop(page, None)) is not None:
            self._ports.gone(holder)

    # From documents

    def _worker_post_message(
        self,
        page: Page,
        id: int,  # noqa: A002
        text: str,
        ports: list[PortEnd],
        parts: list[bytes],
    ) -> None:
        """https://w3c.github.io/ServiceWorker/#service-worker-postmessage-options"""
        record = Record(text, parts, ports)
        worker = self._worker(page.origin, id)
        holder = self._holder(page)
        if worker is None:
            self._ports.gone(self._ports.depart(holder, ports))
        else:
            self._messaging.post_message(holder, worker, record, client=page.client.describe())

    def _worker(self, origin: str, id: int) -> ServiceWorker | None:  # noqa: A002
        for registration in self._registrations():
            if registration.origin == origin:
                for worker in registration.workers():
                    if worker.id == id:
                        return worker
        return None

    def _port_open(self, page: Page, number: str) -> None:
        self._ports.open(self._holder(page), number)

    def _port_message(self, page: Page, end: PortEnd, text: str, ports: list[PortEnd], parts: list[bytes]) -> None:
        self._ports.message(self._holder(page), end, Record(text, parts, ports))

    def _port_close(self, page: Page, end: PortEnd) -> None:
        self._ports.close(self._holder(page), end)

    # From workers

    def _client_post_message(self, worker: ServiceWorker, id: str, message: Record) -> None:  # noqa: A002
        """https://w3c.github.io/ServiceWorker/#client-postmessage-message-options"""
        transit = self._ports.depart(self._messaging.holder(worker), message.ports)
        client = self._clients.get(id)
        if client is None or client.origin != origin_of(worker.script_url):
            self._ports.gone(transit)
        elif client.presence is Presence.RESERVED:
            client.when_settled(lambda: self._tell(client.id, worker, message, transit))
        else:
            self._tell(client.id, worker, message, transit)

    def _tell(self, id: str, worker: ServiceWorker, message: Record, transit: Transit) -> None:  # noqa: A002
        page = self._pages.get(id)
        if page is None or page.backlog + message.size > BACKLOG_LIMIT // 2:
            self._ports.gone(transit)
            return
        page.tell("message", [message.text, describe_worker(worker), message.ports], message.parts)
        self._ports.arrive(transit, self._holder(page))
