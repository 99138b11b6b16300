"""The mitmproxy hooks: from a flow to the dispatcher and back, a few lines each."""

import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web
from mitmproxy import connection, http, tcp, tls
from mitmproxy.proxy import server_hooks

from swproxy.context import ServiceWorkerContext
from swproxy.errors import NetworkError
from swproxy.network.live_body import BodyReader, CompleteReader, LiveBody
from swproxy.network.resolver import mapped_address
from swproxy.network.wire import reason_bytes
from swproxy.proxy import flows
from swproxy.proxy.connections import Connections
from swproxy.proxy.filtered import Filtered, nobody_answers, without_foreign_policies, worker_fails
from swproxy.proxy.flows import Exchange
from swproxy.proxy.interception import Interception
from swproxy.proxy.page_client import PageClient
from swproxy.proxy.streaming import StreamingEndpoint, VerbatimResponse, stream_answer
from swproxy.storage.bodies import BytesBody, CompleteBody, FileBody
from swproxy.workers.dispatcher import Answer, ClientRequest, Failure, Outcome, PassedThrough

log = logging.getLogger(__name__)

# A body up to this size, in bytes, goes through memory.
BUFFER_LIMIT = 1 << 20


class ServiceWorkerAddon:
    """What makes mitmproxy a programmable proxy of service workers.

    Args:
        context: everything else.
    """

    def __init__(self, context: ServiceWorkerContext) -> None:
        self._context = context
        settings = context.settings
        self._interception = Interception(
            context.registrations, settings.intercept, everything=settings.intercept_all
        )
        self._streaming = StreamingEndpoint()
        self._filtered = Filtered()
        self._page_client = PageClient(context, self._streaming)
        self._connections = Connections(settings.connect_timeout)
        # Servers that are elsewhere than they were asked for, by their ids: host and port that were asked for.
        self._asked: dict[str, tuple[str, int]] = {}
        context.conditions.observe(self._network_changed)
        context.observe_registrations(self._registrations_changed)

    async def running(self) -> None:
        await self._streaming.start()

    async def done(self) -> None:
        await self._streaming.close()

    # Connections

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        server = data.context.server.address
        host = data.client_hello.sni or (server[0] if server else None)
        if not self._interception.is_decrypted(host):
            data.ignore_connection = True
            self._connections.tunnelled(data.context.client, host or "")

    def client_disconnected(self, client: connection.Client) -> None:
        self._connections.client_gone(client)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        if self._streaming.is_ours(data.server.address):
            return
        if self._is_offline(data.server):
            data.server.error = "swproxy is offline"
        else:
            assert data.server.address is not None
            host, port = data.server.address[0], data.server.address[1]
            if (mapped := mapped_address(self._context.settings.resolve, host, port)) is not None:
                self._asked[data.server.id] = host, port
                data.server.address = mapped
            self._connections.limit_dialling(data.server, data.client)

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._connections.connected(data.server, data.client)

    def server_disconnected(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._asked.pop(data.server.id, None)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._asked.pop(data.server.id, None)

    def _is_offline(self, server: connection.Server) -> bool:
        """Whether nothing may go to this server now. Of a tunnel the proxy knows host and port only."""
        if server.address is None or self._streaming.is_ours(server.address):
            return False
        host, port = self._asked.get(server.id, server.address[:2])
        host = server.sni or host
        is_offline = self._context.conditions.is_offline
        return is_offline(_serialized_origin("https", host, port)) or is_offline(
            _serialized_origin("http", host, port)
        )

    def _network_changed(self) -> None:
        self._connections.cut_servers(self._is_offline)

    def _registrations_changed(self) -> None:
        self._connections.cut_tunnels(self._interception.is_decrypted)

    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        flow.messages.clear()  # a WebSocket may live for days

    # Requests

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        exchange = flows.exchange_of(flow)
        if self._page_client.is_own(exchange):
            self._page_client.serve(flow, exchange)
            return
        self._page_client.believe(flow, exchange)
        self._page_client.prepare(flow, exchange)
        exchange.is_candidate = self._is_candidate(flow, exchange)
        if not exchange.is_candidate:
            flows.withhold_credentials(flow, exchange)
            if flows.has_untold_length(flow.request, exchange):
                self._redirect_upload(flow)
                return
            # Offline, nothing is to be connected to: the request hook answers.
            flow.request.stream = not self._context.conditions.is_offline(exchange.origin)
            return
        if flows.may_be_large(flow.request, exchange, BUFFER_LIMIT):
            self._redirect_upload(flow)

    def _is_candidate(self, flow: http.HTTPFlow, exchange: Exchange) -> bool:
        request = flow.request
        if exchange.said is not None and exchange.said.goes_by:
            return False
        if request.scheme != "https" and not self._context.settings.allow_insecure_localhost:
            return False
        if not self._context.dispatcher.may_handle(exchange.origin, flows.client_origins(exchange)):
            return False
        if self._filtered.goes_by_the_worker(flows.peer_of(flow), exchange):
            return False
        return not flows.is_websocket(request, exchange)

    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = flows.exchange_of(flow)
        exchange.began = time.perf_counter()
        if exchange.is_redirected or flow.response is not None or flow.error is not None:
            return
        if (answer := self._filtered.followed(flows.peer_of(flow), exchange)) is not None:
            self._answer(flow, self._as_taken(flow, exchange, answer))
        elif exchange.is_candidate and (request := self._client_request(flow)) is not None:
            self._conclude(flow, exchange, await self._outcome(exchange, request, flow.request.raw_content or None))
            if exchange.is_redirected or flow.response is not None or flow.error is not None:
                return
        if self._context.conditions.is_offline(exchange.origin):
            self._network_error(flow, exchange, f"offline: {exchange.origin} was not asked")

    def _client_request(self, flow: http.HTTPFlow) -> ClientRequest | None:
        return flows.client_request(flow, hard_reload_bypasses=self._context.settings.hard_reload_bypasses)

    async def _outcome(self, exchange: Exchange, request: ClientRequest, body: bytes | LiveBody | None) -> Outcome:
        """What the worker, if there is one, makes of a request."""
        if self._page_client.serves(exchange):
            request = await self._page_client.completed(exchange, request)
            exchange.reserved = self._page_client.reserve(request)
        try:
            outcome = await self._context.dispatcher.handle(request, body, exchange.reserved)
        except Exception:
            # A fault of ours must not send to the network what a worker was to answer.
            log.exception("%s could not be handled", request.target.url)
            return Failure("swproxy failed; see proxy.log in the profile", None)
        if not isinstance(outcome, PassedThrough):
            return outcome
        if exchange.said is not None and exchange.said.cache == "only-if-cached":
            return Failure("only a cache was to answer, and no worker does", None)
        exchange.had_worker = outcome.by_worker
        return outcome

    def _conclude(self, flow: http.HTTPFlow, exchange: Exchange, outcome: Outcome) -> None:
        match outcome:
            case Answer():
                self._answer(flow, self._as_taken(flow, exchange, outcome))
            case Failure():
                self._network_error(flow, exchange, outcome.reason)
            case PassedThrough():
                if (answer := nobody_answers(exchange)) is not None:
                    flows.respond(flow, answer, b"")
                flows.withhold_credentials(flow, exchange)

    def _as_taken(self, flow: http.HTTPFlow, exchange: Exchange, answer: Answer) -> Answer:
        """What a browser is to get in place of a worker's answer."""
        exchange.source, exchange.had_worker = answer.source, True
        answer = without_foreign_policies(answer, exchange.origin)
        return self._filtered.filtered(exchange, flows.peer_of(flow), answer)

    def _answer(self, flow: http.HTTPFlow, answer: Answer) -> None:
        body = answer.body
        if body is None:
            flows.respond(flow, answer, b"")
        elif isinstance(body, BytesBody | FileBody) and body.size <= BUFFER_LIMIT:
            flows.respond(flow, answer, body.read(0, body.size))
            body.close()
        else:
            reader = _reader(body)
            self._streaming.redirect(flow, lambda request: stream_answer(request, answer, reader), reader.close)

    def _network_error(self, flow: http.HTTPFlow, exchange: Exchange, reason: str) -> None:
        """What a browser gives a page: fetch() rejects. What shows text gets an explanation."""
        exchange.source, exchange.reason = "error", reason
        if flows.shows_text(exchange):
            flows.refuse(flow, reason)
        elif (answer := worker_fails(exchange)) is not None:
            flows.respond(flow, answer, b"")
        else:
            self._journal_request(flow, exchange, 0)
            flow.kill()

    # Responses

    async def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        exchange = flows.exchange_of(flow)
        if exchange.has_no_credentials:
            flow.response.headers.pop("set-cookie", None)
        passes = exchange.is_redirected or exchange.source == "network"
        flow.response.stream = passes and flow.response.status_code != 101
        if exchange.had_worker and exchange.source == "network" and 300 <= flow.response.status_code < 400:
            self._filtered.network_redirects(exchange, flows.peer_of(flow), flow.response.headers.get("location"))
        if exchange.source == "network" and flows.clears_storage(flow.response):
            await self._clear_site_data(exchange.origin)
        self._page_client.insert(flow, exchange)

    async def _clear_site_data(self, origin: str) -> None:
        """The response waits for that, so that who reads it finds nothing left."""
        if self._context.is_trustworthy(origin):
            await self._context.clear_site_data(origin)

    def response(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        self._journal_request(flow, flows.exchange_of(flow), flow.response.status_code)

    def error(self, flow: http.HTTPFlow) -> None:
        exchange = flows.exchange_of(flow)
        if exchange.reserved is not None:
            self._context.pages.failed(exchange.reserved)
        if exchange.reason or flow.error is None:
            return
        exchange.source, exchange.reason = "error", flow.error.msg
        self._journal_request(flow, exchange, 0)
        if not flows.shows_text(exchange) and flow.killable:
            flow.kill()

    def _journal_request(self, flow: http.HTTPFlow, exchange: Exchange, status: int) -> None:
        if not exchange.source:
            return
        content = flow.response.data.content if flow.response is not None else None
        self._context.journal.write(
            "request",
            method=exchange.method,
            url=exchange.url,
            status=status,
            source=exchange.source,
            milliseconds=round((time.perf_counter() - exchange.began) * 1000, 2) if exchange.began else None,
            bytes=None if content is None else len(content),
            reason=exchange.reason,
        )

    # Large uploads

    def _redirect_upload(self, flow: http.HTTPFlow) -> None:
        request = self._client_request(flow)
        if request is None:
            return
        # mitmproxy 11 makes the end of a chunked body of an empty piece, and then another one.
        flow.request.stream = lambda data: [data] if data else []
        self._streaming.redirect(flow, lambda incoming: self._serve_upload(flow, request, incoming))

    async def _serve_upload(
        self, flow: http.HTTPFlow, request: ClientRequest, incoming: web.Request
    ) -> web.StreamResponse:
        async def read() -> bytes:
            try:
                return await incoming.content.readany()
            except (aiohttp.ClientError, ConnectionError, ValueError) as error:
                raise NetworkError(f"the upload broke off: {error}") from None

        body = LiveBody(read, incoming.content_length, self._context.profile.scratch, lambda: None)
        fallback = body.clone()  # kept on disk, in case the worker leaves the request to the network
        exchange = flows.exchange_of(flow)
        try:
            outcome = await self._outcome(exchange, request, body) if exchange.is_candidate else PassedThrough()
            if isinstance(outcome, Answer):
                answer = self._as_taken(flow, exchange, outcome)
                return await stream_answer(incoming, answer, _reader(answer.body))
            if isinstance(outcome, Failure):
                return await self._upload_failed(flow, incoming, outcome.reason)
            if (unanswered := nobody_answers(exchange)) is not None:
                return await stream_answer(incoming, unanswered, _reader(None))
            return await self._forward(flows.without_credentials(request, exchange), incoming, fallback)
        except NetworkError as error:
            return await self._upload_failed(flow, incoming, str(error))
        finally:
            fallback.close()

    async def _upload_failed(self, flow: http.HTTPFlow, incoming: web.Request, reason: str) -> web.StreamResponse:
        """See ``_network_error``."""
        exchange = flows.exchange_of(flow)
        exchange.source, exchange.reason = "error", reason
        if flows.shows_text(exchange):
            return web.Response(status=502, text=f"swproxy: {reason}\n")
        if (answer := worker_fails(exchange)) is not None:
            return await stream_answer(incoming, answer, _reader(None))
        self._journal_request(flow, exchange, 0)
        assert incoming.transport is not None
        incoming.transport.abort()
        return web.Response(status=502)

    async def _forward(self, request: ClientRequest, incoming: web.Request, body: Any) -> web.StreamResponse:
        """The upload to its origin, as it came, and the response back, as it comes."""

        async def data() -> AsyncIterator[bytes]:
            while chunk := await body.read():
                yield chunk

        upstream = await self._context.fetcher.forward(
            request.method, request.target.url, [*request.headers, *request.hidden_headers], data()
        )
        async with upstream:
            hidden = (b"connection", b"keep-alive", b"transfer-encoding")
            fields = [field for field in upstream.raw_headers if field[0].lower() not in hidden]
            response = VerbatimResponse(upstream.status, reason_bytes(upstream), fields)
            await response.prepare(incoming)
            while chunk := await upstream.content.readany():
                await response.write(chunk)
            await response.write_eof()
            return response


def _reader(body: CompleteBody | BodyReader | None) -> BodyReader:
    return CompleteReader(body or BytesBody(b"")) if isinstance(body, BytesBody | FileBody | None) else body


def _serialized_origin(scheme: str, host: str, port: int) -> str:
    default = 443 if scheme == "https" else 80
    host = f"[{host.lower()}]" if ":" in host else host.lower()
    return f"{scheme}://{host}" if port == default else f"{scheme}://{host}:{port}"
