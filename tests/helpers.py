"""What several tests use: a worker realm in a process of its own, without a proxy around it."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from swproxy.ipc import messages
from swproxy.ipc.channel import BlockingChannel, ChannelClosed
from swproxy.ipc.messages import ToProxy
from swproxy.realm.main import run, warm_realm
from swproxy.realm.realm import Realm
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.databases import Databases

ORIGIN = "https://site.test"
SCRIPT_URL = f"{ORIGIN}/sw.js"


@cache
def _warm() -> Realm:
    return warm_realm(internal_frames=True)


class RealmProcess:
    """A worker process, seen from the proxy's end.

    Args:
        channel: to the process.
        responses: URL -> response, for the script's fetch(); others are network errors.
        scripts: URL -> source, for importScripts() and static imports.
        calls: method -> what the proxy answers; others are answered with None.
    """

    def __init__(
        self,
        channel: BlockingChannel[ToProxy],
        responses: dict[str, messages.Response],
        scripts: dict[str, str],
        calls: dict[str, Callable[..., Any]],
    ) -> None:
        self.channel = channel
        self.logs: list[messages.Log] = []
        self.calls_made: list[tuple[str, list[Any]]] = []
        self.fetches: list[messages.Request] = []
        self._responses = responses
        self._scripts = scripts
        self._calls = calls
        self._worker = ServiceWorker(1, SCRIPT_URL, "classic", f"{ORIGIN}/", {})
        self._databases = Databases(lambda worker, detail: self.send(messages.Deliver("indexedDB", detail)))

    def send(self, message: messages.Message) -> None:
        self.channel.send(message)

    def wait_for(self, wanted: type[messages.Message], timeout: float = 20) -> Any:
        """The next message of that type; plays the proxy for all others.

        Raises:
            TimeoutError: it does not come.
        """
        while (message := self.channel.receive(timeout)) is not None:
            if isinstance(message, wanted):
                return message
            self._serve(message)
        logged = "\n".join(f"{log.level}: {log.text}\n{log.stack}" for log in self.logs)
        raise TimeoutError(f"no {wanted.__name__}; the log has:\n{logged}")

    def _serve(self, message: ToProxy) -> None:
        match message:
            case messages.Log():
                self.logs.append(message)
            case messages.LoadScript():
                source = self._scripts.get(message.url)
                self.send(messages.ScriptAnswer(source, "" if source is not None else "not found"))
            case messages.Call(method=method) if method.startswith("db_"):
                getattr(self._databases, method.removeprefix("db_"))(self._worker, *message.arguments)
            case messages.Call():
                self.calls_made.append((message.method, message.arguments))
                answer = self._calls.get(message.method, lambda *arguments: None)
                self.send(messages.CallAnswer(message.id, answer(*message.arguments)))
            case messages.Fetch():
                self.fetches.append(message.request)
                response = self._responses.get(message.request.url)
                self.send(messages.FetchAnswer(message.id, response, "" if response else "no such response"))

    def result(self, timeout: float = 20) -> Any:
        """What the script gave to ``report()`` (see ``evaluate``)."""
        while True:
            log: messages.Log = self.wait_for(messages.Log, timeout)
            self.logs.append(log)
            if log.text.startswith(_RESULT):
                kind, value = json.loads(log.text.removeprefix(_RESULT))
                if kind == "error":
                    raise AssertionError(value)
                return value


_RESULT = "\u0001result "
_REPORT = f"""
self.report = (value) => console.log({json.dumps(_RESULT)} + JSON.stringify(["value", value ?? null]));
self.reportFailure = (error) => console.log({json.dumps(_RESULT)} +
  JSON.stringify(["error", String(error?.stack ?? error)]));
"""


def network_response(
    body: bytes | str = b"", status: int = 200, *, url: str = "", **headers: str
) -> messages.Response:
    """A response as the network gives it; header names with underscores for hyphens."""
    data = body.encode() if isinstance(body, str) else body
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return messages.Response("basic", [url or SCRIPT_URL], status, "OK", pairs, messages.Inline(data), "network")


def start_message(directory: Path, source: str, **changes: Any) -> messages.Start:
    """The first message to a worker that is being installed."""
    worker = {"id": 1, "scriptURL": SCRIPT_URL, "state": "installing"}
    values: dict[str, Any] = {
        "worker_id": 1,
        "script_url": SCRIPT_URL,
        "module": False,
        "origin": ORIGIN,
        "scripts": {SCRIPT_URL: source},
        "registration": {
            "scope": f"{ORIGIN}/",
            "updateViaCache": "imports",
            "installing": worker,
            "waiting": None,
            "active": None,
            "workers": {"1": worker},
        },
        "may_import": True,
        "online": True,
        "user_agent": "Mozilla/5.0 (test)",
        "caches_directory": str(directory / "caches"),
        "databases_directory": str(directory / "indexeddb"),
        "scratch_directory": str(directory),
        "quota": 1 << 40,
        "turn_budget": 20.0,
        "memory_limit": 1 << 30,
    }
    return messages.Start(**values | changes)


@contextmanager
def realm_process(
    directory: Path,
    source: str,
    *,
    responses: dict[str, messages.Response] | None = None,
    scripts: dict[str, str] | None = None,
    calls: dict[str, Callable[..., Any]] | None = None,
    **changes: Any,
) -> Iterator[RealmProcess]:
    """A worker process that runs ``source``; ``changes`` are to its start message."""
    ours, theirs = socket.socketpair()
    realm = _warm()
    pid = os.fork()
    if pid == 0:
        ours.close()
        try:
            run(realm, theirs)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(0)
    theirs.close()
    channel: BlockingChannel[ToProxy] = BlockingChannel(ours, ToProxy)
    try:
        channel.send(start_message(directory, source, **changes))
        yield RealmProcess(channel, responses or {}, scripts or {}, calls or {})
    except ChannelClosed:
        raise AssertionError("the worker process has ended") from None
    finally:
        channel.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def evaluate(directory: Path, body: str, **options: Any) -> Any:
    """What the body of an async function returns in a worker, by way of JSON.

    ``options`` are those of ``realm_process``.

    Raises:
        AssertionError: it throws; with its stack.
    """
    source = f"{_REPORT}(async () => {{{body}\n}})().then(report, reportFailure);"
    with realm_process(directory, source, **options) as process:
        return process.result()
