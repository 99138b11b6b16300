"""Which documents dedicated and shared workers belong to: https://html.spec.whatwg.org/#the-worker's-lifetime"""

from dataclasses import dataclass

from swproxy.errors import InvalidInput
from swproxy.service_worker.client import ClientMap, Presence, ServiceWorkerClient

# How many are remembered of a document, and how long URLs and names of shared ones may be.
_MOST = 64
_LONGEST = 8192
_THERE = (Presence.OPEN, Presence.FROZEN)


@dataclass(eq=False, slots=True)
class _Worker:
    """
    Attributes:
        key: the browser and the URL without fragment of a shared one.
        name: of a shared one, None until a document tells it.
        client: None until its script is there.
        owners: the numbers of its documents.
    """

    key: tuple[str, str] | None
    name: str | None
    client: ServiceWorkerClient | None
    owners: set[str]


class OwnedWorkers:
    """Those of all browsers.

    A browser asks for a shared worker's script once, and does not say by which name; documents say which they use, by
    URL and name, whenever they do. Either may come first. Nobody says that a worker has ended before its documents:
    of many the oldest are forgotten.
    """

    def __init__(self, clients: ClientMap) -> None:
        self._clients = clients
        self._workers: list[_Worker] = []

    def started(self, client: ServiceWorkerClient, owner: ServiceWorkerClient) -> list[ServiceWorkerClient]:
        """A worker has its script; ``owner`` seems to have asked for it, as long as none says that it uses it.

        Returns:
            those that are forgotten for it
        """
        key = (client.peer, client.url.partition("#")[0]) if client.type == "sharedworker" else None
        expected = [worker for worker in self._shared(key) if worker.client is None]
        if expected:
            expected[0].client = client
        else:
            self._workers.append(_Worker(key, None, client, {owner.id}))
        self._clients.see(client)
        own = [worker for worker in self._workers if owner.id in worker.owners]
        if len(own) > _MOST:
            own[0].owners.discard(owner.id)
        return self.settle()

    def used(self, owner: ServiceWorkerClient, url: str, name: str) -> None:
        """A document says that it uses the worker of that URL and name.

        Raises:
            InvalidInput: it says too much.
        """
        if len(url) + len(name) > _LONGEST:
            raise InvalidInput("a shared worker of a longer URL than may be")
        if not url.startswith(f"{owner.origin}/"):
            return  # that of a blob, which is no client
        key = owner.peer, url.partition("#")[0]
        shared = self._shared(key)
        for worker in shared:
            if worker.name == name:
                worker.owners.add(owner.id)
                return
        for worker in shared:
            if worker.name is None:
                worker.name, worker.owners = name, {owner.id}
                return
        if sum(owner.id in worker.owners for worker in self._workers) < _MOST:
            self._workers.append(_Worker(key, name, None, {owner.id}))

    def _shared(self, key: tuple[str, str] | None) -> list[_Worker]:
        return [worker for worker in self._workers if key is not None and worker.key == key]

    def settle(self) -> list[ServiceWorkerClient]:
        """Has each worker be as its documents are: there, in the back/forward cache, or gone.

        Returns:
            those that are not there any more
        """
        lost = []
        for worker in list(self._workers):  # those that a worker has started come after it
            owners = [owner for number in worker.owners if (owner := self._clients.get(number)) is not None]
            worker.owners = {owner.id for owner in owners if owner.presence in _THERE}
            if not worker.owners:
                self._workers.remove(worker)
            client, is_open = worker.client, any(owner.presence is Presence.OPEN for owner in owners)
            if client is None or is_open is (client.presence is Presence.OPEN):
                continue
            if is_open:
                self._clients.see(client)
                continue
            lost.append(client)
            if worker.owners:
                self._clients.freeze(client)
            else:
                self._clients.discard(client)
        return lost
