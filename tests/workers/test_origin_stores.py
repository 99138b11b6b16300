"""What origins have stored: used for pages, and tidied."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from waiting import soon

from swproxy.storage.origins import directory_of
from swproxy.storage.profile import Profile
from swproxy.workers.origin_stores import OriginStore, OriginStores

SITE = "https://a.test"


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / "profile")
    profile.prepare()
    return profile


@pytest.fixture
async def stores(profile: Profile) -> AsyncIterator[OriginStores]:
    stores = OriginStores(profile, 1 << 30, lambda _: False)
    yield stores
    await stores.close()


async def test_one_after_the_other(stores: OriginStores) -> None:
    """In a thread of the origin's own; another origin does not wait for that."""
    may_go, order = threading.Event(), []

    def slow(store: OriginStore) -> None:
        assert may_go.wait(10)
        order.append(threading.get_ident())

    def quick(store: OriginStore) -> None:
        order.append(threading.get_ident())

    using = [asyncio.ensure_future(stores.use(SITE, work)) for work in (slow, quick)]
    await stores.use("https://b.test", quick)
    may_go.set()
    await asyncio.gather(*using)
    other, first, second = order
    assert first == second != other


async def test_it_is_done_though_nobody_waits(stores: OriginStores) -> None:
    """Who has begun it may have gone away."""
    began, may_go, done = threading.Event(), threading.Event(), threading.Event()

    def first(store: OriginStore) -> None:
        began.set()
        assert may_go.wait(10)

    using = [
        asyncio.ensure_future(stores.use(SITE, first)),
        asyncio.ensure_future(stores.use(SITE, lambda store: done.set())),
    ]
    await soon(began.is_set)
    for each in using:
        each.cancel()
    may_go.set()
    await soon(done.is_set)


async def test_failures_are_the_callers(stores: OriginStores) -> None:
    """The next one goes on."""

    def fail(store: OriginStore) -> None:
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        await stores.use(SITE, fail)
    assert await stores.use(SITE, lambda store: store.caches.keys()) == []


async def test_sweeps_come_between(stores: OriginStores) -> None:
    """Each has the store for itself: what is asked for meanwhile is done after it, however many wait."""
    await stores.use(SITE, lambda store: store.caches.open("v1"))
    running, most = 0, 0
    lock = threading.Lock()

    def work(store: OriginStore) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        store.caches.open("v1")
        with lock:
            running -= 1

    for _ in range(20):
        stores.mark_unclean(SITE)
        await asyncio.gather(stores.before_start(SITE, in_use=False), *(stores.use(SITE, work) for _ in range(5)))
    assert most == 1
    assert await stores.use(SITE, lambda store: store.caches.keys()) == ["v1"]


async def test_what_is_not_used_is_closed(profile: Profile) -> None:
    """After a while; it opens again. Nothing is swept while a process uses it."""
    used = True
    stores = OriginStores(profile, 1 << 30, lambda _: used, patience=0.01)
    directory = directory_of(profile.caches, SITE)

    def make(store: OriginStore) -> OriginStore:
        store.caches.open("v1")
        store.caches.delete("v1")
        return store

    first = await stores.use(SITE, make)
    await soon(lambda: SITE not in stores._stores)
    assert len(list(directory.iterdir())) == 2
    used = False
    assert await stores.use(SITE, make) is not first
    await soon(lambda: len(list(directory.iterdir())) == 1)
    await stores.close()


async def test_no_sweep_where_nothing_is_stored(stores: OriginStores, profile: Profile) -> None:
    """A worker that keeps nothing starts at once."""
    await stores.before_start(SITE, in_use=False)
    assert stores._sweeps == {}
    assert list(profile.caches.iterdir()) == []
