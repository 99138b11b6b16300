"""META lines, and which files are run."""

from pathlib import Path

import pytest

from tests.wpt.areas import AREAS, discover
from tests.wpt.metadata import parse_global, parse_metadata


def test_a_file_without_lines_is_for_windows_and_dedicated_workers() -> None:
    """One variant, the empty one, and ten seconds."""
    metadata = parse_metadata("test(() => {});\n// META: global=window\n")
    assert metadata.scopes == {"window", "dedicatedworker"}
    assert metadata.variants == ("",)
    assert not metadata.long
    assert metadata.for_workers
    assert not metadata.for_service_workers


def test_the_lines_at_the_top_count() -> None:
    """Until the first that is none."""
    source = (
        "// META: title=A title = with signs\n// META: global=window,worker\n//META: variant=?a\n"
        "// META: variant=?b=1&c\n// META: script=/common/x.js\n// META: timeout=long\n\n// META: variant=?late\n"
    )
    metadata = parse_metadata(source)
    assert metadata.variants == ("?a", "?b=1&c")
    assert metadata.long
    assert metadata.for_service_workers


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ("window", {"window"}),
        ("worker", {"dedicatedworker", "sharedworker", "serviceworker"}),
        ("window, worker, !serviceworker", {"window", "dedicatedworker", "sharedworker"}),
        ("dedicatedworker,jsshell", {"dedicatedworker", "jsshell"}),
    ],
)
def test_groups_of_scopes(value: str, scopes: set[str]) -> None:
    """ "worker" is all of them, "!" takes away."""
    assert parse_global(value) == scopes


def write(checkout: Path, path: str, source: str = "") -> None:
    file = checkout / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)


def test_files_are_found_by_area(tmp_path: Path) -> None:
    """Every variant is a test, but for those over HTTP/2; windows' own files and other directories are none."""
    write(tmp_path, "url/a.any.js", "// META: variant=?1\n// META: variant=?2\n// META: variant=?wpt_flags=h2\n")
    write(tmp_path, "url/b.any.js", "// META: global=window\n")
    write(tmp_path, "url/c.window.js")
    write(tmp_path, "elsewhere/a.any.js")
    write(tmp_path, "fetch/api/sw.any.js", "// META: global=window,worker\n// META: timeout=long\n")
    write(tmp_path, "fetch/api/basic/other.any.js")
    write(tmp_path, "service-workers/cache-storage/script-tests/plain.js")
    found = {(test.area.name, test.name): test.long for test in discover(tmp_path)}
    assert found == {
        ("cache-storage", "service-workers/cache-storage/script-tests/plain.js"): False,
        ("fetch", "fetch/api/sw.any.js"): True,
        ("fetch-other", "fetch/api/basic/other.any.js"): False,
        ("url", "url/a.any.js?1"): False,
        ("url", "url/a.any.js?2"): False,
    }
    assert [test.name for test in discover(tmp_path, only="?2")] == ["url/a.any.js?2"]


def test_areas_have_names_of_their_own() -> None:
    """A file of expectations belongs to one."""
    assert len({area.name for area in AREAS}) == len(AREAS)
