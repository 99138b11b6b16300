"""What is left to the user when the stores are done."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from swproxy.ca.authority import Authority, common_name
from swproxy.ca.linux_system import LinuxSystemStore
from swproxy.ca.machine import Machine
from swproxy.ca.nss import firefox_stores
from swproxy.ca.trust_store import Change, Result, TrustStore

Changes = Sequence[tuple[TrustStore, Change]]

_TRUSTED = (Result.INSTALLED, Result.REPLACED, Result.TRUSTED_ALREADY)
_CHANGED = (Result.INSTALLED, Result.REPLACED, Result.REMOVED)


def after_installation(machine: Machine, authority: Authority, changes: Changes) -> list[str]:
    """A sentence for each thing that no store could do."""
    certificate = shlex.quote(str(authority.certificate))
    lines = _restart(changes)
    if any(store.is_present for store in firefox_stores(machine)):
        nickname = shlex.quote(common_name(authority.subject))
        lines.append(
            f"A Firefox profile in another place: certutil -A -d sql:PROFILE -n {nickname} -t C,, -i {certificate}"
        )
    bundle = _trusting_bundle(changes)
    if bundle is None:
        lines.append(f"curl: --cacert {certificate}")
        lines.append(
            f"Other programs: NODE_EXTRA_CA_CERTS={certificate} for Node.js; REQUESTS_CA_BUNDLE={certificate} and "
            f"SSL_CERT_FILE={certificate} for Python, which then trusts no other authority."
        )
    else:
        lines.append(
            f"Programs with a store of their own: NODE_EXTRA_CA_CERTS={certificate} for Node.js; "
            f"REQUESTS_CA_BUNDLE={bundle} and SSL_CERT_FILE={bundle} for Python."
        )
    lines.append(f"Phones and other machines: copy {certificate} (`swproxy ca path`) to them, and trust it there.")
    return lines


def after_removal(authority: Authority, changes: Changes) -> list[str]:
    """The same for a removal."""
    lines = _restart(changes)
    lines.append(
        "Phones, other machines and Firefox profiles in other places: remove it there, if you had put it there."
    )
    if authority.exists:
        lines.append(f"Its key is still in {shlex.quote(str(authority.directory))}, for the next `swproxy run`.")
    return lines


def _restart(changes: Changes) -> list[str]:
    if any(store.for_browsers and change.result in _CHANGED for store, change in changes):
        return ["Restart the browsers that are running."]
    return []


def _trusting_bundle(changes: Changes) -> Path | None:
    """A file with all authorities that the system trusts, if ours is one."""
    for store, change in changes:
        if isinstance(store, LinuxSystemStore) and change.result in _TRUSTED:
            return store.layout.bundle
    return None
