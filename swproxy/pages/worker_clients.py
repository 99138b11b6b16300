"""What workers ask about documents: https://w3c.github.io/ServiceWorker/#clients-interface, the proxy's half."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from swproxy.errors import InvalidInput, InvalidStateError, SwproxyError
from swproxy.network.cors import is_mixed_content
from swproxy.pages.connections import Pages
from swproxy.service_worker.client import ClientMap, Presence, ServiceWorkerClient
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration, origin_of
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.lifecycle_driver import LifecycleDriver

# Seconds to wait for documents that have arrived, but have no channel yet.
ARRIVAL_PATIENCE = 1.0
# Seconds in which a document that was told to go elsewhere has to be there.
NAVIGATION_PATIENCE = 30.0
# Seconds in which a browser has followed a redirect.
REDIRECT_PATIENCE = 0.2


class NotAllowed(SwproxyError):
    """The page, or its user, has not allowed it."""

    name = "InvalidAccessError"


class WorkerClients:
    """The methods of Clients and WindowClient, for all workers."""

    def __init__(
        self, registrations: RegistrationMap, clients: ClientMap, driver: LifecycleDriver, pages: Pages
    ) -> None:
        self._registrations = registrations
        self._clients = clients
        self._driver = driver
        self._pages = pages

    def methods(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """By the names of ``Call`` messages."""
        return {
            "clients_get": self._get,
            "clients_match_all": self._match_all,
            "clients_claim": self._claim,
            "clients_open_window": self._open_window,
            "client_focus": self._focus,
            "client_navigate": self._navigate,
        }

    async def _get(self, worker: ServiceWorker, id: str) -> dict[str, Any] | None:  # noqa: A002
        """https://w3c.github.io/ServiceWorker/#clients-get"""
        client = self._clients.get(id)
        if client is None or client.origin != origin_of(worker.script_url):
            return None
        await settled(client)
        # One that has had our script, and has never said anything, has closed before.
        is_there = client.presence is Presence.OPEN or (
            client.presence is Presence.UNSEEN and not client.is_delivered
        )
        return client.describe() if is_there else None

    async def _match_all(self, worker: ServiceWorker, options: dict[str, Any]) -> list[dict[str, Any]]:
        """https://w3c.github.io/ServiceWorker/#clients-matchall"""
        origin = origin_of(worker.script_url)
        await self._arrivals(origin)
        registration = self._driver.registration_of(worker)
        is_active = registration is not None and registration.active is worker
        matched = [
            client
            for client in self._clients.of_origin(origin)
            if client.presence is Presence.OPEN
            and (options.get("includeUncontrolled") or (is_active and client.controller is registration))
            and options.get("type", "window") in ("all", client.type)
        ]
        return [client.describe() for client in in_order(matched)]

    async def _arrivals(self, origin: str) -> None:
        """Waits a moment for documents that have begun to arrive: in a browser they would be there."""
        arriving = [
            settled(client)
            for client in self._clients.of_origin(origin)
            if client.presence is Presence.RESERVED and client.is_delivered
        ]
        if arriving:
            await asyncio.wait([asyncio.ensure_future(each) for each in arriving], timeout=ARRIVAL_PATIENCE)

    async def _claim(self, worker: ServiceWorker) -> None:
        """https://w3c.github.io/ServiceWorker/#clients-claim"""
        await self._arrivals(origin_of(worker.script_url))
        registration = self._driver.registration_of(worker)
        if registration is None or registration.active is not worker:
            raise InvalidStateError("Only the active worker can claim clients.")
        match = self._registrations.match_service_worker_registration
        for client in self._clients.of_origin(registration.origin):
            if client.presence is Presence.RESERVED and not client.is_delivered:
                continue
            previous = client.controller
            if previous is registration or match(client.url) is not registration:
                continue
            client.controller = registration
            self._pages.notify_controller_change(client)
            if previous is not None:
                self._driver.look_after(previous)

    async def _open_window(self, worker: ServiceWorker, url: str) -> dict[str, Any] | None:
        """https://w3c.github.io/ServiceWorker/#clients-openwindow, from a document that its user has just used."""
        origin = origin_of(worker.script_url)
        visible = (client for client in self._clients.of_origin(origin) if client.visibility_state == "visible")
        clients = in_order(client for client in visible if client.type == "window")
        for page in [page for client in clients if (page := self._pages.get(client.id)) is not None]:
            arriving = asyncio.ensure_future(self._pages.successor(page.client, url))
            try:
                if await page.use(url):
                    return await self._arrived(arriving, origin, url) if origin_of(url) == origin else None
            finally:
                arriving.cancel()
        raise NotAllowed("No window of this origin has just been used by its user.")

    async def _focus(self, worker: ServiceWorker, id: str) -> dict[str, Any]:  # noqa: A002
        """https://w3c.github.io/ServiceWorker/#windowclient-focus"""
        client, page = self._clients.get(id), self._pages.get(id)
        if client is None or client.origin != origin_of(worker.script_url):
            raise InvalidInput("The client is gone.")
        if page is None or not await page.use(None):
            raise NotAllowed("The window has not just been used by its user.")
        return client.describe()

    async def _navigate(self, worker: ServiceWorker, id: str, url: str) -> dict[str, Any] | None:  # noqa: A002
        """https://w3c.github.io/ServiceWorker/#windowclient-navigate"""
        client = self._clients.get(id)
        page = self._pages.get(id)
        if client is None or page is None or client.origin != origin_of(worker.script_url):
            raise InvalidInput("The client is gone.")
        registration: ServiceWorkerRegistration | None = client.controller
        if registration is None or registration.active is not worker:
            raise InvalidInput("The client is not controlled by this worker.")
        if not url.startswith(("https:", "http:")):
            raise InvalidInput(f"A client cannot navigate to {url}.")
        if client.frame_type == "nested" and is_mixed_content(client.origin, url):
            raise InvalidInput(f"{url} is mixed content in a frame of {client.origin}.")
        page.tell("navigate", [url])
        if url.partition("#")[0] == client.url.partition("#")[0] and "#" in url:
            return client.describe()
        return await self._arrived(self._pages.successor(client, url), client.origin, url)

    async def _arrived(
        self, successor: Awaitable[ServiceWorkerClient | None], origin: str, url: str
    ) -> dict[str, Any] | None:
        """The client when it is execution ready; None if it is of another origin."""
        try:
            async with asyncio.timeout(NAVIGATION_PATIENCE):
                arrived = await successor
                while arrived is not None and not await settled(arrived):
                    await asyncio.sleep(REDIRECT_PATIENCE)
                    arrived = self._clients.get(arrived.id)  # redirected: it goes on under the same number
        except TimeoutError:
            raise InvalidInput(f"The client did not arrive at {url}.") from None
        return arrived.describe() if arrived is not None and arrived.origin == origin else None


def in_order(clients: Iterable[ServiceWorkerClient]) -> list[ServiceWorkerClient]:
    """Windows first, those that had the focus last at the head of them; then in the order of creation."""
    return sorted(clients, key=lambda client: (client.type != "window", -client.last_focus, client.created))


async def settled(client: ServiceWorkerClient) -> bool:
    """Returns when the client is execution ready, or never will be: then False."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    client.when_settled(lambda: None if future.done() else future.set_result(None))
    await future
    return client.presence is not Presence.DISCARDED
