"""``swproxy status``, ``start`` and ``stop``"""

import click

from swproxy.cli.options import console, json_option, print_json, profile_option, table
from swproxy.control.client import call
from swproxy.storage.profile import Profile


@click.command("status")
@profile_option
@json_option
def status_command(profile: Profile, as_json: bool) -> None:
    """Show what is registered, what runs, and whether the network is on."""
    status = call(profile, "GET", "/status")
    if as_json:
        print_json(status)
        return
    out = console()
    out.print(f"Listening on {', '.join(status['listening'])} (process {status['pid']}), profile {profile.directory}")
    offline = "offline" if status["offline"] else "online"
    if status["offline_origins"]:
        offline += f", but offline for {', '.join(status['offline_origins'])}"
    out.print(f"Network: {offline}")
    if not status["registrations"]:
        out.print("No service worker is registered: see `swproxy register --help`.")
        return
    rows = table("SCOPE", "WORKER", "STATE", "PROCESS", "EVENTS", "SCRIPT")
    for registration in status["registrations"]:
        for worker in registration["workers"]:
            rows.add_row(
                registration["scope"],
                str(worker["id"]),
                worker["state"],
                f"running ({worker['pid']})" if worker["running"] else "stopped",
                str(worker["events"]),
                registration["local_script"] or worker["script"],
            )
    out.print(rows)


@click.command("start")
@click.argument("scope")
@profile_option
def start_command(scope: str, profile: Profile) -> None:
    """Start the process of the worker of SCOPE; it would start by itself at its next event."""
    answer = call(profile, "POST", "/start", {"scope": scope})
    click.echo(f"Worker {answer['worker']} of {scope} is running.")


@click.command("stop")
@click.argument("scope")
@profile_option
def stop_command(scope: str, profile: Profile) -> None:
    """Stop the process of the worker of SCOPE now, events that it has included; the next one starts it afresh."""
    answer = call(profile, "POST", "/stop", {"scope": scope})
    stopped = ", ".join(map(str, answer["workers"]))
    click.echo(f"Stopped worker {stopped} of {scope}." if stopped else f"No worker of {scope} was running.")
