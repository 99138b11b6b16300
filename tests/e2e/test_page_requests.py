"""What controlled pages fetch in Chromium: workers see the whole request, and hosts no more than without them."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from chromium import PROGRAM, TRUSTING
from origin import Origin
from playwright.sync_api import Browser, Page, sync_playwright
from proxy_process import ProxyProcess

from certs.pki import Pki

PROXY_ARGUMENTS = ("--intercept-all",)

BLANK = '<!doctype html><meta charset="utf-8"><title>blank</title><link rel="icon" href="data:,">'
WORKER = """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
let seen = [];
onfetch = (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/seen") event.respondWith(Response.json(seen));
  else seen.push([pathname, event.request.mode, event.request.integrity]);
  if (pathname === "/fails") event.respondWith(Response.error());
  if (pathname === "/content") event.respondWith(new Response("content"));
};
"""
SEEN = "fetch('/seen').then((response) => response.json())"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=TRUSTING)
        yield browser
        browser.close()


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.route("/", BLANK, "text/html")
    origin.script("/sw.js", WORKER)
    return origin


@pytest.fixture
def elsewhere(pki: Pki) -> Iterator[Origin]:
    """Another origin, by another name."""
    other = Origin(pki.good())
    for path in ("/fails", "/content", "/network"):
        other.route(path, "content")
    other.route("/shared", "content", headers={"Access-Control-Allow-Origin": "*"})
    yield other
    other.close()


def url_of(elsewhere: Origin) -> str:
    return elsewhere.url.replace("localhost", "127.0.0.1")


@contextmanager
def controlled(browser: Browser, proxy: ProxyProcess, site: Origin, bypass: str = "") -> Iterator[Page]:
    """A page whose requests to ``bypass`` do not go through the proxy, which does not know that."""
    context = browser.new_context(
        ignore_https_errors=True, proxy={"server": proxy.url, "bypass": f"<-loopback>,{bypass}"}
    )
    try:
        page = context.new_page()
        page.goto(f"{site.url}/")
        page.evaluate("""(async () => {
          const changed = new Promise((resolve) => (navigator.serviceWorker.oncontrollerchange = resolve));
          await navigator.serviceWorker.register("/sw.js");
          await changed;
        })()""")
        yield page
    finally:
        context.close()


def integrity_of(algorithm: str) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, b'content').digest()).decode()}"


def hidden(url: str, method: str = "GET") -> str:
    """What comes of a request without CORS."""
    options = f"{{mode: 'no-cors', method: '{method}'}}"
    return f"fetch('{url}', {options}).then(async (r) => [r.type, r.status, await r.text()], (e) => e.name)"


def test_without_cors_a_worker_answers_or_fails(
    browser: Browser, proxy: ProxyProcess, site: Origin, elsewhere: Origin
) -> None:
    """The other host is asked only if the worker leaves it to the network."""
    other = url_of(elsewhere)
    with controlled(browser, proxy, site) as page:
        assert page.evaluate(hidden(f"{other}/content")) == ["basic", 200, "content"]
        assert page.evaluate(hidden(f"{other}/fails")) == "TypeError"
        assert elsewhere.hits == []
        assert page.evaluate(hidden(f"{other}/network")) == ["opaque", 0, ""]
        assert page.evaluate(SEEN) == [[f"/{name}", "no-cors", ""] for name in ("content", "fails", "network")]
    assert [hit.path for hit in elsewhere.hits] == ["/network"]


def test_hosts_that_are_decrypted(browser: Browser, start_proxy: Callable[..., ProxyProcess], site: Origin) -> None:
    """A document knows of those that it asks for whether they are; it cannot read which there are."""
    hosts = ("localhost", "one.example", "*.more.example")
    proxy = start_proxy(*(argument for host in hosts for argument in ("--intercept", host)))
    with controlled(browser, proxy, site) as page:
        for host in ("one.example", "a.more.example", "a.b.more.example"):
            assert page.evaluate(hidden(f"https://{host}/content")) == ["basic", 200, "content"], host
        for host in ("more.example", "a.one.example", "no-more.example"):
            assert page.evaluate(hidden(f"https://{host}/content")) == "TypeError", host
        told = page.evaluate("fetch('/.swproxy/document?url=' + location.href).then((response) => response.json())")
    assert [type(host) for host in told["hosts"]] == [int, int, int]
    assert "example" not in str(told)


def test_without_cors_or_proxy(browser: Browser, proxy: ProxyProcess, site: Origin, elsewhere: Origin) -> None:
    """A host that is not decrypted, though the proxy would, answers; nothing is sent to it twice that changes it."""
    other = url_of(elsewhere)
    with controlled(browser, proxy, site, "127.0.0.1") as page:
        assert page.evaluate(hidden(f"{other}/network")) == ["opaque", 0, ""]
        elsewhere.hits.clear()
        assert page.evaluate(hidden(f"{other}/network", "POST")) == "TypeError"
        assert [hit.method for hit in elsewhere.hits] == ["POST"]
        assert page.evaluate(hidden("https://127.0.0.1:1/")) == "TypeError"
        assert page.evaluate(SEEN) == []


@pytest.mark.parametrize("algorithm", ["sha256", "sha384"])
def test_integrity(browser: Browser, proxy: ProxyProcess, site: Origin, elsewhere: Origin, algorithm: str) -> None:
    """The worker sees it; no host that is not decrypted has to allow it."""
    integrity = integrity_of(algorithm)
    site.route("/redirects", status=302, headers={"Location": f"{url_of(elsewhere)}/shared"})
    with controlled(browser, proxy, site, "127.0.0.1") as page:
        for path in ("/content", "/redirects"):
            read = f"fetch('{path}', {{integrity: '{integrity}'}}).then((r) => r.text())"
            assert page.evaluate(read) == "content"
        assert page.evaluate(SEEN) == [[path, "cors", integrity] for path in ("/content", "/redirects")]
    assert [hit.method for hit in elsewhere.hits] == ["GET"]


def test_integrity_that_is_too_long(browser: Browser, proxy: ProxyProcess, site: Origin, elsewhere: Origin) -> None:
    """What would need a preflight is left out; the browser itself checks it."""
    site.route("/redirects", status=302, headers={"Location": f"{url_of(elsewhere)}/shared"})
    with controlled(browser, proxy, site, "127.0.0.1") as page:
        read = f"fetch('/redirects', {{integrity: '{integrity_of('sha512')}'}}).then((r) => r.text())"
        assert page.evaluate(read) == "content"
        assert page.evaluate(SEEN) == [["/redirects", "cors", ""]]
