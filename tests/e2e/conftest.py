"""The whole program between real clients and a real origin."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chromium import PROGRAM, TRUSTING
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from proxy_process import ProxyProcess


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts Chromium behind a proxy; further arguments go to Playwright."""
    with sync_playwright() as playwright:
        browsers: list[Browser] = []

        def start(proxy: ProxyProcess, **options: Any) -> Browser:
            server: Any = {"server": proxy.url, "bypass": "<-loopback>"}
            browser = playwright.chromium.launch(executable_path=PROGRAM, args=TRUSTING, proxy=server, **options)
            browsers.append(browser)
            return browser

        yield start
        for browser in browsers:
            browser.close()


@pytest.fixture
def proxy(start_proxy: Callable[..., ProxyProcess], request: pytest.FixtureRequest) -> ProxyProcess:
    """With the arguments that the tests' module says."""
    return start_proxy(*getattr(request.module, "PROXY_ARGUMENTS", ()))


@pytest.fixture
def context(proxy: ProxyProcess, launch: Callable[..., Browser]) -> Iterator[BrowserContext]:
    context = launch(proxy).new_context(ignore_https_errors=True)
    yield context
    context.close()
