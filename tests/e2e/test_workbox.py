"""A real Workbox worker, as its build tool makes it."""

import re
import subprocess
from pathlib import Path

import pytest
from origin import Origin
from proxy_process import ProxyProcess
from waiting import until

TESTS = Path(__file__).parents[1]
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".map": "application/json"}
NAVIGATION = ["-H", "Sec-Fetch-Mode: navigate", "-H", "Sec-Fetch-Dest: document", "-H", "Accept: text/html"]


@pytest.fixture(scope="session")
def workbox_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the site."""
    directory = tmp_path_factory.mktemp("workbox")
    built = subprocess.run(
        ["node", "workbox.mjs", str(directory)], cwd=TESTS, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, f"run `npm ci` in {TESTS} first:\n{built.stderr}"
    return directory


@pytest.fixture
def site(origin: Origin, proxy: ProxyProcess, workbox_site: Path) -> Origin:
    for path in workbox_site.iterdir():
        origin.route(f"/{path.name}", path.read_bytes(), TYPES[path.suffix])
    for kind in ("first", "stale", "kept", "only"):
        origin.route(f"/{kind}/x", f"{kind} 1")
    done = proxy.register(f"{origin.url}/", f"{origin.url}/sw.js")
    assert done.returncode == 0, done.stderr
    return origin


def test_precache(site: Origin, proxy: ProxyProcess, workbox_site: Path) -> None:
    """What was precached is served without the network, also after a restart of the worker."""
    site.stop()
    for name in ("index.html", "app.js", "style.css"):
        assert proxy.curl(f"{site.url}/{name}").body == (workbox_site / name).read_bytes()
    assert proxy.curl(f"{site.url}/").body == (workbox_site / "index.html").read_bytes()
    assert proxy.curl(f"{site.url}/app.js?utm_source=x").status == 200
    proxy.control("POST", "/stop", {"scope": f"{site.url}/"})
    assert proxy.curl(f"{site.url}/app.js").status == 200


def test_navigation_fallback(site: Origin, proxy: ProxyProcess, workbox_site: Path) -> None:
    """A navigation gets the shell, unless it is on the deny list; a subresource does not."""
    site.stop()
    shell = (workbox_site / "index.html").read_bytes()
    got = proxy.curl(f"{site.url}/deep/link?q", *NAVIGATION).body
    assert re.sub(rb'<script src="/.swproxy/.*?</script>', b"", got) == shell
    assert proxy.curl(f"{site.url}/plain", *NAVIGATION).status == 502
    assert proxy.curl(f"{site.url}/deep/link").status == 502


def test_runtime_strategies(site: Origin, proxy: ProxyProcess) -> None:
    """Network first, stale while revalidate, cache first and network only do what they are called."""

    def get(kind: str) -> str:
        return proxy.curl(f"{site.url}/{kind}/x").text

    assert [get(kind) for kind in ("first", "stale", "kept", "only")] == ["first 1", "stale 1", "kept 1", "only 1"]
    until(lambda: proxy.run("caches", "ls", "--json").stdout.count('"entries": 1') == 3)
    for kind in ("first", "stale", "kept", "only"):
        site.route(f"/{kind}/x", f"{kind} 2")
    assert [get(kind) for kind in ("first", "kept", "only")] == ["first 2", "kept 1", "only 2"]
    assert get("stale") == "stale 1"
    until(lambda: get("stale") == "stale 2")
    site.stop()
    until(lambda: get("first") == "first 2")
    assert [get("stale"), get("kept")] == ["stale 2", "kept 1"]
    assert proxy.curl(f"{site.url}/only/x").status == 502
