"""The settings of a run: swproxy.toml and the command line become one typed object."""

import ipaddress
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from swproxy import __version__
from swproxy.errors import InvalidInput
from swproxy.storage.profile import absolute, default_directory
from swproxy.workers.limits import Limits

_LAST_PORT = 65535
Port = Annotated[int, msgspec.Meta(ge=0, le=_LAST_PORT)]
# Not so little that a timer takes it for none, and not endless.
Seconds = Annotated[float, msgspec.Meta(ge=0.001, le=1e9)]
Bytes = Annotated[int, msgspec.Meta(ge=1, le=1 << 62)]
USER_AGENT = f"Mozilla/5.0 (compatible; swproxy/{__version__})"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings, as they are written in swproxy.toml and after ``--set``. Times in seconds, sizes in bytes.

    Attributes:
        profile: the directory of the profile, in place of ``--profile``; empty is the default one.
        listen_host: the address to listen on; empty is all.
        listen_port: the port to listen on; 0 takes a free one.
        mode: mitmproxy's proxy modes.
        offline: start with the network turned off.
        intercept: hosts that are decrypted though no scope is on them; ``*.example`` is all below it.
        intercept_all: decrypt every host.
        insecure: do not verify the certificates of origins.
        upstream_ca: a PEM file with authorities that origins' certificates are verified with, besides the system's.
        allow_insecure_localhost: let http://localhost have service workers, as browsers do.
        page_client: documents of decrypted origins get the script that makes ``navigator.serviceWorker`` the proxy's.
        remove_native_workers: the page client unregisters the service workers that a browser has of its own.
        hard_reload_bypasses: a navigation with ``Cache-Control: no-cache`` does not reach the worker.
        resolve: "host:port" -> "address:port": where requests to that host really go.
        connect_timeout: how long the proxy and its workers wait for a connection to an origin.
        user_agent: of workers: what ``navigator.userAgent`` says, and the requests that they make by themselves.
        idle_timeout: a worker's process is stopped after so long without an event.
        turn_budget: a script may run so long without giving control back; then its process is ended.
        start_timeout: a script must have run to its end by then.
        lifecycle_event_timeout: "install" and "activate" must have ended by then.
        fetch_event_timeout: what a worker gives to ``respondWith()`` must have settled by then.
        extended_timeout: so long may ``waitUntil()`` keep any other event, or one that is answered, going.
        memory_limit: what a worker's process may have allocated.
        quota: what an origin may keep in its caches.
        internal_frames: stacks show the frames of swproxy's own JavaScript, too.
        options: further options of mitmproxy.
    """

    profile: str = ""
    listen_host: str = "127.0.0.1"
    listen_port: Port = 8080
    mode: list[str] = msgspec.field(default_factory=lambda: ["regular"])
    offline: bool = False
    intercept: list[str] = []
    intercept_all: bool = False
    insecure: bool = False
    upstream_ca: str = ""
    allow_insecure_localhost: bool = False
    page_client: bool = True
    remove_native_workers: bool = False
    hard_reload_bypasses: bool = True
    resolve: dict[str, str] = {}
    connect_timeout: Seconds = 10.0
    user_agent: str = USER_AGENT
    idle_timeout: Seconds = 30.0
    turn_budget: Seconds = 10.0
    start_timeout: Seconds = 60.0
    lifecycle_event_timeout: Seconds = 300.0
    fetch_event_timeout: Seconds = 60.0
    extended_timeout: Seconds = 300.0
    memory_limit: Bytes = 1 << 29
    quota: Bytes = 1 << 34
    internal_frames: bool = False
    options: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if not self.mode:
            raise ValueError("mode is empty: without it the proxy listens nowhere")
        for pattern in self.intercept:
            if not _may_be_a_host(pattern.removeprefix("*.")):
                raise ValueError(
                    f"intercept names hosts, as site.example or *.site.example, which '{pattern}' is not"
                )
        msgspec.structs.force_setattr(self, "resolve", {name.lower(): to for name, to in self.resolve.items()})
        for name, address in self.resolve.items():
            for text in (name, address):
                host, _, port = text.rpartition(":")
                if not host or not port.isdecimal() or int(port) > _LAST_PORT:
                    raise ValueError(f"resolve maps 'host:port' to 'address:port', which '{text}' is not")

    def profile_directory(self) -> Path:
        return absolute(self.profile) if self.profile else default_directory()

    def limits(self) -> Limits:
        return Limits(
            idle=self.idle_timeout,
            turn=self.turn_budget,
            start=self.start_timeout,
            lifecycle_event=self.lifecycle_event_timeout,
            fetch_event=self.fetch_event_timeout,
            extended=self.extended_timeout,
            memory=self.memory_limit,
            quota=self.quota,
        )


def load_settings(file: Path | None, overrides: dict[str, Any], assignments: list[str]) -> Settings:
    """The defaults, then the file, then the command line.

    Args:
        file: a swproxy.toml, if any.
        overrides: from options of the command line; None is "not given".
        assignments: ``name=value`` of ``--set``; a name that is not ours is an option of mitmproxy.

    Raises:
        InvalidInput: the file or a value is not usable.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise InvalidInput(f"Cannot read {file}: {error.strerror}.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{file} is not valid TOML: {error}.") from None
    values |= {name: value for name, value in overrides.items() if value is not None}
    given = values.get("options", {})
    options: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    fields = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise InvalidInput(f"--set takes name=value, not '{assignment}'.")
        if name in fields and name != "options":
            value = _parsed(text)
            values[name] = text if fields[name] is str and not isinstance(value, str) else value
        else:
            options[name] = _parsed(text)
    if options:
        values["options"] = options
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        where = f" in {file}" if file is not None else ""
        raise InvalidInput(f"A setting{where} is not valid: {error}.") from None


def _may_be_a_host(text: str) -> bool:
    """A name as it stands in a TLS handshake, or an address, without a port."""
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return re.fullmatch(r"[\w-]+(?:\.[\w-]+)*\.?", text, re.ASCII) is not None
    return True


def _parsed(text: str) -> Any:
    """A value of TOML where it is one, else the text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def warning_of_old_mitmproxy() -> str | None:
    """What to say if the interpreter is too old for a mitmproxy without known holes."""
    if sys.version_info >= (3, 12):
        return None
    return (
        "On Python 3.11 the newest mitmproxy is 11.0.2, whose h11 and h2 have published request smuggling "
        "vulnerabilities: use Python 3.12 or newer where you can."
    )
