"""A page with the page client, the real one, is as it was: what its policies forbid, and what its scripts find."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from chromium import PROGRAM, TRUSTING
from origin import Origin
from playwright.sync_api import Page, sync_playwright
from proxy_process import ProxyProcess

from certs.pki import Pki

HASHED = "globalThis.hashed = true;"
HASH = f"'sha256-{base64.b64encode(hashlib.sha256(HASHED.encode()).digest()).decode()}'"
PAGE = f"""<!doctype html><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
<script>globalThis.inline = true;</script>
<script>{HASHED}</script>
<script nonce="abc">
globalThis.nonced = true;
document.head.append(Object.assign(document.createElement("script"), {{ src: "/dynamic.js" }}));
</script>"""
WORKER = "onmessage = ({ data, source }) => source.postMessage([data]);"

# (policies, what they forbid of what BLOCKED tries, whether the browser lets a page like this register its worker)
POLICIES = [
    ([], [], True),
    (["require-trusted-types-for 'script'"], ["dynamic", "eval", "sink"], False),
    (["require-trusted-types-for 'script'; trusted-types 'none'"], ["dynamic", "eval", "sink"], False),
    (["script-src 'nonce-abc' 'strict-dynamic'"], ["eval", "hashed", "inline"], True),
    ([f"script-src {HASH}"], ["dynamic", "eval", "inline", "nonced"], False),
    (["default-src 'none'"], ["dynamic", "elsewhere", "eval", "hashed", "inline", "nonced"], False),
    (["connect-src 'self'"], ["elsewhere"], True),
    (["sandbox allow-scripts allow-same-origin"], ["window"], True),
    (
        ["script-src 'nonce-abc' 'strict-dynamic'", "connect-src 'self'", "sandbox allow-scripts allow-same-origin"],
        ["elsewhere", "eval", "hashed", "inline", "window"],
        True,
    ),
]
# A turn of its own: in that of the driver's call strings may become code.
BLOCKED = """async (elsewhere) => {
  await new Promise((resolve) => setTimeout(resolve));
  const works = {
    inline: () => inline,
    hashed: () => hashed,
    nonced: () => nonced,
    dynamic: () => dynamic,
    eval: () => eval("1"),
    sink: () => (document.body.innerHTML = "<p>"),
    elsewhere: () => fetch(elsewhere),
    window: () => open("").close(),
  };
  const blocked = [];
  for (const name in works) await Promise.resolve().then(works[name]).catch(() => blocked.push(name));
  return blocked.sort();
}"""
USES_CACHES = """async () => {
  const cache = await caches.open("v1");
  await cache.put("/x", new Response("x"));
  const text = await (await caches.match("/x")).text();
  return [text, await caches.delete("v1"), await navigator.serviceWorker.getRegistrations()];
}"""
USES_WORKER = """async () => {
  const container = navigator.serviceWorker;
  const answer = new Promise((resolve) => (container.onmessage = ({ data }) => resolve(data)));
  const registration = await container.register("/sw.js", { scope: "/app/" });
  registration.installing.postMessage("ping");
  return [await answer, await registration.unregister()];
}"""
# Each property that scripts find there, and what it is.
PROPERTIES = """() => {
  const found = {};
  for (const [name, object] of Object.entries({ window, navigator, document })) {
    for (let holder = object, depth = 0; holder !== null; holder = Object.getPrototypeOf(holder), depth++) {
      for (const key of Reflect.ownKeys(holder)) {
        const { value, get, set, ...flags } = Object.getOwnPropertyDescriptor(holder, key);
        const types = [value, get, set].map((each) => typeof each);
        found[[name, depth, String(key)].join(" ")] = JSON.stringify([types, flags]);
      }
    }
    const keys = [];
    for (const key in object) keys.push(key);
    found[`${name} enumerates`] = keys.sort().join(" ");
  }
  return found;
}"""

# What only the browser's own registrations have.
OWN_ONLY = ("BackgroundFetch", "CookieStoreManager", "PeriodicSync", "Push", "Sync")


@pytest.fixture(scope="module")
def site(pki: Pki) -> Iterator[Origin]:
    origin = Origin(pki.good())
    origin.script("/sw.js", WORKER)
    origin.script("/dynamic.js", "globalThis.dynamic = true;")
    origin.route("/shared", headers={"Access-Control-Allow-Origin": "*"})
    yield origin
    origin.close()


@pytest.fixture(scope="module")
def pages(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Page]]:
    """With the page client, and without."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=TRUSTING)
        proxies: list[ProxyProcess] = []

        def open_page(*arguments: str) -> Page:
            profile = tmp_path_factory.mktemp("proxy")
            proxies.append(ProxyProcess(profile, pki.ca_certificate, "--intercept-all", *arguments))
            server: Any = {"server": proxies[-1].url, "bypass": "<-loopback>"}
            return browser.new_context(ignore_https_errors=True, proxy=server).new_page()

        yield open_page(), open_page("--no-page-client")
        browser.close()
        for proxy in proxies:
            proxy.kill()


def serve(site: Origin, policies: list[str]) -> None:
    headers = {"Content-Security-Policy": ", ".join(policies)} if policies else {}
    site.route("/", PAGE, "text/html", headers=headers)


@pytest.mark.parametrize(
    ("policies", "forbidden", "registers"), POLICIES, ids=[", ".join(each[0]) for each in POLICIES]
)
def test_policies(
    site: Origin, pages: tuple[Page, Page], policies: list[str], forbidden: list[str], registers: bool
) -> None:
    """The page's API works, and nothing else that they forbid."""
    serve(site, policies)
    elsewhere = f"{site.url.replace('localhost', '127.0.0.1')}/shared"
    for page in pages:
        page.goto(f"{site.url}/")
        assert page.evaluate(BLOCKED, elsewhere) == forbidden
    page, bare = pages
    assert page.evaluate("/native code/.test(ServiceWorker)") is False
    assert page.evaluate(USES_CACHES) == ["x", True, []]
    if registers:
        assert page.evaluate(USES_WORKER) == bare.evaluate(USES_WORKER) == [["ping"], True]


def test_nothing_new_is_found(site: Origin, pages: tuple[Page, Page]) -> None:
    """No property of window, navigator and document is new, or another one than before; the DOM is as it was."""
    serve(site, [])
    for page in pages:
        page.goto(f"{site.url}/")
    found, before = (page.evaluate(PROPERTIES) for page in pages)
    assert found.keys() - before.keys() == set()
    assert {name for name in found if found[name] != before[name]} == set()
    gone = {name.removeprefix("window 0 ") for name in before.keys() - found.keys()}
    assert all(name.startswith(OWN_ONLY) for name in gone), gone
    assert pages[0].content() == pages[1].content()
