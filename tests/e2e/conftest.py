"""The whole program between real clients and a real origin."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proxy_process import ProxyProcess

from certs.pki import Pki


@pytest.fixture
def start_proxy(tmp_path: Path, pki: Pki) -> Iterator[Callable[..., ProxyProcess]]:
    """Starts proxies, by default all on one profile; they end with the test."""
    started: list[ProxyProcess] = []

    def start(*arguments: str, profile: Path | None = None) -> ProxyProcess:
        proxy = ProxyProcess(profile or tmp_path / "profile", pki.ca_certificate, *arguments)
        started.append(proxy)
        return proxy

    yield start
    for proxy in started:
        proxy.kill()


@pytest.fixture
def proxy(start_proxy: Callable[..., ProxyProcess]) -> ProxyProcess:
    return start_proxy()
