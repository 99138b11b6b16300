"""Which documents use which shared workers: https://html.spec.whatwg.org/#shared-workers-and-the-sharedworker-interface"""

from dataclasses import dataclass

from swproxy.pages.page import Page
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.service_worker.registration import origin_of

# How many a document may use, and how long their URLs and names are.
_MOST = 64
_LONGEST = 8192


@dataclass(eq=False, slots=True)
class _SharedWorker:
    """``name`` is None until a document tells it, ``client`` until the script is there."""

    name: str | None
    client: ServiceWorkerClient | None
    pages: set[Page]


class SharedWorkers:
    """Those of all browsers.

    A browser asks for a worker's script once, and does not say by which name; documents say which they use, by URL
    and name, whenever they do. Either may come first.
    """

    def __init__(self) -> None:
        self._workers: dict[tuple[str, str], list[_SharedWorker]] = {}  # by browser and URL without fragment

    def started(self, client: ServiceWorkerClient, page: Page) -> None:
        """A worker has its script; ``page`` seems to have asked for it, as long as none says that it uses it."""
        workers = self._workers.setdefault((client.peer, client.url), [])
        worker = next((each for each in workers if each.client is None), None)
        if worker is None:
            workers.append(_SharedWorker(None, client, {page}))
        else:
            worker.client = client

    def used(self, page: Page, url: str, name: str) -> None:
        """A document says that it uses the worker of that URL and name."""
        is_own = origin_of(url) == page.origin  # not one of a blob, which has no client
        if not is_own or len(url) + len(name) > _LONGEST or self._count(page) >= _MOST:
            return
        workers = self._workers.setdefault((page.client.peer, url.partition("#")[0]), [])
        worker = next((each for each in workers if each.name == name), None)
        if worker is not None:
            worker.pages.add(page)
        elif (unnamed := next((each for each in workers if each.name is None), None)) is not None:
            unnamed.name, unnamed.pages = name, {page}
        else:
            workers.append(_SharedWorker(name, None, {page}))

    def _count(self, page: Page) -> int:
        return sum(page in worker.pages for workers in self._workers.values() for worker in workers)

    def departed(self, page: Page) -> list[ServiceWorkerClient]:
        """The workers that nobody uses any more, now that this document is gone."""
        ended = []
        for key, workers in list(self._workers.items()):
            for worker in list(workers):
                worker.pages.discard(page)
                if not worker.pages:
                    workers.remove(worker)
                    if worker.client is not None:
                        ended.append(worker.client)
            if not workers:
                del self._workers[key]
        return ended
