"""Real workers in real processes, without a proxy in front of them."""

import asyncio
from pathlib import Path
from typing import Any

from swproxy.config import Settings
from swproxy.context import ServiceWorkerContext
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.profile import Profile


class Workers:
    """A context whose workers are local scripts, and what they print; ``settings`` are those that matter."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self._directory = directory
        profile = Profile(directory / "profile")
        profile.prepare()
        self.context = ServiceWorkerContext(Settings(**settings), profile)
        self.context.journal.observer = self._observe
        self._lines: dict[str, list[str]] = {}
        self._changed = asyncio.Event()

    def _observe(self, line: dict[str, Any]) -> None:
        if line["kind"] == "console":
            self._lines.setdefault(line["scope"], []).append(line["text"])
            self._changed.set()

    async def register(self, scope: str, source: str) -> ServiceWorker:
        """The active worker of that source."""
        script = self._directory / f"{len(list(self._directory.iterdir()))}" / "sw.js"
        script.parent.mkdir()
        script.write_text(source)
        registered = await self.context.register(scope, str(script), "classic", "imports", local=True)
        worker = registered.registration.active
        assert worker is not None
        return worker

    async def printed(self, scope: str, count: int = 1) -> list[str]:
        """The first ``count`` lines that the workers of a scope have printed."""
        async with asyncio.timeout(15):
            while len(self._lines.get(scope, [])) < count:
                self._changed.clear()
                await self._changed.wait()
        return self._lines[scope][:count]
