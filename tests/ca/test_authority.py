"""The CA of a profile, and the leaves that mitmproxy makes with it."""

import datetime
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from mitmproxy.certs import CertStore

from swproxy.ca import authority as authority_module
from swproxy.ca.authority import Authority, common_name
from swproxy.errors import ProfileError


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "ca"
    made.mkdir()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_only_the_user_may_read_the_key(directory: Path, mask: int) -> None:
    """The key has mode 0600 under any umask, and the certificate can be read by all."""
    before = os.umask(mask)
    try:
        authority = Authority(directory)
        authority.ensure()
    finally:
        os.umask(before)
    assert mode(authority.key_and_certificate) == 0o600
    assert mode(authority.certificate) == 0o644
    assert b"PRIVATE" not in authority.certificate.read_bytes()


def test_a_key_that_others_may_read_is_closed(directory: Path) -> None:
    """A copy that lost its mode gets it back."""
    authority = Authority(directory)
    authority.ensure()
    authority.key_and_certificate.chmod(0o644)
    authority.ensure()
    assert mode(authority.key_and_certificate) == 0o600


def test_name(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called after its user and machine."""
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    assert common_name(Authority(directory).ensure().subject) == "swproxy CA (ann@desk)"


def test_a_long_or_odd_name_still_makes_a_certificate(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """X.520 allows 64 characters, and NSS nicknames no colon."""
    monkeypatch.setenv("LOGNAME", "DOMAIN\\a:b")
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 200)
    name = common_name(Authority(directory).ensure().subject)
    assert len(name) == 64
    assert name.startswith("swproxy CA (DOMAIN-a-b@hhh")
    assert name.endswith("h)")


def test_it_is_made_once(directory: Path) -> None:
    """Later runs take the one that is there; a certificate file that was lost or changed is written again."""
    authority = Authority(directory)
    certificate = authority.ensure()
    authority.certificate.write_text("something else")
    assert authority.ensure() == certificate
    authority.certificate.unlink()
    assert authority.ensure() == certificate
    assert x509.load_pem_x509_certificate(authority.certificate.read_bytes()) == certificate


def test_two_that_start_at_once_get_the_same(directory: Path) -> None:
    """The first run of two processes on one profile makes one CA."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Authority(directory).ensure(), range(8)))
    assert set(made) == {Authority(directory).load()}


def test_a_damaged_file_is_one_clear_sentence(directory: Path) -> None:
    """A key file that is empty, cut, or has another's certificate, is not used and not overwritten."""
    authority = Authority(directory)
    authority.ensure()
    good = authority.key_and_certificate.read_bytes()
    other = Authority(directory / "other")
    other.directory.mkdir()
    other.ensure()
    swapped = good[: good.index(b"-----BEGIN CERTIFICATE")] + other.certificate.read_bytes()
    for damaged in (b"", good[:100], good[:-100], b"\x00\xff" * 100, swapped):
        authority.key_and_certificate.write_bytes(damaged)
        with pytest.raises(ProfileError) as caught:
            authority.ensure()
        assert "remove the file to get a new one" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert authority.key_and_certificate.read_bytes() == damaged


def test_a_file_that_cannot_be_read_is_one_clear_sentence(directory: Path) -> None:
    """Here a new one is no remedy."""
    authority = Authority(directory)
    authority.key_and_certificate.mkdir()
    with pytest.raises(ProfileError, match=r"cannot be read: Is a directory; make it readable, or .*--profile"):
        authority.ensure()


def test_an_expired_one_is_an_error(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves of an expired CA would be refused by all clients."""
    monkeypatch.setattr(authority_module, "LIFETIME", datetime.timedelta(days=-1))
    with pytest.raises(ProfileError, match=r"expired on \d{4}-\d\d-\d\d"):
        Authority(directory).ensure()


@pytest.mark.parametrize(
    ("host", "alternative"),
    [
        ("site.test", x509.DNSName("site.test")),
        ("127.0.0.1", x509.IPAddress(ip_address("127.0.0.1"))),
        (f"{'long.' * 20}test", x509.DNSName(f"{'long.' * 20}test")),
    ],
)
def test_leaves_are_accepted(directory: Path, host: str, alternative: x509.GeneralName) -> None:
    """A leaf by mitmproxy's store verifies with OpenSSL's and the web's strict rules, for at most 398 days."""
    authority = Authority(directory)
    certificate = authority.ensure()
    store = CertStore.from_files(authority.key_and_certificate, authority.dhparams)
    leaf = x509.load_pem_x509_certificate(store.get_cert(host, [alternative]).cert.to_pem())
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= datetime.timedelta(days=398)

    subject = alternative
    assert isinstance(subject, x509.DNSName | x509.IPAddress)
    policy = verification.PolicyBuilder().store(verification.Store([certificate]))
    policy.build_server_verifier(subject).verify(leaf, [])

    file = directory / "leaf.pem"
    file.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    checked = ["-verify_ip" if isinstance(subject, x509.IPAddress) else "-verify_hostname", host]
    subprocess.run(
        [
            "openssl",
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            *checked,
            "-CAfile",
            authority.certificate,
            file,
        ],
        check=True,
        capture_output=True,
    )
