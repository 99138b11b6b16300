"""The login keychain of macOS, with a `security` that is faked."""

from pathlib import Path

import pytest
from trust_machine import fake_program, new_authority, new_machine

from swproxy.ca.authority import Authority, common_name
from swproxy.ca.keychain import LoginKeychain
from swproxy.ca.machine import Machine
from swproxy.ca.platform_stores import trust_stores
from swproxy.ca.trust_store import Result, State

# The keychain's file is a list of PEM certificates; those whose SHA-1 is in the file beside it are trusted.
SECURITY = """
import hashlib, pathlib, re, ssl, sys
command, *options = sys.argv[1:]
value = lambda option: options[options.index(option) + 1]
pem = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
sha1 = lambda block: hashlib.sha1(ssl.PEM_cert_to_DER_cert(block)).hexdigest().upper()
keychain = pathlib.Path.home() / "Library/Keychains/login.keychain-db"
trusted = keychain.with_suffix(".trusted")
trusted.touch()
blocks = pem.findall(keychain.read_text())
match command:
    case "find-certificate":
        found = [block for block in blocks if value("-c").encode() in ssl.PEM_cert_to_DER_cert(block)]
        if not found:
            sys.exit(44)
        print("\\n".join(found))
    case "verify-cert":
        sys.exit(sha1(pathlib.Path(value("-c")).read_text()) not in trusted.read_text())
    case "delete-certificate":
        assert options[-2:] == ["-t", str(keychain)]
        keychain.write_text("\\n".join(block for block in blocks if sha1(block) != value("-Z")))
    case "add-trusted-cert":
        assert (value("-r"), value("-k")) == ("trustRoot", str(keychain))
        block = pathlib.Path(options[-1]).read_text()
        if (pathlib.Path.home() / "refuse").exists():
            sys.exit("SecTrustSettingsSetTrustSettings: The authorization was canceled by the user.")
        keychain.write_text("\\n".join([*blocks, block]))
        trusted.write_text(trusted.read_text() + sha1(block))
"""


@pytest.fixture
def mac(tmp_path: Path) -> Machine:
    (tmp_path / "mac").mkdir()
    machine = new_machine(tmp_path / "mac", "darwin")
    (machine.home / "Library/Keychains").mkdir(parents=True)
    (machine.home / "Library/Keychains/login.keychain-db").touch()
    fake_program(machine, "security", SECURITY)
    return Machine(machine.home, machine.root, "darwin", {**machine.environ, "HOME": str(machine.home)})


def state(machine: Machine, authority: Authority) -> State:
    return LoginKeychain(machine).read(authority.subject, authority.load()).state


def test_in_and_out(mac: Machine, authority: Authority, foreign: Path) -> None:
    """The keychain takes the CA once, trades it for a newer one, and gives it back; others stay."""
    keychain = mac.home / "Library/Keychains/login.keychain-db"
    keychain.write_bytes(foreign.read_bytes())
    store = LoginKeychain(mac)
    assert state(mac, authority) is State.NOT_TRUSTED
    assert store.install(authority).result is Result.INSTALLED
    assert state(mac, authority) is State.TRUSTED
    assert store.install(authority).result is Result.TRUSTED_ALREADY
    newer = new_authority(authority.directory)
    assert state(mac, newer) is State.ANOTHER
    assert store.install(newer).result is Result.REPLACED
    assert store.uninstall(newer.subject).result is Result.REMOVED
    assert store.uninstall(newer.subject).result is Result.NOT_THERE
    assert keychain.read_text().strip() == foreign.read_text().strip()


def test_a_user_who_cancels_gets_the_command(mac: Machine, authority: Authority) -> None:
    """The reason is what macOS says, and the command can be run later."""
    (mac.home / "refuse").touch()
    change = LoginKeychain(mac).install(authority)
    assert change.result is Result.FAILED
    assert "canceled by the user" in change.note
    (command,) = change.commands
    assert command.startswith("security add-trusted-cert -r trustRoot")
    assert common_name(authority.subject) not in command


def test_stores_of_the_platforms(mac: Machine, machine: Machine) -> None:
    """macOS has its keychain and Firefox; Linux the system's store, Chromium and Firefox."""
    assert [store.name for store in trust_stores(mac)] == ["Login keychain", "Firefox"]
    assert [store.name for store in trust_stores(machine)] == ["System", "Chromium", "Firefox"]
