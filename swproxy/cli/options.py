"""What several commands share."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from swproxy.storage.profile import Profile, default_directory

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
    """A rich console: colours only on a terminal, the whole width of a pipe."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


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
