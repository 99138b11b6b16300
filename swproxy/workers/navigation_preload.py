"""The request that goes to the network beside the start of a worker that a navigation is for.

It is what https://w3c.github.io/ServiceWorker/#on-fetch-request-algorithm calls preloadRequest.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from swproxy.errors import SwproxyError
from swproxy.ipc import messages
from swproxy.ipc.messages import Header
from swproxy.network.fetcher import Fetcher, Initiator, NetworkResponse
from swproxy.network.live_body import LiveBody
from swproxy.service_worker.registration import origin_of
from swproxy.workers.process import PendingEvent, WorkerProcess

log = logging.getLogger(__name__)

# What scripts do not see of a client's request, but the origin does, besides what the fetcher sends by itself.
_CARRIED = frozenset({"dnt", "priority"})
# Of the browser's HTTP cache, which workers stand before: they get whole responses.
_CONDITIONS = frozenset({"if-modified-since", "if-none-match"})


class NavigationPreload:
    """A navigation's request, under way from now on. It is given to an event, or ended.

    Args:
        request: the client's, as its worker sees it.
        hidden_headers: those of it that scripts do not see.
        header_value: https://w3c.github.io/ServiceWorker/#navigation-preload-header-value
        directory: for a body that is kept.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        request: messages.Request,
        hidden_headers: Sequence[Header],
        header_value: str,
        directory: Path,
    ) -> None:
        preload_request = msgspec.structs.replace(
            request,
            headers=[
                *(header for header in request.headers if header[0].lower() not in _CONDITIONS),
                *(header for header in hidden_headers if _is_carried(header[0].lower())),
                ("Service-Worker-Navigation-Preload", header_value),
            ],
            referrer_policy="unsafe-url",  # the client has done what its policy says
        )
        initiator = Initiator(
            origin=origin_of(request.url),
            url=request.url,
            directory=directory,
            client_url=request.url,
            client_headers=hidden_headers,
        )
        self.is_given = False
        self._is_over = False
        self._fetching = asyncio.ensure_future(fetcher.fetch(preload_request, initiator))

    def give_to(self, process: WorkerProcess, event: PendingEvent) -> None:
        """Sends the response to the event, which has begun, as soon as it is there."""
        self.is_given = True
        event.on_end = self.end
        self._fetching.add_done_callback(partial(self._arrived, process, event))

    def _arrived(self, process: WorkerProcess, event: PendingEvent, fetching: asyncio.Task[NetworkResponse]) -> None:
        if self._is_over or fetching.cancelled():
            return
        self._is_over = True
        if (error := fetching.exception()) is not None:
            if not isinstance(error, SwproxyError | OSError):
                log.error("a navigation preload failed", exc_info=error)
            process.send(messages.PreloadAnswer(event.id, None, str(error)))
            return
        response = fetching.result()
        event.cookies += response.cookies
        if isinstance(response.body, LiveBody):
            response.body.directory = process.directory
        process.send(messages.PreloadAnswer(event.id, process.bodies.export_response(response)))

    def end(self) -> None:
        """Gives the response up, if the event does not have it."""
        if self._is_over:
            return
        self._is_over = True
        if self._fetching.cancel() or self._fetching.exception() is not None:
            return
        body = self._fetching.result().body
        if isinstance(body, LiveBody):
            body.abort()


def _is_carried(name: str) -> bool:
    return name in _CARRIED or name.startswith("sec-")
