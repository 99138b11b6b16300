"""The Cache API on disk."""

import os
import sqlite3
import time
import traceback
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disks import fill

from swproxy.errors import InvalidStateError, ProfileError, QuotaExceededError
from swproxy.storage.bodies import BytesBody, CompleteBody, FileBody, SavedFile
from swproxy.storage.cache_storage import (
    INLINE_LIMIT,
    CacheStorage,
    Entry,
    Header,
    Put,
    Query,
    RequestResponseList,
    StoredRequest,
    StoredResponse,
)
from swproxy.storage.origins import directory_of, origins_in

SITE = "https://a.test"
LARGE = bytes(range(256)) * (INLINE_LIMIT // 256 + 1)


def put(
    path: str,
    body: bytes | CompleteBody | SavedFile | None = b"x",
    *,
    method: str = "GET",
    request_headers: list[Header] | None = None,
    **response_headers: str,
) -> Put:
    """An operation; ``response_headers`` with underscores for hyphens."""
    headers = [(name.replace("_", "-"), value) for name, value in response_headers.items()]
    return Put(
        StoredRequest(method, SITE + path, request_headers or [], {"mode": "cors"}),
        StoredResponse("basic", [SITE + path], 200, "OK", headers),
        BytesBody(body) if isinstance(body, bytes) else body,
        1000.0,
    )


def query(path: str, **options: Any) -> Query:
    return Query(SITE + path, **options)


def paths(entries: list[Entry]) -> list[str]:
    return [entry.request.url.removeprefix(SITE) for entry in entries]


def content(cache: RequestResponseList, entry: Entry) -> bytes | None:
    body = cache.body(entry)
    if body is None:
        return None
    try:
        return body.read(0, body.size)
    finally:
        body.close()


def only(cache: RequestResponseList, path: str, **options: Any) -> bytes | None:
    """The body of the one entry that matches."""
    (entry,) = cache.query_cache(query(path, **options))
    return content(cache, entry)


def files(directory: Path) -> list[Path]:
    """The body files below a directory."""
    return sorted(directory.rglob("*.val"))


@pytest.fixture
def storage(tmp_path: Path) -> CacheStorage:
    return CacheStorage(tmp_path / "origin")


@pytest.fixture
def cache(storage: CacheStorage) -> RequestResponseList:
    return storage.open("v1")


# One cache


def test_an_entry_comes_back_whole(cache: RequestResponseList) -> None:
    """Request, response and body are what was put; a null body stays one, an empty body too."""
    cache.put([put("/a", b"body", request_headers=[("x-a", "1")], content_type="text/plain")])
    cache.put([put("/null", None), put("/empty", b"")])
    (entry,) = cache.query_cache(query("/a"))
    assert entry.request == StoredRequest("GET", f"{SITE}/a", [("x-a", "1")], {"mode": "cors"})
    assert entry.response == StoredResponse("basic", [f"{SITE}/a"], 200, "OK", [("content-type", "text/plain")])
    assert (entry.size, entry.time, content(cache, entry)) == (4, 1000.0, b"body")
    assert only(cache, "/null") is None
    assert only(cache, "/empty") == b""


def test_entries_keep_the_order_of_insertion(cache: RequestResponseList) -> None:
    """Not that of their URLs; one that is put again goes to the end."""
    for path in ("/c", "/a", "/b"):
        cache.put([put(path)])
    cache.put([put("/d"), put("/0")])
    assert paths(cache.query_cache(None)) == ["/c", "/a", "/b", "/d", "/0"]
    cache.put([put("/a", b"again")])
    assert paths(cache.query_cache(None)) == ["/c", "/b", "/d", "/0", "/a"]
    assert only(cache, "/a") == b"again"


MATCHES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("the URL", "/a", {}, ["/a"]),
    ("its query counts", "/a?x=1", {}, ["/a?x=1"]),
    ("the fragment does not", "/a#f", {}, ["/a"]),
    ("no prefix", "/", {}, []),
    ("ignoreSearch", "/a?y", {"ignore_search": True}, ["/a", "/a?x=1", "/a?x=2"]),
    ("ignoreSearch takes the path whole", "/aa", {"ignore_search": True}, ["/aa?x=1"]),
    ("a HEAD", "/a", {"method": "HEAD"}, ["/a"]),
]


@pytest.mark.parametrize(
    ("path", "options", "found"), [row[1:] for row in MATCHES], ids=[row[0].replace(" ", "-") for row in MATCHES]
)
def test_which_urls_match(cache: RequestResponseList, path: str, options: dict[str, Any], found: list[str]) -> None:
    """Request Matches Cached Item compares URLs without fragments, and without queries if told so."""
    cache.put([put(each) for each in ("/b", "/a", "/a?x=1", "/a?x=2", "/aa?x=1")])
    assert paths(cache.query_cache(query(path, **options))) == found
    assert paths(cache.query_cache(query(path, **options), first=True)) == found[:1]


def test_only_get_requests_match_unless_the_method_is_ignored(cache: RequestResponseList) -> None:
    """An entry whose request is no GET, which scripts cannot put, is found with ignoreMethod alone."""
    cache.put([put("/a", method="POST")])
    assert cache.query_cache(query("/a")) == []
    assert paths(cache.query_cache(query("/a", ignore_method=True))) == ["/a"]


VARY: list[tuple[str, str, list[Header], list[Header], bool]] = [
    ("same value", "X-A", [("x-a", "1")], [("X-A", "1")], True),
    ("other value", "X-A", [("x-a", "1")], [("x-a", "2")], False),
    ("absent from both", "X-A", [], [], True),
    ("absent from one", "X-A", [("x-a", "1")], [], False),
    ("combined values", "X-A", [("x-a", "1, 2")], [("x-a", "1"), ("x-a", "2")], True),
    ("one of several", "Accept, X-A", [("x-a", "1")], [("x-a", "2")], False),
    ("not named", "Accept", [("x-a", "1")], [("x-a", "2")], True),
    ("star", "*", [], [], False),
    ("star among others", "Accept, *", [], [], False),
]


@pytest.mark.parametrize(
    ("vary", "stored", "asked", "matches"), [row[1:] for row in VARY], ids=[row[0].replace(" ", "-") for row in VARY]
)
def test_vary(
    cache: RequestResponseList, vary: str, stored: list[Header], asked: list[Header], matches: bool
) -> None:
    """The request headers that the response varies by must agree, unless Vary is ignored."""
    cache.put([put("/a", request_headers=stored, Vary=vary)])
    assert bool(cache.query_cache(query("/a", headers=asked))) is matches
    assert len(cache.query_cache(query("/a", headers=asked, ignore_vary=True))) == 1


def test_variants_of_a_url_live_side_by_side(cache: RequestResponseList) -> None:
    """A put replaces the variant that it matches, a delete removes only that."""
    english, german = [("accept-language", "en")], [("accept-language", "de")]
    cache.put([put("/a", b"hello", request_headers=english, vary="Accept-Language")])
    cache.put([put("/a", b"hallo", request_headers=german, vary="Accept-Language")])
    cache.put([put("/a", b"hello!", request_headers=english, vary="Accept-Language")])
    assert only(cache, "/a", headers=english) == b"hello!"
    assert only(cache, "/a", headers=german) == b"hallo"
    assert cache.delete(query("/a", headers=english))
    assert not cache.delete(query("/a", headers=english))
    assert [content(cache, entry) for entry in cache.query_cache(None)] == [b"hallo"]


def test_delete(cache: RequestResponseList) -> None:
    """It says whether there was something; with ignoreSearch all queries of a path go."""
    cache.put([put(path) for path in ("/a", "/a?1", "/a?2", "/b")])
    assert not cache.delete(query("/c"))
    assert cache.delete(query("/a"))
    assert cache.delete(query("/a?3", ignore_search=True))
    assert paths(cache.query_cache(None)) == ["/b"]


@pytest.mark.parametrize("size", [INLINE_LIMIT, INLINE_LIMIT + 1], ids=["in-the-row", "in-a-file"])
def test_where_bodies_are(cache: RequestResponseList, tmp_path: Path, size: int) -> None:
    """Small ones are part of the entry, large ones are files; both are read in parts."""
    data = LARGE[:size]
    cache.put([put("/a", data)])
    assert len(files(tmp_path)) == (size > INLINE_LIMIT)
    (entry,) = cache.query_cache(query("/a"))
    body = cache.body(entry)
    assert body is not None
    assert body.size == size
    assert (body.read(0, 10), body.read(size - 3, 100), body.read(size, 1)) == (data[:10], data[-3:], b"")
    body.close()


@pytest.mark.parametrize("size", [10, INLINE_LIMIT + 1], ids=["small", "large"])
def test_a_saved_file_is_linked_not_moved(cache: RequestResponseList, tmp_path: Path, size: int) -> None:
    """What the proxy has saved becomes the body; its own name may be removed then."""
    path = tmp_path / "saved"
    path.write_bytes(LARGE[:size])
    saved = SavedFile(str(path), size)
    cache.put([put("/a", saved)])
    saved.remove()
    assert only(cache, "/a") == LARGE[:size]


def test_the_file_of_a_replaced_body_disappears(cache: RequestResponseList, tmp_path: Path) -> None:
    """Of a deleted one, too; who has it open reads on."""
    cache.put([put("/a", LARGE), put("/b", LARGE)])
    (entry,) = cache.query_cache(query("/a"))
    held = cache.body(entry)
    before = files(tmp_path)
    cache.put([put("/a", LARGE + b"new")])
    assert len(files(tmp_path)) == 2
    assert len(set(files(tmp_path)) & set(before)) == 1
    cache.delete(query("/a"))
    cache.delete(query("/b"))
    assert files(tmp_path) == []
    assert isinstance(held, FileBody)
    assert held.read(0, held.size) == LARGE
    held.close()
    with pytest.raises(FileNotFoundError):
        cache.body(entry)


# All or nothing


@pytest.mark.parametrize(
    ("second", "refused"),
    [
        (put("/a"), True),
        (put("/a#fragment"), True),
        (put("/a?q"), False),
        (put("/a", vary="X-A"), True),
        (put("/a", request_headers=[("x-a", "1")]), False),
    ],
    ids=["same", "fragment", "query", "varies-by-what-neither-has", "variant"],
)
def test_a_batch_with_a_request_twice(cache: RequestResponseList, second: Put, refused: bool) -> None:
    """InvalidStateError, and nothing of the batch is stored; variants are not the same request."""
    batch = [put("/first"), put("/a", vary="X-A"), second]
    if refused:
        with pytest.raises(InvalidStateError, match=f"{SITE}/a"):
            cache.put(batch)
        assert cache.query_cache(None) == []
    else:
        cache.put(batch)
        assert len(cache.query_cache(None)) == 3


class BrokenBody(BytesBody):
    """A body that cannot be read."""

    def read(self, offset: int, size: int) -> bytes:
        raise OSError("the disk is on fire")


def test_a_batch_that_fails_leaves_nothing(cache: RequestResponseList, tmp_path: Path) -> None:
    """The body that cannot be written is the last: neither entries nor files of the others stay."""
    cache.put([put("/a", LARGE)])
    before = files(tmp_path)
    with pytest.raises(OSError, match="on fire"):
        cache.put([put("/a", b"new"), put("/b", LARGE), put("/c", BrokenBody(LARGE))])
    assert paths(cache.query_cache(None)) == ["/a"]
    assert only(cache, "/a") == LARGE
    assert files(tmp_path) == before


def test_a_full_disk(small_disk: Path) -> None:
    """QuotaExceededError; what was there stays, and there is room again afterwards."""
    storage = CacheStorage(small_disk / "origin")
    cache = storage.open("v1")
    cache.put([put("/kept", LARGE)])
    before = files(small_disk)
    with pytest.raises(QuotaExceededError, match="full"):
        cache.put([put("/b", LARGE), put("/c", b"x" * (1 << 20))])
    assert paths(cache.query_cache(None)) == ["/kept"]
    assert only(cache, "/kept") == LARGE
    assert files(small_disk) == before
    cache.put([put("/b", LARGE)])
    storage.close()


def test_a_disk_that_is_full_already(small_disk: Path) -> None:
    """Neither a cache nor an entry can be made; reading and deleting go on."""
    storage = CacheStorage(small_disk / "origin")
    cache = storage.open("v1")
    cache.put([put("/kept", LARGE)])
    fill(small_disk)
    with pytest.raises(QuotaExceededError):
        cache.put([put(f"/{number}", LARGE[:INLINE_LIMIT]) for number in range(10)])
    with pytest.raises(QuotaExceededError):
        storage.open("v2")
    assert storage.keys() == ["v1"]
    assert only(cache, "/kept") == LARGE
    storage.close()


@pytest.mark.parametrize("size", [1000, INLINE_LIMIT + 1], ids=["in-rows", "in-files"])
def test_some_of_the_disk_stays_free(small_disk: Path, size: int) -> None:
    """A script cannot fill it so far that what is there cannot be read, or deleted, after a crash."""
    directory = small_disk / "origin"
    storage = CacheStorage(directory)
    cache = storage.open("v1")

    def store() -> None:
        for number in range(10_000):
            storage.require(size)
            cache.put([put(f"/{number}", b"x" * size)])

    with pytest.raises(QuotaExceededError, match=r"^The disk is full: free some space\.$"):
        store()
    with pytest.raises(QuotaExceededError, match="free some space"):
        storage.open("v2")
    assert storage.open("v1") is cache
    pid = os.fork()
    if pid == 0:  # a process that did not close what it had open
        os._exit(_reads_and_deletes(directory))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    storage.close()


def _reads_and_deletes(directory: Path) -> int:
    try:
        again = CacheStorage(directory)
        cache = again.get("v1")
        assert cache is not None
        assert content(cache, cache.query_cache(query("/0"))[0])
        assert cache.delete(query("/0"))
        assert again.delete("v1")
        again.sweep(thorough=True)
        again.close()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def test_what_is_on_the_disk_already_needs_no_room(small_disk: Path) -> None:
    """A saved file becomes a body by its name; of the quota it takes its part."""
    storage = CacheStorage(small_disk / "origin", quota=1 << 30)
    storage.open("v1")
    with pytest.raises(QuotaExceededError, match="disk is full"):
        storage.require(1 << 20)
    storage.require(1 << 20, saved=1 << 20)
    with pytest.raises(QuotaExceededError, match="quota"):
        storage.require(1 << 30, saved=1 << 30)


# The caches of an origin


def test_caches_keep_the_order_of_creation(storage: CacheStorage) -> None:
    """Not that of their names; one that is deleted and made again is the last, and empty."""
    for name in ("z", "a", "", "ž 🂡"):
        storage.open(name).put([put("/x")])
    assert storage.keys() == ["z", "a", "", "ž 🂡"]
    assert storage.open("a") is storage.open("a")
    assert storage.delete("z")
    assert not storage.delete("z")
    assert storage.open("z").query_cache(None) == []
    assert [name for name, _ in storage.all()] == ["a", "", "ž 🂡", "z"]


def test_asking_makes_nothing(tmp_path: Path, storage: CacheStorage) -> None:
    """Only ``open`` touches the disk."""
    assert storage.keys() == []
    assert not storage.has("a")
    assert storage.get("a") is None
    assert not storage.delete("a")
    assert storage.usage() == 0
    storage.sweep(thorough=True)
    assert list(tmp_path.iterdir()) == []


def test_names_are_any_string(storage: CacheStorage) -> None:
    """Lone surrogates are kept as they are and mean no other cache; names look like no path."""
    names = ["\ud800", "\udfff", "\ufffd", "\U00010000", "../../up", "a/b", "\0", "order"]
    for name in names:
        storage.open(name).put([put("/x", name.encode("utf-8", "surrogatepass"))])
    assert storage.keys() == names
    for name in names:
        cache = storage.get(name)
        assert cache is not None
        assert only(cache, "/x") == name.encode("utf-8", "surrogatepass")
    assert storage.delete("\ud800")
    assert storage.keys() == names[1:]


def test_two_processes_see_each_other(tmp_path: Path) -> None:
    """Caches that another one has made, deleted or filled are seen at once."""
    one, two = CacheStorage(tmp_path / "origin"), CacheStorage(tmp_path / "origin")
    one.open("a").put([put("/x", b"1")])
    assert two.keys() == ["a"]
    assert only(two.open("a"), "/x") == b"1"
    two.open("b")
    two.delete("a")
    assert one.keys() == ["b"]
    assert one.get("a") is None
    assert one.open("a").query_cache(None) == []


def test_a_deleted_cache_is_usable_while_open(storage: CacheStorage, tmp_path: Path) -> None:
    """Who has it goes on with it, as the specification demands; its files go with the next sweep."""
    cache = storage.open("v1")
    cache.put([put("/a", LARGE)])
    storage.delete("v1")
    cache.put([put("/b", LARGE)])
    assert only(cache, "/a") == LARGE
    assert paths(cache.query_cache(None)) == ["/a", "/b"]
    fresh = storage.open("v1")
    assert fresh.query_cache(None) == []
    storage.close()
    again = CacheStorage(tmp_path / "origin")
    again.sweep(thorough=False)
    assert files(tmp_path) == []
    assert again.keys() == ["v1"]
    assert len(list((tmp_path / "origin").iterdir())) == 2  # the index and the new cache


def test_caches_by_id(storage: CacheStorage, tmp_path: Path) -> None:
    """A cache keeps its id when it is deleted, until its files are gone; one that is open stays."""
    cache = storage.open("v1")
    cache.put([put("/a", LARGE)])
    other = CacheStorage(tmp_path / "origin")
    assert storage.delete("v1")
    found = other.by_id(cache.id)
    assert found is not None
    assert only(found, "/a") == LARGE
    other.sweep(thorough=True)
    assert other.by_id(cache.id) is found
    other.close()
    other.sweep(thorough=False)
    assert other.by_id(cache.id) is None
    for id in ("", "..", "index", "../origin", "0" * 16):  # noqa: A001
        assert other.by_id(id) is None


def test_entries_by_number(storage: CacheStorage) -> None:
    """One that was replaced is not there any more, though there is another one for the same request."""
    cache = storage.open("v1")
    cache.put([put("/a", b"1")])
    (entry,) = cache.query_cache(query("/a"))
    assert cache.entry(f"{SITE}/a#fragment", entry.order) == entry
    assert cache.entry(f"{SITE}/b", entry.order) is None
    cache.put([put("/a", b"2")])
    assert cache.entry(f"{SITE}/a", entry.order) is None


def test_sweep_after_a_crash(storage: CacheStorage, tmp_path: Path) -> None:
    """Bodies that never became part of an entry go, and files that never became a body; entries stay."""
    cache = storage.open("v1")
    cache.put([put("/a", LARGE)])
    kept = files(tmp_path)
    cache._write_body(put("/b", LARGE), [])
    (kept[0].parent / "half-written.val").write_bytes(b"half")
    storage.close()
    again = CacheStorage(tmp_path / "origin")
    again.sweep(thorough=True)
    assert files(tmp_path) == kept
    assert only(again.open("v1"), "/a") == LARGE


def test_a_sweep_reads_no_bodies(storage: CacheStorage, tmp_path: Path) -> None:
    """Its memory and time do not depend on their size: neither on that of files nor of those in rows."""
    cache = storage.open("v1")
    cache.put([put(f"/{number}", b"x" * INLINE_LIMIT) for number in range(500)])
    cache.put([put("/file", LARGE)])
    kept = files(tmp_path)
    storage.close()
    again = CacheStorage(tmp_path / "origin")
    tracemalloc.start()
    again.sweep(thorough=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
    assert files(tmp_path) == kept
    assert len(again.open("v1").query_cache(None)) == 501


def test_sweeping_damaged_caches(storage: CacheStorage, tmp_path: Path) -> None:
    """Is a ProfileError that names the directory, and removes nothing."""
    storage.open("v1").put([put("/a", LARGE)])
    storage.close()
    kept = files(tmp_path)
    for database in tmp_path.rglob("cache.db"):
        database.write_bytes(b"no database at all" * 1000)
    with pytest.raises(
        ProfileError, match=f"The caches in {tmp_path / 'origin'} are damaged: file is not a database"
    ):
        CacheStorage(tmp_path / "origin").sweep(thorough=True)
    assert files(tmp_path) == kept


def test_quota(tmp_path: Path) -> None:
    """The bytes of all caches of the origin count; a deleted cache counts no more."""
    storage = CacheStorage(tmp_path / "origin", quota=1 << 20)
    storage.open("a").put([put("/x", b"x" * 400_000)])
    storage.open("b").put([put("/x", b"x" * 400_000)])
    assert 800_000 < storage.usage() < 1 << 20
    storage.require(50_000)
    with pytest.raises(QuotaExceededError, match="1048576 bytes"):
        storage.require(400_000)
    storage.delete("a")
    storage.require(400_000)


def test_what_origins_are_called(tmp_path: Path) -> None:
    """Each has a directory of its own, by whose name it is found again."""
    for origin in (SITE, "https://a.test:8443", "http://[::1]:80"):
        directory = directory_of(tmp_path, origin)
        assert directory.parent == tmp_path
        directory.mkdir()
    assert origins_in(tmp_path) == ["http://[::1]:80", SITE, "https://a.test:8443"]
    assert origins_in(tmp_path / "missing") == []


# Nothing is unpickled


class Planted:
    """Says so when it is unpickled."""

    unpickled = False

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _explode, ()


def _explode() -> None:
    Planted.unpickled = True


@pytest.mark.parametrize("mode", [3, 4], ids=["text", "pickle"])
def test_a_value_that_claims_to_be_pickled_is_refused(
    storage: CacheStorage, cache: RequestResponseList, tmp_path: Path, mode: int
) -> None:
    """A row that somebody has planted is not executed; diskcache would."""
    import pickle

    cache.put([put("/a")])
    _plant(tmp_path, "UPDATE Cache SET mode = ?, value = ? WHERE key = ?", mode, pickle.dumps(Planted()), f"{SITE}/a")
    with pytest.raises(TypeError, match="pickled value"):
        cache.query_cache(query("/a"))
    assert not Planted.unpickled


def test_a_key_that_claims_to_be_pickled_is_refused(cache: RequestResponseList, tmp_path: Path) -> None:
    """The same for keys."""
    import pickle

    cache.put([put("/a")])
    _plant(tmp_path, "UPDATE Cache SET raw = 0, key = ? WHERE key = ?", pickle.dumps(Planted()), f"{SITE}/a")
    with pytest.raises(TypeError, match="pickled key"):
        cache.query_cache(None)
    assert not Planted.unpickled


def _plant(directory: Path, statement: str, *values: Any) -> None:
    for database in directory.rglob("cache.db"):
        with sqlite3.connect(database) as connection:
            connection.execute(statement, values)
        connection.close()


@pytest.mark.parametrize("key", [1.5, ("a",), None, True], ids=["float", "tuple", "none", "bool"])
def test_nothing_is_pickled_either(cache: RequestResponseList, key: Any) -> None:
    """Keys and values are bytes, text or integers."""
    with pytest.raises(TypeError, match="a cache key cannot be"):
        cache._cache.set(key, b"x")
    with pytest.raises(TypeError, match="a cache value cannot be"):
        cache._cache.set("key", key)


# Many entries


def test_time_grows_no_faster_than_the_entries(tmp_path: Path) -> None:
    """5,000 entries in one batch, listed, looked up and deleted, take about five times as long as 1,000."""

    def seconds(count: int) -> float:
        cache = RequestResponseList(tmp_path / str(count))
        batch = [put(f"/{number}") for number in range(count)]
        began = time.process_time()
        cache.put(batch)
        assert len(cache.query_cache(None)) == count
        for number in range(0, count, 10):
            assert only(cache, f"/{number}") == b"x"
            assert cache.delete(query(f"/{number}"))
        took = time.process_time() - began
        cache.close()
        return took

    seconds(100)  # warm
    few, many = seconds(1000), seconds(5000)
    assert many < 10 * few
