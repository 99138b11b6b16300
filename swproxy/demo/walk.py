"""Visits the demo's site through the proxy, and checks who answered."""

import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from swproxy.demo.origin import HOST

_NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html,*/*;q=0.8"}
_SUBRESOURCE = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Referer": f"https://{HOST}/"}
_FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Referer": f"https://{HOST}/"}


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and what has to come of it.

    ``answered_by`` is "network", "cache", or "fallback": the worker's page for what it does not have. ``text`` must
    be in the body.
    """

    path: str
    headers: dict[str, str]
    online: bool
    answered_by: str
    text: str = ""


STEPS = [
    Step("/", _NAVIGATION, True, "network", "It works offline"),
    Step("/style.css", _SUBRESOURCE, True, "cache", "font:"),
    Step("/logo.svg", _SUBRESOURCE, True, "cache", "<svg"),
    Step("/about", _NAVIGATION, True, "network", "About"),
    Step("/api/time", _FETCH, True, "network", '"time"'),
    Step("/", _NAVIGATION, False, "cache", "It works offline"),
    Step("/style.css", _SUBRESOURCE, False, "cache", "font:"),
    Step("/logo.svg", _SUBRESOURCE, False, "cache", "<svg"),
    Step("/about", _NAVIGATION, False, "cache", "About"),
    Step("/api/time", _FETCH, False, "cache", '"time"'),
    Step("/never-visited", _NAVIGATION, False, "fallback", "You are offline"),
]


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a step. ``as_it_should_be`` is None, or what is wrong."""

    step: Step
    answered_by: str
    status: int
    size: int
    milliseconds: float
    wrong: str | None


class Visitor:
    """A client behind the proxy that trusts its CA and nothing else.

    Args:
        proxy: the proxy's URL.
        ca: the CA certificate, PEM.
        sources: URL -> where its last answer came from, as the proxy's log says.
    """

    def __init__(self, proxy: str, ca: str, sources: dict[str, str]) -> None:
        self._proxy = proxy
        self._tls = ssl.create_default_context(cafile=ca)
        self._sources = sources

    async def walk(self, steps: list[Step]) -> AsyncIterator[Visit]:
        """Takes the steps one after the other."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            for step in steps:
                yield await self._visit(session, step)

    async def _visit(self, session: aiohttp.ClientSession, step: Step) -> Visit:
        url = f"https://{HOST}{step.path}"
        self._sources.pop(url, None)
        began = time.perf_counter()
        try:
            async with session.get(url, headers=step.headers, proxy=self._proxy, ssl=self._tls) as response:
                body = await response.text()
                status = response.status
        except aiohttp.ClientError as error:
            return Visit(step, "error", 0, 0, _since(began), str(error))
        answered_by = self._sources.get(url, "nobody")
        if answered_by == "cache" and "You are offline" in body:
            answered_by = "fallback"
        wrong = None
        if status != 200:
            wrong = f"status {status}"
        elif answered_by != step.answered_by:
            wrong = f"expected from {step.answered_by}"
        elif step.text not in body:
            wrong = f"'{step.text}' is missing"
        return Visit(step, answered_by, status, len(body.encode()), _since(began), wrong)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
