"""WPT's own server, on a copy of the checkout that has a wrapper beside each test."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.wpt.areas import WebPlatformTest

# The names of some subtests contain them.
PORTS = {
    "http": [8000, 8001],
    "https": [8443, 8444],
    "ws": [8002],
    "wss": [8445],
    "h2": [9000],
    "http-private": [8003],
    "http-public": [8004],
    "https-private": [8446],
    "https-public": [8447],
}
DOMAINS = ("web-platform.test", "not-web-platform.test")
_LABELS = ("www", "www1", "www2", "xn--n8j6ds53lwwkrqhv28a", "xn--lve-6lad")
_HERE = Path(__file__).parent
_STARTER = _HERE / "start_server.py"
# Seconds.
_START = 60.0


class SetupError(Exception):
    """The tests cannot be run; the message says what to do."""


def hosts() -> list[str]:
    """All names that the server answers to, as tests use them."""
    return [f"{prefix}{domain}" for domain in DOMAINS for prefix in ("", *(f"{label}." for label in _LABELS))]


def resolve() -> dict[str, str]:
    """The proxy's setting of that name: every host and port of the server is on this machine."""
    ports = [port for several in PORTS.values() for port in several]
    return {f"{host}:{port}": f"127.0.0.1:{port}" for host in hosts() for port in ports}


def wrappers(tests: Iterable[WebPlatformTest]) -> dict[str, Path]:
    """For ``overlay``: ``NAME.swproxy.js`` beside each test that runs in a worker."""
    return {f"{test.path.removesuffix('.js')}.swproxy.js": _HERE / "wrapper.js" for test in tests}


def page_report() -> dict[str, Path]:
    """For ``overlay``: what pages report their results with."""
    return {"resources/testharnessreport.js": _HERE / "page_report.js"}


def overlay(checkout: Path, ours: Mapping[str, Path], directory: Path) -> None:
    """Makes the directory look like the checkout, with other files at some paths; nothing is copied."""
    by_folder: dict[Path, dict[str, Path]] = {}
    for path, file in ours.items():
        by_folder.setdefault(Path(path).parent, {})[Path(path).name] = file
    _link(checkout, directory, by_folder, Path())


def _link(checkout: Path, directory: Path, ours: Mapping[Path, Mapping[str, Path]], here: Path) -> None:
    above = {parent for folder in ours for parent in folder.parents} | set(ours)
    own = ours.get(here, {})
    (directory / here).mkdir(parents=True, exist_ok=True)
    for entry in (checkout / here).iterdir():
        if here / entry.name in above:
            _link(checkout, directory, ours, here / entry.name)
        elif entry.name not in own:
            (directory / here / entry.name).symlink_to(entry)
    for name, file in own.items():
        (directory / here / name).symlink_to(file)


def interpreter() -> str:
    """A Python that can run the server of this checkout: one of 2021 needs what Python 3.12 and 3.13 took away."""
    chosen = os.environ.get("WPT_PYTHON")
    if chosen:
        return chosen
    pyenv = sorted(str(path) for path in Path.home().glob(".pyenv/versions/3.1[01].*/bin/python3"))
    for candidate in ("python3.11", "python3.10", *reversed(pyenv), "python3"):
        path = shutil.which(candidate)
        if (
            path
            and not subprocess.run(
                [path, "-c", "import cgi, ssl; ssl.wrap_socket"], stderr=subprocess.DEVNULL
            ).returncode
        ):
            return path
    return sys.executable


@contextlib.contextmanager
def wpt_serve(checkout: Path, ours: Mapping[str, Path]) -> Iterator[None]:
    """The server, until the block ends.

    Args:
        ours: files that it serves besides those of the checkout, or in their place; as for ``overlay``.

    Raises:
        SetupError: it does not start.
    """
    for port in (port for several in PORTS.values() for port in several):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            raise SetupError(f"Port {port} is in use, and the tests know it by number: end what listens there.")
    with tempfile.TemporaryDirectory(prefix="swproxy-wpt-") as temporary:
        root = Path(temporary) / "root"
        overlay(checkout, ours, root)
        config = Path(temporary) / "config.json"
        config.write_text(
            json.dumps(
                {
                    "doc_root": str(root),
                    "ws_doc_root": str(checkout / "websockets" / "handlers"),
                    "server_host": "127.0.0.1",
                    "check_subdomains": False,
                    "log_level": "warning",
                    "ports": PORTS,
                }
            )
        )
        log = Path(temporary) / "log"
        with log.open("wb") as output:
            try:
                process = subprocess.Popen(
                    [interpreter(), str(_STARTER), "serve", "--config", str(config)],
                    cwd=checkout,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
                    start_new_session=True,
                )
            except OSError as error:
                raise SetupError(
                    f"Cannot run {error.filename}, which is to run WPT's server: {error.strerror}."
                ) from None
        try:
            _wait(process, log)
            yield
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START
    for name in ("http", "https", "h2", "ws", "wss"):
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORTS[name][0]), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text("utf-8", "replace").strip()
                raise SetupError(
                    f"`wpt serve` did not start ({process.args[0]}): {said[-2000:] or 'no word of it'}\n"  # type: ignore[index]
                    "A checkout runs with the versions of Python of its time: name one with WPT_PYTHON."
                )
            time.sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server and the processes that it has started: a session of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
