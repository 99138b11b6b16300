"""The request beside the start of a worker: what the origin sees of it, and what becomes of its response."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from origin import Origin
from running_workers import Workers
from waiting import soon

from certs.pki import Pki
from swproxy.errors import NetworkError, WorkerGone
from swproxy.service_worker.handle_fetch import FetchTarget
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.bodies import BytesBody, FileBody
from swproxy.workers import dispatcher
from swproxy.workers.dispatcher import Answer, ClientRequest, Failure, Outcome, PassedThrough
from swproxy.workers.navigation_preload import NavigationPreload

HEADER = "service-worker-navigation-preload"
PASSES_ON = "onfetch = (event) => event.respondWith(event.preloadResponse);"
LARGE = bytes(range(256)) * 2000


@pytest.fixture
async def workers(pki: Pki, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Workers]:
    """Workers whose network trusts the CA of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_certificate))
    workers = Workers(tmp_path)
    await workers.context.start()
    yield workers
    await workers.context.close()


class Held:
    """Makes the origin's answer at a path wait for ``release``; before that it sends ``head`` if there is one."""

    def __init__(self, origin: Origin, path: str, head: bytes = b"") -> None:
        self._origin = origin
        self._head = head
        self._released = asyncio.Event()
        self._requests: list[web.Request] = []
        origin.route(path, handler=self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._requests.append(request)
        response = web.StreamResponse()
        if self._head:
            await response.prepare(request)
            await response.write(self._head)
        await self._released.wait()
        if not self._head:
            await response.prepare(request)
        await response.write(b"rest")
        return response

    async def until_asked(self) -> None:
        await soon(lambda: bool(self._requests))

    async def until_gone(self) -> None:
        """The proxy has closed the connection."""
        await self.until_asked()
        await soon(lambda: self._requests[0].transport is None)

    def release(self) -> None:
        self._origin._loop.call_soon_threadsafe(self._released.set)


def navigation(url: str, **changes: Any) -> ClientRequest:
    mode = changes.pop("mode", "navigate")
    values: dict[str, Any] = {
        "method": "GET",
        "credentials": "include",
        "cache": "default",
        "redirect": "manual",
        "is_reload_navigation": False,
        "referrer": "no-referrer",
        "client_origin": "",
        "headers": [],
        "hidden_headers": [],
        "peer": "browser",
    }
    target = FetchTarget(url, "document", is_navigation=mode == "navigate", has_metadata=True)
    return ClientRequest(target=target, mode=mode, **values | changes)


async def registered(workers: Workers, origin: Origin, source: str, value: str = "true") -> ServiceWorker:
    """An active worker for the origin, with the preload enabled."""
    worker = await workers.register(f"{origin.url}/", source)
    registration = workers.context.registration(f"{origin.url}/")
    workers.context._driver.navigation_preload(registration, "enable")
    workers.context._driver.navigation_preload(registration, "set", value)
    origin.hits.clear()
    return worker


async def handled(workers: Workers, request: ClientRequest) -> Outcome:
    return await asyncio.wait_for(workers.context.dispatcher.handle(request, None), 10)


async def answered(workers: Workers, request: ClientRequest) -> Answer:
    outcome = await handled(workers, request)
    assert isinstance(outcome, Answer), outcome
    return outcome


async def content(answer: Answer) -> bytes:
    """The whole body."""
    body = answer.body
    assert not isinstance(body, FileBody | None)
    if isinstance(body, BytesBody):
        return body.data
    try:
        data = b""
        async with asyncio.timeout(10):
            while chunk := await body.read():
                data += chunk
        return data
    finally:
        body.close()


# The request


async def test_what_the_origin_sees(workers: Workers, origin: Origin) -> None:
    """The client's own request and one header more; the worker sees the request without that."""
    origin.route("/page", "the page", headers={"Set-Cookie": "b=2; SameSite=Strict", "X-A": "1"})
    await registered(
        workers,
        origin,
        """
        onfetch = (event) => event.respondWith((async () => {
          const response = await event.preloadResponse;
          return Response.json([[...event.request.headers], await response.text(), response.type, response.url]);
        })());
        """,
        "v=1\xe9",
    )
    answer = await answered(
        workers,
        navigation(
            f"{origin.url}/page",
            referrer="https://other.test/from?where",
            headers=[
                ("User-Agent", "browser/1"),
                ("Accept", "text/html"),
                ("Accept-Language", "cs"),
                ("Upgrade-Insecure-Requests", "1"),
                ("If-None-Match", '"old"'),
            ],
            hidden_headers=[
                ("Host", "localhost"),
                ("Cookie", "a=1"),
                ("Cookie", "c=3"),
                ("Connection", "keep-alive"),
                ("Accept-Encoding", "identity"),
                ("DNT", "1"),
                ("Sec-Fetch-Mode", "navigate"),
                ("Sec-Fetch-Dest", "iframe"),
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-User", "?1"),
                ("Sec-CH-UA", '"browser"'),
            ],
        ),
    )
    (hit,) = origin.hits
    sent = dict(hit.headers)
    assert sent.pop("host") == origin.url.removeprefix("https://")
    assert sent.pop(HEADER).encode("utf-8", "surrogateescape") == b"v=1\xe9"
    assert sent == {
        "user-agent": "browser/1",
        "accept": "text/html",
        "accept-language": "cs",
        "upgrade-insecure-requests": "1",
        "accept-encoding": "gzip, deflate, br, zstd",
        "cookie": "a=1; c=3",
        "referer": "https://other.test/from?where",
        "dnt": "1",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "iframe",
        "sec-fetch-site": "cross-site",
        "sec-fetch-user": "?1",
        "sec-ch-ua": '"browser"',
    }
    seen = (await content(answer)).decode()
    assert HEADER not in seen
    assert seen.endswith(f'"the page","basic","{origin.url}/page"]')
    assert answer.cookies == ["b=2; SameSite=Strict"]


TELLS_VALUE = "onfetch = (e) => e.respondWith(e.preloadResponse.then((value) => new Response(String(value))));"
NONE: dict[str, dict[str, Any]] = {"a-subresource": {"mode": "no-cors"}, "another-method": {"method": "POST"}}


@pytest.mark.parametrize("name", NONE)
async def test_what_has_no_preload(workers: Workers, origin: Origin, name: str) -> None:
    """Only navigations with GET have one."""
    await registered(workers, origin, TELLS_VALUE)
    asked = navigation(f"{origin.url}/page", referrer=f"{origin.url}/", **NONE[name])
    assert await content(await answered(workers, asked)) == b"undefined"
    assert origin.hits == []


async def test_nothing_goes_out_when_it_is_disabled(workers: Workers, origin: Origin) -> None:
    """Nor for a worker without fetch listeners."""
    await registered(workers, origin, TELLS_VALUE)
    registration = workers.context.registration(f"{origin.url}/")
    workers.context._driver.navigation_preload(registration, "disable")
    assert await content(await answered(workers, navigation(f"{origin.url}/page"))) == b"undefined"
    await registered(workers, origin, "onmessage = () => {};")
    assert isinstance(await handled(workers, navigation(f"{origin.url}/page")), PassedThrough)
    assert origin.hits == []


# Beside the start of the worker


async def test_it_is_beside_the_start_of_the_process(
    workers: Workers, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is not forked before the origin has the request, and yet that arrives."""
    origin.route("/page", "preloaded")
    worker = await registered(workers, origin, PASSES_ON)
    workers.context.manager.terminate(worker)

    async def before_start(worker: ServiceWorker) -> None:
        await soon(lambda: origin.count("/page") == 1)

    monkeypatch.setattr(workers.context._host, "before_start", before_start)
    assert await content(await answered(workers, navigation(f"{origin.url}/page"))) == b"preloaded"
    assert origin.count("/page") == 1


# The response


async def test_a_body_that_is_still_coming(workers: Workers, origin: Origin) -> None:
    """The answer does not wait for its end."""
    held = Held(origin, "/page", LARGE)
    await registered(workers, origin, PASSES_ON)
    answer = await answered(workers, navigation(f"{origin.url}/page"))
    held.release()
    assert await content(answer) == LARGE + b"rest"
    assert answer.source == "network"


async def test_a_redirect(workers: Workers, origin: Origin) -> None:
    """Is not followed here: the browser gets it, cookies and all."""
    origin.route("/page", status=302, headers={"Location": "/there", "Set-Cookie": "a=1", "X-A": "1"})
    source = """
    onfetch = (event) => event.respondWith(event.preloadResponse.then((response) => {
      console.log(response.type, response.status, [...response.headers].length, response.url === event.request.url);
      return response;
    }));
    """
    await registered(workers, origin, source)
    answer = await answered(workers, navigation(f"{origin.url}/page"))
    assert await workers.printed(f"{origin.url}/") == ["opaqueredirect 0 0 true"]
    assert (answer.status, answer.cookies) == (302, ["a=1"])
    assert ("Location", "/there") in answer.headers
    assert origin.count("/there") == 0


async def test_a_redirect_to_nowhere(workers: Workers, origin: Origin) -> None:
    """Without Location its body is what the browser shows."""
    origin.route("/page", "shown", status=302)
    await registered(workers, origin, PASSES_ON)
    answer = await answered(workers, navigation(f"{origin.url}/page"))
    assert (answer.status, await content(answer)) == (302, b"shown")


TELLS = """
onfetch = (event) => event.respondWith(event.preloadResponse.then(
  () => new Response("fulfilled"), ({ name, message }) => new Response(`${name}: ${message}`)));
"""


async def test_offline(workers: Workers, origin: Origin) -> None:
    """The promise is rejected; nothing has left."""
    await registered(workers, origin, TELLS)
    workers.context.conditions.set_offline(True)
    text = (await content(await answered(workers, navigation(f"{origin.url}/page")))).decode()
    assert text == f"TypeError: offline: {origin.url}/page was not requested"
    assert origin.hits == []


async def test_an_origin_that_is_gone(workers: Workers, origin: Origin) -> None:
    """The same, with the reason."""
    await registered(workers, origin, TELLS)
    origin.stop()
    text = (await content(await answered(workers, navigation(f"{origin.url}/page")))).decode()
    assert text.startswith(f"TypeError: cannot reach {origin.url}: ")


async def test_a_body_that_breaks_off(workers: Workers, origin: Origin) -> None:
    """The promise is fulfilled; whoever reads the body hears of it."""

    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(LARGE)
        assert request.transport is not None
        request.transport.abort()
        return response

    origin.route("/page", handler=breaks)
    await registered(workers, origin, PASSES_ON)
    answer = await answered(workers, navigation(f"{origin.url}/page"))
    with pytest.raises(NetworkError, match="broke off"):
        await content(answer)


async def test_the_response_can_be_cached(workers: Workers, origin: Origin) -> None:
    """It is cloned, and one copy goes to the client; the files are the process's own."""
    origin.route("/page", LARGE)
    source = """
    onfetch = (event) => event.respondWith((async () => {
      const cache = await caches.open("v1");
      const response = await event.preloadResponse;
      event.waitUntil(cache.put(event.request, response.clone()).then(async () =>
        console.log((await (await cache.match(event.request)).arrayBuffer()).byteLength)));
      return response;
    })());
    """
    await registered(workers, origin, source)
    assert await content(await answered(workers, navigation(f"{origin.url}/page"))) == LARGE
    assert await workers.printed(f"{origin.url}/") == [str(len(LARGE))]
    scratch = workers.context.profile.scratch
    assert [path for path in scratch.iterdir() if path.is_file()] == []


# What nobody uses


@pytest.fixture
def preloads(monkeypatch: pytest.MonkeyPatch) -> list[NavigationPreload]:
    """All that are made."""
    made: list[NavigationPreload] = []

    class Watched(NavigationPreload):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(dispatcher, "NavigationPreload", Watched)
    return made


@pytest.mark.parametrize("head", [b"", LARGE], ids=["nothing-yet", "its-head"])
async def test_a_worker_that_does_not_start(
    workers: Workers,
    origin: Origin,
    preloads: list[NavigationPreload],
    monkeypatch: pytest.MonkeyPatch,
    head: bytes,
) -> None:
    """The client gets the failure; the request is given up, whatever the origin has answered by then."""
    held = Held(origin, "/page", head)
    worker = await registered(workers, origin, PASSES_ON)
    workers.context.manager.terminate(worker)

    async def before_start(worker: ServiceWorker) -> None:
        await held.until_asked()
        await soon(lambda: preloads[0]._fetching.done() is bool(head))
        raise WorkerGone("on purpose")

    monkeypatch.setattr(workers.context._host, "before_start", before_start)
    outcome = await handled(workers, navigation(f"{origin.url}/page"))
    assert isinstance(outcome, Failure)
    assert "on purpose" in outcome.reason
    await held.until_gone()


async def test_a_failure_that_nobody_hears_of(
    workers: Workers,
    origin: Origin,
    preloads: list[NavigationPreload],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither does the log: the worker has not started, and that is what the client is told."""
    worker = await registered(workers, origin, PASSES_ON)
    workers.context.manager.terminate(worker)
    origin.stop()

    async def before_start(worker: ServiceWorker) -> None:
        await soon(lambda: preloads[0]._fetching.done())
        raise WorkerGone("on purpose")

    monkeypatch.setattr(workers.context._host, "before_start", before_start)
    assert isinstance(await handled(workers, navigation(f"{origin.url}/page")), Failure)
    preloads.clear()
    gc.collect()
    assert caplog.text == ""


LEAVES = {
    "nothing": ("", PassedThrough),
    "an-answer": ("event.respondWith(new Response('made'));", Answer),
    "an-interest": ("event.preloadResponse.catch(() => {});", PassedThrough),
}


@pytest.mark.parametrize("name", LEAVES)
async def test_an_event_that_ends_before_the_response(workers: Workers, origin: Origin, name: str) -> None:
    """The preload is given up; a request that was left alone is for the network, as if there was no worker."""
    does, kind = LEAVES[name]
    held, gate = Held(origin, "/page"), Held(origin, "/gate")
    await registered(workers, origin, f"onfetch = (event) => {{ {does} event.waitUntil(fetch('/gate')); }};")
    assert isinstance(await handled(workers, navigation(f"{origin.url}/page")), kind)
    await held.until_asked()
    gate.release()
    await held.until_gone()
    assert "was for nothing" in (await workers.printed(f"{origin.url}/"))[0]


async def test_a_response_that_no_script_asks_for(
    workers: Workers, origin: Origin, preloads: list[NavigationPreload]
) -> None:
    """Its connection is closed when the event is over."""
    held = Held(origin, "/page", LARGE)
    gate = Held(origin, "/gate")
    source = "onfetch = (event) => { event.respondWith(new Response('made')); event.waitUntil(fetch('/gate')); };"
    await registered(workers, origin, source)
    assert await content(await answered(workers, navigation(f"{origin.url}/page"))) == b"made"
    await soon(lambda: preloads[0]._fetching.done())
    assert held._requests[0].transport is not None
    gate.release()
    await held.until_gone()
    assert "was for nothing" in (await workers.printed(f"{origin.url}/"))[0]


async def test_a_worker_that_is_killed(workers: Workers, origin: Origin) -> None:
    """The request ends with the event."""
    held = Held(origin, "/page")
    worker = await registered(workers, origin, PASSES_ON)
    asking = asyncio.ensure_future(handled(workers, navigation(f"{origin.url}/page")))
    await held.until_asked()
    process = await workers.context.manager.running_process(worker)
    await soon(lambda: bool(process.events))
    process.kill("on purpose")
    assert isinstance(await asking, Failure)
    await held.until_gone()
