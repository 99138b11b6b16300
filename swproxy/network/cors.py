"""Fetch's CORS protocol, referrers and request metadata, for a worker's own requests. No I/O."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from swproxy.errors import NetworkError
from swproxy.ipc.messages import Header, Request
from swproxy.service_worker.registration import origin_of

SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})
_SAFELISTED_RESPONSE_HEADERS = frozenset(
    {
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "expires",
        "last-modified",
        "pragma",
    }
)
_UNSAFE_BYTE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_LANGUAGE = re.compile(r"[0-9A-Za-z *,\-.;=]*")
_SIMPLE_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SIMPLE_RANGE = re.compile(r"bytes=[0-9]+-[0-9]*")


def get(headers: Iterable[Header], name: str) -> str | None:
    """The combined value of a header, whose name is given in lower case."""
    values = [value for key, value in headers if key.lower() == name]
    return ", ".join(values) if values else None


def is_cors_safelisted_request_header(name: str, value: str) -> bool:
    """https://fetch.spec.whatwg.org/#cors-safelisted-request-header"""
    if len(value) > 128:
        return False
    match name.lower():
        case "accept":
            return not _UNSAFE_BYTE.search(value)
        case "accept-language" | "content-language":
            return _LANGUAGE.fullmatch(value) is not None
        case "content-type":
            return not _UNSAFE_BYTE.search(value) and value.partition(";")[0].strip().lower() in _SIMPLE_TYPES
        case "range":
            return _SIMPLE_RANGE.fullmatch(value) is not None
    return False


def unsafe_header_names(headers: Iterable[Header]) -> list[str]:
    """https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names, sorted and in lower case"""
    unsafe = set()
    safelisted: dict[str, int] = {}
    for name, value in headers:
        if is_cors_safelisted_request_header(name, value):
            safelisted[name.lower()] = safelisted.get(name.lower(), 0) + len(value)
        else:
            unsafe.add(name.lower())
    if sum(safelisted.values()) > 1024:
        unsafe.update(safelisted)
    return sorted(unsafe)


def needs_preflight(request: Request) -> bool:
    """Whether a cross-origin request in mode "cors" is preceded by a CORS-preflight request."""
    return request.method not in SAFELISTED_METHODS or bool(unsafe_header_names(request.headers))


def cors_check(request: Request, origin: str, headers: Sequence[Header]) -> None:
    """https://fetch.spec.whatwg.org/#concept-cors-check

    Args:
        origin: the request's, serialized ("null" after some redirects).

    Raises:
        NetworkError: the response does not let this origin see it.
    """
    allowed = get(headers, "access-control-allow-origin")
    if allowed is None:
        raise NetworkError(f"{request.url} has no Access-Control-Allow-Origin header")
    if request.credentials != "include" and allowed == "*":
        return
    if allowed != origin:
        raise NetworkError(f"Access-Control-Allow-Origin of {request.url} is '{allowed}', not {origin}")
    if request.credentials == "include" and get(headers, "access-control-allow-credentials") != "true":
        raise NetworkError(f"{request.url} does not send Access-Control-Allow-Credentials: true")


def check_preflight(request: Request, origin: str, status: int, headers: Sequence[Header]) -> None:
    """https://fetch.spec.whatwg.org/#cors-preflight-fetch-0, once the response is there

    Raises:
        NetworkError: the request must not be made.
    """
    cors_check(request, origin, headers)
    if not 200 <= status <= 299:
        raise NetworkError(f"the CORS preflight of {request.url} has the status {status}")
    credentials = request.credentials == "include"
    methods = _tokens(request, headers, "access-control-allow-methods")
    if (
        request.method not in methods
        and request.method not in SAFELISTED_METHODS
        and (credentials or "*" not in methods)
    ):
        raise NetworkError(f"{request.method} is not allowed by the CORS preflight of {request.url}")
    names = {name.lower() for name in _tokens(request, headers, "access-control-allow-headers")}
    for name in unsafe_header_names(request.headers):
        wildcard = "*" in names and not credentials and name != "authorization"
        if name not in names and not wildcard:
            raise NetworkError(f"the header {name} is not allowed by the CORS preflight of {request.url}")


def _list(headers: Sequence[Header], name: str) -> list[str]:
    return [item.strip() for item in (get(headers, name) or "").split(",") if item.strip()]


def _tokens(request: Request, headers: Sequence[Header], name: str) -> list[str]:
    """https://fetch.spec.whatwg.org/#extract-header-list-values"""
    tokens = _list(headers, name)
    for token in tokens:
        if not _TOKEN.fullmatch(token):
            raise NetworkError(f"the CORS preflight of {request.url} has '{token}' in {name}")
    return tokens


def exposed_headers(request: Request, headers: Sequence[Header]) -> list[Header]:
    """https://fetch.spec.whatwg.org/#concept-filtered-response-cors: those that remain"""
    exposed = {name.lower() for name in _list(headers, "access-control-expose-headers")}
    if "*" in exposed and request.credentials != "include":
        return list(headers)
    visible = exposed | _SAFELISTED_RESPONSE_HEADERS
    return [(name, value) for name, value in headers if name.lower() in visible]


def request_origin(request: Request, origin: str, tainting: str) -> str | None:
    """https://fetch.spec.whatwg.org/#append-a-request-origin-header: the header, or None

    Args:
        origin: the request's, serialized.
        tainting: https://fetch.spec.whatwg.org/#concept-request-response-tainting
    """
    if tainting == "cors":
        return origin
    if request.method in ("GET", "HEAD"):
        return None
    if request.mode == "cors":
        return origin
    match request.referrer_policy or "strict-origin-when-cross-origin":
        case "no-referrer":
            return "null"
        case "no-referrer-when-downgrade" | "strict-origin" | "strict-origin-when-cross-origin":
            downgrade = origin.startswith("https:") and not request.url.startswith("https:")
            return "null" if downgrade else origin
        case "same-origin":
            return origin if origin_of(request.url) == origin else "null"
    return origin


def is_potentially_trustworthy(url: str) -> bool:
    """https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy, for http(s) and ws(s)"""
    parts = urlsplit(url)
    return parts.scheme in ("https", "wss") or is_loopback(parts.hostname or "")


def is_mixed_content(origin: str, url: str) -> bool:
    """https://w3c.github.io/webappsec-mixed-content/#should-block-fetch, for workers of the origin"""
    return origin.startswith("https:") and not is_potentially_trustworthy(url)


def is_loopback(host: str) -> bool:
    """localhost and its subdomains, 127.0.0.0/8, ::1"""
    return (
        host == "localhost"
        or host.endswith(".localhost")
        or host == "::1"
        or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
    )


REFERRER_POLICIES = frozenset(
    {
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    }
)


def referrer_policy_of(headers: Sequence[Header]) -> str:
    """https://w3c.github.io/webappsec-referrer-policy/#parse-referrer-policy-from-header: the last known, or \"\""""
    named = [token.lower() for token in _list(headers, "referrer-policy")]
    known = [token for token in named if token in REFERRER_POLICIES]
    return known[-1] if known else ""


def determine_referrer(policy: str, referrer: str, url: str) -> str | None:
    """https://w3c.github.io/webappsec-referrer-policy/#determine-requests-referrer: the header, or None"""
    if not referrer.startswith(("http:", "https:")):
        return None
    parts = urlsplit(referrer)
    full = f"{origin_of(referrer)}{parts.path}" + (f"?{parts.query}" if parts.query else "")
    only_origin = origin_of(referrer) + "/"
    if len(full) > 4096:
        full = only_origin
    same_origin = origin_of(referrer) == origin_of(url)
    downgrade = is_potentially_trustworthy(referrer) and not is_potentially_trustworthy(url)
    match policy or "strict-origin-when-cross-origin":
        case "no-referrer":
            return None
        case "origin":
            return only_origin
        case "unsafe-url":
            return full
        case "strict-origin":
            return None if downgrade else only_origin
        case "strict-origin-when-cross-origin":
            return full if same_origin else None if downgrade else only_origin
        case "same-origin":
            return full if same_origin else None
        case "origin-when-cross-origin":
            return full if same_origin else only_origin
    return None if downgrade else full  # no-referrer-when-downgrade
