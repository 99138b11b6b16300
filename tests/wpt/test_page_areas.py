"""Which pages are run, and where they are."""

from pathlib import Path

from tests.wpt.browser import address
from tests.wpt.page_areas import discover_pages

HARNESS = "<!DOCTYPE html>\n<script src='/resources/testharness.js'></script>\n"
WORKERS = "service-workers/service-worker"


def found(checkout: Path, files: dict[str, str], only: str = "") -> dict[str, bool]:
    """The names of the tests among the files, and whether they are long."""
    for path, source in files.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(source)
    return {test.name: test.long for test in discover_pages(checkout, only)}


def test_documents_with_testharness_are_tests(tmp_path: Path) -> None:
    """Manual and reference tests, helpers, other directories, and what is served over HTTP are none."""
    files = {
        f"{WORKERS}/a.https.html": HARNESS,
        f"{WORKERS}/deep/b.https.html": HARNESS + '<meta name="timeout" content="long">',
        f"{WORKERS}/c-manual.https.html": HARNESS,
        f"{WORKERS}/d.https.html": '<link rel="match" href="resources/e.html"> testharness.js',
        f"{WORKERS}/resources/e.https.html": HARNESS,
        f"{WORKERS}/f.html": HARNESS,
        "service-workers/cache-storage/window/g.https.html": HARNESS + "<meta name=timeout content=long>",
        "service-workers/cache-storage/script-tests/g.js": "",
        "fetch/h.https.html": HARNESS,
    }
    assert found(tmp_path, files) == {
        f"{WORKERS}/a.https.html": False,
        f"{WORKERS}/deep/b.https.html": True,
        "service-workers/cache-storage/window/g.https.html": True,
    }


def test_variants(tmp_path: Path) -> None:
    """Each is a test, also the one without a query."""
    metas = '<meta name="variant" content="">\n<meta name="variant" content="?client">'
    files = {f"{WORKERS}/a.https.html": HARNESS + metas}
    assert list(found(tmp_path, files)) == [f"{WORKERS}/a.https.html", f"{WORKERS}/a.https.html?client"]
    assert list(found(tmp_path, files, only="?client")) == [f"{WORKERS}/a.https.html?client"]


def test_pages_that_the_server_makes_of_scripts(tmp_path: Path) -> None:
    """One for each scope; those of service workers are over HTTPS in any case."""
    files = {
        f"{WORKERS}/a.https.any.js": "// META: timeout=long\n",
        f"{WORKERS}/b.any.js": "// META: global=window,serviceworker\n// META: variant=?1\n",
        f"{WORKERS}/c.any.js": "// META: global=serviceworker-module\n",
        f"{WORKERS}/d.https.window.js": "",
    }
    assert found(tmp_path, files) == {
        f"{WORKERS}/a.https.any.html": True,
        f"{WORKERS}/a.https.any.worker.html": True,
        f"{WORKERS}/b.any.serviceworker.html?1": False,
        f"{WORKERS}/c.any.serviceworker-module.html": False,
        f"{WORKERS}/d.https.window.html": False,
    }


def test_addresses(tmp_path: Path) -> None:
    """The port follows from the name."""
    for name in ("a.https.html", "b.h2.https.html"):
        found(tmp_path, {f"{WORKERS}/{name}": HARNESS})
    assert [address(test) for test in discover_pages(tmp_path)] == [
        f"https://web-platform.test:8443/{WORKERS}/a.https.html",
        f"https://web-platform.test:9000/{WORKERS}/b.h2.https.html",
    ]
