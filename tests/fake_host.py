"""A manager of real worker processes, with a small fake of the proxy around it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from helpers import ORIGIN, SCRIPT_URL, start_message

from swproxy.errors import NotFoundError
from swproxy.ipc import messages
from swproxy.network.live_body import BodyReader
from swproxy.network.web_socket import Send, WebSocketConnection
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ScriptResource, ServiceWorker
from swproxy.storage.bodies import CompleteBody
from swproxy.workers.limits import Limits
from swproxy.workers.manager import WorkerManager
from swproxy.workers.process import PendingEvent, WorkerProcess

Body = CompleteBody | BodyReader
OnFetch = Callable[[WorkerProcess, messages.Request, Body | None], Awaitable[messages.Response | None]]


async def _no_network(process: WorkerProcess, request: messages.Request, body: Body | None) -> None:
    return None


class FakeHost:
    """What workers ask of the proxy (``ManagerHost``): it remembers, and answers as the test says.

    Attributes:
        on_fetch: gives the response to a worker's fetch(); None is a network error.
        on_start: called before a process is forked.
        scripts: URL -> source, for imports; others are waited for in vain.
        turn_budget: seconds, for processes that start from now on.
        logs: what the workers have printed.
        ended: (worker number, reason, whether it crashed) of processes that have ended.
        idle: the numbers of workers whose last event was over.
        starts: how many processes were told what to run.
    """

    def __init__(self, directory: Path) -> None:
        self.on_fetch: OnFetch = _no_network
        self.on_start: Callable[[ServiceWorker], None] = lambda worker: None
        self.scripts: dict[str, str] = {}
        self.turn_budget = 10.0
        self.logs: list[str] = []
        self.ended: list[tuple[int, str, bool]] = []
        self.idle: list[int] = []
        self.starts = 0
        self._directory = directory
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[["FakeHost"], bool]) -> None:
        """Waits until something has happened.

        Raises:
            TimeoutError: it has not.
        """
        async with asyncio.timeout(10):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    def start_message(self, worker: ServiceWorker, scratch: Path) -> messages.Start:
        self.starts += 1
        return start_message(
            self._directory,
            "",
            worker_id=worker.id,
            scripts={url: script.text for url, script in worker.script_resource_map.items()},
            scratch_directory=str(scratch),
            turn_budget=self.turn_budget,
        )

    async def before_start(self, worker: ServiceWorker) -> None:
        self.on_start(worker)

    def worker_has_no_pending_events(self, worker: ServiceWorker) -> None:
        self.idle.append(worker.id)
        self._changed.set()

    def worker_ended(self, worker: ServiceWorker, reason: str, *, crashed: bool) -> None:
        self.ended.append((worker.id, reason, crashed))
        self._changed.set()

    async def fetch_for_worker(
        self, process: WorkerProcess, message: messages.Fetch, body: Body | None
    ) -> messages.FetchAnswer:
        response = await self.on_fetch(process, message.request, body)
        return messages.FetchAnswer(message.id, response, "" if response else "the fake has no such response")

    def connect_web_socket(
        self, worker: ServiceWorker, message: messages.WebSocketConnect, message_limit: int, send: Send
    ) -> WebSocketConnection:
        raise NotImplementedError

    async def load_script(self, worker: ServiceWorker, url: str) -> messages.ScriptAnswer:
        if url not in self.scripts:
            await asyncio.Event().wait()
        return messages.ScriptAnswer(self.scripts[url])

    async def call(self, worker: ServiceWorker, method: str, arguments: list[Any]) -> Any:
        if method == "clients_get":
            return {"id": arguments[0], "url": f"{ORIGIN}/", "type": "window", "frameType": "top-level"}
        raise NotFoundError(f"the fake has no {method}")

    def tell(self, worker: ServiceWorker, method: str, arguments: list[Any]) -> bool:
        return False

    def log_worker(self, worker: ServiceWorker, line: messages.Log) -> None:
        self.logs.append(line.text)
        self._changed.set()


class ManagedWorkers:
    """A started manager, and workers for it."""

    def __init__(self, directory: Path, limits: Limits) -> None:
        self.host = FakeHost(directory)
        self.scratch = directory / "scratch"
        self.manager = WorkerManager(self.host, limits, self.scratch, directory / "workers.log")
        self._numbers = iter(range(1, 1000))

    def worker(self, source: str, state: WorkerState = WorkerState.ACTIVATED) -> ServiceWorker:
        """A worker that does not run yet."""
        script = ScriptResource(source.encode(), source)
        return ServiceWorker(
            next(self._numbers), SCRIPT_URL, "classic", f"{ORIGIN}/", {SCRIPT_URL: script}, state=state
        )

    async def process(self, source_or_worker: str | ServiceWorker) -> WorkerProcess:
        """The process of a worker that runs."""
        worker = self.worker(source_or_worker) if isinstance(source_or_worker, str) else source_or_worker
        return await asyncio.wait_for(self.manager.running_process(worker), 10)


def fetch(process: WorkerProcess, path: str = "/x", **changes: Any) -> PendingEvent:
    """Fires a fetch event; ``client_request`` is what the client has sent for it."""
    client_request = changes.pop("client_request", None)
    values: dict[str, Any] = {"id": 0, "method": "GET", "url": ORIGIN + path, "headers": []}
    request = messages.Request(**values | changes)
    return process.dispatch_fetch(request, "", "", client_request)


async def answered(event: PendingEvent) -> messages.Response:
    """The response that a worker has given."""
    assert event.answer is not None
    answer = await asyncio.wait_for(event.answer, 10)
    assert isinstance(answer, messages.Respond)
    assert answer.response is not None, answer.error
    return answer.response


async def body_of(event: PendingEvent) -> bytes:
    """The whole body of the answer."""
    await answered(event)
    body = event.body
    assert body is not None
    try:
        data = b""
        offset = 0
        async with asyncio.timeout(10):
            while chunk := await _next(body, offset):
                data += chunk
                offset += len(chunk)
        return data
    finally:
        body.close()


async def _next(body: Any, offset: int) -> bytes:
    return bytes(body.read(offset, 1 << 20) if hasattr(body, "slice") else await body.read())
