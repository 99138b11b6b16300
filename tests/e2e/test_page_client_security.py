"""What scripts of a page can write themselves opens no doors: only what the browser says counts."""

from pathlib import Path

import pytest
from origin import Origin
from proxy_process import Curl, ProxyProcess

from swproxy.proxy.addon import BUFFER_LIMIT

PROXY_ARGUMENTS = ("--intercept-all",)

TOKEN = "swproxy-{}-{}idf000"
WORKER = """
onfetch = (event) => {
  if (event.request.url.endsWith("/mine")) event.respondWith(new Response("worker"));
};
"""


@pytest.fixture
def site(origin: Origin, proxy: ProxyProcess) -> Origin:
    """A, on localhost, has a worker; B, the same server by another name, has none."""
    origin.script("/sw.js", WORKER)
    for path in ("/api", "/mine"):
        origin.route(path, "network")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    return origin


def b_of(site: Origin) -> str:
    return site.url.replace("localhost", "127.0.0.1")


def sent(proxy: ProxyProcess, url: str, *arguments: str, **headers: str) -> Curl:
    """A request as a browser sends it; names of headers with underscores for hyphens."""
    options = [option for name, value in headers.items() for option in ("-H", f"{name.replace('_', '-')}: {value}")]
    return proxy.curl(url, *arguments, *options)


@pytest.mark.parametrize("mode", "bsn")
def test_no_request_goes_past_its_preflight(site: Origin, proxy: ProxyProcess, mode: str) -> None:
    """The proxy answers the preflights of A's pages; what was asked for then goes to B with CORS only."""
    page = {"Origin": site.url, "Referer": f"{site.url}/", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "cross-site"}
    forged = TOKEN.format("0" * 32, mode)
    sent(proxy, f"{b_of(site)}/api", "-X", "DELETE", X_Evil="1", Content_Language=forged, Cookie="session=1", **page)
    assert "DELETE" not in [hit.method for hit in site.hits]


def test_no_site_learns_where_workers_are(site: Origin, proxy: ProxyProcess) -> None:
    """A page of another origin gets what it would get without a proxy."""
    page = {"Origin": "https://c.test", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "cross-site"}
    answer = sent(proxy, f"{site.url}/api", Content_Language=TOKEN.format("0" * 32, "n"), **page)
    assert answer.text == "network"
    assert "x-swproxy-response" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_no_other_page_reaches_a_worker(site: Origin, proxy: ProxyProcess) -> None:
    """Not even one that keeps its name to itself."""
    asked = {"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}
    assert sent(proxy, f"{site.url}/mine", Sec_Fetch_Site="cross-site", **asked).text == "network"
    assert sent(proxy, f"{site.url}/mine", Sec_Fetch_Site="same-origin", **asked).text == "worker"


def test_conditions_of_changes_stay(site: Origin, proxy: ProxyProcess) -> None:
    """They guard what is changed; those of GET are the browser's cache's, which a worker comes before."""
    page = {"Origin": site.url, "Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-origin", "If_None_Match": "*"}
    sent(proxy, f"{site.url}/api", "-X", "PUT", "-d", "x", **page)
    sent(proxy, f"{site.url}/api", **page)
    put, get = (hit.headers for hit in site.hits if hit.path == "/api")
    assert put.get("if-none-match") == "*"
    assert "if-none-match" not in get


def test_paths_of_the_proxy_take_no_bodies(site: Origin, proxy: ProxyProcess) -> None:
    """But for those that have a use for them."""
    assert sent(proxy, f"{site.url}/.swproxy/none", "-d", "x").status == 0
    assert sent(proxy, f"{site.url}/.swproxy/none").status == 403


@pytest.mark.parametrize("size", [0, BUFFER_LIMIT + 1])
def test_a_worker_does_not_speak_for_an_origin(site: Origin, proxy: ProxyProcess, tmp_path: Path, size: int) -> None:
    """What headers say of B as a whole, A's worker cannot make up for it, nor clear what B has stored."""
    b = b_of(site)
    upload = tmp_path / "upload"
    upload.write_bytes(bytes(size))
    asks = ["--data-binary", f"@{upload}"] if size else []
    site.script("/b.js", "onfetch = () => {};")
    proxy.registered(f"{b}/", f"{b}/b.js")
    site.route("/clear", "cleared", headers={"Clear-Site-Data": '"*"', "NEL": "{}", "X-Own": "1"})
    site.script("/clears.js", "onfetch = (event) => event.respondWith(fetch('/clear'));")
    proxy.registered(f"{site.url}/a/", f"{site.url}/clears.js")
    headers = {"Referer": f"{site.url}/a/", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}
    got = sent(proxy, f"{b}/picture", *asks, Sec_Fetch_Site="cross-site", **headers)
    assert (got.text, got.headers.get("x-own")) == ("cleared", "1")
    assert {"clear-site-data", "nel"}.isdisjoint(got.headers)
    assert len(proxy.status()["registrations"]) == 3
    got = sent(proxy, f"{site.url}/picture", *asks, Sec_Fetch_Site="same-origin", **headers)
    assert "clear-site-data" in got.headers
    assert [it["scope"] for it in proxy.status()["registrations"]] == [f"{b}/"]
