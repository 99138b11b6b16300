"""What several commands share."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from swproxy.storage.profile import Profile, default_directory

# Columns: more than any line of ours has.
_PIPE_WIDTH = 10_000

Command = TypeVar("Command", bound=Callable[..., Any])


def profile_option(command: Command) -> Command:
    """--profile, which becomes a ``Profile``."""
    return click.option(
        "--profile",
        envvar="SWPROXY_PROFILE",
        metavar="DIR",
        callback=lambda context, parameter, value: _profile(value),
        help=f"The profile's directory; or set SWPROXY_PROFILE.  [default: {default_directory()}]",
    )(command)


def json_option(command: Command) -> Command:
    """--json"""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def _profile(value: str | None) -> Profile:
    return Profile(Path(value).expanduser().absolute() if value else default_directory())


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def console() -> Any:
    """A rich console: colours only on a terminal, no line is broken in a pipe, and ``:cd:`` is no emoji."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    width = None if terminal else _PIPE_WIDTH
    return Console(highlight=False, emoji=False, soft_wrap=not terminal, width=width)


def table(*columns: str) -> Any:
    """A plain table."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def size(count: int) -> str:
    """Bytes for a person."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
