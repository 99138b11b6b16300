"""A client's request on its way through a worker: Handle Fetch, driven (https://w3c.github.io/ServiceWorker/#algorithms)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import ada_url

from swproxy.errors import SwproxyError
from swproxy.ipc import messages
from swproxy.ipc.messages import Header
from swproxy.network.fetcher import Fetcher, Initiator
from swproxy.network.live_body import BodyReader, LiveBody
from swproxy.service_worker.client import ClientMap, ServiceWorkerClient
from swproxy.service_worker.handle_fetch import Dispatch, FetchTarget, Plan, check_response, plan_fetch
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration, origin_of
from swproxy.service_worker.states import WorkerState
from swproxy.storage.bodies import BytesBody, CompleteBody
from swproxy.storage.origin_settings import BYPASS_FOR_NETWORK, UPDATE_ON_RELOAD, OriginSettings
from swproxy.workers.lifecycle_driver import LifecycleDriver
from swproxy.workers.manager import WorkerManager
from swproxy.workers.navigation_preload import NavigationPreload
from swproxy.workers.process import PendingEvent

# Seconds that a document has for listening before its worker is updated.
UPDATE_DELAY = 1.0
_HTTP = ("https:", "http:")
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_WORKER_TYPES = {"worker": "worker", "sharedworker": "sharedworker"}
# What only documents ask for, by destinations.
_OF_WINDOWS = frozenset({"audio", "font", "image", "manifest", "style", "track", "video", "xslt"})


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A request as a client sent it (https://fetch.spec.whatwg.org/#concept-request).

    ``headers`` are those that scripts see, ``hidden_headers`` the others; ``client_origin`` is what the client said
    in Origin; ``peer`` tells browsers apart. ``client_id`` is that of the document that has made it, if it says so,
    and ``replaces_client_id`` that of the one in whose place a navigation's will be.
    """

    target: FetchTarget
    method: str
    mode: str
    credentials: str
    cache: str
    redirect: str
    is_reload_navigation: bool
    referrer: str
    client_origin: str
    headers: list[Header]
    hidden_headers: list[Header]
    peer: str
    client_id: str = ""
    integrity: str = ""
    keepalive: bool = False
    referrer_policy: str = ""
    is_history_navigation: bool = False
    replaces_client_id: str = ""

    @property
    def browser_headers(self) -> list[Header]:
        """What the browser has added by itself, as far as one can tell."""
        return [*self.hidden_headers, *(header for header in self.headers if header[0].lower() == "user-agent")]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker answered: ``source`` is "network", "cache" or "script", ``type`` and ``urls`` its response's."""

    status: int
    status_text: str
    headers: list[Header]
    cookies: list[str]
    body: CompleteBody | BodyReader | None
    source: str
    registration: ServiceWorkerRegistration | None
    type: str = "default"
    urls: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failure:
    """A network error, and why."""

    reason: str
    registration: ServiceWorkerRegistration | None


@dataclass(frozen=True, slots=True)
class PassedThrough:
    """The network is to answer, as if there was no worker; ``by_worker`` if there is one, which leaves it."""

    by_worker: bool = False


Outcome = Answer | Failure | PassedThrough


class FetchDispatcher:
    """Finds the worker for a request and has it answer."""

    def __init__(
        self,
        registrations: RegistrationMap,
        clients: ClientMap,
        manager: WorkerManager,
        lifecycle: LifecycleDriver,
        fetcher: Fetcher,
        scratch: Path,
        settings: OriginSettings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._registrations = registrations
        self._clients = clients
        self._manager = manager
        self._lifecycle = lifecycle
        self._fetcher = fetcher
        self._scratch = scratch
        self._settings = settings
        self._now = now

    def may_handle(self, origin: str, client_origins: tuple[str, ...]) -> bool:
        """Whether any registration could match: of the request's origin, or its client's."""
        has = self._registrations.has_origin
        if has(origin) or any(has(client) for client in client_origins):
            return True
        leaving = self._lifecycle.origins_being_cleared()
        return bool(leaving) and (origin in leaving or any(client in leaving for client in client_origins))

    def reserve(self, request: ClientRequest) -> ServiceWorkerClient | None:
        """The client that a navigation of a browser, or the script of a worker, is to become."""
        target = request.target
        kind = "window" if target.is_navigation else _WORKER_TYPES.get(target.destination)
        if kind is None or target.is_import or not target.has_metadata:
            return None
        match = self._registrations.match_service_worker_registration
        registration = None if target.is_hard_reload else match(target.url)
        if registration is not None and registration.active is None:
            registration = None
        frame_type = "none" if kind != "window" else "top-level" if target.destination == "document" else "nested"
        client = ServiceWorkerClient(target.url, request.peer, registration, frame_type, kind)
        self._clients.add(client)
        return client

    async def handle(
        self, request: ClientRequest, body: bytes | LiveBody | None, reserved: ServiceWorkerClient | None = None
    ) -> Outcome:
        """The outcome for a request.

        Args:
            body: None, all bytes, or a stream.
            reserved: what ``reserve`` gave, if somebody watches over it. Otherwise it is remembered for a while.
        """
        client = self._client_of(request)
        controller = self._controller(request, client)
        if reserved is None and (reserved := self.reserve(request)) is not None:
            self._clients.lose_sight(reserved)
        plan = self._plan(request, controller)
        registration = _to_update(plan)
        if registration is not None and request.target.is_navigation and self._updates_on_reload(registration):
            await self._lifecycle.update_on_reload(registration)
            plan, registration = self._plan(request, controller), None
        try:
            if not isinstance(plan, Dispatch):
                return PassedThrough()
            if request.method == "OPTIONS" and _is_preflight(request):
                return _answer_preflight(request, plan.registration)
            return await self._dispatch(request, body, plan, client, reserved)
        finally:
            if registration is not None:
                self._soft_update(registration, reserved)

    def _soft_update(self, registration: ServiceWorkerRegistration, reserved: ServiceWorkerClient | None) -> None:
        """After the document has begun, which wants to hear of it."""
        update = partial(self._lifecycle.update_in_background, registration)
        if reserved is None:
            update()
        else:
            reserved.when_settled(partial(asyncio.get_running_loop().call_later, UPDATE_DELAY, update))

    def _plan(self, request: ClientRequest, controller: ServiceWorkerRegistration | None) -> Plan:
        def is_bypassed(origin: str) -> bool:
            return self._settings.get(BYPASS_FOR_NETWORK, origin)

        return plan_fetch(request.target, self._registrations, controller, self._now(), is_bypassed)

    def _updates_on_reload(self, registration: ServiceWorkerRegistration) -> bool:
        return self._settings.get(UPDATE_ON_RELOAD, registration.origin)

    def _client_of(self, request: ClientRequest) -> ServiceWorkerClient | None:
        return None if request.target.is_non_subresource else self.sender(request)

    def sender(self, request: ClientRequest) -> ServiceWorkerClient | None:
        """The client that a request comes from, as far as it tells; else that of its origin which was active last."""
        origin = _origin_of_client(request)
        if (named := self._clients.get(request.client_id)) is not None and named.origin == origin:
            named.be_active()
            return named
        referrer, is_foreign = request.referrer, origin_of(request.target.url) != origin
        found = None
        if _is_of(referrer, origin) and not (is_foreign and _is_cut(referrer)):
            found = self._clients.find(request.peer, referrer)
        return found or self._clients.most_recent(
            request.peer, origin, only_windows=request.target.destination in _OF_WINDOWS
        )

    def _controller(
        self, request: ClientRequest, client: ServiceWorkerClient | None
    ) -> ServiceWorkerRegistration | None:
        if not request.target.has_metadata or request.target.is_non_subresource:
            return None
        if client is not None:
            return client.controller
        # A page from before the proxy started, or one that sends no referrer.
        match = self._registrations.match_service_worker_registration
        origin = _origin_of_client(request)
        if _is_of(request.referrer, origin):
            return match(request.referrer)
        if origin == origin_of(request.target.url):
            return match(request.target.url)
        return match(origin + "/") if origin else None

    async def _dispatch(
        self,
        request: ClientRequest,
        body: bytes | LiveBody | None,
        plan: Dispatch,
        client: ServiceWorkerClient | None,
        reserved: ServiceWorkerClient | None,
    ) -> Outcome:
        worker, registration = plan.worker, plan.registration
        preload = None
        if registration.navigation_preload_enabled and request.target.is_navigation and request.method == "GET":
            preload = NavigationPreload(
                self._fetcher,
                worker_request(request, None),
                request.hidden_headers,
                registration.navigation_preload_header_value,
                self._scratch,
            )
        try:
            if worker.state is WorkerState.ACTIVATING:
                await self._lifecycle.until_activated(worker)
            process = self._manager.running(worker) or await self._manager.running_process(worker)
            event = process.dispatch_fetch(
                worker_request(request, process.bodies.export(body)),
                client.id if client is not None else "",
                reserved.id if reserved is not None else "",
                request,
                replaces_client_id=request.replaces_client_id,
                has_preload=preload is not None,
            )
            if preload is not None:
                preload.give_to(process, event)
            assert event.answer is not None
            answer = await event.answer
        except (SwproxyError, OSError) as error:
            return Failure(_explain(registration, str(error)), registration)
        finally:
            if preload is not None and not preload.is_given:
                preload.end()
        if isinstance(answer, messages.FallThrough):
            if answer.canceled:
                return Failure(_explain(registration, "a fetch listener called preventDefault()"), registration)
            if request.mode == "cors" and origin_of(request.target.url) != registration.origin:
                return await self._fetch_with_cors(request, body, registration)
            return PassedThrough(by_worker=True)
        return self._answer(request, registration, event, answer)

    async def _fetch_with_cors(
        self, request: ClientRequest, body: bytes | LiveBody | None, registration: ServiceWorkerRegistration
    ) -> Outcome:
        """The network's answer to a request of another origin: its preflight was answered here, so CORS is ours."""
        initiator = Initiator(
            origin=request.client_origin,
            url=request.referrer,
            directory=self._scratch,
            client_url=request.target.url,
            client_headers=request.browser_headers,
        )
        upload = body if isinstance(body, bytes | None) else body.reader()
        try:
            response = await self._fetcher.fetch(worker_request(request, None), initiator, upload)
        except (SwproxyError, OSError) as error:
            return Failure(str(error), registration)
        content: CompleteBody | BodyReader | None = None
        if isinstance(response.body, LiveBody):
            content = response.body.reader()
        elif response.body is not None:
            content = BytesBody(response.body)
        headers = _with_cors(response.headers, request.client_origin)
        return Answer(
            response.status,
            response.status_text,
            headers,
            response.cookies,
            content,
            "network",
            registration,
            response.type,
            response.urls,
        )

    def _answer(
        self,
        request: ClientRequest,
        registration: ServiceWorkerRegistration,
        event: PendingEvent,
        answer: messages.Respond,
    ) -> Outcome:
        response = answer.response
        if response is None:
            return Failure(_explain(registration, answer.error), registration)
        mode, redirect = request.mode, request.redirect
        if not request.target.has_metadata:
            mode, redirect = "no-cors", "follow" if response.type != "opaqueredirect" else redirect
        reason = check_response(mode, redirect, response.type, len(response.urls))
        if reason is None and request.redirect == "follow" and not response.urls and _leads_nowhere(response):
            reason = "a redirect that a script has made leads to no absolute URL"
        if reason is not None:
            if event.body is not None:
                event.body.close()
            return Failure(_explain(registration, reason), registration)
        headers = response.headers
        if request.mode == "cors" and request.client_origin not in ("", "null", origin_of(request.target.url)):
            headers = _with_cors(headers, request.client_origin)
        return Answer(
            response.status,
            response.status_text,
            headers,
            event.cookies,
            event.body,
            response.source,
            registration,
            response.type,
            response.urls,
        )


def worker_request(request: ClientRequest, body: messages.Body | None) -> messages.Request:
    """The request as the worker sees it."""
    return messages.Request(
        id=0,  # the event's number comes with the dispatch
        method=request.method,
        url=request.target.url,
        headers=request.headers,
        body=body,
        destination=request.target.destination,
        referrer=request.referrer,
        mode=request.mode,
        credentials=request.credentials,
        cache=request.cache,
        redirect=request.redirect,
        is_reload_navigation=request.is_reload_navigation,
        is_history_navigation=request.is_history_navigation,
        integrity=request.integrity,
        keepalive=request.keepalive,
        referrer_policy=request.referrer_policy,
    )


def _leads_nowhere(response: messages.Response) -> bool:
    """https://fetch.spec.whatwg.org/#concept-response-location-url of a response without a URL is failure."""
    location = next((value for name, value in response.headers if name.lower() == "location"), None)
    return location is not None and response.status in _REDIRECT_STATUSES and not ada_url.check_url(location)


def _to_update(plan: Plan) -> ServiceWorkerRegistration | None:
    if isinstance(plan, Dispatch):
        return plan.registration if plan.soft_update else None
    return plan.soft_update


def _site(request: ClientRequest) -> str:
    """Sec-Fetch-Site; nothing of a client that does not say."""
    return next((value for name, value in request.hidden_headers if name.lower() == "sec-fetch-site"), "")


def _origin_of_client(request: ClientRequest) -> str:
    """As the browser says it; nothing of a page that keeps its name to itself.

    A style sheet's requests have its own URL as Referer, but Sec-Fetch-Site is the page's.
    """
    if request.client_origin.startswith(_HTTP):
        return request.client_origin
    own, site = origin_of(request.target.url), _site(request) or request.client_origin
    if site in ("", "same-origin"):
        is_elsewhere = not site and request.referrer.startswith(_HTTP)
        return origin_of(request.referrer) if is_elsewhere else own
    referrer = origin_of(request.referrer) if request.referrer.startswith(_HTTP) else ""
    return "" if referrer == own else referrer


def _is_of(url: str, origin: str) -> bool:
    return origin != "" and url.startswith(f"{origin}/")


def _is_cut(referrer: str) -> bool:
    """Whether it is an origin, which it is of most requests to others: https://w3c.github.io/webappsec-referrer-policy/"""
    return referrer == f"{origin_of(referrer)}/"


def _explain(registration: ServiceWorkerRegistration, reason: str) -> str:
    return f"the service worker of {registration.scope} did not answer this request: {reason}"


# CORS between a browser's page and the worker that answers for another origin.


def _is_preflight(request: ClientRequest) -> bool:
    return any(name.lower() == "access-control-request-method" for name, _ in request.hidden_headers)


def _answer_preflight(request: ClientRequest, registration: ServiceWorkerRegistration) -> Answer:
    """A page that has a worker makes no preflight; the browser, which knows of no worker, does."""
    asked = {name.lower(): value for name, value in request.hidden_headers}
    headers = [
        ("Access-Control-Allow-Origin", request.client_origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", asked["access-control-request-method"]),
        ("Access-Control-Allow-Headers", asked.get("access-control-request-headers", "")),
        ("Access-Control-Max-Age", "0"),
        ("Vary", "Origin"),
    ]
    return Answer(204, "No Content", headers, [], None, "script", registration)


def _with_cors(headers: list[Header], origin: str) -> list[Header]:
    kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
    exposed = ", ".join(sorted({name for name, _ in kept}))
    return [
        *kept,
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", exposed),
        ("Vary", "Origin"),
    ]
