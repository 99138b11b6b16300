"""What several commands take."""

from collections.abc import Callable
from typing import Any, TypeVar

import ada_url
import click

from swproxy.errors import InvalidInput
from swproxy.storage.profile import Profile, absolute, default_directory

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
    return Profile(absolute(value) if value else default_directory())


def origin_of_text(text: str) -> str:
    """An origin as requests have it.

    Raises:
        InvalidInput: it is none, for example empty.
    """
    try:
        url = ada_url.URL(text)
    except ValueError:
        url = None
    if url is None or url.protocol not in ("https:", "http:"):
        raise InvalidInput(f"'{text}' is not an origin: give it as https://site.example.")
    return str(url.origin)
