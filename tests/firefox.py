"""Firefox as its users have it, driven over WebDriver BiDi: https://w3c.github.io/webdriver-bidi/"""

import asyncio
import contextlib
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

# Besides what Firefox sets by itself when it is driven, which keeps it from calling home.
_PREFERENCES: dict[str, Any] = {
    "media.autoplay.default": 0,  # videos play
    "media.gmp-manager.updateEnabled": False,
    "network.proxy.allow_hijacking_localhost": True,
}
_LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class FirefoxError(Exception):
    """A command failed: what Firefox says about it."""


class FirefoxTab:
    """A tab. Made by ``Firefox.new_tab``."""

    def __init__(self, firefox: "Firefox", context: str) -> None:
        self._firefox = firefox
        self._context = context

    async def goto(self, url: str) -> None:
        """Returns when it is loaded.

        Raises:
            FirefoxError: it cannot be loaded.
        """
        await self._firefox.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def reload(self) -> None:
        """As ``goto``."""
        await self._firefox.command("browsingContext.reload", context=self._context, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """What an expression, or the promise that it gives, has as its value; by way of JSON.

        Raises:
            FirefoxError: it throws, or the page goes away meanwhile.
        """
        result = await self._firefox.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify([await ({expression})]))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise FirefoxError(result["exceptionDetails"]["text"])
        (value,) = json.loads(result["result"]["value"])
        return value

    async def close(self) -> None:
        await self._firefox.command("browsingContext.close", context=self._context)


class Firefox:
    """A running Firefox. Made by ``firefox``.

    Attributes:
        console: what its pages have said there, and what they have not caught.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.console: list[str] = []
        self._socket = socket
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def command(self, method: str, **parameters: Any) -> Any:
        """Its result.

        Raises:
            FirefoxError: it fails, or Firefox is gone.
        """
        number = len(self._answers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await answer

    async def new_tab(self) -> FirefoxTab:
        return FirefoxTab(self, (await self.command("browsingContext.create", type="tab"))["context"])

    async def listen(self) -> None:
        """Hands out what Firefox says, until it ends."""
        async for message in self._socket:
            said = json.loads(message.data)
            match said["type"]:
                case "success":
                    self._settle(said["id"], said["result"])
                case "error":
                    self._settle(said["id"], FirefoxError(f"{said['error']}: {said['message']}"))
                case "event" if said["method"] == "log.entryAdded":
                    self.console.append(f"{said['params']['level']}: {said['params']['text']}")
        for number in self._answers:
            self._settle(number, FirefoxError("it has ended"))

    def _settle(self, number: int, result: Any) -> None:
        answer = self._answers[number]
        if answer.done():
            return
        if isinstance(result, FirefoxError):
            answer.set_exception(result)
        else:
            answer.set_result(result)


@asynccontextmanager
async def firefox(profile: Path, *, proxy: str, preferences: Mapping[str, bool]) -> AsyncIterator[Firefox]:
    """Starts a Firefox.

    Args:
        profile: its directory. What an NSS database there trusts is trusted.
        proxy: ``http://host:port``; none if it is empty.
        preferences: others than the usual ones.

    Raises:
        AssertionError: it is not installed, or does not start.
    """
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    assert program, "firefox-esr is missing: run tests/set-up.sh"
    _write_preferences(profile, proxy, preferences)
    process = await asyncio.create_subprocess_exec(
        *(program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"),
        # Without the variable it does not take the driver's word that there is no server for its settings.
        env={**os.environ, "HOME": str(profile), "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            url = await _address(process)
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/session", max_msg_size=0) as socket:
            browser = Firefox(socket)
            listening = asyncio.create_task(browser.listen())
            await browser.command("session.new", capabilities={})
            await browser.command("session.subscribe", events=["log.entryAdded"])
            yield browser
            listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _write_preferences(profile: Path, proxy: str, preferences: Mapping[str, bool]) -> None:
    values: dict[str, Any] = {**_PREFERENCES, **preferences, "network.proxy.type": 1 if proxy else 0}
    if proxy:
        address = urlsplit(proxy)
        for scheme in ("http", "ssl"):
            values[f"network.proxy.{scheme}"] = address.hostname
            values[f"network.proxy.{scheme}_port"] = address.port
    profile.mkdir(parents=True, exist_ok=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in values.items()]
    (profile / "user.js").write_text("".join(lines))


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where the driver connects."""
    assert process.stderr is not None
    said = b""
    while line := await process.stderr.readline():
        said += line
        if found := _LISTENS.search(line.decode(errors="replace")):
            return found[1]
    raise AssertionError(f"Firefox did not start: {said.decode(errors='replace')}")
