"""``python -m tests.wpt.pages WPT_DIR``: runs web platform tests that are pages, in Chromium.

They are expected to pass what the same Chromium passes by itself, but for what is listed with reasons. Ends as
``python -m tests.wpt`` does.
"""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
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
# So many files that are not as expected are run once more, alone: it may have been the machine. More are no accident.
AGAIN = 20


def main() -> int:
    arguments = running.arguments("make wpt-page", ENGINES, "wpt-page-results.json")
    checkout = Path(arguments.checkout).resolve()
    console = Console(highlight=False, soft_wrap=True)
    try:
        tests = running.tests_of(checkout, arguments.only, discover_pages)
        native = baseline.load().pages
        reasons = {area.name: expectations.Reasons() for area in PAGE_AREAS}
        if arguments.engine == "swproxy":
            reasons = {name: expectations.load(EXPECTATIONS / f"{name}.toml") for name in reasons}
        start = time.monotonic()
        with wpt_serve(checkout, page_report()), pages(arguments.engine, checkout) as browsers:
            results = {one.test: one for one in running.run_tests(browsers.run, tests, arguments.jobs, (), console)}
            odd = _odd(tests, baseline.judge(results.values(), native), reasons)
            if 0 < len(odd) <= AGAIN:
                results |= {one.test: one for one in running.run_tests(browsers.run, odd, 1, (), console)}
    except (SetupError, expectations.ExpectationError) as error:
        print(error, file=sys.stderr)
        return 2
    raw = [results[test] for test in sorted(results)]
    Path(arguments.json).write_bytes(msgspec.json.format(msgspec.json.encode(raw)))
    judged = baseline.judge(raw, native)
    running.print_table(console, judged, PAGE_AREAS)
    console.print(
        f"{len(raw)} files, {sum(one.passes for one in raw):,} of {sum(one.total for one in raw):,} subtests pass, "
        f"{time.monotonic() - start:.0f} s; {len(odd)} files were not as expected"
        f"{' at first' if len(odd) <= AGAIN else ''}; details: {arguments.json}"
    )
    if arguments.update:
        return _update(arguments.engine, raw, judged, reasons, checkout)
    complaints = running.complaints(judged, reasons, PAGE_AREAS, whole=not arguments.only)
    complaints += [f"not in the baseline: {one.test}" for one in raw if one.test not in native]
    if not arguments.only:
        complaints += [f"in the baseline, but no such test: {test}" for test in native if test not in results]
    for complaint in complaints:
        print(complaint)
    if not complaints and not arguments.only and arguments.engine == "swproxy":
        everything = {test: why for some in reasons.values() for test, why in some.items()}
        date = running.commit_date(checkout)
        report.write_document(DOCUMENT, report.document(judged, everything, date, PAGE_AREAS, report.OF_PAGES))
        print(f"Written: {DOCUMENT}")
    return 1 if complaints else 0


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
