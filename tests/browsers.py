"""Chromium and Firefox, driven alike, as their users have them: they trust the authority that they are given."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from chromium import FLAGS, PROGRAM
from firefox import FirefoxError, firefox
from origin import Origin
from playwright.async_api import BrowserContext, async_playwright
from playwright.async_api import Error as ChromiumError
from proxy_process import ProxyProcess
from trust_machine import certutil, new_database

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
# Seconds that a page may take for what it does by itself.
PATIENCE = 15.0


class DrivenTab(Protocol):
    """What both drivers have; all of it raises one of ``BrowserErrors`` if it does not work."""

    async def goto(self, url: str) -> object:
        """Returns when it is loaded."""

    async def reload(self) -> object:
        """As ``goto``."""

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression, or of the promise that it gives."""

    async def close(self) -> None: ...


BrowserErrors = (ChromiumError, FirefoxError)


class Browser(Protocol):
    """What is open.

    Attributes:
        console: what pages have said there.
    """

    console: list[str]

    async def new_tab(self) -> DrivenTab: ...


class Tab:
    """A tab that does not wait for ever. ``BrowserErrors`` are raised for what does not work.

    Args:
        driven: by the browser's driver.
        console: the browser's.
    """

    def __init__(self, driven: DrivenTab, console: list[str]) -> None:
        self._driven = driven
        self._console = console

    async def goto(self, url: str) -> None:
        await self._in_time(self._driven.goto(url), url)

    async def reload(self) -> None:
        await self._in_time(self._driven.reload(), "reloading")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression, or of the promise that it gives."""
        return await self._in_time(self._driven.evaluate(expression), expression)

    async def comes_to(self, expression: str, value: object = True) -> None:
        """Waits until an expression has a value, over reloads of the page.

        Raises:
            AssertionError: it does not; with what it has, and what pages have said.
        """
        last: object = self

        async def ask() -> None:
            nonlocal last
            while last != value:
                try:
                    last = await self._driven.evaluate(expression)
                except BrowserErrors as error:
                    last = error

        await self._in_time(ask(), lambda: f"{expression} is {last!r}, not {value!r}")

    async def close(self) -> None:
        await self._in_time(self._driven.close(), "closing")

    async def _in_time(self, work: Awaitable[Any], name: str | Callable[[], str]) -> Any:
        try:
            async with asyncio.timeout(PATIENCE):
                return await work
        except TimeoutError:
            what = name if isinstance(name, str) else name()
            said = "\n".join(self._console)
            raise AssertionError(f"{what}: not in time; the console has:\n{said}") from None


class Chromium:
    """See ``Browser``."""

    def __init__(self, context: BrowserContext) -> None:
        self.console: list[str] = []
        self._context = context
        context.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self.console.append(f"error: {error.error}"))

    async def new_tab(self) -> DrivenTab:
        return await self._context.new_page()


@asynccontextmanager
async def chromium(home: Path, *, proxy: str = "") -> AsyncIterator[Browser]:
    """Starts Chromium; see ``started``."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=PROGRAM,
            args=FLAGS,
            env={**os.environ, "HOME": str(home)},
            proxy={"server": proxy} if proxy else None,
        )
        yield Chromium(await browser.new_context())
        await browser.close()


# Chromium, as its windows off the record are; Firefox, with ordinary and with private windows, and without service
# workers of its own.
BROWSERS = ("chromium", "firefox", "firefox-private", "firefox-without")
_PREFERENCES: dict[str, dict[str, bool]] = {
    "firefox": {},
    "firefox-private": {"browser.privatebrowsing.autostart": True},
    "firefox-without": {"dom.serviceWorkers.enabled": False},
}


@asynccontextmanager
async def started(name: str, directory: Path, authority: Path, proxy: str = "") -> AsyncIterator[Browser]:
    """A browser.

    Args:
        name: one of ``BROWSERS``.
        directory: a new one for what it keeps.
        authority: PEM; it is trusted.
        proxy: ``http://host:port``; none if it is empty.
    """
    database = new_database(directory / ".pki/nssdb" if name == "chromium" else directory)
    certutil(database, "-A", "-n", "authority", "-t", "C,,", "-i", str(authority))
    if name == "chromium":
        async with chromium(directory, proxy=proxy) as browser:
            yield browser
    else:
        async with firefox(directory, proxy=proxy, preferences=_PREFERENCES[name]) as driven:
            yield driven


@dataclass(frozen=True)
class Visit:
    """A browser at an origin.

    Attributes:
        name: of the browser, one of ``BROWSERS``.
        proxy: between them; None if the service workers are the browser's own.
    """

    name: str
    browser: Browser
    origin: Origin
    proxy: ProxyProcess | None
    _tabs: list[Tab] = field(default_factory=list)

    async def open(self, path: str) -> Tab:
        """A tab that is loaded."""
        tab = Tab(await self.browser.new_tab(), self.browser.console)
        self._tabs.append(tab)
        await tab.goto(self.origin.url + path)
        return tab

    async def end(self) -> None:
        """Closes what is still open."""
        for tab in self._tabs:
            with suppress(*BrowserErrors):
                await tab.close()

    async def is_controlled(self, tab: Tab, scope: str) -> None:
        """Waits until the worker of a scope, a path, has the page; and if there is a proxy, it is the proxy's."""
        await tab.comes_to("navigator.serviceWorker.controller?.state", "activated")
        if self.proxy is not None:
            registrations = self.proxy.status()["registrations"]
            assert [it["scope"] for it in registrations if it["scope"].startswith(self.origin.url)] == [
                self.origin.url + scope
            ]

    def go_offline(self) -> None:
        """Nothing reaches the origin any more."""
        self.origin.hits.clear()
        if self.proxy is None:
            self.origin.stop()
        else:
            self.proxy.offline(True, self.origin.url)

    def go_online(self) -> None:
        if self.proxy is None:
            self.origin.start()
        else:
            self.proxy.offline(False, self.origin.url)

    def serve(self, directory: Path, path: str) -> None:
        """The files of a directory, below a path that ends with a slash."""
        for file in directory.iterdir():
            if file.suffix in _TYPES:
                self.origin.route(path + file.name, file.read_bytes(), _TYPES[file.suffix])
        self.origin.route(path, (directory / "index.html").read_bytes(), "text/html")
