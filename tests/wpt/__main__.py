"""``python -m tests.wpt WPT_DIR``: runs web platform tests in real workers, and compares with the expectations.

Ends with 0 if everything is as expected and every area reaches its bar, with 1 if not, with 2 if it cannot run.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from tests.wpt import expectations, report  # noqa: E402
from tests.wpt.areas import ALONE, WebPlatformTest, discover  # noqa: E402
from tests.wpt.engines import Engine, engine, run_test  # noqa: E402
from tests.wpt.results import FileResult, by_area  # noqa: E402
from tests.wpt.server import SetupError, wpt_serve  # noqa: E402

AT_A_TIME = 2
EXPECTATIONS = HERE / "expectations"
DOCUMENT = HERE.parent.parent / "docs" / "conformance.md"


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.only and arguments.update:
        parser.error("--update needs a whole run: the expectations of what does not run would be lost")
    checkout = Path(arguments.checkout).resolve()
    console = Console(highlight=False, soft_wrap=True)
    try:
        if not (checkout / "resources" / "testharness.js").exists():
            raise SetupError(
                f"{checkout} is no checkout of the web platform tests: it has no resources/testharness.js."
            )
        tests = discover(checkout, arguments.only)
        if not tests:
            raise SetupError(f"No test of the areas has '{arguments.only}' in its name.")
        start = time.monotonic()
        with wpt_serve(checkout, tests), engine(arguments.engine, checkout) as workers:
            results = sorted(_run(workers, tests, console), key=lambda result: result.test)
        reasons = {name: expectations.load(EXPECTATIONS / f"{name}.toml") for name in by_area(results)}
    except (SetupError, expectations.ExpectationError) as error:
        print(error, file=sys.stderr)
        return 2
    Path(arguments.json).write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    _print_table(console, results)
    console.print(f"{len(results)} files, {time.monotonic() - start:.0f} s; details: {arguments.json}")
    if arguments.engine != "swproxy":
        return 0
    if arguments.update:
        for name, some in by_area(results).items():
            (EXPECTATIONS / f"{name}.toml").write_text(expectations.skeleton(some, reasons[name]), "utf-8")
        print(f"Written to {EXPECTATIONS}: fill in the empty reasons.")
        return 0
    complaints = _complaints(results, reasons, whole=not arguments.only)
    for complaint in complaints:
        print(complaint)
    if not complaints and not arguments.only:
        everything = {test: why for some in reasons.values() for test, why in some.items()}
        report.write_document(DOCUMENT, report.document(results, everything, commit_date(checkout)))
        print(f"Written: {DOCUMENT}")
    return 1 if complaints else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make wpt")
    parser.add_argument("checkout", metavar="WPT_DIR", help="a checkout of the web platform tests")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only tests with this in their path; commas between several"
    )
    parser.add_argument("--json", default="wpt-results.json", metavar="FILE", help="where the results go")
    parser.add_argument("--engine", choices=["swproxy", "chromium"], default="swproxy", help="whose workers run them")
    parser.add_argument("--update", action="store_true", help="write the expectations anew; reasons are yours to add")
    return parser


def _run(workers: Engine, tests: Sequence[WebPlatformTest], console: Console) -> Iterator[FileResult]:
    """Two at a time, the slow ones first; then those that have to be alone."""
    alone = [test for test in tests if test.path.startswith(ALONE)]
    others = sorted([test for test in tests if test not in alone], key=lambda test: not test.long)
    with Progress(console=console) as progress:
        bar = progress.add_task("", total=len(tests))
        results = chain(_run_threads(workers, others, AT_A_TIME), _run_threads(workers, alone, 1))
        for done, result in enumerate(results, 1):
            progress.update(bar, advance=1, description=result.area)
            if not console.is_terminal and done % 50 == 0:
                console.print(f"{done} of {len(tests)} files")
            yield result


def _run_threads(workers: Engine, tests: Sequence[WebPlatformTest], count: int) -> Iterator[FileResult]:
    with ThreadPoolExecutor(count) as threads:
        futures = [threads.submit(run_test, workers, test) for test in tests]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:  # also after Ctrl-C: none that has not begun begins
            threads.shutdown(wait=False, cancel_futures=True)


def _print_table(console: Console, results: Sequence[FileResult]) -> None:
    table = Table(*(header for header in report.HEADERS if header != "directories"))
    for name, _, *figures in report.rows(results):
        table.add_row(name, *figures)
    console.print(table)


def _complaints(results: Sequence[FileResult], reasons: dict[str, expectations.Reasons], *, whole: bool) -> list[str]:
    """What is not as expected, a line each. A whole run also tells of missing tests, and of areas below the bar."""
    lines = []
    for name, some in by_area(results).items():
        failures, passes = expectations.unexpected(some, reasons[name])
        lines += [f"unexpected failure: {line}" for line in failures]
        lines += [f"unexpected pass: {line}" for line in passes]
        if whole:
            lines += [f"no such test: {test}" for test in expectations.stale(some, reasons[name])]
    return lines + [f"below the bar: {name}" for name in report.below_the_bar(results) if whole]


def commit_date(checkout: Path) -> str:
    """When the checkout's commit was made, and which it is."""
    done = subprocess.run(
        ["git", "-C", str(checkout), "log", "-1", "--format=%cs (commit %h)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "an unknown date"


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it is ignored, as in the background
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # the server and the proxy must not stay
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
