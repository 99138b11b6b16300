"""The server of the control API, on its real socket."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import warm_fork_server
from running_workers import Workers

from swproxy.config import Settings
from swproxy.context import ServiceWorkerContext
from swproxy.control.client import call
from swproxy.control.server import ControlServer
from swproxy.errors import InvalidInput, NotFoundError, SecurityError, SwproxyError
from swproxy.storage.profile import Profile

SCOPE = "https://site.test/"


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / "profile")
    profile.prepare()
    return profile


@pytest.fixture
async def context(profile: Profile) -> AsyncIterator[ServiceWorkerContext]:
    context = ServiceWorkerContext(Settings(), profile)
    yield context
    await context.close()


@pytest.fixture
async def server(context: ServiceWorkerContext) -> AsyncIterator[ControlServer]:
    """One that listens in the profile."""
    server = ControlServer(context, lambda: {"listening": ["http://127.0.0.1:1"]})
    await server.start(context.profile.control_socket)
    yield server
    await server.close()


async def asked(profile: Profile, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return await asyncio.to_thread(call, profile, method, path, body)


async def refused(profile: Profile, path: str, body: dict[str, Any], kind: type[SwproxyError] = InvalidInput) -> str:
    """The sentence of a command that fails in that way, and in no special one."""
    with pytest.raises(SwproxyError) as caught:
        await asked(profile, "POST", path, body)
    assert type(caught.value) is kind
    return str(caught.value)


async def raw(profile: Profile, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """Status and JSON of the answer to a body that need not be JSON."""
    connector = aiohttp.UnixConnector(str(profile.control_socket))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.request(method, f"http://swproxy{path}", data=body) as response,
    ):
        return response.status, await response.json()


# The socket


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
async def test_only_the_user_may_ask(context: ServiceWorkerContext, mask: int) -> None:
    """The socket has mode 0600 under any umask, which is as before afterwards."""
    path = context.profile.control_socket
    server = ControlServer(context, dict)
    before = os.umask(mask)
    try:
        await server.start(path)
    finally:
        after = os.umask(before)
    assert after == mask
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await server.close()


async def test_a_socket_that_was_left_is_replaced(context: ServiceWorkerContext) -> None:
    """The lock of the profile has made sure that nobody uses it."""
    path = context.profile.control_socket
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    server = ControlServer(context, lambda: {"pid": 1})
    await server.start(path)
    assert (await asked(context.profile, "GET", "/status"))["pid"] == 1
    await server.close()


async def test_a_server_that_was_never_started(context: ServiceWorkerContext) -> None:
    """There is nothing to close."""
    await ControlServer(context, dict).close()


# What is not understood


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/nonsense", 404, "Not Found"),
        ("POST", "/status/", 404, "Not Found"),
        ("GET", "/offline", 405, "Method Not Allowed"),
        ("POST", "/status", 405, "Method Not Allowed"),
    ],
)
async def test_an_unknown_command(profile: Profile, method: str, path: str, status: int, reason: str) -> None:
    """An error as any other, in JSON."""
    answer = {"error": f"{method} {path}: {reason}.", "exit_code": 1}
    assert await raw(profile, method, path) == (status, answer)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "Input data was truncated"),
        (b"offline=on", "JSON is malformed: invalid character (byte 0)"),
        (b'"\xff"', "Expected `object`, got `str`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "Object missing required field `offline`"),
        (b'{"offline": "yes"}', "Expected `bool`, got `str` - at `$.offline`"),
        (b'{"offline": true, "orgin": "x"}', "Object contains unknown field `orgin`"),
    ],
)
async def test_a_malformed_body(profile: Profile, body: bytes, complaint: str) -> None:
    """What is wrong with it, and where; nothing is done."""
    status, answer = await raw(profile, "POST", "/offline", body)
    assert status == 400
    assert answer == {"error": f"The request is not valid: {complaint}.", "name": "TypeError", "exit_code": 2}
    assert not (await asked(profile, "GET", "/status"))["offline"]


@pytest.mark.usefixtures("server")
async def test_a_body_that_is_too_large(profile: Profile) -> None:
    """It is not kept in memory to be told so."""
    status, answer = await raw(profile, "POST", "/offline", b" " * (2 << 20))
    assert (status, answer["exit_code"]) == (413, 1)


async def test_a_fault_of_ours(context: ServiceWorkerContext, caplog: pytest.LogCaptureFixture) -> None:
    """One sentence for the user, the traceback for the log; the server goes on."""
    server = ControlServer(context, lambda: {"share": 1 // 0})
    await server.start(context.profile.control_socket)
    with pytest.raises(SwproxyError, match=r"^The proxy failed: ZeroDivisionError\(.*\); see its log\.$"):
        await asked(context.profile, "GET", "/status")
    (record,) = caplog.records
    assert record.getMessage() == "control request /status failed"
    assert record.exc_info is not None
    assert await asked(context.profile, "POST", "/offline", {"offline": False})
    await server.close()


# Commands


@pytest.mark.usefixtures("server")
async def test_status(profile: Profile) -> None:
    """What the context knows, and where the proxy listens."""
    assert await asked(profile, "GET", "/status") == {
        "listening": ["http://127.0.0.1:1"],
        "offline": False,
        "offline_origins": [],
        "settings": {},
        "registrations": [],
        "pages": [],
    }


@pytest.mark.usefixtures("server")
async def test_everyone_offline_and_online(profile: Profile, context: ServiceWorkerContext) -> None:
    """The answer is what is the case now."""
    answer = await asked(profile, "POST", "/offline", {"offline": True})
    assert answer == {"offline": True, "offline_origins": []}
    assert context.conditions.is_offline(SCOPE)
    await asked(profile, "POST", "/offline", {"offline": False})
    assert not context.conditions.offline


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://site.test", "https://site.test"),
        ("HTTPS://Site.Test:443/page?x#y", "https://site.test"),
        ("http://site.test:80", "http://site.test"),
        ("https://site.test:8443/", "https://site.test:8443"),
        ("https://b\xfccher.test", "https://xn--bcher-kva.test"),
        ("https://user:password@site.test", "https://site.test"),
    ],
)
async def test_an_origin_offline(profile: Profile, context: ServiceWorkerContext, text: str, origin: str) -> None:
    """However it is written, it is the one that requests have."""
    answer = await asked(profile, "POST", "/offline", {"offline": True, "origin": text})
    assert answer == {"offline": False, "offline_origins": [origin]}
    assert context.conditions.is_offline(origin)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("text", ["site.test", "https://", "ftp://site.test", "https://[", "file:///x", " ", ""])
async def test_what_is_no_origin(profile: Profile, text: str) -> None:
    """The sentence shows one."""
    message = await refused(profile, "/offline", {"offline": True, "origin": text})
    assert message == f"'{text}' is not an origin: give it as https://site.example."


@pytest.mark.usefixtures("server")
async def test_set(profile: Profile, context: ServiceWorkerContext) -> None:
    """Of an origin, however it is written; the answer is all that is set."""
    for value in (False, True):
        body = {"name": "page-client", "value": value, "origin": "https://SITE.test:443/x"}
        settings = {} if value else {"https://site.test": {"page-client": False}}
        assert await asked(profile, "POST", "/set", body) == {"settings": settings}
        assert (await asked(profile, "GET", "/status"))["settings"] == settings
        assert context.has_page_client("https://site.test") is value
    message = await refused(profile, "/set", body | {"name": "page"})
    assert message == "There is no setting 'page': it is one of update-on-reload, bypass-for-network, page-client."
    assert await refused(profile, "/set", body | {"origin": "site"}) == (
        "'site' is not an origin: give it as https://site.example."
    )


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("command", ["unregister", "update", "start", "stop"])
async def test_a_scope_that_is_not_registered(profile: Profile, command: str) -> None:
    """The sentence says which there are."""
    message = await refused(profile, f"/{command}", {"scope": SCOPE}, SwproxyError)
    assert message == f"No service worker is registered for {SCOPE}. Registered scopes: none."


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"type": "shared"}, "A worker is 'classic' or 'module', not 'shared'."),
        ({"update_via_cache": "never"}, "updateViaCache is 'imports', 'all' or 'none', not 'never'."),
        ({"scope": "site.test"}, "The scope 'site.test' is not a URL: give it whole, as https://site.example/."),
        (
            {"script": "ftp://x/sw.js"},
            "The script 'ftp://x/sw.js' has the scheme 'ftp:': service workers need https.",
        ),
    ],
)
async def test_what_cannot_be_registered(profile: Profile, changes: dict[str, str], sentence: str) -> None:
    """Known before anything is fetched."""
    body = {"scope": SCOPE, "script": f"{SCOPE}sw.js"} | changes
    assert await refused(profile, "/register", body) == sentence


@pytest.mark.usefixtures("server")
async def test_what_must_not_be_registered(profile: Profile) -> None:
    """It is told from what is only written wrongly."""
    body = {"scope": SCOPE, "script": "https://user:password@site.test/sw.js"}
    assert "credentials" in await refused(profile, "/register", body, SecurityError)


# With a worker


@pytest.fixture
async def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    """Workers that a control server is for."""
    warm_fork_server.install(monkeypatch)
    workers = Workers(tmp_path)
    await workers.context.start()
    server = ControlServer(workers.context, dict)
    await server.start(workers.context.profile.control_socket)
    yield workers
    await server.close()
    await workers.context.close()


async def test_a_worker_from_its_registration_to_its_end(workers: Workers, tmp_path: Path) -> None:
    """Each command answers with what has come of it."""
    profile = workers.context.profile
    script = tmp_path / "sw.js"
    script.write_text("onfetch = () => {};")
    made = await asked(profile, "POST", "/register", {"scope": SCOPE, "script": str(script), "local": True})
    assert (made["scope"], made["script"], made["state"]) == (SCOPE, f"{SCOPE}sw.js", "activated")
    number = made["worker"]
    assert made["active"] == number

    (registration,) = (await asked(profile, "GET", "/status"))["registrations"]
    assert (registration["scope"], registration["local_script"]) == (SCOPE, str(script))
    assert [worker["id"] for worker in registration["workers"]] == [number]

    assert await asked(profile, "POST", "/start", {"scope": SCOPE}) == {"worker": number}
    assert await asked(profile, "POST", "/stop", {"scope": SCOPE}) == {"workers": [number]}
    assert await asked(profile, "POST", "/stop", {"scope": SCOPE}) == {"workers": []}

    unchanged = await asked(profile, "POST", "/update", {"scope": SCOPE})
    assert (unchanged["worker"], unchanged["active"]) == (None, number)

    assert await asked(profile, "POST", "/unregister", {"scope": SCOPE}) == {}
    assert (await asked(profile, "GET", "/status"))["registrations"] == []


async def test_an_update_that_changes_something(workers: Workers) -> None:
    """There is a new worker; told to skip waiting, it is the active one."""
    profile = workers.context.profile
    worker = await workers.register(SCOPE, "onfetch = () => {};")
    assert worker.local_script is not None
    Path(worker.local_script).write_text("onfetch = () => {}; // changed")
    updated = await asked(profile, "POST", "/update", {"scope": SCOPE, "skip_waiting": True})
    assert updated["worker"] not in (None, worker.id)
    assert updated["active"] == updated["worker"]


async def test_a_script_that_fails(workers: Workers, tmp_path: Path) -> None:
    """It is no mistake of the command: what the script says, with exit code 1."""
    script = tmp_path / "sw.js"
    script.write_text("throw new TypeError('oh no');")
    body = {"scope": SCOPE, "script": str(script), "local": True}
    assert "oh no" in await refused(workers.context.profile, "/register", body, SwproxyError)


# Databases


@pytest.mark.usefixtures("server")
async def test_delete_database(
    profile: Profile, context: ServiceWorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an origin, as requests have it; the name need not be Unicode, in the error neither."""
    deleted = []

    async def delete(origin: str, name: str) -> None:
        deleted.append((origin, name))
        if name == "\udfff":
            raise NotFoundError(f"There is no '{name}'.")

    monkeypatch.setattr(context, "delete_database", delete)
    path = "/databases/delete"
    assert await asked(profile, "POST", path, {"origin": "https://SITE.test:443", "name": "a\ud800"}) == {}
    assert deleted == [("https://site.test", "a\ud800")]
    body = {"origin": "https://site.test", "name": "\udfff"}
    assert await refused(profile, path, body, SwproxyError) == "There is no '\udfff'."


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "Expecting property name enclosed in double quotes"),
        (b"[" * 100_000, "maximum recursion depth exceeded"),
        (b'{"origin": "https://site.test"}', "Object missing required field `name`"),
        (b'{"origin": "https://site.test", "name": 1}', "Expected `str`, got `int`"),
        (b'{"origin": "site", "name": "x"}', "'site' is not an origin"),
    ],
)
async def test_delete_database_malformed(profile: Profile, body: bytes, complaint: str) -> None:
    """What is wrong with the command."""
    status, answer = await raw(profile, "POST", "/databases/delete", body)
    assert status == 400
    assert complaint in answer["error"]
