"""What became of tests: https://web-platform-tests.org/writing-tests/testharness-api.html"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

# testharness's numbers
STATUSES = ("PASS", "FAIL", "TIMEOUT", "NOTRUN", "PRECONDITION_FAILED")
HARNESS_STATUSES = ("OK", "ERROR", "TIMEOUT", "PRECONDITION_FAILED")
# The file itself, where a subtest's name is asked for.
WHOLE_FILE = "*"


class Subtest(msgspec.Struct, frozen=True):
    name: str
    status: str
    message: str = ""

    @property
    def passed(self) -> bool:
        return self.status == "PASS"


class FileResult(msgspec.Struct, frozen=True):
    """Of one file in one variant.

    Attributes:
        test: the path with the variant.
        harness: "OK", or why there are no results, or not all.
        seconds: how long it took.
    """

    area: str
    test: str
    harness: str
    message: str = ""
    subtests: list[Subtest] = []
    seconds: float = 0.0

    @property
    def passes(self) -> int:
        return sum(subtest.passed for subtest in self.subtests)

    @property
    def total(self) -> int:
        """A file without results counts as one failure."""
        return len(self.subtests) or 1

    def failures(self) -> dict[str, str]:
        """Subtest -> status and message. The file itself is among them if it has no results, or did not end well."""
        failed = {one.name: f"{one.status} {one.message}".strip() for one in self.subtests if not one.passed}
        if self.harness != "OK" or not self.subtests:
            failed[WHOLE_FILE] = f"{self.harness} {self.message}".strip()
        return failed


def parse_results(value: Any) -> tuple[str, str, list[Subtest]]:
    """What the wrapper reports: the harness's status, its message, and the subtests under names of their own."""
    seen: Counter[str] = Counter()
    subtests = []
    for one in value["subtests"]:
        name = one["name"]
        seen[name] += 1
        if seen[name] > 1:
            name = f"{name} ({seen[name]})"
        subtests.append(Subtest(name, STATUSES[one["status"]], one["message"]))
    return HARNESS_STATUSES[value["harness"]["status"]], value["harness"]["message"], subtests


def by_area(results: Iterable[FileResult]) -> dict[str, list[FileResult]]:
    areas: dict[str, list[FileResult]] = {}
    for result in results:
        areas.setdefault(result.area, []).append(result)
    return areas
