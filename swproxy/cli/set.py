"""``swproxy set``"""

import click

from swproxy.cli.options import json_option, origin_of_text, profile_option
from swproxy.cli.output import print_json, say
from swproxy.control.client import call
from swproxy.storage.origin_settings import DEFAULTS
from swproxy.storage.profile import Profile


@click.command("set")
@click.argument("name", type=click.Choice(list(DEFAULTS)), required=False)
@click.argument("state", type=click.Choice(["on", "off"]), required=False)
@click.option("--origin", metavar="ORIGIN", help="For which origin, as https://site.example.")
@profile_option
@json_option
def set_command(name: str | None, state: str | None, origin: str | None, profile: Profile, as_json: bool) -> None:
    """Turn something on or off for an origin; without a state, say what is set. It stays so until it is changed.

    \b
    update-on-reload    Each navigation installs the worker's script anew, though
                        it be the same, and the new version takes over at once.
    bypass-for-network  Workers get no fetch events: the network answers.
    page-client         Documents get the script that makes their
                        navigator.serviceWorker the proxy's. On from the start.
    """
    if origin is not None:
        origin = origin_of_text(origin)
    if state is None:
        settings = call(profile, "GET", "/status")["settings"]
    elif origin is None:
        raise click.UsageError(f"{name} is set for one origin: name it with --origin.")
    else:
        body = {"name": name, "value": state == "on", "origin": origin}
        settings = call(profile, "POST", "/set", body)["settings"]
    if as_json:
        print_json(settings)
        return
    if name is not None and origin is not None:
        shown = [(name, origin, settings.get(origin, {}).get(name, DEFAULTS[name]))]
    else:
        shown = [
            (each, place, value)
            for place, values in settings.items()
            for each, value in values.items()
            if name in (None, each) and origin in (None, place)
        ]
    for each, place, value in shown:
        say(f"{each} is {'on' if value else 'off'} for {place}.")
    if not shown:
        say("Nothing is set.")
