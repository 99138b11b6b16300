"""The trust stores of a platform."""

from swproxy.ca.keychain import LoginKeychain
from swproxy.ca.linux_system import linux_system_store
from swproxy.ca.machine import Machine
from swproxy.ca.nss import chromium_stores, firefox_stores
from swproxy.ca.trust_store import TrustStore


def trust_stores(machine: Machine) -> list[TrustStore]:
    """All there are for this user; those that this platform usually has are listed also when they are not present."""
    if machine.platform == "darwin":
        return [LoginKeychain(machine), *firefox_stores(machine)]
    return [linux_system_store(machine), *chromium_stores(machine), *firefox_stores(machine)]
