"""The other modes of mitmproxy: the worker answers there too."""

from collections.abc import Callable

import pytest
from origin import Origin
from proxy_process import ProxyProcess

StartProxy = Callable[..., ProxyProcess]

LARGE = b"0123456789abcdef" * 200_000

WORKER = """
onfetch = (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/worker") event.respondWith(new Response("from the worker"));
  else if (pathname === "/fetched") event.respondWith(fetch(event.request));
};
"""


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.script("/sw.js", WORKER)
    for path in ("/fetched", "/network"):
        origin.route(path, LARGE)
    return origin


def check(proxy: ProxyProcess, site: Origin, base: str) -> None:
    """The worker answers, fetches for the client, and leaves requests to the network."""
    assert proxy.curl(f"{base}/worker").text == "from the worker"
    assert proxy.curl(f"{base}/fetched").body == LARGE
    assert proxy.curl(f"{base}/network").body == LARGE
    proxy.offline(True)
    assert proxy.curl(f"{base}/worker").text == "from the worker"
    assert proxy.curl(f"{base}/network").status == 502


def test_socks(site: Origin, start_proxy: StartProxy) -> None:
    """A SOCKS 5 proxy."""
    proxy = start_proxy("-m", "socks5")
    proxy.url = proxy.url.replace("http:", "socks5h:")
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    check(proxy, site, site.url)


def test_reverse(site: Origin, start_proxy: StartProxy) -> None:
    """In front of the site: clients need to know of no proxy."""
    proxy = start_proxy("-m", f"reverse:{site.url}")
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    base, proxy.url = proxy.url, ""
    check(proxy, site, base)


def test_upstream(site: Origin, start_proxy: StartProxy, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Behind another proxy: what leaves goes through that one."""
    outer = start_proxy("--intercept", "localhost", profile=tmp_path_factory.mktemp("outer"))
    proxy = start_proxy("-m", f"upstream:{outer.url}", "-k")
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    check(proxy, site, site.url)
    log = outer.run("log").stdout
    assert f"GET {site.url}/network" in log
    assert f"GET {site.url}/fetched" in log
    assert f"GET {site.url}/worker" not in log
