"""What documents ask for: https://w3c.github.io/ServiceWorker/#document-context, the proxy's half."""

from collections.abc import Callable
from typing import Any, Literal

import ada_url

from swproxy.errors import InvalidInput, InvalidStateError, SecurityError
from swproxy.pages.connections import Pages, describe
from swproxy.pages.page import Later, Method, Page
from swproxy.service_worker.jobs import Job, JobType
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration, origin_of
from swproxy.workers.lifecycle_driver import LifecycleDriver

# How often a document may wait for its registration at a time: its client asks once.
READY_LIMIT = 100


class Container:
    """The methods of ServiceWorkerContainer and ServiceWorkerRegistration, for all documents."""

    def __init__(self, registrations: RegistrationMap, driver: LifecycleDriver, pages: Pages) -> None:
        self._registrations = registrations
        self._driver = driver
        self._pages = pages

    def methods(self) -> dict[str, Method]:
        functions: dict[str, Callable[..., Any]] = {
            "register": self._register,
            "get_registration": self._get_registration,
            "get_registrations": self._get_registrations,
            "update": self._update,
            "unregister": self._unregister,
            "navigation_preload": self._navigation_preload,
            "ready": self._ready,
            "state": self._state,
            "frozen": self._frozen,
            "moved": self._moved,
            "used": Page.used,
            "secret": self._secret,
            "shared_worker": self._shared_worker,
        }
        return {name: Method(function) for name, function in functions.items()}

    def _register(
        self,
        page: Page,
        script_url: str,
        scope: str,
        type: Literal["classic", "module"],  # noqa: A002
        update_via_cache: Literal["imports", "all", "none"],
        cookie: str,
    ) -> Later:
        """https://w3c.github.io/ServiceWorker/#start-register-algorithm, the URLs being parsed and serialized."""
        for url, what in ((script_url, "script"), (scope, "scope")):
            _check_url(url)
            if origin_of(url) != page.origin:
                raise SecurityError(
                    f"The origin of the {what} ({origin_of(url)}) is not that of the page ({page.origin})."
                )
        job = Job(
            JobType.REGISTER,
            scope,
            script_url,
            type,
            update_via_cache,
            referrer=page.client.url,
            cookie=_joined(page.cookie, cookie),
        )
        return Later(self._driver.schedule(job).promise, describe)

    def _get_registration(self, page: Page, url: str) -> dict[str, Any] | None:
        """https://w3c.github.io/ServiceWorker/#navigator-service-worker-getRegistration"""
        if not _is_serialized(url) or origin_of(url) != page.origin:
            raise SecurityError(f"The URL {url} is not of the page's origin.")
        registration = self._registrations.match_service_worker_registration(url)
        return None if registration is None else describe(registration)

    def _get_registrations(self, page: Page) -> list[dict[str, Any]]:
        return [describe(each) for each in self._registrations if each.origin == page.origin]

    def _update(self, page: Page, id: int, cookie: str) -> Later:  # noqa: A002
        """https://w3c.github.io/ServiceWorker/#service-worker-registration-update"""
        registration = self._driver.registration(id)
        job = None
        if registration is not None and registration.origin == page.origin:
            job = self._driver.update(registration, referrer=page.client.url, cookie=_joined(page.cookie, cookie))
        if registration is None or job is None:
            raise InvalidInput("The registration is gone.")
        return Later(job.promise, lambda _: describe(registration))

    def _unregister(self, page: Page, id: int) -> Later | bool:  # noqa: A002
        """https://w3c.github.io/ServiceWorker/#navigator-service-worker-unregister"""
        registration = self._driver.registration(id)
        if registration is None or registration.origin != page.origin or registration.unregistered:
            return False
        return Later(self._driver.schedule(Job(JobType.UNREGISTER, registration.scope)).promise, bool)

    def _registration(self, page: Page, id: int) -> ServiceWorkerRegistration:  # noqa: A002
        registration = self._driver.registration(id)
        if registration is None or registration.origin != page.origin:
            raise InvalidStateError("The registration is gone.")
        return registration

    def _navigation_preload(
        self,
        page: Page,
        id: int,  # noqa: A002
        operation: str,
        value: str | None,
    ) -> dict[str, Any] | None:
        """https://w3c.github.io/ServiceWorker/#navigation-preload-manager"""
        return self._driver.navigation_preload(self._registration(page, id), operation, value)

    def _ready(self, page: Page, call: int) -> None:
        """Answers the document's call of that number as soon as there is an active worker."""
        if len(page.waits_for_ready) >= READY_LIMIT:
            raise InvalidInput("The page waits for 'ready' too often.")
        page.waits_for_ready.append(call)
        self._pages.settle_ready(page)

    def _state(self, page: Page, focused: bool, visibility_state: Literal["visible", "hidden"]) -> None:
        client = page.client
        is_shown = visibility_state == "visible" and client.visibility_state == "hidden"
        if is_shown or (focused and not client.focused):
            client.be_active()
        if focused != client.focused:
            client.set_focus(focused=focused)
        client.visibility_state = visibility_state

    def _frozen(self, page: Page) -> None:
        self._pages.frozen(page)

    def _moved(self, page: Page, url: str) -> None:
        self._pages.moved(page, url)

    def _secret(self, page: Page, number: int, username: str, password: str) -> None:
        """What a request of the document says in its URL, and browsers in no header; both percent-encoded."""
        page.secrets.tell(number, (username, password))

    def _shared_worker(self, page: Page, url: str, name: str) -> None:
        """The document uses it; its name is JSON, as it need not be well-formed Unicode."""
        self._pages.uses_shared_worker(page, url, name)


def _joined(sent: str, shown: str) -> str:
    """The cookies that the browser has sent to the channel, and those that the document sees now."""
    pairs = {pair.partition("=")[0]: pair for pair in (each.strip() for each in f"{sent};{shown}".split(";")) if pair}
    return "; ".join(pairs.values()) if "\r" not in shown and "\n" not in shown else sent


def _check_url(url: str) -> None:
    """Raises InvalidInput: it is not serialized, or has a fragment, or what Start Register forbids in paths."""
    path = url.partition("?")[0].lower()
    if not _is_serialized(url) or "#" in url or "%2f" in path or "%5c" in path:
        raise InvalidInput(f"'{url}' is not a URL that can be registered.")


def _is_serialized(url: str) -> bool:
    """Whether all who read this URL read the same in it."""
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        return False
    return bool(parsed.href == url and not parsed.username and not parsed.password)
