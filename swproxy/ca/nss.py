"""NSS databases: where Chromium on Linux, and Firefox everywhere, keep the authorities that their user trusts."""

import configparser
import os
import re
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from swproxy.ca.authority import Authority, common_name
from swproxy.ca.machine import CommandFailed, Machine
from swproxy.ca.trust_store import Entry, StoreError, TrustStore, certificates_in, with_subject

# A line of `certutil -L`: the nickname, then the trust for servers, mail and code.
_LISTED = re.compile(r"^(?P<nickname>.+?)\s+(?P<servers>[a-zA-Z]*),[a-zA-Z]*,[a-zA-Z]*\s*$")

# How to get certutil, by the ID and ID_LIKE of /etc/os-release.
_INSTALLATION = {
    "debian": "sudo apt install libnss3-tools",
    "fedora": "sudo dnf install nss-tools",
    "rhel": "sudo dnf install nss-tools",
    "arch": "sudo pacman -S nss",
    "suse": "sudo zypper install mozilla-nss-tools",
    "opensuse": "sudo zypper install mozilla-nss-tools",
    "alpine": "sudo apk add nss-tools",
}

# Below the home directory. Sandboxed Chromiums have homes, and data directories, of their own.
_SANDBOXED_CHROMIUM = (
    "snap/*/current/.pki/nssdb",
    "snap/*/current/.local/share/pki/nssdb",
    ".var/app/*/.pki/nssdb",
    ".var/app/*/data/pki/nssdb",
)
_FIREFOX_ON_LINUX = (
    ".mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/config/mozilla/firefox",
)
_FIREFOX_ON_MACOS = "Library/Application Support/Firefox"


class NssStore(TrustStore):
    """One database.

    Args:
        directory: that the database is in.
        makeable: it is made if it is not there, and certutil is.
    """

    def __init__(self, machine: Machine, name: str, directory: Path, *, makeable: bool = False) -> None:
        super().__init__(machine, name, str(directory))
        self._directory = directory
        self._makeable = makeable

    @property
    def is_present(self) -> bool:
        return _is_database(self._directory)

    @property
    def can_be_made(self) -> bool:
        return self._makeable and self.machine.program("certutil") is not None

    @property
    def note_if_absent(self) -> str:
        if self._makeable and not self.can_be_made:
            return f"it can be made if you use Chromium or one of its kin, but {_certutil_is_missing(self.machine)}"
        return ""

    @property
    def is_writable(self) -> bool:
        return not self.is_present or os.access(self._directory / "cert9.db", os.W_OK)

    def entries(self, subject: x509.Name) -> list[Entry]:
        if not os.access(self._directory / "cert9.db", os.R_OK):
            raise StoreError("this user cannot read it")
        name = common_name(subject)
        # Browsers call what their user imports "CN - O".
        listed = [line for line in self._list() if name in line["nickname"]]
        certificates: list[x509.Certificate] = []
        lines = []
        for nickname in dict.fromkeys(line["nickname"] for line in listed):
            # All certificates of the nickname's subject.
            said = self._certutil("-L", "-n", nickname, "-a")
            if same := with_subject(certificates_in(said.encode()), subject):
                certificates = same
                lines += [line for line in listed if line["nickname"] == nickname]
        # Which line is whose, certutil does not say.
        trusted = all("C" in line["servers"] for line in lines)
        return [
            Entry(certificate, trusted, line["nickname"])
            for certificate, line in zip(certificates, lines, strict=False)
        ]

    def _list(self) -> list[re.Match[str]]:
        lines = self._certutil("-L").splitlines()
        return [match for line in lines if (match := _LISTED.match(line))]

    def _certutil(self, *arguments: str) -> str:
        try:
            return self.machine.run(self._command(*arguments))
        except CommandFailed as error:
            raise StoreError(self._reason(error)) from None

    def _command(self, *arguments: str) -> list[str]:
        return ["certutil", "-d", f"sql:{self._directory}", *arguments]

    def commands(self, old: list[Entry], new: Authority | None) -> list[list[str]]:
        commands = []
        if not self.is_present:
            commands.append(["mkdir", "-p", "-m", "700", str(self._directory)])
            commands.append(self._command("-N", "--empty-password"))
        commands += [self._command("-D", "-n", entry.handle) for entry in old]
        if new is not None:
            nickname = common_name(new.subject)
            commands.append(self._command("-A", "-n", nickname, "-t", "C,,", "-i", str(new.certificate)))
        return commands

    def _reason(self, error: CommandFailed) -> str:
        if self.machine.program("certutil") is None:
            return _certutil_is_missing(self.machine)
        if "SEC_ERROR_BAD_PASSWORD" in str(error):
            return "it is locked with a password, which certutil asks for in a terminal"
        return str(error)


def _is_database(directory: Path) -> bool:
    try:
        return (directory / "cert9.db").is_file()
    except PermissionError:  # there, and certutil will say so
        return True


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError:
        return True


def _certutil_is_missing(machine: Machine) -> str:
    if machine.platform == "darwin":
        return "certutil is missing: `brew install nss` brings it"
    return f"certutil is missing: `{_installation(machine)}` brings it"


def _installation(machine: Machine) -> str:
    kin: dict[str, str] = {}
    release = machine.root / "etc/os-release"
    if release.is_file():
        for line in release.read_text(errors="replace").splitlines():
            name, _, value = line.partition("=")
            kin[name] = value.strip("\"'")
    for name in f"{kin.get('ID', '')} {kin.get('ID_LIKE', '')}".split():
        if name in _INSTALLATION:
            return _INSTALLATION[name]
    return _INSTALLATION["debian"]


def chromium_stores(machine: Machine) -> list[NssStore]:
    """The databases of Chromium, Chrome, Edge and others of that kind, on Linux.

    They read ~/.pki/nssdb where there is such a directory, else the one in the data directory, which older ones do
    not know. So the first is made only if there is neither: it would hide what is in the other.
    """
    usual = machine.home / ".pki/nssdb"
    data = Path(machine.environ.get("XDG_DATA_HOME") or machine.home / ".local/share") / "pki/nssdb"
    makeable = data if _is_directory(data) and not _is_directory(usual) else usual
    stores = [NssStore(machine, "Chromium", makeable, makeable=machine.home.is_dir())]
    others = [data, *(path for pattern in _SANDBOXED_CHROMIUM for path in sorted(machine.home.glob(pattern)))]
    return stores + [
        NssStore(machine, "Chromium", path) for path in others if path != makeable and _is_database(path)
    ]


def firefox_stores(machine: Machine) -> list[NssStore]:
    """The databases of all profiles of Firefox that have been used; one that is not present if there is none."""
    if machine.platform == "darwin":
        homes = [machine.home / _FIREFOX_ON_MACOS]
    else:
        config = Path(machine.environ.get("XDG_CONFIG_HOME") or machine.home / ".config")
        homes = [*(machine.home / place for place in _FIREFOX_ON_LINUX), config / "mozilla/firefox"]
    profiles = dict.fromkeys(profile for home in homes for profile in _profiles(home) if _is_database(profile))
    return [NssStore(machine, "Firefox", profile) for profile in profiles or homes[:1]]


def _profiles(home: Path) -> Iterator[Path]:
    """Profiles beside profiles.ini, and those that it names in other places."""
    yield from sorted(path for pattern in ("*", "Profiles/*") for path in home.glob(pattern) if path.is_dir())
    listed = configparser.RawConfigParser(strict=False)
    try:
        listed.read(home / "profiles.ini", "utf-8")
    except (OSError, UnicodeDecodeError, configparser.Error):
        return
    for section in listed.sections():
        if path := listed.get(section, "Path", fallback=""):
            yield home / path
