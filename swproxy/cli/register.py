"""``swproxy register``, ``unregister`` and ``update``"""

import sys
from typing import Any

import click

from swproxy.cli.options import json_option, profile_option
from swproxy.cli.output import print_json, say
from swproxy.control.client import call
from swproxy.errors import InvalidInput, SwproxyError
from swproxy.storage.profile import Profile, absolute


class Interrupted(SwproxyError):
    """Ctrl-C while the proxy does what it was asked for."""

    exit_code = 130


@click.command("register")
@click.argument("scope")
@click.argument("script")
@click.option(
    "--type",
    "worker_type",
    type=click.Choice(["classic", "module"]),
    default="classic",
    show_default=True,
    help="What kind of script SCRIPT is.",
)
@click.option(
    "--update-via-cache",
    type=click.Choice(["imports", "all", "none"]),
    default="imports",
    show_default=True,
    help="Which scripts HTTP caches may answer for when the worker is updated.",
)
@profile_option
@json_option
def register_command(
    scope: str, script: str, worker_type: str, update_via_cache: str, profile: Profile, as_json: bool
) -> None:
    """Register the service worker SCRIPT for the URLs that begin with SCOPE.

    SCRIPT is a URL of the same origin, or a file of this machine: that is served to the worker as a script beside
    the scope, nothing has to be on the site, and a change of the file updates the worker.
    """
    local = "://" not in script
    if local:
        path = absolute(script)
        if not path.is_file():
            raise InvalidInput(f"The script {path} is not a file; a URL begins with https://.")
        script = str(path)
    body = {
        "scope": scope,
        "script": script,
        "type": worker_type,
        "update_via_cache": update_via_cache,
        "local": local,
    }
    _show(_post(profile, "/register", body), as_json, "is registered already, with the same script")


@click.command("unregister")
@click.argument("scope")
@profile_option
def unregister_command(scope: str, profile: Profile) -> None:
    """Remove the service worker of SCOPE. Its origin's caches stay: see `swproxy caches rm`."""
    call(profile, "POST", "/unregister", {"scope": scope})
    say(f"{scope} is unregistered.")


@click.command("update")
@click.argument("scope")
@click.option("--skip-waiting", is_flag=True, help="Activate a version that waits.")
@profile_option
@json_option
def update_command(scope: str, skip_waiting: bool, profile: Profile, as_json: bool) -> None:
    """Fetch the script of SCOPE again, and install it if it, or what it imports, has changed."""
    answer = _post(profile, "/update", {"scope": scope, "skip_waiting": skip_waiting})
    _show(answer, as_json, "has not changed")


def _post(profile: Profile, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """As ``call``, of what can take long.

    Raises:
        Interrupted: nobody waits any longer.
    """
    try:
        answer: dict[str, Any] = call(profile, "POST", path, body)
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            say(err=True)  # ends the line that has ^C
        raise Interrupted("Interrupted; the proxy goes on with it: see `swproxy status`.") from None
    return answer


def _show(answer: dict[str, Any], as_json: bool, unchanged: str) -> None:
    if as_json:
        print_json(answer)
    elif answer["worker"] is None:
        say(f"{answer['scope']} {unchanged}.")
    elif answer["state"] in ("activating", "activated"):
        say(f"{answer['scope']} is now served by {answer['script']} (worker {answer['worker']}, activated).")
    else:
        say(
            f"{answer['scope']}: worker {answer['worker']} is {answer['state']}; worker {answer['active']} is active."
        )
