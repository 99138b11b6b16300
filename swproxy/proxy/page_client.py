"""The page client in flows: its script into documents, and what is below ``/.swproxy/`` to those who serve it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import ada_url
from mitmproxy import http

from swproxy.context import ServiceWorkerContext
from swproxy.page_client.bundle import page_script
from swproxy.page_client.content_security_policy import allow_page_client, has_opaque_origin
from swproxy.page_client.insertion import (
    SCRIPT_PATH,
    Field,
    Insertion,
    fields_after_insertion,
    script_tag,
    wants_insertion,
)
from swproxy.proxy import flows
from swproxy.proxy.flows import Exchange, PageRequest
from swproxy.proxy.streaming import StreamingEndpoint
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.workers.dispatcher import ClientRequest

# Below this, no path is the origin's.
OWN_PATH = "/.swproxy/"
_CHANNEL = "/.swproxy/channel"
_DOCUMENT = "/.swproxy/document"
_LEAVING = "/.swproxy/leaving"
_GONE = "/.swproxy/gone"
_CACHES = "/.swproxy/cache/"
# Takes the place of a worker of the browser, and goes; its documents load again, past it.
_LEAVING_WORKER = """\
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil((async () => {
  await registration.unregister();
  for (const client of await clients.matchAll({ type: "window" })) client.navigate(client.url);
})());
"""
_CONDITIONS = ("if-none-match", "if-modified-since")
# Redirects that browsers have not followed yet, and for how many seconds they may.
_MOST_ON_THE_WAY = 64
_REDIRECT_PATIENCE = 60.0


class PageClient:
    """What the addon does for pages.

    Args:
        streaming: where the requests of the page client are served.
    """

    def __init__(self, context: ServiceWorkerContext, streaming: StreamingEndpoint) -> None:
        self._context = context
        self._streaming = streaming
        # By the browser and the URL that it was sent to: the number that the client keeps, and the URL's fragment.
        self._on_the_way: dict[tuple[str, str], tuple[str | None, str]] = {}

    def serves(self, exchange: Exchange) -> bool:
        """Whether documents of the request's origin get the script."""
        return self._context.has_page_client(exchange.origin)

    # What is ours

    def is_own(self, exchange: Exchange) -> bool:
        """Whether the request is for the proxy itself."""
        if exchange.url.startswith(OWN_PATH, len(exchange.origin)):
            # Also while its documents do not get the script: some may have it.
            return self._context.settings.page_client and self._context.is_trustworthy(exchange.origin)
        return _is_for_a_browsers_worker(exchange) and self.serves(exchange)

    def serve(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """Answers a request that is for the proxy itself; called when its header is there."""
        path = exchange.url.partition("?")[0].removeprefix(exchange.origin)
        exchange.source = "proxy"
        is_served = self.serves(exchange)
        is_workers = _is_for_a_browsers_worker(exchange)
        takes_body = is_served and path.startswith(_CACHES) and _is_of_own_document(exchange) and not is_workers
        if exchange.method not in ("GET", "HEAD") and not takes_body:
            flow.kill()  # mitmproxy would read the whole body first
        elif not is_served:
            flow.response = http.Response.make(404, "swproxy: documents of this origin get no page client.\n")
        elif is_workers:
            flow.response = self._for_a_browsers_worker(exchange)
        elif path == SCRIPT_PATH:
            flow.response = _script_response(exchange)
        elif not _is_of_own_document(exchange):
            flow.response = http.Response.make(403, "swproxy: only documents of this origin may ask for this.\n")
        elif path == _CHANNEL:
            serve = self._context.pages.serve_channel
            cookie = exchange.headers.get("cookie", "")
            self._streaming.redirect(
                flow, partial(serve, origin=exchange.origin, peer=flows.peer_of(flow), cookie=cookie)
            )
        elif path == _DOCUMENT:
            flow.response = self._describe_document(flow, exchange)
        elif path == _LEAVING:
            flow.response = self._expect(flow, exchange)
        elif path == _GONE:
            flow.response = self._gone(flow, exchange)
        elif path.startswith(_CACHES):
            flow.request.stream = True
            handle = self._context.page_caches.handle
            self._streaming.redirect(flow, partial(handle, origin=exchange.origin, path=path))
        else:
            flow.response = http.Response.make(404, "swproxy: there is nothing here.\n")

    def _for_a_browsers_worker(self, exchange: Exchange) -> http.Response:
        """Of a document that has no page client: maybe it comes from that worker, before ours has its turn."""
        if self._context.settings.remove_native_workers:
            headers = {"content-type": "text/javascript", "service-worker-allowed": "/", "cache-control": "no-store"}
            return http.Response.make(200, _LEAVING_WORKER, headers)
        exchange.reason = "the browser has a service worker of its own here; see swproxy run --remove-native-workers"
        return http.Response.make(403, f"swproxy: {exchange.reason}.\n")

    def _describe_document(self, flow: http.HTTPFlow, exchange: Exchange) -> http.Response:
        """What the tag of a document would say that is no HTML (script/frames.js)."""
        url = flow.request.query.get("url", "")
        if not url.startswith(f"{exchange.origin}/"):
            return http.Response.make(400, "swproxy: this is no document of the origin.\n")
        client = self._context.clients.expect(flows.peer_of(flow), url)
        data = {**self._context.pages.delivered(client), "script": f"{SCRIPT_PATH}?v={page_script().version}"}
        self._context.pages.expected(client)
        return http.Response.make(
            200, json.dumps(data), {"content-type": "application/json", "cache-control": "no-store"}
        )

    def _expect(self, flow: http.HTTPFlow, exchange: Exchange) -> http.Response:
        """A document goes elsewhere (script/departures.js)."""
        exchange.source = ""
        query = flow.request.query
        client = self._context.clients.get(query.get("client", ""))
        if client is not None and client.origin == exchange.origin:
            self._context.pages.departures.add(client, query.get("url", ""), query.get("kind", ""))
        return http.Response.make(204, headers={"cache-control": "no-store"})

    def _gone(self, flow: http.HTTPFlow, exchange: Exchange) -> http.Response:
        """A document has closed before its channel was open (script/channel.js)."""
        exchange.source = ""
        client = self._context.clients.get(flow.request.query.get("client", ""))
        if client is not None and client.origin == exchange.origin and client.peer == flows.peer_of(flow):
            self._context.pages.failed(client)
        return http.Response.make(204, headers={"cache-control": "no-store"})

    # Documents

    def believe(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """What a request says of itself counts only if a controlled document has sent it, as the browser says.

        Any script can write the header that says it; none can write Origin, Referer or Sec-Fetch-*.
        """
        said, headers = exchange.said, exchange.headers
        if said is None:
            return
        client = self._context.clients.get(said.client)
        mode, sender = headers.get("sec-fetch-mode"), flows.sender_origin(exchange)
        is_known = client is not None and client.controller is not None and client.origin == sender
        is_foreign = sender != exchange.origin
        if said.goes_by:
            is_true = mode == "no-cors"
        elif said.mode == "no-cors" and mode == "cors":
            is_true = is_foreign and flows.is_simple(flow.request)
        else:
            is_true = said.mode == mode
        if not (is_known and is_true):
            exchange.said = None

    def prepare(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """The browser is not to show what it has: a document has the number of its client in it, and a worker answers
        whatever is in the browser's cache."""
        if not self._is_not_for_reuse(exchange) or (exchange.said is not None and exchange.said.cache == "no-store"):
            return
        if exchange.method not in ("GET", "HEAD"):
            return  # there they guard what is changed
        for name in _CONDITIONS:
            flow.request.headers.pop(name, None)
            exchange.headers.pop(name, None)

    def _is_not_for_reuse(self, exchange: Exchange) -> bool:
        mode = exchange.headers.get("sec-fetch-mode")
        return (mode == "navigate" and self.serves(exchange)) or (
            mode is not None and self._context.dispatcher.may_handle(exchange.origin, flows.client_origins(exchange))
        )

    def insert(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        """Puts the script into a response that becomes a document; called when its header is there."""
        response = flow.response
        assert response is not None
        if self.is_own(exchange):
            return  # it says for how long it is good
        if self._is_not_for_reuse(exchange):
            _forbid_reuse(response)
        is_html = response.headers.get("content-type", "").lower().startswith("text/html")
        if not (is_html or exchange.reserved is not None) or not self.serves(exchange):
            return
        is_ours = not has_opaque_origin(response.headers.fields)
        if exchange.reserved is not None and exchange.reserved.type == "window" and not is_ours:
            self._context.pages.failed(exchange.reserved)
            exchange.reserved = None
        headers = {name.lower(): value for name, value in response.headers.items()}
        if not is_ours or not wants_insertion(exchange.method, exchange.headers, response.status_code, headers):
            self._leave(flow, exchange, headers)
            return
        script = page_script()
        fields: Sequence[Field] = response.headers.fields
        allowance = allow_page_client(fields, exchange.origin, script.integrity)
        client = exchange.reserved or self.reserve(self._request(flow))
        if not allowance.can_run or client is None:
            self._leave(flow, exchange, headers)
            return
        exchange.reserved = client
        data = self._context.pages.delivered(client)
        tag = script_tag(script.version, data, allowance.nonce, allowance.integrity)
        insertion = Insertion(tag, headers.get("content-type", ""), headers.get("content-encoding", ""))
        response.headers.fields = tuple(fields_after_insertion(allowance.fields, insertion.added))
        if response.raw_content is not None:
            response.raw_content = insertion.feed(response.raw_content) + insertion.finish()
            response.headers["content-length"] = str(len(response.raw_content))
            self._context.pages.expected(client)
            return
        if "content-length" not in response.headers and not flow.request.is_http2:
            response.headers["transfer-encoding"] = "chunked"
        response.stream = self._streamed(insertion, client)

    def _streamed(self, insertion: Insertion, client: ServiceWorkerClient) -> Callable[[bytes], list[bytes]]:
        """What mitmproxy calls with each piece of a document, the last of which is empty."""
        has_begun = False

        def feed(data: bytes) -> list[bytes]:
            nonlocal has_begun
            piece = insertion.feed(data) if data else insertion.finish()
            if not has_begun and (piece or not data):
                has_begun = True
                self._context.pages.expected(client)
            return [piece] if piece else []

        return feed

    def _request(self, flow: http.HTTPFlow) -> ClientRequest:
        request = flows.client_request(flow)
        assert request is not None
        return request

    def _leave(self, flow: http.HTTPFlow, exchange: Exchange, headers: dict[str, str]) -> None:
        """What becomes of a response that stays as it is, and of the client that waits for it."""
        response, pages = flow.response, self._context.pages
        assert response is not None
        if (client := exchange.reserved) is not None:
            if client.type != "window" and 200 <= response.status_code < 300:
                pages.worker_started(client, self._context.dispatcher.sender(self._request(flow)))
            elif 300 <= response.status_code < 400 and "location" in headers:
                self._redirected(client, headers["location"])
            elif client.type != "window" or response.status_code in (204, 205):
                pages.failed(client)
            else:
                pages.lost(client)
        if headers.get("content-type", "").lower().startswith("text/html"):
            # A navigation that finds this in the browser's cache would get no script.
            response.headers.add("vary", "Sec-Fetch-Dest")

    def reserve(self, request: ClientRequest) -> ServiceWorkerClient | None:
        """The client that a response is to become: another one than before for each origin on the way."""
        client = self._context.dispatcher.reserve(request)
        before = self._on_the_way.pop((request.peer, request.target.url.partition("#")[0]), None)
        if client is not None and before is not None and before[0] is not None:
            self._context.clients.rename(client, before[0])
        if client is not None:
            self._context.pages.reserved(client)
        return client

    async def completed(self, exchange: Exchange, request: ClientRequest) -> ClientRequest:
        """With what browsers do not send: what a redirect says, or the document before it, or around it."""
        if not request.target.is_navigation:
            return await self._with_user(request, exchange.said)
        before = self._on_the_way.get((request.peer, request.target.url))
        departure = await self._context.pages.departures.of_navigation(
            request.peer,
            request.target.url,
            may_be_late=not request.is_reload_navigation
            and self._context.pages.has_page(request.peer, exchange.origin),
        )
        if departure is not None and departure.kind == "reload" and not _is_reload(request):
            departure = None  # it has come too late for another one
        fragment = before[1] if before is not None else departure.fragment if departure is not None else ""
        target = replace(request.target, url=request.target.url + fragment)
        if departure is None:
            return replace(request, target=target)
        return replace(
            request,
            target=target,
            is_reload_navigation=departure.kind == "reload",
            is_history_navigation=departure.kind == "traverse",
            replaces_client_id=departure.client,
        )

    async def _with_user(self, request: ClientRequest, said: PageRequest | None) -> ClientRequest:
        if said is None or not said.secret:
            return request
        secret = await self._context.pages.secret(said.client, said.secret)
        if secret is None:
            return request
        url = ada_url.URL(request.target.url)
        url.username, url.password = secret
        return replace(request, target=replace(request.target, url=url.href))

    def _redirected(self, client: ServiceWorkerClient, location: str) -> None:
        """It does not come from here."""
        self._context.pages.failed(client)
        try:
            target = ada_url.URL(location, client.url)
        except ValueError:
            return
        number = client.id if target.origin == client.origin else None
        key, entry = (client.peer, target.href.partition("#")[0]), (number, target.hash)
        self._on_the_way[key] = entry
        asyncio.get_running_loop().call_later(_REDIRECT_PATIENCE, self._forget, key, entry)
        if len(self._on_the_way) > _MOST_ON_THE_WAY:
            del self._on_the_way[next(iter(self._on_the_way))]

    def _forget(self, key: tuple[str, str], entry: tuple[str | None, str]) -> None:
        if self._on_the_way.get(key) is entry:
            del self._on_the_way[key]


def _is_reload(request: ClientRequest) -> bool:
    """Whether a navigation may be one: of forms that are sent the header does not tell."""
    return request.is_reload_navigation or request.method == "POST"


def _is_for_a_browsers_worker(exchange: Exchange) -> bool:
    """Whether a script is to become a service worker of the browser itself, and not of another swproxy."""
    return "service-worker" in exchange.headers and "swproxy/" not in exchange.headers.get("user-agent", "")


def _is_of_own_document(exchange: Exchange) -> bool:
    """Whether a document of the origin itself has sent it: browsers let no script forge these."""
    headers = exchange.headers
    return (
        headers.get("origin", exchange.origin) == exchange.origin
        and headers.get("sec-fetch-site", "same-origin") == "same-origin"
        and ("origin" in headers or "sec-fetch-site" in headers)
    )


def _forbid_reuse(response: http.Response) -> None:
    """The browser asks again before it uses the response once more."""
    control = response.headers.get("cache-control", "")
    if "no-store" not in control.lower():
        # In front: what a quotation mark has opened may not be closed.
        response.headers["cache-control"] = f"no-cache, {control}" if control else "no-cache"


def _script_response(exchange: Exchange) -> http.Response:
    script = page_script()
    is_current = exchange.url.endswith(f"?v={script.version}")
    headers = {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable" if is_current else "no-store",
        "vary": "Accept-Encoding",
        # Documents that are sandboxed into an origin of their own ask for it, too.
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }
    body = script.body
    accepted = {name.strip() for name in exchange.headers.get("accept-encoding", "").split(",")}
    if (coding := next((name for name in script.encoded if name in accepted), None)) is not None:
        body = script.encoded[coding]
        headers["content-encoding"] = coding
    response = http.Response.make(200, b"", headers)
    response.raw_content = b"" if exchange.method == "HEAD" else body
    response.headers["content-length"] = str(len(body))
    return response
