"""Entries that somebody has not read yet."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from swproxy.storage.bodies import BytesBody
from swproxy.storage.cache_storage import (
    INLINE_LIMIT,
    CacheStorage,
    Put,
    Query,
    RequestResponseList,
    StoredRequest,
    StoredResponse,
)
from swproxy.storage.held_entries import HeldEntries, HeldEntry, Reference

SITE = "https://a.test"
LARGE = b"x" * (INLINE_LIMIT + 1)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[CacheStorage]:
    storage = CacheStorage(tmp_path / "origin")
    yield storage
    storage.close()


@pytest.fixture
def held() -> Iterator[HeldEntries]:
    held = HeldEntries(limit=2)
    yield held
    held.close()


def stored(cache: RequestResponseList, path: str, body: bytes | None) -> Put:
    put = Put(
        StoredRequest("GET", SITE + path, [], {}),
        StoredResponse("basic", [], 200, "", []),
        None if body is None else BytesBody(body),
        0.0,
    )
    cache.put([put])
    return put


def hold(held: HeldEntries, cache: RequestResponseList, path: str) -> Reference:
    (entry,) = cache.query_cache(Query(SITE + path))
    return held.hold(cache, entry)


def content(entry: HeldEntry) -> bytes | None:
    return None if entry.body is None else entry.body.read(0, entry.entry.size)


@pytest.mark.parametrize("body", [b"small", LARGE, None], ids=["small", "large", "none"])
def test_what_is_held_outlives_its_deletion(storage: CacheStorage, held: HeldEntries, body: bytes | None) -> None:
    """Until it is released."""
    cache = storage.open("v1")
    stored(cache, "/a", body)
    reference = hold(held, cache, "/a")
    cache.delete(Query(f"{SITE}/a"))
    for _ in range(2):
        assert held.use(storage, reference, content) == body
    held.release(reference.number)
    held.release(reference.number)
    with pytest.raises(FileNotFoundError):
        held.use(storage, reference, content)


def test_the_last_are_held(storage: CacheStorage, held: HeldEntries) -> None:
    """Of the others those are found that are still there; they are closed again."""
    cache = storage.open("v1")
    references = []
    for path in ("/a", "/b", "/c", "/d"):
        stored(cache, path, LARGE)
        references.append(hold(held, cache, path))
    files = psutil.Process().num_fds()
    cache.delete(Query(f"{SITE}/b"))
    assert held.use(storage, references[0], content) == LARGE
    with pytest.raises(FileNotFoundError):
        held.use(storage, references[1], content)
    cache.delete(Query(f"{SITE}/c"))
    assert held.use(storage, references[2], content) == LARGE
    assert psutil.Process().num_fds() == files


def test_numbers_are_not_believed(storage: CacheStorage, held: HeldEntries) -> None:
    """A reference from before a restart may have the number of something else: the entry that it names counts."""
    first, second = storage.open("v1"), storage.open("v2")
    stored(first, "/a", b"first")
    stored(second, "/a", b"second")
    reference = hold(held, first, "/a")
    (entry,) = second.query_cache(None)
    other = Reference(second.id, f"{SITE}/a", entry.order, reference.number)
    assert held.use(storage, other, content) == b"second"
    for wrong in (
        Reference("0" * 16, f"{SITE}/a", entry.order, reference.number),
        Reference(second.id, f"{SITE}/b", entry.order, 0),
        Reference(second.id, f"{SITE}/a", entry.order + 1, 0),
    ):
        with pytest.raises(FileNotFoundError):
            held.use(storage, wrong, content)
