"""Fixtures of the tests of running workers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fake_host import ManagedWorkers
from running_workers import Workers

from swproxy.workers.limits import Limits


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path)
    await workers.context.start()
    yield workers
    await workers.context.close()


@pytest.fixture
async def managed(tmp_path: Path, limits: Limits) -> AsyncIterator[ManagedWorkers]:
    """A manager without a proxy; with other ``limits`` by way of that fixture."""
    managed = ManagedWorkers(tmp_path, limits)
    managed.manager.start()
    yield managed
    await managed.manager.close()


@pytest.fixture
def limits() -> Limits:
    return Limits()
