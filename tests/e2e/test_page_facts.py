"""What a worker learns of the documents in Chromium and of what they ask for, and they of it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from chromium import PROGRAM, TRUSTING
from origin import Origin
from playwright.sync_api import BrowserContext, Page, sync_playwright
from proxy_process import ProxyProcess
from waiting import until

from certs.pki import Pki

BLANK = '<!doctype html><meta charset="utf-8"><title>blank</title><link rel="icon" href="data:,"><body>'
WORKER = """
const read = async (body, source) => {
  let text = "";
  for await (const chunk of body) {
    text += new TextDecoder().decode(chunk);
    source.postMessage(text);
  }
  return new Response(text);
};
const all = async () =>
  Response.json((await clients.matchAll()).map(({ url, focused, ancestorOrigins }) =>
    [new URL(url).pathname, focused, ancestorOrigins]));
onfetch = (event) => {
  const { request, clientId } = event;
  const { pathname } = new URL(request.url);
  const headers = { "Content-Type": "text/html" };
  const { isReloadNavigation, keepalive } = request;
  if (pathname === "/clients") event.respondWith(all());
  if (pathname === "/keepalive") event.respondWith(Response.json(keepalive));
  if (pathname === "/reload") event.respondWith(new Response(`${BLANK}${isReloadNavigation}`, { headers }));
  if (pathname === "/stream") event.respondWith(clients.get(clientId).then((client) => read(request.body, client)));
};
onmessage = async ({ data, source }) => {
  source.postMessage("message");
  if (data === "go on") await fetch("/go-on");
};
"""

FRAME = """async (src) => {
  const frame = Object.assign(document.createElement("iframe"), { src });
  const loaded = new Promise((resolve) => (frame.onload = resolve));
  document.body.append(frame);
  await loaded;
}"""


@pytest.fixture(scope="module")
def site(pki: Pki) -> Iterator[Origin]:
    origin = Origin(pki.good())
    for path in ("/", "/a", "/b", "/c", "/frame"):
        origin.route(path, BLANK, "text/html")
    origin.script("/sw.js", f"const BLANK = {BLANK!r};{WORKER}")
    yield origin
    origin.close()


@pytest.fixture(scope="module")
def open_context(
    site: Origin, pki: Pki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], BrowserContext]]:
    """New ones, of a browser behind a proxy where the site has its worker."""
    proxy = ProxyProcess(tmp_path_factory.mktemp("proxy"), pki.ca_certificate, "--intercept-all")
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    server: Any = {"server": proxy.url, "bypass": "<-loopback>"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=TRUSTING, proxy=server)
        yield lambda: browser.new_context(ignore_https_errors=True)
        browser.close()
    proxy.kill()


@pytest.fixture
def context(open_context: Callable[[], BrowserContext]) -> Iterator[BrowserContext]:
    context = open_context()
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: Origin) -> Page:
    page = context.new_page()
    page.goto(f"{site.url}/")
    return page


def clients(page: Page) -> Any:
    """Path, focus and ancestors of each, in the worker's order."""
    return page.evaluate("fetch('/clients').then((response) => response.json())")


# Requests


def test_a_body_that_streams(page: Page) -> None:
    """The worker has each piece before the page makes the next."""
    seen = page.evaluate(
        """async () => {
          const pieces = ["one", "two", "three"];
          const heard = [];
          let controller;
          const body = new ReadableStream({ start: (given) => (controller = given) });
          const next = () => {
            if (heard.length === pieces.length) controller.close();
            else controller.enqueue(new TextEncoder().encode(pieces[heard.length]));
          };
          navigator.serviceWorker.onmessage = ({ data }) => next(heard.push(data));
          next();
          const response = await fetch("/stream", { method: "POST", body, duplex: "half" });
          return [heard, await response.text()];
        }"""
    )
    assert seen == [["one", "onetwo", "onetwothree"], "onetwothree"]


@pytest.mark.parametrize("keepalive", [True, False])
def test_keepalive(page: Page, keepalive: bool) -> None:
    asked = "(keepalive) => fetch('/keepalive', { keepalive }).then((response) => response.json())"
    assert page.evaluate(asked, keepalive) is keepalive


def test_reloading(page: Page, site: Origin) -> None:
    """By the user, and by a script; no other navigation to where one is."""
    url = f"{site.url}/reload"

    def seen() -> str:
        return page.evaluate("document.body.textContent")

    page.goto(url)
    assert seen() == "false"
    page.reload()
    assert seen() == "true"
    page.goto(url)
    assert seen() == "false"
    with page.expect_navigation():
        page.evaluate("location.reload()")
    assert seen() == "true"
    with page.expect_navigation():
        page.evaluate("location.href = '/reload?'")
    assert seen() == "false"


# Messages


@pytest.mark.parametrize(
    ("starts", "comes_early"),
    [("", False), ("navigator.serviceWorker.startMessages();", True)],
    ids=["by itself", "startMessages"],
)
def test_messages_wait_for_the_document(page: Page, site: Origin, starts: str, comes_early: bool) -> None:
    """Until it is parsed, or its script asks for them; it is held up until the worker has sent one."""
    goes_on = asyncio.Event()
    script = f"""<script>
    const states = [];
    const container = navigator.serviceWorker;
    container.addEventListener("message", () => {{
      states.push(document.readyState);
      fetch("/go-on");
    }});
    {starts}
    container.controller.postMessage("{"" if starts else "go on"}");
    </script>"""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(f"{BLANK}{script}".encode())
        await goes_on.wait()
        return response

    async def go_on(_: web.Request) -> web.StreamResponse:
        goes_on.set()
        return web.Response()

    site.route("/slow", handler=answer)
    site.route("/go-on", handler=go_on)
    page.goto(f"{site.url}/slow")
    page.wait_for_function("states.length > 0")
    assert page.evaluate("states.map((state) => state === 'loading')") == [comes_early]


# Registrations


def test_update_via_cache(page: Page, site: Origin) -> None:
    """What the page says, until it says something else: the next document sees it, too, and updates go by it."""
    site.script("/importing.js", "importScripts('/imported.js');")
    site.script("/imported.js", "// empty")
    register = """async (updateViaCache) => {
      const options = { scope: "/app/", updateViaCache };
      return (await navigator.serviceWorker.register("/importing.js", options)).updateViaCache;
    }"""
    update = """async () => {
      const registration = await navigator.serviceWorker.getRegistration("/app/");
      return (await registration.update()).updateViaCache;
    }"""
    anew = "max-age=0"
    for value, script, imported in (("all", None, None), ("none", anew, anew), ("imports", anew, None)):
        assert page.evaluate(register, value) == value
        page.reload()
        site.hits.clear()
        assert page.evaluate(update) == value
        seen = {hit.path: hit.headers.get("cache-control") for hit in site.hits}
        assert (seen["/importing.js"], seen["/imported.js"]) == (script, imported)
    page.evaluate("navigator.serviceWorker.getRegistration('/app/').then((it) => it.unregister())")


# Clients


def test_ancestor_origins(page: Page, site: Origin) -> None:
    """Of a frame in another site's frame; the nearest is first."""
    other = site.url.replace("localhost", "127.0.0.1")
    site.route("/around", f'{BLANK}<iframe src="{site.url}/frame"></iframe>', "text/html")
    page.evaluate(FRAME, f"{other}/around")
    assert clients(page) == [["/", True, []], ["/frame", False, [other, site.url]]]


def test_order(page: Page, context: BrowserContext, site: Origin) -> None:
    """Those that had the focus last come first; those that never had it as they were made."""
    page.evaluate(FRAME, "/b?")
    page.evaluate(FRAME, "/a?")
    assert context.browser is not None
    driver = context.browser.new_browser_cdp_session()
    tabs: dict[str, str] = {}

    def comes_to(paths: str, focused: str) -> None:
        expected = [[f"/{path}", f"/{path}" == focused or path == "", []] for path in paths.split("/")]
        expected += [["/b", False, [site.url]], ["/a", False, [site.url]]]
        with suppress(AssertionError):
            until(lambda: clients(page) == expected)
        assert clients(page) == expected

    # In the browser's own context: where the driver is, pages have the focus all at the same time.
    for path, order in (("/a", "a/"), ("/b", "b/a/"), ("/c", "c/b/a/")):
        tabs[path] = driver.send("Target.createTarget", {"url": f"{site.url}{path}"})["targetId"]
        comes_to(order, path)
    for path, order in (("/a", "a/c/b/"), ("/b", "b/a/c/")):
        driver.send("Target.activateTarget", {"targetId": tabs[path]})
        comes_to(order, path)
    for tab in tabs.values():
        driver.send("Target.closeTarget", {"targetId": tab})
    comes_to("", "")
