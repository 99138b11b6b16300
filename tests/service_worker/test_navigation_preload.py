"""What NavigationPreloadManager does to a registration."""

from typing import Any

import pytest

from swproxy.errors import InvalidInput, InvalidStateError
from swproxy.service_worker.navigation_preload import manage_navigation_preload
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.worker import ServiceWorker


@pytest.fixture
def registration() -> ServiceWorkerRegistration:
    """One with an active worker."""
    registration = ServiceWorkerRegistration("https://a.test/")
    registration.active = ServiceWorker(1, "https://a.test/sw.js", "classic", "https://a.test/", {})
    return registration


def state(registration: ServiceWorkerRegistration) -> tuple[bool, str]:
    found = manage_navigation_preload(registration, "state")
    assert found is not None
    return found["enabled"], found["headerValue"]


def test_flag_and_header_value(registration: ServiceWorkerRegistration) -> None:
    """Neither changes the other; nothing is told but the state."""
    seen = [state(registration)]
    steps: list[tuple[str, Any]] = [
        ("enable", None),
        ("set", ""),
        ("disable", None),
        ("set", "a\xe9\t b"),
        ("enable", 0),
    ]
    for operation, value in steps:
        assert manage_navigation_preload(registration, operation, value) is None
        seen.append(state(registration))
    assert seen == [
        (False, "true"),
        (True, "true"),
        (True, ""),
        (False, ""),
        (False, "a\xe9\t b"),
        (True, "a\xe9\t b"),
    ]


@pytest.mark.parametrize("operation", ["enable", "disable", "set"])
def test_without_an_active_worker(registration: ServiceWorkerRegistration, operation: str) -> None:
    """Nothing can be changed; the state can be asked for."""
    registration.waiting, registration.active = registration.active, None
    with pytest.raises(InvalidStateError):
        manage_navigation_preload(registration, operation, "x")
    assert state(registration) == (False, "true")


@pytest.mark.parametrize("value", ["a\nb", "a\r", "\0", "\u0100", " a", "a\t", " ", None, 5, ["a"]])
def test_what_is_no_header_value(registration: ServiceWorkerRegistration, value: object) -> None:
    """Is refused, whoever asks: it would go into a request as it is."""
    with pytest.raises(InvalidInput):
        manage_navigation_preload(registration, "set", value)
    assert state(registration) == (False, "true")


def test_an_unknown_operation(registration: ServiceWorkerRegistration) -> None:
    """Is an error of who asks."""
    with pytest.raises(InvalidInput, match="no explode"):
        manage_navigation_preload(registration, "explode")
