"""Fixtures of the tests of running workers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import warm_fork_server
from fake_host import ManagedWorkers
from running_workers import Workers

from swproxy.workers import manager
from swproxy.workers.limits import Limits


@pytest.fixture(autouse=True)
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts fork servers that are warm already."""
    warm_fork_server.install(monkeypatch)


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path)
    await workers.context.start()
    yield workers
    await workers.context.close()


@pytest.fixture
async def managed(tmp_path: Path, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ManagedWorkers]:
    """A manager without a proxy; with other ``limits`` by way of that fixture."""
    monkeypatch.setattr(manager, "CLOSE_PATIENCE", 0.1)
    managed = ManagedWorkers(tmp_path, limits)
    managed.manager.start()
    yield managed
    await managed.manager.close()


@pytest.fixture
def limits() -> Limits:
    return Limits()
