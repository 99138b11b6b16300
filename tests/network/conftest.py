"""Fixtures of the tests of the network: origins, and a fetcher that trusts them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from network_worker import Worker
from origin import Origin

from certs.pki import Pki
from swproxy.network.conditions import Conditions
from swproxy.network.fetcher import Fetcher
from swproxy.network.sessions import FetchSettings


@pytest.fixture
def other(pki: Pki) -> Iterator[Origin]:
    """A second origin."""
    other = Origin(pki.good())
    yield other
    other.close()


@pytest.fixture
def conditions() -> Conditions:
    return Conditions()


@pytest.fixture
def trusted(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CA of the tests is trusted as those of the system are."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_certificate))


@pytest.fixture
async def fetcher(trusted: None, conditions: Conditions) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(FetchSettings(user_agent="swproxy/test"), conditions)
    yield fetcher
    await fetcher.close()


@pytest.fixture
def worker(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> Worker:
    """A worker of the origin."""
    return Worker(fetcher, origin.url, tmp_path)
