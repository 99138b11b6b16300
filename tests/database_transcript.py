"""The databases of some workers without processes, as a transcript of what they are told."""

import asyncio
from typing import Any

from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.databases import Databases, json_text

SITE = "https://site.test"
READ, WRITE = "readonly", "readwrite"


class Transcript:
    """The databases of some workers, one letter each, and what the workers are told.

    Each command returns what they were told because of it, as "a turn 1": worker, what, number, and more if there
    is more.
    """

    def __init__(self) -> None:
        self.databases = Databases(self._deliver)
        self.gone = asyncio.Event()  # processes that have ended, from now on
        self.gone.set()
        self._lines: list[str] = []
        self._workers: dict[str, ServiceWorker] = {}

    def worker(self, letter: str) -> ServiceWorker:
        """Workers with capital letters are of another origin."""
        origin = "https://other.test" if letter.isupper() else SITE
        scope = f"{origin}/{letter}/"
        made = ServiceWorker(ord(letter), f"{scope}sw.js", "classic", scope, {})
        return self._workers.setdefault(letter, made)

    def _deliver(self, worker: ServiceWorker, detail: dict[str, Any]) -> None:
        (letter,) = (letter for letter, known in self._workers.items() if known is worker)
        match detail:
            case {"type": "turn", "id": id, "checked": checked, **rest}:
                line = f"turn {id}{' checked' if checked else ''}"
            case {"type": "versionchange", "connection": number, "oldVersion": old, "newVersion": new, **rest}:
                line = f"versionchange {number} {old}->{new}"
            case {"type": "close", "connection": number, **rest}:
                line = f"close {number}"
            case {"type": type, "id": id, **rest}:
                line = f"{type} {id}"
        assert rest == {}
        self._lines.append(f"{letter} {line}")

    def told(self) -> list[str]:
        """Since the last command."""
        lines, self._lines = self._lines, []
        return lines

    def request(self, letter: str, number: int, name: str = "x") -> list[str]:
        self.databases.request(self.worker(letter), number, json_text(name))
        return self.told()

    def change_version(self, letter: str, number: int, new: int | None = 2) -> list[str]:
        self.databases.change_version(self.worker(letter), number, 1, new)
        return self.told()

    def fired(self, letter: str, connection: int) -> list[str]:
        self.databases.version_change_fired(self.worker(letter), connection)
        return self.told()

    def done(self, letter: str, number: int, *, connection: bool = False, checked: bool = False) -> list[str]:
        self.databases.done(self.worker(letter), number, connection, checked)
        return self.told()

    def open(self, letter: str, number: int, name: str = "x") -> list[str]:
        """A request that nothing is in the way of, whole: from its turn to the connection."""
        return [*self.request(letter, number, name), *self.done(letter, number, connection=True)]

    def close(self, letter: str, connection: int) -> list[str]:
        self.databases.close(self.worker(letter), connection)
        return self.told()

    def transaction(
        self, letter: str, number: int, connection: int, stores: list[int], mode: str = READ
    ) -> list[str]:
        self.databases.transaction(self.worker(letter), number, connection, stores, mode)
        return self.told()

    def finish(self, letter: str, number: int) -> list[str]:
        self.databases.finish(self.worker(letter), number)
        return self.told()

    async def end(self, letter: str) -> list[str]:
        """The process of a worker ends; it is gone at once if ``gone`` is set."""
        self.databases.worker_ended(self.worker(letter), self.gone.wait)
        return await self.soon()

    async def soon(self) -> list[str]:
        """What they are told because of what has been under way."""
        for _ in range(5):
            await asyncio.sleep(0)
        return self.told()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of any database."""
        return not self.databases._databases
