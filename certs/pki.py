"""A certificate authority for tests, and what it, or nobody, has signed."""

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

from swproxy.ca.authority import Authority
from swproxy.ca.leaf import Issuer, issue_leaf

DAY = datetime.timedelta(days=1)


class Pki:
    """Certificates in a directory. Each method gives the path of a PEM file with key and certificate.

    Args:
        directory: where the files go.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._authority = Authority(directory)
        self._authority.ensure()
        self._issuer = Issuer.load(self._authority.key_and_certificate)

    @property
    def ca_certificate(self) -> Path:
        """What trusts the good ones."""
        return self._authority.certificate

    def _write(self, name: str, data: bytes) -> Path:
        path = self._directory / f"{name}.pem"
        path.write_bytes(data)
        path.chmod(0o600)
        return path

    def good(self, hosts: Sequence[str] = ("localhost", "127.0.0.1")) -> Path:
        return self._write("good", issue_leaf(self._issuer, hosts))

    def expired(self, hosts: Sequence[str] = ("localhost", "127.0.0.1")) -> Path:
        began = datetime.datetime.now(datetime.UTC) - 30 * DAY
        return self._write("expired", issue_leaf(self._issuer, hosts, not_before=began, lifetime=10 * DAY))

    def self_signed(self, hosts: Sequence[str] = ("localhost", "127.0.0.1")) -> Path:
        return self._write("self-signed", issue_leaf(None, hosts))

    def wrong_host(self) -> Path:
        return self._write("wrong-host", issue_leaf(self._issuer, ["elsewhere.test"]))


if __name__ == "__main__":
    pki = Pki(Path(sys.argv[1]))
    names = sys.argv[2:] or ["localhost", "127.0.0.1"]
    for made in (pki.good(names), pki.expired(names), pki.self_signed(names), pki.wrong_host()):
        print(made)
