"""Chromium, for pages: by itself, behind a proxy that only tunnels, or behind one that has the service workers."""

import contextlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import playwright.sync_api
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, sync_playwright
from proxy_process import ProxyProcess

from swproxy.storage.origins import origins_in
from tests.chromium import FLAGS
from tests.wpt.areas import WebPlatformTest
from tests.wpt.engines import GRACE, LONG, NORMAL, Unanswered, end_proxy, start_proxy
from tests.wpt.results import FileResult, parse_results
from tests.wpt.server import DOMAINS, PORTS, SetupError, resolve

ENGINES = ("swproxy", "native", "tunnel")
# What page_report.js says begins so.
_RESULTS = "wpt-results:"
_SETTINGS = {"resolve": resolve(), "insecure": True}


def chromium() -> str:
    """The path of Debian's Chromium.

    Raises:
        SetupError: there is none.
    """
    path = shutil.which("chromium")
    if path is None:
        raise SetupError("There is no chromium in the PATH: install Debian's package of that name.")
    return path


def launch_options() -> dict[str, Any]:
    """For Playwright: the server's names are here, and its certificate, which has expired, will do."""
    rules = ", ".join(f"MAP *.{domain} 127.0.0.1, MAP {domain} 127.0.0.1" for domain in reversed(DOMAINS))
    excluded = ", ".join(f"EXCLUDE nonexistent.{domain}" for domain in DOMAINS)
    return {
        "executable_path": chromium(),
        "args": [*FLAGS, f"--host-resolver-rules={rules}, {excluded}", "--ignore-certificate-errors"],
    }


class Proxies:
    """The proxy of one browser. One that a test has left something in is replaced by a new one.

    Args:
        directory: for profiles.
        authority: of the server's certificate.
        settings: see ``Settings``.
        arguments: for ``swproxy run``.
    """

    def __init__(self, directory: Path, authority: Path, settings: Mapping[str, Any], *arguments: str) -> None:
        self._directory = directory
        self._start = (authority, settings, *arguments)
        self._numbers = count(1)
        self.proxy: ProxyProcess | None = None

    def clean(self) -> str:
        """The URL of a proxy without registrations, caches and databases."""
        if self.proxy is not None and not _is_clean(self.proxy):
            self.close()
        if self.proxy is None:
            self.proxy = start_proxy(self._directory / f"{next(self._numbers)}" / "profile", *self._start)
        return self.proxy.url

    def close(self) -> None:
        if self.proxy is not None:
            end_proxy(self.proxy)
            self.proxy = None


def _is_clean(proxy: ProxyProcess) -> bool:
    kept = [*origins_in(proxy.profile.caches), *origins_in(proxy.profile.indexeddb)]
    return proxy.process.poll() is None and not kept and not proxy.status()["registrations"]


class Pages:
    """Runs pages. Every thread has a browser, and a proxy if there is one; every page has a context to itself.

    Args:
        engine: "native" is Chromium without a proxy, "tunnel" with one that decrypts nothing, "swproxy" with one that
            has the service workers: the browser's own may not run then.
        directory: for profiles.
        authority: of the server's certificate.
    """

    def __init__(self, engine: str, directory: Path, authority: Path) -> None:
        self._engine = engine
        self._directory = directory
        self._authority = authority
        self._numbers = count(1)
        self._threads = threading.local()
        self._proxies: list[Proxies] = []

    def run(self, test: WebPlatformTest) -> FileResult:
        """One file."""
        start = time.monotonic()
        try:
            results = self.open(address(test), (LONG if test.long else NORMAL) + GRACE)
            harness, message, subtests = parse_results(results)
        except Unanswered as error:
            harness, message, subtests = "CRASH", str(error), []
        return FileResult(test.area.name, test.name, harness, message, subtests, round(time.monotonic() - start, 2))

    def open(self, url: str, timeout: float) -> Any:
        """Loads the page, and waits until its tests have finished or the time, in seconds, is over.

        Returns:
            what page_report.js says.

        Raises:
            Unanswered: nothing, or the browser has run a service worker of its own though it should not.
        """
        native: list[str] = []
        try:
            context = self._context()
            context.on("serviceworker", lambda worker: native.append(worker.url))
            try:
                results = _results(context.new_page(), url, timeout)
            finally:
                context.close()
        except Error as error:
            raise Unanswered(error.message) from None
        if native and self._engine == "swproxy":
            raise Unanswered(f"The browser has run a service worker of its own: {native[0]}")
        return results

    def _context(self) -> BrowserContext:
        mine = self._threads
        if not hasattr(mine, "playwright"):
            mine.playwright = sync_playwright().start()
            mine.proxies = self._new_proxies()
        if not hasattr(mine, "browser") or not mine.browser.is_connected():
            mine.browser = mine.playwright.chromium.launch(**launch_options())
        proxy = None if mine.proxies is None else {"server": mine.proxies.clean()}
        context: BrowserContext = mine.browser.new_context(ignore_https_errors=True, proxy=proxy)
        return context

    def _new_proxies(self) -> Proxies | None:
        if self._engine == "native":
            return None
        decrypting = ["--intercept-all"] if self._engine == "swproxy" else []
        directory = self._directory / f"{next(self._numbers)}"
        self._proxies.append(Proxies(directory, self._authority, _SETTINGS, *decrypting))
        return self._proxies[-1]

    def leave(self) -> None:
        """Ends the browser of this thread."""
        if hasattr(self._threads, "playwright"):
            self._threads.playwright.stop()
        self._threads = threading.local()

    def close(self) -> None:
        """Ends the proxies; browsers that are left end with this process."""
        for proxies in self._proxies:
            proxies.close()


def address(test: WebPlatformTest) -> str:
    """The page's URL."""
    port = PORTS["h2" if ".h2." in test.path else "https"][0]
    return f"https://{DOMAINS[0]}:{port}/{test.name}"


def _results(page: Page, url: str, timeout: float) -> Any:
    def is_result(message: ConsoleMessage) -> bool:
        return message.text.startswith(_RESULTS)

    try:
        with page.expect_console_message(is_result, timeout=timeout * 1000) as said:
            page.goto(url, wait_until="commit")
    except playwright.sync_api.TimeoutError:
        with page.expect_console_message(is_result, timeout=GRACE * 1000) as said:
            page.wait_for_function("() => { timeout(); return true; }", timeout=GRACE * 1000)
    return json.loads(said.value.text.removeprefix(_RESULTS))


@contextlib.contextmanager
def pages(engine: str, checkout: Path) -> Iterator[Pages]:
    """With the engine of that name: one of ``ENGINES``."""
    with tempfile.TemporaryDirectory(prefix="swproxy-wpt-profiles-") as temporary:
        chosen = Pages(engine, Path(temporary), checkout / "tools" / "certs" / "cacert.pem")
        try:
            yield chosen
        finally:
            chosen.close()
