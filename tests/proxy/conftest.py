"""Fixtures of the tests of the proxy itself."""

import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import warm_fork_server
from own_proxy import OwnProxy

from certs.pki import Pki


@pytest.fixture(autouse=True)
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts fork servers that are warm already."""
    warm_fork_server.install(monkeypatch)


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """What a proxy does to the log of its process ends with the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
async def new_proxy(tmp_path: Path, pki: Pki) -> AsyncIterator[Callable[..., OwnProxy]]:
    """Makes proxies that trust the CA of the tests; they are closed with the test."""
    made: list[OwnProxy] = []

    def make(**settings: Any) -> OwnProxy:
        proxy = OwnProxy(tmp_path / str(len(made)), **{"upstream_ca": str(pki.ca_certificate)} | settings)
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        await proxy.close()


@pytest.fixture
def started(new_proxy: Callable[..., OwnProxy]) -> Callable[..., Awaitable[OwnProxy]]:
    """As ``new_proxy``, but they listen."""

    async def start(**settings: Any) -> OwnProxy:
        proxy = new_proxy(**settings)
        await proxy.start()
        return proxy

    return start


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        yield busy.getsockname()[1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue is full: connecting to it gets no answer."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
        for filler in fillers:
            filler.close()
