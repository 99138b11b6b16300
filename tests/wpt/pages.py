"""``python -m tests.wpt.pages WPT_DIR``: runs web platform tests that are pages, in Chromium.

They are expected to pass what the same Chromium passes by itself, but for what is listed with reasons. Ends as
``python -m tests.wpt`` does.
"""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from tests.wpt import baseline, expectations, report, running  # noqa: E402
from tests.wpt.areas import WebPlatformTest  # noqa: E402
from tests.wpt.browser import ENGINES, chromium, pages  # noqa: E402
from tests.wpt.page_areas import PAGE_AREAS, discover_pages  # noqa: E402
from tests.wpt.results import FileResult  # noqa: E402
from tests.wpt.server import SetupError, page_report, wpt_serve  # noqa: E402

EXPECTATIONS = HERE / "page-expectations"
DOCUMENT = HERE.parent.parent / "docs" / "page-conformance.md"
# So many files of a whole run that are not as expected run once more, alone: it may have been the machine.
AGAIN = 20


def main() -> int:
    arguments = running.arguments("make wpt-page", ENGINES, "wpt-page-results.json")
    checkout, engine, whole = Path(arguments.checkout).resolve(), arguments.engine, not arguments.only
    anew = engine == "native" and arguments.update
    console = Console(highlight=False, soft_wrap=True)
    try:
        tests = running.tests_of(checkout, arguments.only, discover_pages)
        native = {} if anew else baseline.load().pages
        reasons = {area.name: expectations.Reasons() for area in PAGE_AREAS}
        if engine == "swproxy":
            reasons = {name: expectations.load(EXPECTATIONS / f"{name}.toml") for name in reasons}
        start = time.monotonic()
        with wpt_serve(checkout, page_report()), pages(engine, checkout) as browsers:
            run = partial(_run, browsers.run, console=console)
            results = run(tests, arguments.jobs)
            odd = _odd(tests, baseline.judge(results.values(), native), reasons)
            if anew or (whole and len(odd) <= AGAIN):
                results |= run(odd, 1)
    except (SetupError, expectations.ExpectationError) as error:
        print(error, file=sys.stderr)
        return 2
    raw = [results[test] for test in sorted(results)]
    judged = baseline.judge(raw, native)
    Path(arguments.json).write_bytes(msgspec.json.format(msgspec.json.encode(raw)))
    running.print_table(console, judged, PAGE_AREAS)
    console.print(
        f"{len(raw)} files, {sum(one.passes for one in raw):,} of {sum(one.total for one in raw):,} subtests pass, "
        f"{time.monotonic() - start:.0f} s; {len(odd)} files were not as expected at first; details: {arguments.json}"
    )
    if arguments.update:
        return _update(engine, raw, judged, reasons, checkout)
    complaints = running.complaints(judged, reasons, PAGE_AREAS, whole=whole)
    complaints += [f"not in the baseline: {test}" for test in results if test not in native]
    complaints += [f"in the baseline, but no such test: {test}" for test in native if whole and test not in results]
    for complaint in complaints:
        print(complaint)
    is_known = all(complaint.startswith(running.BELOW_THE_BAR) for complaint in complaints)
    if is_known and whole and engine == "swproxy":
        everything = {test: why for some in reasons.values() for test, why in some.items()}
        date = running.commit_date(checkout)
        report.write_document(DOCUMENT, report.document(judged, everything, date, PAGE_AREAS, report.OF_PAGES))
        print(f"Written: {DOCUMENT}")
    return 1 if complaints else 0


def _run(
    run: running.RunTest, tests: Sequence[WebPlatformTest], jobs: int, console: Console
) -> dict[str, FileResult]:
    """The results by the names of the tests."""
    return {one.test: one for one in running.run_tests(run, tests, jobs, (), console)} if tests else {}


def _odd(
    tests: Sequence[WebPlatformTest], judged: Sequence[FileResult], reasons: Mapping[str, expectations.Reasons]
) -> list[WebPlatformTest]:
    """Those whose results are not as expected."""
    names = {one.test for one in judged if any(expectations.unexpected([one], reasons[one.area]))}
    return [test for test in tests if test.name in names]


def _update(
    engine: str,
    raw: Sequence[FileResult],
    judged: Sequence[FileResult],
    reasons: Mapping[str, expectations.Reasons],
    checkout: Path,
) -> int:
    """Writes what is expected: of Chromium by itself the baseline, of swproxy the failures."""
    if engine == "native":
        version = subprocess.run([chromium(), "--version"], capture_output=True, text=True, check=True).stdout
        baseline.write(raw, version.strip(), running.commit_date(checkout))
        print(f"Written: {baseline.FILE}")
    elif engine == "swproxy":
        expectations.update(EXPECTATIONS, judged, reasons)
        print(f"Written to {EXPECTATIONS}: fill in the empty reasons.")
    return 0


if __name__ == "__main__":
    running.exit_with(main)
