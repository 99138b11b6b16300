"""A machine of its own for the tests of trust stores: a home, a file system's root, and programs that are faked."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from swproxy.ca.authority import Authority
from swproxy.ca.machine import Machine

_BUNDLE_OF = {
    "usr/local/share/ca-certificates": "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/ca-trust/source/anchors": "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/pki/trust/anchors": "var/lib/ca-certificates/ca-bundle.pem",
    "etc/ca-certificates/trust-source": "etc/ca-certificates/extracted/tls-ca-bundle.pem",
}

# Makes the bundle of the files in the anchors' directory.
_UPDATE = """
import pathlib, sys
anchors, bundle, log = map(pathlib.Path, sys.argv[1:4])
with log.open("a") as file:
    print(*sys.argv[4:], file=file)
bundle.parent.mkdir(parents=True, exist_ok=True)
bundle.write_text("".join(path.read_text() for path in sorted(anchors.iterdir())))
"""

# p11-kit's: `anchor --store FILE` and `anchor --remove pkcs11:object=NAME;type=cert`.
_TRUST = """
import pathlib, re, sys, urllib.parse
anchors, bundle = map(pathlib.Path, sys.argv[1:3])
action, what = sys.argv[5:7]
name = re.compile("[^A-Za-z0-9]")
if action == "--store":
    from cryptography import x509
    data = pathlib.Path(what).read_bytes()
    (certificate,) = x509.load_pem_x509_certificates(data)
    label = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    (anchors / f"{name.sub('_', label)}-{certificate.serial_number}.p11-kit").write_bytes(data)
else:
    label = urllib.parse.unquote(re.fullmatch("pkcs11:object=([^;]*);type=cert", what)[1])
    for path in anchors.glob(f"{name.sub('_', label)}-*"):
        path.unlink()
bundle.parent.mkdir(parents=True, exist_ok=True)
bundle.write_text("".join(path.read_text() for path in sorted(anchors.iterdir())))
"""


def new_machine(directory: Path, platform: str = "linux") -> Machine:
    """A machine with nothing on it but this one's programs. Programs of its own go to ``directory / "bin"``."""
    for name in ("home", "root", "bin"):
        (directory / name).mkdir()
    environ = {"PATH": f"{directory / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return Machine(directory / "home", directory / "root", platform, environ)


def without_programs(machine: Machine) -> Machine:
    """The same machine, with its own programs only."""
    return Machine(machine.home, machine.root, machine.platform, {"PATH": machine.environ["PATH"].split(":")[0]})


def fake_program(machine: Machine, name: str, source: str, *arguments: str | Path) -> Path:
    """A Python program on the machine's PATH; ``arguments`` come before those that it is called with."""
    bin_directory = Path(machine.environ["PATH"].split(os.pathsep)[0])
    code = bin_directory / f"{name}.py"
    code.write_text(source)
    program = bin_directory / name
    given = " ".join(f"'{argument}'" for argument in arguments)
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{code}' {given} \"$@\"\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def new_authority(directory: Path) -> Authority:
    """The CA of a profile; another one each time, of the same name."""
    directory.mkdir(exist_ok=True)
    authority = Authority(directory)
    authority.key_and_certificate.unlink(missing_ok=True)
    authority.ensure()
    return authority


def foreign_certificate(file: Path, name: str = "Some Other CA") -> Path:
    """Makes a CA that has nothing to do with swproxy."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null"]
    command = ["openssl", "req", "-x509", *key, "-subj", f"/CN={name}", "-days", "30", "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return file


def system_store(machine: Machine, anchors: str, program: str) -> Path:
    """Gives the machine a distribution's system store, and the program that updates it; its anchors' directory."""
    directory = machine.root / anchors
    directory.mkdir(parents=True)
    source = _TRUST if program == "trust" else _UPDATE
    fake_program(machine, program, source, directory, bundle_of(machine, anchors), machine.root / "updates")
    return directory


def bundle_of(machine: Machine, anchors: str) -> Path:
    return machine.root / _BUNDLE_OF[anchors]


def debian(machine: Machine) -> Path:
    """A Debian's system store."""
    return system_store(machine, "usr/local/share/ca-certificates", "update-ca-certificates")


def new_database(directory: Path, password: str = "") -> Path:
    """An NSS database, made by the real certutil."""
    directory.mkdir(parents=True)
    if not password:
        certutil(directory, "-N", "--empty-password")
        return directory
    file = directory.parent / f"{directory.name}.password"
    file.write_text(password)
    certutil(directory, "-N", "-f", str(file))
    return directory


def certutil(directory: Path, *arguments: str) -> str:
    """What the real certutil says about a database."""
    if shutil.which("certutil") is None:
        pytest.fail("certutil is missing: install libnss3-tools (Debian), nss-tools (Fedora) or nss (Arch, Homebrew)")
    command = ["certutil", "-d", f"sql:{directory}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
