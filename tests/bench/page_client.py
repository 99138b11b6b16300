"""What the page client costs: putting the script into a document, and having it in a page."""

import gzip
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from origin import Origin
from playwright.sync_api import BrowserContext, sync_playwright
from proxy_process import ProxyProcess

from certs.pki import Pki
from swproxy.page_client.bundle import page_script
from swproxy.page_client.insertion import Insertion, script_tag
from tests.bench.figure import Figure

LOADS = 40
INSERTIONS = 50
# Bytes: the document, and the pieces in which it comes.
SIZE = 100_000
PIECE = 16_384
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--ignore-certificate-errors"),
]


def document() -> bytes:
    """A page of that size, as varied as pages are."""
    rows = "".join(f'<tr id="row{n}"><td class="c{n % 7}">item {n * 7919 % 10007}</td></tr>\n' for n in range(3000))
    head = '<!doctype html><html><head><meta charset="utf-8"><title>bench</title></head><body><table>'
    return (head + rows).encode()[: SIZE - 8] + b"</table>"


def insertion() -> list[Figure]:
    """Of 100 kB: as it is, and with gzip, which has to be undone and done again."""
    page = document()
    figures = []
    for coding, body in (("", page), ("gzip", gzip.compress(page, 6, mtime=0))):
        milliseconds = []
        for _ in range(INSERTIONS):
            began = time.perf_counter()
            tag = script_tag(page_script().version, {"client": "0" * 32, "controller": None})
            insertion = Insertion(tag, "text/html; charset=utf-8", coding)
            output = b"".join(insertion.feed(body[at : at + PIECE]) for at in range(0, len(body), PIECE))
            output += insertion.finish()
            milliseconds.append((time.perf_counter() - began) * 1000)
        assert len(gzip.decompress(output) if coding else output) == len(page) + len(tag)
        name = f"insertion into 100 kB{f' of {coding}' if coding else ''}"
        figures.append(Figure(name, statistics.median(milliseconds), "ms", 1.0, True, f"{len(body):,} bytes came"))
    return figures


def load_time(context: BrowserContext, url: str) -> float:
    """Milliseconds from the start of a navigation to the end of its load event, in a tab of its own."""
    page = context.new_page()
    try:
        page.goto(url, wait_until="load")
        return float(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    finally:
        page.close()


def figures(directory: Path, pki: Pki) -> Iterator[Figure]:
    yield from insertion()
    yield page_load(directory, pki)


def page_load(directory: Path, pki: Pki) -> Figure:
    """A page of 100 kB with the page client, and without."""
    origin = Origin(pki.good())
    origin.route("/", document(), "text/html; charset=utf-8")
    proxies = [
        ProxyProcess(directory / name, pki.ca_certificate, "--intercept-all", *arguments)
        for name, arguments in (("with", ()), ("without", ("--no-page-client",)))
    ]
    try:
        with sync_playwright() as playwright:
            contexts = []
            for proxy in proxies:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium",
                    args=FLAGS,
                    proxy={"server": proxy.url, "bypass": "<-loopback>"},
                )
                contexts.append(browser.new_context(ignore_https_errors=True))
            return _compared([_loader(context, f"{origin.url}/") for context in contexts])
    finally:
        for proxy in proxies:
            proxy.kill()
        origin.close()


def _loader(context: BrowserContext, url: str) -> Callable[[], float]:
    return lambda: load_time(context, url)


def _compared(loaders: list[Callable[[], float]]) -> Figure:
    for loader in loaders:
        loader()
    rounds = [[loader() for loader in loaders] for _ in range(LOADS)]
    with_client, without = (statistics.median(side) for side in zip(*rounds, strict=True))
    details = f"{with_client:.1f} ms with it, {without:.1f} without: {with_client / without:.2f} x"
    return Figure("page client in a page load", with_client - without, "ms more", 5.0, True, details)
