"""``swproxy log``"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from swproxy.cli.options import console, profile_option, size
from swproxy.control.client import call
from swproxy.errors import NotRunning
from swproxy.storage import journal
from swproxy.storage.profile import Profile

# Seconds between two looks at a log that is followed.
INTERVAL = 0.2
_STYLES = {"error": "red", "assert": "red", "warn": "yellow", "debug": "dim"}


@click.command("log")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes; Ctrl-C ends it.")
@click.option("-n", "--lines", type=click.IntRange(0), default=200, show_default=True, help="How many lines back.")
@click.option("--scope", metavar="SCOPE", help="Only what concerns this scope.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@profile_option
def log_command(follow: bool, lines: int, scope: str | None, as_json: bool, profile: Profile) -> None:
    """Show who answered each request (network, cache, script or error), how fast, and what workers print and throw.

    Works without a running proxy, too.
    """
    out = console()

    def show(line: dict[str, Any]) -> None:
        if scope is not None and not (line.get("scope") or line.get("url", "")).startswith(scope):
            return
        if as_json:
            click.echo(journal.encoded(line))
        else:
            for text, style in format_line(line):
                out.print(text, style=style, markup=False)

    with contextlib.suppress(NotRunning):
        call(profile, "POST", "/flush")
    kept = list(journal.read(profile.log))
    for line in kept[len(kept) - min(lines, len(kept)) :]:
        show(line)
    if follow:
        try:
            for line in _follow(journal.current(profile.log)):
                show(line)
        except KeyboardInterrupt:
            pass


def _follow(path: Path) -> Iterator[dict[str, Any]]:
    """What is written to the file from now on; also when another file takes its place."""
    position = path.stat().st_size if path.exists() else 0
    inode = path.stat().st_ino if path.exists() else None
    rest = b""
    while True:
        if path.exists():
            status = path.stat()
            if status.st_ino != inode or status.st_size < position:
                inode, position, rest = status.st_ino, 0, b""
            with path.open("rb") as file:
                file.seek(position)
                data = file.read()
            position += len(data)
            *whole, rest = (rest + data).split(b"\n")
            yield from (line for line in map(journal.parsed, whole) if line is not None)
        time.sleep(INTERVAL)


def format_line(line: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The lines of text for one of the log, each with its style."""
    clock = time.strftime("%H:%M:%S", time.localtime(line["time"]))
    match line["kind"]:
        case "request":
            took = "" if line["milliseconds"] is None else f"{line['milliseconds']:.1f} ms"
            length = "" if line["bytes"] is None else size(line["bytes"])
            details = "  ".join(part for part in (took, length, line["reason"]) if part)
            status = str(line["status"] or "---")
            style = "red" if line["source"] == "error" else ""
            yield f"{clock}  {status}  {line['source']:<7}  {line['method']} {line['url']}  {details}", style
        case "console":
            style = _STYLES.get(line["level"], "")
            place = f"  {line['url']}:{line['line']}:{line['column']}" if line["url"] else ""
            yield f"{clock}  {line['level']:<7}  {line['text']}{place}", style
            if line["stack"]:
                yield line["stack"], "dim"
        case "worker":
            reason = f": {line['reason']}" if line["reason"] else ""
            style = "red" if line["event"] == "crashed" else "cyan"
            yield f"{clock}  worker   {line['scope']} worker {line['worker']} {line['event']}{reason}", style
        case "network":
            yield f"{clock}  network  {line['state']}", "cyan"
