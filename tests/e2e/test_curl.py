"""With real curl: online, offline, restarts, crashes."""

import os
import signal
from collections.abc import Callable

import pytest
from origin import Origin
from proxy_process import ProxyProcess

WORKER = """
const CACHE = "v1";
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(["/", "/style.css", "/large"])));
  self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
});
"""


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.script("/sw.js", WORKER)
    origin.route("/", "<h1>home ✓</h1>", "text/html; charset=utf-8")
    origin.route("/style.css", "body {}", "text/css")
    origin.route("/large", bytes(range(256)) * 4000, "application/octet-stream")
    origin.route("/other", "from the network")
    return origin


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_the_site_works_without_its_origin(site: Origin, proxy: ProxyProcess, http: str) -> None:
    """What the worker has cached is served when the origin is gone; the rest is a clear 502."""
    registered = proxy.register(f"{site.url}/", f"{site.url}/sw.js")
    assert registered.returncode == 0, registered.stderr
    assert "activated" in registered.stdout
    assert proxy.curl(f"{site.url}/other", http=http).text == "from the network"

    site.stop()
    home = proxy.curl(f"{site.url}/", http=http)
    assert (home.status, home.text, home.headers["content-type"]) == (
        200,
        "<h1>home ✓</h1>",
        "text/html; charset=utf-8",
    )
    assert home.http_version == ("2" if http == "--http2" else "1.1")
    assert proxy.curl(f"{site.url}/large", http=http).body == bytes(range(256)) * 4000
    gone = proxy.curl(f"{site.url}/other", http=http)
    assert gone.status == 502
    assert "cannot reach" in gone.text


def test_offline_mode_keeps_everything_in(site: Origin, proxy: ProxyProcess) -> None:
    """Offline, the cached site works and nothing reaches the origin, with or without a worker."""
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    assert proxy.run("offline", "on").stdout == "The proxy is offline.\n"
    site.hits.clear()
    assert proxy.curl(f"{site.url}/").text == "<h1>home ✓</h1>"
    assert proxy.curl(f"{site.url}/other").status == 502
    assert proxy.curl("https://localhost:1/", "--insecure").status in (0, 502)
    assert site.hits == []
    proxy.run("offline", "off")
    assert proxy.curl(f"{site.url}/other").text == "from the network"


def test_everything_survives_a_restart(site: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """Registration, script and caches are there after the proxy has been stopped, and after kill -9."""
    first = start_proxy()
    first.registered(f"{site.url}/", f"{site.url}/sw.js")
    site.stop()
    assert first.stop() == 0
    second = start_proxy()
    assert second.curl(f"{site.url}/").text == "<h1>home ✓</h1>"
    second.kill()
    third = start_proxy()
    assert third.curl(f"{site.url}/style.css").text == "body {}"


def test_a_killed_worker_is_started_again(site: Origin, proxy: ProxyProcess) -> None:
    """kill -9 of the worker process: the next request starts a fresh one."""
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    assert proxy.curl(f"{site.url}/").status == 200
    pid = proxy.worker_pid(f"{site.url}/")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert proxy.curl(f"{site.url}/").text == "<h1>home ✓</h1>"
    assert proxy.worker_pid(f"{site.url}/") not in (None, pid)


def test_unregister_gives_the_site_back(site: Origin, proxy: ProxyProcess) -> None:
    """After unregister the network answers."""
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    site.route("/", "new")
    assert proxy.curl(f"{site.url}/").text == "<h1>home ✓</h1>"
    assert proxy.run("unregister", f"{site.url}/").returncode == 0
    assert proxy.status()["registrations"] == []
    direct = proxy.curl(f"{site.url}/", "--insecure")
    assert direct.text == "new"
