"""Which authorities vouch for origins."""

import ssl
from pathlib import Path

import certifi
import pytest

from certs.pki import Pki
from swproxy.errors import InvalidInput
from swproxy.network import trust
from swproxy.network.trust import TrustedAuthorities, trusted_authorities


def subjects(authorities: TrustedAuthorities) -> set[object]:
    return {certificate["subject"] for certificate in authorities.context().get_ca_certs()}


def test_by_default_those_of_the_system(monkeypatch: pytest.MonkeyPatch, pki: Pki) -> None:
    """SSL_CERT_FILE names others, as for every program with OpenSSL."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_certificate))
    assert trusted_authorities().file == str(pki.ca_certificate)
    assert len(subjects(trusted_authorities())) == 1


def test_a_system_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python brings a list along."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    assert trusted_authorities() == TrustedAuthorities(certifi.where(), None)


@pytest.mark.parametrize("has_file", [True, False])
def test_a_further_one(monkeypatch: pytest.MonkeyPatch, pki: Pki, tmp_path: Path, has_file: bool) -> None:
    """It comes to those of the system, which may be a file or a directory."""
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where() if has_file else "/nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    own = subjects(TrustedAuthorities(str(pki.ca_certificate), None))
    system = subjects(TrustedAuthorities(certifi.where(), None)) if has_file else set()
    both = trusted_authorities(str(pki.ca_certificate), tmp_path)
    assert subjects(both) == system | own
    assert both.directory == str(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read .*: No such file or directory"),
        ("no certificate", "has no certificates in PEM in it"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: str | None, message: str) -> None:
    """One sentence says which."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInput, match=f"^upstream_ca: .*{message}"):
        trusted_authorities(str(path), tmp_path)


def test_clients_verify_names(pki: Pki) -> None:
    """The contexts are those of a client."""
    context = trust.trusted_authorities().context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
