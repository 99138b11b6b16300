"""Counting, and the table."""

from tests.wpt import report
from tests.wpt.areas import AREAS
from tests.wpt.results import FileResult, Subtest, parse_results

URL = next(area for area in AREAS if area.name == "url")


def test_what_the_wrapper_reports() -> None:
    """Numbers become names; of equal names the later ones are numbered."""
    reported = {
        "harness": {"status": 2, "message": "slow"},
        "subtests": [
            {"name": "same", "status": 0, "message": ""},
            {"name": "same", "status": 1, "message": "no"},
            {"name": "last", "status": 3, "message": ""},
        ],
    }
    harness, message, subtests = parse_results(reported)
    assert (harness, message) == ("TIMEOUT", "slow")
    assert subtests == [Subtest("same", "PASS"), Subtest("same (2)", "FAIL", "no"), Subtest("last", "NOTRUN")]


def test_everything_listed_counts() -> None:
    """Time-outs are failures, and a file without results is one."""
    result = FileResult("url", "a", "TIMEOUT", "", [Subtest("x", "PASS"), Subtest("y", "TIMEOUT", "late")])
    assert (result.passes, result.total) == (1, 2)
    assert result.failures() == {"y": "TIMEOUT late", "*": "TIMEOUT"}
    assert FileResult("url", "b", "CRASH", "gone").total == 1


def test_the_table_has_a_row_for_each_area_that_ran() -> None:
    """Passes here, to passes of Chromium."""
    results = [FileResult("url", "a", "OK", subtests=[Subtest(f"{n}", "PASS") for n in range(URL.chromium)])]
    results.append(FileResult("url", "b", "CRASH"))
    (row,) = report.rows(results)
    assert row == ("url", "url", f"{URL.chromium:,}", f"{URL.chromium:,}", "100.0%", "99.5%", "1")
    assert "url" not in report.below_the_bar(results)
    assert "streams" in report.below_the_bar(results)


def test_what_the_engine_cannot_do_is_not_in_the_bar() -> None:
    """But in the table."""
    area = next(area for area in AREAS if area.impossible)
    enough = area.chromium - area.impossible
    results = [FileResult(area.name, "a", "OK", subtests=[Subtest(f"{n}", "PASS") for n in range(enough)])]
    assert report.reaches_the_bar(area, results)
    assert report.rows(results)[0][5] == f"100.0% of {enough}"
    del results[0].subtests[0]
    assert not report.reaches_the_bar(area, results)


def test_the_document_counts_the_reasons() -> None:
    """The most frequent one first."""
    subtests = [Subtest("x", "FAIL"), Subtest("y", "FAIL"), Subtest("z", "FAIL")]
    results = [FileResult("url", "a", "OK", subtests=subtests)]
    reasons = {"a": {"x": "rare", "y": "usual", "z": "usual"}}
    text = report.document(results, reasons, "2021-07-21 (commit 2057477)")
    assert "with the web platform tests of 2021-07-21 (commit 2057477)" in text
    assert "| 2 | usual |\n| 1 | rare |" in text
