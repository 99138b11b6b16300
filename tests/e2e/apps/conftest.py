"""Browsers, behind a proxy or without one, and the sites that they visit."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from browsers import BROWSERS, Browser, Visit, started
from origin import Origin
from proxy_process import ProxyProcess

from certs.pki import Pki

APPS = Path(__file__).parent
NPM = APPS.parents[1] / "node_modules"
# The libraries as npm has them.
LIBRARIES = {
    "/npm/msw.js": "msw/lib/iife/index.js",
    "/npm/workbox-sw.js": "workbox-sw/build/workbox-sw.js",
    "/npm/workbox-window.js": "workbox-window/build/workbox-window.prod.umd.js",
    **{
        f"/npm/workbox/workbox-{name}.prod.js": f"workbox-{name}/build/workbox-{name}.prod.js"
        for name in ("core", "range-requests", "routing", "strategies")
    },
    "/mockServiceWorker.js": "msw/lib/mockServiceWorker.js",
}


# Their browser, and whether it is behind a proxy.
VISITORS = [
    *(pytest.param((name, True), id=name) for name in BROWSERS),
    *(
        pytest.param((name, False), id=f"{name}-native", marks=pytest.mark.native)
        for name in BROWSERS
        if name != "firefox-without"
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VISITORS)
async def visitor(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki
) -> AsyncIterator[tuple[str, Browser, ProxyProcess | None]]:
    """A browser with its name; and a proxy, if there is one, that decrypts the sites and what they ask."""
    name, proxied = request.param
    directory = tmp_path_factory.mktemp(name)
    proxy = None
    try:
        if proxied:
            hosts = ("--intercept", "localhost", "--intercept", "api.example")
            proxy = ProxyProcess(directory / "profile", pki.ca_certificate, *hosts)
        authority, url = (proxy.ca, proxy.url) if proxy else (pki.ca_certificate, "")
        async with started(name, directory / "browser", authority, url) as browser:
            yield name, browser, proxy
    finally:
        if proxy is not None:
            proxy.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def visit(visitor: tuple[str, Browser, ProxyProcess | None], origin: Origin) -> AsyncIterator[Visit]:
    """At an origin that has the libraries."""
    name, browser, proxy = visitor
    browser.console.clear()
    for path, file in LIBRARIES.items():
        origin.script(path, (NPM / file).read_text("utf-8"))
    visit = Visit(name, browser, origin, proxy)
    yield visit
    await visit.end()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sites whose workers Workbox makes."""
    directory = tmp_path_factory.mktemp("built")
    command = ["node", str(APPS / "build.mjs"), str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run tests/set-up.sh first:\n{done.stderr}"
    return directory
