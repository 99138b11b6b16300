"""Worker scripts from the network, or from a local file that stands for the script of an origin."""

import codecs
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

from swproxy.errors import InvalidInput, NetworkError, SecurityError, SwproxyError
from swproxy.ipc.messages import Request
from swproxy.network.content_security_policy import IMPORT
from swproxy.network.fetcher import Fetcher, Initiator, NetworkResponse
from swproxy.network.live_body import LiveBody
from swproxy.service_worker.effects import FetchScript, ScriptResponse
from swproxy.service_worker.lifecycle import JAVASCRIPT_MIME_TYPES
from swproxy.service_worker.worker import ScriptResource

# Bytes.
MAX_SCRIPT_SIZE = 1 << 25
# The fields of a header that bind the worker whose script it comes with.
_POLICIES = ("content-security-policy", "referrer-policy")
_LOCAL_SUFFIXES = (".js", ".mjs", ".cjs")


class ScriptLoader:
    """Performs FetchScript.

    Args:
        fetcher: the network.
        scratch: a directory for what is too large for memory.
        now: seconds since the epoch.
    """

    def __init__(self, fetcher: Fetcher, scratch: Path, now: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._scratch = scratch
        self._now = now

    async def load(self, effect: FetchScript) -> ScriptResponse:
        """The script, or why it cannot be had; never raises for what the network does."""
        try:
            if effect.local_script is not None:
                found = Path(effect.local_script) if effect.top_level else local_file(effect)
                if found is not None:
                    return self._local(found)
            return await self._remote(effect)
        except SwproxyError as error:
            return ScriptResponse(self._now(), error=error)

    def _local(self, path: Path) -> ScriptResponse:
        try:
            body = path.read_bytes()
        except OSError as error:
            raise InvalidInput(f"Cannot read the script {path}: {error.strerror}.") from None
        return ScriptResponse(self._now(), _resource(body), "text/javascript", service_worker_allowed="/")

    async def _remote(self, effect: FetchScript) -> ScriptResponse:
        origin = effect.registration.origin
        headers = [("Accept", "*/*")]
        if effect.top_level:
            headers.append(("Service-Worker", "script"))
        request = Request(
            id=None,
            method="GET",
            url=effect.url,
            headers=headers,
            destination="serviceworker" if effect.top_level else "script",
            referrer=effect.referrer or "no-referrer",
            mode="same-origin" if effect.top_level else "cors" if effect.module else "no-cors",
            credentials="same-origin",
            cache="no-cache" if effect.no_cache else "default",
            redirect="manual" if effect.top_level else "follow",
        )
        initiator = Initiator(
            origin,
            effect.url,
            self._scratch,
            client_url=effect.referrer,
            client_headers=[("Cookie", effect.cookie)] if effect.cookie and not effect.module else [],
            policies=effect.policies,
            directive=IMPORT,
        )
        response = await self._fetcher.fetch(request, initiator)
        if response.type == "opaqueredirect":
            raise SecurityError(f"The script {effect.url} redirects, which the script of a service worker must not.")
        body = await _whole_body(response)
        if not 200 <= response.status <= 299:
            raise NetworkError(f"The script {effect.url} could not be had: status {response.status}.")
        mime_type = _header(response, "content-type").partition(";")[0].strip().lower()
        if not effect.top_level and mime_type not in JAVASCRIPT_MIME_TYPES:
            raise NetworkError(
                f"The script {effect.url} has the MIME type '{mime_type}', which is not one of JavaScript."
            )
        return ScriptResponse(
            self._now(),
            _resource(body),
            mime_type,
            _header(response, "service-worker-allowed") or None,
            policies=tuple((name.lower(), value) for name, value in response.headers if name.lower() in _POLICIES),
        )


async def _whole_body(response: NetworkResponse) -> bytes:
    body = response.body
    if not isinstance(body, LiveBody):
        return body or b""
    reader = body.reader()
    try:
        data = bytearray()
        while chunk := await reader.read():
            data += chunk
            if len(data) > MAX_SCRIPT_SIZE:
                raise NetworkError(f"The script {response.urls[0]} is larger than {MAX_SCRIPT_SIZE} bytes.")
        return bytes(data)
    finally:
        reader.close()


def _header(response: NetworkResponse, wanted: str) -> str:
    return next((value for name, value in response.headers if name.lower() == wanted), "")


def _resource(body: bytes) -> ScriptResource:
    """Decodes: the scripts of workers are UTF-8, whatever their headers say.

    https://html.spec.whatwg.org/#fetch-a-classic-worker-script
    """
    return ScriptResource(body, body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace"))


def local_file(effect: FetchScript) -> Path | None:
    """The file beside a local script that an import of its means; None if the network is meant.

    Only scripts, and nothing outside of the script's own directory.
    """
    assert effect.local_script is not None
    directory = Path(effect.local_script).parent
    base = local_script_url(effect.registration.scope, Path(effect.local_script)).rpartition("/")[0] + "/"
    if not effect.url.startswith(base) or "?" in effect.url:
        return None
    relative = unquote(effect.url.removeprefix(base))
    if not relative.endswith(_LOCAL_SUFFIXES) or "\0" in relative:
        return None
    path = Path(os.path.realpath(directory / relative))
    inside = path.is_relative_to(os.path.realpath(directory))
    return path if inside and path.is_file() else None


def local_script_url(scope: str, path: Path) -> str:
    """The stable URL at which a local file stands for a script of the scope's origin: beside the scope."""
    directory = scope.partition("?")[0].rpartition("/")[0]
    return f"{directory}/{quote(path.name)}"
