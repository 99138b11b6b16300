"""What a page may embed when a worker answers: as in a browser that has the worker itself (seen in Chromium 156)."""

from collections.abc import Callable, Iterator

import pytest
from origin import Origin
from playwright.sync_api import Browser
from proxy_process import ProxyProcess

from certs.pki import Pki

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f"
    "0003860180016a9a970000000049454e44ae426082"
)
WORKER = """
const policy = { "Cross-Origin-Resource-Policy": "same-origin" };
const made = async (headers) => new Response(await (await fetch("/pixel")).blob(), { headers });
onfetch = (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/made") event.respondWith(made({}));
  if (pathname === "/made-with-policy") event.respondWith(made(policy));
  if (pathname === "/own") event.respondWith(fetch("/pixel"));
  const of = /^\\/opaque(.*)/.exec(pathname);
  if (of) event.respondWith(fetch(`ELSEWHERE/pixel${of[1]}`, { mode: "no-cors" }));
};
"""
LOOK = """(elsewhere) => {
  const image = (url) => new Promise((resolve) => {
    const element = new Image();
    element.onload = () => resolve(true);
    element.onerror = () => resolve(false);
    element.src = url;
  });
  const fetched = (url) => fetch(url, { mode: "no-cors" }).then(({ type, url }) => [type, url], () => null);
  const paths = ["/made", "/made-with-policy", "/own", "/opaque", "/opaque-for-all", "/opaque-for-itself"];
  return Promise.all([origin, elsewhere].map((base) =>
    Promise.all(paths.map(async (path) => [await image(base + path), await fetched(base + path)]))));
}"""


@pytest.fixture
def elsewhere(pki: Pki) -> Iterator[str]:
    """Another site, whose images have policies."""
    other = Origin(pki.good())
    for name, policy in (("", ""), ("-for-all", "cross-origin"), ("-for-itself", "same-origin")):
        headers = {"Cross-Origin-Resource-Policy": policy} if policy else {}
        other.route(f"/pixel{name}", PIXEL, "image/png", headers=headers)
    yield other.url.replace("localhost", "127.0.0.1")
    other.close()


@pytest.mark.parametrize("embedder", ["unsafe-none", "require-corp", "credentialless"])
def test_embedding(
    origin: Origin,
    elsewhere: str,
    start_proxy: Callable[..., ProxyProcess],
    launch: Callable[..., Browser],
    embedder: str,
) -> None:
    """A made-up answer has no policy that forbids anything; of an opaque one, that of its host counts."""
    policy = {"Cross-Origin-Embedder-Policy": embedder}
    origin.route("/", "<!doctype html><title>page</title>", "text/html", headers=policy)
    origin.route("/pixel", PIXEL, "image/png")
    origin.script("/sw.js", WORKER.replace("ELSEWHERE", elsewhere))
    proxy = start_proxy("--intercept-all")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    page = launch(proxy).new_context(ignore_https_errors=True).new_page()
    page.goto(f"{origin.url}/")
    for base, seen in zip((origin.url, elsewhere), page.evaluate(LOOK, elsewhere), strict=True):
        is_embedded = embedder != "require-corp"
        assert seen == [
            [True, ["basic", f"{base}/made"]],
            [True, ["basic", f"{base}/made-with-policy"]],
            [True, ["basic", f"{origin.url}/pixel"]],
            [is_embedded, ["opaque", ""]],
            [True, ["opaque", ""]],
            [False, None],
        ]
