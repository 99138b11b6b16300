"""A Chromium that judges what the proxy will do to pages."""

from collections.abc import Iterator

import pytest
from chromium import FLAGS, PROGRAM
from playwright.sync_api import BrowserContext, sync_playwright


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser.new_context(ignore_https_errors=True)
        browser.close()
