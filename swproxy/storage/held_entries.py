"""Entries of caches that somebody was given and has not read yet: they outlive their deletion."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from swproxy.storage.bodies import CompleteBody
from swproxy.storage.cache_storage import CacheStorage, Entry, RequestResponseList

# Each may have a file open.
LIMIT = 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reference:
    """Tells which entry is meant: ``number`` is what it is held as, the rest finds it again if it is not any more."""

    cache: str
    url: str
    order: int
    number: int


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """An entry with its body open."""

    cache: str
    entry: Entry
    body: CompleteBody | None

    def close(self) -> None:
        if self.body is not None:
            self.body.close()


class HeldEntries:
    """The last of them, for one thread; see ``Reference`` for the others."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held: OrderedDict[int, HeldEntry] = OrderedDict()

    def hold(self, cache: RequestResponseList, entry: Entry) -> Reference:
        """Holds the entry.

        Raises:
            FileNotFoundError: somebody has deleted it.
        """
        held = HeldEntry(cache.id, entry, cache.body(entry))
        number = secrets.randbits(53)
        self._held[number] = held
        if len(self._held) > self._limit:
            self._held.popitem(last=False)[1].close()
        return Reference(cache.id, entry.request.url, entry.order, number)

    def use(self, caches: CacheStorage, reference: Reference, work: Callable[[HeldEntry], T]) -> T:
        """What ``work`` makes of the entry, which is closed again if it is not held.

        Raises:
            FileNotFoundError: it is not held, and somebody has deleted it.
        """
        held = self._held.get(reference.number)
        if held is not None and (held.cache, held.entry.order) == (reference.cache, reference.order):
            return work(held)
        cache = caches.by_id(reference.cache)
        entry = None if cache is None else cache.entry(reference.url, reference.order)
        if cache is None or entry is None:
            raise FileNotFoundError(f"the entry of {reference.url}")
        found = HeldEntry(cache.id, entry, cache.body(entry))
        try:
            return work(found)
        finally:
            found.close()

    def release(self, number: int) -> None:
        """It has been read."""
        if (held := self._held.pop(number, None)) is not None:
            held.close()

    def close(self) -> None:
        for held in self._held.values():
            held.close()
        self._held.clear()
