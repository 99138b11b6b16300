"""All open documents: who is there, who controls them, and what each is told."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from swproxy.errors import InvalidInput
from swproxy.pages.departures import Departures
from swproxy.pages.hosts import told
from swproxy.pages.owned_workers import OwnedWorkers
from swproxy.pages.page import HEARTBEAT, MESSAGE_LIMIT, Method, Page
from swproxy.pages.secrets import Secret
from swproxy.service_worker.client import ClientMap, Presence, ServiceWorkerClient
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration, origin_of
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.journal import Journal
from swproxy.workers.descriptions import describe_worker

# Characters of a hello, and seconds until it has to be there.
HELLO_LIMIT = 1 << 16
HELLO_PATIENCE = 10.0
# Channels of an origin in one browser; browsers themselves stop at 255 or fewer, but several may look like one.
CHANNEL_LIMIT = 1000
# Seconds after which a document that has gone somewhere else has nothing of ours in its place.
DEPARTURE_PATIENCE = 1.0
# Seconds that a document whose script has gone out has for opening its channel.
ARRIVAL_PATIENCE = 5.0
# Seconds that it has for that if something else waits for it.
SECRET_PATIENCE = 1.0
_ID = re.compile(r"[0-9a-f]{32}")


class Hello(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The first message of a document.

    ``controller`` is the number of the worker that it takes for its controller, ``is_first`` whether it never had a
    channel.
    """

    id: str
    url: str
    controller: int | None
    is_first: bool
    frame_type: str
    focused: bool
    visibility_state: str
    ancestor_origins: list[str]


def describe(registration: ServiceWorkerRegistration) -> dict[str, Any]:
    """As script/registration.js takes it."""
    return {
        "id": registration.id,
        "scope": registration.scope,
        "updateViaCache": registration.update_via_cache,
        "installing": describe_worker(registration.installing),
        "waiting": describe_worker(registration.waiting),
        "active": describe_worker(registration.active),
    }


def controller_of(client: ServiceWorkerClient) -> ServiceWorker | None:
    """https://w3c.github.io/ServiceWorker/#dfn-control"""
    return None if client.controller is None else client.controller.active


class Pages:
    """The connected documents.

    Args:
        look_after: called with a registration that has lost a client.
        hosts: those that the proxy opens, as ``Settings.intercept``; None if it opens all.
        remove_native: documents unregister the service workers that their browser has of its own.
    """

    def __init__(
        self,
        registrations: RegistrationMap,
        clients: ClientMap,
        journal: Journal,
        look_after: Callable[[ServiceWorkerRegistration], None],
        hosts: list[str] | None,
        *,
        remove_native: bool = False,
    ) -> None:
        self._registrations = registrations
        self._clients = clients
        self._journal = journal
        self._look_after = look_after
        self._hosts = hosts
        self._for_tags = {"removeNative": True} if remove_native else {}
        self.departures = Departures()
        self._workers = OwnedWorkers(clients)
        self._pages: dict[str, Page] = {}
        self._channels: Counter[tuple[str, str]] = Counter()  # by origin and browser
        self.methods: Mapping[str, Method] = {}
        self._successors: list[tuple[ServiceWorkerClient, str, asyncio.Future[ServiceWorkerClient | None]]] = []
        self.departed: list[Callable[[Page], None]] = []  # called when a document's channel has closed

    def __iter__(self) -> Iterator[Page]:
        return iter(list(self._pages.values()))

    def get(self, client_id: str) -> Page | None:
        return self._pages.get(client_id)

    def of_origin(self, origin: str) -> list[Page]:
        return [page for page in self._pages.values() if page.origin == origin]

    def has_page(self, peer: str, origin: str) -> bool:
        """Whether a browser has a document of the origin open."""
        return any(page.client.peer == peer for page in self.of_origin(origin))

    async def secret(self, client_id: str, number: int) -> Secret | None:
        """What a document says of a request (``Secrets``); it may not have its channel yet."""
        client = self._clients.get(client_id)
        if client is None:
            return None
        arrived = asyncio.Event()
        client.when_settled(arrived.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(SECRET_PATIENCE):
                await arrived.wait()
        page = self._pages.get(client_id)
        return None if page is None else await page.secrets.take(number)

    # A document's life

    def delivered(self, client: ServiceWorkerClient) -> dict[str, Any]:
        """The document goes out now: what its tag says. It is ``expected`` when that is gone."""
        client.is_delivered = True
        return {
            "client": client.id,
            "controller": describe_worker(controller_of(client)),
            "hosts": None if self._hosts is None else told(self._hosts, client.id),
            "hasWorkers": self._registrations.has_origin(client.origin),
            **self._for_tags,
        }

    def expected(self, client: ServiceWorkerClient) -> None:
        """Our script is on its way: the channel has to open soon."""
        asyncio.get_running_loop().call_later(ARRIVAL_PATIENCE, self.lost, client)

    def worker_started(self, client: ServiceWorkerClient, owner: ServiceWorkerClient | None) -> None:
        """A worker has its script: it is there as long as the document that has asked for it, or that shares it."""
        if owner is not None and owner.presence is Presence.RESERVED:
            # It has not opened its channel yet.
            owner.when_settled(lambda: self.worker_started(client, owner))
            return
        if owner is None or owner.presence is not Presence.OPEN:
            self.lost(client)
        else:
            self._end(self._workers.started(client, owner))

    def _end(self, workers: list[ServiceWorkerClient]) -> None:
        for worker in workers:
            self._without(worker)

    def uses_shared_worker(self, page: Page, url: str, name: str) -> None:
        """What a document says, some time before or after the worker has its script, or had it for others."""
        self._workers.used(page.client, url, name)

    def lost(self, client: ServiceWorkerClient) -> None:
        """A reserved client whose document will not open a channel, as far as one can tell."""
        if client.presence is Presence.RESERVED:
            self._clients.lose_sight(client)
            self._without(client)

    def failed(self, client: ServiceWorkerClient) -> None:
        """A reserved client whose document does not come."""
        if client.presence is Presence.RESERVED:
            self._clients.discard(client)
            self._without(client)

    def _without(self, client: ServiceWorkerClient) -> None:
        if client.controller is not None:
            self._look_after(client.controller)

    async def serve_channel(self, request: web.Request, origin: str, peer: str, cookie: str) -> web.StreamResponse:
        """Serves a document's WebSocket until it closes.

        Args:
            request: of which it is known that a document of ``origin`` made it.
        """
        key = origin, peer
        if self._channels[key] >= CHANNEL_LIMIT:
            return web.Response(status=503, text=f"swproxy: {origin} has {CHANNEL_LIMIT} channels already.\n")
        self._channels[key] += 1
        try:
            return await self._serve_channel(request, origin, peer, cookie)
        finally:
            self._channels[key] -= 1
            if self._channels[key] == 0:
                del self._channels[key]

    async def _serve_channel(self, request: web.Request, origin: str, peer: str, cookie: str) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=MESSAGE_LIMIT, compress=False)
        await socket.prepare(request)
        try:
            first = await socket.receive(timeout=HELLO_PATIENCE)
        except TimeoutError:
            await socket.close(code=1008)
            return socket
        if first.type is not WSMsgType.TEXT or len(first.data) > HELLO_LIMIT:
            await socket.close()
            return socket
        try:
            hello = msgspec.json.decode(first.data, type=Hello)
            client = self._client(hello, origin, peer)
        except (InvalidInput, ValueError):
            await socket.close(code=1008)
            return socket
        page = Page(client, cookie, socket, self.methods)
        self._arrived(page, hello)
        try:
            await page.serve()
        finally:
            page.close()
            self._departed(page)
        return socket

    def _client(self, hello: Hello, origin: str, peer: str) -> ServiceWorkerClient:
        """The client that a document says it is.

        It has been reserved; or it was there before (in the back/forward cache, before the channel broke, before
        the proxy was started again); or its bytes come from the browser's own cache, with a number that is used up.
        """
        if not _ID.fullmatch(hello.id) or origin_of(hello.url) != origin:
            raise InvalidInput("a client of another origin")
        client = self._clients.get(hello.id)
        if client is not None and client.origin != origin:
            raise InvalidInput("a client of another origin")
        if client is None or client.presence is Presence.OPEN:
            known = client is not None
            client = ServiceWorkerClient(hello.url, peer, None)
            if not known:
                client.id = hello.id
            if hello.is_first or hello.controller is not None:
                client.controller = self._registrations.match_service_worker_registration(hello.url)
        if client.presence is Presence.FROZEN:
            client.be_active()  # the user has gone back to it
        if client.current_url == client.url:
            client.current_url = hello.url
        client.url = hello.url
        client.frame_type = hello.frame_type
        client.ancestor_origins = hello.ancestor_origins
        client.visibility_state = hello.visibility_state
        client.set_focus(focused=hello.focused)
        if client.controller is not None and client.controller.active is None:
            client.controller = None
        return client

    def _arrived(self, page: Page, hello: Hello) -> None:
        client = page.client
        self._pages[client.id] = page
        self._clients.see(client)
        self._end(self._workers.settle())
        controller = controller_of(client)
        known = [describe(each) for each in self._registrations if each.origin == page.origin]
        page.tell("welcome", [client.id, known])
        if (None if controller is None else controller.id) != hello.controller:
            page.tell("controller", [describe_worker(controller)])
        self._log(page, "connected")

    def _departed(self, page: Page) -> None:
        client = page.client
        is_current = self._pages.get(client.id) is page
        if is_current:
            del self._pages[client.id]
        if is_current and client.presence is Presence.OPEN:
            self._clients.discard(client)
            self._log(page, "closed")
        self._end(self._workers.settle())
        for callback in self.departed:
            callback(page)
        for predecessor, _, future in self._successors:
            if predecessor is client:
                asyncio.get_running_loop().call_later(DEPARTURE_PATIENCE, _give_up, future)
        self._without(client)

    def frozen(self, page: Page) -> None:
        """The document goes into the back/forward cache, and its channel closes."""
        self._clients.freeze(page.client)
        self._log(page, "frozen")

    def moved(self, page: Page, url: str) -> None:
        """The document has another URL, without a navigation.

        Raises:
            InvalidInput: it is too long.
        """
        if len(url) > HELLO_LIMIT:
            raise InvalidInput("a longer URL than a document may have")
        self._clients.moved(page.client, url)

    def reserved(self, client: ServiceWorkerClient) -> None:
        """A document was asked for: somebody may have sent a browser there."""
        for predecessor, url, future in self._successors:
            if not future.done() and _may_succeed(client, predecessor, url):
                future.set_result(client)
                return

    async def successor(self, client: ServiceWorkerClient, url: str) -> ServiceWorkerClient | None:
        """The document of that URL which comes next where this one is; None if none of ours comes."""
        future: asyncio.Future[ServiceWorkerClient | None] = asyncio.get_running_loop().create_future()
        self._successors.append((client, url, future))
        try:
            return await future
        finally:
            self._successors.remove((client, url, future))

    def _log(self, page: Page, event: str) -> None:
        self._journal.write("page", url=page.client.url, client=page.client.id, event=event)

    # What documents are told

    def state_changed(self, registration: ServiceWorkerRegistration, worker: ServiceWorker | None) -> None:
        """https://w3c.github.io/ServiceWorker/#update-registration-state-algorithm and #update-state-algorithm"""
        description = describe(registration)
        for page in self.of_origin(registration.origin):
            page.tell("changed", [description, describe_worker(worker)])
            self.settle_ready(page)

    def settle_ready(self, page: Page) -> None:
        """https://w3c.github.io/ServiceWorker/#navigator-service-worker-ready"""
        if not page.waits_for_ready:
            return
        registration = self._registrations.match_service_worker_registration(page.client.url)
        if registration is not None and registration.active is not None:
            for call in page.waits_for_ready:
                page.answer(call, describe(registration))
            page.waits_for_ready.clear()

    def controller_changed(self, registration: ServiceWorkerRegistration) -> None:
        """Notify Controller Change, for all clients that use the registration."""
        for client in self._clients.using(registration):
            self.notify_controller_change(client)

    def notify_controller_change(self, client: ServiceWorkerClient) -> None:
        """https://w3c.github.io/ServiceWorker/#notify-controller-change-algorithm"""
        if (page := self._pages.get(client.id)) is not None:
            page.tell("controller", [describe_worker(controller_of(client))])


def _may_succeed(client: ServiceWorkerClient, predecessor: ServiceWorkerClient, url: str) -> bool:
    """As far as one can tell from outside of the browser."""
    return client.peer == predecessor.peer and client.url.partition("#")[0] == url.partition("#")[0]


def _give_up(future: "asyncio.Future[ServiceWorkerClient | None]") -> None:
    if not future.done():
        future.set_result(None)
