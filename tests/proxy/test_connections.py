"""Connections that are given up or cut, in a proxy that runs."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from mitmproxy.test import taddons, tflow
from network_worker import raw_server
from origin import Origin
from own_proxy import OwnProxy, Streams, asked, ended
from waiting import soon

from certs.pki import Pki
from swproxy.proxy.connections import Connections

Started = Callable[..., Awaitable[OwnProxy]]


async def tunnelled(proxy: OwnProxy, origin: Origin, pki: Pki) -> Streams:
    """A client that speaks to the origin without the proxy looking into it."""
    streams = await proxy.tunnel(origin.port, pki.ca_certificate)
    assert b" 404 " in await asked(streams, "/")
    return streams


async def registered(proxy: OwnProxy, scope: str, directory: Path) -> None:
    """A worker that does nothing."""
    await proxy.context.start()
    (directory / "sw.js").touch()
    await proxy.context.register(scope, str(directory / "sw.js"), "classic", "imports", local=True)


# Dialling


async def test_a_server_that_does_not_answer_is_given_up(started: Started, silent_port: int) -> None:
    """After the time that is set, not the system's two minutes; the client hears why."""
    proxy = await started(connect_timeout=0.1)
    began = time.monotonic()
    streams = await proxy.connect()
    head = await asked(streams, f"http://127.0.0.1:{silent_port}/", f"127.0.0.1:{silent_port}")
    assert head.startswith(b"HTTP/1.1 502 ")
    assert time.monotonic() - began < 10


async def test_a_server_that_does_not_speak_tls_is_given_up(started: Started) -> None:
    """It takes the connection and says nothing: that is no connection either."""
    proxy = await started(connect_timeout=0.2, intercept=["localhost"])

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as url:
        port = int(url.rpartition(":")[2])
        streams = await proxy.tunnel(port, proxy.authority.certificate)
        assert (await asked(streams, "/", f"localhost:{port}")).startswith(b"HTTP/1.1 502 ")


async def test_a_server_that_was_reached_may_take_its_time(started: Started) -> None:
    """The limit is for the connection alone."""
    proxy = await started(connect_timeout=0.05)
    late = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asyncio.get_running_loop().call_later(0.15, late.set)
        await late.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")

    async with raw_server(slow) as url:
        head = await asked(await proxy.connect(), f"{url}/", url.removeprefix("http://"))
    assert head.startswith(b"HTTP/1.1 200 ")


async def test_names_are_resolved_as_the_setting_says(started: Started) -> None:
    """The origin still sees the name."""
    origin = Origin(None)
    try:
        proxy = await started(resolve={"site.test:80": f"127.0.0.1:{origin.port}"})
        assert b" 404 " in await asked(await proxy.connect(), "http://site.test/", "site.test")
        assert origin.hits[0].headers["host"] == "site.test"
    finally:
        origin.close()


# Going offline


async def test_offline_cuts_what_runs(started: Started, origin: Origin, pki: Pki) -> None:
    """Also what the proxy does not look into."""
    proxy = await started()
    streams = await tunnelled(proxy, origin, pki)
    proxy.context.conditions.set_offline(True)
    assert await ended(streams)


async def test_an_origin_that_goes_offline_is_cut(started: Started, origin: Origin, pki: Pki) -> None:
    """By its origin: host and port."""
    proxy = await started()
    streams = await tunnelled(proxy, origin, pki)
    proxy.context.conditions.set_offline(True, origin.url)
    assert await ended(streams)


async def test_others_stay(started: Started, origin: Origin, pki: Pki) -> None:
    """Another port of the host is another origin."""
    proxy = await started()
    streams = await tunnelled(proxy, origin, pki)
    proxy.context.conditions.set_offline(True, "https://localhost")
    assert b" 404 " in await asked(streams, "/again")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "elsewhere.test"])
async def test_an_origin_is_offline_by_whatever_name(started: Started, origin: Origin, pki: Pki, host: str) -> None:
    """In capitals, or mapped to another address: it is neither reached, nor does a tunnel to it stay."""
    proxy = await started(resolve={f"elsewhere.test:{origin.port}": f"127.0.0.1:{origin.port}"})
    reader, writer = await proxy.connect()
    connect = f"CONNECT {host}:{origin.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    writer.write(connect)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    context = ssl.create_default_context(cafile=str(pki.ca_certificate))
    context.check_hostname = False
    await writer.start_tls(context, server_hostname=host, ssl_handshake_timeout=10)
    assert b" 404 " in await asked((reader, writer), "/")
    proxy.context.conditions.set_offline(True, f"https://{host.lower()}:{origin.port}")
    assert await ended((reader, writer))
    reader, writer = await proxy.connect()
    writer.write(connect)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await writer.start_tls(context, server_hostname=host, ssl_handshake_timeout=10)
    assert len(origin.hits) == 1


async def test_offline_ends_dialling(started: Started, silent_port: int) -> None:
    """A connection that is only on its way must not come about either."""
    proxy = await started()
    reader, writer = await proxy.connect()
    server = proxy.master.addons.get("proxyserver")
    writer.write(f"GET http://127.0.0.1:{silent_port}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await soon(lambda: any(len(handler.transports) > 1 for handler in server.connections.values()))
    proxy.context.conditions.set_offline(True)
    line = await asyncio.wait_for(reader.readline(), 10)
    assert line.startswith(b"HTTP/1.1 502 ")


# A host that is decrypted from now on


async def test_a_registration_cuts_the_tunnels_to_its_host(
    started: Started, origin: Origin, pki: Pki, tmp_path: Path
) -> None:
    """A browser that keeps its connection would not see the worker."""
    proxy = await started()
    streams = await tunnelled(proxy, origin, pki)
    await registered(proxy, f"{origin.url}/", tmp_path)
    assert await ended(streams)
    assert await proxy.tunnel(origin.port, proxy.authority.certificate)


async def test_a_registration_leaves_other_tunnels_alone(
    started: Started, origin: Origin, pki: Pki, tmp_path: Path
) -> None:
    """They are none of its business."""
    proxy = await started()
    streams = await tunnelled(proxy, origin, pki)
    await registered(proxy, "https://other.test/", tmp_path)
    assert b" 404 " in await asked(streams, "/again")


async def test_clients_that_have_gone_are_forgotten() -> None:
    """Nobody asks about their hosts any more, and a client that went twice does no harm."""
    taddons.context()
    connections = Connections(1)
    here, gone = tflow.tclient_conn(), tflow.tclient_conn()
    connections.tunnelled(here, "a.test")
    connections.tunnelled(gone, "b.test")
    connections.client_gone(gone)
    connections.client_gone(gone)
    asked_about: list[str] = []
    connections.cut_tunnels(lambda host: bool(asked_about.append(host)))  # type: ignore[func-returns-value]
    assert asked_about == ["a.test"]


async def test_a_proxy_without_connections() -> None:
    """There is nothing to cut, in stock mitmproxy either, which may have no server yet."""
    taddons.context()
    Connections(1).cut_servers(lambda server: True)
