"""Fixtures of the tests of documents."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import warm_fork_server
from running_workers import Workers


@pytest.fixture
async def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    """A context whose workers are local scripts."""
    warm_fork_server.install(monkeypatch)
    workers = Workers(tmp_path)
    await workers.context.start()
    yield workers
    await workers.context.close()
