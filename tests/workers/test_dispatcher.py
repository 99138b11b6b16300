"""A client's request on its way through a worker: who is asked, and what goes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from disks import no_descriptors
from origin import Origin
from running_workers import Workers
from waiting import soon

from certs.pki import Pki
from swproxy.ipc.messages import Header
from swproxy.network.live_body import LiveBody
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.service_worker.handle_fetch import FetchTarget
from swproxy.storage.bodies import BytesBody
from swproxy.workers.dispatcher import Answer, ClientRequest, Failure, Outcome, PassedThrough

SITE = "https://site.test"
ROOT, APP = f"{SITE}/", f"{SITE}/app/"
CDN = "https://cdn.test/lib.js"

ANSWERS_ITS_SCOPE = "onfetch = (event) => event.respondWith(new Response(registration.scope));"


def request(url: str, **changes: Any) -> ClientRequest:
    """A page's fetch(); ``destination`` and ``hard`` (reload) are of its target."""
    destination = changes.pop("destination", "")
    mode = changes.pop("mode", "cors")
    target = FetchTarget(
        url,
        destination,
        is_navigation=mode == "navigate",
        is_hard_reload=changes.pop("hard", False),
        has_metadata=changes.pop("has_metadata", True),
    )
    values: dict[str, Any] = {
        "method": "GET",
        "credentials": "same-origin",
        "cache": "default",
        "redirect": "manual" if mode == "navigate" else "follow",
        "is_reload_navigation": False,
        "referrer": "no-referrer",
        "client_origin": "",
        "headers": [],
        "hidden_headers": [],
        "peer": "browser",
    }
    return ClientRequest(target=target, mode=mode, **values | changes)


def navigation(url: str, **changes: Any) -> ClientRequest:
    return request(url, mode="navigate", destination="document", **changes)


async def handled(workers: Workers, request: ClientRequest, body: bytes | LiveBody | None = None) -> Outcome:
    return await asyncio.wait_for(workers.context.dispatcher.handle(request, body), 10)


async def text(workers: Workers, request: ClientRequest, body: bytes | None = None) -> str | None:
    """What a worker has answered, None if the network is to."""
    outcome = await handled(workers, request, body)
    if isinstance(outcome, PassedThrough):
        return None
    assert isinstance(outcome, Answer), outcome
    assert isinstance(outcome.body, BytesBody)
    return outcome.body.data.decode()


async def failure(workers: Workers, request: ClientRequest) -> str:
    outcome = await handled(workers, request)
    assert isinstance(outcome, Failure)
    return outcome.reason


# Who controls what


@pytest.fixture
async def scopes(workers: Workers) -> Workers:
    """Workers for / and /app/ that answer with their scope."""
    for scope in (ROOT, APP):
        await workers.register(scope, ANSWERS_ITS_SCOPE)
    return workers


CONTROLLED: list[tuple[str, ClientRequest, str | None]] = [
    ("navigation", navigation(f"{SITE}/x"), ROOT),
    ("navigation to the inner scope", navigation(f"{APP}x"), APP),
    ("navigation elsewhere", navigation("https://other.test/"), None),
    ("navigation with the referrer of another", navigation(f"{APP}x", referrer=ROOT), APP),
    ("hard reload", navigation(f"{SITE}/x", hard=True), None),
    ("curl", request(f"{APP}x", has_metadata=False), APP),
    ("curl with a referrer", request(f"{APP}x", has_metadata=False, referrer=ROOT), APP),
    ("a dedicated worker's script", request(f"{APP}w.js", destination="worker", referrer=ROOT), APP),
    ("by referrer", request(f"{SITE}/x.png", referrer=f"{APP}page"), APP),
    ("by referrer, another origin's resource", request(CDN, referrer=f"{APP}page"), APP),
    ("by referrer, outside of the inner scope", request(f"{APP}x", referrer=f"{SITE}/page"), ROOT),
    ("a page of another origin", request(f"{SITE}/x", referrer="https://other.test/"), None),
    ("a page that is not secure", request(f"{SITE}/x", referrer="http://site.test/"), None),
    ("by origin", request(f"{SITE}/x", client_origin=SITE), ROOT),
    ("by origin, another's resource", request(CDN, client_origin=SITE), ROOT),
    ("another origin", request(f"{SITE}/x", client_origin="https://other.test"), None),
    ("an insecure origin", request(f"{SITE}/x", client_origin="http://site.test"), None),
    ("an opaque origin", request(f"{SITE}/x", client_origin="null"), None),
    ("neither referrer nor origin", request(f"{APP}x.png", mode="no-cors"), APP),
    ("neither, another origin's", request(CDN, mode="no-cors"), None),
    ("a plugin", request(f"{APP}x", destination="object", referrer=APP), None),
]


async def test_who_controls_a_page_that_was_not_seen(scopes: Workers) -> None:
    """One from before the proxy started: its Referer or Origin tells, or else the URL."""
    wrong = {}
    for name, asked, scope in CONTROLLED:
        answer = await text(scopes, replace(asked, peer=name))
        if answer != scope:
            wrong[name] = answer
    assert wrong == {}


async def test_a_page_that_was_navigated_to(scopes: Workers) -> None:
    """Is a client: the worker learns its number at the navigation, and again with each of its requests."""
    shows = """
    onfetch = (event) => event.respondWith(Response.json([event.clientId, event.resultingClientId]));
    """
    await scopes.register(ROOT, shows)
    none, number = _ids(await text(scopes, navigation(f"{SITE}/page?q#f")))
    assert none == ""
    assert len(number) == 32
    assert _ids(await text(scopes, request(f"{SITE}/x", referrer=f"{SITE}/page?q"))) == [number, ""]
    assert _ids(await text(scopes, request(CDN, referrer=ROOT))) == [number, ""]  # the referrer was cut to its origin
    assert _ids(await text(scopes, request(CDN, client_origin=SITE))) == [number, ""]
    assert _ids(await text(scopes, request(f"{SITE}/x", referrer=f"{SITE}/page?q", peer="another"))) == ["", ""]
    client = scopes.context.clients.get(number)
    assert client is not None
    assert (client.url, client.frame_type) == (f"{SITE}/page?q#f", "top-level")
    frame = request(f"{SITE}/frame", mode="navigate", destination="iframe")
    _, inner = _ids(await text(scopes, frame))
    found = scopes.context.clients.get(inner)
    assert found is not None
    assert found.frame_type == "nested"


def _ids(answer: str | None) -> list[str]:
    assert answer is not None
    ids: list[str] = json.loads(answer)
    return ids


SAME: list[Header] = [("Sec-Fetch-Site", "same-origin")]
CROSS: list[Header] = [("Sec-Fetch-Site", "cross-site")]


async def test_which_page_has_sent_a_request(scopes: Workers) -> None:
    """The one that it names, the one at its referrer, or the one that was active last."""
    await scopes.register(f"{SITE}/b/", ANSWERS_ITS_SCOPE)
    for url in (ROOT, APP, f"{SITE}/b/"):
        await text(scopes, navigation(url))
    b, app = scopes.context.clients.find("browser", f"{SITE}/b/"), scopes.context.clients.find("browser", APP)
    assert app is not None
    assert b is not None
    cut = request(CDN, mode="no-cors", destination="image", referrer=ROOT)
    assert await text(scopes, cut) == APP
    assert await text(scopes, request(f"{SITE}/x", client_id=b.id)) == b.url
    assert await text(scopes, cut) == b.url
    scopes.context.clients.moved(app, f"{SITE}/b/list")
    assert await text(scopes, request(f"{SITE}/x", referrer=f"{SITE}/b/list", hidden_headers=SAME)) == APP
    assert await text(scopes, request(CDN, client_origin=SITE, hidden_headers=CROSS)) == APP
    assert await text(scopes, replace(cut, client_id=b.id, hidden_headers=CROSS)) == b.url
    anonymous = request(f"{SITE}/x", mode="no-cors", hidden_headers=SAME)
    assert await text(scopes, anonymous) == b.url
    assert await text(scopes, replace(anonymous, client_origin="null")) == b.url
    assert await text(scopes, replace(anonymous, client_origin="null", hidden_headers=CROSS)) is None
    assert await text(scopes, request(CDN, mode="no-cors", hidden_headers=CROSS)) is None
    assert await text(scopes, request(f"{SITE}/x", referrer=ROOT, hidden_headers=SAME)) == ROOT


async def test_images_are_not_of_workers(scopes: Workers) -> None:
    """A worker that was started last asks for none."""
    await text(scopes, navigation(APP))
    await text(scopes, request(f"{SITE}/worker.js", destination="worker", referrer=APP))
    assert await text(scopes, request(CDN, destination="image", referrer=ROOT)) == APP
    assert await text(scopes, request(CDN, referrer=ROOT)) == ROOT


async def test_a_client_keeps_its_controller(workers: Workers) -> None:
    """A page that was loaded without a worker has none until it is loaded again, or claimed."""
    await workers.register(APP, ANSWERS_ITS_SCOPE)
    page = f"{SITE}/page"
    assert await text(workers, navigation(page)) is None
    subresource = request(f"{SITE}/x", referrer=page)
    # The navigation was not ours to see, for no scope matched then; this one is.
    workers.context.clients.add(ServiceWorkerClient(page, "browser", None))
    await workers.register(ROOT, ANSWERS_ITS_SCOPE)
    assert await text(workers, subresource) is None
    assert await text(workers, navigation(page)) == ROOT
    assert await text(workers, subresource) == ROOT


async def test_claimed_clients(workers: Workers) -> None:
    """clients.claim() takes those that its scope matches best, of its origin."""
    clients = [ServiceWorkerClient(url, "browser", None) for url in (f"{SITE}/page", APP, "https://other.test/")]
    for client in clients:
        workers.context.clients.see(client)
    await workers.register(APP, ANSWERS_ITS_SCOPE)
    await workers.register(ROOT, f"onactivate = (event) => event.waitUntil(clients.claim()); {ANSWERS_ITS_SCOPE}")
    assert [client.controller and client.controller.scope for client in clients] == [ROOT, None, None]
    assert await text(workers, request(f"{SITE}/x", referrer=f"{SITE}/page")) == ROOT
    assert await text(workers, request(f"{SITE}/x", referrer=APP)) is None


async def test_an_unregistered_scope_controls_nothing(scopes: Workers) -> None:
    """Also not the pages that it had; the outer scope does not inherit them."""
    assert await text(scopes, navigation(APP)) == APP
    await scopes.context.unregister(APP)
    assert await text(scopes, request(f"{SITE}/x", referrer=APP)) is None
    assert await text(scopes, navigation(APP)) == ROOT


def test_what_may_matter_at_all(workers: Workers) -> None:
    """A look at the origins of request and client tells."""
    dispatcher = workers.context.dispatcher
    assert not dispatcher.may_handle(SITE, (SITE,))


async def test_what_may_matter_with_a_registration(scopes: Workers) -> None:
    """One of them has a scope."""
    may_handle = scopes.context.dispatcher.may_handle
    assert may_handle(SITE, ())
    assert may_handle("https://cdn.test", ("https://other.test", SITE))
    assert not may_handle("https://cdn.test", ("https://other.test",))


# What is sent and what comes back


async def test_the_request_in_the_worker(workers: Workers) -> None:
    """Method, headers, mode and so on as the client meant them; without what scripts must not see."""
    await workers.register(
        ROOT,
        """
        onfetch = (event) => event.respondWith((async () => {
          const { request } = event;
          const names = ["method", "url", "destination", "referrer", "mode", "credentials", "cache", "redirect"];
          return Response.json(
            [...names.map((name) => request[name]), [...request.headers], await request.text()]);
        })());
        """,
    )
    hidden: list[Header] = [("Cookie", "a=1")]
    asked = request(
        f"{SITE}/x?q",
        method="PUT",
        mode="same-origin",
        headers=[("X-A", "1"), ("X-A", "2"), ("content-type", "text/plain")],
        hidden_headers=hidden,
        credentials="include",
        cache="no-cache",
        redirect="error",
        referrer=f"{SITE}/page",
    )
    answer = await text(workers, asked, b"body")
    assert answer is not None
    assert json.loads(answer) == [
        "PUT",
        f"{SITE}/x?q",
        "",
        f"{SITE}/page",
        "same-origin",
        "include",
        "no-cache",
        "error",
        [["content-type", "text/plain"], ["x-a", "1, 2"]],
        "body",
    ]


async def test_the_answer(workers: Workers) -> None:
    """Status, headers and source of what the worker has made."""
    await workers.register(
        ROOT,
        """
        onfetch = (event) =>
          event.respondWith(new Response("x", { status: 418, statusText: "Teapot", headers: { "X-A": "1" } }));
        """,
    )
    outcome = await handled(workers, navigation(ROOT))
    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.status_text, outcome.source) == (418, "Teapot", "script")
    assert ("X-A", "1") in outcome.headers
    assert outcome.registration.scope == ROOT


FAILURES = {
    "rejected": ("event.respondWith(Promise.reject(new Error('on purpose')))", "Error: on purpose"),
    "no response": ("event.respondWith('text')", "not a Response"),
    "network error": ("event.respondWith(Response.error())", "network error"),
    "prevented": ("event.preventDefault()", "a fetch listener called preventDefault()"),
    "used": ("const r = new Response('x'); r.text(); event.respondWith(r)", ""),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_network_errors(workers: Workers, name: str) -> None:
    """Each names the scope and the reason."""
    source, reason = FAILURES[name]
    await workers.register(ROOT, f"onfetch = (event) => {{ {source}; }};")
    said = await failure(workers, navigation(ROOT))
    assert said.startswith(f"the service worker of {ROOT} did not answer this request: ")
    assert reason in said


async def test_a_worker_that_does_not_start(workers: Workers, tmp_path: Path) -> None:
    """Its script has worked once, and throws now: a failure with its place; the registration stays."""
    worker = await workers.register(
        ROOT,
        """
        onfetch = (event) => event.respondWith(new Response("x"));
        if (location.search || navigator.onLine === false) throw new Error("not any more");
        """,
    )
    workers.context.manager.terminate(worker)
    workers.context.conditions.set_offline(True)
    assert "Error: not any more" in await failure(workers, navigation(ROOT))
    workers.context.conditions.set_offline(False)
    assert await text(workers, navigation(ROOT)) == "x"


async def test_a_worker_that_cannot_be_started(workers: Workers) -> None:
    """For lack of descriptors: a failure, never the network, which the worker may be there to keep out."""
    worker = await workers.register(ROOT, "onfetch = (event) => event.respondWith(new Response('x'));")
    workers.context.manager.terminate(worker)
    with no_descriptors():
        assert "Too many open files" in await failure(workers, navigation(ROOT))
    assert await text(workers, navigation(ROOT)) == "x"


async def test_a_worker_without_a_listener_is_not_started(workers: Workers) -> None:
    """The network answers, and no process is needed."""
    worker = await workers.register(ROOT, "oninstall = () => {};")
    workers.context.manager.terminate(worker)
    assert await text(workers, navigation(ROOT)) is None
    assert workers.context.manager.running(worker) is None


async def test_requests_wait_for_the_activation(workers: Workers) -> None:
    """A worker that is activating gets no fetch event before its activate event is over."""
    (workers._directory / "sw.js").write_text(
        """
        let ready = false;
        onactivate = (event) => event.waitUntil((async () => { await caches.open("v1"); ready = true; })());
        onfetch = (event) => event.respondWith(new Response(String(ready)));
        """
    )
    registering = asyncio.ensure_future(
        workers.context.register(ROOT, str(workers._directory / "sw.js"), "classic", "imports", local=True)
    )
    registrations = workers.context.registrations
    await soon(lambda: (found := registrations.get_registration(ROOT)) is not None and found.active is not None)
    assert await text(workers, navigation(ROOT)) == "true"
    await registering


async def test_a_request_that_a_listener_leaves_alone(workers: Workers) -> None:
    """Goes to the network as it came."""
    await workers.register(ROOT, "onfetch = (event) => void event.request;")
    assert await text(workers, navigation(ROOT)) is None


# CORS, which a browser checks itself


WITH_CORS = [
    ("same origin", request(f"{SITE}/x", client_origin=SITE), None),
    ("no origin", request(f"{SITE}/x", referrer=ROOT), None),
    ("no-cors", request(CDN, mode="no-cors", referrer=ROOT), None),
    ("another origin's", request(CDN, client_origin=SITE, referrer=ROOT), SITE),
]


@pytest.mark.parametrize(
    ("asked", "allowed"), [row[1:] for row in WITH_CORS], ids=[row[0].replace(" ", "-") for row in WITH_CORS]
)
async def test_cors_headers_of_answers(workers: Workers, asked: ClientRequest, allowed: str | None) -> None:
    """What a worker has made for another origin's URL is readable for its page: the browser must let it through."""
    await workers.register(
        ROOT,
        """
        const headers = { "X-A": "1", "Access-Control-Allow-Origin": "https://wrong.test" };
        onfetch = (event) => event.respondWith(new Response("x", { headers }));
        """,
    )
    outcome = await handled(workers, asked)
    assert isinstance(outcome, Answer)
    found = {name.lower(): value for name, value in outcome.headers}
    assert found["x-a"] == "1"
    if allowed is None:
        assert found["access-control-allow-origin"] == "https://wrong.test"
        assert "access-control-allow-credentials" not in found
    else:
        assert found["access-control-allow-origin"] == allowed
        assert found["access-control-allow-credentials"] == "true"
        assert {"X-A", "Content-Type"} <= set(found["access-control-expose-headers"].split(", "))
        assert found["vary"] == "Origin"


async def test_preflights(workers: Workers) -> None:
    """Of a controlled page are answered here: neither the worker nor the network hears of them."""
    await workers.register(ROOT, "onfetch = (event) => { console.log('asked'); };")
    hidden: list[Header] = [
        ("Access-Control-Request-Method", "PUT"),
        ("access-control-request-headers", "x-a,content-type"),
    ]
    preflight = request(CDN, method="OPTIONS", client_origin=SITE, referrer=ROOT, hidden_headers=hidden)
    outcome = await handled(workers, preflight)
    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.body) == (204, None)
    assert {name: value for name, value in outcome.headers if name.startswith("Access-Control")} == {
        "Access-Control-Allow-Origin": SITE,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Allow-Headers": "x-a,content-type",
        "Access-Control-Max-Age": "0",
    }
    other = request(CDN, method="OPTIONS", client_origin="https://other.test", hidden_headers=hidden)
    assert isinstance(await handled(workers, other), PassedThrough)
    # A page's own OPTIONS request is no preflight.
    await handled(workers, request(f"{SITE}/x", method="OPTIONS", client_origin=SITE, referrer=ROOT))
    assert await workers.printed(ROOT) == ["asked"]


@pytest.fixture
async def trusted(pki: Pki, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Workers]:
    """Workers whose network trusts the CA of the tests; one for / that leaves all requests alone."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_certificate))
    workers = Workers(tmp_path)
    await workers.context.start()
    await workers.register(ROOT, "onfetch = (event) => void event.request;")
    yield workers
    await workers.context.close()


async def test_another_origins_network_answer_is_checked_here(trusted: Workers, origin: Origin) -> None:
    """Its preflight was answered here, so the network's own CORS is asked now, with the page's cookies."""
    asked = request(
        f"{origin.url}/api",
        method="PUT",
        client_origin=SITE,
        referrer=ROOT,
        credentials="include",
        headers=[("X-A", "1")],
        hidden_headers=[("Cookie", "a=1"), ("User-Agent", "browser/1")],
    )
    assert f"{origin.url}/api has no Access-Control-Allow-Origin" in await failure(trusted, asked)
    allow = {"Origin": SITE, "Credentials": "true", "Methods": "PUT", "Headers": "x-a"}
    headers = {f"Access-Control-Allow-{name}": value for name, value in allow.items()}
    origin.route("/api", "from the network", headers={**headers, "Set-Cookie": "b=2", "X-Secret": "1"})
    origin.hits.clear()
    outcome = await handled(trusted, asked, b"data")
    assert isinstance(outcome, Answer)
    assert isinstance(outcome.body, BytesBody)
    assert (outcome.status, outcome.body.data, outcome.source) == (200, b"from the network", "network")
    assert outcome.cookies == ["b=2"]
    found = dict(outcome.headers)
    assert found["Access-Control-Allow-Origin"] == SITE
    assert "X-Secret" not in found
    assert [hit.method for hit in origin.hits] == ["OPTIONS", "PUT"]
    assert (origin.hits[1].headers["cookie"], origin.hits[1].body) == ("a=1", b"data")


async def test_another_origins_answer_without_cors(trusted: Workers, origin: Origin) -> None:
    """Of a mode that needs no leave, the network answers as if there was no worker."""
    asked = request(f"{origin.url}/x.png", mode="no-cors", destination="image", referrer=ROOT)
    assert isinstance(await handled(trusted, asked), PassedThrough)
    assert origin.hits == []
