"""The log of a profile: one JSON object a line, in order of time, for ``swproxy log``.

Every line has ``time`` (seconds since the epoch) and ``kind``; the rest depends on the kind:

- ``request``: ``method``, ``url``, ``status``, ``source`` (network, cache, script, error, or proxy, for what is the
  page client's own), ``milliseconds``, ``bytes`` (if known), ``reason`` of an error;
- ``console``: ``scope``, ``level``, ``text``, ``url``, ``line``, ``column``, ``stack``;
- ``worker``: ``scope``, ``worker``, ``event`` (the state that it has now, or stopped, or crashed), ``reason``;
- ``page``: ``url``, ``client`` (its number), ``event`` (connected, frozen or closed);
- ``network``: ``state`` (offline or online), ``origins`` (whose state has changed; none: everyone's), and
  ``offline_origins``, all that are off by name.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger(__name__)

MAX_SIZE = 1 << 23
FLUSH_LINES = 200


class Journal:
    """Writes the log. Lines are written in groups; ``flush`` now and then."""

    def __init__(self, directory: Path) -> None:
        self._path = current(directory)
        self._lines: list[dict[str, Any]] = []
        self._encode = msgspec.json.Encoder().encode
        self.observer: Callable[[dict[str, Any]], None] | None = None

    def write(self, kind: str, **fields: Any) -> None:
        line = {"time": round(time.time(), 3), "kind": kind, **fields}
        self._lines.append(line)
        if self.observer is not None:
            self.observer(line)
        if len(self._lines) >= FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Writes what is waiting. A full disk loses the lines, not the proxy."""
        if not self._lines:
            return
        data = b"".join([self._encoded(line) + b"\n" for line in self._lines])
        self._lines.clear()
        try:
            with self._path.open("ab") as file:
                file.write(data)
                full = file.tell() > MAX_SIZE
            if full:
                self._path.replace(previous(self._path.parent))
        except OSError as error:
            log.warning("cannot write the log: %s", error)

    def _encoded(self, line: dict[str, Any]) -> bytes:
        try:
            return self._encode(line)
        except UnicodeEncodeError:  # a lone surrogate: of a script, or for a byte of a URL that is not UTF-8
            return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")


def current(directory: Path) -> Path:
    return directory / "swproxy.jsonl"


def previous(directory: Path) -> Path:
    return directory / "swproxy.1.jsonl"


def read(directory: Path) -> Iterator[dict[str, Any]]:
    """All lines that are kept, the oldest first."""
    for path in (previous(directory), current(directory)):
        if path.exists():
            with path.open("rb") as file:
                yield from (line for line in map(parsed, file) if line is not None)


def parsed(line: bytes) -> dict[str, Any] | None:
    """A line, None if it is not whole."""
    try:
        value = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None


def encoded(line: dict[str, Any]) -> str:
    """The line as it stands in the log."""
    return msgspec.json.encode(line).decode()
