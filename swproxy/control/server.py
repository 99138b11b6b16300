"""The server of the control API. Every answer is JSON; an error is ``{"error": ..., "exit_code": ...}``."""

import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import ada_url
import msgspec
from aiohttp import web

from swproxy.context import Registered, ServiceWorkerContext
from swproxy.errors import InvalidInput, SwproxyError

log = logging.getLogger(__name__)

Body = TypeVar("Body", bound=msgspec.Struct)


class RegisterBody(msgspec.Struct, forbid_unknown_fields=True):
    """``local``: the script is the path of a file."""

    scope: str
    script: str
    type: str = "classic"
    update_via_cache: str = "imports"
    local: bool = False


class ScopeBody(msgspec.Struct, forbid_unknown_fields=True):
    scope: str
    skip_waiting: bool = False


class OfflineBody(msgspec.Struct, forbid_unknown_fields=True):
    """Without ``origin``: everyone."""

    offline: bool
    origin: str | None = None


class SetBody(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    value: bool
    origin: str


class DatabaseBody(msgspec.Struct, forbid_unknown_fields=True):
    origin: str
    name: str


class ControlServer:
    """Serves a context.

    Args:
        details: what ``/status`` says besides: where the proxy listens.
    """

    def __init__(self, context: ServiceWorkerContext, details: Callable[[], dict[str, Any]]) -> None:
        self._context = context
        self._details = details
        self._runner: web.AppRunner | None = None

    async def start(self, path: Path) -> None:
        application = web.Application(middlewares=[_errors])
        application.add_routes(
            [
                web.get("/status", self._status),
                web.post("/register", self._register),
                web.post("/unregister", self._unregister),
                web.post("/update", self._update),
                web.post("/start", self._start),
                web.post("/stop", self._stop),
                web.post("/offline", self._offline),
                web.post("/set", self._set),
                web.post("/databases/delete", self._delete_database),
                web.post("/flush", self._flush),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        await web.SockSite(self._runner, listener).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _status(self, request: web.Request) -> web.Response:
        return _json({**self._details(), **self._context.status()})

    async def _register(self, request: web.Request) -> web.Response:
        body = await _body(request, RegisterBody)
        if body.type not in ("classic", "module"):
            raise InvalidInput(f"A worker is 'classic' or 'module', not '{body.type}'.")
        if body.update_via_cache not in ("imports", "all", "none"):
            raise InvalidInput(f"updateViaCache is 'imports', 'all' or 'none', not '{body.update_via_cache}'.")
        registered = await self._context.register(
            body.scope, body.script, body.type, body.update_via_cache, local=body.local
        )
        return _json(_describe(registered))

    async def _unregister(self, request: web.Request) -> web.Response:
        await self._context.unregister((await _body(request, ScopeBody)).scope)
        return _json({})

    async def _update(self, request: web.Request) -> web.Response:
        body = await _body(request, ScopeBody)
        return _json(_describe(await self._context.update(body.scope, skip_waiting=body.skip_waiting)))

    async def _start(self, request: web.Request) -> web.Response:
        worker = await self._context.start_worker((await _body(request, ScopeBody)).scope)
        return _json({"worker": worker.id})

    async def _stop(self, request: web.Request) -> web.Response:
        stopped = self._context.stop_workers((await _body(request, ScopeBody)).scope)
        return _json({"workers": [worker.id for worker in stopped]})

    async def _offline(self, request: web.Request) -> web.Response:
        body = await _body(request, OfflineBody)
        self._context.conditions.set_offline(body.offline, None if body.origin is None else _origin(body.origin))
        status = self._context.status()
        return _json({key: status[key] for key in ("offline", "offline_origins")})

    async def _set(self, request: web.Request) -> web.Response:
        body = await _body(request, SetBody)
        settings = self._context.origin_settings
        settings.set(body.name, _origin(body.origin), body.value)
        return _json({"settings": settings.all()})

    async def _delete_database(self, request: web.Request) -> web.Response:
        try:  # scripts choose the name, which need not be the Unicode that msgspec takes for JSON
            body = msgspec.convert(json.loads(await request.read()), DatabaseBody)
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise InvalidInput(f"The request is not valid: {error}.") from None
        await self._context.delete_database(_origin(body.origin), body.name)
        return _json({})

    async def _flush(self, request: web.Request) -> web.Response:
        self._context.journal.flush()
        return _json({})


def _origin(text: str) -> str:
    """Serialized as requests have it: no default port, host names in lower case and punycode."""
    try:
        parsed = ada_url.URL(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.protocol not in ("https:", "http:"):
        raise InvalidInput(f"'{text}' is not an origin: give it as https://site.example.")
    return str(parsed.origin)


def _describe(registered: Registered) -> dict[str, Any]:
    registration, worker = registered.registration, registered.worker
    return {
        "scope": registration.scope,
        "worker": None if worker is None else worker.id,
        "state": None if worker is None else worker.state.value,
        "active": None if registration.active is None else registration.active.id,
        "script": None if (newest := registration.get_newest_worker()) is None else newest.script_url,
    }


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except SwproxyError as error:
        notes = getattr(error, "__notes__", [])
        sentence = "; ".join([str(error).rstrip("."), *dict.fromkeys(notes)]) + "." if notes else str(error)
        return _json({"error": sentence, "name": error.name, "exit_code": error.exit_code}, status=400)
    except web.HTTPException as error:  # no such command, or a body that is too large
        return _json({"error": f"{request.method} {request.path}: {error.reason}.", "exit_code": 1}, error.status)
    except Exception as error:
        log.exception("control request %s failed", request.path)
        return _json({"error": f"The proxy failed: {error!r}; see its log.", "exit_code": 1}, status=500)


async def _body(request: web.Request, type_: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await request.read(), type=type_)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"The request is not valid: {error}.") from None


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(value).encode(), status=status, content_type="application/json")
