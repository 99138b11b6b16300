"""What must happen to a request."""

from typing import Any

import pytest

from swproxy.service_worker.handle_fetch import Dispatch, FetchTarget, PassThrough, check_response, plan_fetch
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ServiceWorker

NOW = 1e9


def registration(scope: str, **worker: Any) -> ServiceWorkerRegistration:
    made = ServiceWorkerRegistration(scope, last_update_check_time=NOW)
    values = {"event_types": frozenset({"fetch"}), "state": WorkerState.ACTIVATED} | worker
    made.active = ServiceWorker(1, f"{scope}sw.js", "classic", scope, {}, **values)
    return made


def plan(target: FetchTarget, *registrations: ServiceWorkerRegistration, controller: Any = None) -> Any:
    all_of_them = RegistrationMap()
    for each in registrations:
        all_of_them.set_registration(each)
    return plan_fetch(target, all_of_them, controller, NOW)


SITE = "https://a.test/"
ROWS: list[tuple[str, FetchTarget, bool, bool]] = [
    ("navigation", FetchTarget(SITE, "document", is_navigation=True, has_metadata=True), False, True),
    (
        "hard reload",
        FetchTarget(SITE, "document", is_navigation=True, is_hard_reload=True, has_metadata=True),
        True,
        False,
    ),
    ("controlled subresource", FetchTarget(SITE + "x.png", "image", has_metadata=True), True, True),
    ("uncontrolled subresource", FetchTarget(SITE + "x.png", "image", has_metadata=True), False, False),
    ("another origin's, controlled", FetchTarget("https://cdn.test/x.js", "script", has_metadata=True), True, True),
    ("a plugin", FetchTarget(SITE + "x.swf", "object", has_metadata=True), True, False),
    ("curl", FetchTarget(SITE + "x"), False, True),
    ("curl outside", FetchTarget("https://b.test/x"), False, False),
    ("a worker script", FetchTarget(SITE + "w.js", "worker", has_metadata=True), False, True),
]


@pytest.mark.parametrize(
    ("target", "controlled", "dispatched"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_who_gets_a_fetch_event(target: FetchTarget, controlled: bool, dispatched: bool) -> None:
    """Navigations and curl are matched by URL, subresources by their client."""
    site = registration(SITE)
    result = plan(target, site, controller=site if controlled else None)
    assert isinstance(result, Dispatch) is dispatched


@pytest.mark.parametrize(
    "worker",
    [{"event_types": frozenset({"install"})}, {"all_fetch_listeners_are_empty": True}],
    ids=["no listener", "empty listeners"],
)
def test_a_worker_that_does_nothing_is_not_started(worker: dict[str, Any]) -> None:
    """The network answers; a navigation still looks for an update."""
    site = registration(SITE, **worker)
    navigation = FetchTarget(SITE, "document", is_navigation=True, has_metadata=True)
    assert plan(navigation, site) == PassThrough(site)
    assert plan(FetchTarget(SITE), site) == PassThrough(None)


def test_a_bypassed_origin() -> None:
    """Its workers get no fetch events, whatever is asked for; updates go on."""
    site = registration(SITE)
    navigation = FetchTarget(SITE, "document", is_navigation=True, has_metadata=True)
    foreign = FetchTarget("https://cdn.test/x.js", "script", has_metadata=True)
    registrations = RegistrationMap()
    registrations.set_registration(site)
    bypassed = ["https://a.test"].__contains__
    assert plan_fetch(navigation, registrations, None, NOW, bypassed) == PassThrough(site)
    assert plan_fetch(foreign, registrations, site, NOW, bypassed) == PassThrough()
    other = ["https://cdn.test"].__contains__
    assert isinstance(plan_fetch(foreign, registrations, site, NOW, other), Dispatch)


def test_soft_update_after_a_navigation_or_a_day() -> None:
    """A navigation always looks for an update; anything else only if the registration is stale."""
    site = registration(SITE)
    assert not plan(FetchTarget(SITE), site).soft_update
    assert plan(FetchTarget(SITE, "document", is_navigation=True, has_metadata=True), site).soft_update
    site.last_update_check_time = NOW - 90000
    assert plan(FetchTarget(SITE), site).soft_update


def test_nothing_is_dispatched_without_an_active_worker() -> None:
    """A registration that is being installed is no controller; one that is unregistered goes on for its clients."""
    site = registration(SITE)
    site.active = None
    assert plan(FetchTarget(SITE), site) == PassThrough()


def test_an_unregistered_registration_goes_on_for_its_clients() -> None:
    """Until it is cleared."""
    site = registration(SITE)
    site.unregistered = True
    subresource = FetchTarget(f"{SITE}x.png", has_metadata=True)
    assert isinstance(plan_fetch(subresource, RegistrationMap(), site, NOW), Dispatch)


@pytest.mark.parametrize(
    ("mode", "redirect", "type_", "urls", "allowed"),
    [
        ("cors", "follow", "default", 0, True),
        ("cors", "follow", "basic", 1, True),
        ("cors", "follow", "opaque", 1, False),
        ("no-cors", "follow", "opaque", 1, True),
        ("same-origin", "follow", "cors", 1, False),
        ("navigate", "manual", "opaqueredirect", 1, True),
        ("cors", "follow", "opaqueredirect", 1, False),
        ("navigate", "manual", "basic", 2, False),
        ("cors", "follow", "basic", 2, True),
        ("cors", "follow", "error", 0, False),
    ],
)
def test_which_responses_a_request_may_get(mode: str, redirect: str, type_: str, urls: int, allowed: bool) -> None:
    """HTTP fetch turns what does not fit into a network error."""
    assert (check_response(mode, redirect, type_, urls) is None) is allowed
