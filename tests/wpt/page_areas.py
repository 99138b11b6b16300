"""Which pages are run: the web platform tests of service workers and caches that are documents."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.wpt.areas import Area, WebPlatformTest
from tests.wpt.metadata import parse_metadata

# "chromium" is counted from the baseline, see baseline.py.
PAGE_AREAS = (
    Area("service-workers", ("service-workers/service-worker",), 1286, 0.85),
    Area("cache-storage", ("service-workers/cache-storage",), 418, 1.0),
)
# Suffix of a file -> scope in its metadata -> suffix of the page that WPT's server makes of it.
_MADE = {
    ".window.js": {"window": ".window.html"},
    ".any.js": {
        "window": ".any.html",
        "dedicatedworker": ".any.worker.html",
        "serviceworker": ".any.serviceworker.html",
        "serviceworker-module": ".any.serviceworker-module.html",
    },
}
_HARNESS = re.compile(r"""<script\s+src=["']?/resources/testharness\.js\b""")
_TIMEOUT = re.compile(r"""<meta\s+name=["']?timeout["']?\s+content=["']?long\b""")
_VARIANT = re.compile(r"""<meta\s+name=["']?variant["']?\s+content=["']([^"']*)""")


def discover_pages(checkout: Path, only: str = "") -> list[WebPlatformTest]:
    """The pages of all areas. Manual tests, reference tests and helpers are none.

    Args:
        only: a part of the names of those wanted; several parts have commas between.
    """
    tests = []
    for area in PAGE_AREAS:
        for directory in area.directories:
            for file in sorted((checkout / directory).rglob("*")):
                path = file.relative_to(checkout)
                if file.suffix in (".html", ".js") and "resources" not in path.parts:
                    pages = _pages(area, path.as_posix(), file.read_text("utf-8", "replace"))
                    tests += [page for page in pages if is_secure(page)]
    return [test for test in tests if any(part in test.name for part in only.split(","))]


def _pages(area: Area, path: str, source: str) -> Iterator[WebPlatformTest]:
    if path.endswith(".html"):
        if _HARNESS.search(source) and "-manual." not in path:
            for variant in _VARIANT.findall(source) or [""]:
                yield WebPlatformTest(area, path, variant, _TIMEOUT.search(source) is not None)
        return
    for suffix, pages in _MADE.items():
        if path.endswith(suffix):
            metadata = parse_metadata(source)
            for scope, page in pages.items():
                if scope in metadata.scopes or suffix == ".window.js":
                    for variant in metadata.variants:
                        yield WebPlatformTest(area, path.removesuffix(suffix) + page, variant, metadata.long)


def is_secure(page: WebPlatformTest) -> bool:
    """Whether it is run over HTTPS, and so may have service workers and caches."""
    return ".https." in page.path or ".serviceworker" in page.path
