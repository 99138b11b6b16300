"""One worker process: what it is sent, what it answers, and what becomes of its events when it ends."""

import asyncio
import errno
import itertools
import os
import shutil
import signal
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

import msgspec

from swproxy.errors import ScriptError, SwproxyError, WorkerGone
from swproxy.ipc import messages
from swproxy.ipc.channel import AsyncChannel
from swproxy.ipc.messages import ToProxy
from swproxy.network.live_body import LiveBody
from swproxy.network.web_socket import Send, WebSocketConnection
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.bodies import Body, ProcessBodies
from swproxy.workers.web_sockets import WebSockets


class WorkerHost(Protocol):
    """What a worker needs of the proxy."""

    async def fetch_for_worker(
        self, process: "WorkerProcess", message: messages.Fetch, body: Body | None
    ) -> messages.FetchAnswer:
        """The answer to the worker's fetch(); ``body`` is the request's."""

    async def load_script(self, worker: ServiceWorker, url: str) -> messages.ScriptAnswer:
        """The source of an import."""

    async def call(self, worker: ServiceWorker, method: str, arguments: list[Any]) -> Any:
        """Whatever else a script asks; raises SwproxyError."""

    def tell(self, worker: ServiceWorker, method: str, arguments: list[Any]) -> bool:
        """What a worker says and gets no answer to; False if it is for ``call``. Raises ChannelClosed."""

    def connect_web_socket(
        self, worker: ServiceWorker, message: messages.WebSocketConnect, message_limit: int, send: Send
    ) -> WebSocketConnection:
        """Begins to establish a connection; ``send`` gets what the worker is to hear of it."""

    def log_worker(self, worker: ServiceWorker, line: messages.Log) -> None:
        """A console line or an error."""


# Seconds after which a process that was stopped is killed.
STOP_PATIENCE = 5.0
# Requests of past events that a worker may still fetch, with the cookies of their client.
REMEMBERED_REQUESTS = 256


class PendingEvent:
    """An event that was dispatched and is still active."""

    __slots__ = ("answer", "began", "body", "client_request", "cookies", "finished", "id", "on_end", "type")

    def __init__(self, id: int, type: str) -> None:  # noqa: A002
        self.id = id
        self.type = type
        self.began = time.monotonic()
        self.answer: asyncio.Future[messages.Respond | messages.FallThrough] | None = None
        self.finished: asyncio.Future[None] | None = None
        self.client_request: object = None  # of a fetch event
        self.body: Body | None = None  # of the answer
        self.cookies: list[str] = []  # for the client, from what was fetched on its behalf: scripts never see them
        self.on_end: Callable[[], None] | None = None  # called when it is over, however it ended


class WorkerProcess:
    """A running worker. Made by the manager, which hears of its end by ``on_end``."""

    def __init__(
        self,
        worker: ServiceWorker,
        host: WorkerHost,
        directory: Path,
        on_idle: Callable[["WorkerProcess"], None],
        on_end: Callable[["WorkerProcess"], None],
    ) -> None:
        self.worker = worker
        self.directory = directory
        self.pid = 0
        self.events: dict[int, PendingEvent] = {}
        self.last_active = time.monotonic()
        self.last_pong = self.last_active
        self.started: asyncio.Future[ScriptError | None] = asyncio.get_running_loop().create_future()
        self.end_reason = ""
        self.crashed = False
        self.is_timed = False  # the manager's timer for an idle worker runs
        self.has_ended = False
        self.gone = asyncio.Event()  # later: nothing is left of the process
        self._host = host
        self._on_idle = on_idle
        self._on_end = on_end
        self._channel: AsyncChannel[ToProxy] | None = None
        self._handle: int | None = None
        self._past_requests: OrderedDict[int, object] = OrderedDict()
        self._event_ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._fetches: dict[int, asyncio.Task[None]] = {}
        self._fetched: WeakValueDictionary[int, LiveBody] = WeakValueDictionary()
        self.bodies = ProcessBodies(self.send, self._task)
        self._web_sockets = WebSockets(partial(host.connect_web_socket, worker), self.send, self._touch)

    def attach(self, pid: int, connection: socket.socket, start: messages.Start) -> None:
        """Connects to the process that was forked for it, and says what it is to run.

        Raises:
            WorkerGone: it was stopped before; the process ends when the connection does.
            OSError: it cannot have its directory, or no file can be opened any more.
        """
        if self.has_ended:
            raise WorkerGone(self.end_reason)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._handle = _handle_of(pid)
        if self._handle is not None:
            asyncio.get_running_loop().add_reader(self._handle, self._exited)
        self.pid = pid
        self._channel = AsyncChannel(connection, ToProxy, self._received, self._closed)
        self._channel.send(start)

    # Events

    def dispatch_fetch(
        self,
        request: messages.Request,
        client_id: str,
        resulting_client_id: str,
        client_request: object,
        *,
        replaces_client_id: str = "",
        has_preload: bool = False,
    ) -> PendingEvent:
        """Fires a fetch event: ``answer`` gets what respondWith() came to.

        Args:
            request: its ``id`` is replaced by that of the event.
            client_request: kept for a while, for the fetches that are made of its request (``client_request``).
            has_preload: a PreloadAnswer will be sent for the event.
        """
        event = self._new_event("fetch")
        event.answer = asyncio.get_running_loop().create_future()
        event.client_request = client_request
        request = msgspec.structs.replace(request, id=event.id)
        self.send(
            messages.DispatchFetch(event.id, request, client_id, resulting_client_id, has_preload, replaces_client_id)
        )
        return event

    def client_request(self, id: int) -> object:  # noqa: A002
        """What the client has sent for a fetch event that is pending, or one of the last that are over."""
        event = self.events.get(id)
        return self._past_requests.get(id) if event is None else event.client_request

    def dispatch_event(self, type: str, detail: dict[str, Any] | None = None) -> PendingEvent:  # noqa: A002
        """Fires another event: ``finished`` settles when it is not active any more."""
        event = self._new_event(type)
        event.finished = asyncio.get_running_loop().create_future()
        self.send(messages.DispatchEvent(event.id, type, detail or {}))
        return event

    def _new_event(self, type: str) -> PendingEvent:  # noqa: A002
        if self._channel is None:
            raise WorkerGone(self.end_reason or "the worker process has ended")
        event = PendingEvent(next(self._event_ids), type)
        self.events[event.id] = event
        self.worker.pending_events += 1
        return event

    def finish_event(self, id: int, error: SwproxyError | None = None) -> None:  # noqa: A002
        """Update Service Worker Extended Events Set: the event is over, however it ended."""
        event = self.events.pop(id, None)
        if event is None:
            return
        if event.on_end is not None:
            event.on_end()
        self.worker.pending_events -= 1
        self.last_active = time.monotonic()
        if event.client_request is not None:
            self._past_requests[id] = event.client_request
            if len(self._past_requests) > REMEMBERED_REQUESTS:
                self._past_requests.popitem(last=False)
        if event.answer is not None and not event.answer.done():
            event.answer.set_exception(error or WorkerGone("the worker did not answer"))
            event.answer.exception()  # whoever gave the request up does not wait for it
        if event.finished is not None and not event.finished.done():
            if error is None:
                event.finished.set_result(None)
            else:
                event.finished.set_exception(error)
                event.finished.exception()
        if not self.events:
            self._on_idle(self)

    # Messages

    def send(self, message: messages.Message) -> None:
        if self._channel is not None:
            self._channel.send(message)

    @property
    def backlog(self) -> int:
        """How many bytes it has not read yet of what it was sent."""
        return 0 if self._channel is None else self._channel.backlog

    def _received(self, message: ToProxy) -> None:
        match message:
            case messages.Respond():
                self._respond(message)
            case messages.EventFinished():
                error = None
                if message.rejected is not None:
                    error = ScriptError(message.rejected, self.worker.script_url)
                self.finish_event(message.id, error)
            case messages.FallThrough():
                event = self.events.get(message.id)
                if event is not None and event.answer is not None and not event.answer.done():
                    event.answer.set_result(message)
            case messages.Fetch():
                self._begin_fetch(message)
            case messages.AbortFetch():
                self._abort_fetch(message.id)
            case messages.Log():
                self._host.log_worker(self.worker, message)
            case messages.Call():
                arguments = (self.worker, message.method, message.arguments)
                if message.id != messages.NO_ANSWER or not self._host.tell(*arguments):
                    self._task(self._call(message))
            case (
                messages.BodyPull()
                | messages.BodyChunk()
                | messages.BodyClone()
                | messages.BodyRelease()
                | messages.BodySave()
            ):
                self.bodies.received(message)
            case (
                messages.WebSocketConnect()
                | messages.WebSocketSend()
                | messages.WebSocketClose()
                | messages.WebSocketAck()
            ):
                self._web_sockets.received(message)
            case messages.LoadScript():
                self._task(self._load_script(message.url))
            case messages.ScriptUsed():
                self.worker.used_scripts.add(message.url)
            case messages.Started():
                self._script_has_run(message)
            case messages.Pong():
                self.last_pong = time.monotonic()
            case messages.OverLimit():
                self.crashed = True
                self.end_reason = message.reason

    def _touch(self) -> None:
        """It is not idle: a WebSocket message came or went."""
        self.last_active = time.monotonic()

    def _script_has_run(self, message: messages.Started) -> None:
        if self.started.done():
            return
        if message.error is not None:
            self.started.set_result(ScriptError(*message.error))
            return
        if self.worker.event_types is None:
            self.worker.event_types = frozenset(message.event_types)
            self.worker.all_fetch_listeners_are_empty = message.fetch_listeners_are_empty
        self.started.set_result(None)

    def _respond(self, message: messages.Respond) -> None:
        response = message.response
        body = None if response is None else self._import_body(response.body)
        event = self.events.get(message.id)
        if event is None or event.answer is None or event.answer.done():
            if body is not None:
                body.close()
            return
        event.body = body
        event.answer.set_result(message)

    async def _call(self, message: messages.Call) -> None:
        try:
            value = await self._host.call(self.worker, message.method, message.arguments)
        except SwproxyError as error:
            self.send(messages.CallAnswer(message.id, error=(error.name, str(error))))
        else:
            self.send(messages.CallAnswer(message.id, value))

    async def _load_script(self, url: str) -> None:
        self.send(await self._host.load_script(self.worker, url))

    def _begin_fetch(self, message: messages.Fetch) -> None:
        # At once: the file of a body is the next one that has come, whatever becomes of the fetch.
        body = self._import_body(message.request.body)
        task = self._fetches[message.id] = self._task(self._fetch(message, body))
        if body is not None:
            task.add_done_callback(lambda _: body.close())

    async def _fetch(self, message: messages.Fetch, body: Body | None) -> None:
        try:
            self.send(await self._host.fetch_for_worker(self, message, body))
        finally:
            self._fetches.pop(message.id, None)

    def has_fetched(self, number: int, body: LiveBody) -> None:
        """The fetch of that number has a response; its body is still arriving."""
        self._fetched[number] = body

    def _abort_fetch(self, number: int) -> None:
        if (task := self._fetches.pop(number, None)) is not None:
            task.cancel()
        if (body := self._fetched.pop(number, None)) is not None:
            body.abort()

    def _import_body(self, body: messages.Body | None) -> Body | None:
        assert self._channel is not None
        return self.bodies.import_(body, self._channel.files)

    def _task(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # The end

    @property
    def alive(self) -> bool:
        return self._channel is not None

    def stop(self, reason: str) -> None:
        """Lets the process go: it ends after its present turn. Events that are left fail with the reason.

        One that was not forked yet never will run (see ``attach``).
        """
        if self.has_ended:
            return
        self.end_reason = reason
        if self._channel is None:
            self._closed()
            return
        self._channel.close()
        # One that is stuck does not notice.
        asyncio.get_running_loop().call_later(STOP_PATIENCE, self._kill_process)

    def kill(self, reason: str) -> None:
        """Ends the process now, because of what it does."""
        self.crashed = True
        self.end_reason = reason
        self._kill_process()
        if self._channel is not None:
            self._channel.close()

    def _kill_process(self) -> None:
        """By its handle: once a process is gone its number may be somebody else's."""
        if not self.pid or self.gone.is_set():
            return
        with suppress(ProcessLookupError):
            if self._handle is None:
                os.kill(self.pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def has_exited(self, status: int | None) -> None:
        """The process is gone, with this exit status (negative: the signal).

        None: the fork server is, which would have told. Without a handle nobody knows more of the process then.
        """
        if status is None and self._handle is not None:
            return
        self._exited()
        if status is not None and self._channel is not None:
            self._channel.close()

    def _exited(self) -> None:
        """What it has sent may still wait in the channel, which ends by itself."""
        self.gone.set()
        if self._handle is not None:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None

    def _closed(self) -> None:
        self.has_ended = True
        channel, self._channel = self._channel, None
        if not self.end_reason:
            self.crashed = True
            self.end_reason = (channel and channel.error) or "the worker process has crashed"
        gone = WorkerGone(self.end_reason)
        for number in list(self.events):
            self.finish_event(number, gone)
        if not self.started.done():
            self.started.set_exception(gone)
            self.started.exception()
        for task in list(self._tasks):
            task.cancel()
        self.bodies.close(str(gone))
        self._web_sockets.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._on_end(self)


def _handle_of(pid: int) -> int | None:
    """A descriptor of the process, where there is such a thing; it can be read from once the process has ended."""
    if not pid or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        return None
