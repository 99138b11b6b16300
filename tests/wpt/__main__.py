"""``python -m tests.wpt WPT_DIR``: runs web platform tests in real workers, and compares with the expectations.

Ends with 0 if everything is as expected and every area reaches its bar, with 1 if not, with 2 if it cannot run.
"""

import sys
import time
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from tests.wpt import expectations, report, running  # noqa: E402
from tests.wpt.areas import ALONE, AREAS, discover  # noqa: E402
from tests.wpt.engines import engine, run_test  # noqa: E402
from tests.wpt.results import by_area  # noqa: E402
from tests.wpt.server import SetupError, wpt_serve, wrappers  # noqa: E402

EXPECTATIONS = HERE / "expectations"
DOCUMENT = HERE.parent.parent / "docs" / "conformance.md"


def main() -> int:
    arguments = running.arguments("make wpt", ("swproxy", "chromium"), "wpt-results.json")
    checkout = Path(arguments.checkout).resolve()
    console = Console(highlight=False, soft_wrap=True)
    try:
        tests = running.tests_of(checkout, arguments.only, discover)
        start = time.monotonic()
        with wpt_serve(checkout, wrappers(tests)), engine(arguments.engine, checkout) as workers:
            done = running.run_tests(partial(run_test, workers), tests, arguments.jobs, ALONE, console)
            results = sorted(done, key=lambda result: result.test)
        reasons = {name: expectations.load(EXPECTATIONS / f"{name}.toml") for name in by_area(results)}
    except (SetupError, expectations.ExpectationError) as error:
        print(error, file=sys.stderr)
        return 2
    Path(arguments.json).write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    running.print_table(console, results, AREAS)
    console.print(f"{len(results)} files, {time.monotonic() - start:.0f} s; details: {arguments.json}")
    if arguments.engine != "swproxy":
        return 0
    if arguments.update:
        expectations.update(EXPECTATIONS, results, reasons)
        print(f"Written to {EXPECTATIONS}: fill in the empty reasons.")
        return 0
    complaints = running.complaints(results, reasons, AREAS, whole=not arguments.only)
    for complaint in complaints:
        print(complaint)
    if not complaints and not arguments.only:
        everything = {test: why for some in reasons.values() for test, why in some.items()}
        report.write_document(DOCUMENT, report.document(results, everything, running.commit_date(checkout)))
        print(f"Written: {DOCUMENT}")
    return 1 if complaints else 0


if __name__ == "__main__":
    running.exit_with(main)
