"""The whole program between real clients and a real origin."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chromium import PROGRAM, TRUSTING
from playwright.sync_api import Browser, sync_playwright
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
def proxy(start_proxy: Callable[..., ProxyProcess]) -> ProxyProcess:
    return start_proxy()
