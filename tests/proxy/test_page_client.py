"""What the page client changes in flows."""

import asyncio
import re
import threading
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import brotli
import pytest
from aiohttp import web
from origin import Origin
from own_proxy import OwnProxy, Streams, ended
from waiting import soon

from swproxy.page_client.bundle import page_script
from swproxy.page_client.content_codings import zstd
from swproxy.pages import connections
from swproxy.proxy import page_client as page_client_module
from swproxy.service_worker.client import Presence
from swproxy.storage.origin_settings import PAGE_CLIENT

Started = Callable[..., Awaitable[OwnProxy]]

NAVIGATION = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
PAGE = "<!doctype html><title>page</title>"
HALVES = (b"<!doctype html><title>page</title><p>first half", b"<p>second half")


@pytest.fixture
async def proxy(started: Started, origin: Origin, tmp_path: Path) -> OwnProxy:
    """The origin has a worker that answers nothing."""
    proxy = await started(intercept_all=True)
    await proxy.context.start()
    (tmp_path / "sw.js").write_text("onfetch = () => {};")
    await proxy.context.register(f"{origin.url}/", str(tmp_path / "sw.js"), "classic", "imports", local=True)
    return proxy


@pytest.fixture
async def streams(proxy: OwnProxy, origin: Origin) -> Streams:
    return await proxy.tunnel(origin.port, proxy.authority.certificate)


async def answered(streams: Streams, request: str, host: str, headers: str = NAVIGATION) -> tuple[str, str]:
    """Head and body, the length of which is known."""
    reader, writer = streams
    writer.write(f"{request} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return head, (await reader.readexactly(length)).decode()


async def test_a_redirect_that_is_not_followed(
    proxy: OwnProxy, streams: Streams, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the browser asks for next has the number of the client before; what it asks for later has not."""
    origin.route("/a", status=302, headers={"Location": "/b"})
    origin.route("/b", PAGE, "text/html; charset=utf-8")
    on_the_way = proxy.master.addons.get("serviceworkeraddon")._page_client._on_the_way
    host = origin.url.removeprefix("https://")
    assert " 302 " in (await answered(streams, "GET /a", host))[0]
    ((number, _),) = on_the_way.values()
    assert number in (await answered(streams, "GET /b", host))[1]
    assert on_the_way == {}
    monkeypatch.setattr(page_client_module, "_REDIRECT_PATIENCE", 0.1)
    await answered(streams, "GET /a", host)
    ((number, _),) = on_the_way.values()
    await soon(lambda: on_the_way == {})
    assert number not in (await answered(streams, "GET /b", host))[1]


async def test_a_document_that_takes_its_time(
    proxy: OwnProxy, streams: Streams, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its channel is expected when its first bytes have gone out, not before."""
    monkeypatch.setattr(connections, "ARRIVAL_PATIENCE", 0)
    goes_on = threading.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html; charset=utf-8"})
        await response.prepare(request)
        await asyncio.to_thread(goes_on.wait, 10)
        await response.write(PAGE.encode())
        return response

    origin.route("/slow", handler=answer)
    reader, writer = streams
    host = origin.url.removeprefix("https://")
    writer.write(f"GET /slow HTTP/1.1\r\nHost: {host}\r\n{NAVIGATION}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(100):
        await asyncio.sleep(0)
    (client,) = proxy.context.clients
    assert client.presence is Presence.RESERVED
    goes_on.set()
    await reader.readuntil(client.id.encode())
    await soon(lambda: client.presence is Presence.UNSEEN)


def halves(coding: str) -> tuple[bytes, bytes]:
    """HALVES in a content coding, the first flushed."""
    if coding == "gzip":
        zlib_coder = zlib.compressobj(wbits=31)
        first = zlib_coder.compress(HALVES[0]) + zlib_coder.flush(zlib.Z_SYNC_FLUSH)
        return first, zlib_coder.compress(HALVES[1]) + zlib_coder.flush()
    if coding == "br":
        br_coder = brotli.Compressor()
        first = br_coder.process(HALVES[0]) + br_coder.flush()
        return first, br_coder.process(HALVES[1]) + br_coder.finish()
    if coding == "zstd":
        zstd_coder = zstd.ZstdCompressor()
        first = zstd_coder.compress(HALVES[0], zstd_coder.FLUSH_BLOCK)
        return first, zstd_coder.compress(HALVES[1], zstd_coder.FLUSH_FRAME)
    return HALVES


@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
async def test_no_page_is_held_back(proxy: OwnProxy, origin: Origin, tmp_path: Path, coding: str) -> None:
    """The first half, with the script, is there before the origin sends the rest; also if a worker passes it on."""
    pieces, goes_on = halves(coding), asyncio.Queue[None]()
    loop = asyncio.get_running_loop()

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": coding}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(pieces[0])
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(goes_on.get(), loop))
        await response.write(pieces[1])
        return response

    async def seen(version: str, path: str) -> bytes:
        command = ["curl", "--no-buffer", "--silent", "--compressed", f"--http{version}", "--max-time", "10"]
        command += ["--proxy", proxy.master.urls()[0], "--noproxy", "", "--cacert", str(proxy.authority.certificate)]
        command += ["--write-out", "%{http_version}"]
        command += ["-H", "Sec-Fetch-Mode: navigate", "-H", "Sec-Fetch-Dest: document", f"{origin.url}{path}"]
        curl = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert curl.stdout is not None
        page = await curl.stdout.readuntil(HALVES[0][-10:])
        goes_on.put_nowait(None)
        page += await curl.stdout.read()
        await curl.wait()
        assert page.endswith(version.encode())
        return page.removesuffix(version.encode())

    (tmp_path / "passes_on.js").write_text("onfetch = (event) => event.respondWith(fetch(event.request));")
    script = str(tmp_path / "passes_on.js")
    await proxy.context.register(f"{origin.url}/worker", script, "classic", "imports", local=True)
    for path in ("/network", "/worker"):
        origin.route(path, handler=answer)
        for version in ("1.1", "2"):
            page = await seen(version, path)
            assert page.startswith(b'<!doctype html><script src="/.swproxy/client.js?v=')
            assert re.sub(rb"<script.*?</script>", b"", page, count=1) == b"".join(HALVES)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [(None, None), ("identity", None), ("gzip", "gzip"), ("gzip, deflate, br, zstd", "br"), ("br;q=0, gzip", "gzip")],
)
@pytest.mark.usefixtures("proxy")
async def test_the_script_is_cacheable(
    streams: Streams, origin: Origin, accepted: str | None, coding: str | None
) -> None:
    """Its URL, which is in each document, is of its contents: it never changes; but for the coding."""
    origin.route("/", PAGE, "text/html; charset=utf-8")
    host = origin.url.removeprefix("https://")
    _, page = await answered(streams, "GET /", host)
    script = page_script()
    path = f"/.swproxy/client.js?v={script.version}"
    assert f'src="{path}"' in page
    reader, writer = streams
    line = f"Accept-Encoding: {accepted}\r\n" if accepted else ""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{line}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    assert head.startswith("http/1.1 200 ")
    assert fields["cache-control"] == "public, max-age=31536000, immutable"
    assert (fields["vary"], fields.get("content-encoding")) == ("accept-encoding", coding)
    body = await reader.readexactly(int(fields["content-length"]))
    assert body == (script.encoded[coding] if coding else script.body)


async def test_the_script_stays_cacheable_where_there_are_workers(
    proxy: OwnProxy, streams: Streams, origin: Origin, tmp_path: Path
) -> None:
    """Though all else that a worker could answer is asked for again."""
    (tmp_path / "worker.js").write_text("")
    await proxy.context.register(f"{origin.url}/", str(tmp_path / "worker.js"), "classic", "imports", local=True)
    origin.route("/script.js", "", "text/javascript")
    own = "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n"
    host = origin.url.removeprefix("https://")
    for path, control in (
        (f"/.swproxy/client.js?v={page_script().version}", "public, max-age=31536000, immutable"),
        ("/.swproxy/client.js?v=0", "no-store"),  # not what the document has meant
        ("/script.js", "no-cache"),
    ):
        head, _ = await answered(streams, f"GET {path}", host, own)
        assert f"\r\ncache-control: {control}\r\n" in head


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        (None, "no-cache"),
        ("max-age=60, private", "no-cache, max-age=60, private"),
        ('private="set-cookie', 'no-cache, private="set-cookie'),
        ("No-Store", "no-store"),
    ],
)
@pytest.mark.usefixtures("proxy")
async def test_no_document_is_used_again(streams: Streams, origin: Origin, said: str | None, sent: str) -> None:
    """But whatever else its origin has said of caches stays."""
    headers = {} if said is None else {"Cache-Control": said}
    origin.route("/", PAGE, "text/html; charset=utf-8", headers=headers)
    head, _ = await answered(streams, "GET /", origin.url.removeprefix("https://"))
    assert f"\r\ncache-control: {sent}\r\n" in head


async def test_an_origin_without_page_client(proxy: OwnProxy, streams: Streams, origin: Origin) -> None:
    """Never hears of requests that are for the proxy, from pages that were there before."""
    proxy.context.origin_settings.set(PAGE_CLIENT, origin.url, value=False)
    host = origin.url.removeprefix("https://")
    own = f"Origin: {origin.url}\r\nSec-Fetch-Site: same-origin\r\n"
    for path in ("channel", "document?url=/", "client.js", "cache/names"):
        assert " 404 " in (await answered(streams, f"GET /.swproxy/{path}", host, own))[0]
    assert origin.hits == []
    assert (await answered(streams, "GET /else", host, own))[0].startswith("http/1.1 404 ")
    assert origin.count("/else") == 1


@pytest.mark.parametrize(
    ("request_line", "headers", "is_on"),
    [
        ("POST /.swproxy/cache/names", ["Origin: https://other.test"], True),
        ("POST /.swproxy/cache/names", ["Origin: {}", "Service-Worker: script"], True),
        ("POST /.swproxy/cache/names", ["Origin: {}"], False),
        ("OPTIONS /.swproxy/client.js", ["Origin: {}"], True),
    ],
)
async def test_bodies_that_nobody_wants(
    proxy: OwnProxy, streams: Streams, origin: Origin, request_line: str, headers: list[str], is_on: bool
) -> None:
    """Are not waited for: mitmproxy would keep them in memory."""
    proxy.context.origin_settings.set(PAGE_CLIENT, origin.url, value=is_on)
    host = f"Host: {origin.url.removeprefix('https://')}"
    lines = [f"{request_line} HTTP/1.1", host, *headers, f"Content-Length: {1 << 40}", "", ""]
    streams[1].write("\r\n".join(lines).format(origin.url).encode())
    assert await ended(streams)
    assert origin.hits == []
