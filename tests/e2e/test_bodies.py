"""Large and endless bodies, in both directions."""

import hashlib
import subprocess
from collections.abc import Callable

import psutil
import pytest
from aiohttp import web
from origin import Origin
from proxy_process import ProxyProcess

MIB = 1 << 20
BLOCK = bytes(range(256)) * 4096  # 1 MiB

CACHING = """
self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/store") {
    event.respondWith((async () => {
      const cache = await caches.open("v1");
      await cache.add("/big");
      return new Response("stored");
    })());
  } else if (pathname === "/big") {
    event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
  } else if (pathname === "/tee") {
    event.respondWith((async () => {
      const response = await fetch("/big");
      const copy = response.clone();
      event.waitUntil(caches.open("tee").then((cache) => cache.put("/tee-copy", copy)));
      return response;
    })());
  } else if (pathname === "/tee-copy") {
    event.respondWith(caches.match(event.request));
  } else if (pathname === "/echo") {
    event.respondWith(event.request.text().then((text) => new Response(`${text.length} ${text.slice(0, 5)}`)));
  }
});
"""


def big_route(size: int, *, content_length: bool = True) -> Callable[[web.Request], object]:
    """Streams ``size`` MiB."""

    async def serve(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        if content_length:
            response.content_length = size * MIB
        await response.prepare(request)
        for _ in range(size):
            await response.write(BLOCK)
        await response.write_eof()
        return response

    return serve


def digest_of(size: int) -> str:
    digest = hashlib.sha256()
    for _ in range(size):
        digest.update(BLOCK)
    return digest.hexdigest()


def curl_digest(proxy: ProxyProcess, url: str) -> str:
    """The SHA-256 of what curl gets, without keeping it."""
    command = f"curl -sS --noproxy '' -x {proxy.url} --cacert {proxy.ca} {url} | sha256sum"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout.split()[0]


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.script("/sw.js", CACHING)
    return origin


def private_memory(process: psutil.Process) -> int:
    """Bytes that only this process has (unique set size)."""
    return int(process.memory_full_info().uss)


def test_a_gibibyte_is_cached_and_served(site: Origin, proxy: ProxyProcess) -> None:
    """1 GiB goes into the cache and out again with less than 100 MiB of extra memory in every process."""
    size = 1024
    site.route("/big", handler=big_route(size))
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    assert proxy.curl(f"{site.url}/warm").status == 404
    main = psutil.Process(proxy.process.pid)
    processes = [main, *main.children(recursive=True)]
    before = {process.pid: private_memory(process) for process in processes}
    peak = dict(before)

    def watch() -> None:
        for process in processes:
            peak[process.pid] = max(peak[process.pid], private_memory(process))

    watcher = _Watcher(watch)
    try:
        assert proxy.curl(f"{site.url}/store", timeout=100).text == "stored"
        site.stop()
        assert curl_digest(proxy, f"{site.url}/big") == digest_of(size)
    finally:
        watcher.stop()
    extra = {pid: (peak[pid] - before[pid]) / MIB for pid in peak}
    assert max(extra.values()) < 100, extra


class _Watcher:
    """Calls a function again and again on a thread."""

    def __init__(self, look: Callable[[], None]) -> None:
        import threading

        self._stop = threading.Event()
        self._look = look
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self._look()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)


def test_a_response_and_its_clone(site: Origin, proxy: ProxyProcess) -> None:
    """A body that arrives is passed on to the client and kept in a cache at the same time."""
    size = 30
    site.route("/big", handler=big_route(size, content_length=False))
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    assert curl_digest(proxy, f"{site.url}/tee") == digest_of(size)
    site.stop()
    assert curl_digest(proxy, f"{site.url}/tee-copy") == digest_of(size)


def test_an_endless_response_arrives_as_it_comes(site: Origin, proxy: ProxyProcess) -> None:
    """The first bytes of a response that does not end reach the client at once, through a worker and past it."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        import asyncio

        await asyncio.Event().wait()
        return response

    site.route("/events", handler=endless)
    site.script(
        "/pass/sw.js", "onfetch = (event) => event.respondWith(fetch(event.request.url.replace('/pass', '')));"
    )
    proxy.registered(f"{site.url}/pass/", f"{site.url}/pass/sw.js")
    for path in ("/events", "/pass/events"):
        got = proxy.curl(f"{site.url}{path}", "--no-buffer", timeout=3)
        assert got.body == b"data: first\n\n", path
        assert got.exit_code == 28  # the time-out of curl: it was not the end


def test_uploads(site: Origin, proxy: ProxyProcess, tmp_path: object) -> None:
    """Small and large uploads reach a worker, and the origin if the worker leaves them alone."""
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    site.route("/up", "received")
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    for size in (10, 5 * MIB):
        upload = tmp_path / "upload"
        upload.write_bytes(b"abcde" * (size // 5))
        length = size // 5 * 5
        for http in ("--http1.1", "--http2"):
            echoed = proxy.curl(f"{site.url}/echo", "--data-binary", f"@{upload}", http=http)
            assert echoed.text == f"{length} abcde", (size, http)
            passed = proxy.curl(f"{site.url}/up", "--data-binary", f"@{upload}", "-H", "X-Mine: 1", http=http)
            assert passed.text == "received"
            assert site.hits[-1].body == upload.read_bytes()
            assert site.hits[-1].headers["x-mine"] == "1"
            piped = ["-X", "POST", "-T", "-"]  # curl cannot say how long it is
            data = upload.read_bytes()
            assert proxy.curl(f"{site.url}/echo", *piped, http=http, stdin=data).text == f"{length} abcde"
            assert proxy.curl(f"{site.url}/up", *piped, http=http, stdin=data).text == "received"
            assert site.hits[-1].body == data


def test_an_upload_of_unknown_length_without_a_scope(site: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """It passes through a decrypted host, whichever HTTP the two sides speak."""
    site.route("/up", "received")
    proxy = start_proxy("--intercept", "localhost")
    for http in ("--http1.1", "--http2"):
        got = proxy.curl(f"{site.url}/up", "-X", "POST", "-T", "-", http=http, stdin=b"abcde")
        assert got.text == "received"
        assert [(hit.method, hit.body) for hit in site.hits] == [("POST", b"abcde")]
        site.hits.clear()


def test_a_body_that_breaks_off(site: Origin, proxy: ProxyProcess) -> None:
    """The client sees that a response was not whole; no half of it is cached."""

    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 10 * MIB
        await response.prepare(request)
        await response.write(BLOCK)
        assert request.transport is not None
        request.transport.abort()
        return response

    site.route("/big", handler=broken)
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    assert proxy.curl(f"{site.url}/big").exit_code in (18, 56, 92)
    assert proxy.curl(f"{site.url}/store").status == 502
    assert proxy.run("caches", "keys", site.url, "v1", "--json").stdout.strip() == "[]"
