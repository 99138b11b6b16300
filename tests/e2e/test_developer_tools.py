"""What developers of sites have: what is open and why a version waits, what they can set for an origin, the log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chromium import PROGRAM, TRUSTING
from origin import Origin
from playwright.sync_api import Page, Playwright, sync_playwright
from proxy_process import ProxyProcess
from waiting import until

PROXY_ARGUMENTS = ("--intercept", "localhost")

WORKER = """
const version = "VERSION";
onfetch = (event) => {
  if (new URL(event.request.url).pathname === "/version") event.respondWith(new Response(version));
};
"""
PAGE = b'<!doctype html><meta charset="utf-8"><title>home</title><link rel="icon" href="data:,"><p>Home'


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.route("/", PAGE, "text/html")
    origin.route("/version", "network")
    origin.script("/sw.js", WORKER.replace("VERSION", "1"))
    return origin


@pytest.fixture
def page(playwright: Playwright, proxy: ProxyProcess) -> Iterator[Page]:
    """Of a Chromium behind the proxy."""
    server: Any = {"server": proxy.url, "bypass": "<-loopback>"}
    browser = playwright.chromium.launch(executable_path=PROGRAM, args=TRUSTING, proxy=server)
    yield browser.new_context(ignore_https_errors=True).new_page()
    browser.close()


@pytest.fixture
def controlled(page: Page, site: Origin) -> Page:
    """On the site, whose worker it has registered."""
    page.goto(f"{site.url}/")
    page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)")
    page.reload()
    assert version(page) == "1"
    return page


def version(page: Page) -> str:
    """Who has answered a fetch() of the page."""
    return str(page.evaluate("fetch('/version').then((response) => response.text())"))


def is_controlled(page: Page) -> bool:
    return bool(page.evaluate("navigator.serviceWorker.controller !== null"))


def setting(proxy: ProxyProcess, site: Origin, name: str, state: str) -> None:
    done = proxy.run("set", name, state, "--origin", site.url)
    assert (done.stdout, done.stderr) == (f"{name} is {state} for {site.url}.\n", "")


def only_page(proxy: ProxyProcess) -> dict[str, Any]:
    """The page that is open, when the one before it has closed."""
    until(lambda: [each["presence"] for each in proxy.status()["pages"]] == ["open"])
    (page,) = proxy.status()["pages"]
    return page  # type: ignore[no-any-return]


def test_update_on_reload(controlled: Page, site: Origin, proxy: ProxyProcess) -> None:
    """Each reload is controlled by a version of its own, changed or not; without it, changes come later."""
    number = only_page(proxy)["worker"]
    controlled.reload()
    assert only_page(proxy)["worker"] == number
    setting(proxy, site, "update-on-reload", "on")
    for count in (1, 2):
        controlled.reload()
        assert only_page(proxy)["worker"] == number + count
    site.script("/sw.js", WORKER.replace("VERSION", "2"))
    controlled.reload()
    assert version(controlled) == "2"
    site.script("/sw.js", "throw new Error('broken');")
    controlled.reload()
    assert version(controlled) == "2"
    assert any(line.get("text") == "The update failed: Error: broken" for line in proxy.log())
    setting(proxy, site, "update-on-reload", "off")
    site.script("/sw.js", WORKER.replace("VERSION", "3"))
    controlled.reload()
    assert version(controlled) == "2"


def test_bypass_for_network(controlled: Page, site: Origin, proxy: ProxyProcess) -> None:
    """The page and its reload stay controlled, but their worker hears of no request."""
    setting(proxy, site, "bypass-for-network", "on")
    assert version(controlled) == "network"
    controlled.reload()
    assert is_controlled(controlled)
    assert version(controlled) == "network"
    assert controlled.goto(f"{site.url}/version").text() == "network"  # type: ignore[union-attr]
    setting(proxy, site, "bypass-for-network", "off")
    assert controlled.goto(f"{site.url}/version").text() == "1"  # type: ignore[union-attr]
    controlled.goto(f"{site.url}/")
    assert version(controlled) == "1"


def test_a_version_that_waits(controlled: Page, site: Origin, proxy: ProxyProcess) -> None:
    """Status says for whom, and which page is open; told to skip that, it takes over, and the page hears of it."""
    scope = f"{site.url}/"
    old = only_page(proxy)["worker"]
    site.script("/sw.js", WORKER.replace("VERSION", "2"))
    new = proxy.run("update", scope, "--json")
    assert '"state": "installed"' in new.stdout
    (registration,) = proxy.status()["registrations"]
    assert registration["waits_for"] == {"worker": old, "clients": 1, "events": 0}
    shown = proxy.run("status").stdout
    number = next(worker["id"] for worker in registration["workers"] if worker["state"] == "installed")
    assert (
        f"  worker {number} waits for worker {old}, which has 1 client and no event in progress; "
        f"`swproxy update {scope} --skip-waiting` ends that\n" in shown
    )
    assert f"Open pages, and their workers:\n  {scope}: top-level, visible, " in shown
    assert f"controlled by worker {old}\n" in shown
    assert version(controlled) == "1"

    controlled.evaluate("navigator.serviceWorker.oncontrollerchange = () => (document.title = 'changed'), 0")
    done = proxy.run("update", scope, "--skip-waiting")
    assert done.stdout == f"{scope} is now served by {scope}sw.js (worker {number}, activated).\n"
    controlled.wait_for_function("document.title === 'changed'")
    assert version(controlled) == "2"
    assert proxy.status()["registrations"][0]["waits_for"] is None
    assert only_page(proxy)["worker"] == number


def test_pages_in_status_and_log(controlled: Page, site: Origin, proxy: ProxyProcess) -> None:
    """Frames and dedicated workers, too; each page comes and goes, each worker has its states."""
    site.route("/frame", PAGE, "text/html")
    site.script("/dedicated.js", "postMessage('ready');")
    controlled.evaluate("""new Promise((resolve) => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.src = "/frame";
      frame.onload = () => {
        self.worker = new Worker("/dedicated.js");
        worker.onmessage = () => resolve();
      };
    })""")
    until(lambda: [each["presence"] for each in proxy.status()["pages"]] == ["open"] * 3)
    found = {each["url"]: (each["type"], each["frame_type"], each["worker"]) for each in proxy.status()["pages"]}
    number = found[f"{site.url}/"][2]
    assert number is not None
    assert found == {
        f"{site.url}/": ("window", "top-level", number),
        f"{site.url}/frame": ("window", "nested", number),
        f"{site.url}/dedicated.js": ("worker", "none", number),
    }
    controlled.context.close()
    until(lambda: proxy.status()["pages"] == [])
    shown = proxy.run("log").stdout
    for url in ("/", "/frame"):
        for event in ("connected", "closed"):
            assert f"  page     {site.url}{url} {event}\n" in shown
    for state in ("installing", "installed", "activating", "activated"):
        assert f"  worker   {site.url}/ worker {number} {state}\n" in shown
    assert "/.swproxy/" not in shown
    assert f"  proxy    GET {site.url}/.swproxy/channel" in proxy.run("log", "--all").stdout


BROWSER = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none", "Accept: text/html")


def test_page_client_off(site: Origin, proxy: ProxyProcess) -> None:
    """Documents of that origin are as the origin sends them, and nothing is below /.swproxy/."""
    headers = [part for field in BROWSER for part in ("--header", field)]

    def got() -> tuple[bytes, int]:
        return proxy.curl(f"{site.url}/", *headers).body, proxy.curl(f"{site.url}/.swproxy/client.js").status

    document, script = got()
    assert b"/.swproxy/client.js" in document
    assert script == 200
    setting(proxy, site, "page-client", "off")
    assert got() == (PAGE, 404)
    setting(proxy, site, "page-client", "on")
    assert got()[1] == 200


@contextmanager
def browser_with(playwright: Playwright, directory: Path, proxy: ProxyProcess | None) -> Iterator[Page]:
    """A page of a Chromium whose profile stays; straight to the network, or behind a proxy."""
    context = playwright.chromium.launch_persistent_context(
        directory,
        executable_path=PROGRAM,
        args=TRUSTING,
        proxy=None if proxy is None else {"server": proxy.url, "bypass": "<-loopback>"},
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def test_workers_of_the_browser_itself(
    playwright: Playwright, site: Origin, start_proxy: Callable[..., ProxyProcess], tmp_path: Path
) -> None:
    """One from before is told of on the console; with the option, it goes."""
    site.script("/sw.js", "")
    scope = f"{site.url}/"

    def natives() -> int:
        with browser_with(playwright, tmp_path / "browser", None) as page:
            page.goto(scope)
            return int(page.evaluate("navigator.serviceWorker.getRegistrations().then(({ length }) => length)"))

    with browser_with(playwright, tmp_path / "browser", None) as page:
        page.goto(scope)
        page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)")
    for options, said, left in (
        ((), f"swproxy: this browser has a service worker of its own for {scope}, which comes before", 1),
        (("--remove-native-workers",), f"swproxy: the browser's own service worker for {scope} is unregistered.", 0),
    ):
        proxy = start_proxy("--intercept", "localhost", *options)
        with browser_with(playwright, tmp_path / "browser", proxy) as page:
            with page.expect_console_message(lambda message: message.text.startswith("swproxy: ")) as message:
                page.goto(scope)
            assert message.value.text.startswith(said)
        proxy.stop()
        assert natives() == left


def test_a_worker_of_the_browser_that_answers_itself(
    playwright: Playwright, site: Origin, start_proxy: Callable[..., ProxyProcess], tmp_path: Path
) -> None:
    """Its documents get no script of ours: the log tells of it, and with the option another one takes its place."""
    title = "document.title === 'of the network'"
    old = "new Response('<title>of the worker</title>', { headers: { 'Content-Type': 'text/html' } })"
    site.route("/", "<title>of the network</title>", "text/html")
    site.script("/sw.js", f"onfetch = (e) => e.request.mode === 'navigate' && e.respondWith({old});")
    with browser_with(playwright, tmp_path / "browser", None) as page:
        page.goto(f"{site.url}/")
        page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)")
    proxy = start_proxy("--intercept", "localhost")
    with browser_with(playwright, tmp_path / "browser", proxy) as page:
        page.goto(f"{site.url}/")
        assert not page.evaluate(title)
        until(lambda: any("--remove-native-workers" in line.get("reason", "") for line in proxy.log()))
    proxy.stop()
    proxy = start_proxy("--intercept", "localhost", "--remove-native-workers")
    with browser_with(playwright, tmp_path / "browser", proxy) as page:
        page.goto(f"{site.url}/")
        page.wait_for_function(title)
        assert page.evaluate("navigator.serviceWorker.getRegistrations()") == []
