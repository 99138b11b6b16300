"""Results are measured by those of Chromium."""

from pathlib import Path

from tests.wpt import baseline
from tests.wpt.baseline import NativePage, judge
from tests.wpt.page_areas import PAGE_AREAS
from tests.wpt.report import below_the_bar
from tests.wpt.results import FileResult, Subtest

GOOD, BAD, ODD = Subtest("good", "PASS"), Subtest("bad", "FAIL", "no"), Subtest("odd", "FAIL", "no")


def page(*subtests: Subtest, harness: str = "OK") -> FileResult:
    return FileResult("service-workers", "a", harness, "why" if harness != "OK" else "", list(subtests))


def test_what_fails_in_chromium_does_not_count() -> None:
    """Neither if it fails here, nor if it passes."""
    native = {"a": NativePage(2, ["odd"])}
    assert judge([page(GOOD, BAD, ODD)], native) == [page(GOOD, BAD)]
    assert judge([page(GOOD, BAD, Subtest("odd", "PASS"))], native) == [page(GOOD, BAD)]


def test_a_file_of_which_chromium_passes_nothing() -> None:
    """It is not looked at; but one that is not in the baseline is."""
    assert judge([page(ODD)], {"a": NativePage(0, ["odd"])}) == []
    assert judge([page(ODD)], {}) == [page(ODD)]


def test_missing_subtests_are_a_failure_of_the_file() -> None:
    """Its name is a star, as no name is known."""
    (judged,) = judge([page(GOOD)], {"a": NativePage(3)})
    assert judged.failures() == {"*": "MISSING 2 subtests that Chromium passes are not there"}
    crashed = page(harness="CRASH")
    assert judge([crashed], {"a": NativePage(3)}) == [crashed]


def test_the_harness() -> None:
    """It has to end as in Chromium, or well."""
    late = page(GOOD, harness="TIMEOUT")
    assert judge([late], {"a": NativePage(1)}) == [late]
    assert judge([late], {"a": NativePage(1, harness="TIMEOUT")}) == [page(GOOD)]
    assert judge([late], {"a": NativePage(2, harness="TIMEOUT")}) == [late]
    assert judge([page(GOOD)], {"a": NativePage(1, harness="TIMEOUT")}) == [page(GOOD)]


def test_writing_and_reading(tmp_path: Path) -> None:
    """What is measured by itself passes."""
    results = [page(GOOD, BAD, ODD, harness="TIMEOUT")]
    file = tmp_path / "native.json"
    baseline.write(results, "Chromium 156", "2021-07-21", file)
    read = baseline.load(file)
    assert (read.chromium, read.checkout) == ("Chromium 156", "2021-07-21")
    assert judge(results, read.pages) == [page(GOOD)]


def test_the_areas_count_what_the_baseline_has() -> None:
    """Passing subtests, of every page below the area's directories."""
    pages = baseline.load().pages
    for area in PAGE_AREAS:
        assert area.chromium == sum(
            native.passes for test, native in pages.items() if test.startswith(area.directories)
        )


def test_the_bar_is_a_share_of_what_chromium_passes() -> None:
    """85 of a hundred of the pages of service workers, all of those of caches."""
    subtests = {"service-workers": 1094, "cache-storage": 418}
    results = [
        FileResult(area, area, "OK", subtests=[Subtest(f"{n}", "PASS") for n in range(count)])
        for area, count in subtests.items()
    ]
    assert below_the_bar(results, PAGE_AREAS) == []
    for result in results:
        result.subtests.pop()
    assert below_the_bar(results, PAGE_AREAS) == ["service-workers", "cache-storage"]
