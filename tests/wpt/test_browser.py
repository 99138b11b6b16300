"""Pages of our own in real Chromium, with a testharness of a few lines."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from origin import Origin

from certs.pki import Pki
from tests.wpt.browser import Pages, Proxies
from tests.wpt.engines import Unanswered

HARNESS = """
const subtests = [];
let report = () => {};
const add_completion_callback = (callback) => { report = callback; };
const setup = () => {};
const finish = (status) => report(subtests, { status });
const timeout = () => finish(2);
"""
PAGES = {
    "good": "subtests.push({ name: location.search, status: 0 }); finish(0);",
    "slow": "subtests.push({ name: 'started', status: 2, message: 'late' });",
    "stuck": "for (;;);",
    "around": "document.write('<iframe src=good?inner></iframe>'); onload = () => finish(0);",
    "worker": "navigator.serviceWorker.register('/worker.js').then(() => finish(0));",
    "cookie": "subtests.push({ name: document.cookie, status: 0 }); document.cookie = 'a=b'; finish(0);",
}
Open = Callable[[str, float], Any]


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    origin = Origin(None)
    origin.script("/resources/testharness.js", HARNESS)
    origin.script("/resources/testharnessreport.js", (Path(__file__).parent / "page_report.js").read_text())
    origin.script("/worker.js", "")
    scripts = "".join(f"<script src=/resources/{name}.js></script>" for name in ("testharness", "testharnessreport"))
    for name, source in PAGES.items():
        origin.route(f"/{name}", f"<!DOCTYPE html>{scripts}<script>{source}</script>", "text/html")
    yield origin
    origin.close()


@pytest.fixture(params=["native"])
def open_page(request: pytest.FixtureRequest, site: Origin, pki: Pki, tmp_path: Path) -> Iterator[Open]:
    """Opens pages of the site, on a thread that no other browser is on."""
    pages = Pages(request.param, tmp_path, pki.ca_certificate)
    with ThreadPoolExecutor(1) as thread:
        yield lambda name, time: thread.submit(pages.open, f"{site.url}/{name}", time).result()
        thread.submit(pages.leave).result()
    pages.close()


def test_pages_report_their_results(open_page: Open) -> None:
    """A document inside of a page does not; and each page has an empty storage."""
    passed = {"status": 0, "message": ""}
    assert open_page("good?one", 10) == {"harness": passed, "subtests": [{"name": "?one"} | passed]}
    assert open_page("around", 10) == {"harness": passed, "subtests": []}
    for _ in range(2):
        assert open_page("cookie", 10)["subtests"] == [{"name": ""} | passed]


def test_a_page_that_does_not_finish(open_page: Open) -> None:
    """It is asked for what it has."""
    late = {"name": "started", "status": 2, "message": "late"}
    assert open_page("slow", 1) == {"harness": {"status": 2, "message": ""}, "subtests": [late]}


def test_a_page_that_does_not_answer(open_page: Open) -> None:
    """Nothing is known of it, and the next page runs."""
    with pytest.raises(Unanswered):
        open_page("stuck", 1)
    assert open_page("good", 10)


def test_the_browsers_own_service_workers_run(open_page: Open) -> None:
    """Without a proxy that has them."""
    assert open_page("worker", 10)


@pytest.mark.parametrize("open_page", ["swproxy"], indirect=True)
def test_the_browsers_own_service_workers_may_not_run(open_page: Open) -> None:
    """Where they are the proxy's, which an origin without encryption shows: the proxy leaves it alone."""
    assert open_page("good", 10)
    with pytest.raises(Unanswered, match=r"of its own: .*/worker\.js"):
        open_page("worker", 10)


def test_a_proxy_in_which_something_is_left_is_replaced(origin: Origin, pki: Pki, tmp_path: Path) -> None:
    """A registration, for instance."""
    origin.script("/sw.js", "")
    proxies = Proxies(tmp_path, pki.ca_certificate, {})
    first = proxies.clean()
    assert proxies.clean() == first
    proxies.proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    second = proxies.clean()
    assert second != first
    assert proxies.clean() == second
    proxies.close()
