"""With real Chromium, its own service workers disabled: online, offline, restarts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from origin import Origin
from playwright.sync_api import Browser, Page
from proxy_process import ProxyProcess

WORKER = """
self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open("v1").then((cache) => cache.addAll(["/", "/app.js", "/pixel.png", "/data.json"])));
});
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.pathname === "/made-up") {
    const { mode, destination, credentials, referrer } = event.request;
    event.respondWith(Response.json({ mode, destination, credentials, referrer, clientId: event.clientId !== "" }));
  } else if (url.pathname === "/stream") {
    const encoder = new TextEncoder();
    let count = 0;
    event.respondWith(new Response(new ReadableStream({
      pull(controller) {
        if (++count > 5) controller.close();
        else controller.enqueue(encoder.encode(`chunk ${count};`));
      },
    })));
  } else {
    event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
  }
});
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>home</title><link rel="icon" href="data:,">
<img src="/pixel.png" id="pixel"><script src="/app.js"></script>"""
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f"
    "0003860180016a9a970000000049454e44ae426082"
)


@contextmanager
def page_of(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(ignore_https_errors=True, service_workers="block")
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.script("/sw.js", WORKER)
    origin.route("/", PAGE, "text/html")
    origin.script("/app.js", "document.title = 'app ran';")
    origin.route("/pixel.png", PIXEL, "image/png")
    origin.route("/data.json", '{"cached": true}', "application/json")
    origin.route("/live", "live")
    return origin


def fetch_text(page: Page, path: str, init: str = "{}") -> str:
    """What the page's fetch() gives, or the name of its error."""
    script = f"fetch({path!r}, {init}).then((r) => r.text(), (e) => e.constructor.name)"
    return str(page.evaluate(script))


def test_a_page_works_offline(site: Origin, proxy: ProxyProcess, launch: Callable[[ProxyProcess], Browser]) -> None:
    """Page, script, image and fetch() come from the worker when the origin is gone; the rest is a network error."""
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    browser = launch(proxy)
    with page_of(browser) as page:
        page.goto(f"{site.url}/")
        assert fetch_text(page, "/live") == "live"
        site.stop()
        page.reload()
        assert page.title() == "app ran"
        assert page.evaluate("document.getElementById('pixel').naturalWidth") == 1
        assert fetch_text(page, "/data.json") == '{"cached": true}'
        assert fetch_text(page, "/live") == "TypeError"


def test_offline_mode_and_restart(
    site: Origin, start_proxy: Callable[..., ProxyProcess], launch: Callable[[ProxyProcess], Browser]
) -> None:
    """The same after a restart of the proxy, with its network turned off."""
    first = start_proxy()
    first.registered(f"{site.url}/", f"{site.url}/sw.js")
    first.stop()
    second = start_proxy("--offline")
    site.hits.clear()
    with page_of(launch(second)) as page:
        page.goto(f"{site.url}/")
        assert page.title() == "app ran"
        assert fetch_text(page, "/live") == "TypeError"
        assert site.hits == []


def test_requests_look_as_in_a_browser(
    site: Origin, proxy: ProxyProcess, launch: Callable[[ProxyProcess], Browser]
) -> None:
    """Mode, destination, credentials, referrer and client of a page's requests arrive in the worker."""
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    with page_of(launch(proxy)) as page:
        page.goto(f"{site.url}/")
        got = page.evaluate("fetch('/made-up').then((r) => r.json())")
        assert got == {
            "mode": "cors",
            "destination": "",
            "credentials": "same-origin",
            "referrer": f"{site.url}/",
            "clientId": True,
        }
        navigated = page.goto(f"{site.url}/made-up")
        assert navigated is not None
        assert navigated.json()["mode"] == "navigate"
        assert navigated.json()["destination"] == "document"


def test_a_stream_made_by_the_worker_arrives(
    site: Origin, proxy: ProxyProcess, launch: Callable[[ProxyProcess], Browser]
) -> None:
    """A Response of a ReadableStream is streamed to the page."""
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    with page_of(launch(proxy)) as page:
        page.goto(f"{site.url}/")
        assert fetch_text(page, "/stream") == "chunk 1;chunk 2;chunk 3;chunk 4;chunk 5;"


def test_an_uncontrolled_page_stays_uncontrolled(
    site: Origin, proxy: ProxyProcess, launch: Callable[[ProxyProcess], Browser]
) -> None:
    """A page that was loaded before the registration is not controlled until it is reloaded, or claimed."""
    site.script("/sw.js", "onfetch = (event) => event.respondWith(new Response('worker'));")
    proxy.curl(f"{site.url}/")  # nothing registered yet: the proxy passes on
    proxy.registered(f"{site.url}/other/", f"{site.url}/sw.js")
    with page_of(launch(proxy)) as page:
        page.goto(f"{site.url}/")
        proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
        assert fetch_text(page, "/live") == "live"
        page.goto(f"{site.url}/again")
        assert page.inner_text("body") == "worker"
        assert fetch_text(page, "/live") == "worker"
