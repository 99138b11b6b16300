"""Channels over real WebSockets: how many there may be, and how they begin."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, web
from running_workers import Workers
from waiting import soon

from swproxy.pages import connections, owned_workers
from swproxy.service_worker.client import Presence, ServiceWorkerClient

SITE = "https://site.test"
HELLO = json.dumps(["0" * 32, f"{SITE}/", None, True, "top-level", True, "visible", []])


class Browser:
    """Opens channels of an origin, in one browser or another."""

    def __init__(self, workers: Workers) -> None:
        self._pages = workers.context.pages
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession
        self._url = ""

    async def __aenter__(self) -> "Browser":
        application = web.Application()
        application.router.add_get("/{peer}/{host}", self._serve)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        origin = f"https://{request.match_info['host']}"
        return await self._pages.serve_channel(request, origin, request.match_info["peer"], "")

    async def channel(self, host: str = "site.test", peer: str = "browser") -> ClientWebSocketResponse:
        return await self._session.ws_connect(f"{self._url}/{peer}/{host}")


@pytest.fixture
async def browser(workers: Workers) -> AsyncIterator[Browser]:
    async with Browser(workers) as browser:
        yield browser


async def test_a_channel_that_says_nothing(
    workers: Workers, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is closed; one that has said hello may be silent for as long as it likes."""
    monkeypatch.setattr(connections, "HELLO_PATIENCE", 0.1)
    page = await browser.channel()
    await page.send_str(HELLO)
    assert json.loads(await page.receive_str())[0] == "welcome"
    silent = await browser.channel()
    assert (await silent.receive(timeout=10)).type is WSMsgType.CLOSE
    assert silent.close_code == 1008
    await page.send_json([1, "get_registrations", []])
    assert json.loads(await page.receive_str()) == ["done", [1, []]]
    await page.close()
    await soon(lambda: not workers.context.pages._channels)


async def test_too_many_channels(workers: Workers, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one origin in one browser: no other one is disturbed, and what is closed makes room."""
    monkeypatch.setattr(connections, "CHANNEL_LIMIT", 2)
    channels = [await browser.channel() for _ in range(2)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.channel()
    assert refused.value.status == 503
    await browser.channel(host="other.test")
    await browser.channel(peer="another browser")
    await channels[0].close()
    await soon(lambda: workers.context.pages._channels[SITE, "browser"] == 1)
    await browser.channel()


@pytest.mark.parametrize("state", [[True, "hidden"], [False, "visible"]])
async def test_the_page_that_its_user_turns_to(workers: Workers, browser: Browser, state: list[bool | str]) -> None:
    """It gets the focus, or is shown again: requests that name nobody are its own."""
    clients = workers.context.clients
    pages = [await browser.channel() for _ in range(2)]
    for number, page in enumerate(pages):
        await page.send_json([f"{number}" * 32, f"{SITE}/{number}", None, True, "top-level", False, "visible", []])
        assert json.loads(await page.receive_str())[0] == "welcome"
        await page.send_json([0, "state", [False, "hidden"]])

    def is_recent(number: int) -> bool:
        client = clients.most_recent("browser", SITE)
        return client is not None and client.id == f"{number}" * 32

    assert is_recent(1)
    await pages[0].send_json([0, "state", state])
    await soon(lambda: is_recent(0))
    for page in pages:
        await page.close()


SHARED = f"{SITE}/shared.js"


class Sharing:
    """Documents that use shared workers."""

    def __init__(self, workers: Workers, browser: Browser) -> None:
        self._context = workers.context
        self._browser = browser

    async def page(self, number: int, peer: str = "browser") -> ClientWebSocketResponse:
        channel = await self._browser.channel(peer=peer)
        await channel.send_json([f"{number}" * 32, f"{SITE}/", None, True, "top-level", False, "visible", []])
        assert json.loads(await channel.receive_str())[0] == "welcome"
        return channel

    async def uses(self, channel: ClientWebSocketResponse, name: str, url: str = SHARED) -> None:
        await channel.send_json([0, "shared_worker", [url, name]])
        await channel.send_json([1, "get_registrations", []])
        assert json.loads(await channel.receive_str())[0] == "done"

    def starts(self, owner: int | str, peer: str = "browser", kind: str = "sharedworker") -> ServiceWorkerClient:
        client = ServiceWorkerClient(SHARED, peer, None, "none", kind)
        self._context.clients.add(client)
        number = f"{owner}" * 32 if isinstance(owner, int) else owner
        self._context.pages.worker_started(client, self._context.clients.get(number))
        assert client.presence is Presence.OPEN
        return client


@pytest.fixture
def sharing(workers: Workers, browser: Browser) -> Sharing:
    return Sharing(workers, browser)


async def test_shared_workers(sharing: Sharing) -> None:
    """One is there until the last document that says it uses it is gone; whether it says so before or later."""
    first, second, foreign = await sharing.page(1), await sharing.page(2), await sharing.page(3, "another browser")
    await sharing.uses(first, "early")
    early = sharing.starts(1)
    late = sharing.starts(1)
    await sharing.uses(first, "late")
    own = sharing.starts(1)
    elsewhere = sharing.starts(3, "another browser")
    for name in ("early", "late"):
        await sharing.uses(second, name, f"{SHARED}#fragment")
    await first.close()
    await soon(lambda: own.presence is Presence.DISCARDED)
    for there in (early, late, elsewhere):
        assert there.presence is Presence.OPEN
    await second.close()
    await soon(lambda: early.presence is Presence.DISCARDED and late.presence is Presence.DISCARDED)
    assert elsewhere.presence is Presence.OPEN
    await foreign.close()
    await soon(lambda: elsewhere.presence is Presence.DISCARDED)


async def test_a_shared_worker_is_of_who_says_so(sharing: Sharing) -> None:
    """Not of the document that only seemed to have asked for it."""
    first, second = await sharing.page(1), await sharing.page(2)
    worker = sharing.starts(1)
    await sharing.uses(second, "")
    await second.close()
    await soon(lambda: worker.presence is Presence.DISCARDED)
    await first.close()


async def test_workers_of_a_frozen_page(sharing: Sharing) -> None:
    """They are frozen with it, and come back with it; those that another document shares stay."""
    first, second = await sharing.page(1), await sharing.page(2)
    await sharing.uses(first, "shared")
    await sharing.uses(second, "shared")
    shared, own = sharing.starts(1), sharing.starts(1, kind="worker")
    nested = sharing.starts(own.id, kind="worker")
    await first.send_json([0, "frozen", []])
    await first.close()
    await soon(lambda: own.presence is nested.presence is Presence.FROZEN)
    assert shared.presence is Presence.OPEN
    await second.close()
    await soon(lambda: shared.presence is Presence.FROZEN)
    first = await sharing.page(1)
    assert shared.presence is own.presence is nested.presence is Presence.OPEN
    await first.close()
    await soon(lambda: shared.presence is own.presence is nested.presence is Presence.DISCARDED)


async def test_very_many_workers(workers: Workers, sharing: Sharing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a document the newest are remembered; what it says is of its own origin, and short."""
    monkeypatch.setattr(owned_workers, "_MOST", 2)
    page = await sharing.page(1)
    started = [sharing.starts(1, kind="worker") for _ in range(3)]
    assert [client.presence for client in started] == [Presence.DISCARDED, Presence.OPEN, Presence.OPEN]
    for url in ("https://other.test/", "blob:https://site.test/1", "https://[", f"{SITE}/more"):
        await sharing.uses(page, "", url)
    known = workers.context.pages._workers._workers
    assert [worker.client for worker in known] == started[1:]
    await page.send_json([0, "shared_worker", [SHARED, "n" * 8192]])
    assert (await page.receive()).type is WSMsgType.CLOSE
    await soon(lambda: known == [])


@pytest.mark.parametrize("url", ["https://[", "https://other.test/", "https://site.test.other.test/"])
async def test_a_document_that_is_nowhere(workers: Workers, sharing: Sharing, url: str) -> None:
    """It cannot be at a URL of another origin, or at none."""
    page = await sharing.page(1)
    await page.send_json([0, "moved", [url]])
    await sharing.uses(page, "")
    client = workers.context.clients.get("1" * 32)
    assert client is not None
    assert client.current_url == f"{SITE}/"
    await page.send_json([0, "moved", [f"{SITE}/{'x' * connections.HELLO_LIMIT}"]])
    assert (await page.receive()).type is WSMsgType.CLOSE
