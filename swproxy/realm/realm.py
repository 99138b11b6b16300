"""A worker's global scope as the host sees it: the engine, what the scripts hold, and the line to the proxy."""

import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import ada_url

from swproxy.errors import DataCloneError, InvalidStateError, ScriptError, SwproxyError
from swproxy.ipc import messages
from swproxy.ipc.channel import BlockingChannel
from swproxy.ipc.messages import RECORD_LIMIT, ToWorker
from swproxy.realm.background import Background, Task
from swproxy.realm.bodies import Bodies, Body, RemoteStream, ScriptStream, Streams
from swproxy.realm.engine import Engine, Pending
from swproxy.realm.navigation_preloads import NavigationPreloads
from swproxy.realm.timers import Timers
from swproxy.realm.web_sockets import WebSockets
from swproxy.storage.bodies import BytesBody, FileBody, Spool
from swproxy.storage.cache_storage import CacheStorage, RequestResponseList
from swproxy.storage.indexeddb import directory as indexeddb

_State = TypeVar("_State")

# Seconds.
HEARTBEAT = 1.0


class ScriptNotLoaded(SwproxyError):
    """importScripts() could not have the script."""

    name = "NetworkError"


@runtime_checkable
class Closing(Protocol):
    """A state (``Realm.state``) that has to be told when the worker ends."""

    def close(self) -> None: ...


class Realm:
    """The state that the operations under ``web`` work on.

    It is made before the process is forked; ``begin`` makes it a certain worker's.
    """

    engine: Engine
    channel: BlockingChannel[ToWorker]
    start: messages.Start
    caches: CacheStorage
    streams: Streams
    web_sockets: WebSockets

    def __init__(self) -> None:
        self.bodies = Bodies()
        self.spools: dict[int, Spool] = {}  # blobs that are being put together
        self.timers = Timers()
        self.open_caches: list[RequestResponseList] = []
        self.fetches: dict[int, Pending] = {}
        self.calls: dict[int, Pending] = {}
        self.preloads = NavigationPreloads(self)
        self.may_import = False
        self.inbox: deque[ToWorker] = deque()  # came while a script waited for another message
        self.tasks: deque[Task] = deque()  # for the main loop, one at a time between the messages
        self._background = Background(self.tasks, lambda wake: self.channel.interrupt_on(wake))
        self._turn_began = 0.0
        self._states: dict[type[Any], Any] = {}
        self._turns: deque[dict[str, Any]] = deque()
        self._next_pending = 0

    def begin(self, start: messages.Start, channel: BlockingChannel[ToWorker]) -> None:
        self.start = start
        self.channel = channel
        self.may_import = start.may_import
        self.streams = Streams(channel.send, start.scratch_directory)
        self.web_sockets = WebSockets(
            channel.send,
            self.bodies,
            lambda detail: self.later("deliver", target="webSocket", detail=detail),
            lambda text: self.log("error", text),
        )
        databases = Path(start.databases_directory)
        self.caches = CacheStorage(
            Path(start.caches_directory),
            start.quota,
            databases=lambda: indexeddb.usage(databases),
            logged=lambda: indexeddb.logged(databases),
        )
        self.engine.turn_budget = start.turn_budget

    def state(self, kind: type[_State]) -> _State:
        """The one object of that class in this realm, made at its first use: what a folder's operations keep."""
        if kind not in self._states:
            self._states[kind] = kind()
        return self._states[kind]  # type: ignore[no-any-return]

    def close(self) -> None:
        """The worker ends: gives up what is half done on the disk."""
        for state in self._states.values():
            if isinstance(state, Closing):
                state.close()

    # Turns

    def turn(self, kind: str, **message: Any) -> None:
        """One message to JavaScript, then those that came of it."""
        self.later(kind, **message)
        while self._turns:
            self.next_turn(_nothing)

    def next_turn(self, step: Callable[[], None]) -> None:
        """The next message to JavaScript; ``step`` is called until there is one."""

        def next_message() -> dict[str, Any]:
            while not self._turns:
                step()
            self._turn_began = time.monotonic()
            return self._turns.popleft()

        try:
            self.engine.next_turn(next_message)
        except ScriptError as error:
            self.report_later("rejection", error)

    def report_later(self, kind: str, error: ScriptError) -> None:
        """An exception ("uncaught") or a rejected promise ("rejection") that reached the top, next turn."""
        self._turns.appendleft({"kind": kind, "text": error.message, "isError": bool(error.stack)})

    def later(self, kind: str, **message: Any) -> None:
        """A turn of its own, when the present one is over."""
        self._turns.append({"kind": kind, **message})

    # Answers that come later

    def defer(self) -> Pending:
        self._next_pending += 1
        return Pending(self._next_pending)

    def settle(self, pending: Pending, value: Any) -> None:
        """Resolves the promise that the script has for ``pending``; a ``SwproxyError`` rejects it."""
        error = [value.name, str(value)] if isinstance(value, SwproxyError) else None
        self.later("settle", id=pending.id, value=None if error else value, error=error)

    def turn_time(self) -> float:
        """For how many seconds the present turn has been running."""
        return time.monotonic() - self._turn_began

    def settle_in_task(self, pending: Pending, value: Any) -> None:
        """As ``settle``, when the worker has looked at its messages once more."""
        self.tasks.append(lambda: self.settle(pending, value))

    def in_background(self, work: Callable[[], Any], convert: Callable[[Any], Any]) -> Pending:
        """Runs ``work`` on a thread and settles with what ``convert``, on this one, makes of what it returns.

        ``work`` must let go of the GIL, and touch nothing of the realm; a ``SwproxyError`` of it rejects the promise.
        """
        pending = self.defer()

        def done(outcome: Any) -> None:
            self.settle(pending, outcome if isinstance(outcome, SwproxyError) else convert(outcome))

        self._background.submit(work, done)
        return pending

    def receive_for(self, target: str, timeout: float) -> list[dict[str, Any]]:
        """The details of Deliver messages for that target which come next, and within ``timeout`` seconds."""
        message = None if self.inbox else self.channel.receive(timeout)
        if message is None:
            return []
        if not is_for(message, target):
            self.inbox.append(message)
            return []
        return self.details_of(message, target)

    def details_of(self, message: ToWorker, target: str) -> list[dict[str, Any]]:
        """That of a Deliver message, and those of others for its target that are here already and come next."""
        others: list[ToWorker] = []
        while self.inbox and is_for(self.inbox[0], target):
            others.append(self.inbox.popleft())
        if not self.inbox:
            others += self.channel.take_ready(lambda other: is_for(other, target))
        return [each.detail for each in (message, *others) if isinstance(each, messages.Deliver)]

    def patiently(self, work: Callable[[], _State]) -> _State:
        """What ``work`` returns, which may take long, and not because of a script: the proxy hears that we live."""
        with self.engine.waiting(), ThreadPoolExecutor(1) as thread:
            future = thread.submit(work)
            while not wait([future], HEARTBEAT).done:
                self.channel.send(messages.Pong())
            return future.result()

    def call(self, method: str, *arguments: Any) -> Pending:
        """Asks the proxy."""
        pending = self.defer()
        self.calls[pending.id] = pending
        self.channel.send(messages.Call(pending.id, method, list(arguments)))
        return pending

    def tell(self, method: str, *arguments: Any) -> None:
        """As ``call``, where the script does not wait for an answer."""
        self.channel.send(messages.Call(messages.NO_ANSWER, method, list(arguments)))

    # Bodies

    def adopt(self, body: messages.Body | None) -> int | None:
        """The handle of a body that came with a message."""
        if body is None:
            return None
        if isinstance(body, messages.Inline):
            return self.bodies.add(BytesBody(body.data))
        if isinstance(body, messages.OnDisk):
            file = os.fdopen(self.channel.files.popleft(), "rb")
            return self.bodies.add(FileBody(file, body.offset, body.size))
        return self.bodies.add(self.streams.remote(body.id, body.size))

    def adopt_response(self, response: messages.Response) -> dict[str, Any]:
        """As ``InnerResponse.fromHost`` of web/fetch/response.js takes it."""
        return {
            "type": response.type,
            "urls": response.urls,
            "status": response.status,
            "statusText": response.status_text,
            "headers": response.headers,
            "source": "network",
            "body": self.adopt(response.body),
        }

    def export(self, handle: int | None) -> tuple[messages.Body | None, int | None, Callable[[], None]]:
        """The body for a message, the descriptor to send along, and what to do when it is sent."""
        if handle is None:
            return None, None, _nothing
        body = self.bodies.take(handle)
        if isinstance(body, BytesBody):
            return messages.Inline(body.data), None, _nothing
        if isinstance(body, FileBody):
            return messages.OnDisk(body.offset, body.size), body.file.fileno(), body.close
        return messages.Stream(body.id, body.size), None, _nothing

    # Values that scripts have serialized: what Record.toHost of web/structured_clone/record.js gives, or sendRecord
    # of web/messaging/endpoint.js. Scripts see the handles of its parts, messages carry their bytes.

    def export_record(self, record: dict[str, Any]) -> messages.Record:
        """The record for a message; its parts are used up.

        Raises:
            DataCloneError: it is too large for one.
        """
        handles = record["parts"]
        bodies = [self.bodies.complete(handle) for handle in handles]
        size = len(record["text"]) + sum(body.size for body in bodies)
        parts = [body.read(0, body.size) for body in bodies] if size <= RECORD_LIMIT else []
        for handle in handles:
            self.bodies.release(handle)
        if size > RECORD_LIMIT:
            raise DataCloneError(f"The data are too large for a message: {size} bytes of at most {RECORD_LIMIT}.")
        return messages.Record(record["text"], parts, record.get("ports", []))

    def adopt_record(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record that came with a message, for scripts."""
        parts = [self.bodies.add(BytesBody(part)) for part in record["parts"]]
        return {"text": record["text"], "parts": parts, "ports": record.get("ports", [])}

    def read_all(self, body: Body, convert: Callable[[bytes], Any]) -> Any:
        """What ``convert`` makes of all bytes: at once if they are here, else a ``Pending``."""
        if isinstance(body, RemoteStream | ScriptStream):
            pending = self.defer()
            body.collect(
                lambda outcome: self.settle(pending, convert(outcome) if isinstance(outcome, bytes) else outcome)
            )
            return pending
        try:
            return convert(body.read(0, body.size))
        finally:
            body.close()

    # Scripts

    def script(self, url: str) -> str:
        """The source of an imported script: from the resource map, or from the network while that is allowed.

        Raises:
            ScriptNotLoaded: there is none.
        """
        known = self.start.scripts.get(url)
        if known is not None:
            if self.may_import:
                self.channel.send(messages.ScriptUsed(url))
            return known
        if not self.may_import:
            raise ScriptNotLoaded(f"The script '{url}' was not imported before or during the install event.")
        answer = self._request_script(url)
        if answer.source is None:
            raise ScriptNotLoaded(f"The script '{url}' failed to load: {answer.error}")
        self.start.scripts[url] = answer.source
        return answer.source

    def _request_script(self, url: str) -> messages.ScriptAnswer:
        self.channel.send(messages.LoadScript(url))
        with self.engine.waiting():
            while True:
                message = self.channel.receive(None)
                if isinstance(message, messages.ScriptAnswer):
                    return message
                if message is not None:
                    self.inbox.append(message)

    def resolve_module(self, base: str, specifier: str) -> str:
        """https://html.spec.whatwg.org/#resolve-a-module-specifier, without import maps"""
        if not specifier.startswith(("/", "./", "../")):
            base = ""
        try:
            return ada_url.URL(specifier, base or None).href.partition("#")[0]
        except ValueError:
            raise InvalidStateError(
                f"Failed to resolve module specifier '{specifier}': it is neither a URL nor a relative path"
            ) from None

    def evaluate(self) -> None:
        """Runs the worker's script.

        Raises:
            ScriptError: it does not parse, or threw.
        """
        url = self.start.script_url
        self._turn_began = time.monotonic()
        if self.start.module:
            self.engine.modules.source = self.script
            self.engine.modules.resolve = self.resolve_module
            rejection = self.engine.evaluate_module(url)
        else:
            rejection = self.engine.evaluate(self.start.scripts[url], url)
        if rejection is not None:
            self.report_later("rejection", rejection)
        while self._turns:
            self.next_turn(_nothing)

    def log(self, level: str, text: str, url: str = "", line: int = 0, column: int = 0, stack: str = "") -> None:
        self.channel.send(messages.Log(level, text, url, line, column, stack))


def is_for(message: ToWorker, target: str) -> bool:
    """Whether it is a Deliver message for that target."""
    return isinstance(message, messages.Deliver) and message.target == target


def _nothing() -> None:
    pass
