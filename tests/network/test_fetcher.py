"""HTTP-network fetch, against real HTTPS origins."""

import asyncio
import base64
import gzip
import hashlib
import importlib
import socket
import sys
import threading
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import brotli
import pytest
from aiohttp import web
from network_worker import Worker, content, raw_server
from origin import Origin, Route

from certs.pki import Pki
from swproxy.errors import NetworkError
from swproxy.ipc.messages import Header
from swproxy.network.conditions import Conditions
from swproxy.network.fetcher import MAX_REDIRECTS, Fetcher
from swproxy.network.live_body import CompleteReader, LiveBody
from swproxy.network.sessions import FetchSettings
from swproxy.storage.bodies import BytesBody

ALLOW = {"Access-Control-Allow-Origin": "*"}


def redirect(origin: Origin, path: str, location: str, status: int = 302, **headers: str) -> None:
    """A redirect; header names with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    origin.route(path, status=status, headers={"Location": location, **named})


def sent(origin: Origin) -> dict[str, str]:
    """The headers of the origin's last request."""
    return origin.hits[-1].headers


# Requests and responses of the worker's own origin


async def test_a_response_of_the_own_origin(origin: Origin, worker: Worker) -> None:
    """Of type basic, with all headers but the connection's and Set-Cookie."""
    origin.route(
        "/a",
        "body",
        headers={"X-A": "1", "Set-Cookie": "a=1", "Set-Cookie2": "b", "Keep-Alive": "timeout=5"},
        status=404,
    )
    response = await worker.fetch("/a?q#f")
    names = {name.lower() for name, _ in response.headers}
    assert (response.type, response.status, response.status_text) == ("basic", 404, "Not Found")
    assert response.urls == [f"{origin.url}/a?q#f"]
    assert names >= {"x-a", "content-type", "content-length", "date"}
    assert not names & {"set-cookie", "set-cookie2", "keep-alive", "connection"}
    assert await content(response) == b"body"


async def test_what_a_request_says_of_itself(origin: Origin, worker: Worker) -> None:
    """The headers that a browser would add; no others."""
    await worker.fetch("/a", headers=[("X-Mine", "ž".encode().decode("latin-1"))])
    assert sent(origin) == {
        "host": origin.url.removeprefix("https://"),
        "x-mine": "ž",
        "accept": "*/*",
        "accept-language": "en-US,en;q=0.9",
        "user-agent": "swproxy/test",
        "accept-encoding": "gzip, deflate, br, zstd",
        "referer": f"{origin.url}/sw.js",
        "sec-fetch-dest": "empty",
        "sec-fetch-mode": "cors",
        "sec-fetch-site": "same-origin",
    }


async def test_what_the_client_and_the_script_say_counts(origin: Origin, worker: Worker) -> None:
    """Their User-Agent, Accept, destination and referrer are not replaced."""
    client = (f"{origin.url}/a", [("User-Agent", "curl/8")])
    await worker.fetch(
        "/a", client=client, headers=[("Accept", "image/*")], destination="image", referrer=f"{origin.url}/page"
    )
    headers = sent(origin)
    assert [headers[name] for name in ("user-agent", "accept", "sec-fetch-dest", "referer")] == [
        "curl/8",
        "image/*",
        "image",
        f"{origin.url}/page",
    ]
    await worker.fetch("/a", headers=[("User-Agent", "mine")], referrer="no-referrer")
    assert sent(origin)["user-agent"] == "mine"
    assert "referer" not in sent(origin)


@pytest.mark.parametrize(
    ("cache", "headers"),
    [
        ("default", {}),
        ("no-cache", {"cache-control": "max-age=0"}),
        ("reload", {"cache-control": "no-cache", "pragma": "no-cache"}),
        ("no-store", {"cache-control": "no-cache", "pragma": "no-cache"}),
        ("force-cache", {}),
    ],
)
async def test_cache_modes(origin: Origin, worker: Worker, cache: str, headers: dict[str, str]) -> None:
    """What the caches on the way are told, unless the script says something itself."""
    await worker.fetch("/a", cache=cache)
    assert {name: value for name, value in sent(origin).items() if name in ("cache-control", "pragma")} == headers
    await worker.fetch("/a", cache=cache, headers=[("Cache-Control", "max-age=5"), ("Pragma", "x")])
    assert (sent(origin)["cache-control"], sent(origin)["pragma"]) == ("max-age=5", "x")


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 205), ("GET", 304)], ids=lambda value: str(value)
)
async def test_null_bodies(origin: Origin, worker: Worker, method: str, status: int) -> None:
    """There is no body where there cannot be one."""
    origin.route("/a", "" if status != 200 else "body", status=status)
    response = await worker.fetch("/a", method=method)
    assert (response.status, response.body) == (status, None)


zstd = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
ENCODINGS = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "identity": lambda data: data,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("size", [10, 3_000_000], ids=["small", "large"])
async def test_bodies_are_decoded(origin: Origin, worker: Worker, encoding: str, size: int) -> None:
    """Whatever their encoding, which the headers still name; no false length is claimed."""
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    origin.route("/a", ENCODINGS[encoding](data), headers={"Content-Encoding": encoding})
    response = await worker.fetch("/a")
    assert ("Content-Encoding", encoding) in response.headers
    if isinstance(response.body, LiveBody):
        assert response.body.size in (None, size)
    assert await content(response) == data


@pytest.mark.parametrize("damage", [lambda data: b"\x1f\x8b" + b"x" * 100, lambda data: b"no gzip at all"])
async def test_a_body_that_does_not_decode(origin: Origin, worker: Worker, damage: Any) -> None:
    """Is a network error, not a shorter body."""
    origin.route("/a", damage(gzip.compress(b"body")), headers={"Content-Encoding": "gzip"})
    with pytest.raises(NetworkError, match=f"{origin.url}/a"):
        await content(await worker.fetch("/a"))


async def test_a_large_body_is_a_stream(origin: Origin, worker: Worker) -> None:
    """It is there as soon as its headers are, with its size."""
    data = bytes(range(256)) * 10_000
    origin.route("/a", data)
    response = await worker.fetch("/a")
    assert isinstance(response.body, LiveBody)
    assert response.body.size == len(data)
    assert await content(response) == data


async def test_a_slow_body_is_a_stream(origin: Origin, worker: Worker) -> None:
    """What is not there at once is not waited for, and what was there is not lost."""
    release = threading.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first ")
        await asyncio.to_thread(release.wait, 10)
        await response.write(b"second")
        return response

    origin.route("/a", handler=slow)
    response = await worker.fetch("/a")
    assert isinstance(response.body, LiveBody)
    reader = response.body.reader()
    assert await reader.read() == b"first "
    release.set()
    assert await reader.read() == b"second"
    assert await reader.read() == b""
    reader.close()


# Redirects


async def test_redirects_are_followed(origin: Origin, worker: Worker) -> None:
    """Relative and absolute ones; the URL list has all of them, the fragment is passed on."""
    redirect(origin, "/a/b", "../c?q")
    redirect(origin, "/c", f"{origin.url}/d#own", 308)
    origin.route("/d", "end")
    response = await worker.fetch("/a/b#first")
    assert response.urls == [f"{origin.url}/a/b#first", f"{origin.url}/c?q#first", f"{origin.url}/d#own"]
    assert (response.type, await content(response)) == ("basic", b"end")


async def test_a_manual_redirect(origin: Origin, worker: Worker) -> None:
    """Is an opaque-redirect response that has it all for the client, and is not followed."""
    redirect(origin, "/a", "/b", 307, X_A="1")
    response = await worker.fetch("/a", redirect="manual")
    assert (response.type, response.status, response.urls) == ("opaqueredirect", 307, [f"{origin.url}/a"])
    assert dict(response.headers)["Location"] == "/b"
    assert response.body is None
    assert origin.count("/b") == 0


async def test_a_redirect_that_is_an_error(origin: Origin, worker: Worker) -> None:
    """The mode "error" allows none."""
    redirect(origin, "/a", "/b")
    with pytest.raises(NetworkError, match="redirects, which the request does not allow"):
        await worker.fetch("/a", redirect="error")
    assert origin.count("/b") == 0


async def test_a_redirect_to_nowhere(origin: Origin, worker: Worker) -> None:
    """Without Location, a followed redirect is a response like any other; in the other modes it is what it was."""
    origin.route("/a", "no location", status=302)
    response = await worker.fetch("/a")
    assert (response.type, response.status, await content(response)) == ("basic", 302, b"no location")
    response = await worker.fetch("/a", redirect="manual")
    assert (response.type, await content(response)) == ("opaqueredirect", b"no location")  # what a navigation shows
    with pytest.raises(NetworkError, match="redirects"):
        await worker.fetch("/a", redirect="error")


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (307, "PUT", "PUT"),
    ],
)
async def test_methods_after_redirects(
    origin: Origin, worker: Worker, status: int, method: str, expected: str
) -> None:
    """https://fetch.spec.whatwg.org/#concept-http-redirect-fetch: the body goes where the method stays."""
    redirect(origin, "/a", "/b", status)
    headers = [("Content-Type", "text/plain"), ("X-A", "1")]
    await worker.fetch("/a", method=method, headers=headers, body=None if method == "HEAD" else b"data")
    first, second = origin.hits
    assert (first.method, second.method, second.path) == (method, expected, "/b")
    kept = expected == method and method != "HEAD"
    assert second.body == (b"data" if kept else b"")
    assert ("content-type" in second.headers) == (expected == method)
    assert second.headers["x-a"] == "1"


async def test_as_many_redirects_as_allowed(origin: Origin, worker: Worker) -> None:
    """The twentieth is followed, the twenty-first is not."""
    for number in range(MAX_REDIRECTS + 1):
        redirect(origin, f"/{number}", f"/{number + 1}")
    assert len((await worker.fetch("/1")).urls) == MAX_REDIRECTS + 1
    with pytest.raises(NetworkError, match="more than 20 times"):
        await worker.fetch("/0")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("data:text/plain,x", "which is not an HTTP"),
        ("file:///etc/passwd", "which is not an HTTP"),
        ("http://[", "to an invalid URL"),
        ("http://elsewhere.test/", "mixed content"),
        ("https://elsewhere.test:25/", "browsers never connect to"),
    ],
)
async def test_bad_redirects(origin: Origin, worker: Worker, location: str, reason: str) -> None:
    """Only HTTPS URLs are redirected to."""
    redirect(origin, "/a", location)
    with pytest.raises(NetworkError, match=reason):
        await worker.fetch("/a")


async def test_a_location_beyond_ascii(origin: Origin, worker: Worker) -> None:
    """Its bytes stand for themselves, as in browsers."""

    async def odd(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9\r\nContent-Length: 0\r\n\r\n")
        request.transport.close()
        return web.Response()

    origin.route("/a", handler=odd)
    response = await worker.fetch("/a")
    assert response.urls[-1] == f"{origin.url}/caf%E9"


# Credentials: those of the client


@pytest.mark.parametrize(
    ("credentials", "own", "foreign"),
    [("omit", False, False), ("same-origin", True, False), ("include", True, True)],
)
async def test_cookies_of_the_client(
    origin: Origin, other: Origin, worker: Worker, credentials: str, own: bool, foreign: bool
) -> None:
    """They go, as the credentials mode allows, to the origin that the client meant; what that sets comes back."""
    for site, expected in ((origin, own), (other, foreign)):
        allow = {"Access-Control-Allow-Origin": origin.url, "Access-Control-Allow-Credentials": "true"}
        site.route("/a", "x", headers={"Set-Cookie": "new=1; Secure", **allow})
        client = (f"{site.url}/a", [("Cookie", "a=1; b=2")])
        response = await worker.fetch(f"{site.url}/a", client=client, credentials=credentials)
        assert sent(site).get("cookie") == ("a=1; b=2" if expected else None)
        assert response.cookies == (["new=1; Secure"] if expected else [])


async def test_cookies_of_another_origin_stay_away(origin: Origin, other: Origin, worker: Worker) -> None:
    """The client has sent its cookies to one origin: no other one gets them, or sets some there."""
    other.route("/a", "x", headers={"Set-Cookie": "new=1", **ALLOW})
    client = (f"{origin.url}/a", [("Cookie", "a=1")])
    response = await worker.fetch(f"{other.url}/a", client=client)
    assert "cookie" not in sent(other)
    assert response.cookies == []
    await worker.fetch("/a")  # a request of the worker's own has no client
    assert "cookie" not in sent(origin)


async def test_cookies_are_sent_as_the_client_sent_them(origin: Origin, worker: Worker) -> None:
    """Two of one name, for two paths, and one without a name, stay what they are, in their order."""
    cookie = "a=deep; a=shallow; nameless; b=x=y; c="
    await worker.fetch("/a", client=(f"{origin.url}/a", [("Cookie", cookie)]))
    assert sent(origin)["cookie"] == cookie


async def test_cookies_along_redirects(origin: Origin, worker: Worker) -> None:
    """What a redirect sets, the next request has, in place of what the client had; the client gets all of them."""
    redirect(origin, "/a", "/b", Set_Cookie="a=new; Path=/; Secure")
    redirect(origin, "/b", "/c", Set_Cookie="c=3")
    origin.route("/c", "end", headers={"Set-Cookie": "d=4"})
    response = await worker.fetch("/a", client=(f"{origin.url}/a", [("cookie", "a=old; b=2")]))
    assert [hit.headers["cookie"] for hit in origin.hits] == ["a=old; b=2", "a=new; b=2", "a=new; b=2; c=3"]
    assert response.cookies == ["a=new; Path=/; Secure", "c=3", "d=4"]


async def test_authorization_stays_with_its_origin(origin: Origin, other: Origin, worker: Worker) -> None:
    """A redirect to another origin does not take it along; one within the origin does."""
    redirect(origin, "/a", "/b")
    redirect(origin, "/b", f"{other.url}/c")
    other.route("/c", "end", headers=ALLOW)
    await worker.fetch("/a", headers=[("Authorization", "Basic eDp5")])
    assert [hit.headers["authorization"] for hit in origin.hits] == ["Basic eDp5"] * 2
    assert "authorization" not in sent(other)


# CORS


async def test_cors(origin: Origin, other: Origin, worker: Worker) -> None:
    """With leave, the response is of type cors and shows what is safe or exposed."""
    headers = {**ALLOW, "Access-Control-Expose-Headers": "X-A", "X-A": "1", "X-B": "2"}
    other.route("/a", "body", headers=headers)
    response = await worker.fetch(f"{other.url}/a")
    assert (response.type, response.status, await content(response)) == ("cors", 200, b"body")
    assert {name for name, _ in response.headers} == {"Content-Type", "Content-Length", "X-A"}
    assert sent(other)["origin"] == origin.url
    assert sent(other)["sec-fetch-site"] == "same-site"  # only the port differs
    assert sent(other)["referer"] == f"{origin.url}/"


async def test_no_leave_no_response(other: Origin, worker: Worker) -> None:
    """Not even of a redirect."""
    other.route("/a", "secret")
    redirect(other, "/b", "/c")
    other.route("/c", "end", headers=ALLOW)
    for path in ("/a", "/b"):
        with pytest.raises(NetworkError, match=f"{other.url}{path} has no Access-Control-Allow-Origin"):
            await worker.fetch(other.url + path)


def preflighted(origin: Origin, path: str, **allowed: str) -> None:
    """A resource that answers preflights, with ``Access-Control-Allow-...`` headers."""
    headers = {"Access-Control-Allow-Origin": "*"}
    headers |= {f"Access-Control-Allow-{name.title()}": value for name, value in allowed.items()}
    origin.routes[path] = Route(b"done", headers=headers)


async def test_preflight(origin: Origin, other: Origin, worker: Worker) -> None:
    """It asks for method and headers, without cookies; then the request itself is made."""
    preflighted(other, "/a", methods="PUT", headers="x-a,x-b,content-type")
    headers = [("X-B", "1"), ("x-a", "2"), ("Content-Type", "application/json")]
    client = (f"{other.url}/a", [("Cookie", "a=1"), ("User-Agent", "curl/8")])
    assert await worker.text(f"{other.url}/a", method="PUT", headers=headers, body=b"{}", client=client) == "done"
    asked, made = other.hits
    assert (asked.method, made.method, made.body) == ("OPTIONS", "PUT", b"{}")
    assert asked.headers["access-control-request-method"] == "PUT"
    assert asked.headers["access-control-request-headers"] == "content-type,x-a,x-b"
    assert (asked.headers["origin"], asked.headers["user-agent"]) == (origin.url, "curl/8")
    assert "cookie" not in asked.headers
    assert "x-a" not in asked.headers


async def test_a_preflight_that_fails(other: Origin, worker: Worker) -> None:
    """The request itself is not made."""
    preflighted(other, "/a", methods="DELETE")
    with pytest.raises(NetworkError, match="PUT is not allowed by the CORS preflight"):
        await worker.fetch(f"{other.url}/a", method="PUT")
    assert [hit.method for hit in other.hits] == ["OPTIONS"]


async def test_each_origin_of_a_chain_is_asked(origin: Origin, other: Origin, worker: Worker) -> None:
    """A redirect from one's own origin to another, of a request that needs a preflight, makes one."""
    redirect(origin, "/a", f"{other.url}/b", 307)
    preflighted(other, "/b", methods="PUT")
    assert await worker.text("/a", method="PUT", body=b"x") == "done"
    assert [hit.method for hit in other.hits] == ["OPTIONS", "PUT"]


async def test_a_redirect_sets_the_referrer_policy(origin: Origin, worker: Worker) -> None:
    """For what follows; and what was left out of the referrer before does not come back."""
    redirect(origin, "/a", "/b", referrer_policy="origin")
    redirect(origin, "/b", "/c", referrer_policy="unsafe-url, unknown")
    redirect(origin, "/c", "/d", referrer_policy="no-referrer")
    redirect(origin, "/d", "/e", referrer_policy="unsafe-url")
    await worker.fetch("/a")
    shown = [f"{origin.url}/sw.js", f"{origin.url}/", f"{origin.url}/", None, None]
    assert [hit.headers.get("referer") for hit in origin.hits] == shown


async def test_no_cors(origin: Origin, other: Origin, worker: Worker) -> None:
    """Of another origin it is opaque, without an Origin header; of the own one it is basic."""
    other.route("/a", "body", headers={"X-A": "1"}, status=404)
    response = await worker.fetch(f"{other.url}/a", mode="no-cors")
    assert (response.type, response.status, await content(response)) == ("opaque", 404, b"body")
    assert "origin" not in sent(other)
    await worker.fetch(f"{other.url}/a", mode="no-cors", method="POST", body=b"x")
    assert sent(other)["origin"] == origin.url
    assert (await worker.fetch("/a", mode="no-cors")).type == "basic"


@pytest.mark.parametrize(
    ("policy", "host", "passes"),
    [
        ("same-origin", "localhost", False),
        ("same-site", "localhost", True),
        ("same-site", "127.0.0.1", False),
        ("cross-origin", "127.0.0.1", True),
        ("Same-Origin", "127.0.0.1", True),  # no policy
    ],
)
async def test_resource_policy(other: Origin, worker: Worker, policy: str, host: str, passes: bool) -> None:
    """Without CORS, a response may be for its own origin or site only."""
    other.route("/a", "body", headers={"Cross-Origin-Resource-Policy": policy})
    fetching = worker.fetch(f"{other.url.replace('localhost', host)}/a", mode="no-cors")
    if passes:
        assert (await fetching).type == "opaque"
    else:
        with pytest.raises(NetworkError, match="Cross-Origin-Resource-Policy"):
            await fetching


@pytest.mark.parametrize("mode", ["manual", "error"])
async def test_no_cors_must_follow_redirects(other: Origin, worker: Worker, mode: str) -> None:
    """https://fetch.spec.whatwg.org/#main-fetch"""
    with pytest.raises(NetworkError, match="must follow redirects"):
        await worker.fetch(f"{other.url}/a", mode="no-cors", redirect=mode)
    assert other.hits == []


async def test_same_origin_mode(origin: Origin, other: Origin, worker: Worker) -> None:
    """Another origin is not asked, nor redirected to."""
    redirect(origin, "/a", f"{other.url}/b")
    assert (await worker.fetch("/c", mode="same-origin")).type == "basic"
    for url in (f"{other.url}/b", "/a"):
        with pytest.raises(NetworkError, match="which the mode 'same-origin' does not allow"):
            await worker.fetch(url, mode="same-origin")
    assert other.hits == []


async def test_origin_becomes_null(origin: Origin, other: Origin, pki: Pki, worker: Worker) -> None:
    """After a redirect from another origin to a third one."""
    third = Origin(pki.good())
    try:
        redirect(other, "/a", f"{third.url}/b", Access_Control_Allow_Origin=origin.url)
        third.route("/b", "end", headers={"Access-Control-Allow-Origin": "null"})
        assert await worker.text(f"{other.url}/a") == "end"
        assert sent(third)["origin"] == "null"
        redirect(other, "/c", "/d", Access_Control_Allow_Origin=origin.url)
        other.route("/d", "end", headers={"Access-Control-Allow-Origin": origin.url})
        assert await worker.text(f"{other.url}/c") == "end"
    finally:
        third.close()


async def test_back_to_the_own_origin_is_not_home(origin: Origin, other: Origin, worker: Worker) -> None:
    """Where another origin has redirected to is not the worker's to know: CORS again, or opaque, no cookies."""
    redirect(other, "/a", f"{origin.url}/secret?user=1", Access_Control_Allow_Origin="*")
    origin.route("/secret", "end")
    client = (f"{origin.url}/", [("Cookie", "a=1")])
    with pytest.raises(NetworkError, match="no Access-Control-Allow-Origin"):
        await worker.fetch(f"{other.url}/a", client=client)
    assert sent(origin)["origin"] == "null"
    assert sent(origin)["sec-fetch-site"] == "cross-site"
    assert "cookie" not in sent(origin)
    origin.route("/secret", "end", headers={"Access-Control-Allow-Origin": "null"})
    assert (await worker.fetch(f"{other.url}/a")).type == "cors"
    assert (await worker.fetch(f"{other.url}/a", mode="no-cors")).type == "opaque"


async def test_credentials_in_the_url_of_a_redirect(origin: Origin, other: Origin, worker: Worker) -> None:
    """A CORS request is not redirected to a URL with a user's name in it."""
    foreign = other.url.replace("https://", "https://user:pw@")
    own = origin.url.replace("https://", "https://user:pw@")
    redirect(origin, "/a", f"{foreign}/b")
    redirect(other, "/a", f"{own}/b", Access_Control_Allow_Origin="*")
    redirect(origin, "/c", f"{own}/b")
    for url in ("/a", f"{other.url}/a"):
        with pytest.raises(NetworkError, match="to a URL with credentials"):
            await worker.fetch(url)
    await worker.fetch("/c")
    assert sent(origin)["authorization"] == "Basic " + base64.b64encode(b"user:pw").decode()


# What is not asked for at all


@pytest.mark.parametrize(
    ("url", "changes", "reason"),
    [
        ("file:///etc/passwd", {}, "the scheme of file:///etc/passwd"),
        ("ftp://a.test/", {}, "the scheme of"),
        ("http://site.test/", {}, "mixed content"),
        ("/a", {"cache": "only-if-cached", "mode": "same-origin"}, "not in the HTTP cache"),
    ],
)
async def test_what_cannot_be_fetched(
    origin: Origin, worker: Worker, url: str, changes: dict[str, Any], reason: str
) -> None:
    """Is refused before anything is sent."""
    with pytest.raises(NetworkError, match=reason):
        await worker.fetch(url, **changes)
    assert origin.hits == []


async def test_offline(origin: Origin, other: Origin, worker: Worker, conditions: Conditions) -> None:
    """Nothing leaves, neither to an origin that is offline nor by way of a redirect."""
    redirect(origin, "/a", f"{other.url}/b")
    conditions.set_offline(True, other.url)
    for url in (f"{other.url}/b", "/a"):
        with pytest.raises(NetworkError, match=f"offline: {other.url}/b was not requested"):
            await worker.fetch(url)
    assert (await worker.fetch("/c")).status == 404
    conditions.set_offline(True)
    with pytest.raises(NetworkError, match="offline"):
        await worker.fetch("/c")
    assert other.hits == []
    assert origin.count("/c") == 1


# Integrity


def integrity_of(data: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()


@pytest.mark.parametrize("size", [10, 1_000_000], ids=["small", "large"])
async def test_integrity(origin: Origin, worker: Worker, size: int) -> None:
    """The body is there if it is the right one, and a network error otherwise."""
    data = b"x" * size
    origin.route("/a", gzip.compress(data), headers={"Content-Encoding": "gzip"})
    response = await worker.fetch("/a", integrity=integrity_of(data))
    assert response.body == data
    with pytest.raises(NetworkError, match=f"{origin.url}/a does not have the integrity sha384-"):
        await worker.fetch("/a", integrity=integrity_of(b"other"))


async def test_integrity_of_what_nobody_may_see(other: Origin, worker: Worker) -> None:
    """An opaque response cannot be checked: its hash would tell what is in it."""
    other.route("/a", "body")
    with pytest.raises(NetworkError, match="opaque"):
        await worker.fetch(f"{other.url}/a", mode="no-cors", integrity=integrity_of(b"body"))


# Uploads


class Chunks:
    """A body of unknown, or claimed, size (see ``BodyReader``)."""

    def __init__(self, *chunks: bytes | Exception, size: int | None = None) -> None:
        self.size = size
        self._chunks = [*chunks, b""]

    async def read(self) -> bytes:
        chunk = self._chunks.pop(0)
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def close(self) -> None:
        pass


async def test_uploads(origin: Origin, worker: Worker) -> None:
    """Bytes and streams of known size have a Content-Length; others are chunked."""
    await worker.fetch("/a", method="POST", body=b"bytes")
    await worker.fetch("/a", method="POST", body=CompleteReader(BytesBody(b"complete")))
    await worker.fetch("/a", method="POST", body=Chunks(b"one ", b"two"))
    await worker.fetch("/a", method="POST")
    assert [hit.body for hit in origin.hits] == [b"bytes", b"complete", b"one two", b""]
    lengths = [hit.headers.get("content-length", hit.headers.get("transfer-encoding")) for hit in origin.hits]
    assert lengths == ["5", "8", "chunked", "0"]
    assert "content-type" not in origin.hits[0].headers
    assert [hit.headers["origin"] for hit in origin.hits] == [origin.url] * 4


async def test_a_large_upload(origin: Origin, worker: Worker) -> None:
    """Arrives whole."""
    data = bytes(range(256)) * 20_000
    await worker.fetch("/a", method="PUT", body=CompleteReader(BytesBody(data)))
    assert origin.hits[-1].body == data


async def test_an_upload_that_breaks_off(origin: Origin, worker: Worker) -> None:
    """Is a network error that says so; the origin does not take the half for the whole."""
    with pytest.raises(NetworkError, match="the client went away"):
        await worker.fetch("/a", method="POST", body=Chunks(b"half", NetworkError("the client went away")))
    assert origin.hits == []


async def test_a_stream_cannot_be_sent_twice(origin: Origin, worker: Worker) -> None:
    """A redirect that wants it again is a network error; one that wants no body is followed."""
    redirect(origin, "/again", "/b", 307)
    redirect(origin, "/see-other", "/b", 303)
    with pytest.raises(NetworkError, match="redirects a request whose body was a stream"):
        await worker.fetch("/again", method="POST", body=Chunks(b"x"))
    await worker.fetch("/see-other", method="POST", body=Chunks(b"x"))
    assert [(hit.method, hit.path) for hit in origin.hits] == [
        ("POST", "/again"),
        ("POST", "/see-other"),
        ("GET", "/b"),
    ]


# When it goes wrong


async def test_bad_certificates(fetcher: Fetcher, pki: Pki, tmp_path: Path) -> None:
    """Each is refused and says what is wrong with it; the choice not to verify accepts them all."""
    wrong = {
        pki.expired(): "certificate has expired",
        pki.self_signed(): "self-signed certificate",
        pki.wrong_host(): "certificate is not valid for 'localhost'",
    }
    insecure = Fetcher(FetchSettings(insecure=True), Conditions())
    for certificate, reason in wrong.items():
        site = Origin(certificate)
        try:
            site.route("/", "trusted")
            with pytest.raises(NetworkError) as caught:
                await Worker(fetcher, site.url, tmp_path).fetch("/")
            assert f"cannot reach {site.url}: its certificate is not trusted" in str(caught.value)
            assert reason in str(caught.value)
            assert site.hits == []
            assert await Worker(insecure, site.url, tmp_path).text("/") == "trusted"
        finally:
            site.close()
    await insecure.close()


async def test_tls_to_what_speaks_none(fetcher: Fetcher, tmp_path: Path) -> None:
    """One sentence with the reason."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with raw_server(talk) as url:
        secure = url.replace("http:", "https:")
        with pytest.raises(NetworkError, match=f"^cannot reach {secure}: .*SSL"):
            await Worker(fetcher, secure, tmp_path).fetch("/")


async def test_nobody_listens(origin: Origin, worker: Worker) -> None:
    """The origin and the reason are named."""
    origin.stop()
    with pytest.raises(NetworkError, match=f"^cannot reach {origin.url}: Connection refused"):
        await worker.fetch("/a")
    origin.start()
    assert (await worker.fetch("/a")).status == 404


async def test_no_such_host(fetcher: Fetcher, tmp_path: Path) -> None:
    """The reason is the resolver's."""
    with pytest.raises(NetworkError, match=r"^cannot reach https://no\.such\.invalid: .+"):
        await Worker(fetcher, "https://no.such.invalid", tmp_path).fetch("/")


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """A port whose queue is full: connecting to it gets no answer."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
        for filler in fillers:
            filler.close()


async def test_connect_timeout(silent: int, tmp_path: Path) -> None:
    """An origin that does not answer is given up, whether the connection is not accepted or TLS does not begin."""

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    fetcher = Fetcher(FetchSettings(connect_timeout=0.1), Conditions())
    async with raw_server(silence) as accepting:
        for url in (f"http://127.0.0.1:{silent}", accepting.replace("http:", "https:")):
            with pytest.raises(NetworkError, match=f"^cannot reach {url}: no connection in time$"):
                await Worker(fetcher, url, tmp_path).fetch("/")
    await fetcher.close()


async def test_an_origin_may_take_its_time(tmp_path: Path) -> None:
    """Once it is connected to, there is no limit but the worker's own."""
    answer = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asyncio.get_running_loop().call_later(0.3, answer.set)
        await answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")

    fetcher = Fetcher(FetchSettings(connect_timeout=0.1), Conditions())
    async with raw_server(slow) as url:
        assert await Worker(fetcher, url, tmp_path).text("/") == "slow"
    await fetcher.close()


async def test_an_aborted_fetch_is_hung_up(fetcher: Fetcher, tmp_path: Path) -> None:
    """Whether the headers were there or not, the origin sees the connection end."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        assert await reader.read() == b""
        gone.set()

    async with raw_server(silence) as url:
        fetching = asyncio.ensure_future(Worker(fetcher, url, tmp_path).fetch("/"))
        await asyncio.wait_for(asked.wait(), 5)
        fetching.cancel()
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_body_that_nobody_wants_is_hung_up(fetcher: Fetcher, tmp_path: Path) -> None:
    """An endless download ends with its last reader."""
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        finally:
            gone.set()

    async with raw_server(endless) as url:
        response = await Worker(fetcher, url, tmp_path).fetch("/")
        assert isinstance(response.body, LiveBody)
        reader = response.body.reader()
        assert await reader.read()
        assert not gone.is_set()
        reader.close()
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_refused_response_is_hung_up(fetcher: Fetcher, tmp_path: Path) -> None:
    """One that CORS does not allow is not read to its end."""
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        assert await reader.read() == b""
        gone.set()

    async with raw_server(endless) as url:
        with pytest.raises(NetworkError, match="Access-Control-Allow-Origin"):
            await Worker(fetcher, "https://site.test", tmp_path).fetch(url + "/")
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: a\rb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX A: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=[
        "nothing",
        "garbage",
        "no-status",
        "bad-status",
        "no-colon",
        "null-byte",
        "bare-carriage-return",
        "space-in-a-name",
        "bad-length",
        "two-lengths",
        "too-large",
    ],
)
async def test_answers_that_are_no_http(fetcher: Fetcher, tmp_path: Path, answer: bytes) -> None:
    """Each is a network error with the origin in its message, in one line."""
    async with raw_server(answer) as url:
        with pytest.raises(NetworkError, match=f"^cannot reach {url}: .+") as caught:
            await Worker(fetcher, url, tmp_path).fetch("/")
        assert "\n" not in str(caught.value)


async def test_headers_that_are_large_or_odd(fetcher: Fetcher, tmp_path: Path) -> None:
    """Up to 64 KiB a field, bytes beyond ASCII as they are, in the reason too."""
    large = b"x" * 60_000
    answer = b"HTTP/1.1 200 Sch\xf6n\r\nX-A: \xe9\xff\r\nX-B: " + large + b"\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(answer) as url:
        response = await Worker(fetcher, url, tmp_path).fetch("/")
    assert response.status_text == "Sch\xf6n"
    assert dict(response.headers)["X-A"] == "\xe9\xff"
    assert len(dict(response.headers)["X-B"]) == 60_000


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nzz\nhalf\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000,
    ],
    ids=["short", "no-last-chunk", "bad-chunk", "bad-chunk-after-bare-line-feeds", "large"],
)
async def test_a_body_that_breaks_off(fetcher: Fetcher, tmp_path: Path, answer: bytes) -> None:
    """Is never taken for a whole one; the response is there all the same, even if all that came came together."""
    async with raw_server(answer) as url:
        response = await Worker(fetcher, url, tmp_path).fetch("/")
        assert response.status == 200
        with pytest.raises(NetworkError, match=url):
            await content(response)


async def test_closing_drops_what_is_under_way(fetcher: Fetcher, tmp_path: Path) -> None:
    """Fetches fail, bodies break off, and the next fetch works: nobody sees the connections that were closed."""
    asked = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"/silent" in request:
            asked.set()
            await reader.read()
        elif b"/endless" in request:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nbegin")
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")

    async with raw_server(talk) as url:
        worker = Worker(fetcher, url, tmp_path)
        endless = await worker.fetch("/endless")
        silent = asyncio.ensure_future(worker.fetch("/silent"))
        await asyncio.wait_for(asked.wait(), 5)
        closing = asyncio.ensure_future(fetcher.close())
        await asyncio.sleep(0)
        assert await worker.text("/fine") == "fine"
        await closing
        with pytest.raises(NetworkError):
            await silent
        with pytest.raises(NetworkError):
            await content(endless)
        assert await worker.text("/fine") == "fine"


# Other ways


@pytest.mark.usefixtures("trusted")
async def test_names_can_be_mapped(pki: Pki, tmp_path: Path) -> None:
    """A host that is not in the DNS is reached where the settings say, with the certificate of its own name."""
    site = Origin(pki.good(["site.test"]))
    fetcher = Fetcher(FetchSettings(resolve={"site.test:443": f"127.0.0.1:{site.port}"}), Conditions())
    try:
        site.route("/", "mapped")
        assert await Worker(fetcher, "https://site.test", tmp_path).text("/") == "mapped"
        assert sent(site)["host"] == "site.test"
    finally:
        await fetcher.close()
        site.close()


async def test_by_way_of_another_proxy(tmp_path: Path) -> None:
    """The upstream proxy gets the whole URL."""
    seen: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy")

    async with raw_server(proxy) as url:
        fetcher = Fetcher(FetchSettings(upstream_proxy=url, upstream_auth="me:secret"), Conditions())
        assert await Worker(fetcher, "http://localhost", tmp_path).text("/a") == "proxy"
        await fetcher.close()
    assert seen[0].startswith(b"GET http://localhost/a HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'me:secret').decode()}\r\n".encode() in seen[0]


async def test_forwarded_cookies_are_one_header(origin: Origin, fetcher: Fetcher) -> None:
    """HTTP/2 has them in pieces, which HTTP/1.1 does not take."""

    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    origin.route("/a", "done")
    cookies = [("cookie", "a=1"), ("X", "y"), ("cookie", "b=2")]
    response = await fetcher.forward("POST", f"{origin.url}/a", cookies, nothing())
    response.close()
    assert sent(origin)["cookie"] == "a=1; b=2"


async def test_forwarding_changes_nothing(origin: Origin, fetcher: Fetcher) -> None:
    """A client's own request goes on as it came, and its answer comes as it is: not followed, not decoded."""
    redirect(origin, "/a", "/b", Content_Encoding="gzip", Set_Cookie="a=1")
    headers: list[Header] = [("Host", "x.test"), ("Cookie", "a=1"), ("X-A", "1"), ("Connection", "close")]

    async def data() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    response = await fetcher.forward("POST", f"{origin.url}/a", headers, data())
    async with response:
        assert (response.status, response.headers["Location"]) == (302, "/b")
    assert origin.hits[-1].body == b"one two"
    assert {"host": "x.test", "cookie": "a=1", "x-a": "1"}.items() <= sent(origin).items()
    assert "user-agent" not in sent(origin)


async def test_forwarding_fails_as_fetching_does(origin: Origin, fetcher: Fetcher, conditions: Conditions) -> None:
    """Offline, or with nobody there, it is a network error."""

    async def data() -> AsyncIterator[bytes]:
        yield b"x"

    origin.stop()
    with pytest.raises(NetworkError, match=f"cannot reach {origin.url}"):
        await fetcher.forward("POST", f"{origin.url}/a", [], data())
    conditions.set_offline(True)
    with pytest.raises(NetworkError, match="offline"):
        await fetcher.forward("POST", f"{origin.url}/a", [], data())
