"""HTTPFlow to FetchRequest, and a worker's response back into a flow."""

import ada_url
from mitmproxy import http

from swproxy.ipc.messages import Header
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
NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})
_MODES = frozenset({"navigate", "same-origin", "no-cors", "cors"})


def url_of(request: http.Request) -> str:
    """The URL as the client means it: with the host that it names, not the address it was sent to."""
    authority = request.host_header or request.authority
    path = request.path if request.path.startswith("/") else "/"
    if not authority:
        return f"{request.scheme}://{request.host}:{request.port}{path}"
    return f"{request.scheme}://{authority}{path}"


def origin_of_request(request: http.Request) -> str:
    """The origin of a request's URL, without a default port."""
    authority = (request.host_header or request.authority or f"{request.host}:{request.port}").lower()
    default = ":443" if request.scheme == "https" else ":80"
    return f"{request.scheme}://{authority.removesuffix(default)}"


def is_websocket(request: http.Request) -> bool:
    """Whether the request opens a WebSocket, over HTTP/1.1 or HTTP/2."""
    return (
        request.headers.get("upgrade", "").lower() == "websocket"
        or request.headers.get("sec-fetch-mode") == "websocket"
        or request.method == "CONNECT"
    )


def peer_of(flow: http.HTTPFlow) -> str:
    """What tells one browser from another, as far as HTTP does."""
    address = flow.client_conn.peername
    return f"{address[0] if address else ''} {flow.request.headers.get('user-agent', '')}"


def client_request(flow: http.HTTPFlow) -> ClientRequest | None:
    """What the specification calls the request; None if its URL is not valid."""
    request = flow.request
    try:
        url = ada_url.URL(url_of(request)).href
    except ValueError:
        return None
    headers = request.headers
    site_mode = headers.get("sec-fetch-mode", "")
    has_metadata = site_mode in _MODES
    destination = headers.get("sec-fetch-dest", "").replace("empty", "")
    if not has_metadata:
        # Browsers before Fetch Metadata ask for pages like this; curl asks for anything.
        is_navigation = request.method == "GET" and "text/html" in headers.get("accept", "")
        site_mode = "navigate" if is_navigation else "cors"
        destination = "document" if is_navigation else ""
    is_navigation = site_mode == "navigate"
    cache_control = headers.get("cache-control", "").lower()
    is_hard_reload = is_navigation and "no-cache" in cache_control
    pairs: list[Header] = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.fields if name[:1] != b":"
    ]
    return ClientRequest(
        target=FetchTarget(
            url=url,
            destination=destination,
            is_navigation=is_navigation,
            is_hard_reload=is_hard_reload,
            has_metadata=has_metadata,
        ),
        method=request.method,
        mode=site_mode,
        credentials=_credentials(site_mode, url, headers),
        cache=_cache_mode(cache_control, is_navigation),
        redirect="manual" if is_navigation or not has_metadata else "follow",
        is_reload_navigation=is_navigation and "max-age=0" in cache_control,
        referrer=headers.get("referer", "no-referrer"),
        client_origin=headers.get("origin", ""),
        headers=[(name, value) for name, value in pairs if not _is_hidden(name.lower())],
        hidden_headers=[(name, value) for name, value in pairs if _is_hidden(name.lower())],
        peer=peer_of(flow),
    )


def _is_hidden(name: str) -> bool:
    return name in _HIDDEN_REQUEST_HEADERS or name.startswith(("sec-", "proxy-"))


def _credentials(mode: str, url: str, headers: http.Headers) -> str:
    if mode in ("navigate", "no-cors"):
        return "include"
    origin = headers.get("origin", "")
    cross_origin = origin not in ("", origin_of(url))
    return "include" if cross_origin and "cookie" in headers else "same-origin"


def _cache_mode(cache_control: str, is_navigation: bool) -> str:
    if "no-cache" in cache_control:
        return "reload" if is_navigation else "no-cache"
    return "no-cache" if "max-age=0" in cache_control else "default"


def response_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The header fields of a worker's answer for the client, without what only a connection can say."""
    fields = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in answer.headers
        if name.lower() not in _CONNECTION_HEADERS
    ]
    return fields + [(b"set-cookie", value.encode("latin-1", "replace")) for value in answer.cookies]


def respond(flow: http.HTTPFlow, answer: Answer, content: bytes) -> None:
    """Gives the client the answer; ``content`` is the whole body."""
    response = http.Response(
        b"HTTP/1.1",
        answer.status,
        answer.status_text.encode("latin-1", "replace"),
        http.Headers(response_headers(answer)),
        b"" if flow.request.method == "HEAD" else content,
        None,
        0.0,
        None,
    )
    if answer.status not in NULL_BODY_STATUSES:
        response.headers["content-length"] = str(len(content))
    flow.response = response


def refuse(flow: http.HTTPFlow, reason: str) -> None:
    """A network error for a client that shows text: a 502 that says why."""
    flow.response = http.Response.make(
        502,
        f"swproxy: {reason}\n",
        {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"},
    )
