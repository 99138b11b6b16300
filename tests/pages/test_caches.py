"""``window.caches`` of pages: the proxy's half, over HTTP."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
from origin import Origin
from page_caches import SITE, PageApi, Refused, entry, page_api, query, request
from waiting import soon

from certs.pki import Pki
from swproxy.network.conditions import Conditions
from swproxy.network.fetcher import Fetcher
from swproxy.network.sessions import FetchSettings
from swproxy.pages.cache_messages import JSON_LIMIT, PIECE
from swproxy.pages.caches import INLINE_BODIES
from swproxy.storage.bodies import BytesBody
from swproxy.storage.cache_storage import Put, RequestResponseList, StoredRequest, StoredResponse
from swproxy.storage.held_entries import LIMIT
from swproxy.storage.profile import Profile

LARGE = bytes(range(256)) * 8192  # 2 MiB


class Apis(Protocol):
    def __call__(
        self, origin: str = SITE, *, quota: int = 1 << 30, patience: float = 60.0
    ) -> AbstractAsyncContextManager[PageApi]: ...


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / "profile")
    profile.prepare()
    return profile


@pytest.fixture
async def fetcher(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fetcher]:
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_certificate))
    fetcher = Fetcher(FetchSettings(user_agent="swproxy/test"), Conditions())
    yield fetcher
    await fetcher.close()


@pytest.fixture
def apis(profile: Profile, fetcher: Fetcher) -> Apis:
    return partial(page_api, profile, fetcher)


@pytest.fixture
async def api(apis: Apis) -> AsyncIterator[PageApi]:
    async with apis() as api:
        yield api


# The caches of an origin


async def test_caches(api: PageApi) -> None:
    """Made once, in order, listed, and gone when they are deleted; names are any string."""
    assert await api.value("names") == []
    assert not await api.value("has", name="v1")
    first = await api.open("v1")
    assert await api.open("v1") == first != await api.open("\ud800")
    assert await api.value("names") == ["v1", "\ud800"]
    assert await api.value("has", name="\ud800")
    assert [await api.value("drop", name="v1") for _ in range(2)] == [True, False]
    assert await api.value("names") == ["\ud800"]
    assert api.storage().keys() == ["\ud800"]


async def test_origins_have_their_own(apis: Apis) -> None:
    """The id of another origin's cache is nothing."""
    async with apis() as one, apis("https://other.test") as other:
        cache = await one.open("v1")
        await one.put(cache, "/a", b"a")
        assert await other.value("names") == []
        with pytest.raises(Refused, match="deleted"):
            await other.match(cache, "/a")


async def test_a_deleted_cache_is_usable_while_pages_are(apis: Apis) -> None:
    """Also when a sweep comes; what it had goes when no page has used the origin's caches for a while."""
    async with apis(patience=0.2) as api:
        doomed = await api.open("v1")
        await api.value("drop", name="v1")
        await api.put(doomed, "/a", LARGE)
        await api.stores.before_start(SITE, in_use=False)
        found, _ = await api.match(doomed, "/a")
        assert await api.read(found) == LARGE
        await soon(lambda: not api.files())
        with pytest.raises(Refused, match="The cache was deleted") as refused:
            await api.match(doomed, "/a")
        assert refused.value.name == "NotFoundError"


async def test_caches_that_workers_use_are_not_tidied(apis: Apis) -> None:
    """What pages no longer use stays as long as a process of the origin may be using it."""
    async with apis(patience=0.01) as api:
        api.used = True
        doomed = await api.open("v1")
        await api.put(doomed, "/a", LARGE)
        await api.value("drop", name="v1")
        await soon(lambda: not api.stores._stores)
        assert api.files() != []
        await api.stores.before_start(SITE, in_use=False)
        assert api.files() == []


# Entries


async def test_put_and_match(api: PageApi) -> None:
    """All that a page can know of a response comes back; workers find it too."""
    cache = await api.open("v1")
    headers = [["content-type", "text/plain"], ["x-latin", "\xe9"]]
    urls = [f"{SITE}/asked", f"{SITE}/there#f"]
    await api.put(cache, "/a?q", b"body", type="cors", urls=urls, status=404, status_text="Nope", headers=headers)
    found, body = await api.match(cache, "/a?q#fragment")
    assert body == b"body"
    assert found == {
        "type": "cors",
        "url": f"{SITE}/there",
        "redirected": True,
        "status": 404,
        "statusText": "Nope",
        "headers": headers,
        "size": 4,
        "entry": None,
    }
    (stored,) = api.storage().open("v1").query_cache(None)
    assert stored.request.rest["referrerPolicy"] == ""
    assert stored.response.urls == urls


async def test_null_and_empty_bodies(api: PageApi) -> None:
    """Are two things."""
    cache = await api.open("v1")
    await api.put(cache, "/null", None, status=204)
    await api.put(cache, "/empty", b"")
    assert (await api.match(cache, "/null"))[0]["size"] is None
    found, _ = await api.match(cache, "/empty")
    assert (found["size"], found["entry"]) == (0, None)


async def test_queries(api: PageApi) -> None:
    """One or all, of one cache, of that of a name, or of all in their order; with the options of queries."""
    first, second = await api.open("v1"), await api.open("v2")
    vary = {"headers": [["Vary", "X"]]}
    await api.put(first, "/a?1", b"1")
    await api.put(first, "/v", b"circle", request_headers={"x": "circle"}, **vary)
    await api.put(first, "/v", b"square", request_headers={"x": "square"}, **vary)
    await api.put(second, "/a?1", b"other")

    async def bodies(path: str | None, **arguments: Any) -> list[bytes]:
        options = {key: arguments.pop(key) for key in list(arguments) if key.startswith(("ignore", "headers"))}
        wanted = None if path is None else query(path, **options)
        return (await api.ask("match", {"query": wanted, **arguments}))[1]

    assert await bodies("/a", cache=first) == []
    assert await bodies("/a", cache=first, ignore_search=True) == [b"1"]
    assert await bodies("/v", cache=first, headers=[["x", "square"]]) == [b"square"]
    assert await bodies("/v", cache=first, ignore_vary=True) == [b"circle"]
    assert await bodies("/v", cache=first, ignore_vary=True, all=True) == [b"circle", b"square"]
    assert await bodies(None, cache=first, all=True) == [b"1", b"circle", b"square"]
    assert await bodies("/a?1") == [b"1"]
    assert await bodies("/a?1", name="v2") == [b"other"]
    assert await bodies("/a?1", name="v3") == []
    keys = await api.value("keys", cache=first, query=query("/v", ignore_vary=True))
    assert [(key["url"], key["headers"], key["rest"]["mode"]) for key in keys] == [
        (f"{SITE}/v", [["x", "circle"]], "cors"),
        (f"{SITE}/v", [["x", "square"]], "cors"),
    ]
    assert await api.value("remove", cache=first, query=query("/v", headers=[["x", "circle"]]))
    assert not await api.value("remove", cache=first, query=query("/v", headers=[["x", "circle"]]))
    assert len(await api.value("keys", cache=first, query=None)) == 2


async def test_all_or_nothing(api: PageApi) -> None:
    """Requests that match each other are refused together with all others."""
    cache = await api.open("v1")
    puts = [entry("/a", LARGE), entry("/b", b"b"), entry("/a", b"again")]
    with pytest.raises(Refused) as refused:
        await api.ask("put", {"cache": cache, "puts": puts}, LARGE, b"b", b"again")
    assert refused.value.name == "InvalidStateError"
    assert (await api.value("keys", cache=cache, query=None), api.files()) == ([], [])
    await api.ask("put", {"cache": cache, "puts": puts[:2]}, LARGE, b"b")
    assert len(await api.value("keys", cache=cache, query=None)) == 2


# Bodies


async def test_a_large_body(api: PageApi) -> None:
    """Is read piece by piece, also after it was deleted or replaced."""
    body = LARGE * 3 + b"end"
    assert len(body) > PIECE
    cache = await api.open("v1")
    await api.put(cache, "/a", body)
    found, part = await api.match(cache, "/a")
    again, _ = await api.match(cache, "/a")
    assert (part, found["size"]) == (None, len(body))
    await api.put(cache, "/a", b"new")
    await api.value("remove", cache=cache, query=query("/a"))
    assert await api.read(found) == body
    assert await api.read(again) == body
    with pytest.raises(Refused, match="The entry was deleted"):
        await api.read(found)


async def test_many_bodies(api: PageApi) -> None:
    """What comes with an answer is bounded, and so are the files that stay open; the others are opened again."""
    cache, count = await api.open("v1"), 2 * LIMIT
    puts = [entry(f"/{number}", bytes([number]) * 30_000) for number in range(count)]
    await api.ask("put", {"cache": cache, "puts": puts}, *(bytes([number]) * 30_000 for number in range(count)))
    found, parts = await api.ask("match", {"cache": cache, "query": None, "all": True})
    assert len(found) == count
    assert 0 < sum(map(len, parts)) <= INLINE_BODIES
    bodies = iter(parts)
    for number, response in enumerate(found):
        body = next(bodies) if response["entry"] is None else await api.read(response)
        assert body == bytes([number]) * 30_000


async def test_memory(api: PageApi) -> None:
    """It does not depend on the size of a body, neither when it comes nor when it goes."""
    cache, size = await api.open("v1"), 1 << 26
    text = json.dumps({"cache": cache, "puts": [entry("/a", b"") | {"size": size}]}).encode()

    async def upload() -> AsyncIterator[bytes]:
        yield len(text).to_bytes(4, "big") + text
        for _ in range(size >> 16):
            yield b"x" * (1 << 16)

    tracemalloc.start()
    status, answer = await api.post("put", upload())
    assert (status, answer[4:]) == (200, b'{"value": null, "error": null}')
    found, _ = await api.match(cache, "/a")
    read = 0
    while read < size:
        read += (await api.ask("read", {"entry": found["entry"], "offset": read}))[0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * PIECE
    assert read == size


async def test_an_upload_that_breaks_off(api: PageApi) -> None:
    """Leaves nothing behind."""
    cache = await api.open("v1")
    text = json.dumps({"cache": cache, "puts": [entry("/a", LARGE)]}).encode()
    head = len(text).to_bytes(4, "big") + text
    status, answer = await api.post("put", head + LARGE[:-1])
    assert (status, answer) == (400, b"It ends too early.\n")
    address = api.url.removeprefix("http://").partition("/")[0].split(":")
    _, writer = await asyncio.open_connection(address[0], int(address[1]))
    writer.write(f"POST /.swproxy/cache/put HTTP/1.1\r\nHost: x\r\nContent-Length: {1 << 22}\r\n\r\n".encode())
    writer.write(head + LARGE[:100_000])
    await writer.drain()
    await soon(lambda: bool(api.files()))
    writer.transport.abort()
    await soon(lambda: not api.files())
    assert await api.value("keys", cache=cache, query=None) == []


async def test_quota(apis: Apis) -> None:
    """What would exceed it is refused by name, when all of it has been sent; the rest stays."""
    async with apis(quota=1 << 20) as api:
        cache = await api.open("v1")
        await api.put(cache, "/small", b"x" * 100_000)
        with pytest.raises(Refused, match="quota") as refused:
            await api.put(cache, "/a", LARGE)
        assert refused.value.name == "QuotaExceededError"
        assert len(api.files()) == 1
        assert (await api.match(cache, "/small"))[0]["size"] == 100_000


async def test_a_full_disk(small_disk: Path, fetcher: Fetcher) -> None:
    """Is a QuotaExceededError, also while the upload arrives."""
    profile = Profile(small_disk / "profile")
    profile.prepare()
    async with page_api(profile, fetcher) as api:
        cache = await api.open("v1")
        with pytest.raises(Refused) as refused:
            await api.put(cache, "/a", LARGE)
        assert refused.value.name == "QuotaExceededError"
        assert api.files() == []


async def test_damaged_caches(api: PageApi, caplog: pytest.LogCaptureFixture) -> None:
    """The page hears of it, and so does the log."""
    await api.open("v1")
    await api.stores.close()
    for database in api.profile.caches.rglob("cache.db"):
        database.write_bytes(b"no database at all" * 1000)
    with pytest.raises(Refused) as refused:
        await api.value("names")
    assert refused.value.name == "UnknownError"
    assert f"the caches of {SITE} cannot be used" in caplog.text


# What a page cannot look into


@pytest.fixture
async def site(apis: Apis, origin: Origin) -> AsyncIterator[PageApi]:
    """The API of the HTTPS origin that there is."""
    async with apis(origin.url) as api:
        yield api


@pytest.fixture
def elsewhere(pki: Pki) -> Any:
    """Another origin, which is asked for what is opaque."""
    other = Origin(pki.good())
    yield other
    other.close()


def no_cors(url: str, **headers: str) -> dict[str, Any]:
    asked = request(url, **headers)
    return asked | {"rest": {"mode": "no-cors", "credentials": "include"}}


@pytest.mark.parametrize("body", [b"secret", LARGE], ids=["small", "large"])
async def test_an_opaque_response_is_fetched_again(site: PageApi, elsewhere: Origin, body: bytes) -> None:
    """The page sees nothing of it, and can copy it; what is stored is all of it."""
    elsewhere.route("/a", body, "text/x", status=404)
    cache, copy = await site.open("v1"), await site.open("v2")
    stored = request("/as-this")
    url = f"{elsewhere.url}/a"
    await site.value("fetch", cache=cache, request=stored, fetch=no_cors(url))
    found, part = await site.match(cache, "/as-this")
    entry_of = found.pop("entry")
    unknown = {"url": "", "redirected": False, "status": 0, "statusText": "", "headers": [], "size": None}
    assert (found, part) == ({"type": "opaque", **unknown}, None)
    with pytest.raises(AssertionError, match="no body that can be read"):
        await site.ask("read", {"entry": entry_of, "offset": 0})
    await site.value("remove", cache=cache, query=query("/as-this"))
    await site.value("copy", cache=copy, request=stored, entry=entry_of)
    storage = site.storage()
    (kept,) = storage.open("v2").query_cache(None)
    opened = storage.open("v2").body(kept)
    assert opened is not None
    assert opened.read(0, kept.size) == body
    opened.close()
    assert (kept.response.type, kept.response.status, kept.response.urls) == ("opaque", 404, [url])
    assert site.storage().open("v1").query_cache(None) == []
    assert not list(site.profile.scratch.iterdir())


async def test_what_the_other_origin_is_told(site: PageApi, elsewhere: Origin) -> None:
    """Who asks, as the page's own request says; no cookies, and no header that needs a preflight."""
    elsewhere.route("/a")
    cache = await site.open("v1")
    asked = no_cors(f"{elsewhere.url}/a", accept="image/*", cookie="a=1", **{"x-own": "1"})
    asked["rest"]["referrer"] = "https://not.me/"
    arguments = {"cache": cache, "request": request("/a"), "fetch": asked}
    client = {"Cookie": "session=1", "User-Agent": "Browser", "Accept-Language": "cs"}
    await site.ask("fetch", arguments, Referer=f"{site.origin}/page", **client)
    sent = elsewhere.hits[-1].headers
    assert {
        name: sent.get(name) for name in ("accept", "user-agent", "accept-language", "referer", "sec-fetch-mode")
    } == {
        "accept": "image/*",
        "user-agent": "Browser",
        "accept-language": "cs",
        "referer": f"{site.origin}/",
        "sec-fetch-mode": "no-cors",
    }
    assert not {"cookie", "x-own", "origin"} & set(sent)
    await site.ask("fetch", arguments, **client)
    assert "referer" not in elsewhere.hits[-1].headers


async def test_an_opaque_redirect(site: PageApi, origin: Origin) -> None:
    """Of the own origin, with its cookies: the page sees its URL."""
    origin.route("/go", status=302, headers={"Location": "/there"})
    cache = await site.open("v1")
    url = f"{origin.url}/go"
    asked = request(url) | {"rest": {"mode": "cors", "redirect": "manual"}}
    await site.ask("fetch", {"cache": cache, "request": request("/a"), "fetch": asked}, Cookie="session=1")
    assert origin.hits[-1].headers["cookie"] == "session=1"
    found, _ = await site.match(cache, "/a")
    assert (found["type"], found["url"], found["size"]) == ("opaqueredirect", url, None)


@pytest.mark.parametrize(
    ("status", "mode", "says"),
    [(206, "no-cors", "partial"), (200, "cors", "does not allow|not answer|CORS|Access-Control")],
)
async def test_what_is_not_stored(site: PageApi, elsewhere: Origin, status: int, mode: str, says: str) -> None:
    """Partial responses, and those that the page could not have had."""
    elsewhere.route("/a", b"x", status=status)
    cache = await site.open("v1")
    asked = request(f"{elsewhere.url}/a") | {"rest": {"mode": mode}}
    with pytest.raises(Refused, match=says) as refused:
        await site.value("fetch", cache=cache, request=request("/a"), fetch=asked)
    assert refused.value.name == "TypeError"
    assert await site.value("keys", cache=cache, query=None) == []


async def test_an_origin_that_is_gone(site: PageApi, elsewhere: Origin) -> None:
    """Is a TypeError, as a failed fetch is."""
    elsewhere.stop()
    cache = await site.open("v1")
    with pytest.raises(Refused, match="cannot reach") as refused:
        await site.value("fetch", cache=cache, request=request("/a"), fetch=no_cors(f"{elsewhere.url}/a"))
    assert refused.value.name == "TypeError"


# Others at the same time


async def test_pages_and_processes_at_the_same_time(api: PageApi) -> None:
    """What one writes the others read; nothing is lost."""
    cache = await api.open("v1")
    source = """
import sys
from pathlib import Path
from swproxy.storage.bodies import BytesBody
from swproxy.storage.cache_storage import CacheStorage, Put, StoredRequest, StoredResponse
cache = CacheStorage(Path(sys.argv[1])).open("v1")
for number in range(50):
    request = StoredRequest("GET", f"https://site.test/worker/{number}", [], {})
    cache.put([Put(request, StoredResponse("basic", [], 200, "", []), BytesBody(b"w" * 50_000), 0.0)])
"""
    directory = next(api.profile.caches.iterdir())
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", source, str(directory))

    async def page(name: str) -> None:
        for number in range(25):
            await api.put(cache, f"/{name}/{number}", LARGE[:100_000])
            found, part = await api.match(cache, f"/{name}/{number}")
            assert (part or await api.read(found)) == LARGE[:100_000]

    await asyncio.gather(*(page(name) for name in "abcd"))
    assert await asyncio.wait_for(process.wait(), 30) == 0
    found, _ = await api.ask("match", {"cache": cache, "query": None, "all": True})
    assert len(found) == 150
    assert len(api.files()) == 150


async def test_a_sweep_waits_for_writes(api: PageApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which have their bodies written before there is an entry; what comes during a sweep waits for it."""
    cache = await api.open("v1")
    may_commit, writing = threading.Event(), threading.Event()
    commit = RequestResponseList._commit

    def held(self: RequestResponseList, *arguments: Any) -> Any:
        writing.set()
        assert may_commit.wait(10)
        return commit(self, *arguments)

    monkeypatch.setattr(RequestResponseList, "_commit", held)
    put = asyncio.ensure_future(api.put(cache, "/a", LARGE))
    await soon(writing.is_set)
    api.stores.mark_unclean(SITE)
    sweep = asyncio.ensure_future(api.stores.before_start(SITE, in_use=False))
    await soon(lambda: SITE in api.stores._sweeps)
    match = asyncio.ensure_future(api.match(cache, "/a"))
    may_commit.set()
    await asyncio.gather(put, sweep)
    assert await api.read((await match)[0]) == LARGE
    assert len(api.files()) == 1


async def test_after_a_crash(apis: Apis, profile: Profile) -> None:
    """What a killed proxy has left goes when nobody uses the caches: bodies without an entry, half-written files."""
    async with apis() as api:
        await api.put(await api.open("v1"), "/a", LARGE)
        storage = api.storage()
        left = Put(
            StoredRequest("GET", f"{SITE}/z", [], {}), StoredResponse("basic", [], 200, "", []), BytesBody(LARGE), 0.0
        )
        storage.open("v1")._write_body(left, [])
        storage.close()
        (api.files()[0].parent / "half-written.val").write_bytes(b"half")
    async with apis(patience=0.05) as api:
        api.stores.mark_unclean(SITE)
        cache = await api.open("v1")
        assert await api.read((await api.match(cache, "/a"))[0]) == LARGE
        await soon(lambda: len(api.files()) == 1)
        assert await api.read((await api.match(await api.open("v1"), "/a"))[0]) == LARGE


SERVER = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from page_caches import page_api
from swproxy.network.conditions import Conditions
from swproxy.network.fetcher import Fetcher
from swproxy.network.sessions import FetchSettings
from swproxy.storage.profile import Profile

async def main():
    async with page_api(Profile(Path(sys.argv[1])), Fetcher(FetchSettings(), Conditions())) as api:
        print(api.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_killed(api: PageApi) -> None:
    """Whenever that happens: what was acknowledged is there, whole, and nothing else is when it has been tidied."""
    paths = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]
    acknowledged: list[str] = []
    for run in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(api.profile.directory), *paths], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        api.url = (await asyncio.to_thread(process.stdout.readline)).strip()
        cache = await api.open("v1")
        killed = asyncio.Event()

        async def page(name: str, run: int = run, cache: str = cache, killed: asyncio.Event = killed) -> None:
            for number in range(1000):
                path = f"/{run}/{name}/{number}"
                try:
                    await api.put(cache, path, LARGE[:100_000] + path.encode())
                except aiohttp.ClientError:
                    assert killed.is_set()
                    return
                acknowledged.append(path)

        writing = [asyncio.ensure_future(page(name)) for name in "abc"]
        await soon(lambda run=run: sum(path.startswith(f"/{run}/") for path in acknowledged) >= 10 + 7 * run)
        killed.set()
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.gather(*writing)
        process.wait()
        process.stdout.close()
    storage = api.storage()
    storage.sweep(thorough=True)
    stored = storage.open("v1")
    entries = stored.query_cache(None)
    assert {f"{SITE}{path}" for path in acknowledged} <= {each.request.url for each in entries}
    for each in entries:
        body = stored.body(each)
        assert body is not None
        assert body.read(0, each.size) == LARGE[:100_000] + each.request.url.removeprefix(SITE).encode()
        body.close()
    storage.close()
    assert len(list(api.profile.caches.rglob("*.val"))) == len(entries)


# What no page of ours sends


@pytest.mark.parametrize(
    ("operation", "sent", "says"),
    [
        ("has", b"", "ends too early"),
        ("has", b"\0\0", "ends too early"),
        ("has", b"\xff\xff\xff\xff", f"longer than {JSON_LIMIT} bytes"),
        ("has", b"\0\0\0\1{", "make no sense"),
        ("has", b"\0\0\0\2\xff\xff", "make no sense"),
        ("has", b"[" * 100_000, "make no sense"),
        ("has", [], "make no sense"),
        ("has", {}, "make no sense"),
        ("has", {"name": 1}, "make no sense"),
        ("has", {"name": "a", "more": 1}, "make no sense"),
        ("match", {"query": {"url": 1}}, "make no sense"),
        ("match", {"cache": 1, "query": None}, "make no sense"),
        ("match", {"query": {"url": "\ud800"}}, "no URL has"),
        ("read", {"entry": {"cache": "../..", "url": "/", "order": 1, "number": 1}, "offset": -1}, "make no sense"),
        ("put", {"cache": "", "puts": [entry("/a", None) | {"size": -1}]}, "make no sense"),
        ("put", {"cache": "", "puts": [entry("/a", None) | {"response": []}]}, "make no sense"),
    ],
)
async def test_nonsense(api: PageApi, operation: str, sent: Any, says: str) -> None:
    """Is a 400 with one sentence."""
    await api.open("v1")
    if isinstance(sent, bytes):
        data = len(sent).to_bytes(4, "big") + sent if sent.startswith(b"[") else sent
    else:
        text = json.dumps(sent).encode()
        data = len(text).to_bytes(4, "big") + text
    status, answer = await api.post(operation, data)
    assert status == 400
    assert says.lower() in answer.decode().lower()
    assert answer.count(b"\n") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"request": {"method": "POST"}},
        {"request": {"url": "/a"}},
        {"request": {"url": "ftp://site.test/"}},
        {"request": {"url": "https://site.test/\ud800"}},
        {"request": {"headers": [["a b", "c"]]}},
        {"request": {"headers": [["a", "b\r\nc: d"]]}},
        {"response": {"type": "opaque"}},
        {"response": {"status": 99}},
        {"response": {"status_text": "a\nb"}},
        {"response": {"urls": ["\u2028"]}},
        {"response": {"headers": [["a", "\u2028"]]}},
    ],
)
async def test_messages_that_there_are_not(api: PageApi, changes: dict[str, Any]) -> None:
    """Do not come into the store, where workers and the proxy would have to live with them."""
    cache = await api.open("v1")
    put = entry("/a", None, **changes.get("response", {}))
    put["request"] |= changes.get("request", {})
    text = json.dumps({"cache": cache, "puts": [put]}).encode()
    status, answer = await api.post("put", len(text).to_bytes(4, "big") + text)
    assert (status, answer.count(b"\n")) == (400, 1)
    assert await api.value("keys", cache=cache, query=None) == []


@pytest.mark.parametrize("id", ["", "..", "index", "../../..", "0" * 16, "\0", "a" * 5000])
async def test_ids_are_no_paths(api: PageApi, id: str) -> None:  # noqa: A002
    """What was not given out is a cache that there is not."""
    await api.open("v1")
    before = sorted(api.profile.directory.rglob("*"))
    for operation, arguments in (
        ("match", {"query": query("/a")}),
        ("keys", {"query": None}),
        ("remove", {"query": query("/a")}),
        ("put", {"puts": [entry("/a", None)]}),
    ):
        with pytest.raises(Refused) as refused:
            await api.value(operation, cache=id, **arguments)
        assert refused.value.name == "NotFoundError"
    reference = {"cache": id, "url": f"{SITE}/a", "order": 1, "number": 1}
    with pytest.raises(Refused, match="deleted"):
        await api.value("read", entry=reference, offset=0)
    assert sorted(api.profile.directory.rglob("*")) == before


async def test_what_is_not_there(api: PageApi) -> None:
    """Other operations, and other methods."""
    assert (await api.post("nothing", b""))[0] == 404
    async with api.session.get(f"{api.url}names") as response:
        assert response.status == 405


async def test_answers_are_for_nobody_else(api: PageApi) -> None:
    """They are kept nowhere, taken for nothing else, and no other origin can embed them."""
    async with api.session.post(f"{api.url}names", data=b"\0\0\0\2{}") as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
