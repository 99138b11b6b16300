"""Which hosts are decrypted, and which pass through untouched."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from swproxy.service_worker.registration import RegistrationMap


class Interception:
    """Decides for each TLS connection.

    Args:
        registrations: the hosts of their scopes are decrypted.
        patterns: further hosts; ``*.example`` is all below it.
        everything: decrypt all.
    """

    def __init__(self, registrations: RegistrationMap, patterns: Iterable[str], *, everything: bool) -> None:
        self._registrations = registrations
        self._exact = {pattern.lower().strip("[]") for pattern in patterns if not pattern.startswith("*.")}
        self._suffixes = tuple(pattern[1:].lower() for pattern in patterns if pattern.startswith("*."))
        self._everything = everything

    def is_decrypted(self, host: str | None) -> bool:
        """Whether TLS to this host, without a port, is opened."""
        if self._everything:
            return True
        if host is None:
            return False
        host = host.lower().strip("[]")
        if host in self._exact or (self._suffixes and host.endswith(self._suffixes)):
            return True
        return any(urlsplit(origin).hostname == host for origin in self._registrations.origins())
