"""What a proxy must get right that a browser gets for free."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import ClientSession, WSMsgType, web
from origin import Origin
from proxy_process import ProxyProcess
from waiting import until

from certs.pki import Pki

PASSING = """
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.pathname.startsWith("/pass")) event.respondWith(fetch(event.request));
  if (url.pathname === "/rebuilt") {
    event.respondWith(fetch(event.request).then((response) => new Response(response.body, response)));
  }
  if (url.pathname === "/copied-headers") {
    event.respondWith(fetch("/gzip").then(async (response) => {
      const headers = new Headers(response.headers);
      headers.set("Transfer-Encoding", "chunked");
      headers.set("Connection", "close");
      return new Response(await response.text(), { headers });
    }));
  }
  if (url.pathname === "/error") event.respondWith(Response.error());
  if (url.pathname === "/reject") event.respondWith(Promise.reject(new Error("on purpose")));
  if (url.pathname === "/not-a-response") event.respondWith("text");
  if (url.pathname === "/prevented") event.preventDefault();
  if (url.pathname === "/throws") throw new Error("in the listener");
  if (url.pathname === "/null-body") event.respondWith(new Response(null, { status: 204 }));
  if (url.pathname === "/redirect-made") event.respondWith(Response.redirect("/elsewhere", 307));
  if (url.pathname === "/seen") {
    event.respondWith(Response.json(Object.fromEntries(event.request.headers)));
  }
});
"""


@pytest.fixture
def site(origin: Origin, proxy: ProxyProcess) -> Origin:
    import gzip

    origin.script("/sw.js", PASSING)
    origin.route("/gzip", gzip.compress(b"unzipped"), headers={"Content-Encoding": "gzip", "X-Kept": "yes"})
    origin.route("/pass/gzip", gzip.compress(b"unzipped"), headers={"Content-Encoding": "gzip"})
    origin.route("/pass/cookie", "c", headers={"Set-Cookie": "a=1; Secure; HttpOnly"})
    origin.route("/rebuilt", "c", headers={"Set-Cookie": "a=1; Secure; HttpOnly"})
    origin.route("/pass/redirect", "", status=302, headers={"Location": "/there", "Set-Cookie": "r=1"})
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    return origin


def test_content_encoding(site: Origin, proxy: ProxyProcess) -> None:
    """fetch() decodes; what goes out has no stale encoding or length."""
    got = proxy.curl(f"{site.url}/pass/gzip")
    assert got.text == "unzipped"
    assert "content-encoding" not in got.headers
    assert got.headers["content-length"] == "8"


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_connection_headers_are_stripped(site: Origin, proxy: ProxyProcess, http: str) -> None:
    """A worker that copies or invents headers of the connection does no harm."""
    got = proxy.curl(f"{site.url}/copied-headers", http=http)
    assert got.text == "unzipped"
    assert got.headers["x-kept"] == "yes"
    assert not {"content-encoding", "transfer-encoding", "connection"} & set(got.headers)


def test_cookies_pass_in_both_directions(site: Origin, proxy: ProxyProcess) -> None:
    """The client's cookies go to the origin, the origin's to the client, and no script sees them."""
    got = proxy.curl(f"{site.url}/pass/cookie", "-H", "Cookie: mine=1")
    assert got.headers["set-cookie"] == "a=1; Secure; HttpOnly"
    assert site.hits[-1].headers["cookie"] == "mine=1"
    rebuilt = proxy.curl(f"{site.url}/rebuilt")
    assert (rebuilt.text, rebuilt.headers["set-cookie"]) == ("c", "a=1; Secure; HttpOnly")
    seen = json.loads(proxy.curl(f"{site.url}/seen", "-H", "Cookie: mine=1", "-H", "X-Mine: 2").text)
    assert "cookie" not in seen
    assert seen["x-mine"] == "2"


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_unusual_requests_reach_the_worker(site: Origin, proxy: ProxyProcess, http: str) -> None:
    """Methods that nobody knows, a Referer that is no URL, HEAD."""
    for arguments in (["-X", "BREW"], ["-e", "http://[x"], ["-X", "BREW", "-T", "-"]):
        assert "user-agent" in json.loads(proxy.curl(f"{site.url}/seen", *arguments, http=http).text)
    head = proxy.curl(f"{site.url}/pass/cookie", "--head", http=http)
    assert (head.status, head.headers["content-length"]) == (200, "1")


def test_an_origin_that_goes_offline_breaks_off(site: Origin, proxy: ProxyProcess, pki: Pki) -> None:
    """What a worker gets from there ends at once, and no other origin's body."""
    goes_on = threading.Event()

    async def halting(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "200000", "Access-Control-Allow-Origin": "*"})
        await response.prepare(request)
        await response.write(b"x" * 100_000)
        await asyncio.to_thread(goes_on.wait, 20)
        await response.write(b"x" * 100_000)
        return response

    other = Origin(pki.good())
    for one in (site, other):
        one.route("/pass/halting", handler=halting)
    other.script("/sw.js", PASSING)
    proxy.registered(f"{other.url}/", f"{other.url}/sw.js")
    try:
        with ThreadPoolExecutor() as pool:
            cut, whole = (pool.submit(proxy.curl, f"{one.url}/pass/halting") for one in (site, other))
            until(lambda: site.count("/pass/halting") == other.count("/pass/halting") == 1)
            proxy.offline(True, site.url)
            assert cut.result(10).exit_code in (18, 56, 92)
            goes_on.set()
            assert len(whole.result(10).text) == 200_000
    finally:
        goes_on.set()
        other.close()


def test_a_redirect_passes_through(site: Origin, proxy: ProxyProcess) -> None:
    """curl gets the redirect itself, with its cookies."""
    got = proxy.curl(f"{site.url}/pass/redirect")
    assert (got.status, got.headers["location"], got.headers["set-cookie"]) == (302, "/there", "r=1")
    made = proxy.curl(f"{site.url}/redirect-made")
    assert (made.status, made.headers["location"]) == (307, f"{site.url}/elsewhere")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/error", "network error"),
        ("/reject", "Error: on purpose"),
        ("/not-a-response", "not a Response"),
        ("/prevented", "preventDefault()"),
    ],
)
def test_network_errors(site: Origin, proxy: ProxyProcess, path: str, reason: str) -> None:
    """curl and navigations get a 502 that says why; what a page fetches is reset."""
    shown = proxy.curl(f"{site.url}{path}")
    assert shown.status == 502
    assert reason in shown.text
    assert f"{site.url}/" in shown.text
    for http, codes in (("--http1.1", {52, 56}), ("--http2", {92, 55, 56})):
        page = ["-H", "Sec-Fetch-Mode: cors", "-H", "Sec-Fetch-Dest: empty", "-H", f"Referer: {site.url}/"]
        assert proxy.curl(f"{site.url}{path}", *page, http=http).exit_code in codes


def test_a_listener_that_throws_changes_nothing(site: Origin, proxy: ProxyProcess) -> None:
    """The network answers, and the error is in the log with its place."""
    site.route("/throws", "from the network")
    assert proxy.curl(f"{site.url}/throws").text == "from the network"
    logged = proxy.run("log").stdout
    assert "Uncaught Error: in the listener" in logged
    assert f"{site.url}/sw.js:20:" in logged


def test_a_null_body(site: Origin, proxy: ProxyProcess) -> None:
    """204 has no body and no length."""
    got = proxy.curl(f"{site.url}/null-body")
    assert (got.status, got.body) == (204, b"")


def test_head(site: Origin, proxy: ProxyProcess) -> None:
    """HEAD through a worker: headers only."""
    got = proxy.curl(f"{site.url}/seen", "--head")
    assert got.status == 200
    assert int(got.headers["content-length"]) > 0


def test_a_hard_reload_bypasses_the_worker(site: Origin, proxy: ProxyProcess) -> None:
    """A navigation with Cache-Control: no-cache goes to the network."""
    site.route("/error", "network")
    navigation = ["-H", "Sec-Fetch-Mode: navigate", "-H", "Sec-Fetch-Dest: document"]
    assert proxy.curl(f"{site.url}/error", *navigation).status == 502
    assert proxy.curl(f"{site.url}/error", *navigation, "-H", "Cache-Control: no-cache").text == "network"


def test_other_hosts_are_not_decrypted(site: Origin, proxy: ProxyProcess, pki: Pki) -> None:
    """TLS of a host without a scope passes through with the origin's own certificate."""
    other = Origin(pki.good(["127.0.0.1", "localhost"]))
    try:
        other.route("/", "other")
        url = f"https://127.0.0.1:{other.port}/"
        assert proxy.curl(url).exit_code == 60  # not signed by the proxy's CA
        assert proxy.curl(url, "--cacert", str(pki.ca_certificate)).text == "other"
    finally:
        other.close()


def test_an_intercepted_host(origin: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """--intercept decrypts a host without a scope."""
    origin.route("/", "decrypted")
    proxy = start_proxy("--intercept", "localhost")
    assert proxy.curl(f"{origin.url}/").text == "decrypted"


def test_plain_http_passes_through(proxy: ProxyProcess) -> None:
    """http:// is proxied as it is."""
    plain = Origin(None)
    try:
        plain.route("/", "plain")
        assert proxy.curl(f"{plain.url}/").text == "plain"
        proxy.offline(True)
        offline = proxy.curl(f"{plain.url}/")
        assert offline.status == 502
        assert "offline" in offline.text
    finally:
        plain.close()


@pytest.mark.parametrize("decrypted", [True, False])
async def test_websockets_pass_through(
    origin: Origin, start_proxy: Callable[..., ProxyProcess], pki: Pki, decrypted: bool
) -> None:
    """A WebSocket works through the proxy, decrypted or not, on an origin with a worker."""

    async def echo(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(f"echo {message.data}")
        return socket

    origin.route("/socket", handler=echo)
    origin.script("/sw.js", "onfetch = (event) => event.respondWith(new Response('no'));")
    proxy = await asyncio.to_thread(start_proxy)
    if decrypted:
        await asyncio.to_thread(proxy.registered, f"{origin.url}/", f"{origin.url}/sw.js")
    context = ssl.create_default_context(cafile=str(proxy.ca if decrypted else pki.ca_certificate))
    async with (
        ClientSession() as session,
        session.ws_connect(f"{origin.url}/socket", proxy=proxy.url, ssl=context) as socket,
    ):
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=10) == "echo hello"


def test_going_offline_cuts_tunnels(origin: Origin, proxy: ProxyProcess, pki: Pki) -> None:
    """A connection that passes through undecrypted ends when the network is turned off."""
    import socket

    origin.route("/", "tunnelled")
    host, port = proxy.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"CONNECT localhost:{origin.port} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b"200" in raw.recv(4096)
        context = ssl.create_default_context(cafile=str(pki.ca_certificate))
        with context.wrap_socket(raw, server_hostname="localhost") as tunnel:
            tunnel.settimeout(10)
            request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            tunnel.sendall(request)
            assert b"tunnelled" in tunnel.recv(4096)
            proxy.offline(True)
            assert tunnel.recv(4096) == b""


def test_an_origin_that_does_not_answer(start_proxy: Callable[..., ProxyProcess]) -> None:
    """A connection that is not accepted fails within the connect time-out, with a worker and without."""
    import socket
    import time

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        proxy = start_proxy("--set", "connect_timeout=1", "--intercept", "127.0.0.1")
        began = time.monotonic()
        got = proxy.curl(f"https://127.0.0.1:{port}/", timeout=20)
        assert got.status == 502
        assert time.monotonic() - began < 8
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET https://localhost/ HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"CONNECT nonsense HTTP/1.1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\x00" * 2000,
        b"POST http://localhost:1/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_requests(site: Origin, proxy: ProxyProcess, request_: bytes) -> None:
    """Nonsense is refused or dropped; the proxy goes on."""
    import socket

    host, port = proxy.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.settimeout(2)
        raw.sendall(request_)
        raw.shutdown(socket.SHUT_WR)
        try:
            answer = raw.recv(4096)
        except (TimeoutError, ConnectionResetError):
            answer = b""
    assert b" 200 " not in answer
    assert proxy.curl(f"{site.url}/seen").status == 200
