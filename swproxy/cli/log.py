"""``swproxy log``"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from swproxy.cli.options import profile_option
from swproxy.cli.output import StyledLines, say, size
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
@click.option(
    "--all", "everything", is_flag=True, help="Also the page client's own requests, which the proxy answers."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@profile_option
def log_command(
    follow: bool, lines: int, scope: str | None, everything: bool, as_json: bool, profile: Profile
) -> None:
    """Show who answered each request (network, cache, script or error), how fast, and what workers print and throw.

    Also the states that workers go through, and the pages that come and go.

    Works without a running proxy, too.
    """
    out = StyledLines()

    def show(line: dict[str, Any]) -> None:
        if as_json:
            say(journal.encoded(line))
        else:
            for text, style in format_line(line):
                out.print(text, style)

    def is_wanted(line: dict[str, Any]) -> bool:
        return (everything or not _is_own(line)) and _concerns(line, scope)

    with contextlib.suppress(NotRunning):
        call(profile, "POST", "/flush")
    kept = [line for line in journal.read(profile.log) if is_wanted(line)]
    if not kept:
        about = "" if scope is None else f" about {scope}"
        say(f"swproxy: There is nothing{about} in the log of the profile {profile.directory}.", err=True)
    for line in kept[len(kept) - min(lines, len(kept)) :]:
        show(line)
    if follow:
        try:
            for line in _follow(journal.current(profile.log)):
                if is_wanted(line):
                    show(line)
        except KeyboardInterrupt:
            pass


def _concerns(line: dict[str, Any], scope: str | None) -> bool:
    return scope is None or (line.get("scope") or line.get("url", "")).startswith(scope)


def _is_own(line: dict[str, Any]) -> bool:
    """A request of the page client itself that went as it should."""
    return line["kind"] == "request" and line["source"] == "proxy" and bool(line["status"] < 400)


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
            place = f":{line['line']}:{line['column']}" if line["line"] else ""
            said = f"{line['text']}  {line['url']}{place}".rstrip()
            # Only what is ours begins at the left: a site cannot write lines that look like another's.
            first, *others = said.split("\n")
            yield f"{clock}  {line['level']:<7}  {first}", style
            yield from ((f"    {text}", style) for text in others)
            yield from ((f"    {text.strip()}", "dim") for text in line["stack"].split("\n") if text)
        case "worker":
            reason = f": {line['reason']}" if line["reason"] else ""
            style = "red" if line["event"] == "crashed" else "cyan"
            yield f"{clock}  worker   {line['scope']} worker {line['worker']} {line['event']}{reason}", style
        case "page":
            yield f"{clock}  page     {line['url']} {line['event']}", "cyan"
        case "network":
            origins = ", ".join(line.get("origins", []))
            yield f"{clock}  network  {line['state']}{origins and f' for {origins}'}", "cyan"
