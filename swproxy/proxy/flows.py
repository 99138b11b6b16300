"""HTTPFlow to FetchRequest, and a worker's response back into a flow."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import ada_url
from mitmproxy import http

from swproxy.ipc.messages import Header
from swproxy.network.cors import SAFELISTED_METHODS, unsafe_header_names
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.service_worker.handle_fetch import FetchTarget
from swproxy.service_worker.registration import origin_of
from swproxy.workers.dispatcher import Answer, ClientRequest

# What scripts do not see of a client's request: https://fetch.spec.whatwg.org/#forbidden-request-header, and what the
# connection to the proxy is about.
_HIDDEN_REQUEST_HEADERS = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "priority",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
# What a worker's response may claim, but the proxy alone knows.
_CONNECTION_HEADERS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "set-cookie",
        "set-cookie2",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# What browsers add, and no preflight is about.
_BROWSERS = frozenset({"authorization", "cache-control", "pragma", "user-agent"})
NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "CONNECT"})
_MODES = frozenset({"navigate", "same-origin", "no-cors", "cors"})


@dataclass(slots=True)
class Exchange:
    """What swproxy knows of a flow; kept in its metadata.

    Attributes:
        method: the client's.
        url: as the client means it: of the host that it names, not the address it was sent to; no default port.
        origin: of the URL.
        headers: names in lower case, values of one name combined.
        is_candidate: a registration may match.
        began: when the request was there, in seconds.
        source: who answers: "network", "cache", "script", "error", "proxy"; or nothing, of what nobody has to know.
        reason: of an error.
        is_redirected: the flow goes to the streaming endpoint.
        said: what the page client says of the request.
        reserved: the client that the response is to become.
        has_no_credentials: neither has the response.
        had_worker: a worker has seen it.
    """

    method: str
    url: str
    origin: str
    headers: dict[str, str]
    is_candidate: bool = False
    began: float = 0.0
    source: str = "network"
    reason: str = ""
    is_redirected: bool = False
    said: "PageRequest | None" = None
    reserved: ServiceWorkerClient | None = None
    has_no_credentials: bool = False
    had_worker: bool = False


# What the page client says of a request (script/requests.js); it never leaves the proxy.
_SAID = re.compile(
    r"(?:, )?swproxy-([0-9a-f]{32})-([cnsb])([osi])([dnrcfo])([fem])([k0])([0-8])([a0])(?:-([0-9]{1,9}))?"
    r"(?:;([0-9A-Za-z.*= -]+))?\Z"
)
_SAID_IN = "content-language"
_BASE64 = str.maketrans(".*", "+/")
_SAID_MODES = {"c": "cors", "n": "no-cors", "s": "same-origin"}
_CREDENTIALS = {"o": "omit", "s": "same-origin", "i": "include"}
_CACHE_MODES = {
    "d": "default",
    "n": "no-store",
    "r": "reload",
    "c": "no-cache",
    "f": "force-cache",
    "o": "only-if-cached",
}
_REDIRECT_MODES = {"f": "follow", "e": "error", "m": "manual"}
_POLICIES = (
    *("", "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin"),
    *("strict-origin", "strict-origin-when-cross-origin", "unsafe-url", "same-origin"),
)


# https://w3c.github.io/webappsec-referrer-policy/#default-referrer-policy
_DEFAULT_POLICY = "strict-origin-when-cross-origin"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What Fetch knows of a request and its header does not tell.

    ``mode`` may be "no-cors" though the browser says "cors": then the page client keeps from the page what it
    must not read. ``goes_by`` the worker. ``is_authorized`` by the page itself. ``secret`` is the number of what the
    document has told of its URL's user, or 0.
    """

    client: str
    mode: str
    goes_by: bool
    credentials: str
    cache: str
    redirect: str
    policy: str
    integrity: str
    keepalive: bool
    is_authorized: bool
    secret: int = 0


_KEY = "swproxy"


def exchange_of(flow: http.HTTPFlow) -> Exchange:
    """The flow's, made at the first look."""
    exchange = flow.metadata.get(_KEY)
    if exchange is None:
        exchange = flow.metadata[_KEY] = _exchange(flow.request)
    return exchange


def _exchange(request: http.Request) -> Exchange:
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.headers.fields:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    scheme = request.scheme
    authority = (request.authority or headers.get("host") or f"{request.host}:{request.port}").lower()
    path = request.path if request.path.startswith("/") else "/"
    origin = f"{scheme}://{authority.removesuffix(':443' if scheme == 'https' else ':80')}"
    said = _take_said(request, headers) if _SAID_IN in headers else None
    return Exchange(request.method, origin + path, origin, headers, said=said)


def _take_said(request: http.Request, headers: dict[str, str]) -> PageRequest | None:
    """What the page client says, which is taken out of the request."""
    match = _SAID.search(headers[_SAID_IN])
    if match is None:
        return None
    del headers[_SAID_IN], request.headers[_SAID_IN]
    if rest := match.string[: match.start()]:
        headers[_SAID_IN] = request.headers[_SAID_IN] = rest
    client, mode, credentials, cache, redirect, keepalive, policy, authorized, secret, integrity = match.groups("")
    return PageRequest(
        client,
        _SAID_MODES.get(mode, ""),
        mode == "b",
        _CREDENTIALS[credentials],
        _CACHE_MODES[cache],
        _REDIRECT_MODES[redirect],
        _POLICIES[int(policy)],
        integrity.translate(_BASE64),
        keepalive == "k",
        authorized == "a",
        int(secret or 0),
    )


def withhold_credentials(flow: http.HTTPFlow, exchange: Exchange) -> None:
    """The page client sends credentials for the worker; a request that goes to the network may have to go without."""
    for name in _withheld(exchange):
        flow.request.headers.pop(name, None)


def without_credentials(request: ClientRequest, exchange: Exchange) -> ClientRequest:
    """The same for a request that is sent by ourselves."""
    withheld = _withheld(exchange)
    return replace(
        request,
        headers=[header for header in request.headers if header[0].lower() not in withheld],
        hidden_headers=[header for header in request.hidden_headers if header[0].lower() not in withheld],
    )


def _withheld(exchange: Exchange) -> tuple[str, ...]:
    """The headers that have to go; the response must set no cookies then."""
    said = exchange.said
    if said is None or said.credentials == "include":
        return ()
    if said.credentials != "omit" and exchange.headers.get("origin", exchange.origin) == exchange.origin:
        return ()
    exchange.has_no_credentials = True
    return ("cookie",) if said.is_authorized else ("cookie", "authorization")


def sender_origin(exchange: Exchange) -> str:
    """The origin of the document that has made a request, as the browser says; "" if it does not."""
    for name in ("origin", "referer"):
        if url := _url(exchange.headers.get(name, "")):
            return origin_of(url)
    same = exchange.headers.get("sec-fetch-site") == "same-origin" and "origin" not in exchange.headers
    return exchange.origin if same else ""


def is_simple(request: http.Request) -> bool:
    """Whether CORS lets a request go without a preflight."""
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.fields]
    own = [(name, value) for name, value in fields if not _is_hidden(name.lower()) and name.lower() not in _BROWSERS]
    return request.method in SAFELISTED_METHODS and not unsafe_header_names(own)


def client_origins(exchange: Exchange) -> tuple[str, ...]:
    """The origins of which the client of a request may be, as far as it says."""
    urls = [_url(exchange.headers.get(name, "")) for name in ("origin", "referer")]
    return tuple([origin_of(url) for url in urls if url])


def is_websocket(request: http.Request, exchange: Exchange) -> bool:
    """Whether the request opens a WebSocket, over HTTP/1.1 or HTTP/2."""
    headers = exchange.headers
    return (
        headers.get("upgrade", "").lower() == "websocket"
        or headers.get("sec-fetch-mode") == "websocket"
        or request.method == "CONNECT"
    )


def may_be_large(request: http.Request, exchange: Exchange, limit: int) -> bool:
    """Whether the body can have more than ``limit`` bytes, as far as the header says."""
    length = exchange.headers.get("content-length")
    if length is not None:
        return length.isdigit() and int(length) > limit
    return "transfer-encoding" in exchange.headers or has_untold_length(request, exchange)


def has_untold_length(request: http.Request, exchange: Exchange) -> bool:
    """Whether a body may come over HTTP/2 with nothing that tells its length.

    mitmproxy would send it over HTTP/1.1 without one, too, where its end could not be told from the next request.
    """
    return (
        request.is_http2
        and request.method not in _WITHOUT_BODY
        and "content-length" not in exchange.headers
        and not exchange.headers.get("content-type", "").startswith("application/grpc")  # HTTP/2 on both sides
    )


def shows_text(exchange: Exchange) -> bool:
    """Whether the client shows an error page to somebody: a navigation, or no browser at all."""
    return exchange.headers.get("sec-fetch-mode", "navigate") == "navigate"


def client_request(flow: http.HTTPFlow, *, hard_reload_bypasses: bool = True) -> ClientRequest | None:
    """What the specification calls the request; None if its URL is not valid.

    Args:
        hard_reload_bypasses: otherwise a hard reload is a navigation as any other.
    """
    request = flow.request
    exchange = exchange_of(flow)
    try:
        url = ada_url.URL(exchange.url).href
    except ValueError:
        return None
    headers = exchange.headers
    client_origin = headers.get("origin", "")
    if client_origin != "null" and not _url(client_origin):
        client_origin = ""
    mode = headers.get("sec-fetch-mode", "")
    destination = headers.get("sec-fetch-dest", "").replace("empty", "")
    has_metadata = mode in _MODES
    if not has_metadata:
        # Browsers before Fetch Metadata ask for pages like this; curl asks for anything.
        is_navigation = request.method == "GET" and "text/html" in headers.get("accept", "")
        mode, destination = ("navigate", "document") if is_navigation else ("cors", "")
    is_navigation = mode == "navigate"
    cache_control = headers.get("cache-control", "").lower()
    # Without the page's doing it is what the browser knows, as cookies are.
    said = exchange.said
    shows_authorization = said.is_authorized if said else mode not in ("navigate", "no-cors") or not has_metadata
    visible: list[Header] = []
    hidden: list[Header] = []
    for raw_name, raw_value in request.headers.fields:
        name = raw_name.decode("latin-1")
        is_hidden = _is_hidden(name.lower()) or (not shows_authorization and name.lower() == "authorization")
        (hidden if is_hidden else visible).append((name, raw_value.decode("latin-1")))
    if said and said.mode and has_metadata:
        mode = said.mode
    return ClientRequest(
        target=FetchTarget(
            url=url,
            destination=destination,
            is_navigation=is_navigation,
            is_hard_reload=hard_reload_bypasses and is_navigation and "no-cache" in cache_control,
            has_metadata=has_metadata,
            # https://html.spec.whatwg.org/#worker-processing-model: the worker's own script has another mode
            is_import=mode == "cors" and destination in ("worker", "sharedworker"),
        ),
        method=request.method,
        mode=mode,
        credentials=said.credentials if said else _credentials(mode, url, headers),
        cache=said.cache if said else _cache_mode(cache_control, headers, is_navigation=is_navigation),
        redirect="manual" if is_navigation or not has_metadata else said.redirect if said else "follow",
        # A form that is sent with POST has it, too.
        is_reload_navigation=is_navigation and request.method != "POST" and "max-age=0" in cache_control,
        referrer=_url(headers.get("referer", "")) or "no-referrer",
        client_origin=client_origin,
        headers=visible,
        hidden_headers=hidden,
        peer=peer_of(flow),
        client_id=said.client if said else "",
        integrity=said.integrity if said else "",
        keepalive=said.keepalive if said else False,
        referrer_policy=(said.policy if said else "") or (_DEFAULT_POLICY if has_metadata else ""),
    )


def peer_of(flow: http.HTTPFlow) -> str:
    """What tells one browser from another, as far as HTTP does."""
    address = flow.client_conn.peername
    return f"{address[0] if address else ''} {exchange_of(flow).headers.get('user-agent', '')}"


def _url(text: str) -> str:
    """The text if it is an absolute HTTP(S) URL, else nothing."""
    if not text.startswith(("https://", "http://")):
        return ""
    try:
        ada_url.URL(text)
    except ValueError:
        return ""
    return text


def _is_hidden(name: str) -> bool:
    return name in _HIDDEN_REQUEST_HEADERS or name.startswith(("sec-", "proxy-"))


def _credentials(mode: str, url: str, headers: Mapping[str, str]) -> str:
    if mode in ("navigate", "no-cors"):
        return "include"
    origin = headers.get("origin", "")
    cross_origin = origin not in ("", origin_of(url))
    return "include" if cross_origin and "cookie" in headers else "same-origin"


def _cache_mode(cache_control: str, headers: Mapping[str, str], *, is_navigation: bool) -> str:
    if headers.get("accept") == "text/event-stream":
        return "no-store"
    if "no-cache" in cache_control:
        return "reload" if is_navigation else "no-cache"
    return "no-cache" if "max-age=0" in cache_control else "default"


def clears_storage(response: http.Response) -> bool:
    """https://w3c.github.io/webappsec-clear-site-data/#header: whether the origin's storage is to be cleared."""
    types = response.headers.get("clear-site-data", "").split(",")
    return any(each.strip() in ('"storage"', '"*"') for each in types)


def response_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The header fields of a worker's answer for the client, without what only a connection can say."""
    fields = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in answer.headers
        if name.lower() not in _CONNECTION_HEADERS
    ]
    fields += [(b"set-cookie", value.encode("latin-1", "replace")) for value in answer.cookies]
    return fields


def respond(flow: http.HTTPFlow, answer: Answer, content: bytes) -> None:
    """Gives the client the answer; ``content`` is the whole body."""
    is_head = flow.request.method == "HEAD"
    fields = response_headers(answer)
    if answer.status not in NULL_BODY_STATUSES:
        length = b"%d" % len(content) if content or not is_head else _content_length(answer.headers)
        if length is not None:
            fields.append((b"content-length", length))
    flow.response = http.Response(
        b"HTTP/1.1",
        answer.status,
        answer.status_text.encode("latin-1", "replace"),
        http.Headers(fields),
        b"" if is_head else content,
        None,
        0.0,
        None,
    )


def _content_length(headers: list[Header]) -> bytes | None:
    """What a response without its body says of the length of that; nothing if it was encoded, for it would not be."""
    named = {name.lower(): value for name, value in headers}
    length = named.get("content-length", "")
    return length.encode() if length.isdecimal() and "content-encoding" not in named else None


def refuse(flow: http.HTTPFlow, reason: str) -> None:
    """A network error for a client that shows text: a 502 that says why."""
    flow.response = http.Response.make(
        502,
        "" if flow.request.method == "HEAD" else f"swproxy: {reason}\n",
        {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"},
    )
