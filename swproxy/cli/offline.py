"""``swproxy offline``"""

import click

from swproxy.cli.options import json_option, print_json, profile_option
from swproxy.control.client import call
from swproxy.storage.profile import Profile


@click.command("offline")
@click.argument("state", type=click.Choice(["on", "off"]), required=False)
@click.option("--origin", metavar="ORIGIN", help="Only for this origin, as https://site.example.")
@profile_option
@json_option
def offline_command(state: str | None, origin: str | None, profile: Profile, as_json: bool) -> None:
    """Turn offline mode on or off; without an argument, say which it is.

    Offline, no request of a client or of a worker leaves the proxy.
    """
    if state is None:
        status = call(profile, "GET", "/status")
    else:
        status = call(profile, "POST", "/offline", {"offline": state == "on", "origin": origin or ""})
    if as_json:
        print_json({key: status[key] for key in ("offline", "offline_origins")})
        return
    text = "offline" if status["offline"] else "online"
    if status["offline_origins"]:
        text += f", but offline for {', '.join(status['offline_origins'])}"
    click.echo(f"The proxy is {text}.")
