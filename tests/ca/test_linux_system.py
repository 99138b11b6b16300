"""The system store of Linux, under a root of its own."""

from pathlib import Path

import pytest
from trust_machine import bundle_of, debian, fake_program, foreign_certificate, new_authority, system_store

from swproxy.ca.authority import Authority
from swproxy.ca.linux_system import LinuxSystemStore, linux_system_store
from swproxy.ca.machine import Machine
from swproxy.ca.trust_store import Result, State

DISTRIBUTIONS = [
    pytest.param("usr/local/share/ca-certificates", "update-ca-certificates", id="debian"),
    pytest.param("etc/pki/ca-trust/source/anchors", "update-ca-trust", id="fedora"),
    pytest.param("etc/pki/trust/anchors", "update-ca-certificates", id="opensuse"),
    pytest.param("etc/ca-certificates/trust-source", "trust", id="arch"),
]


def state(machine: Machine, authority: Authority) -> State:
    return linux_system_store(machine).read(authority.subject, authority.load()).state


def updates(machine: Machine) -> list[str]:
    """The arguments of each run of the program that updates the store."""
    return (machine.root / "updates").read_text().splitlines()


@pytest.mark.parametrize(("anchors", "program"), DISTRIBUTIONS)
def test_in_and_out(machine: Machine, authority: Authority, foreign: Path, anchors: str, program: str) -> None:
    """Each distribution's store takes the CA once, trades it for a newer one, and gives it back; others stay."""
    directory = system_store(machine, anchors, program)
    (directory / "foreign.crt").write_bytes(foreign.read_bytes())
    store = linux_system_store(machine)
    assert state(machine, authority) is State.NOT_TRUSTED
    assert store.install(authority).result is Result.INSTALLED
    assert state(machine, authority) is State.TRUSTED
    assert store.install(authority).result is Result.TRUSTED_ALREADY
    newer = new_authority(authority.directory)
    assert state(machine, newer) is State.ANOTHER
    assert store.install(newer).result is Result.REPLACED
    assert state(machine, newer) is State.TRUSTED
    assert len(list(directory.iterdir())) == 2
    assert store.uninstall(newer.subject).result is Result.REMOVED
    assert store.uninstall(newer.subject).result is Result.NOT_THERE
    assert [path.name for path in directory.iterdir()] == ["foreign.crt"]
    assert bundle_of(machine, anchors).read_bytes() == foreign.read_bytes()


def test_what_a_recreated_ca_left_is_removed(machine: Machine, authority: Authority) -> None:
    """After the profile's CA was made anew, its older one goes too, also when it was put there by hand."""
    anchors = debian(machine)
    linux_system_store(machine).install(authority)
    older = new_authority(authority.directory)
    (anchors / "by-hand.crt").write_bytes(older.certificate.read_bytes())
    newer = new_authority(authority.directory)
    assert linux_system_store(machine).uninstall(newer.subject).result is Result.REMOVED
    assert list(anchors.iterdir()) == []


def test_others_of_swproxy_stay(machine: Machine, authority: Authority) -> None:
    """The CA of another user of this machine, and a file that holds more than ours, are not touched."""
    anchors = debian(machine)
    foreign_certificate(anchors / "swproxy-CA-bob.crt", "swproxy CA (bob@desk)")
    both = (anchors / "swproxy-CA-bob.crt").read_bytes() + authority.certificate.read_bytes()
    (anchors / "several.crt").write_bytes(both)
    linux_system_store(machine).install(authority)
    change = linux_system_store(machine).uninstall(authority.subject)
    assert sorted(path.name for path in anchors.iterdir()) == ["several.crt", "swproxy-CA-bob.crt"]
    assert change.result is Result.FAILED
    assert "still trusted" in change.note


def test_debian_is_told_of_removals(machine: Machine, authority: Authority) -> None:
    """Its program leaves dangling links unless it starts afresh; an installation does not need that."""
    debian(machine)
    store = linux_system_store(machine)
    store.install(authority)
    store.uninstall(authority.subject)
    assert updates(machine) == ["", "--fresh"]


def test_the_file_can_be_read_by_all(machine: Machine, authority: Authority) -> None:
    """Its name has a suffix that Debian takes, and everyone may read it."""
    anchors = debian(machine)
    linux_system_store(machine).install(authority)
    (file,) = anchors.iterdir()
    assert file.name.startswith("swproxy-CA-")
    assert file.name.endswith(".crt")
    assert not set(file.name) & set(" ()@")
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_user_without_rights_gets_the_commands(
    machine: Machine, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed, and the commands are those that an administrator needs."""
    anchors = debian(machine)
    (anchors / "old.crt").write_bytes(authority.certificate.read_bytes())
    newer = new_authority(authority.directory)
    monkeypatch.setattr(LinuxSystemStore, "is_writable", False)  # root may write everywhere
    change = linux_system_store(machine).install(newer)
    assert change.result is Result.FAILED
    place = next(command.split()[-1] for command in change.commands if "install" in command)
    assert list(change.commands) == [
        f"sudo rm -f {anchors / 'old.crt'}",
        f"sudo install -m 644 {newer.certificate} {place}",
        "sudo update-ca-certificates --fresh",
    ]
    assert [path.name for path in anchors.iterdir()] == ["old.crt"]


def test_a_failing_program_is_said(machine: Machine, authority: Authority) -> None:
    """Its last words are the reason, and it is what is left to run."""
    debian(machine)
    fake_program(machine, "update-ca-certificates", "import sys; sys.exit('disk full')")
    change = linux_system_store(machine).install(authority)
    assert change.result is Result.FAILED
    assert change.note == "update-ca-certificates: disk full"
    assert list(change.commands) == ["update-ca-certificates"]
    assert state(machine, authority) is State.NOT_TRUSTED


def test_a_program_that_does_nothing_is_noticed(machine: Machine, authority: Authority) -> None:
    """Success is what the bundle says, not what the program says."""
    debian(machine)
    fake_program(machine, "update-ca-certificates", "")
    change = linux_system_store(machine).install(authority)
    assert change.result is Result.FAILED
    assert "not trusted" in change.note


def test_an_unknown_system_has_none(machine: Machine, authority: Authority) -> None:
    """That is no failure."""
    assert state(machine, authority) is State.ABSENT
    assert linux_system_store(machine).install(authority).result is Result.ABSENT
    assert linux_system_store(machine).uninstall(authority.subject).result is Result.ABSENT
