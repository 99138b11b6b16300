"""Which failures are expected, and why: ``expectations/<area>.toml``.

    [[failure]]
    reason = "The engine has no WebAssembly."
    test = "streams/some.any.js?variant"
    subtests = ["name", "name"]

Without ``subtests`` the file gives no results at all. The name "*" among the subtests means that the file does not
run to its end, or reports an error of its own. Whatever is not written there passes.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from tests.wpt.results import WHOLE_FILE, FileResult, by_area

# test -> subtest -> reason
Reasons = dict[str, dict[str, str]]


class ExpectationError(Exception):
    """A file of expectations is not usable."""


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str
    test: str
    subtests: list[str] | None = None


class Expectations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    failure: list[Failure] = []


def load(file: Path) -> Reasons:
    """The expected failures of an area; none if there is no file.

    Raises:
        ExpectationError: not TOML, no reason, or the same subtest twice.
    """
    if not file.exists():
        return {}
    try:
        expectations = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Expectations)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ExpectationError(f"{file.name}: {error}.") from None
    reasons: Reasons = {}
    for failure in expectations.failure:
        if not failure.reason.strip():
            raise ExpectationError(f"{file.name}: {failure.test} has a failure without a reason.")
        known = reasons.setdefault(failure.test, {})
        for subtest in failure.subtests if failure.subtests is not None else [WHOLE_FILE]:
            if subtest in known:
                raise ExpectationError(f"{file.name}: {failure.test} has '{subtest}' twice.")
            known[subtest] = failure.reason
    return reasons


def unexpected(results: Iterable[FileResult], reasons: Reasons) -> tuple[list[str], list[str]]:
    """What differs from the expectations.

    Returns:
        failures that are not expected, and expected failures that pass; a line each.
    """
    failures, passes = [], []
    for result in results:
        expected, failed = reasons.get(result.test, {}), result.failures()
        failures += [f"{result.test}: {name}: {why}" for name, why in failed.items() if name not in expected]
        passes += [f"{result.test}: {name}" for name in expected if name not in failed]
    return failures, passes


def stale(results: Iterable[FileResult], reasons: Reasons) -> list[str]:
    """The tests with expectations that a whole run has not met."""
    return sorted(reasons.keys() - {result.test for result in results})


def skeleton(results: Iterable[FileResult], reasons: Reasons) -> str:
    """A file of expectations for what failed. What is new has an empty reason, which ``load`` refuses."""
    blocks = []
    for result in results:
        known, failed = reasons.get(result.test, {}), result.failures()
        by_reason: dict[str, list[str]] = {}
        for name in failed:
            by_reason.setdefault(known.get(name, ""), []).append(name)
        for reason, names in by_reason.items():
            blocks.append(_block(reason, result.test, names if result.subtests else None))
    return "\n".join(blocks)


def update(directory: Path, results: Iterable[FileResult], reasons: Mapping[str, Reasons]) -> None:
    """Writes the files of all areas that ran anew. ``reasons`` are by area."""
    directory.mkdir(exist_ok=True)
    for area, some in by_area(results).items():
        (directory / f"{area}.toml").write_text(skeleton(some, reasons[area]), "utf-8")


def _block(reason: str, test: str, subtests: list[str] | None) -> str:
    lines = ["[[failure]]", f"reason = {_string(reason)}", f"test = {_string(test)}"]
    if subtests is not None:
        lines += ["subtests = [", *(f"  {_string(name)}," for name in subtests), "]"]
    return "\n".join(lines) + "\n"


def _string(text: str) -> str:
    """A TOML string: JSON's, but for DEL and lone surrogates, which TOML does not have."""
    escaped = msgspec.json.encode(text.encode("utf-8", "replace").decode()).decode()
    return escaped.replace("\x7f", "\\u007f")
