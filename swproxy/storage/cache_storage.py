"""The Cache API on diskcache (https://w3c.github.io/ServiceWorker/#cache-objects): one directory per origin.

``index`` maps the names of the caches to their order and directory. Each cache is a diskcache of its own:

- a URL without fragment -> its entries (one, unless responses vary), in msgpack;
- a number -> a body that is too large to be part of its entry, in a file.

What a batch writes becomes visible in one transaction; bodies are written before it and swept if it never came.
diskcache evicts nothing here and unpickles nothing.
"""

import errno
import os
import re
import secrets
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import diskcache
import msgspec

from swproxy.errors import InvalidStateError, ProfileError, QuotaExceededError
from swproxy.storage.bodies import BytesBody, CompleteBody, FileBody, SavedFile, chunks
from swproxy.storage.quota import DISK_FULL, Quota

# Bodies up to this size, in bytes, are kept in the row of their entry: one read serves them.
INLINE_LIMIT = 1 << 15

_SETTINGS = {
    "eviction_policy": "none",
    "cull_limit": 0,
    "size_limit": 1 << 62,
    "sqlite_cache_size": 256,  # pages, of 4 KiB
    "sqlite_mmap_size": 1 << 24,
}

Header = tuple[str, str]


class BytesAndTextDisk(diskcache.Disk):  # type: ignore[misc]
    """Keys and values are bytes, text or integers. Values of integer keys are files, all others rows."""

    def put(self, key: Any) -> tuple[Any, bool]:
        if type(key) not in (bytes, str, int):
            raise TypeError(f"a cache key cannot be {type(key).__name__}")
        return super().put(key)  # type: ignore[no-any-return]

    def get(self, key: Any, raw: bool) -> Any:
        if not raw:
            raise TypeError("a pickled key")
        return super().get(key, raw)

    def store(self, value: Any, read: bool, key: Any = diskcache.UNKNOWN) -> tuple[int, int, str | None, Any]:
        if type(key) is not int:
            if type(value) not in (bytes, str, int):
                raise TypeError(f"a cache value cannot be {type(value).__name__}")
            return 0, _MODE_RAW, None, sqlite3.Binary(value) if type(value) is bytes else value
        filename, full_path = self.filename(key, value)
        Path(full_path).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, SavedFile):
            os.link(value.path, full_path)
            return value.size, _MODE_BINARY, filename, None
        try:
            with open(full_path, "xb") as file:
                for data in chunks(value):
                    file.write(data)
        except OSError:
            Path(full_path).unlink(missing_ok=True)
            raise
        return value.size, _MODE_BINARY, filename, None

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode not in (_MODE_RAW, _MODE_BINARY):
            raise TypeError("a pickled value")
        return super().fetch(mode, filename, value, read)


_MODE_RAW = 1  # diskcache.core.MODE_RAW
_MODE_BINARY = 2  # diskcache.core.MODE_BINARY


class StoredRequest(msgspec.Struct, frozen=True, array_like=True):
    """The request of an entry, as scripts get it back from ``keys()``."""

    method: str
    url: str
    headers: list[Header]
    rest: dict[str, Any]


class StoredResponse(msgspec.Struct, frozen=True, array_like=True):
    """The response of an entry, without its body."""

    type: str
    urls: list[str]
    status: int
    status_text: str
    headers: list[Header]


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One request/response pair; ``body`` is None, the bytes, or the number of the file.

    ``order`` rises with the time of insertion, ``time`` is in seconds since the epoch.
    """

    order: int
    request: StoredRequest
    response: StoredResponse
    body: bytes | int | None
    size: int
    time: float


class Put(msgspec.Struct, frozen=True):
    """A cache batch operation of the type "put"."""

    request: StoredRequest
    response: StoredResponse
    body: CompleteBody | SavedFile | None
    time: float


class Query(msgspec.Struct, frozen=True):
    """What "Request Matches Cached Item" compares, and how."""

    url: str
    method: str = "GET"
    headers: list[Header] = []
    ignore_search: bool = False
    ignore_method: bool = False
    ignore_vary: bool = False


_encode_entries = msgspec.msgpack.Encoder().encode
_decode_entries = msgspec.msgpack.Decoder(list[Entry]).decode


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _combined(headers: Iterable[Header], name: str) -> str | None:
    values = [value for key, value in headers if key.lower() == name]
    return ", ".join(values) if values else None


def request_matches_cached_item(query: Query, request: StoredRequest, response: StoredResponse | None) -> bool:
    """https://w3c.github.io/ServiceWorker/#request-matches-cached-item-algorithm"""
    if not query.ignore_method and request.method != "GET":
        return False
    key = _without_query if query.ignore_search else _without_fragment
    if key(query.url) != key(request.url):
        return False
    if response is None or query.ignore_vary or response.type in ("opaque", "opaqueredirect"):
        return True  # the header list of a response that scripts cannot look into is empty
    vary = _combined(response.headers, "vary")
    if vary is None:
        return True
    for field in vary.split(","):
        name = field.strip().lower()
        if name == "*" or _combined(request.headers, name) != _combined(query.headers, name):
            return False
    return True


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Turns a full disk into QuotaExceededError."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" not in str(error) and "disk I/O" not in str(error):
            raise
        raise QuotaExceededError(DISK_FULL) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise QuotaExceededError(DISK_FULL) from None


class RequestResponseList:
    """One cache: the specification's "request response list", in order of insertion."""

    def __init__(self, directory: Path) -> None:
        with _disk_errors():
            self._cache = diskcache.Cache(str(directory), disk=BytesAndTextDisk, **_SETTINGS)

    @property
    def id(self) -> str:
        """What ``CacheStorage.by_id`` finds it by: there is never another one of that id."""
        return Path(self._cache.directory).name

    def entry(self, url: str, order: int) -> Entry | None:
        """The entry of that number, if nobody has deleted or replaced it; ``url`` is its request's."""
        return next((entry for entry in self._record(_without_fragment(url)) if entry.order == order), None)

    def query_cache(self, query: Query | None, *, first: bool = False) -> list[Entry]:
        """https://w3c.github.io/ServiceWorker/#query-cache-algorithm; all entries without a query."""
        found = [
            entry
            for record in self._records(query)
            for entry in record
            if query is None or request_matches_cached_item(query, entry.request, entry.response)
        ]
        found.sort(key=lambda entry: entry.order)
        return found[:1] if first else found

    def _records(self, query: Query | None) -> Iterator[list[Entry]]:
        if query is not None and not query.ignore_search:
            yield self._record(_without_fragment(query.url))
            return
        for key in self._urls(query):
            yield self._record(key)

    def _record(self, url: str) -> list[Entry]:
        value = self._cache.get(url)
        return [] if value is None else _decode_entries(value)

    def _urls(self, query: Query | None) -> list[str]:
        keys = (key for key in self._cache.iterkeys() if isinstance(key, str) and key != _COUNTER)
        if query is None:
            return list(keys)
        path = _without_query(query.url)
        return [key for key in keys if _without_query(key) == path]

    def body(self, entry: Entry) -> CompleteBody | None:
        """The body of an entry, with a file open of its own; None for a null body.

        Raises:
            FileNotFoundError: somebody has deleted the entry since, or the file.
        """
        if entry.body is None:
            return None
        if isinstance(entry.body, bytes):
            return BytesBody(entry.body)
        file: BinaryIO | None = self._cache.get(entry.body, read=True)
        if file is None:
            raise FileNotFoundError(f"the body of {entry.request.url}")
        return FileBody(file, 0, entry.size)

    def put(self, puts: list[Put]) -> None:
        """Batch Cache Operations with "put"s: all or nothing.

        Raises:
            InvalidStateError: two of the requests match each other.
            QuotaExceededError: the disk is full.
        """
        added: defaultdict[str, list[Put]] = defaultdict(list)
        for put in puts:
            query = Query(put.request.url, put.request.method, put.request.headers)
            of_this_url = added[_without_fragment(put.request.url)]
            if any(request_matches_cached_item(query, other.request, other.response) for other in of_this_url):
                raise InvalidStateError(f"The requests contain {put.request.url} twice.")
            of_this_url.append(put)
        written: list[int] = []
        try:
            with _disk_errors():
                bodies = [self._write_body(put, written) for put in puts]
                replaced = self._commit(puts, bodies)
        except BaseException:
            self._delete_bodies(written)
            raise
        self._delete_bodies(replaced)

    def _write_body(self, put: Put, written: list[int]) -> bytes | int | None:
        body = put.body
        if body is None:
            return None
        if body.size <= INLINE_LIMIT:
            if isinstance(body, SavedFile):
                return Path(body.path).read_bytes()
            return body.read(0, body.size)
        key = secrets.randbits(62)
        written.append(key)
        # The tag tells whose body it is: ``sweep`` looks there.
        self._cache.set(key, body, retry=True, tag=_without_fragment(put.request.url))
        return key

    def _commit(self, puts: list[Put], bodies: list[bytes | int | None]) -> list[int]:
        replaced: list[int] = []
        with self._cache.transact(retry=True):
            for put, body in zip(puts, bodies, strict=True):
                query = Query(put.request.url, put.request.method, put.request.headers)
                url = _without_fragment(put.request.url)
                kept = self._remove(url, query, replaced)
                order = self._cache.incr(_COUNTER, retry=True)
                size = 0 if put.body is None else put.body.size
                kept.append(Entry(order, put.request, put.response, body, size, put.time))
                self._cache.set(url, _encode_entries(kept), retry=True)
        return replaced

    def _remove(self, url: str, query: Query, removed: list[int]) -> list[Entry]:
        kept = []
        value = self._cache.get(url)
        for entry in _decode_entries(value) if value is not None else ():
            if not request_matches_cached_item(query, entry.request, entry.response):
                kept.append(entry)
            elif isinstance(entry.body, int):
                removed.append(entry.body)
        return kept

    def delete(self, query: Query) -> bool:
        """Batch Cache Operations with a "delete": whether there was something to delete."""
        removed: list[int] = []
        found = False
        with _disk_errors(), self._cache.transact(retry=True):
            urls = self._urls(query) if query.ignore_search else [_without_fragment(query.url)]
            for url in urls:
                value = self._cache.get(url)
                if value is None:
                    continue
                kept = self._remove(url, query, removed)
                if len(kept) == len(_decode_entries(value)):
                    continue
                found = True
                if kept:
                    self._cache.set(url, _encode_entries(kept), retry=True)
                else:
                    self._cache.delete(url, retry=True)
        self._delete_bodies(removed)
        return found

    def _delete_bodies(self, keys: list[int]) -> None:
        for key in keys:
            self._cache.delete(key, retry=True)

    def volume(self) -> int:
        """Bytes on disk."""
        return int(self._cache.volume())

    def sweep(self) -> None:
        """Deletes what a killed process has left: bodies without an entry, files without a row.

        Nobody else may write to the cache meanwhile.
        """
        kept = set()
        for key in [key for key in self._cache.iterkeys() if isinstance(key, int)]:
            file, url = self._cache.get(key, read=True, tag=True)
            if file is not None:
                file.close()
            if file is not None and (url is None or any(entry.body == key for entry in self._record(url))):
                kept.add(Path(file.name).name)
            else:
                self._delete_bodies([key])
        for path in Path(self._cache.directory).rglob("*.val"):
            if path.name not in kept:
                path.unlink()

    def close(self) -> None:
        self._cache.close()


_ID = re.compile("[0-9a-f]{16}")
_COUNTER = "order"  # of the last entry or cache; that of the index rises with every change


class CacheStorage:
    """The "name to cache map" of one origin.

    Args:
        directory: of the origin; made when the first cache is opened.
        quota: bytes, of the origin.
        databases: the bytes on disk of what else counts against it.
        logged: of these, what will still be written once more.
    """

    def __init__(
        self,
        directory: Path,
        quota: int = 1 << 62,
        *,
        databases: Callable[[], int] = lambda: 0,
        logged: Callable[[], int] = lambda: 0,
    ) -> None:
        self._directory = directory
        self.quota = Quota(quota, directory, {"caches": self.usage, "indexedDB": databases}, logged)
        self._index: diskcache.Cache | None = None
        self._open: dict[str, RequestResponseList] = {}
        self._known_changes: int | None = None
        self._known_entries: dict[bytes, tuple[int, str]] = {}

    def _entries(self) -> dict[bytes, tuple[int, str]]:
        """name -> (order, directory), in order; read again only if somebody has changed it."""
        index = self._opened_index(create=False)
        if index is None:
            return {}
        changes = index.get(_COUNTER, 0)
        if changes != self._known_changes:
            self._known_changes, self._known_entries = changes, self._read_entries(index)
        return self._known_entries

    @staticmethod
    def _read_entries(index: diskcache.Cache) -> dict[bytes, tuple[int, str]]:
        found: dict[bytes, tuple[int, str]] = {}
        for key in index.iterkeys():
            if isinstance(key, bytes) and (value := index.get(key)) is not None:
                order, _, directory = value.partition(" ")
                found[key] = (int(order), directory)
        return dict(sorted(found.items(), key=lambda item: item[1][0]))

    def _opened_index(self, *, create: bool) -> diskcache.Cache | None:
        if self._index is None:
            path = self._directory / "index"
            if not create and not path.is_dir():
                return None
            with _disk_errors():
                self._index = diskcache.Cache(str(path), disk=BytesAndTextDisk, **_SETTINGS)
        return self._index

    def keys(self) -> list[str]:
        """The names in order of creation."""
        return [_name(key) for key in self._entries()]

    def has(self, name: str) -> bool:
        index = self._opened_index(create=False)
        return index is not None and _key(name) in index

    def open(self, name: str) -> RequestResponseList:
        """The cache of that name, made if there is none.

        Raises:
            QuotaExceededError: the disk is full, or the quota used up.
        """
        index = self._opened_index(create=True)
        assert index is not None
        key = _key(name)
        value = index.get(key)
        if value is None:
            self.require(0)
            with _disk_errors(), index.transact(retry=True):
                value = index.get(key)
                if value is None:
                    value = f"{index.incr(_COUNTER, retry=True)} {secrets.token_hex(8)}"
                    index.set(key, value, retry=True)
        return self._list(value.partition(" ")[2])

    def _list(self, directory: str) -> RequestResponseList:
        cache = self._open.get(directory)
        if cache is None:
            cache = self._open[directory] = RequestResponseList(self._directory / directory)
        return cache

    def all(self) -> list[tuple[str, RequestResponseList]]:
        """The names with their caches, in order of creation."""
        return [(_name(key), self._list(directory)) for key, (_, directory) in self._entries().items()]

    def get(self, name: str) -> RequestResponseList | None:
        """The cache of that name, if there is one."""
        index = self._opened_index(create=False)
        value = None if index is None else index.get(_key(name))
        return None if value is None else self._list(value.partition(" ")[2])

    def by_id(self, id: str) -> RequestResponseList | None:  # noqa: A002
        """The cache of that id; one that was deleted, too, as long as its files are there."""
        if id not in self._open and (not _ID.fullmatch(id) or not (self._directory / id).is_dir()):
            return None
        return self._list(id)

    def delete(self, name: str) -> bool:
        """Takes the cache out of the map; its files go with ``sweep``, so that who has it open may go on."""
        index = self._opened_index(create=False)
        if index is None:
            return False
        with index.transact(retry=True):
            index.incr(_COUNTER, retry=True)
            return bool(index.delete(_key(name), retry=True))

    def usage(self) -> int:
        """Bytes on disk, of all caches."""
        return sum(cache.volume() for _, cache in self.all())

    def require(self, size: int, saved: int = 0) -> None:
        """Makes sure that there is room for ``size`` more bytes, of which ``saved`` are in files on the disk already.

        Raises:
            QuotaExceededError: they are more than the quota, or the disk would be too full.
        """
        # What SQLite has in its log goes into the database some time, and the log stays as large as it was.
        logged = 0
        for path in self._directory.glob("*/cache.db-wal"):
            with suppress(FileNotFoundError):  # the last who had it open has closed it
                logged += path.stat().st_size
        self.quota.require(size, on_disk=saved, logged=logged)

    def sweep(self, *, thorough: bool) -> None:
        """Removes the directories of deleted caches; if thorough, also what killed processes left.

        Those that are open here stay. Nobody else may use the caches of the origin meanwhile.

        Raises:
            ProfileError: they are damaged.
            QuotaExceededError: the disk is full.
        """
        if not self._directory.is_dir():
            return
        try:
            self._sweep(thorough=thorough)
        except sqlite3.DatabaseError as error:
            raise ProfileError(f"The caches in {self._directory} are damaged: {error}.") from None

    def _sweep(self, *, thorough: bool) -> None:
        kept = {"index", *self._open, *(directory for _, directory in self._entries().values())}
        for path in self._directory.iterdir():
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)
        if thorough:
            for _, cache in self.all():
                cache.sweep()

    def close(self) -> None:
        for cache in self._open.values():
            cache.close()
        self._open.clear()
        if self._index is not None:
            self._index.close()
            self._index = None


def _key(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _name(key: bytes) -> str:
    return key.decode("utf-16-be", "surrogatepass")
