"""Where the tests run: in workers of a real ``swproxy run``, or in those of Chromium itself, to compare."""

import contextlib
import http.client
import json
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from playwright.sync_api import Error, sync_playwright
from proxy_process import ProxyProcess

from swproxy.errors import SwproxyError
from tests.chromium import FLAGS
from tests.wpt.areas import WebPlatformTest
from tests.wpt.results import FileResult, parse_results
from tests.wpt.server import DOMAINS, PORTS, SetupError, resolve

# Seconds: testharness's own time-outs, and how much longer this may take, as two run at a time.
NORMAL, LONG = 10.0, 60.0
PATIENCE = 2.0
# After the time-out: for a worker that still answers.
GRACE = 5.0


class Unanswered(Exception):
    """There are no results; the message says why."""


class Engine(Protocol):
    """Runs workers. One engine serves several threads."""

    def run(self, script: str, scope: str, timeout: float) -> Any:
        """Registers, waits until the worker has finished or the time is over, and unregisters.

        Returns:
            what the wrapper reports.

        Raises:
            Unanswered: nothing.
        """


_numbers = count(1)


def run_test(engine: Engine, test: WebPlatformTest) -> FileResult:
    """One file."""
    secure = f"https://{DOMAINS[0]}:{PORTS['h2' if '.h2.' in test.path else 'https'][0]}"
    folder, _, file = test.path.rpartition("/")
    script = f"{secure}/{folder}/{file.removesuffix('.js')}.swproxy.js{test.variant}"
    scope = f"{secure}/{folder}/does/not/exist/{next(_numbers)}/"
    start = time.monotonic()
    try:
        results = engine.run(script, scope, (LONG if test.long else NORMAL) * PATIENCE)
        harness, message, subtests = parse_results(results)
    except Unanswered as error:
        harness, message, subtests = "CRASH", str(error), []
    return FileResult(test.area.name, test.name, harness, message, subtests, round(time.monotonic() - start, 2))


class Swproxy:
    """``swproxy run`` on a profile of its own.

    Args:
        authority: of the server's certificate. That in the checkout has expired, so nothing is verified.
        addresses: where the server's hosts are, as the setting ``resolve``.
    """

    def __init__(self, profile: Path, authority: Path, addresses: Mapping[str, str]) -> None:
        settings = {
            "resolve": dict(addresses),
            "insecure": True,
            "turn_budget": LONG,
            "fetch_event_timeout": LONG * PATIENCE + 2 * GRACE,
        }
        self._proxy = start_proxy(profile, authority, settings)
        self._tls = ssl.create_default_context(cafile=self._proxy.ca)

    def run(self, script: str, scope: str, timeout: float) -> Any:
        try:
            self._proxy.registered(scope, script)
        except SwproxyError as error:
            raise Unanswered(str(error)) from None
        try:
            with contextlib.suppress(TimeoutError):
                return self._get(f"{scope}results", timeout)
            try:
                return self._get(f"{scope}timeout", GRACE)
            except TimeoutError:
                raise Unanswered("The worker does not answer.") from None
        finally:
            with contextlib.suppress(SwproxyError):
                self._proxy.control("POST", "/unregister", {"scope": scope})

    def _get(self, url: str, timeout: float) -> Any:
        """Over HTTP, through the proxy."""
        target, proxy = urlsplit(url), urlsplit(self._proxy.url)
        assert target.hostname is not None
        assert proxy.hostname is not None
        connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, timeout=timeout, context=self._tls)
        connection.set_tunnel(target.hostname, target.port)
        try:
            connection.request("GET", target.path)
            response = connection.getresponse()
            body = response.read()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"{type(error).__name__}: {error}") from None
        finally:
            connection.close()
        if response.status != 200:
            raise Unanswered(body.decode("utf-8", "replace").strip())
        return json.loads(body)

    def close(self) -> None:
        end_proxy(self._proxy)


def start_proxy(profile: Path, authority: Path, settings: Mapping[str, Any], *arguments: str) -> ProxyProcess:
    """``swproxy run`` with those settings.

    Raises:
        SetupError: it does not start.
    """
    config = profile.with_name("swproxy.toml")
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in settings.items()))
    try:
        return ProxyProcess(profile, authority, "--config", str(config), *arguments)
    except AssertionError as error:
        raise SetupError(str(error)) from None


def end_proxy(proxy: ProxyProcess) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        proxy.stop()
    proxy.kill()


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{name}" = {_toml(one)}' for name, one in value.items()) + " }"
    return json.dumps(value)


class Chromium:
    """Chromium's own workers, without a proxy. Every thread has a browser."""

    def __init__(self) -> None:
        chromium = shutil.which("chromium")
        if chromium is None:
            raise SetupError("There is no chromium in the PATH: install Debian's package of that name.")
        self._chromium = chromium
        self._threads = threading.local()
        self._closing = contextlib.ExitStack()

    def _page(self) -> Any:
        if not hasattr(self._threads, "page"):
            playwright = sync_playwright().start()
            rules = ", ".join(f"MAP *.{domain} 127.0.0.1, MAP {domain} 127.0.0.1" for domain in reversed(DOMAINS))
            excluded = ", ".join(f"EXCLUDE nonexistent.{domain}" for domain in DOMAINS)
            browser = playwright.chromium.launch(
                executable_path=self._chromium,
                args=[*FLAGS, f"--host-resolver-rules={rules}, {excluded}", "--ignore-certificate-errors"],
            )
            self._threads.page = browser.new_context(ignore_https_errors=True).new_page()
        return self._threads.page

    def run(self, script: str, scope: str, timeout: float) -> Any:
        page = self._page()
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(scope))
        try:
            page.goto(f"{origin}/common/blank.html")
            page.evaluate(
                """async ([script, scope]) => {
                  const registration = await navigator.serviceWorker.register(script, { scope });
                  while (registration.active === null || registration.active.state !== "activated") {
                    await new Promise((resolve) => setTimeout(resolve, 20));
                  }
                }""",
                [script, scope],
            )
            try:
                return json.loads(page.goto(f"{scope}results", timeout=timeout * 1000).text())
            except Error:
                return json.loads(page.goto(f"{scope}timeout", timeout=GRACE * 1000).text())
        except (Error, ValueError) as error:
            raise Unanswered(str(error)) from None
        finally:
            with contextlib.suppress(Error):
                page.goto(f"{origin}/common/blank.html")
                page.evaluate(
                    "async (scope) => (await navigator.serviceWorker.getRegistration(scope))?.unregister()", scope
                )

    def close(self) -> None:
        """The browsers end with this process."""


@contextlib.contextmanager
def engine(name: str, checkout: Path) -> Iterator[Engine]:
    """The engine of that name: "swproxy" or "chromium"."""
    with tempfile.TemporaryDirectory(prefix="swproxy-wpt-profile-") as temporary:
        authority = checkout / "tools" / "certs" / "cacert.pem"
        chosen = Chromium() if name == "chromium" else Swproxy(Path(temporary) / "profile", authority, resolve())
        try:
            yield chosen
        finally:
            chosen.close()
