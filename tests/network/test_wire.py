"""What is sent and read byte by byte, where aiohttp alone would do otherwise."""

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from network_worker import Worker, content, raw_server

from swproxy.errors import AbortError, NetworkError
from swproxy.network.conditions import Conditions
from swproxy.network.fetcher import Fetcher, FetchSettings
from swproxy.network.live_body import LiveBody
from swproxy.network.wire import serialize_headers


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(FetchSettings(), Conditions())
    yield fetcher
    await fetcher.close()


async def head_of(fetcher: Fetcher, directory: Path, **request: Any) -> bytes:
    """The head of a request as the origin gets it."""
    heads = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(talk) as url:
        await Worker(fetcher, url, directory).fetch("/", **request)
    return heads[0]


async def test_header_values_are_bytes(fetcher: Fetcher, tmp_path: Path) -> None:
    """Each character is one; control characters are allowed."""
    head = await head_of(fetcher, tmp_path, headers=[("X-A", "b\xe9\xff"), ("X-C", "\x01\x1f\t\x7f")])
    assert b"\r\nX-A: b\xe9\xff\r\n" in head
    assert b"\r\nX-C: \x01\x1f\t\x7f\r\n" in head


@pytest.mark.parametrize("value", ["a\r\nX-B: 1", "a\nb", "a\0b"])
def test_no_header_ends_its_line(value: str) -> None:
    """Neither with a line break nor with NUL."""
    with pytest.raises(ValueError, match="line break"):
        serialize_headers("GET / HTTP/1.1", {"X-A": value})


async def test_headers_of_one_name_are_one(fetcher: Fetcher, tmp_path: Path) -> None:
    """Under the name as it was first written."""
    head = await head_of(fetcher, tmp_path, headers=[("X-One", "1"), ("accept", "a"), ("x-oNE", "2")])
    assert b"\r\nX-One: 1, 2\r\n" in head
    assert head.lower().count(b"\r\naccept:") == 1


@pytest.mark.parametrize(("method", "has_length"), [("CHICKEN", False), ("DELETE", False), ("POST", True)])
async def test_only_some_methods_always_have_a_body(
    fetcher: Fetcher, tmp_path: Path, method: str, has_length: bool
) -> None:
    """https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch: POST and PUT say that theirs is empty."""
    head = await head_of(fetcher, tmp_path, method=method)
    assert (b"content-length: 0" in head.lower()) is has_length


async def test_methods_are_sent_as_they_are(fetcher: Fetcher, tmp_path: Path) -> None:
    """Fetch writes only some in capitals, and has done so by then: "patch" is another method than "PATCH"."""
    assert (await head_of(fetcher, tmp_path, method="patch")).startswith(b"patch / ")


async def test_chunks_that_are_none_break_the_body_off(fetcher: Fetcher, tmp_path: Path) -> None:
    """Also if they come late, and the origin keeps the connection."""
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"garbage")
        assert await reader.read() == b""
        gone.set()

    async with raw_server(talk) as url:
        response = await Worker(fetcher, url, tmp_path).fetch("/")
        assert isinstance(response.body, LiveBody)
        reader = response.body.reader()
        assert await reader.read() == b"one"
        with pytest.raises(NetworkError, match=r"broke off"):
            await asyncio.wait_for(reader.read(), 5)
        reader.close()
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize(("body", "asked"), [(b"text", 2), ("stream", 1)])
async def test_a_misdirected_request_is_sent_once_more(
    fetcher: Fetcher, tmp_path: Path, body: Any, asked: int
) -> None:
    """On a connection of its own, if its body can be sent again."""
    connections = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")

    async def source() -> bytes:
        return b""

    sent = LiveBody(source, 0, tmp_path, lambda: None).reader() if body == "stream" else body
    async with raw_server(talk) as url:
        response = await Worker(fetcher, url, tmp_path).fetch("/", method="POST", body=sent)
    assert response.status == 421
    assert len(connections) == asked


async def test_an_aborted_body(fetcher: Fetcher, tmp_path: Path) -> None:
    """All its readers hear of it, who waits and who comes later; the connection ends."""
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        assert await reader.read() == b""
        gone.set()

    async with raw_server(endless) as url:
        response = await Worker(fetcher, url, tmp_path).fetch("/")
        assert isinstance(response.body, LiveBody)
        reader = response.body.reader()
        reading = asyncio.ensure_future(reader.read())
        await asyncio.sleep(0)
        response.body.abort()
        response.body.abort()
        with pytest.raises(AbortError):
            await asyncio.wait_for(reading, 5)
        with pytest.raises(AbortError):
            await content(response)
        reader.close()
        await asyncio.wait_for(gone.wait(), 5)


async def test_an_aborted_body_is_not_saved(tmp_path: Path) -> None:
    """No file stays."""
    waiting = asyncio.Event()

    async def source() -> bytes:
        await waiting.wait()
        return b""

    body = LiveBody(source, None, tmp_path, lambda: None)
    reader = body.reader()
    saving = asyncio.ensure_future(reader.save())
    await asyncio.sleep(0.01)
    body.abort()
    for saved in (saving, reader.save()):
        with pytest.raises(AbortError):
            await asyncio.wait_for(saved, 5)
    reader.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"garbage\r\n\r\n", "Bad status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1", "Duplicate Content-Length"),
    ],
)
async def test_an_answer_that_is_no_http(fetcher: Fetcher, tmp_path: Path, answer: bytes, reason: str) -> None:
    """One sentence, without the library's way of showing it."""
    async with raw_server(answer) as url:
        sentence = rf"^cannot reach {url}: its answer is not HTTP as it should be \({reason}\)$"
        with pytest.raises(NetworkError, match=sentence):
            await Worker(fetcher, url, tmp_path).fetch("/")


def readers() -> int:
    """How many bodies of responses there are in this process."""
    gc.collect()
    return sum(isinstance(each, aiohttp.StreamReader) for each in gc.get_objects())


async def test_a_connection_keeps_no_response(fetcher: Fetcher, tmp_path: Path) -> None:
    """However many have come over it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
            await asyncio.sleep(0.001)
            writer.write(b"body")

    async with raw_server(talk) as url:
        before = readers()
        for _ in range(20):
            response = await Worker(fetcher, url, tmp_path).fetch("/")
            assert await content(response) == b"body"
        del response
        assert readers() - before < 5


async def test_a_reset_connection_is_nobodys_forgotten_error(
    fetcher: Fetcher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncio logs no exception that nobody has asked for."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with raw_server(talk) as url:
        response = await Worker(fetcher, url, tmp_path).fetch("/")
        with pytest.raises(NetworkError):
            await content(response)
    del response
    gc.collect()
    await asyncio.sleep(0)
    assert caplog.records == []


async def test_cutting_twice(fetcher: Fetcher, tmp_path: Path) -> None:
    """The second finds nothing left to cut."""
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as url:
        await Worker(fetcher, url, tmp_path).fetch("/")
        await asyncio.gather(fetcher.cut(lambda _: True), fetcher.cut(lambda _: True))
