"""What Chromium passes by itself: ``native-pages.json``, to measure pages behind the proxy by.

It has, for every page, how many subtests pass and the names of those that do not. ``make wpt-page`` writes it with
``ARGS="--engine native --update"``, for another checkout or another Chromium. Files in which something fails run
twice then, the second time alone: what Chromium can pass counts, not what it fails when the machine is busy.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from tests.wpt.results import FileResult

FILE = Path(__file__).with_name("native-pages.json")


class NativePage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of one file in one variant.

    Attributes:
        passes: how many subtests.
        fails: the names of the others.
        harness: as in ``FileResult``.
    """

    passes: int
    fails: list[str] = []
    harness: str = "OK"


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Attributes:
    chromium: its version.
    checkout: the date of the web platform tests.
    pages: by the names of the tests.
    """

    chromium: str
    checkout: str
    pages: dict[str, NativePage]


def load(file: Path = FILE) -> Baseline:
    return msgspec.json.decode(file.read_bytes(), type=Baseline)


def write(results: Iterable[FileResult], chromium: str, checkout: str, file: Path = FILE) -> None:
    """Makes these results the baseline."""
    pages = {
        result.test: NativePage(
            result.passes, [one.name for one in result.subtests if not one.passed], result.harness
        )
        for result in results
    }
    text = msgspec.json.format(msgspec.json.encode(Baseline(chromium, checkout, pages)), indent=1)
    file.write_bytes(text + b"\n")


def judge(results: Iterable[FileResult], pages: Mapping[str, NativePage]) -> list[FileResult]:
    """The results without what fails in Chromium itself, too.

    What remains has a harness that is not "OK" if subtests are missing that Chromium passes, or if it is not "OK"
    here only. A file of which Chromium passes nothing does not remain; one that is not in the baseline remains whole.
    """
    judged = []
    for result in results:
        native = pages.get(result.test, NativePage(0))
        if native.passes or result.test not in pages:
            judged.append(_judged(result, native))
    return judged


def _judged(result: FileResult, native: NativePage) -> FileResult:
    fails = set(native.fails)
    subtests = [one for one in result.subtests if one.name not in fails]
    missing = native.passes - len(subtests)
    harness, message = result.harness, result.message
    if harness == native.harness and missing <= 0:
        harness, message = "OK", ""
    elif harness == "OK" and missing > 0:
        harness, message = "MISSING", f"{missing} subtests that Chromium passes are not there"
    return msgspec.structs.replace(result, harness=harness, message=message, subtests=subtests)
