"""kill -9 at bad moments."""

import os
import signal
import threading
from collections.abc import Callable

from aiohttp import web
from origin import Origin
from proxy_process import ProxyProcess

WORKER = """
const wanted = ["/one", "/two", "/slow"];
self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/add") {
    event.respondWith(caches.open("v1").then((cache) => cache.addAll(wanted)).then(() => new Response("added")));
  } else if (pathname === "/seed") {
    event.respondWith(caches.open("v1").then((cache) => cache.add("/one")).then(() => new Response("seeded")));
  } else if (pathname === "/keys") {
    event.respondWith(caches.open("v1").then((cache) => cache.keys()).then((keys) =>
      Response.json(keys.map((request) => new URL(request.url).pathname))));
  } else {
    event.respondWith(caches.match(event.request).then((found) => found ?? Response.error()));
  }
});
"""


def prepare(origin: Origin) -> threading.Event:
    """The site; the event is set when the slow file is being waited for."""
    waiting = threading.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        import asyncio

        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        waiting.set()
        await asyncio.sleep(30)
        return response

    origin.script("/sw.js", WORKER)
    origin.route("/one", b"1" * 200_000)
    origin.route("/two", b"2" * 200_000)
    origin.route("/slow", handler=slow)
    return waiting


def start_add_all(proxy: ProxyProcess, origin: Origin, waiting: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=lambda: proxy.curl(f"{origin.url}/add"), daemon=True)
    thread.start()
    assert waiting.wait(20)
    return thread


def files_of(proxy: ProxyProcess) -> list[str]:
    """The body files in the caches."""
    return sorted(str(path) for path in proxy.profile.caches.rglob("*.val"))


def test_kill_the_worker_in_add_all(origin: Origin, proxy: ProxyProcess) -> None:
    """All or nothing: what was there stays, nothing new appears, no file is left over."""
    waiting = prepare(origin)
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    assert proxy.curl(f"{origin.url}/seed").text == "seeded"
    before = files_of(proxy)
    thread = start_add_all(proxy, origin, waiting)
    pid = proxy.worker_pid(f"{origin.url}/")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    thread.join(20)
    assert proxy.curl(f"{origin.url}/keys").text == '["/one"]'
    assert proxy.curl(f"{origin.url}/one").body == b"1" * 200_000
    assert files_of(proxy) == before


def test_kill_the_proxy_in_add_all(origin: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """The same when the proxy itself is killed, and started again."""
    waiting = prepare(origin)
    proxy = start_proxy()
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    assert proxy.curl(f"{origin.url}/seed").text == "seeded"
    before = files_of(proxy)
    start_add_all(proxy, origin, waiting)
    proxy.kill()
    again = start_proxy()
    assert again.curl(f"{origin.url}/keys").text == '["/one"]'
    assert again.curl(f"{origin.url}/one").body == b"1" * 200_000
    assert files_of(again) == before
    assert list(again.profile.scratch.rglob("*.tmp*")) == []


def test_kill_between_bodies_and_commit(origin: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """Bodies that were written before a crash, and never became part of an entry, are swept at the next start."""
    from swproxy.storage import cache_storage
    from swproxy.storage.bodies import BytesBody
    from swproxy.storage.origins import directory_of

    prepare(origin)
    proxy = start_proxy()
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    proxy.curl(f"{origin.url}/seed")
    before = files_of(proxy)
    proxy.kill()
    storage = cache_storage.CacheStorage(directory_of(proxy.profile.caches, origin.url))
    cache = storage.open("v1")
    written: list[int] = []
    put = cache_storage.Put(
        cache_storage.StoredRequest("GET", f"{origin.url}/two", [], {}),
        cache_storage.StoredResponse("basic", [], 200, "OK", []),
        BytesBody(b"2" * 200_000),
        0.0,
    )
    cache._write_body(put, written)
    storage.close()
    assert len(files_of(proxy)) == len(before) + 1
    again = start_proxy()
    assert again.curl(f"{origin.url}/keys").text == '["/one"]'
    assert files_of(again) == before
