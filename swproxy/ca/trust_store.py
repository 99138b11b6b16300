"""What all trust stores have in common: how a CA gets in and out, and what is said about it."""

import re
import shlex
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from swproxy.ca.authority import Authority
from swproxy.ca.machine import CommandFailed, Machine
from swproxy.errors import SwproxyError

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class State(StrEnum):
    """What a store thinks of the profile's CA."""

    TRUSTED = "trusted"
    ANOTHER = "another swproxy CA"
    NOT_TRUSTED = "not trusted"
    ABSENT = "not present"
    UNREADABLE = "cannot be read"


class Result(StrEnum):
    """What an installation or its opposite did to a store."""

    INSTALLED = "trusted now"
    REPLACED = "trusted now, in place of an older one"
    TRUSTED_ALREADY = "trusted already"
    REMOVED = "removed"
    NOT_THERE = "was not in it"
    ABSENT = "not present"
    FAILED = "could not be changed"


class StoreError(SwproxyError):
    """A store could not be read or changed.

    Attributes:
        commands: what a person can run instead.
    """

    def __init__(self, reason: str, commands: Sequence[list[str]] = ()) -> None:
        super().__init__(reason)
        self.commands = [shlex.join(command) for command in commands]


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate in a store that has the subject of our CA.

    Attributes:
        trusted: the store trusts it to name servers.
        handle: what the store calls it: a nickname, a file; empty where the subject is enough.
    """

    certificate: x509.Certificate
    trusted: bool
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A state, and what there is to say about it."""

    state: State
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A result, what there is to say about it, and what a person can run instead if it failed."""

    result: Result
    note: str = ""
    commands: Sequence[str] = ()


class TrustStore(ABC):
    """A place where programs look for the authorities that they trust.

    Certificates in it are ours if they have the subject of the profile's CA; others are never touched.

    Attributes:
        name: what people call it.
        location: its directory or file.
        for_browsers: a browser that runs has read it already.
    """

    for_browsers = True

    def __init__(self, machine: Machine, name: str, location: str) -> None:
        self.machine = machine
        self.name = name
        self.location = location

    @property
    @abstractmethod
    def is_present(self) -> bool:
        """Whether there is such a store."""

    @property
    def can_be_made(self) -> bool:
        """Whether ``commands`` can make a store that is not present."""
        return False

    @property
    def note_if_absent(self) -> str:
        """What to say about a store that is not present."""
        return ""

    @property
    def is_writable(self) -> bool:
        """Whether this user can change it."""
        return True

    @abstractmethod
    def entries(self, subject: x509.Name) -> list[Entry]:
        """The certificates that have this subject.

        Raises:
            StoreError: it cannot be read.
        """

    @abstractmethod
    def commands(self, old: list[Entry], new: Authority | None) -> list[list[str]]:
        """What takes the old certificates away and trusts the new one."""

    def read(self, subject: x509.Name, certificate: x509.Certificate | None) -> Reading:
        """What it thinks of the certificate.

        Args:
            subject: of our CA.
            certificate: of our CA, if it has been made.
        """
        if not self.is_present:
            return Reading(State.ABSENT, self.note_if_absent)
        try:
            entries = self.entries(subject)
        except StoreError as error:
            return Reading(State.UNREADABLE, str(error))
        same = [entry for entry in entries if entry.certificate == certificate]
        if any(entry.trusted for entry in same):
            return Reading(State.TRUSTED)
        if same:
            return Reading(State.NOT_TRUSTED, "it has the certificate, but does not trust it")
        return Reading(State.ANOTHER if entries else State.NOT_TRUSTED)

    def install(self, authority: Authority) -> Change:
        """Makes it trust the CA, and no other of the same subject. The authority's files are there."""
        if not self.is_present and not self.can_be_made:
            return Change(Result.ABSENT, self.note_if_absent)
        certificate = authority.load()
        try:
            old = self.entries(certificate.subject) if self.is_present else []
            if [(entry.certificate, entry.trusted) for entry in old] == [(certificate, True)]:
                return Change(Result.TRUSTED_ALREADY)
            self._change(old, authority)
            if self.read(certificate.subject, certificate).state is not State.TRUSTED:
                raise StoreError("the commands succeeded, but the certificate is not trusted")
        except StoreError as error:
            return Change(Result.FAILED, str(error), error.commands)
        older = any(entry.certificate != certificate for entry in old)
        return Change(Result.REPLACED if older else Result.INSTALLED)

    def uninstall(self, subject: x509.Name) -> Change:
        """Takes every certificate of the subject out of it."""
        if not self.is_present:
            return Change(Result.ABSENT)
        try:
            old = self.entries(subject)
            if not old:
                return Change(Result.NOT_THERE)
            self._change(old, None)
            if self.entries(subject):
                raise StoreError(
                    "the commands succeeded, but the certificate is still trusted: it comes from elsewhere"
                )
        except StoreError as error:
            return Change(Result.FAILED, str(error), error.commands)
        return Change(Result.REMOVED)

    def _change(self, old: list[Entry], new: Authority | None) -> None:
        commands = self.commands(old, new)
        if not self.is_writable:
            raise StoreError("this user cannot write to it", [["sudo", *command] for command in commands])
        for index, command in enumerate(commands):
            try:
                self.machine.run(command)
            except CommandFailed as error:
                raise StoreError(self._reason(error), commands[index:]) from None

    def _reason(self, error: CommandFailed) -> str:
        return str(error)


def certificates_in(data: bytes) -> list[bytes]:
    """The certificates of a PEM file, DER."""
    found = []
    for block in _PEM.findall(data):
        try:
            found.append(ssl.PEM_cert_to_DER_cert(block.decode("ascii")))
        except ValueError:  # a damaged one among others
            continue
    return found


def with_subject(certificates: list[bytes], subject: x509.Name) -> list[x509.Certificate]:
    """Those that have the subject; a certificate that cannot be parsed is not ours."""
    encoded = subject.public_bytes()
    found = []
    for der in certificates:
        if encoded in der:
            try:
                certificate = x509.load_der_x509_certificate(der)
            except ValueError:
                continue
            if certificate.subject == subject:
                found.append(certificate)
    return found
