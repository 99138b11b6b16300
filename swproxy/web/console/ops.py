"""The host half of the console, and of whatever else a script leaves in the log."""

from typing import Any


def op_log(realm: Any, level: str, text: str, url: str, line: int, column: int, stack: str) -> None:
    realm.log(level, text, url, line, column, stack)
