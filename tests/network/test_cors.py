"""Fetch's CORS protocol and referrers, from the tables of the specifications."""

from typing import Any

import pytest

from swproxy.errors import NetworkError
from swproxy.ipc.messages import Header, Request
from swproxy.network import cors

ORIGIN = "https://site.test"
URL = "https://api.test/data"


def request(**changes: Any) -> Request:
    values = {"id": None, "method": "GET", "url": URL, "headers": []} | changes
    return Request(**values)


SAFELIST: list[tuple[str, str, str, bool]] = [
    ("accept", "Accept", "text/html, */*;q=0.8", True),
    ("accept with a quote", "Accept", 'text/"html"', False),
    ("accept with a tab", "accept", "a\tb", True),
    ("accept with another control", "accept", "a\x01b", False),
    ("accept with DEL", "accept", "a\x7f", False),
    ("accept beyond ASCII", "accept", "\xe9", True),
    ("accept of 128", "accept", "x" * 128, True),
    ("accept of 129", "accept", "x" * 129, False),
    ("accept-language", "Accept-Language", "de-CH, en;q=0.5, *", True),
    ("accept-language with a slash", "accept-language", "de/CH", False),
    ("accept-language beyond ASCII", "accept-language", "\xe9", False),
    ("content-language", "Content-Language", "de", True),
    ("form", "Content-Type", "application/x-www-form-urlencoded", True),
    ("form data", "Content-Type", "multipart/form-data;boundary=x", True),
    ("text", "content-type", " TEXT/plain ;charset=utf-8", True),
    ("json", "content-type", "application/json", False),
    ("text and a quote", "content-type", 'text/plain;charset="utf-8"', False),
    ("no type", "content-type", "", False),
    ("range", "Range", "bytes=0-", True),
    ("whole range", "Range", "bytes=10-20", True),
    ("suffix range", "range", "bytes=-5", False),
    ("two ranges", "range", "bytes=0-1,3-4", False),
    ("range with a space", "range", "bytes= 0-1", False),
    ("any other", "X-A", "1", False),
    ("authorization", "Authorization", "x", False),
]


@pytest.mark.parametrize(
    ("name", "value", "safe"), [row[1:] for row in SAFELIST], ids=[row[0].replace(" ", "-") for row in SAFELIST]
)
def test_safelisted_request_headers(name: str, value: str, safe: bool) -> None:
    """https://fetch.spec.whatwg.org/#cors-safelisted-request-header"""
    assert cors.is_cors_safelisted_request_header(name, value) is safe


def test_unsafe_header_names() -> None:
    """Sorted, in lower case, once each; safe ones become unsafe when they are more than 1024 bytes together."""
    headers: list[Header] = [("X-B", "1"), ("Accept", "*/*"), ("x-a", "1"), ("x-b", "2")]
    assert cors.unsafe_header_names(headers) == ["x-a", "x-b"]
    many: list[Header] = [("Accept", "x" * 128)] * 8
    assert cors.unsafe_header_names(many) == []
    assert cors.unsafe_header_names([*many, ("Range", "bytes=0-")]) == ["accept", "range"]


@pytest.mark.parametrize(
    ("method", "headers", "needed"),
    [
        ("GET", [("Accept", "*/*")], False),
        ("HEAD", [], False),
        ("POST", [("content-type", "text/plain")], False),
        ("POST", [("content-type", "application/json")], True),
        ("PUT", [], True),
        ("get", [], True),
        ("GET", [("x-a", "1")], True),
    ],
)
def test_what_needs_a_preflight(method: str, headers: list[Header], needed: bool) -> None:
    """A method, or a header, that no form could send."""
    assert cors.needs_preflight(request(method=method, headers=headers)) is needed


CHECKS: list[tuple[str, str, str, list[Header], str | None]] = [
    ("star", "same-origin", ORIGIN, [("Access-Control-Allow-Origin", "*")], None),
    ("the origin", "same-origin", ORIGIN, [("access-control-allow-origin", ORIGIN)], None),
    ("nothing", "same-origin", ORIGIN, [], "has no Access-Control-Allow-Origin"),
    ("another", "same-origin", ORIGIN, [("access-control-allow-origin", "https://x.test")], "'https://x.test'"),
    ("another case", "same-origin", ORIGIN, [("access-control-allow-origin", "https://SITE.test")], "not https"),
    ("a slash", "same-origin", ORIGIN, [("access-control-allow-origin", ORIGIN + "/")], "not https"),
    ("twice", "same-origin", ORIGIN, [("access-control-allow-origin", ORIGIN)] * 2, "not https"),
    ("null", "same-origin", "null", [("access-control-allow-origin", "null")], None),
    ("null for a real one", "same-origin", ORIGIN, [("access-control-allow-origin", "null")], "'null'"),
    ("star with credentials", "include", ORIGIN, [("access-control-allow-origin", "*")], "is '*'"),
    ("credentials not allowed", "include", ORIGIN, [("access-control-allow-origin", ORIGIN)], "Allow-Credentials"),
    (
        "credentials allowed",
        "include",
        ORIGIN,
        [("access-control-allow-origin", ORIGIN), ("Access-Control-Allow-Credentials", "true")],
        None,
    ),
    (
        "True is not true",
        "include",
        ORIGIN,
        [("access-control-allow-origin", ORIGIN), ("access-control-allow-credentials", "True")],
        "Allow-Credentials",
    ),
    ("omit", "omit", ORIGIN, [("access-control-allow-origin", "*")], None),
]


@pytest.mark.parametrize(
    ("credentials", "origin", "headers", "refused"),
    [row[1:] for row in CHECKS],
    ids=[row[0].replace(" ", "-") for row in CHECKS],
)
def test_cors_check(credentials: str, origin: str, headers: list[Header], refused: str | None) -> None:
    """https://fetch.spec.whatwg.org/#concept-cors-check; what is missing is named."""
    if refused is None:
        cors.cors_check(request(credentials=credentials), origin, headers)
    else:
        with pytest.raises(NetworkError) as caught:
            cors.cors_check(request(credentials=credentials), origin, headers)
        assert refused in str(caught.value)


PREFLIGHTS: list[tuple[str, dict[str, Any], dict[str, str], int, str | None]] = [
    ("method", {"method": "PUT"}, {"methods": "DELETE, PUT"}, 204, None),
    ("method not named", {"method": "PUT"}, {"methods": "DELETE"}, 204, "PUT is not allowed"),
    ("method in another case", {"method": "patch"}, {"methods": "PATCH"}, 204, "patch is not allowed"),
    ("star for methods", {"method": "PUT"}, {"methods": "*"}, 204, None),
    ("POST needs no leave", {"method": "POST", "headers": [("x-a", "1")]}, {"headers": "x-a"}, 200, None),
    ("header", {"headers": [("X-A", "1")]}, {"headers": "x-b, X-a"}, 200, None),
    ("header not named", {"headers": [("x-a", "1")]}, {"headers": "x-b"}, 200, "header x-a is not allowed"),
    ("star for headers", {"headers": [("x-a", "1")]}, {"headers": "*"}, 200, None),
    (
        "no star for authorization",
        {"headers": [("Authorization", "1")]},
        {"headers": "*"},
        200,
        "header authorization is not allowed",
    ),
    ("authorization by name", {"headers": [("Authorization", "1")]}, {"headers": "*, authorization"}, 200, None),
    ("no method's name", {"method": "PUT"}, {"methods": "PUT, Bad value"}, 200, "has 'Bad value' in"),
    ("no header's name", {"headers": [("x-a", "1")]}, {"headers": "x-a,(b)"}, 200, "has '(b)' in"),
    ("bad status", {"method": "PUT"}, {"methods": "PUT"}, 404, "status 404"),
    ("redirect", {"method": "PUT"}, {"methods": "PUT"}, 307, "status 307"),
    (
        "no star with credentials",
        {"method": "PUT", "credentials": "include"},
        {"methods": "*", "credentials": "true"},
        200,
        "PUT is not allowed",
    ),
    (
        "no star for headers with credentials",
        {"headers": [("x-a", "1")], "credentials": "include"},
        {"headers": "*", "credentials": "true"},
        200,
        "x-a is not allowed",
    ),
]


@pytest.mark.parametrize(
    ("changes", "allowed", "status", "refused"),
    [row[1:] for row in PREFLIGHTS],
    ids=[row[0].replace(" ", "-") for row in PREFLIGHTS],
)
def test_preflights(changes: dict[str, Any], allowed: dict[str, str], status: int, refused: str | None) -> None:
    """https://fetch.spec.whatwg.org/#cors-preflight-fetch-0"""
    headers = [("access-control-allow-origin", ORIGIN)]
    headers += [(f"Access-Control-Allow-{name}", value) for name, value in allowed.items()]
    if refused is None:
        cors.check_preflight(request(**changes), ORIGIN, status, headers)
    else:
        with pytest.raises(NetworkError) as caught:
            cors.check_preflight(request(**changes), ORIGIN, status, headers)
        assert refused in str(caught.value)


@pytest.mark.parametrize(
    ("expose", "credentials", "visible"),
    [
        (None, "same-origin", ["Content-Type", "Expires"]),
        ("X-A", "same-origin", ["Content-Type", "Expires", "x-a"]),
        ("x-a, X-B", "include", ["Content-Type", "Expires", "x-a", "X-b"]),
        ("*", "same-origin", ["Content-Type", "Expires", "x-a", "X-b", "Access-Control-Expose-Headers"]),
        ("*", "include", ["Content-Type", "Expires"]),
    ],
    ids=["safelisted", "named", "several", "star", "star-with-credentials"],
)
def test_exposed_headers(expose: str | None, credentials: str, visible: list[str]) -> None:
    """https://fetch.spec.whatwg.org/#concept-filtered-response-cors"""
    headers = [(name, "1") for name in ("Content-Type", "Expires", "x-a", "X-b")]
    if expose is not None:
        headers.append(("Access-Control-Expose-Headers", expose))
    found = cors.exposed_headers(request(credentials=credentials), headers)
    assert [name for name, _ in found] == visible


# The examples of https://w3c.github.io/webappsec-referrer-policy/: what is sent from FROM to the same origin, to
# another one, and to one that is not secure.
FROM = "https://user:pw@site.test/a/sw.js?q=1#f"
FULL, BARE = "https://site.test/a/sw.js?q=1", "https://site.test/"
REFERRERS: list[tuple[str, str | None, str | None, str | None]] = [
    ("", FULL, BARE, None),
    ("no-referrer", None, None, None),
    ("no-referrer-when-downgrade", FULL, FULL, None),
    ("origin", BARE, BARE, BARE),
    ("origin-when-cross-origin", FULL, BARE, BARE),
    ("same-origin", FULL, None, None),
    ("strict-origin", BARE, BARE, None),
    ("strict-origin-when-cross-origin", FULL, BARE, None),
    ("unsafe-url", FULL, FULL, FULL),
]


@pytest.mark.parametrize(
    ("policy", "same", "cross", "insecure"), REFERRERS, ids=[row[0] or "default" for row in REFERRERS]
)
def test_referrers(policy: str, same: str | None, cross: str | None, insecure: str | None) -> None:
    """Each policy, without credentials and fragment."""
    targets = ("https://site.test/b", "https://other.test/", "http://site.test/")
    assert tuple(cors.determine_referrer(policy, FROM, url) for url in targets) == (same, cross, insecure)


@pytest.mark.parametrize("referrer", ["no-referrer", "about:client", "", "data:,x"])
def test_what_is_no_referrer(referrer: str) -> None:
    """Only pages and scripts of HTTP(S) are named."""
    assert cors.determine_referrer("unsafe-url", referrer, URL) is None


def test_a_very_long_referrer_is_cut_to_its_origin() -> None:
    """More than 4096 characters."""
    for length, expected in ((4096, 4096), (4097, len("https://site.test/"))):
        referrer = "https://site.test/".ljust(length, "x")
        found = cors.determine_referrer("unsafe-url", referrer, URL)
        assert found is not None
        assert len(found) == expected


ORIGINS: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("cors", {"mode": "cors"}, "cors", ORIGIN),
    ("same origin", {"mode": "cors", "url": f"{ORIGIN}/"}, "basic", None),
    ("same origin POST", {"mode": "cors", "url": f"{ORIGIN}/", "method": "POST"}, "basic", ORIGIN),
    ("no-cors", {"mode": "no-cors"}, "opaque", None),
    ("no-cors HEAD", {"mode": "no-cors", "method": "HEAD"}, "opaque", None),
    ("no-cors POST", {"mode": "no-cors", "method": "POST"}, "opaque", ORIGIN),
    ("downgrade", {"mode": "no-cors", "method": "POST", "url": "http://api.test/"}, "opaque", "null"),
    ("no-referrer", {"mode": "no-cors", "method": "POST", "referrer_policy": "no-referrer"}, "opaque", "null"),
    ("same-origin", {"mode": "no-cors", "method": "POST", "referrer_policy": "same-origin"}, "opaque", "null"),
    ("origin", {"mode": "no-cors", "method": "POST", "referrer_policy": "origin"}, "opaque", ORIGIN),
    ("navigation", {"mode": "navigate", "method": "POST", "url": f"{ORIGIN}/"}, "basic", ORIGIN),
]


@pytest.mark.parametrize(
    ("changes", "tainting", "origin"), [row[1:] for row in ORIGINS], ids=[row[0].replace(" ", "-") for row in ORIGINS]
)
def test_origin_headers(changes: dict[str, Any], tainting: str, origin: str | None) -> None:
    """https://fetch.spec.whatwg.org/#append-a-request-origin-header"""
    assert cors.request_origin(request(**changes), ORIGIN, tainting) == origin


@pytest.mark.parametrize(
    ("url", "trustworthy"),
    [
        ("https://a.test/", True),
        ("http://a.test/", False),
        ("http://localhost:8080/", True),
        ("http://a.localhost/", True),
        ("http://localhost.test/", False),
        ("http://127.0.0.1/", True),
        ("http://127.255.1.2:1/", True),
        ("http://128.0.0.1/", False),
        ("http://127.0.0.1.test/", False),
        ("http://[::1]:8080/", True),
        ("http://[::2]/", False),
    ],
)
def test_potentially_trustworthy_urls(url: str, trustworthy: bool) -> None:
    """HTTPS, and what stays on this machine."""
    assert cors.is_potentially_trustworthy(url) is trustworthy


@pytest.mark.parametrize(
    ("headers", "policy"),
    [
        ([], ""),
        ([("Referrer-Policy", "origin")], "origin"),
        ([("referrer-policy", "Origin, unknown, "), ("Referrer-Policy", "SAME-ORIGIN, x")], "same-origin"),
        ([("Referrer-Policy", "unknown")], ""),
    ],
)
def test_the_policy_of_a_header(headers: list[Header], policy: str) -> None:
    """The last one that is known."""
    assert cors.referrer_policy_of(headers) == policy
