"""HTTP-network fetch (https://fetch.spec.whatwg.org/#http-network-fetch) on aiohttp, for workers.

There is no HTTP cache and no cookie jar: a request made from a client's own carries that client's cookies, as its
credentials mode allows, and what the origin sets goes back to that client.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit
from weakref import WeakSet

import ada_url
import aiohttp
import msgspec
import yarl

from swproxy.errors import NetworkError
from swproxy.ipc.messages import Header, Request
from swproxy.network import cors, integrity
from swproxy.network.conditions import Conditions
from swproxy.network.content_security_policy import CONNECT, check
from swproxy.network.live_body import BodyReader, LiveBody
from swproxy.network.ports import is_bad_port
from swproxy.network.preflight_cache import PreflightCache
from swproxy.network.resource_policy import resource_policy_check
from swproxy.network.response_body import begin_body, read_all
from swproxy.network.sessions import LANGUAGES, FetchSettings, new_session, reason_of, tls_context
from swproxy.network.sites import is_same_site
from swproxy.network.wire import FetchRequest, Method, reason_bytes
from swproxy.service_worker.registration import origin_of

# What is checked for integrity is held in memory.
INTEGRITY_LIMIT = 1 << 26
MAX_REDIRECTS = 20
_ASCII = "".join(map(chr, range(0x80)))
_NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_MISDIRECTED = 421
_BODY_HEADERS = frozenset(
    {"content-encoding", "content-language", "content-location", "content-type", "content-length"}
)
_HOP_BY_HOP = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class Initiator:
    """On whose behalf: the worker, and the client's request that its request was made from, if any.

    ``url`` is the worker's, ``directory`` is for bodies that are kept; ``client_headers`` are those of the client's
    request that scripts do not see, and ``client_url`` is where they were sent to. ``policies`` are those of the
    worker's script: the fields of its header, names in lower case. Of Content-Security-Policy, ``directive`` counts.
    """

    origin: str
    url: str
    directory: Path
    client_url: str = ""
    client_headers: Sequence[Header] = ()
    policies: Sequence[Header] = ()
    directive: str = CONNECT


@dataclass(slots=True)
class NetworkResponse:
    """https://fetch.spec.whatwg.org/#concept-response: ``body`` is bytes, a stream, or None.

    ``cookies`` are the Set-Cookie values for the client, from all responses of its own origin.

    ``headers`` are those that the worker may see; all, if the type is "opaque", which hides them in the worker.
    """

    type: str
    urls: list[str]
    status: int
    status_text: str
    headers: list[Header]
    cookies: list[str]
    body: bytes | LiveBody | None


@dataclass(frozen=True, slots=True)
class _Upload:
    """A request body: all bytes, so that it can be sent again, or a stream."""

    data: bytes | None = None
    reader: BodyReader | None = None


class Fetcher:
    """Fetches for workers."""

    def __init__(self, settings: FetchSettings, conditions: Conditions) -> None:
        self._settings = settings
        self._conditions = conditions
        self._sessions: dict[tuple[str, bool], aiohttp.ClientSession] = {}
        self._responses: WeakSet[aiohttp.ClientResponse] = WeakSet()
        self._cut_off: WeakSet[aiohttp.ClientResponse] = WeakSet()
        self._preflights = PreflightCache()
        self._tls = tls_context(settings)

    def _session(self, origin: str, fresh: bool) -> aiohttp.ClientSession:
        """One for each origin, which can be cut off alone; a fresh one reuses no connection."""
        session = self._sessions.get((origin, fresh))
        if session is None:
            session = self._sessions[origin, fresh] = new_session(
                self._settings, self._tls, force_close=fresh, request_class=FetchRequest
            )
        return session

    async def close(self) -> None:
        """Drops all connections."""
        await self.cut(lambda _: True)

    async def cut(self, condition: Callable[[str], bool]) -> None:
        """Drops connections to the origins for which the condition is true: what is under way there breaks off."""
        sessions = [self._sessions.pop(key) for key in list(self._sessions) if condition(key[0])]
        for response in list(self._responses):
            if condition(origin_of(str(response.url))):
                # aiohttp leaves who reads a body waiting.
                response.content.set_exception(aiohttp.ClientConnectionError("the connection was closed here"))
                self._cut_off.add(response)
        for session in sessions:
            await session.close()

    async def fetch(
        self, request: Request, initiator: Initiator, body: bytes | BodyReader | None = None
    ) -> NetworkResponse:
        """https://fetch.spec.whatwg.org/#main-fetch

        Raises:
            NetworkError: there is no response that the worker may have.
        """
        upload = (
            _Upload() if body is None else _Upload(data=body) if isinstance(body, bytes) else _Upload(reader=body)
        )
        if not request.referrer_policy and (policy := cors.referrer_policy_of(initiator.policies)):
            request = msgspec.structs.replace(request, referrer_policy=policy)
        tainted_origin = False
        urls = [request.url]
        cookies: list[str] = []
        while True:
            origin = "null" if tainted_origin else initiator.origin
            cross_origin = origin_of(request.url) != origin
            is_target = len(urls) > 1
            check(initiator.policies, initiator.directive, request.url, initiator.origin, redirected=is_target)
            type_ = self._response_type(request, initiator, origin)
            request = _with_referrer(_without_user_agent(request, initiator), initiator)
            if (
                type_ == "cors"
                and cors.needs_preflight(request)
                and not self._preflights.allows(request, initiator.origin, origin)
            ):
                await self._preflight(request, initiator, origin)
            response = await self._http(request, initiator, origin, type_, upload, cookies)
            if response.status == _MISDIRECTED and upload.reader is None:
                # https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch: once more, on a new connection
                response.close()
                response = await self._http(request, initiator, origin, type_, upload, cookies, fresh=True)
            headers = _headers(response)
            if _shares_cookies(request, initiator, type_):
                cookies += [value for name, value in headers if name.lower() == "set-cookie"]
            try:
                if type_ == "cors":
                    self._cors_check(request, initiator, origin, headers)
                if type_ == "opaque":
                    resource_policy_check(request, origin, headers)
                redirects = response.status in _REDIRECT_STATUSES
                location = response.headers.get("Location")
                if redirects and request.redirect == "error":
                    raise NetworkError(f"{request.url} redirects, which the request does not allow")
                if redirects and request.redirect == "manual":
                    return await self._finish(request, initiator, "opaqueredirect", urls, response, headers, cookies)
                if not redirects or location is None:
                    return await self._finish(request, initiator, type_, urls, response, headers, cookies)
            except BaseException:
                response.close()
                raise
            response.close()
            if len(urls) > MAX_REDIRECTS:
                raise NetworkError(f"{urls[0]} redirects more than {MAX_REDIRECTS} times")
            target = _redirect_target(request, location)
            has_credentials = "@" in urlsplit(target).netloc
            if has_credentials and request.mode == "cors" and (type_ == "cors" or origin_of(target) != origin):
                raise NetworkError(f"{request.url} redirects to a URL with credentials")
            if response.status != 303 and upload.reader is not None:
                raise NetworkError(f"{request.url} redirects a request whose body was a stream")
            tainted_origin = tainted_origin or (cross_origin and origin_of(target) != origin_of(request.url))
            request, upload = _redirected(request, response.status, headers, target, upload)
            urls.append(target)

    async def forward(
        self, method: str, url: str, headers: list[Header], data: AsyncIterator[bytes]
    ) -> aiohttp.ClientResponse:
        """Sends a client's own request on as it is; the response comes as it is, neither followed nor decoded.

        Raises:
            NetworkError: the origin does not answer.
        """
        if self._conditions.is_offline(origin_of(url)):
            raise NetworkError(f"offline: {url} was not requested")
        kept = [(name, value) for name, value in headers if name.lower() not in (*_HOP_BY_HOP, "cookie")]
        # HTTP/2 has them in pieces.
        if cookies := "; ".join(value for name, value in headers if name.lower() == "cookie"):
            kept.append(("Cookie", cookies))
        return await self._request(method, url, kept, data, decompress=False)

    def _response_type(self, request: Request, initiator: Initiator, origin: str) -> str:
        """https://fetch.spec.whatwg.org/#concept-request-response-tainting; ``origin`` is the request's by now."""
        url = urlsplit(request.url)
        if url.scheme not in ("http", "https"):
            raise NetworkError(f"the scheme of {request.url} cannot be fetched")
        if is_bad_port(request.url):
            raise NetworkError(f"the port of {request.url} is one that browsers never connect to")
        if cors.is_mixed_content(initiator.origin, request.url):
            raise NetworkError(f"{request.url} is mixed content: a worker on HTTPS cannot fetch plain HTTP")
        if self._conditions.is_offline(origin_of(request.url)):
            raise NetworkError(f"offline: {request.url} was not requested")
        if request.cache == "only-if-cached":
            raise NetworkError(f"{request.url} is not in the HTTP cache")
        if request.mode == "navigate" or origin_of(request.url) == origin:
            return "basic"
        if request.mode == "same-origin":
            raise NetworkError(f"{request.url} is of another origin, which the mode 'same-origin' does not allow")
        if request.mode == "no-cors":
            if request.redirect != "follow":
                raise NetworkError("a no-cors request of another origin must follow redirects")
            return "opaque"
        return "cors"

    async def _preflight(self, request: Request, initiator: Initiator, origin: str) -> None:
        """https://fetch.spec.whatwg.org/#cors-preflight-fetch"""
        headers = [
            ("Accept", "*/*"),
            ("Access-Control-Request-Method", request.method),
            ("Origin", origin),
            ("Sec-Fetch-Mode", "cors"),
        ]
        if names := cors.unsafe_header_names(request.headers):
            headers.append(("Access-Control-Request-Headers", ",".join(names)))
        if request.referrer != "no-referrer":
            headers.append(("Referer", request.referrer))
        response = await self._send("OPTIONS", request.url, [*headers, ("User-Agent", self._user_agent(initiator))])
        try:
            cors.check_preflight(request, origin, response.status, _headers(response))
            self._preflights.allow(request, initiator.origin, origin, _headers(response))
        finally:
            response.close()

    def _cors_check(self, request: Request, initiator: Initiator, origin: str, headers: list[Header]) -> None:
        try:
            cors.cors_check(request, origin, headers)
        except NetworkError:
            self._preflights.clear(request, initiator.origin, origin)
            raise

    async def _http(
        self,
        request: Request,
        initiator: Initiator,
        origin: str,
        type_: str,
        upload: _Upload,
        cookies: list[str],
        *,
        fresh: bool = False,
    ) -> aiohttp.ClientResponse:
        headers = _combined(request.headers)
        if _shares_cookies(request, initiator, type_):
            headers += _cookie_header(initiator.client_headers, cookies)
            authorization = cors.get(initiator.client_headers, "authorization")
            if authorization is not None and cors.get(headers, "authorization") is None:
                headers.append(("Authorization", authorization))
        if cors.get(headers, "accept") is None:
            headers.append(("Accept", "*/*"))
        if cors.get(headers, "accept-language") is None:
            headers.append(("Accept-Language", cors.get(initiator.client_headers, "accept-language") or LANGUAGES))
        if cors.get(headers, "user-agent") is None:
            headers.append(("User-Agent", self._user_agent(initiator)))
        headers.append(("Accept-Encoding", "gzip, deflate, br, zstd"))
        if request.referrer != "no-referrer":
            headers.append(("Referer", request.referrer))
        if (named := cors.request_origin(request, origin, type_)) is not None:
            headers.append(("Origin", named))
        headers += _cache_headers(request)
        metadata = (
            ("Sec-Fetch-Dest", request.destination or "empty"),
            ("Sec-Fetch-Mode", request.mode),
            ("Sec-Fetch-Site", _site(request.url, origin)),
        )
        # A client's own request has them already.
        headers += [header for header in metadata if cors.get(headers, header[0].lower()) is None]
        return await self._send(request.method, request.url, headers, upload, fresh=fresh)

    def _user_agent(self, initiator: Initiator) -> str:
        return cors.get(initiator.client_headers, "user-agent") or self._settings.user_agent

    async def _send(
        self,
        method: str,
        url: str,
        headers: list[Header],
        upload: _Upload | None = None,
        *,
        fresh: bool = False,
    ) -> aiohttp.ClientResponse:
        data: bytes | AsyncIterator[bytes] | None = None
        if upload is not None and upload.data is not None:
            data = upload.data
        elif upload is not None and upload.reader is not None:
            data = _iterate(upload.reader)
            if upload.reader.size is not None:
                headers = [*headers, ("Content-Length", str(upload.reader.size))]
        elif method in ("POST", "PUT"):
            data = b""
        return await self._request(method, url, headers, data, fresh=fresh)

    async def _request(
        self,
        method: str,
        url: str,
        headers: list[Header],
        data: bytes | AsyncIterator[bytes] | None,
        *,
        decompress: bool | None = None,
        fresh: bool = False,
    ) -> aiohttp.ClientResponse:
        origin = origin_of(url)
        try:
            response = await self._session(origin, fresh).request(
                Method(method),
                yarl.URL(url.partition("#")[0], encoded=True),
                headers=headers,
                data=data,
                allow_redirects=False,
                auto_decompress=decompress,
            )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise NetworkError(f"cannot reach {origin}: {reason_of(error)}") from None
        self._responses.add(response)
        return response

    async def _finish(
        self,
        request: Request,
        initiator: Initiator,
        type_: str,
        urls: list[str],
        response: aiohttp.ClientResponse,
        headers: list[Header],
        cookies: list[str],
    ) -> NetworkResponse:
        visible = [(name, value) for name, value in headers if name.lower() not in ("set-cookie", "set-cookie2")]
        made = NetworkResponse(
            type_,
            urls,
            response.status,
            reason_bytes(response),
            cors.exposed_headers(request, visible) if type_ == "cors" else visible,
            cookies,
            None,
        )
        # Of a redirect that leads nowhere a navigation shows the body, wherever it comes from.
        leads_on = type_ == "opaqueredirect" and "Location" in response.headers
        if request.method == "HEAD" or response.status in _NULL_BODY_STATUSES or leads_on:
            response.close()
            return made
        body = await begin_body(response, initiator.directory, lambda: response in self._cut_off)
        if request.integrity:
            if type_ == "opaque":
                raise NetworkError(f"the integrity of {request.url} cannot be checked: the response is opaque")
            body = await read_all(body, INTEGRITY_LIMIT)
            if not integrity.matches(body, request.integrity):
                raise NetworkError(f"{request.url} does not have the integrity {request.integrity}")
        made.body = body
        return made


def _site(url: str, origin: str) -> str:
    """https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header, redirects not considered"""
    if origin_of(url) == origin:
        return "same-origin"
    return "same-site" if is_same_site(origin_of(url), origin) else "cross-site"


def _headers(response: aiohttp.ClientResponse) -> list[Header]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in response.raw_headers
        if name.decode("latin-1").lower() not in _HOP_BY_HOP
    ]


def _combined(headers: Sequence[Header]) -> list[Header]:
    """One header for each name, as it is first written: https://fetch.spec.whatwg.org/#concept-header-list-get"""
    combined: dict[str, Header] = {}
    for name, value in headers:
        first, before = combined.get(name.lower(), (name, None))
        combined[name.lower()] = (first, value if before is None else f"{before}, {value}")
    return list(combined.values())


def _shares_cookies(request: Request, initiator: Initiator, type_: str) -> bool:
    """Whether the client's cookies go with the request, and those of its response to the client."""
    includes = request.credentials == "include" or (request.credentials == "same-origin" and type_ == "basic")
    return includes and origin_of(request.url) == origin_of(initiator.client_url)


def _cookie_header(client_headers: Sequence[Header], set_cookies: list[str]) -> list[Header]:
    """The client's cookies, with those that earlier responses of a chain of redirects have set."""
    sent = "; ".join(value for name, value in client_headers if name.lower() == "cookie").split(";")
    fresh = {_cookie_name(pair): pair for pair in (value.partition(";")[0].strip() for value in set_cookies)}
    replaced = set(fresh)
    pairs = []
    for pair in map(str.strip, sent):
        name = _cookie_name(pair)
        if name not in replaced:
            pairs.append(pair)
        elif name in fresh:
            pairs.append(fresh.pop(name))
    kept = [pair for pair in (*pairs, *fresh.values()) if pair]
    return [("Cookie", "; ".join(kept))] if kept else []


def _cookie_name(pair: str) -> str:
    return pair.partition("=")[0].rstrip() if "=" in pair else ""


def _cache_headers(request: Request) -> list[Header]:
    if request.cache == "no-cache" and cors.get(request.headers, "cache-control") is None:
        return [("Cache-Control", "max-age=0")]
    if request.cache in ("no-store", "reload"):
        return [
            (name, "no-cache")
            for name in ("Pragma", "Cache-Control")
            if cors.get(request.headers, name.lower()) is None
        ]
    return []


def _redirect_target(request: Request, location: str) -> str:
    """https://fetch.spec.whatwg.org/#concept-response-location-url"""
    try:
        # As browsers do, bytes that are not ASCII stand for themselves.
        target = ada_url.URL(quote(location.encode("utf-8", "surrogateescape"), safe=_ASCII), request.url)
    except ValueError:
        raise NetworkError(f"{request.url} redirects to an invalid URL") from None
    if target.protocol not in ("http:", "https:"):
        raise NetworkError(f"{request.url} redirects to {target.href}, which is not an HTTP(S) URL")
    fragment = urlsplit(request.url).fragment
    if fragment and not target.hash:
        target.hash = fragment
    return str(target.href)


def _without_user_agent(request: Request, initiator: Initiator) -> Request:
    """What the browser says by itself needs no preflight; it is said again later."""
    own = cors.get(initiator.client_headers, "user-agent")
    if own is None or cors.get(request.headers, "user-agent") != own:
        return request
    kept = [header for header in request.headers if header[0].lower() != "user-agent"]
    return msgspec.structs.replace(request, headers=kept)


def _with_referrer(request: Request, initiator: Initiator) -> Request:
    """https://w3c.github.io/webappsec-referrer-policy/#determine-requests-referrer: what later requests start from"""
    referrer = initiator.url if request.referrer == "about:client" else request.referrer
    shown = cors.determine_referrer(request.referrer_policy, referrer, request.url)
    return msgspec.structs.replace(request, referrer=shown or "no-referrer")


def _redirected(
    request: Request, status: int, response_headers: Sequence[Header], target: str, upload: _Upload
) -> tuple[Request, _Upload]:
    """https://fetch.spec.whatwg.org/#concept-http-redirect-fetch: the next request"""
    headers = request.headers
    if policy := cors.referrer_policy_of(response_headers):
        request = msgspec.structs.replace(request, referrer_policy=policy)
    if (status in (301, 302) and request.method == "POST") or (
        status == 303 and request.method not in ("GET", "HEAD")
    ):
        request = msgspec.structs.replace(request, method="GET")
        headers = [(name, value) for name, value in headers if name.lower() not in _BODY_HEADERS]
        upload = replace(upload, data=None, reader=None)
    if origin_of(target) != origin_of(request.url):
        headers = [(name, value) for name, value in headers if name.lower() != "authorization"]
    return msgspec.structs.replace(request, url=target, headers=headers), upload


async def _iterate(reader: BodyReader) -> AsyncIterator[bytes]:
    while data := await reader.read():
        yield data
