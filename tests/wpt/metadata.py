"""The META lines at the top of an ``.any.js`` file: https://web-platform-tests.org/writing-tests/testharness.html"""

import re
from dataclasses import dataclass

_META = re.compile(r"//\s*META:\s*(\w*)=(.*)")
# Where a file without "global" runs.
_DEFAULT = frozenset({"window", "dedicatedworker"})
_WORKERS = frozenset({"dedicatedworker", "serviceworker", "sharedworker"})


@dataclass(frozen=True)
class Metadata:
    """What the lines say. "script" is not here: WPT's server imports the scripts.

    Attributes:
        scopes: where the test runs: "window", "dedicatedworker", "serviceworker", ...
        variants: queries to run it with; one, the empty one, if there are none.
        long: ``timeout=long``.
    """

    scopes: frozenset[str]
    variants: tuple[str, ...]
    long: bool

    @property
    def for_service_workers(self) -> bool:
        return "serviceworker" in self.scopes

    @property
    def for_workers(self) -> bool:
        return bool(self.scopes & _WORKERS)


def parse_metadata(source: str) -> Metadata:
    """The META lines before the first line that is none."""
    scopes = _DEFAULT
    variants = []
    long = False
    for line in source.splitlines():
        found = _META.fullmatch(line.strip())
        if found is None:
            break
        key, value = found[1], found[2].strip()
        if key == "global":
            scopes = parse_global(value)
        elif key == "variant":
            variants.append(value)
        elif key == "timeout":
            long = value == "long"
    return Metadata(scopes, tuple(variants) or ("",), long)


def parse_global(value: str) -> frozenset[str]:
    """The scopes that a list of them and of their groups means; "!" takes one away."""
    scopes: set[str] = set()
    for item in value.split(","):
        name = item.strip()
        group = _WORKERS if name.lstrip("!") == "worker" else {name.lstrip("!")}
        if name.startswith("!"):
            scopes -= group
        else:
            scopes |= group
    return frozenset(scopes)
