"""The system store of Linux, which curl, wget, git and most other programs read."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cryptography import x509

from swproxy.ca.authority import Authority, common_name
from swproxy.ca.machine import Machine
from swproxy.ca.trust_store import Entry, StoreError, TrustStore, certificates_in, with_subject


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a distribution keeps the certificates of its administrator.

    Attributes:
        anchors: the directory that they are put in.
        bundle: what is made of it, and of the distribution's own: the file that programs read.
        update: the program that makes it; empty if p11-kit's ``trust`` writes to both.
        update_after_removal: the same after a file was removed, where it needs to be told.
    """

    anchors: Path
    bundle: Path
    update: tuple[str, ...] = ()
    update_after_removal: tuple[str, ...] = ()

    def under(self, root: Path) -> "Layout":
        """The same below another root."""
        return Layout(
            root / self.anchors.relative_to("/"),
            root / self.bundle.relative_to("/"),
            self.update,
            self.update_after_removal,
        )


FEDORA = Layout(
    Path("/etc/pki/ca-trust/source/anchors"),
    Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
    ("update-ca-trust",),
)
OPENSUSE = Layout(
    Path("/etc/pki/trust/anchors"), Path("/var/lib/ca-certificates/ca-bundle.pem"), ("update-ca-certificates",)
)
ARCH = Layout(Path("/etc/ca-certificates/trust-source"), Path("/etc/ca-certificates/extracted/tls-ca-bundle.pem"))
# And Ubuntu, and Alpine. Without --fresh, the links to what was removed stay.
DEBIAN = Layout(
    Path("/usr/local/share/ca-certificates"),
    Path("/etc/ssl/certs/ca-certificates.crt"),
    ("update-ca-certificates",),
    ("update-ca-certificates", "--fresh"),
)


class LinuxSystemStore(TrustStore):
    """The store of one layout."""

    for_browsers = False

    def __init__(self, machine: Machine, layout: Layout) -> None:
        super().__init__(machine, "System", str(layout.anchors))
        self.layout = layout

    @property
    def is_present(self) -> bool:
        return self.layout.anchors.is_dir()

    @property
    def note_if_absent(self) -> str:
        return "swproxy knows the stores of Debian, Fedora, openSUSE, Arch and their kin"

    @property
    def is_writable(self) -> bool:
        return os.access(self.layout.anchors, os.W_OK)

    def entries(self, subject: x509.Name) -> list[Entry]:
        try:
            bundle = self.layout.bundle.read_bytes() if self.layout.bundle.exists() else b""
            files = self._files(subject) if self.layout.update else {}
        except OSError as error:
            raise StoreError(f"{error.filename}: {error.strerror}") from None
        trusted = with_subject(certificates_in(bundle), subject)
        found = [Entry(certificate, certificate in trusted, str(path)) for path, certificate in files.items()]
        return found + [Entry(certificate, True) for certificate in trusted if certificate not in files.values()]

    def _files(self, subject: x509.Name) -> dict[Path, x509.Certificate]:
        """The files that hold a certificate of the subject, and nothing else."""
        found = {}
        for path in sorted(self.layout.anchors.iterdir()):
            if path.is_file() and os.access(path, os.R_OK):
                certificates = certificates_in(path.read_bytes())
                if len(certificates) == 1 and (ours := with_subject(certificates, subject)):
                    found[path] = ours[0]
        return found

    def commands(self, old: list[Entry], new: Authority | None) -> list[list[str]]:
        if not self.layout.update:
            return _trust_commands(old, new)
        place = "" if new is None else str(self.layout.anchors / _file_name(new.subject))
        commands = []
        if removed := [entry.handle for entry in old if entry.handle not in ("", place)]:
            commands.append(["rm", "-f", *removed])
        if new is not None:
            commands.append(["install", "-m", "644", str(new.certificate), place])
        update = (removed and self.layout.update_after_removal) or self.layout.update
        commands.append(list(update))
        return commands


def _file_name(subject: x509.Name) -> str:
    """``swproxy-CA-user-host.crt``: Debian takes no other suffix, and spaces and brackets are for trouble."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", common_name(subject)).strip("-.") + ".crt"


def _trust_commands(old: list[Entry], new: Authority | None) -> list[list[str]]:
    """p11-kit finds what it stored by the common name."""
    commands = []
    if old:
        name = quote(common_name(old[0].certificate.subject), safe="")
        commands.append(["trust", "anchor", "--remove", f"pkcs11:object={name};type=cert"])
    if new is not None:
        commands.append(["trust", "anchor", "--store", str(new.certificate)])
    return commands


def linux_system_store(machine: Machine) -> LinuxSystemStore:
    """The store of this machine's distribution; one that is not present if it is not known."""
    layouts = [layout.under(machine.root) for layout in (FEDORA, OPENSUSE, ARCH, DEBIAN)]
    present = (layout for layout in layouts if layout.anchors.is_dir())
    return LinuxSystemStore(machine, next(present, layouts[-1]))
