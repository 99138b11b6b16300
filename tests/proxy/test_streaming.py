"""The loopback server for bodies too large or too endless for one buffer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from mitmproxy import http
from mitmproxy.test import tflow

from swproxy.errors import NetworkError
from swproxy.ipc.messages import Header
from swproxy.network.live_body import LiveBody
from swproxy.proxy import streaming
from swproxy.proxy.flows import exchange_of
from swproxy.proxy.streaming import StreamingEndpoint, VerbatimResponse, stream_answer
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.workers.dispatcher import Answer

SITE = "https://site.test"


@pytest.fixture
async def endpoint() -> AsyncIterator[StreamingEndpoint]:
    endpoint = StreamingEndpoint()
    await endpoint.start()
    yield endpoint
    await endpoint.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        yield session


def page() -> http.HTTPFlow:
    """A flow to the site."""
    request = http.Request.make("GET", f"{SITE}/page")
    request.headers = http.Headers(host="site.test", accept_encoding="gzip", cookie="a=b")
    return tflow.tflow(req=request)


def address(flow: http.HTTPFlow) -> str:
    """Where mitmproxy would send the flow."""
    return flow.request.url


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


class Source:
    """A body that gives these chunks; an error among them is raised. ``released`` is set when it is let go."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.released = asyncio.Event()
        self._chunks = list(chunks)

    async def read(self) -> bytes:
        chunk = self._chunks.pop(0) if self._chunks else b""
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def answering(
        self, directory: Path, *headers: Header, status: int = 200, size: int | None = None
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler that answers with this body."""
        registration = ServiceWorkerRegistration(f"{SITE}/")
        answer = Answer(status, "Fine", list(headers), ["a=b", "c=d"], None, "script", registration)
        reader = LiveBody(self.read, size, directory, self.released.set).reader()
        return lambda request: stream_answer(request, answer, reader)


# Addresses


async def test_a_redirected_flow_is_answered_here(endpoint: StreamingEndpoint, client: aiohttp.ClientSession) -> None:
    """By the handler that was given for it."""
    flow = page()
    endpoint.redirect(flow, hello)
    async with client.get(address(flow)) as response:
        assert await response.text() == "hello"


@pytest.mark.parametrize(("reason", "sent"), [("Tr\xe8s bien", b"Tr\xe8s bien"), ("\u65e5", b"?")])
async def test_a_reason_beyond_ascii(endpoint: StreamingEndpoint, reason: str, sent: bytes) -> None:
    """Each character is a byte; what is none does no harm."""

    async def odd(request: web.Request) -> web.StreamResponse:
        return VerbatimResponse(200, reason, [(b"X-A", b"\xff"), (b"Content-Length", b"0")])

    flow = page()
    endpoint.redirect(flow, odd)
    reader, writer = await asyncio.open_connection(flow.request.host, flow.request.port)
    writer.write(f"GET {flow.request.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    assert head.startswith(b"HTTP/1.1 200 " + sent + b"\r\n")
    assert b"X-A: \xff\r\n" in head


async def test_what_becomes_of_the_request(endpoint: StreamingEndpoint) -> None:
    """It is plain HTTP to a port of ours; nothing is compressed on so short a way."""
    flow = page()
    flow.request.authority = "site.test"
    endpoint.redirect(flow, hello)
    assert (flow.request.scheme, flow.request.authority) == ("http", "")
    assert endpoint.is_ours((flow.request.host, flow.request.port))
    assert dict(flow.request.headers) == {"host": f"127.0.0.1:{flow.request.port}", "cookie": "a=b"}


async def test_what_the_client_meant_is_kept(endpoint: StreamingEndpoint) -> None:
    """The log is about the site, not about an address that nobody knows."""
    flow = page()
    endpoint.redirect(flow, hello)
    exchange = exchange_of(flow)
    assert (exchange.url, exchange.origin, exchange.is_redirected) == (f"{SITE}/page", SITE, True)


async def test_an_address_is_good_for_one_request(endpoint: StreamingEndpoint, client: aiohttp.ClientSession) -> None:
    """Whoever comes second gets nothing."""
    flow = page()
    endpoint.redirect(flow, hello)
    statuses = []
    for _ in range(2):
        async with client.get(address(flow)) as response:
            statuses.append(response.status)
    assert statuses == [200, 404]


async def test_addresses_cannot_be_guessed(endpoint: StreamingEndpoint, client: aiohttp.ClientSession) -> None:
    """Two are never alike, and others are not there."""
    first, second = page(), page()
    endpoint.redirect(first, hello)
    endpoint.redirect(second, hello)
    assert first.request.path != second.request.path
    for path in ("/", "/guess", f"{first.request.path}/more"):
        async with client.get(f"http://127.0.0.1:{first.request.port}{path}") as response:
            assert response.status == 404


async def test_an_address_that_nobody_came_to_is_forgotten(
    endpoint: StreamingEndpoint, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while: its client has gone. What was to be sent is let go."""
    monkeypatch.setattr(streaming, "PATIENCE", 0)
    flow, abandoned = page(), asyncio.Event()
    endpoint.redirect(flow, hello, abandoned.set)
    await asyncio.wait_for(abandoned.wait(), 10)
    async with client.get(address(flow)) as response:
        assert response.status == 404


async def test_a_method_that_nobody_knows(endpoint: StreamingEndpoint, client: aiohttp.ClientSession) -> None:
    """HTTP parsers may refuse it: the endpoint is asked with another one."""
    flow = page()
    flow.request.method = "BREW"
    assert exchange_of(flow).method == "BREW"
    endpoint.redirect(flow, hello)
    assert (flow.request.method, exchange_of(flow).method) == ("POST", "BREW")


async def test_no_other_proxy_is_asked(endpoint: StreamingEndpoint) -> None:
    """In upstream mode requests go to another proxy, but not these."""
    flow = page()
    flow.server_conn.via = ("http", ("upstream.test", 8080))
    endpoint.redirect(flow, hello)
    assert flow.server_conn.via is None


async def test_which_addresses_are_ours(endpoint: StreamingEndpoint) -> None:
    """By host and port; no address is not."""
    flow = page()
    endpoint.redirect(flow, hello)
    assert endpoint.is_ours(("127.0.0.1", flow.request.port))
    assert not endpoint.is_ours(("127.0.0.2", flow.request.port))
    assert not endpoint.is_ours(("127.0.0.1", 1))
    assert not endpoint.is_ours(None)


async def test_nothing_is_ours_before_the_start() -> None:
    """And there is nothing to close."""
    endpoint = StreamingEndpoint()
    assert not endpoint.is_ours(("127.0.0.1", 0))
    await endpoint.close()


async def test_after_the_end_nobody_listens(client: aiohttp.ClientSession) -> None:
    """The ports are given back."""
    endpoint = StreamingEndpoint()
    await endpoint.start()
    flow = page()
    endpoint.redirect(flow, hello)
    await endpoint.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(address(flow))


async def test_an_upload_has_no_limit(endpoint: StreamingEndpoint, client: aiohttp.ClientSession) -> None:
    """Nor is it decoded: it goes to the worker, or the origin, as it came."""

    async def measure(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    flow = page()
    endpoint.redirect(flow, measure)
    headers = {"content-encoding": "gzip"}
    async with client.post(address(flow), data=b"x" * (3 << 20), headers=headers) as response:
        assert await response.text() == str(3 << 20)


# Answers


async def test_an_answer_arrives_whole(
    endpoint: StreamingEndpoint, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Status, headers, cookies, and the body with its length if that is known."""
    flow, source = page(), Source(b"one", b"two")
    endpoint.redirect(flow, source.answering(tmp_path, ("X", "y"), ("Content-Encoding", "gzip"), status=201, size=6))
    async with client.get(address(flow)) as response:
        assert (response.status, response.reason) == (201, "Fine")
        assert (response.headers["X"], response.headers.getall("Set-Cookie")) == ("y", ["a=b", "c=d"])
        # Not those of the connection, and not what aiohttp says of itself.
        assert not {"Content-Encoding", "Content-Type", "Date", "Server"} & set(response.headers)
        assert response.content_length == 6
        assert await response.read() == b"onetwo"
    assert source.released.is_set()


async def test_a_length_that_is_not_known(
    endpoint: StreamingEndpoint, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The body comes in chunks, and its end can be told."""
    flow, source = page(), Source(b"one", b"two")
    endpoint.redirect(flow, source.answering(tmp_path))
    async with client.get(address(flow)) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert response.content_length is None
        assert await response.read() == b"onetwo"


async def test_head_reads_no_body(endpoint: StreamingEndpoint, client: aiohttp.ClientSession, tmp_path: Path) -> None:
    """The length is there all the same, and the body is let go."""
    flow, source = page(), Source(AssertionError("it was read"))
    endpoint.redirect(flow, source.answering(tmp_path, size=6))
    async with client.head(address(flow)) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "6")
    await asyncio.wait_for(source.released.wait(), 10)


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body(
    endpoint: StreamingEndpoint, client: aiohttp.ClientSession, tmp_path: Path, status: int
) -> None:
    """It has no length either."""
    flow = page()
    endpoint.redirect(flow, Source().answering(tmp_path, status=status, size=0))
    async with client.get(address(flow)) as response:
        assert (response.status, await response.read()) == (status, b"")
        assert "Content-Length" not in response.headers


@pytest.mark.parametrize("size", [None, 100])
async def test_a_body_that_breaks_off(
    endpoint: StreamingEndpoint, client: aiohttp.ClientSession, tmp_path: Path, size: int | None
) -> None:
    """The client sees that this is not the end."""
    flow, source = page(), Source(b"one", NetworkError("broke off"))
    endpoint.redirect(flow, source.answering(tmp_path, size=size))
    with pytest.raises(aiohttp.ClientError):
        async with client.get(address(flow)) as response:
            await response.read()
    await asyncio.wait_for(source.released.wait(), 10)


@pytest.mark.parametrize("stalls", [False, True])
async def test_a_client_that_leaves_ends_the_body(
    endpoint: StreamingEndpoint, client: aiohttp.ClientSession, tmp_path: Path, stalls: bool
) -> None:
    """Nobody goes on reading what nobody gets."""

    class Endless(Source):
        async def read(self) -> bytes:
            if stalls and self.began:
                await asyncio.Event().wait()
            self.began = True
            return b"x" * 65536

        began = False

    flow, source = page(), Endless()
    endpoint.redirect(flow, source.answering(tmp_path))
    response = await client.get(address(flow))
    assert await response.content.readexactly(4) == b"xxxx"
    assert not source.released.is_set()
    response.close()
    await asyncio.wait_for(source.released.wait(), 10)
