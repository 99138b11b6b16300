"""What origins have stored: the proxy's own use of it, for their pages, and what tidies it."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from swproxy.errors import SwproxyError
from swproxy.storage.cache_storage import CacheStorage
from swproxy.storage.held_entries import HeldEntries
from swproxy.storage.indexeddb import directory as indexeddb
from swproxy.storage.origins import directory_of
from swproxy.storage.profile import Profile

log = logging.getLogger(__name__)

# Seconds without a use by a page after which an origin's caches are closed, and those that were deleted may go.
PATIENCE = 60.0
T = TypeVar("T")


class OriginStore:
    """The caches of one origin, open, and the thread that alone may touch them."""

    def __init__(self, caches: CacheStorage) -> None:
        self.caches = caches
        self.held = HeldEntries()
        self.thread = ThreadPoolExecutor(1, "caches")
        self.uses = 0
        self.timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """For its thread."""
        self.held.close()
        self.caches.close()


class OriginStores:
    """All origins' caches as pages use them, and the sweeps of these and of the databases.

    A sweep has what an origin has stored for itself: no worker process uses it, for who starts one calls
    ``before_start`` first, and of pages nothing is done meanwhile.

    Args:
        quota: bytes, of each origin.
        is_used: whether a worker process uses what the origin has stored, or is about to.
        patience: seconds.
    """

    def __init__(
        self, profile: Profile, quota: int, is_used: Callable[[str], bool], *, patience: float = PATIENCE
    ) -> None:
        self._profile = profile
        self._quota = quota
        self._is_used = is_used
        self._patience = patience
        self._stores: dict[str, OriginStore] = {}
        self._unclean: set[str] = set()
        self._sweeps: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Waits for what is being done."""
        stores = list(self._stores.values())
        self._stores.clear()
        for store in stores:
            if store.timer is not None:
                store.timer.cancel()
            store.thread.submit(store.close)
        await asyncio.gather(*self._sweeps.values(), *(asyncio.to_thread(store.thread.shutdown) for store in stores))

    # Pages

    async def use(self, origin: str, work: Callable[[OriginStore], T]) -> T:
        """What ``work`` returns; it is called once, in the store's thread, even if nobody waits for it any more."""
        while (sweep := self._sweeps.get(origin)) is not None:
            await asyncio.shield(sweep)
        store = self._stores.get(origin)
        if store is None:
            store = self._stores[origin] = OriginStore(self._caches(origin))
        store.uses += 1
        used = asyncio.get_running_loop().run_in_executor(store.thread, work, store)
        used.add_done_callback(lambda _: self._used(origin, store))
        return await asyncio.shield(used)

    def _used(self, origin: str, store: OriginStore) -> None:
        store.uses -= 1
        self._let_go_later(origin, store)

    def _let_go_later(self, origin: str, store: OriginStore) -> None:
        if store.timer is not None:
            store.timer.cancel()
        store.timer = asyncio.get_running_loop().call_later(self._patience, self._let_go, origin, store)

    def _let_go(self, origin: str, store: OriginStore) -> None:
        if self._stores.get(origin) is not store:
            return
        if store.uses or origin in self._sweeps:
            self._let_go_later(origin, store)
            return
        del self._stores[origin]
        store.thread.submit(store.close)
        store.thread.shutdown(wait=False)
        if not self._is_used(origin):
            self._begin_sweep(origin)

    def _caches(self, origin: str) -> CacheStorage:
        databases = directory_of(self._profile.indexeddb, origin)
        return CacheStorage(
            directory_of(self._profile.caches, origin),
            self._quota,
            databases=lambda: indexeddb.usage(databases),
            logged=lambda: indexeddb.logged(databases),
        )

    # Sweeps

    def mark_unclean(self, origin: str) -> None:
        """A process that used what the origin has stored was killed: tidy that as soon as nobody uses it."""
        self._unclean.add(origin)

    async def before_start(self, origin: str, *, in_use: bool) -> None:
        """Tidies what the origin has stored, unless a process was there before and uses it; waits for that."""
        if origin not in self._sweeps and not in_use:
            self._begin_sweep(origin)
        if (sweep := self._sweeps.get(origin)) is not None:
            await asyncio.shield(sweep)

    def _begin_sweep(self, origin: str) -> None:
        thorough = origin in self._unclean
        if thorough or directory_of(self._profile.caches, origin).is_dir():
            self._sweeps[origin] = asyncio.ensure_future(self._sweep(origin, thorough=thorough))

    async def _sweep(self, origin: str, *, thorough: bool) -> None:
        """Beside the event loop, with all of the store if there is one: pages may have deleted caches open."""
        store = self._stores.get(origin)
        thread = None if store is None else store.thread
        try:
            await asyncio.get_running_loop().run_in_executor(thread, self._tidy, origin, store, thorough)
        finally:
            del self._sweeps[origin]

    def _tidy(self, origin: str, store: OriginStore | None, thorough: bool) -> None:
        caches = self._caches(origin) if store is None else store.caches
        try:
            caches.sweep(thorough=thorough)
            if thorough:
                for damage in indexeddb.sweep(directory_of(self._profile.indexeddb, origin)):
                    log.warning("%s: %s", origin, damage)
                self._unclean.discard(origin)
        except (SwproxyError, OSError) as error:
            log.warning("cannot tidy what %s has stored: %s", origin, error)  # the worker may not need it
        finally:
            if store is None:
                caches.close()
