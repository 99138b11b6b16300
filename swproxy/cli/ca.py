"""``swproxy ca``"""

from collections.abc import Iterable
from typing import Any

import click

from swproxy.ca import advice
from swproxy.ca.authority import Authority, common_name, fingerprint
from swproxy.ca.machine import this_machine
from swproxy.ca.platform_stores import trust_stores
from swproxy.ca.trust_store import Change, Reading, Result, State, TrustStore
from swproxy.cli.options import json_option, profile_option
from swproxy.cli.output import StyledLines, print_json, print_table, say
from swproxy.config import warning_of_old_mitmproxy
from swproxy.errors import SwproxyError
from swproxy.storage.profile import Profile

_STYLES = {
    State.TRUSTED: "green",
    State.ANOTHER: "yellow",
    State.NOT_TRUSTED: "",
    State.ABSENT: "dim",
    State.UNREADABLE: "red",
    Result.INSTALLED: "green",
    Result.REPLACED: "green",
    Result.TRUSTED_ALREADY: "green",
    Result.REMOVED: "green",
    Result.NOT_THERE: "",
    Result.ABSENT: "dim",
    Result.FAILED: "red",
}


@click.group("ca")
def ca_command() -> None:
    """The certificate authority that signs what the proxy decrypts. Clients have to trust it."""


@ca_command.command("path")
@profile_option
def path_command(profile: Profile) -> None:
    """Print the path of the CA certificate (PEM).

    It is made if there is none.
    """
    profile.prepare()
    authority = Authority(profile.ca)
    authority.ensure()
    say(str(authority.certificate))


@ca_command.command("status")
@profile_option
@json_option
def status_command(profile: Profile, as_json: bool) -> None:
    """Show the CA, and who trusts it on this machine."""
    authority = Authority(profile.ca)
    certificate = authority.load() if authority.exists else None
    stores = trust_stores(this_machine())
    readings = [(store, store.read(authority.subject, certificate)) for store in stores]
    warning = warning_of_old_mitmproxy()
    described = _describe(authority)
    if as_json:
        print_json(
            {
                "certificate": described,
                "stores": [
                    {"store": store.name, "location": store.location, "state": reading.state, "note": reading.note}
                    for store, reading in readings
                ],
                "warnings": [warning] if warning else [],
            }
        )
        return
    if described is None:
        say("This profile has no CA yet: `swproxy ca install`, or the first `swproxy run`, makes it.")
    else:
        validity = f"{described['not_before'][:10]} to {described['not_after'][:10]}"
        for label, value in (
            ("Name", described["name"]),
            ("File", described["path"]),
            ("SHA-256", described["sha256"]),
            ("Valid", validity),
        ):
            say(f"{label + ':':<9}{value}")
    say()
    _print_table("STATE", ((store, reading.state) for store, reading in readings))
    _print_notes((store, reading) for store, reading in readings)
    if warning:
        say()
        StyledLines().print(warning, "yellow")


@ca_command.command("install")
@profile_option
def install_command(profile: Profile) -> None:
    """Make the trust stores of this machine trust the CA.

    It is made if there is none. The stores are the system's and the databases of Chromium and Firefox on Linux, the
    login keychain and Firefox on macOS. An older CA of this name is taken out. What needs another user's rights is
    not done, but said.
    """
    profile.prepare()
    authority = Authority(profile.ca)
    authority.ensure()
    machine = this_machine()
    changes = [(store, store.install(authority)) for store in trust_stores(machine)]
    _report(changes, advice.after_installation(machine, authority, changes))


@ca_command.command("uninstall")
@profile_option
def uninstall_command(profile: Profile) -> None:
    """Take the CA out of the trust stores of this machine.

    So are older ones of its name. Its files stay.
    """
    authority = Authority(profile.ca)
    subject = authority.subject
    changes = [(store, store.uninstall(subject)) for store in trust_stores(this_machine())]
    _report(changes, advice.after_removal(authority, changes))


def _describe(authority: Authority) -> dict[str, Any] | None:
    if not authority.exists:
        return None
    certificate = authority.load()
    return {
        "name": common_name(certificate.subject),
        "path": str(authority.certificate),
        "sha256": fingerprint(certificate),
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


def _report(changes: advice.Changes, left: list[str]) -> None:
    _print_table("RESULT", ((store, change.result) for store, change in changes))
    _print_notes(changes)
    say("\nWhat is left to you:")
    for line in left:
        say(f"- {line}")
    failed = [(store, change) for store, change in changes if change.result is Result.FAILED]
    if failed:
        reasons = "; ".join(f"{store.name} ({store.location}): {change.note}" for store, change in failed)
        raise SwproxyError(f"{len(failed)} of {len(changes)} stores could not be changed. {reasons}.")


def _print_table(title: str, rows: Iterable[tuple[TrustStore, State | Result]]) -> None:
    print_table(
        ("STORE", "LOCATION", title),
        [(store.name, store.location, (str(state), _STYLES[state])) for store, state in rows],
    )


def _print_notes(rows: Iterable[tuple[TrustStore, Reading | Change]]) -> None:
    """What there is to say about stores, once where it is the same; commands on lines of their own, to be copied."""
    for store, said in rows:
        if said.note:
            say(f"\n{store.name} ({store.location}): {said.note}.")
        if isinstance(said, Change) and said.commands:
            say("  What to run yourself:")
            for command in said.commands:
                say(f"    {command}")
