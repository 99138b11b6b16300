"""What the runners share: tests in threads, the table, what is not as expected, the end of the program."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.wpt import expectations, report
from tests.wpt.areas import Area, WebPlatformTest
from tests.wpt.results import FileResult, by_area
from tests.wpt.server import SetupError

RunTest = Callable[[WebPlatformTest], FileResult]


def arguments(prog: str, engines: Sequence[str], details: str) -> argparse.Namespace:
    """The command line. The first engine is the default one, ``details`` the default of ``--json``."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("checkout", metavar="WPT_DIR", help="a checkout of the web platform tests")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only tests with this in their path; commas between several"
    )
    parser.add_argument("--json", default=details, metavar="FILE", help="where the results go")
    parser.add_argument("--engine", choices=engines, default=engines[0], help="who runs them")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at a time")
    parser.add_argument("--update", action="store_true", help="write what is expected anew; reasons are yours to add")
    given = parser.parse_args()
    if given.only and given.update:
        parser.error("--update needs a whole run: the expectations of what does not run would be lost")
    return given


def tests_of(
    checkout: Path, only: str, discover: Callable[[Path, str], list[WebPlatformTest]]
) -> list[WebPlatformTest]:
    """What is to be run.

    Raises:
        SetupError: no checkout, or nothing to run.
    """
    if not (checkout / "resources" / "testharness.js").exists():
        raise SetupError(f"{checkout} is no checkout of the web platform tests: it has no resources/testharness.js.")
    tests = discover(checkout, only)
    if not tests:
        raise SetupError(f"No test of the areas has '{only}' in its name.")
    return tests


def run_tests(
    run: RunTest, tests: Sequence[WebPlatformTest], jobs: int, alone: Sequence[str], console: Console
) -> Iterator[FileResult]:
    """So many at a time, the slow ones first; then, one after the other, those with a path that ``alone`` begins."""
    apart = [test for test in tests if test.path.startswith(tuple(alone))]
    others = sorted([test for test in tests if test not in apart], key=lambda test: not test.long)
    with Progress(console=console) as progress:
        bar = progress.add_task("", total=len(tests))
        for done, result in enumerate(chain(_in_threads(run, others, jobs), _in_threads(run, apart, 1)), 1):
            progress.update(bar, advance=1, description=result.area)
            if not console.is_terminal and done % 50 == 0:
                console.print(f"{done} of {len(tests)} files")
            yield result


def _in_threads(run: RunTest, tests: Sequence[WebPlatformTest], count: int) -> Iterator[FileResult]:
    with ThreadPoolExecutor(count) as threads:
        futures = [threads.submit(run, test) for test in tests]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:  # also after Ctrl-C: none that has not begun begins
            threads.shutdown(wait=False, cancel_futures=True)


def print_table(console: Console, results: Sequence[FileResult], areas: Sequence[Area]) -> None:
    table = Table(*(header for header in report.HEADERS if header != "directories"))
    for name, _, *figures in report.rows(results, areas):
        table.add_row(name, *figures)
    console.print(table)


# What a complaint begins with that is no surprise if the reasons for it are known.
BELOW_THE_BAR = "below the bar: "


def complaints(
    results: Sequence[FileResult], reasons: Mapping[str, expectations.Reasons], areas: Sequence[Area], *, whole: bool
) -> list[str]:
    """What is not as expected, a line each. A whole run also tells of missing tests, and of areas below the bar.

    Args:
        reasons: by area.
    """
    lines = []
    for name, some in by_area(results).items():
        failures, passes = expectations.unexpected(some, reasons[name])
        lines += [f"unexpected failure: {line}" for line in failures]
        lines += [f"unexpected pass: {line}" for line in passes]
        if whole:
            lines += [f"no such test: {test}" for test in expectations.stale(some, reasons[name])]
    return lines + [BELOW_THE_BAR + name for name in report.below_the_bar(results, areas) if whole]


def commit_date(checkout: Path) -> str:
    """When the checkout's commit was made, and which it is."""
    done = subprocess.run(
        ["git", "-C", str(checkout), "log", "-1", "--format=%cs (commit %h)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "an unknown date"


def exit_with(main: Callable[[], int]) -> None:
    """Runs the program. However it is ended, the server and the proxies must not stay."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it is ignored, as in the background
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
