"""``swproxy offline``"""

from typing import Any

import click

from swproxy.cli.options import json_option, origin_of_text, profile_option
from swproxy.cli.output import print_json, say
from swproxy.control.client import call
from swproxy.storage.profile import Profile


@click.command("offline")
@click.argument("state", type=click.Choice(["on", "off"]), required=False)
@click.option("--origin", metavar="ORIGIN", help="Only for this origin, as https://site.example.")
@profile_option
@json_option
def offline_command(state: str | None, origin: str | None, profile: Profile, as_json: bool) -> None:
    """Turn offline mode on or off; without an argument, say which it is.

    Offline, no request of a client or of a worker leaves the proxy. A proxy that is started again is online.
    """
    if origin is not None:
        origin = origin_of_text(origin)
    if state is None:
        status = call(profile, "GET", "/status")
    else:
        status = call(profile, "POST", "/offline", {"offline": state == "on", "origin": origin})
    if as_json:
        print_json({key: status[key] for key in ("offline", "offline_origins")})
    elif origin is None:
        say(f"The proxy is {network(status)}.")
    elif status["offline"]:
        say(f"{origin} is offline, as the whole proxy is: `swproxy offline off` turns the network on for all.")
    else:
        say(f"{origin} is {'offline' if origin in status['offline_origins'] else 'online'}.")


def network(status: dict[str, Any]) -> str:
    """How the network is for everyone, and for the origins that were turned off by name."""
    origins = ", ".join(status["offline_origins"])
    if status["offline"]:
        return f"offline; {origins} would be without that, too" if origins else "offline"
    return f"online, except for {origins}" if origins else "online"
