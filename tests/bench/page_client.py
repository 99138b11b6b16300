"""What the page client costs: putting the script into a document, and having it in a page."""

import asyncio
import gzip
import statistics
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from browsers import DrivenTab, started
from origin import Origin
from proxy_process import ProxyProcess

from certs.pki import Pki
from swproxy.page_client.bundle import page_script
from swproxy.page_client.insertion import Insertion, script_tag
from tests.bench.figure import Figure

LOADS = 100
INSERTIONS = 50
SETTLING = 0.1  # seconds
# Bytes: the document, and the pieces in which it comes.
SIZE = 100_000
PIECE = 16_384


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


def figures(directory: Path, pki: Pki) -> Iterator[Figure]:
    yield from insertion()
    yield from asyncio.run(page_loads(directory, pki))


async def page_loads(directory: Path, pki: Pki) -> list[Figure]:
    """Pages of 100 kB with the page client and without, in browsers that trust the proxy, as their users do."""
    with _pages(pki) as origin, ExitStack() as proxies:
        sides = []
        for name, arguments in _SIDES.items():
            proxy = ProxyProcess(directory / name, pki.ca_certificate, "--intercept-all", *arguments)
            proxies.callback(proxy.kill)
            sides.append(proxy)
        async with AsyncExitStack() as browsers:
            tabs = []
            for side in sides:
                home = directory / f"{side.profile.directory.name}-browser"
                browser = await browsers.enter_async_context(started("chromium", home, side.ca, side.url))
                tabs.append(await browser.new_tab())
            return [await _compared(tabs, origin, path, name, bar) for path, name, bar in _PAGES]


_HAS_SCRIPT = "performance.getEntriesByType('resource').some((it) => it.name.includes('/.swproxy/'))"
_SIDES = {"with": (), "without": ("--no-page-client",)}
# A page as pages are has a script and a style to wait for; in a document alone nothing hides what is added.
_PAGES = (
    ("/page", "page client in the load of a page", 5.0),
    ("/document", "page client in a document alone", None),
)


@contextmanager
def _pages(pki: Pki) -> Iterator[Origin]:
    origin = Origin(pki.good())
    own = b'<head><link rel="stylesheet" href="/own.css"><script src="/own.js"></script>'
    script = b"globalThis.own = [" + b"'a line of a script', " * 4000 + b"];"
    style = "".join(f".c{n} {{ margin: {n}px }}\n" for n in range(500)).encode()
    origin.route("/document", document(), "text/html; charset=utf-8")
    origin.route("/page", document().replace(b"<head>", own), "text/html; charset=utf-8")
    origin.route("/own.js", script, "text/javascript")
    origin.route("/own.css", style, "text/css")
    try:
        yield origin
    finally:
        origin.close()


async def _compared(tabs: list[DrivenTab], origin: Origin, path: str, name: str, bar: float | None) -> Figure:
    """One page in each tab in turn, so that the machine's moods are in both."""
    pairs = []
    for n in range(LOADS + 1):
        order = tabs if n % 2 else tabs[::-1]
        times = {tab: await _load_time(tab, f"{origin.url}{path}?{n}") for tab in order}
        pairs.append([times[tab] for tab in tabs])
    assert [await tab.evaluate(_HAS_SCRIPT) for tab in tabs] == [True, False]
    del pairs[0]  # each browser fetches the script once
    with_client, without = (statistics.median(side) for side in zip(*pairs, strict=True))
    more = statistics.median(mine - other for mine, other in pairs)
    details = f"{with_client:.1f} ms with it, {without:.1f} without: {with_client / without:.2f} x"
    return Figure(name, more, "ms more", bar, True, details)


async def _load_time(tab: DrivenTab, url: str) -> float:
    """Milliseconds from the start of a navigation to the end of its load event.

    What the page does later (it opens its channel) is not in it, and shall not be in the next one.
    """
    await tab.goto(url)
    time_of_load = float(await tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    await asyncio.sleep(SETTLING)
    return time_of_load
