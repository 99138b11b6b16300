"""Content Security Policy (https://w3c.github.io/webappsec-csp/, 2025), as far as it binds a worker: what it fetches,
imports and makes code of.

Policies are those that are enforced, as fields of a header, names in lower case. Nobody reports what they forbid.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import ada_url

from swproxy.errors import NetworkError
from swproxy.ipc.messages import Header

CONNECT = "connect-src"
IMPORT = "script-src-elem"
_EVAL = "script-src"
# https://w3c.github.io/webappsec-csp/#directive-fallback-list
_FALLBACKS = {CONNECT: ("default-src",), IMPORT: ("script-src", "default-src"), _EVAL: ("default-src",)}
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_SCHEME_SOURCE = re.compile(r"([a-z][a-z0-9+.-]*):")
_HOST_SOURCE = re.compile(
    r"(?:([a-z][a-z0-9+.-]*)://)?(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::(\d+|\*))?(/[^?#]*)?",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"\d+(\.\d+){3}")


def allows(policies: Sequence[Header], directive: str, url: str, origin: str, *, redirected: bool = False) -> bool:
    """https://w3c.github.io/webappsec-csp/#should-block-request: False if one of the policies blocks it

    Args:
        directive: CONNECT or IMPORT.
        origin: the worker's, serialized.
        redirected: whether the URL is the target of a redirect, of which no path is compared.
    """
    target = ada_url.URL(url)
    return all(
        (directive == IMPORT and _has(sources, "'strict-dynamic'"))
        or any(_matches(source, target, ada_url.URL(origin), redirected) for source in sources)
        for sources in _source_lists(policies, directive)
    )


def check(policies: Sequence[Header], directive: str, url: str, origin: str, *, redirected: bool = False) -> None:
    """The same.

    Raises:
        NetworkError: it is blocked.
    """
    if not allows(policies, directive, url, origin, redirected=redirected):
        raise NetworkError(f"the Content-Security-Policy of the worker's script ({directive}) forbids {url}")


def allows_eval(policies: Sequence[Header]) -> bool:
    """https://w3c.github.io/webappsec-csp/#can-compile-strings"""
    return all(_has(sources, "'unsafe-eval'") for sources in _source_lists(policies, _EVAL))


def _source_lists(policies: Sequence[Header], directive: str) -> list[list[str]]:
    """The list that counts of each policy that has one."""
    lists = []
    for name, value in policies:
        for text in value.split(",") if name == "content-security-policy" else ():
            directives: dict[str, list[str]] = {}
            for tokens in map(str.split, text.split(";")):
                if tokens:
                    directives.setdefault(tokens[0].lower(), tokens[1:])
            named = (each for each in (directive, *_FALLBACKS[directive]) if each in directives)
            if (found := next(named, None)) is not None:
                lists.append(directives[found])
    return lists


def _has(sources: Sequence[str], keyword: str) -> bool:
    return any(source.lower() == keyword for source in sources)


def _matches(source: str, url: ada_url.URL, origin: ada_url.URL, redirected: bool) -> bool:
    """https://w3c.github.io/webappsec-csp/#match-url-to-source-expression"""
    scheme, own_scheme = url.protocol.rstrip(":"), origin.protocol.rstrip(":")
    if source == "*":
        return scheme in _DEFAULT_PORTS
    if source.lower() == "'self'":
        same_host = url.hostname == origin.hostname and _port(url) == _port(origin)
        is_default = url.hostname == origin.hostname and not url.port and not origin.port
        return (same_host or is_default) and (
            scheme in (own_scheme, "https", "wss") or (own_scheme == "http" and scheme == "ws")
        )
    if (match := _SCHEME_SOURCE.fullmatch(source.lower())) is not None:
        return _scheme_matches(match[1], scheme)
    match = _HOST_SOURCE.fullmatch(source)
    return (
        match is not None
        and _scheme_matches((match[1] or own_scheme).lower(), scheme)
        and _host_matches(match[2].lower(), url.hostname)
        and (match[3] == "*" or (match[3] or _DEFAULT_PORTS.get(scheme)) == _port(url))
        and (redirected or _path_matches(match[4] or "", url.pathname))
    )


def _port(url: ada_url.URL) -> str | None:
    return url.port or _DEFAULT_PORTS.get(url.protocol.rstrip(":"))


def _scheme_matches(pattern: str, scheme: str) -> bool:
    """https://w3c.github.io/webappsec-csp/#scheme-part-match"""
    upgrades = {"http": ("https",), "ws": ("wss", "http", "https"), "wss": ("https",)}
    return scheme == pattern or scheme in upgrades.get(pattern, ())


def _host_matches(pattern: str, host: str) -> bool:
    """https://w3c.github.io/webappsec-csp/#host-part-match"""
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return host == pattern and (host == "127.0.0.1" or _IPV4.fullmatch(host) is None)


def _path_matches(pattern: str, path: str) -> bool:
    """https://w3c.github.io/webappsec-csp/#path-part-match"""
    if pattern in ("", "/"):
        return True
    expected, pieces = pattern.split("/"), path.split("/")
    if pattern.endswith("/"):
        expected.pop()
        if len(pieces) <= len(expected):
            return False
        del pieces[len(expected) :]
    return list(map(unquote_to_bytes, expected)) == list(map(unquote_to_bytes, pieces))
