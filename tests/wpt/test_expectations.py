"""Expected failures: what is written, what is missing, what has come to pass."""

from pathlib import Path

import pytest

from tests.wpt.expectations import ExpectationError, load, skeleton, stale, unexpected
from tests.wpt.results import FileResult, Subtest

RESULT = FileResult(
    "url", "url/a.any.js?x", "OK", subtests=[Subtest("good", "PASS"), Subtest("bad", "FAIL", "1 is not 2")]
)
CRASHED = FileResult("url", "url/b.any.js", "CRASH", "The worker does not answer.")


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "url.toml"
    file.write_text(text, "utf-8")
    return file


def test_no_file_expects_no_failure(tmp_path: Path) -> None:
    """Every failure is reported with its message, also that of a whole file."""
    failures, passes = unexpected([RESULT, CRASHED], load(tmp_path / "url.toml"))
    assert failures == [
        "url/a.any.js?x: bad: FAIL 1 is not 2",
        "url/b.any.js: *: CRASH The worker does not answer.",
    ]
    assert passes == []


def test_expected_failures_are_silent(tmp_path: Path) -> None:
    """Of a subtest, and of a file."""
    text = (
        '[[failure]]\nreason = "why"\ntest = "url/a.any.js?x"\nsubtests = ["bad"]\n'
        '[[failure]]\nreason = "why"\ntest = "url/b.any.js"\n'
    )
    assert unexpected([RESULT, CRASHED], load(written(tmp_path, text))) == ([], [])


def test_a_file_that_does_not_end_well_is_expected_by_its_star() -> None:
    """Its subtests are looked at all the same."""
    subtests = [Subtest("good", "PASS"), Subtest("bad", "FAIL")]
    broken = FileResult("url", "url/a.any.js", "ERROR", "late", subtests)
    failures, _ = unexpected([broken], {"url/a.any.js": {"*": "why"}})
    assert failures == ["url/a.any.js: bad: FAIL"]
    assert unexpected([broken], {"url/a.any.js": {"*": "why", "bad": "why"}}) == ([], [])


def test_a_file_without_subtests_fails() -> None:
    """Even if it says that all is well."""
    failures, _ = unexpected([FileResult("url", "url/a.any.js", "OK")], {})
    assert failures == ["url/a.any.js: *: OK"]


def test_expectations_of_tests_that_are_gone() -> None:
    """A whole run knows."""
    assert stale([RESULT], {RESULT.test: {"bad": "why"}, "url/gone.any.js": {"*": "why"}}) == ["url/gone.any.js"]


def test_an_expected_failure_that_passes_is_reported(tmp_path: Path) -> None:
    """Of a subtest, of one that is gone, and of a file that passes wholly."""
    text = (
        '[[failure]]\nreason = "why"\ntest = "url/a.any.js?x"\nsubtests = ["bad", "good", "gone"]\n'
        '[[failure]]\nreason = "why"\ntest = "url/c.any.js"\n'
    )
    fine = FileResult("url", "url/c.any.js", "OK", subtests=[Subtest("good", "PASS")])
    failures, passes = unexpected([RESULT, fine], load(written(tmp_path, text)))
    assert failures == []
    assert passes == ["url/a.any.js?x: good", "url/a.any.js?x: gone", "url/c.any.js: *"]


@pytest.mark.parametrize(
    "text",
    [
        "[[failure",
        '[[failure]]\nreason = " "\ntest = "t"\n',
        '[[failure]]\ntest = "t"\n',
        '[[failure]]\nreason = "r"\ntest = "t"\nsubtest = "s"\n',
        '[[failure]]\nreason = "r"\ntest = "t"\nsubtests = ["s", "s"]\n',
    ],
)
def test_unusable_files(tmp_path: Path, text: str) -> None:
    """No TOML, no reason, a misspelt key, twice the same: the error names the file."""
    with pytest.raises(ExpectationError, match=r"url\.toml: "):
        load(written(tmp_path, text))


def test_a_skeleton_keeps_the_reasons_and_asks_for_the_missing(tmp_path: Path) -> None:
    """What is new has an empty reason, so that nobody can leave it there."""
    odd = FileResult("url", "url/d.any.js", "OK", subtests=[Subtest('"\\ \x7f\u2028\n', "FAIL")])
    reasons = {"url/b.any.js": {"*": "it hangs"}, "url/a.any.js?x": {"gone": "old"}}
    text = skeleton([RESULT, CRASHED, odd], reasons)
    assert 'reason = "it hangs"\ntest = "url/b.any.js"\n\n' in text
    with pytest.raises(ExpectationError, match="without a reason"):
        load(written(tmp_path, text))
    filled = load(written(tmp_path, text.replace('reason = ""', 'reason = "new"')))
    assert filled == {
        "url/a.any.js?x": {"bad": "new"},
        "url/b.any.js": {"*": "it hangs"},
        "url/d.any.js": {'"\\ \x7f\u2028\n': "new"},
    }
