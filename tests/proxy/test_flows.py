"""From a flow of mitmproxy to the specification's request, and from a worker's answer back."""

from dataclasses import replace

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from swproxy.ipc.messages import Header
from swproxy.proxy import flows
from swproxy.service_worker.handle_fetch import FetchTarget
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.workers.dispatcher import Answer, ClientRequest

SITE = "https://site.test"
BROWSER = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def flow_of(url: str = f"{SITE}/", method: str = "GET", *pairs: Header, **headers: str) -> http.HTTPFlow:
    """A request that was sent to that URL; header names with underscores for hyphens."""
    fields = [*pairs, *((name.replace("_", "-"), value) for name, value in headers.items())]
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    request = http.Request.make(method, url)
    request.headers = http.Headers(raw)
    return tflow.tflow(req=request)


def request_of(url: str = f"{SITE}/", method: str = "GET", headers: dict[str, str] | None = None) -> ClientRequest:
    made = flows.client_request(flow_of(url, method, *(headers or {}).items()))
    assert made is not None
    return made


def answer(status: int = 200, *headers: Header, cookies: tuple[str, ...] = (), text: str = "OK") -> Answer:
    registration = ServiceWorkerRegistration(f"{SITE}/")
    return Answer(status, text, list(headers), list(cookies), None, "script", registration)


@pytest.mark.parametrize(
    ("version", "method", "headers", "expected"),
    [
        ("HTTP/1.1", "POST", {}, False),
        ("HTTP/1.1", "POST", {"content-length": "10"}, False),
        ("HTTP/1.1", "POST", {"content-length": "11"}, True),
        ("HTTP/1.1", "POST", {"content-length": "nonsense"}, False),
        ("HTTP/1.1", "POST", {"transfer-encoding": "chunked"}, True),
        ("HTTP/2.0", "POST", {"content-length": "10"}, False),
        ("HTTP/2.0", "POST", {}, True),
        ("HTTP/2.0", "POST", {"content-type": "application/grpc"}, False),
        ("HTTP/2.0", "GET", {}, False),
    ],
)
def test_bodies_that_may_be_large(version: str, method: str, headers: dict[str, str], expected: bool) -> None:
    """By their length, or because nothing says what it is."""
    flow = flow_of(f"{SITE}/", method, *headers.items())
    flow.request.http_version = version
    assert flows.may_be_large(flow.request, flows.exchange_of(flow), 10) is expected


# What the client means


def test_the_host_that_the_client_names_counts() -> None:
    """Not the address that the request was sent to; in lower case."""
    flow = flow_of("https://127.0.0.1:8443/path?query", "GET", host="Site.Test")
    exchange = flows.exchange_of(flow)
    assert (exchange.url, exchange.origin) == (f"{SITE}/path?query", SITE)


def test_the_authority_of_http2_counts_most() -> None:
    """A Host header beside it says nothing."""
    flow = flow_of("https://127.0.0.1/", "GET", host="other.test")
    flow.request.authority = "site.test:8443"
    assert flows.exchange_of(flow).origin == f"{SITE}:8443"


def test_a_client_that_names_no_host() -> None:
    """HTTP/1.0: the address is all there is."""
    assert flows.exchange_of(flow_of("http://127.0.0.1:8000/")).origin == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", "site.test:443", "https://site.test"),
        ("https", "site.test:80", "https://site.test:80"),
        ("http", "site.test:80", "http://site.test"),
        ("http", "site.test:443", "http://site.test:443"),
        ("https", "[::1]:443", "https://[::1]"),
        ("https", "site.test:4443", "https://site.test:4443"),
    ],
)
def test_an_origin_has_no_default_port(scheme: str, host: str, origin: str) -> None:
    """Each scheme has its own; nor has a URL, as browsers serialize them."""
    exchange = flows.exchange_of(flow_of(f"{scheme}://127.0.0.1/path", "GET", host=host))
    assert (exchange.origin, exchange.url) == (origin, f"{origin}/path")


def test_a_request_about_no_path() -> None:
    """``OPTIONS *`` is about the whole origin."""
    flow = flow_of(f"{SITE}/", "OPTIONS", host="site.test")
    flow.request.path = "*"
    assert flows.exchange_of(flow).url == f"{SITE}/"


def test_headers_of_one_name_are_combined() -> None:
    """In their order, under a name in lower case."""
    flow = flow_of(SITE, "GET", ("Accept", "a"), ("X", "1"), ("ACCEPT", "b"))
    assert flows.exchange_of(flow).headers == {"accept": "a, b", "x": "1"}


def test_an_exchange_is_made_once() -> None:
    """What a hook changes of the request later does not change what the client meant."""
    flow = flow_of(f"{SITE}/", "GET", host="site.test")
    exchange = flows.exchange_of(flow)
    flow.request.headers["host"] = "127.0.0.1:1"
    assert flows.exchange_of(flow) is exchange
    assert exchange.origin == SITE


@pytest.mark.parametrize(
    ("headers", "origins"),
    [
        ({}, ()),
        ({"origin": SITE}, (SITE,)),
        ({"referer": f"{SITE}/page?x"}, (SITE,)),
        ({"origin": "https://a.test", "referer": "https://b.test:8443/"}, ("https://a.test", "https://b.test:8443")),
        ({"origin": "null", "referer": f"{SITE}/"}, (SITE,)),
        ({"origin": "http://[x", "referer": "nonsense"}, ()),
    ],
)
def test_origins_of_the_client(headers: dict[str, str], origins: tuple[str, ...]) -> None:
    """By Origin and Referer; an opaque origin is none."""
    exchange = flows.exchange_of(flow_of(SITE, "GET", *headers.items()))
    assert flows.client_origins(exchange) == origins


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", {"upgrade": "WebSocket", "connection": "upgrade"}, True),
        ("GET", {"sec-fetch-mode": "websocket"}, True),
        ("CONNECT", {}, True),
        ("GET", {"upgrade": "h2c"}, False),
        ("GET", {}, False),
    ],
)
def test_websockets(method: str, headers: dict[str, str], expected: bool) -> None:
    """Over HTTP/1.1 and HTTP/2."""
    flow = flow_of(SITE, method, *headers.items())
    assert flows.is_websocket(flow.request, flows.exchange_of(flow)) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, True), (NAVIGATION, True), (BROWSER, False), ({"sec-fetch-mode": "no-cors"}, False)],
)
def test_who_shows_text(headers: dict[str, str], expected: bool) -> None:
    """A navigation, and what is no browser."""
    assert flows.shows_text(flows.exchange_of(flow_of(SITE, "GET", *headers.items()))) is expected


# The specification's request


def test_a_page_that_is_opened() -> None:
    """A navigation of a browser: with credentials, and redirects are its own."""
    request = request_of(f"{SITE}/page", headers=NAVIGATION | {"referer": f"{SITE}/"})
    assert request.target == FetchTarget(f"{SITE}/page", "document", is_navigation=True, has_metadata=True)
    assert (request.mode, request.credentials, request.redirect) == ("navigate", "include", "manual")
    assert (request.cache, request.referrer, request.is_reload_navigation) == ("default", f"{SITE}/", False)


def test_what_a_page_fetches() -> None:
    """ "empty" is the destination's name for none."""
    request = request_of(f"{SITE}/data", "POST", BROWSER | {"origin": SITE})
    assert request.target == FetchTarget(f"{SITE}/data", "", has_metadata=True)
    assert (request.method, request.mode, request.redirect) == ("POST", "cors", "follow")
    assert (request.referrer, request.client_origin) == ("no-referrer", SITE)


def test_an_old_browser_asks_for_a_page() -> None:
    """One that sends no metadata is known by what it accepts."""
    request = request_of(headers={"accept": "text/html,*/*"})
    assert request.target == FetchTarget(f"{SITE}/", "document", is_navigation=True)
    assert (request.mode, request.redirect) == ("navigate", "manual")


@pytest.mark.parametrize(("method", "accept"), [("GET", "*/*"), ("POST", "text/html")])
def test_curl(method: str, accept: str) -> None:
    """No navigation; redirects are left to it."""
    request = request_of(method=method, headers={"accept": accept})
    assert request.target == FetchTarget(f"{SITE}/")
    assert (request.mode, request.redirect) == ("cors", "manual")


def test_a_mode_that_does_not_exist_is_no_metadata() -> None:
    """Then the client is one that made it up."""
    assert not request_of(headers={"sec-fetch-mode": "sideways"}).target.has_metadata


@pytest.mark.parametrize(
    ("headers", "cache_control", "cache", "hard", "reload"),
    [
        (NAVIGATION, "", "default", False, False),
        (NAVIGATION, "max-age=0", "no-cache", False, True),
        (NAVIGATION, "No-Cache", "reload", True, False),
        (BROWSER, "max-age=0", "no-cache", False, False),
        (BROWSER, "no-cache", "no-cache", False, False),
        (BROWSER, "no-transform", "default", False, False),
    ],
)
def test_reloads(headers: dict[str, str], cache_control: str, cache: str, hard: bool, reload: bool) -> None:
    """A reload and a hard one are told by Cache-Control; only pages are reloaded."""
    request = request_of(headers=headers | {"cache-control": cache_control})
    assert (request.cache, request.target.is_hard_reload, request.is_reload_navigation) == (cache, hard, reload)


def test_a_form_that_is_sent_is_no_reload() -> None:
    """Browsers ask for no cached answer then, either."""
    request = request_of(method="POST", headers=NAVIGATION | {"cache-control": "max-age=0"})
    assert not request.is_reload_navigation


def test_imports_of_workers() -> None:
    """A module that a worker's module imports has the worker's destination."""
    headers = [{"sec-fetch-mode": mode, "sec-fetch-dest": "worker"} for mode in ("same-origin", "cors")]
    own, imported = (request_of(headers=each).target for each in headers)
    assert (own.is_import, own.is_non_subresource) == (False, True)
    assert (imported.is_import, imported.is_non_subresource) == (True, False)


def test_a_hard_reload_may_count_as_any_other() -> None:
    """The setting ``hard_reload_bypasses`` is off: the worker is asked, and sees that it was a reload."""
    flow = flow_of(SITE, "GET", *(NAVIGATION | {"cache-control": "no-cache"}).items())
    request = flows.client_request(flow, hard_reload_bypasses=False)
    assert request is not None
    assert not request.target.is_hard_reload
    assert request.cache == "reload"


@pytest.mark.parametrize(
    ("mode", "headers", "credentials"),
    [
        ("no-cors", {}, "include"),
        ("same-origin", {"cookie": "a=b"}, "same-origin"),
        ("cors", {}, "same-origin"),
        ("cors", {"origin": SITE, "cookie": "a=b"}, "same-origin"),
        ("cors", {"origin": "https://other.test"}, "same-origin"),
        ("cors", {"origin": "https://other.test", "cookie": "a=b"}, "include"),
    ],
)
def test_credentials(mode: str, headers: dict[str, str], credentials: str) -> None:
    """Cookies that went to another origin were meant to."""
    assert request_of(headers={"sec-fetch-mode": mode, **headers}).credentials == credentials


def test_scripts_do_not_see_every_header() -> None:
    """What they must not see is kept apart; the order, the spelling and repetitions stay."""
    visible = [("Accept", "*/*"), ("X-Two", "1"), ("Authorization", "Basic x"), ("X-Two", "2"), ("Range", "bytes=0-")]
    hidden = [
        ("Host", "site.test"),
        ("Cookie", "a=b"),
        ("Accept-Encoding", "gzip"),
        ("Sec-CH-UA", "x"),
        ("Proxy-Connection", "keep-alive"),
        ("Origin", SITE),
        ("TE", "trailers"),
    ]
    mixed = [pair for pairs in zip(visible, hidden, strict=False) for pair in pairs] + hidden[len(visible) :]
    request = flows.client_request(flow_of(SITE, "GET", *mixed))
    assert request is not None
    assert request.headers == visible
    assert request.hidden_headers == hidden


def test_header_values_are_bytes() -> None:
    """One character for each."""
    assert request_of(headers={"x-name": "caf\xe9"}).headers == [("x-name", "caf\xe9")]


@pytest.mark.parametrize(
    ("path", "url"),
    [("/a/../b", f"{SITE}/b"), ("/a b", f"{SITE}/a%20b"), ("/?q='", f"{SITE}/?q=%27"), ("/%7e", f"{SITE}/%7e")],
)
def test_urls_are_serialized(path: str, url: str) -> None:
    """As the URL standard does it, so that scopes match."""
    flow = flow_of(SITE, "GET", host="site.test:443")
    flow.request.path = path
    request = flows.client_request(flow)
    assert request is not None
    assert request.target.url == url


@pytest.mark.parametrize("host", ["exa mple", "site.test:99999", "[::1", "a%b"])
def test_a_url_that_is_none(host: str) -> None:
    """Then there is nothing for a worker to do."""
    assert flows.client_request(flow_of(SITE, "GET", host=host)) is None


def test_browsers_are_told_apart() -> None:
    """By their address and their name."""
    first, second = flow_of(SITE, "GET", user_agent="A"), flow_of(SITE, "GET", user_agent="B")
    third = flow_of(SITE, "GET", user_agent="A")
    third.client_conn.peername = ("192.0.2.1", 5)
    peers = [request.peer for flow in (first, second, third) if (request := flows.client_request(flow))]
    assert peers == ["127.0.0.1 A", "127.0.0.1 B", "192.0.2.1 A"]


def test_another_connection_is_the_same_browser() -> None:
    """It opens several."""
    first, second = flow_of(SITE, "GET", user_agent="A"), flow_of(SITE, "GET", user_agent="A")
    second.client_conn.peername = ("127.0.0.1", 5)
    assert [request.peer for flow in (first, second) if (request := flows.client_request(flow))] == [
        "127.0.0.1 A"
    ] * 2


# A worker's answer


def test_an_answer_becomes_the_response() -> None:
    """Status, text, headers, cookies and body; its length is counted here."""
    flow = flow_of()
    flows.respond(flow, answer(201, ("Content-Type", "text/css"), cookies=("a=1", "b=2"), text="Made"), b"body{}")
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.reason, flow.response.raw_content) == (201, "Made", b"body{}")
    assert flow.response.headers.fields == (
        (b"Content-Type", b"text/css"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"content-length", b"6"),
    )


@pytest.mark.parametrize(
    "name", ["Content-Encoding", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "Set-Cookie"]
)
def test_what_only_a_connection_can_say_is_left_out(name: str) -> None:
    """Scripts copy it from a decoded response, or make it up."""
    headers = flows.response_headers(answer(200, (name, "x"), ("X-Kept", "y")))
    assert headers == [(b"X-Kept", b"y")]


def test_characters_that_a_header_cannot_have() -> None:
    """They are replaced: the rest of the answer is worth more."""
    made = replace(answer(200, ("X", "\u20ac\xe9"), cookies=("a=\u20ac",)), status_text="\u20ac")
    assert flows.response_headers(made) == [(b"X", b"?\xe9"), (b"set-cookie", b"a=?")]
    flow = flow_of()
    flows.respond(flow, made, b"")
    assert flow.response is not None
    assert flow.response.data.reason == b"?"


def test_head_has_the_length_but_not_the_body() -> None:
    """As if it was GET."""
    flow = flow_of(SITE, "HEAD")
    flows.respond(flow, answer(), b"12345")
    assert flow.response is not None
    assert (flow.response.raw_content, flow.response.headers["content-length"]) == (b"", "5")


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ([("Content-Length", "10")], "10"),
        ([], None),
        ([("Content-Length", "ten")], None),
        ([("Content-Length", "10"), ("Content-Encoding", "gzip")], None),
    ],
)
def test_head_of_a_response_without_its_body(headers: list[Header], length: str | None) -> None:
    """The origin has said how long it is, if it is not another length when it is decoded."""
    flow = flow_of(SITE, "HEAD")
    flows.respond(flow, answer(200, *headers), b"")
    assert flow.response is not None
    assert flow.response.headers.get("content-length") == length


@pytest.mark.parametrize("status", sorted(flows.NULL_BODY_STATUSES))
def test_a_status_without_a_body_has_no_length(status: int) -> None:
    """A client would wait for it, or take it for the next response."""
    flow = flow_of()
    flows.respond(flow, answer(status), b"")
    assert flow.response is not None
    assert "content-length" not in flow.response.headers


def test_a_refusal_says_why() -> None:
    """A text that no cache keeps."""
    flow = flow_of()
    flows.refuse(flow, "the worker is caf\xe9")
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.text) == (502, "swproxy: the worker is caf\xe9\n")
    assert flow.response.headers["content-type"] == "text/plain; charset=utf-8"
    assert flow.response.headers["cache-control"] == "no-store"


def test_a_refusal_of_head_has_no_body() -> None:
    """A client would take it for the next response."""
    flow = flow_of(SITE, "HEAD")
    flows.refuse(flow, "no")
    assert flow.response is not None
    assert flow.response.raw_content == b""
