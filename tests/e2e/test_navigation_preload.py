"""Navigation preload with real clients: the origin has the request while the worker is still on its way."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import web
from origin import Origin
from playwright.sync_api import Browser
from proxy_process import ProxyProcess
from waiting import until

NAVIGATION = ["-H", "Sec-Fetch-Mode: navigate", "-H", "Sec-Fetch-Dest: document", "-H", "Accept: text/html"]
HEADER = "service-worker-navigation-preload"
PASSES_ON = """
onactivate = (event) => event.waitUntil(registration.navigationPreload.enable());
onfetch = (event) => {
  if (event.request.mode === "navigate") event.respondWith(event.preloadResponse);
};
"""


def registered(origin: Origin, proxy: ProxyProcess, source: str) -> None:
    origin.script("/sw.js", source)
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    origin.hits.clear()


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_a_navigation(origin: Origin, proxy: ProxyProcess, http: str) -> None:
    """One request reaches the origin, with the header and the client's cookies; what it sets goes to the client."""
    origin.route("/page", "preloaded", headers={"Set-Cookie": "b=2; SameSite=Strict; Secure", "X-A": "1"})
    registered(origin, proxy, PASSES_ON)
    got = proxy.curl(f"{origin.url}/page", *NAVIGATION, "-b", "a=1", http=http)
    assert (got.status, got.text, got.headers["x-a"]) == (200, "preloaded", "1")
    assert got.headers["set-cookie"] == "b=2; SameSite=Strict; Secure"
    (hit,) = [hit for hit in origin.hits if hit.path == "/page"]
    assert (hit.headers[HEADER], hit.headers["cookie"], hit.headers["sec-fetch-mode"]) == ("true", "a=1", "navigate")
    # What is no navigation has none.
    origin.hits.clear()
    assert proxy.curl(f"{origin.url}/page", "-H", "Sec-Fetch-Mode: no-cors", http=http).text == "preloaded"
    assert [HEADER in hit.headers for hit in origin.hits if hit.path == "/page"] == [False]


def test_it_does_not_wait_for_the_worker(origin: Origin, proxy: ProxyProcess) -> None:
    """The activate event goes on until the origin has the preload's request; the fetch event is after it."""
    arrived = asyncio.Event()
    order: list[str] = []

    async def gate(request: web.Request) -> web.Response:
        order.append("activate waits")
        await arrived.wait()
        return web.Response()

    async def page(request: web.Request) -> web.Response:
        order.append(f"preload {request.headers.get(HEADER)}")
        arrived.set()
        return web.Response(text="preloaded")

    origin.route("/gate", handler=gate)
    origin.route("/page", handler=page)
    origin.script(
        "/sw.js",
        """
        onactivate = (event) => event.waitUntil(
          registration.navigationPreload.enable()
            .then(() => registration.navigationPreload.setHeaderValue("early"))
            .then(() => fetch("/gate"))
            .then(() => fetch("/activated")));
        onfetch = (event) => {
          event.respondWith(Promise.all([event.preloadResponse, fetch("/fetching")]).then(([preload]) => preload));
        };
        """,
    )
    with ThreadPoolExecutor() as threads:
        registering = threads.submit(proxy.registered, f"{origin.url}/", f"{origin.url}/sw.js")
        until(lambda: order == ["activate waits"])
        assert proxy.curl(f"{origin.url}/page", *NAVIGATION).text == "preloaded"
        registering.result(20)
    assert order == ["activate waits", "preload early"]
    assert [hit.path for hit in origin.hits if hit.path != "/sw.js"] == ["/gate", "/page", "/activated", "/fetching"]


def test_it_survives_a_restart(origin: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """Also one by kill -9: it is enabled before the worker has started, and with the same value."""
    origin.route("/page", "preloaded")
    proxy = start_proxy()
    registered(
        origin,
        proxy,
        PASSES_ON.replace("enable()", "enable().then(() => registration.navigationPreload.setHeaderValue('kept'))"),
    )
    proxy.kill()
    again = start_proxy()
    assert again.curl(f"{origin.url}/page", *NAVIGATION).text == "preloaded"
    assert [hit.headers.get(HEADER) for hit in origin.hits if hit.path == "/page"] == ["kept"]


def test_redirects(origin: Origin, proxy: ProxyProcess) -> None:
    """Each is the client's to follow, and has a preload of its own in the scope; one to nowhere shows its body."""
    origin.route("/one", status=302, headers={"Location": "/two"})
    origin.route("/two", status=302, headers={"Location": "/page"})
    origin.route("/page", "the end")
    origin.route("/nowhere", "a body", status=302)
    registered(origin, proxy, PASSES_ON)
    assert proxy.curl(f"{origin.url}/one", *NAVIGATION, "--location").text == "the end"
    seen = [(hit.path, hit.headers.get(HEADER)) for hit in origin.hits if hit.path != "/sw.js"]
    assert seen == [("/one", "true"), ("/two", "true"), ("/page", "true")]
    nowhere = proxy.curl(f"{origin.url}/nowhere", *NAVIGATION)
    assert (nowhere.status, nowhere.text) == (302, "a body")


def test_a_body_in_pieces(origin: Origin, proxy: ProxyProcess) -> None:
    """It streams through worker and proxy: the client has the first piece before the origin sends the next."""
    has_first = asyncio.Event()

    async def pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"first ")
        await has_first.wait()
        await response.write(b"second")
        return response

    origin.route("/page", handler=pieces)
    registered(
        origin,
        proxy,
        PASSES_ON
        + """
        onfetch = (event) => event.respondWith(event.preloadResponse.then((response) => {
          fetch("/has-response");
          return response;
        }));
        """,
    )
    with ThreadPoolExecutor() as threads:
        asking = threads.submit(proxy.curl, f"{origin.url}/page", *NAVIGATION)
        until(lambda: origin.count("/has-response") == 1)
        origin._loop.call_soon_threadsafe(has_first.set)
        assert asking.result(20).text == "first second"


def test_broken_chunks(origin: Origin, proxy: ProxyProcess) -> None:
    """A body that breaks off is not known when the promise is fulfilled; who reads it gets an error."""

    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        assert request.transport is not None
        request.transport.write(b"hello\nworld\n")
        request.transport.close()
        return response

    origin.route("/page", handler=breaks)
    registered(
        origin,
        proxy,
        PASSES_ON
        + """
        onfetch = (event) => event.respondWith(event.preloadResponse.then(
          (response) => response.text().then(() => "whole", ({ name }) => `fulfilled, then ${name}`),
          ({ name }) => `rejected with ${name}`).then((text) => new Response(text)));
        """,
    )
    assert proxy.curl(f"{origin.url}/page", *NAVIGATION).text == "fulfilled, then TypeError"


def test_offline(origin: Origin, proxy: ProxyProcess) -> None:
    """The preload fails at once, and the worker can answer from its cache."""
    origin.route("/page", "preloaded")
    registered(
        origin,
        proxy,
        PASSES_ON
        + """
        onfetch = (event) => event.respondWith((async () => {
          const cache = await caches.open("v1");
          try {
            const response = await event.preloadResponse;
            event.waitUntil(cache.put(event.request, response.clone()));
            return response;
          } catch (error) {
            const { headers } = await cache.match(event.request);
            return Response.json([error.name, await (await cache.match(event.request)).text(), headers.has("x")]);
          }
        })());
        """,
    )
    assert proxy.curl(f"{origin.url}/page", *NAVIGATION).text == "preloaded"
    origin.hits.clear()
    proxy.offline(True)
    assert json.loads(proxy.curl(f"{origin.url}/page", *NAVIGATION).text) == ["TypeError", "preloaded", False]
    proxy.offline(False)
    origin.stop()
    assert json.loads(proxy.curl(f"{origin.url}/page", *NAVIGATION).text) == ["TypeError", "preloaded", False]
    assert origin.hits == []


def test_a_request_that_the_worker_leaves_alone(origin: Origin, proxy: ProxyProcess) -> None:
    """Goes to the network as the client sent it; the log says that the preload was for nothing."""
    origin.route("/page", "from the network")
    registered(origin, proxy, PASSES_ON + "onfetch = (event) => { void event.request; };")
    assert proxy.curl(f"{origin.url}/page", *NAVIGATION).text == "from the network"
    assert HEADER not in [hit for hit in origin.hits if hit.path == "/page"][-1].headers
    until(lambda: any("was for nothing" in line.get("text", "") for line in proxy.log()))


IN_A_PAGE = """
async () => {
  const name = (work) => work.then((value) => value ?? null, (error) => error.name);
  const registration = await navigator.serviceWorker.register("/sw.js", { scope: "/in/" });
  const { navigationPreload } = registration;
  const early = await Promise.all([
    navigationPreload.enable(), navigationPreload.setHeaderValue("x"), navigationPreload.getState()].map(name));
  fetch("/activate");
  const worker = registration.installing;
  await new Promise((resolve) => { worker.onstatechange = () => worker.state === "activated" && resolve(); });
  const late = [];
  for (const work of [
    () => navigationPreload.enable(), () => navigationPreload.setHeaderValue(" \xe9 "),
    () => navigationPreload.setHeaderValue("a\\n"), () => navigationPreload.setHeaderValue("\\u0100"),
    () => navigationPreload.setHeaderValue(), () => navigationPreload.enable.call({}),
    () => navigationPreload.getState(),
  ]) late.push(await name(work()));
  let made;
  try { new NavigationPreloadManager(); } catch (error) { made = error.name; }
  return [early, late, made, navigationPreload === registration.navigationPreload,
    navigationPreload instanceof NavigationPreloadManager, String(navigationPreload)];
}
"""


def test_in_a_page_of_chromium(
    origin: Origin, start_proxy: Callable[..., ProxyProcess], launch: Callable[..., Browser]
) -> None:
    """The page enables it for a registration of its own; its next navigation into the scope has it."""
    may_activate = asyncio.Event()

    async def installing(request: web.Request) -> web.Response:
        await may_activate.wait()
        return web.Response()

    async def activate(request: web.Request) -> web.Response:
        may_activate.set()
        return web.Response()

    origin.route("/installing", handler=installing)
    origin.route("/activate", handler=activate)
    origin.route("/", "<!doctype html><link rel=icon href='data:,'>", "text/html")
    origin.route("/in/page", "<!doctype html><title>preloaded</title>", "text/html")
    origin.script(
        "/sw.js",
        """
        oninstall = (event) => event.waitUntil(fetch("/installing"));
        onfetch = (event) => event.respondWith(event.preloadResponse);
        """,
    )
    proxy = start_proxy("--intercept", "localhost")
    page = launch(proxy).new_context(ignore_https_errors=True).new_page()
    page.goto(f"{origin.url}/")
    refused = "InvalidStateError"
    assert page.evaluate(IN_A_PAGE) == [
        [refused, refused, {"enabled": False, "headerValue": "true"}],
        [
            None,
            None,
            "TypeError",
            "TypeError",
            "TypeError",
            "TypeError",
            {"enabled": True, "headerValue": "\xe9"},
        ],
        *("TypeError", True, True, "[object NavigationPreloadManager]"),
    ]
    page.goto(f"{origin.url}/in/page")
    assert page.title() == "preloaded"
    (hit,) = [hit for hit in origin.hits if hit.path == "/in/page"]
    assert hit.headers[HEADER].encode("utf-8", "surrogateescape") == b"\xe9"
    assert hit.headers["sec-fetch-dest"] == "document"
