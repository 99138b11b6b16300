"""The event loop of a worker process: one message in, one JavaScript turn, messages out."""

import os
import resource
import signal
import socket
import sys
from typing import Any, NoReturn

from swproxy.errors import NetworkError, ScriptError, SwproxyError
from swproxy.ipc import messages
from swproxy.ipc.channel import BlockingChannel, ChannelClosed
from swproxy.ipc.messages import ToWorker
from swproxy.realm.bodies import RemoteStream, ScriptStream
from swproxy.realm.engine import TurnBudgetExceeded
from swproxy.realm.realm import Realm
from swproxy.realm.runtime import WebRuntime, bind
from swproxy.storage.bodies import SavedFile
from swproxy.web import manifest

# The peak of a process that could get no more is hardly below its limit.
MEMORY_USED_UP = 0.9
# Bytes, to say so with.
RESERVE = 1 << 20
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def warm_realm(*, internal_frames: bool = False) -> Realm:
    """A realm with the whole platform in it, that is nobody's yet: fork, then ``run``."""
    realm = Realm()
    realm.engine = WebRuntime(bind(realm, manifest.functions().values()), internal_frames=internal_frames).engine
    return realm


def run(realm: Realm, connection: socket.socket) -> None:
    """Runs the worker that the first message on the connection names, until the other end is closed."""
    channel: BlockingChannel[ToWorker] = BlockingChannel(connection, ToWorker)
    try:
        start = channel.receive(None)
        assert isinstance(start, messages.Start)
        resource.setrlimit(resource.RLIMIT_DATA, (start.memory_limit, start.memory_limit))
        realm.begin(start, channel)
        realm.engine.abandon = lambda error: _abandon(realm, error)
        reserve = bytearray(RESERVE)
        try:
            _evaluate(realm)
            while not _has_used_up(start.memory_limit):
                realm.next_turn(lambda: _step(realm))
        except MemoryError:
            pass
        del reserve
        limit = start.memory_limit >> 20
        channel.send(messages.OverLimit(f"its scripts used up the {limit} MiB that a worker may have"))
    except ChannelClosed:
        realm.close()
    except TurnBudgetExceeded:
        _report_over_budget(realm)


def _has_used_up(limit: int) -> bool:
    """Whether this process ever had nearly so many bytes.

    The engine's error for that is mostly "null", and what scripts could not finish then never settles.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT > limit * MEMORY_USED_UP


def _report_over_budget(realm: Realm) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    budget = realm.start.turn_budget
    realm.channel.send(messages.OverLimit(f"a script ran for more than {budget:g} seconds without a pause"))


def _abandon(realm: Realm, error: BaseException) -> NoReturn:
    """Ends the process: its script does not let go by itself."""
    try:
        if isinstance(error, TurnBudgetExceeded):
            _report_over_budget(realm)
    finally:
        os._exit(1)


def _evaluate(realm: Realm) -> None:
    start = realm.start
    environment = {
        "url": start.script_url,
        "origin": start.origin,
        "onLine": start.online,
        "isModule": start.module,
        "mayCompile": start.may_compile,
    }
    realm.turn("start", workerId=start.worker_id, environment=environment, registration=start.registration)
    try:
        realm.evaluate()
    except ScriptError as error:
        place = (error.message, error.url, error.line, error.column, error.stack)
        realm.channel.send(messages.Started(error=place))
    except SwproxyError as error:
        realm.channel.send(messages.Started(error=(str(error), start.script_url, 0, 0, "")))
    else:
        realm.turn("started")


def _step(realm: Realm) -> None:
    """Waits for something to happen, and does what is the host's part of it."""
    if realm.inbox:
        _handle(realm, realm.inbox.popleft())
        return
    patience = realm.timers.next_in()
    if realm.tasks:
        patience = 0
        realm.tasks.popleft()()
    message = realm.channel.receive(patience)
    if message is not None:
        _handle(realm, message)
    # Also then: there may always be one.
    if (timer := realm.timers.pop_due()) is not None:
        realm.later("timer", id=timer)


def _handle(realm: Realm, message: ToWorker) -> None:
    match message:
        case messages.DispatchFetch():
            if message.has_preload:
                realm.preloads.expect(message.id, message.request.url)
            realm.later(
                "fetch",
                id=message.id,
                request=request_for_script(realm, message.request),
                clientId=message.client_id,
                resultingClientId=message.resulting_client_id,
                replacesClientId=message.replaces_client_id,
                hasPreload=message.has_preload,
            )
        case messages.PreloadAnswer():
            realm.preloads.arrived(message)
        case messages.DispatchEvent():
            realm.later("event", id=message.id, type=message.type, detail=_adopt(realm, message.detail))
        case messages.FetchAnswer():
            pending = realm.fetches.pop(message.id, None)
            if pending is not None:
                if message.response is None:
                    realm.settle(pending, NetworkError(message.error))
                else:
                    realm.settle(pending, realm.adopt_response(message.response))
        case messages.CallAnswer():
            if message.id != messages.NO_ANSWER:
                pending = realm.calls.pop(message.id)
                realm.settle(pending, message.value if message.error is None else _Refused(*message.error))
        case messages.BodyChunk():
            stream = realm.streams.get(message.id)
            if isinstance(stream, RemoteStream):
                stream.arrived(message)
        case messages.BodySaved():
            stream = realm.streams.get(message.id)
            if isinstance(stream, RemoteStream):
                saved = SavedFile(message.path, message.size)
                stream.saved(saved if message.error is None else _Refused(*message.error))
        case messages.BodyPull():
            stream = realm.streams.get(message.id)
            if isinstance(stream, ScriptStream):
                stream.serve_pull()
        case messages.BodyRelease():
            stream = realm.streams.get(message.id)
            if stream is not None:
                stream.release()
        case messages.RegistrationChanged():
            realm.may_import = message.may_import
            realm.later("registration", registration=message.registration)
        case messages.OnlineChanged():
            realm.later("online", value=message.online)
        case messages.Deliver(target="indexedDB"):
            # There may be very many, each of which does little.
            realm.later("deliver", target="indexedDB", detail=realm.details_of(message, "indexedDB"))
        case messages.Deliver():
            realm.later("deliver", target=message.target, detail=_adopt(realm, message.detail))
        case (
            messages.WebSocketOpened()
            | messages.WebSocketMessage()
            | messages.WebSocketClosing()
            | messages.WebSocketClosed()
            | messages.WebSocketAck()
        ):
            realm.web_sockets.received(message)
        case messages.Ping():
            realm.channel.send(messages.Pong())
        case _:
            raise AssertionError(f"unexpected message {message}")


def _adopt(realm: Realm, detail: dict[str, Any]) -> dict[str, Any]:
    """The detail of an event, with what a script has sent with it under "message"."""
    if "message" not in detail:
        return detail
    return detail | {"message": realm.adopt_record(detail["message"])}


class _Refused(SwproxyError):
    """An error that the proxy has answered with."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name  # type: ignore[misc]


def request_for_script(realm: Realm, request: messages.Request) -> dict[str, Any]:
    """As ``InnerRequest.fromHost`` of web/fetch/request.js takes it."""
    return {
        "origin": request.id,
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        "body": realm.adopt(request.body),
        "destination": request.destination,
        "referrer": request.referrer,
        "referrerPolicy": request.referrer_policy,
        "mode": request.mode,
        "credentials": request.credentials,
        "cache": request.cache,
        "redirect": request.redirect,
        "integrity": request.integrity,
        "keepalive": request.keepalive,
        "isReloadNavigation": request.is_reload_navigation,
        "isHistoryNavigation": request.is_history_navigation,
    }


def main_after_fork(realm: Realm, connection: socket.socket) -> None:
    """What a forked child does: nothing of the parent's is left but the engine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # What has been answered shall reach the client before this process goes on, with its collection of garbage.
    os.nice(5)
    try:
        run(realm, connection)
    except MemoryError:
        sys.exit(3)
