"""What the page client costs: putting the script into a document, and having it in a page."""

import asyncio
import gzip
import itertools
import math
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from browsers import DrivenTab, started
from origin import Origin
from proxy_process import ProxyProcess

from certs.pki import Pki
from swproxy.page_client.bundle import page_script
from swproxy.page_client.insertion import Insertion, script_tag
from tests.bench.figure import Figure

# Pairs of loads in each of as many browsers, as browsers differ; the intervals take all pairs for independent.
PAIRS = 30
BROWSERS = 4
INSERTIONS = 50
# Seconds after a load: what the page does then (it opens its channel) shall not be in the next one.
SETTLING = 0.1
# Bytes: the document, and the pieces in which it comes.
SIZE = 100_000
PIECE = 16_384


def document() -> bytes:
    """A page of that size, as varied as pages are.

    It is hidden: whether a frame of 20 ms or more is drawn while it loads is chance, and is on no side.
    """
    rows = "".join(f'<tr id="row{n}"><td class="c{n % 7}">item {n * 7919 % 10007}</td></tr>\n' for n in range(3000))
    head = '<!doctype html><html><head><meta charset="utf-8"><title>bench</title></head><body hidden><table>'
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
    """Pages of 100 kB with the page client and without, in browsers that trust the proxy, as their users do.

    What a document leaves behind (its channel closes) is the load's that follows: so each origin's page is loaded
    twice, and the second load counts.
    """
    pairs: dict[str, list[tuple[float, float]]] = {path: [] for path in _PAGES}
    for number in range(BROWSERS):
        with _pages(pki) as mine, _pages(pki) as other, ExitStack() as proxies:
            proxy = ProxyProcess(directory / f"page-{number}", pki.ca_certificate, "--intercept-all")
            proxies.callback(proxy.kill)
            assert proxy.run("set", "page-client", "off", "--origin", other.url).returncode == 0
            async with started("chromium", directory / f"browser-{number}", proxy.ca, proxy.url) as browser:
                tab = await browser.new_tab()
                for path, (_, has_worker, _) in _PAGES.items():
                    for origin in (mine, other) if has_worker else ():
                        done = proxy.run("register", f"{origin.url}/", f"{origin.url}/worker.js")
                        assert done.returncode == 0, done.stderr
                    pairs[path] += await _pairs(tab, mine, other, path)
    return [_figure(pairs[path], name, bar) for path, (name, _, bar) in _PAGES.items()]


_HAS_SCRIPT = "performance.getEntriesByType('resource').some((it) => it.name.includes('/.swproxy/'))"
# By path: what it is called, whether there is a worker, and the bar. A page as pages are has a script and a style to
# wait for; in a document alone nothing hides what is added. The one with a worker comes last, as that stays.
_PAGES = {
    "/page": ("page client in the load of a page", False, 5.0),
    "/document": ("page client in a document alone", False, None),
    "/page?controlled": ("page client in a page with a worker", True, 5.0),
}


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
    origin.route("/worker.js", "onfetch = (event) => event.respondWith(fetch(event.request));", "text/javascript")
    try:
        yield origin
    finally:
        origin.close()


async def _pairs(tab: DrivenTab, mine: Origin, other: Origin, path: str) -> list[tuple[float, float]]:
    """Milliseconds of a load at each origin, in turns, so that the machine's moods are in both."""
    pairs = []
    for n in range(PAIRS + 1):
        times = {}
        for origin in (mine, other) if n % 2 else (other, mine):
            url = f"{origin.url}{path}{'&' if '?' in path else '?'}{n}"
            await _load_time(tab, url)
            times[origin] = await _load_time(tab, f"{url}-again")
            assert await tab.evaluate(_HAS_SCRIPT) == (origin is mine)
        pairs.append((times[mine], times[other]))
    return pairs[1:]  # before that, the browser had to fetch the script


async def _load_time(tab: DrivenTab, url: str) -> float:
    """Milliseconds from the start of a navigation to the end of its load event."""
    await tab.goto(url)
    time_of_load = float(await tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    await asyncio.sleep(SETTLING)
    return time_of_load


def _figure(pairs: list[tuple[float, float]], name: str, bar: float | None) -> Figure:
    with_client, without = (statistics.median(side) for side in zip(*pairs, strict=True))
    low, more, high = shift([mine - other for mine, other in pairs])
    interval = f"95 % between {low:.1f} and {high:.1f}"
    details = f"{with_client:.1f} ms with it, {without:.1f} without: {with_client / without:.2f} x; {interval}"
    return Figure(name, more, "ms more", bar, True, details)


def shift(differences: list[float]) -> tuple[float, float, float]:
    """The Hodges-Lehmann estimate of where paired differences lie, between the ends of its 95 % interval."""
    count = len(differences)
    means = sorted((a + b) / 2 for a, b in itertools.combinations_with_replacement(differences, 2))
    rank = round(len(means) / 2 - 1 - 1.96 * math.sqrt(count * (count + 1) * (2 * count + 1) / 24))
    return means[rank], statistics.median(means), means[-1 - rank]
