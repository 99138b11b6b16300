"""Files of our own, in real workers, with a testharness of a few lines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from origin import Origin

from certs.pki import Pki
from tests.wpt.areas import AREAS, WebPlatformTest
from tests.wpt.engines import Swproxy, Unanswered, run_test
from tests.wpt.results import FileResult, Subtest
from tests.wpt.server import DOMAINS, PORTS

HARNESS = """
const subtests = [];
let report = () => {};
self.add_completion_callback = (callback) => { report = callback; };
self.finish = (status) => report(subtests, { status, message: "" });
self.timeout = () => finish(2);
"""
FILES = {
    "good": "subtests.push({ name: location.search, status: 0 }); addEventListener('install', () => finish(0));",
    "slow": "subtests.push({ name: 'started', status: 2, message: 'late' });",
    "bad": "null.x;",
    "stuck": "addEventListener('fetch', () => { for (;;); });",
}
AREA = AREAS[0]
HOST = f"{DOMAINS[0]}:{PORTS['https'][0]}"


@pytest.fixture(scope="module")
def engine(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swproxy]:
    origin = Origin(pki.good())
    wrapper = (Path(__file__).parent / "wrapper.js").read_bytes()
    for name, source in FILES.items():
        origin.route(f"/dir/{name}.any.swproxy.js", wrapper, "text/javascript")
        origin.route(f"/dir/{name}.any.worker.js", f"{HARNESS} {source}".encode(), "text/javascript")
    port = origin.url.rpartition(":")[2]
    directory = tmp_path_factory.mktemp("engine")
    engine = Swproxy(directory / "profile", pki.ca_certificate, {HOST: f"127.0.0.1:{port}"})
    yield engine
    engine.close()
    origin.close()


@pytest.fixture
def run(engine: Swproxy) -> Callable[[str], object]:
    """Runs a file with a second of time."""
    counted = iter(range(100))
    return lambda name: engine.run(
        f"https://{HOST}/dir/{name}.any.swproxy.js", f"https://{HOST}/dir/{name}/{next(counted)}/", 1
    )


def test_a_file_of_a_variant(engine: Swproxy) -> None:
    """It finishes after the install event, and its worker has the variant's query."""
    result = run_test(engine, WebPlatformTest(AREA, "dir/good.any.js", "?one"))
    assert result == FileResult(
        AREA.name, "dir/good.any.js?one", "OK", "", [Subtest("?one", "PASS")], seconds=result.seconds
    )


def test_a_file_that_does_not_finish(run: Callable[[str], object]) -> None:
    """It is asked for what it has."""
    late = {"name": "started", "status": 2, "message": "late"}
    assert run("slow") == {"harness": {"status": 2, "message": ""}, "subtests": [late]}


def test_a_file_that_throws(run: Callable[[str], object]) -> None:
    """No subtests, and the error."""
    message = "TypeError: cannot read property 'x' of null"
    assert run("bad") == {"harness": {"status": 1, "message": message}, "subtests": []}


def test_a_worker_that_loops(run: Callable[[str], object]) -> None:
    """It is ended, so nothing is known of its tests, and the next file runs."""
    assert run("stuck") == {"harness": {"status": 2, "message": ""}, "subtests": []}
    assert run("bad")


def test_a_file_that_is_not_there(run: Callable[[str], object]) -> None:
    """The proxy's sentence is the reason."""
    with pytest.raises(Unanswered, match="404"):
        run("absent")
