"""``swproxy ca``"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from trust_machine import certutil, debian, fake_program, new_authority, new_database, new_machine

from swproxy.ca.authority import Authority, fingerprint
from swproxy.ca.machine import Machine
from swproxy.cli.main import main
from swproxy.config import warning_of_old_mitmproxy


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Debian whose Chromium and Firefox have been used."""
    machine = new_machine(tmp_path)
    debian(machine)
    new_database(machine.home / ".pki/nssdb")
    new_database(machine.home / ".mozilla/firefox/abc.default")
    monkeypatch.setattr("swproxy.cli.ca.this_machine", lambda: machine)
    return machine


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"


@pytest.fixture
def swproxy(profile: Path, machine: Machine, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs ``swproxy ca`` on that machine."""

    def run(*arguments: str) -> Done:
        capfd.readouterr()
        exit_code = 0
        try:
            main(["ca", *arguments, "--profile", str(profile)])
        except SystemExit as error:
            exit_code = int(error.code or 0)
        said = capfd.readouterr()
        return Done(exit_code, said.out, said.err)

    return run


def states(swproxy: Callable[..., Done]) -> list[str]:
    done = swproxy("status", "--json")
    assert done.exit_code == 0
    return [store["state"] for store in json.loads(done.stdout)["stores"]]


def test_path_makes_a_ca(swproxy: Callable[..., Done], profile: Path) -> None:
    """The file it prints is there, and a second call prints the same."""
    done = swproxy("path")
    assert done.stdout == f"{profile / 'ca/swproxy-ca-cert.pem'}\n"
    certificate = (profile / "ca/swproxy-ca-cert.pem").read_bytes()
    assert swproxy("path").stdout == done.stdout
    assert (profile / "ca/swproxy-ca-cert.pem").read_bytes() == certificate


def test_status_makes_nothing(swproxy: Callable[..., Done], profile: Path) -> None:
    """Looking is not a reason for a CA."""
    done = swproxy("status")
    assert done.exit_code == 0
    assert "has no CA yet" in done.stdout
    assert json.loads(swproxy("status", "--json").stdout)["certificate"] is None
    assert not profile.exists()


def test_install_status_uninstall(swproxy: Callable[..., Done], profile: Path, machine: Machine) -> None:
    """Store by store it is said what was done; the status agrees."""
    done = swproxy("install")
    assert done.exit_code == 0
    assert done.stderr == ""
    assert done.stdout.count("trusted now") == 3
    assert states(swproxy) == ["trusted", "trusted", "trusted"]
    assert swproxy("install").stdout.count("trusted already") == 3
    done = swproxy("uninstall")
    assert done.exit_code == 0
    assert done.stdout.count("removed") == 3
    assert states(swproxy) == ["not trusted", "not trusted", "not trusted"]
    assert "swproxy" not in certutil(machine.home / ".pki/nssdb", "-L")
    assert swproxy("uninstall").stdout.count("was not in it") == 3
    assert (profile / "ca/swproxy-ca.pem").exists()


def test_status_describes_the_certificate(swproxy: Callable[..., Done], profile: Path) -> None:
    """Name, file, fingerprint and validity, for people and for programs."""
    swproxy("path")
    certificate = Authority(profile / "ca").load()
    described = json.loads(swproxy("status", "--json").stdout)["certificate"]
    assert described["sha256"] == fingerprint(certificate)
    assert described["name"].startswith("swproxy CA (")
    assert described["not_after"] == certificate.not_valid_after_utc.isoformat()
    text = swproxy("status").stdout
    for value in (described["name"], described["path"], described["sha256"], described["not_after"][:10]):
        assert value in text


def test_a_fingerprint_is_no_emoji(swproxy: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """To rich, :AB: and :CD: are pictures."""
    swproxy("path")
    monkeypatch.setattr("swproxy.cli.ca.fingerprint", lambda certificate: "00:AB:CD:00")
    assert "SHA-256: 00:AB:CD:00\n" in swproxy("status").stdout


def test_a_recreated_ca(swproxy: Callable[..., Done], profile: Path) -> None:
    """The stores have another one then; it is replaced, and removed also when the new one is gone or damaged."""
    swproxy("install")
    new_authority(profile / "ca")
    assert states(swproxy) == ["another swproxy CA"] * 3
    assert swproxy("install").stdout.count("in place of an older one") == 3
    (profile / "ca/swproxy-ca.pem").write_text("damaged")
    done = swproxy("uninstall")
    assert done.exit_code == 0
    assert done.stdout.count("removed") == 3


def test_a_store_that_fails_does_not_keep_the_others(swproxy: Callable[..., Done], machine: Machine) -> None:
    """All others are done, the exit code is 1, and the command for the one that failed is given."""
    new_database(machine.home / ".mozilla/firefox/locked.default", password="secret")
    done = swproxy("install")
    assert done.exit_code == 1
    assert states(swproxy) == ["trusted", "trusted", "trusted", "not trusted"]
    assert done.stderr.startswith("swproxy: 1 of 4 stores could not be changed. Firefox (")
    assert done.stderr.count("\n") == 1
    assert f"    certutil -d sql:{machine.home}/.mozilla/firefox/locked.default -A -n 'swproxy CA (" in done.stdout


def test_an_unreadable_store_is_a_state(swproxy: Callable[..., Done], machine: Machine) -> None:
    """The status shows it and why, and still ends with 0."""
    (machine.home / ".pki/nssdb/cert9.db").write_text("damaged")
    assert states(swproxy) == ["not trusted", "cannot be read", "not trusted"]
    assert "SEC_ERROR_BAD_DATABASE" in swproxy("status").stdout


def test_what_is_left_to_the_user(swproxy: Callable[..., Done], profile: Path, machine: Machine) -> None:
    """Only what applies: no --cacert for curl where the system trusts the CA, no restart where nothing changed."""
    said = swproxy("install").stdout
    assert "Restart the browsers" in said
    assert "--cacert" not in said
    assert f"REQUESTS_CA_BUNDLE={machine.root / 'etc/ssl/certs/ca-certificates.crt'}" in said
    assert "Restart the browsers" not in swproxy("install").stdout
    swproxy("uninstall")
    fake_program(machine, "update-ca-certificates", "import sys; sys.exit('no space')")
    said = swproxy("install").stdout
    assert f"curl: --cacert {profile}/ca/swproxy-ca-cert.pem" in said


@pytest.mark.parametrize("command", ["path", "status", "install"])
def test_a_damaged_ca_is_one_sentence(swproxy: Callable[..., Done], profile: Path, command: str) -> None:
    """It says which file to remove, and nothing is installed."""
    swproxy("path")
    (profile / "ca/swproxy-ca.pem").write_text("damaged")
    done = swproxy(command)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"swproxy: The CA in {profile}/ca/swproxy-ca.pem cannot be used")
    assert done.stderr.count("\n") == 1


def test_old_interpreters_are_warned_of(swproxy: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """On Python 3.11 there is only a mitmproxy with known holes: the status says so."""
    assert json.loads(swproxy("status", "--json").stdout)["warnings"] == (
        [] if sys.version_info >= (3, 12) else [warning_of_old_mitmproxy()]
    )
    with monkeypatch.context() as patched:
        patched.setattr(sys, "version_info", (3, 11, 9))
        warning = warning_of_old_mitmproxy()
    assert warning is not None
    monkeypatch.setattr("swproxy.cli.ca.warning_of_old_mitmproxy", lambda: warning)
    assert warning in swproxy("status").stdout
    assert json.loads(swproxy("status", "--json").stdout)["warnings"] == [warning]


def test_run_warns_once_it_listens(profile: Path) -> None:
    """On stderr; a proxy that does not start has one sentence to say, and that is another."""
    # mitmproxy looks at the version when it is imported, too.
    code = "import sys, swproxy.proxy.run; sys.version_info = (3, 11, 9); from swproxy.cli.main import main; main()"
    command = [sys.executable, "-c", code, "run", "--profile", str(profile), "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("swproxy listening on ")
        assert process.stderr.readline().startswith("swproxy: On Python 3.11 the newest mitmproxy is 11.0.2")
        failed = subprocess.run(command, capture_output=True, text=True, check=False)
        process.terminate()
    assert process.returncode == 0
    assert failed.stderr.startswith("swproxy: Another swproxy ")
    assert failed.stderr.count("\n") == 1


def test_it_starts_without_mitmproxy() -> None:
    """The command must not wait for imports that only the proxy needs."""
    code = "import sys, swproxy.cli.ca; print({'mitmproxy', 'aiohttp', 'dukpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
