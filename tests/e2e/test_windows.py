"""Windows that a worker opens, and brings to the front: with a user's leave, as pages do."""

from collections.abc import Callable, Iterator

import pytest
from origin import Origin
from playwright.sync_api import Browser, BrowserContext
from proxy_process import ProxyProcess

WORKER = """
onmessage = async ({ data, source }) => {
  const told = await (async () => data === null ? source.focus() : clients.openWindow(data))().then(
    (client) => client && { url: client.url, isSource: client.id === source.id }, ({ name }) => name);
  source.postMessage(told);
};
"""
PAGE = """<!doctype html><title>page</title><link rel=icon href="data:,"><button>ask</button><script>
let asking, asked = new Promise((resolve) => (navigator.serviceWorker.onmessage = ({ data }) => resolve(data)));
const ask = () => navigator.serviceWorker.controller.postMessage(asking);
document.querySelector("button").onclick = ask;
if (location.hash) {
  asking = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  asked.then(console.log);
  ask();
}
</script>"""


@pytest.fixture
def context(
    origin: Origin, start_proxy: Callable[..., ProxyProcess], launch: Callable[..., Browser]
) -> Iterator[BrowserContext]:
    """Of a browser; the origin has a worker."""
    for path in ("/", "/other"):
        origin.route(path, PAGE, "text/html")
    origin.script("/sw.js", WORKER)
    proxy = start_proxy("--intercept", "localhost")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    context = launch(proxy).new_context(ignore_https_errors=True)
    yield context
    context.close()


@pytest.mark.parametrize("wanted", ["null", '"/other"'])
def test_without_a_user(origin: Origin, context: BrowserContext, wanted: str) -> None:
    """The page asks by itself: what the driver evaluates is a user's doing."""
    page = context.new_page()
    with page.expect_console_message() as saying:
        page.goto(f"{origin.url}/#{wanted}")
    assert saying.value.text == "InvalidAccessError"
    assert len(context.pages) == 1


def test_open_window(origin: Origin, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{origin.url}/")
    page.evaluate("asking = '/other'")
    with context.expect_page() as opening:
        page.click("button")
    assert page.evaluate("asked") == {"url": f"{origin.url}/other", "isSource": False}
    opened = opening.value
    assert opened.evaluate("[location.pathname, opener, document.title]") == ["/other", None, "page"]


def test_open_window_of_another_origin(origin: Origin, context: BrowserContext) -> None:
    """The worker learns nothing of it."""
    elsewhere = origin.url.replace("localhost", "127.0.0.1")
    page = context.new_page()
    page.goto(f"{origin.url}/")
    page.evaluate(f"asking = '{elsewhere}/other'")
    with context.expect_page() as opening:
        page.click("button")
    opening.value.wait_for_url(f"{elsewhere}/other")
    assert page.evaluate("asked") is None


def test_focus(origin: Origin, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{origin.url}/")
    page.evaluate("asking = null")
    page.click("button")
    assert page.evaluate("asked") == {"url": f"{origin.url}/", "isSource": True}
