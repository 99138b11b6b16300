"""What is run: parts of the web platform tests, with the share of Chromium's passes that each must reach."""

from dataclasses import dataclass
from pathlib import Path

from tests.wpt.metadata import Metadata, parse_metadata


@dataclass(frozen=True)
class Area:
    """Directories whose tests belong together.

    Attributes:
        name: also of its file of expectations.
        directories: in the checkout.
        chromium: the subtests that Chromium passes, run natively by this runner.
        bar: how many subtests must pass here, as a share of that, without those that are ``impossible``.
        impossible: how many of them need what the engine does not have: WebAssembly, to make a SharedArrayBuffer.
        service_worker: only tests that name service workers in ``global`` (True), or only the others (False).
        plain: the files are scripts for a worker as they are, not ``.any.js``.
    """

    name: str
    directories: tuple[str, ...]
    chromium: int
    bar: float
    service_worker: bool | None = None
    plain: bool = False
    impossible: int = 0


AREAS = (
    Area("cache-storage", ("service-workers/cache-storage/script-tests",), 134, 1.0, plain=True),
    Area("fetch", ("fetch/api", "fetch/data-urls"), 1232, 0.97, service_worker=True),
    Area("fetch-other", ("fetch/api",), 199, 0.95, service_worker=False),
    Area("streams", ("streams",), 1200, 0.98),
    Area("url", ("url",), 1594, 0.995),
    Area("encoding", ("encoding",), 11578, 0.99),
    Area("compression", ("compression",), 183, 1.0, impossible=8),
    Area("file", ("FileAPI",), 303, 0.97),
    Area(
        "dom-and-html",
        (
            "dom/abort",
            "dom/events",
            "html/webappapis",
            "xhr/formdata",
            "console",
            "WebIDL/ecmascript-binding",
        ),
        669,
        0.97,
    ),
    Area("performance", ("hr-time", "performance-timeline", "user-timing"), 239, 0.97),
    Area("messaging", ("webmessaging",), 51, 0.95),
    Area("web-locks", ("web-locks",), 107, 0.95),
    Area("urlpattern", ("urlpattern",), 352, 0.95),
    Area("crypto", ("WebCryptoAPI",), 20032, 0.95),
    Area("websockets", ("websockets",), 156, 0.85),
    Area("storage", ("storage",), 46, 0.9),
    Area("indexeddb", ("IndexedDB",), 373, 0.98),
)


# These look at all that their origin has stored, and so run when no other test does.
ALONE = (
    "IndexedDB/get-databases.any.js",
    "service-workers/cache-storage/script-tests/cache-storage-keys.js",
    "storage/estimate-",
    "storage/storagemanager-estimate",
)

# Variants that are about how the server is reached, and not about what a worker may do.
_OVER_HTTP_2 = "wpt_flags=h2"


@dataclass(frozen=True)
class WebPlatformTest:
    """One file in one variant.

    Attributes:
        path: of the file, in the checkout.
        variant: its query, with "?", or "".
        long: it may take a minute, not ten seconds.
    """

    area: Area
    path: str
    variant: str = ""
    long: bool = False

    @property
    def name(self) -> str:
        return self.path + self.variant


def discover(checkout: Path, only: str = "") -> list[WebPlatformTest]:
    """The tests of all areas that a service worker can run.

    Args:
        only: a part of the names of those wanted; several parts have commas between.
    """
    tests = []
    for area in AREAS:
        for directory in area.directories:
            pattern = "*.js" if area.plain else "*.any.js"
            for file in sorted((checkout / directory).rglob(pattern)):
                metadata = parse_metadata(file.read_text("utf-8", "replace"))
                if area.plain or belongs(area, metadata):
                    path = file.relative_to(checkout).as_posix()
                    tests += [
                        WebPlatformTest(area, path, variant, metadata.long)
                        for variant in metadata.variants
                        if _OVER_HTTP_2 not in variant
                    ]
    return [test for test in tests if any(part in test.name for part in only.split(","))]


def belongs(area: Area, metadata: Metadata) -> bool:
    """Whether a service worker may run the test, and this area wants it."""
    return metadata.for_workers and area.service_worker in (None, metadata.for_service_workers)
