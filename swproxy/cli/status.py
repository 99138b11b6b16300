"""``swproxy status``, ``start`` and ``stop``"""

import re
from collections.abc import Iterable
from typing import Any

import click

from swproxy.cli.offline import network
from swproxy.cli.options import json_option, profile_option
from swproxy.cli.output import counted, print_json, print_paragraph, say
from swproxy.control.client import call
from swproxy.storage.profile import Profile


@click.command("status")
@profile_option
@json_option
def status_command(profile: Profile, as_json: bool) -> None:
    """Show what is registered, what runs, which pages are open, and whether the network is on."""
    status = call(profile, "GET", "/status")
    if as_json:
        print_json(status)
        return
    print_paragraph(f"Listening on {listening(status['listening'])} (process {status['pid']})")
    print_paragraph(f"Profile: {profile.directory}")
    print_paragraph(f"Network: {network(status)}")
    for origin, values in status["settings"].items():
        states = ", ".join(f"{name} {'on' if value else 'off'}" for name, value in values.items())
        print_paragraph(f"Set for {origin}: {states}")
    if not status["registrations"]:
        print_paragraph("No service worker is registered: see `swproxy register --help`.")
    for registration in status["registrations"]:
        say()
        print_paragraph(registration["scope"])
        for worker in registration["workers"]:
            process = f"running (process {worker['pid']})" if worker["running"] else "stopped"
            events = counted(worker["events"], "event")
            script = registration["local_script"] or worker["script"]
            print_paragraph(
                f"worker {worker['id']}: {worker['state']}, {process}, {events} in progress, {script}", "  "
            )
        if registration["waits_for"] is not None:
            print_paragraph(waiting(registration), "  ")
    if status["pages"]:
        say()
        print_paragraph("Open pages, and their workers:")
    for page in status["pages"]:
        print_paragraph(page_line(page), "  ")


def waiting(registration: dict[str, Any]) -> str:
    """Why a version that is installed does not take over yet."""
    cause = registration["waits_for"]
    number = next(worker["id"] for worker in registration["workers"] if worker["state"] == "installed")
    has = f"{counted(cause['clients'], 'client')} and {counted(cause['events'], 'event')} in progress"
    advice = f"; `swproxy update {registration['scope']} --skip-waiting` ends that" if cause["clients"] else ""
    return f"worker {number} waits for worker {cause['worker']}, which has {has}{advice}"


def page_line(page: dict[str, Any]) -> str:
    """A client of workers, with what there is to see of it."""
    if page["type"] != "window":
        facts = ["shared worker" if page["type"] == "sharedworker" else "dedicated worker"]
    elif page["presence"] != "open":
        facts = [page["frame_type"], "arriving" if page["presence"] == "reserved" else "frozen"]
    else:
        facts = [page["frame_type"], page["visibility_state"], *(["focused"] if page["focused"] else [])]
    controlled = "not controlled" if page["worker"] is None else f"controlled by worker {page['worker']}"
    return f"{page['url']}: {', '.join([*facts, controlled])}"


def listening(urls: Iterable[str]) -> str:
    """Where the proxy listens; all addresses of this machine are one ``*``, of whatever IP version."""
    places = dict.fromkeys(re.sub(r"//(?:0\.0\.0\.0|\[::\]):", "//*:", url) for url in urls)
    return ", ".join(f"{place} (all interfaces)" if "//*:" in place else place for place in places)


@click.command("start")
@click.argument("scope")
@profile_option
def start_command(scope: str, profile: Profile) -> None:
    """Start the process of the worker of SCOPE; it would start by itself at its next event."""
    answer = call(profile, "POST", "/start", {"scope": scope})
    say(f"Worker {answer['worker']} of {scope} is running.")


@click.command("stop")
@click.argument("scope")
@profile_option
def stop_command(scope: str, profile: Profile) -> None:
    """Stop the process of the worker of SCOPE now, events that it has included; the next one starts it afresh."""
    answer = call(profile, "POST", "/stop", {"scope": scope})
    stopped = ", ".join(map(str, answer["workers"]))
    say(f"Stopped worker {stopped} of {scope}." if stopped else f"No worker of {scope} was running.")
