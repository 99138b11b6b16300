"""What the settings change in the mitmproxy hooks."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from origin import Origin
from own_proxy import OwnProxy, asked

Started = Callable[..., Awaitable[OwnProxy]]

ANSWERS = 'onfetch = (event) => event.respondWith(new Response("worker", { status: 299 }));'


async def registered(proxy: OwnProxy, scope: str, directory: Path) -> None:
    """A worker that answers everything with 299."""
    await proxy.context.start()
    (directory / "sw.js").write_text(ANSWERS)
    await proxy.context.register(scope, str(directory / "sw.js"), "classic", "imports", local=True)


@pytest.mark.parametrize(("bypasses", "status"), [(True, b" 404 "), (False, b" 299 ")])
async def test_whether_a_hard_reload_reaches_the_worker(
    started: Started, origin: Origin, tmp_path: Path, bypasses: bool, status: bytes
) -> None:
    """The setting ``hard_reload_bypasses`` says it."""
    proxy = await started(hard_reload_bypasses=bypasses)
    await registered(proxy, f"{origin.url}/", tmp_path)
    reader, writer = await proxy.tunnel(origin.port, proxy.authority.certificate)
    headers = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nCache-Control: no-cache\r\n"
    writer.write(f"GET / HTTP/1.1\r\nHost: localhost:{origin.port}\r\n{headers}\r\n".encode())
    assert status in await reader.readline()


async def test_http_on_this_machine_may_have_workers(started: Started, tmp_path: Path) -> None:
    """The setting ``allow_insecure_localhost`` says it."""
    origin = Origin(None)
    try:
        proxy = await started(allow_insecure_localhost=True)
        await registered(proxy, f"{origin.url}/", tmp_path)
        assert b" 299 " in await asked(await proxy.connect(), f"{origin.url}/", f"localhost:{origin.port}")
        assert origin.hits == []
    finally:
        origin.close()


async def test_a_fault_of_ours_is_no_way_to_the_network(
    started: Started, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker was to answer does not reach its origin because something broke here."""
    proxy = await started()
    await registered(proxy, f"{origin.url}/", tmp_path)
    monkeypatch.setattr(proxy.context.dispatcher, "handle", None)
    head = await asked(await proxy.tunnel(origin.port, proxy.authority.certificate), "/", origin.url[8:])
    assert head.startswith(b"HTTP/1.1 502 ")
    assert origin.hits == []


async def test_offline_from_the_start(started: Started, origin: Origin) -> None:
    """An origin without a worker is not asked either; the client hears why."""
    proxy = await started(offline=True, intercept=["localhost"])
    reader, writer = await proxy.tunnel(origin.port, proxy.authority.certificate)
    writer.write(f"GET / HTTP/1.1\r\nHost: localhost:{origin.port}\r\nConnection: close\r\n\r\n".encode())
    response = (await reader.read()).decode()
    assert response.startswith("HTTP/1.1 502 ")
    assert response.endswith(f"swproxy: offline: {origin.url} was not asked\n")
    assert origin.hits == []
