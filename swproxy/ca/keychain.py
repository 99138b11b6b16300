"""The login keychain of macOS, which Safari, Chrome and the system's own programs read."""

import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from swproxy.ca.authority import Authority, common_name
from swproxy.ca.machine import CommandFailed, Machine
from swproxy.ca.trust_store import Entry, StoreError, TrustStore, certificates_in, with_subject

# errSecItemNotFound, as `security` ends with it.
_NOT_FOUND = 44


def _hash(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303, older ones take no other


class LoginKeychain(TrustStore):
    """The user's own keychain: macOS asks for the user's password when its trust changes."""

    def __init__(self, machine: Machine) -> None:
        self._keychain = machine.home / "Library/Keychains/login.keychain-db"
        super().__init__(machine, "Login keychain", str(self._keychain))

    @property
    def is_present(self) -> bool:
        return self._keychain.exists()

    def entries(self, subject: x509.Name) -> list[Entry]:
        name = common_name(subject)
        try:
            listed = self.machine.run(["security", "find-certificate", "-a", "-c", name, "-p", self.location])
        except CommandFailed as error:
            if error.status == _NOT_FOUND:
                return []
            raise StoreError(str(error)) from None
        found = with_subject(certificates_in(listed.encode()), subject)
        return [Entry(certificate, self._is_trusted(certificate), _hash(certificate)) for certificate in found]

    def _is_trusted(self, certificate: x509.Certificate) -> bool:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "certificate.pem"
            file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
            try:
                # -l: it may be a CA; -L and -R: without asking the network.
                self.machine.run(
                    ["security", "verify-cert", "-l", "-L", "-R", "offline", "-p", "ssl", "-c", str(file)]
                )
            except CommandFailed:
                return False
        return True

    def commands(self, old: list[Entry], new: Authority | None) -> list[list[str]]:
        # -t: with what the user had said about its trust.
        commands = [["security", "delete-certificate", "-Z", entry.handle, "-t", self.location] for entry in old]
        if new is not None:
            policies = ["-r", "trustRoot", "-p", "ssl", "-p", "basic"]
            commands.append(["security", "add-trusted-cert", *policies, "-k", self.location, str(new.certificate)])
        return commands
