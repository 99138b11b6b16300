"""The scope map."""

import pytest

from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration


def make_map(*scopes: str) -> RegistrationMap:
    registrations = RegistrationMap()
    for scope in scopes:
        registrations.set_registration(ServiceWorkerRegistration(scope))
    return registrations


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        ("https://a.test/", "https://a.test/"),
        ("https://a.test/app", "https://a.test/"),
        ("https://a.test/app/", "https://a.test/app/"),
        ("https://a.test/app/x?y#z", "https://a.test/app/"),
        ("https://a.test/application", "https://a.test/appl"),
        ("https://a.test:8443/", None),
        ("http://a.test/", None),
        ("https://b.test/", None),
        ("https://c.test/only/", "https://c.test/only/"),
        ("https://c.test/", None),
    ],
)
def test_the_longest_scope_wins(url: str, scope: str | None) -> None:
    """Matching is by prefix of the serialized URL, within one origin."""
    registrations = make_map("https://a.test/", "https://a.test/app/", "https://a.test/appl", "https://c.test/only/")
    found = registrations.match_service_worker_registration(url)
    assert (found.scope if found else None) == scope


def test_removing_a_registration_keeps_its_successor() -> None:
    """A registration that another one has replaced removes nothing."""
    registrations = make_map("https://a.test/")
    first = registrations.get_registration("https://a.test/")
    assert first is not None
    second = ServiceWorkerRegistration("https://a.test/")
    registrations.set_registration(second)
    registrations.remove(first)
    assert registrations.get_registration("https://a.test/") is second
    registrations.remove(second)
    assert not registrations.has_origin("https://a.test")


def test_stale_after_a_day() -> None:
    """A registration is stale when its last check is more than a day ago, and there was one."""
    registration = ServiceWorkerRegistration("https://a.test/")
    assert not registration.is_stale(1e9)
    registration.last_update_check_time = 1000.0
    assert not registration.is_stale(1000.0 + 86400)
    assert registration.is_stale(1000.0 + 86401)
