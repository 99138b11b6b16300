"""Which hosts are decrypted, and which pass through untouched."""

import pytest

from swproxy.proxy.interception import Interception
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration


def registrations(*scopes: str) -> RegistrationMap:
    found = RegistrationMap()
    for scope in scopes:
        found.set_registration(ServiceWorkerRegistration(scope))
    return found


def interception(*patterns: str, scopes: tuple[str, ...] = (), everything: bool = False) -> Interception:
    return Interception(registrations(*scopes), patterns, everything=everything)


@pytest.mark.parametrize("host", ["site.test", "SITE.test", "[::1]", "::1", None])
def test_nothing_is_decrypted_unless_somebody_asks(host: str | None) -> None:
    """Not even a connection that names no host."""
    assert not interception().is_decrypted(host)


@pytest.mark.parametrize("host", ["site.test", None])
def test_everything(host: str | None) -> None:
    """A choice; a client need not even say where it goes."""
    assert interception(everything=True).is_decrypted(host)


@pytest.mark.parametrize(
    ("host", "decrypted"),
    [("site.test", True), ("Site.TEST", True), ("www.site.test", False), ("othersite.test", False), (None, False)],
)
def test_a_host_by_name(host: str | None, decrypted: bool) -> None:
    """That one, in any case of letters, and no other."""
    assert interception("site.test").is_decrypted(host) is decrypted
    assert interception("SITE.test").is_decrypted(host) is decrypted


@pytest.mark.parametrize(
    ("host", "decrypted"),
    [
        ("www.site.test", True),
        ("a.b.site.test", True),
        ("WWW.SITE.TEST", True),
        ("site.test", False),
        ("othersite.test", False),
        ("www.site.test.evil.test", False),
    ],
)
def test_all_below_a_host(host: str, decrypted: bool) -> None:
    """``*.site.test`` is not the host itself, nor one whose name only ends alike."""
    assert interception("*.Site.test").is_decrypted(host) is decrypted


@pytest.mark.parametrize("pattern", ["::1", "[::1]"])
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_with_or_without_brackets(pattern: str, host: str) -> None:
    """An IPv6 address is the same either way."""
    assert interception(pattern).is_decrypted(host)


@pytest.mark.parametrize(
    ("scope", "host"),
    [
        ("https://site.test/", "site.test"),
        ("https://site.test/app/", "SITE.test"),
        ("https://site.test:8443/", "site.test"),
        ("https://[::1]:8443/", "::1"),
        ("http://localhost:8000/", "localhost"),
    ],
)
def test_hosts_of_scopes(scope: str, host: str) -> None:
    """On any of their ports: TLS says the name only."""
    decides = interception(scopes=(scope,))
    assert decides.is_decrypted(host)
    assert not decides.is_decrypted("other.test")
    assert not decides.is_decrypted(None)


def test_registrations_come_and_go() -> None:
    """The map is asked each time."""
    scopes = registrations()
    decides = Interception(scopes, [], everything=False)
    registration = ServiceWorkerRegistration("https://site.test/")
    scopes.set_registration(registration)
    assert decides.is_decrypted("site.test")
    scopes.remove(registration)
    assert not decides.is_decrypted("site.test")
