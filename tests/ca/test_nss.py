"""NSS databases, with the real certutil."""

import shutil
from pathlib import Path

import pytest
from trust_machine import certutil, fake_program, new_authority, new_database, without_programs

from swproxy.ca.authority import Authority, common_name
from swproxy.ca.machine import Machine
from swproxy.ca.nss import NssStore, chromium_stores, firefox_stores
from swproxy.ca.trust_store import Result, State


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return new_database(tmp_path / "nssdb")


@pytest.fixture
def store(machine: Machine, database: Path) -> NssStore:
    return NssStore(machine, "Chromium", database)


def state(store: NssStore, authority: Authority) -> State:
    return store.read(authority.subject, authority.load()).state


def test_in_and_out(store: NssStore, database: Path, authority: Authority, foreign: Path) -> None:
    """A database takes the CA once, trades it for a newer one, and gives it back; others stay."""
    certutil(database, "-A", "-n", "Some Other CA", "-t", "C,,", "-i", str(foreign))
    before = certutil(database, "-L")
    assert state(store, authority) is State.NOT_TRUSTED
    assert store.install(authority).result is Result.INSTALLED
    assert state(store, authority) is State.TRUSTED
    assert store.install(authority).result is Result.TRUSTED_ALREADY
    newer = new_authority(authority.directory)
    assert state(store, newer) is State.ANOTHER
    assert store.install(newer).result is Result.REPLACED
    assert state(store, newer) is State.TRUSTED
    assert certutil(database, "-L").count("swproxy") == 1
    assert store.uninstall(newer.subject).result is Result.REMOVED
    assert store.uninstall(newer.subject).result is Result.NOT_THERE
    assert certutil(database, "-L") == before


def test_it_names_servers_only(store: NssStore, database: Path, authority: Authority) -> None:
    """The CA is trusted for servers, not for mail or code, under its own name."""
    store.install(authority)
    (line,) = (line for line in certutil(database, "-L").splitlines() if "swproxy" in line)
    assert line.split() == [*common_name(authority.subject).split(), "C,,"]


def test_what_a_recreated_ca_left_is_removed(store: NssStore, database: Path, authority: Authority) -> None:
    """Several of the same name go at once, also one that a browser's user imported under the browser's nickname."""
    name = common_name(authority.subject)
    certutil(database, "-A", "-n", name, "-t", "C,,", "-i", str(authority.certificate))
    second = new_authority(authority.directory)
    certutil(database, "-A", "-n", name, "-t", "C,,", "-i", str(second.certificate))
    third = new_authority(authority.directory)
    certutil(database, "-A", "-n", f"{name} - swproxy", "-t", ",,", "-i", str(third.certificate))
    assert store.uninstall(new_authority(authority.directory).subject).result is Result.REMOVED
    assert "swproxy" not in certutil(database, "-L")


def test_a_certificate_without_trust_is_trusted_by_an_installation(
    store: NssStore, database: Path, authority: Authority
) -> None:
    """That it is there is not enough."""
    certutil(
        database,
        "-A",
        "-n",
        "imported " + common_name(authority.subject),
        "-t",
        ",,",
        "-i",
        str(authority.certificate),
    )
    assert state(store, authority) is State.NOT_TRUSTED
    assert store.install(authority).result is Result.INSTALLED
    assert state(store, authority) is State.TRUSTED


def test_a_foreign_certificate_with_our_nickname_stays(
    store: NssStore, database: Path, authority: Authority, foreign: Path
) -> None:
    """Ours is what has our subject, whatever a nickname says."""
    certutil(database, "-A", "-n", f"not {common_name(authority.subject)}", "-t", "C,,", "-i", str(foreign))
    before = certutil(database, "-L")
    store.install(authority)
    store.uninstall(authority.subject)
    assert certutil(database, "-L") == before


def test_a_locked_database_is_left_to_the_user(machine: Machine, tmp_path: Path, authority: Authority) -> None:
    """With a password of its own, it can be read but not changed: the command that asks for it does the rest."""
    database = new_database(tmp_path / "locked", password="secret")
    store = NssStore(machine, "Firefox", database)
    change = store.install(authority)
    assert change.result is Result.FAILED
    assert "locked with a password" in change.note
    name = common_name(authority.subject)
    assert list(change.commands) == [f"certutil -d sql:{database} -A -n '{name}' -t C,, -i {authority.certificate}"]
    certutil(database, "-A", "-n", name, "-t", "C,,", "-i", str(authority.certificate), "-f", f"{database}.password")
    assert state(store, authority) is State.TRUSTED


def test_a_damaged_database_cannot_be_read(machine: Machine, tmp_path: Path, authority: Authority) -> None:
    """What certutil says about it is passed on."""
    (tmp_path / "cert9.db").write_text("not a database")
    store = NssStore(machine, "Firefox", tmp_path)
    reading = store.read(authority.subject, authority.load())
    assert reading.state is State.UNREADABLE
    assert "SEC_ERROR_BAD_DATABASE" in reading.note
    assert store.install(authority).result is Result.FAILED
    assert store.uninstall(authority.subject).result is Result.FAILED


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ('ID=ubuntu\nID_LIKE="debian"\n', "apt install libnss3-tools"),
        ("ID=fedora\n", "dnf install nss-tools"),
        ("ID=cachyos\nID_LIKE=arch\n", "pacman -S nss"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "zypper install mozilla-nss-tools"),
    ],
)
def test_missing_certutil(machine: Machine, database: Path, authority: Authority, release: str, package: str) -> None:
    """It is said which package has it."""
    (machine.root / "etc").mkdir()
    (machine.root / "etc/os-release").write_text(release)
    store = NssStore(without_programs(machine), "Chromium", database)
    change = store.install(authority)
    assert change.result is Result.FAILED
    assert package in change.note
    assert store.read(authority.subject, authority.load()).state is State.UNREADABLE


def test_a_program_that_hangs_is_given_up(
    store: NssStore, machine: Machine, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certutil that waits for something that never comes does not hang the installation."""
    fake_program(machine, "certutil", "import time; time.sleep(60)")
    monkeypatch.setattr("swproxy.ca.machine.TIMEOUT", 0.2)
    assert "did not end" in store.install(authority).note


def test_chromium_gets_a_database_if_there_is_none(machine: Machine, authority: Authority) -> None:
    """Chromium takes it at its first start; without certutil it is said how to get one, and that is no failure."""
    (store,) = chromium_stores(machine)
    assert store.location == str(machine.home / ".pki/nssdb")
    assert state(store, authority) is State.ABSENT
    (helpless,) = chromium_stores(without_programs(machine))
    assert helpless.install(authority).result is Result.ABSENT
    assert "certutil is missing" in helpless.install(authority).note
    assert store.install(authority).result is Result.INSTALLED
    assert state(store, authority) is State.TRUSTED


def test_chromium_databases(machine: Machine, authority: Authority) -> None:
    """All there are, sandboxed ones too; ~/.pki is not made where it would hide the one in the data directory."""
    data = machine.home / ".local/share/pki/nssdb"
    data.mkdir(parents=True)
    assert [store.location for store in chromium_stores(machine)] == [str(data)]
    assert chromium_stores(machine)[0].install(authority).result is Result.INSTALLED
    snap = new_database(machine.home / "snap/chromium/42/.pki/nssdb")
    (machine.home / "snap/chromium/current").symlink_to(machine.home / "snap/chromium/42")
    usual = new_database(machine.home / ".pki/nssdb")
    found = [Path(store.location).resolve() for store in chromium_stores(machine)]
    assert found == [usual, data, snap]


def test_firefox_profiles(machine: Machine, tmp_path: Path) -> None:
    """Every profile that was used, in all places where Firefox keeps them, and where profiles.ini says."""
    (absent,) = firefox_stores(machine)
    assert not absent.is_present
    elsewhere = new_database(tmp_path / "elsewhere")
    homes = (
        ".mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
        ".config/mozilla/firefox",
    )
    used = [machine.home / home / "abc.default-release" for home in homes]
    for profile in used:
        shutil.copytree(elsewhere, profile)
        (profile.parent / "xyz.default").mkdir()
    (machine.home / homes[0] / "profiles.ini").write_text(
        f"[Profile0]\nPath=abc.default-release\nIsRelative=1\n[Profile1]\nPath={elsewhere}\nIsRelative=0\n[General]\n"
    )
    assert {store.location for store in firefox_stores(machine)} == {str(path) for path in (*used, elsewhere)}
