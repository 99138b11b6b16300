"""The host half of the URL Pattern Standard: the encoding callbacks that need the URL parser.

Each takes a piece of a component, which is not empty, and gives its canonical form; None is the failure that the
standard throws a TypeError for. https://urlpattern.spec.whatwg.org/#canon-encoding-callbacks
"""

from typing import Any

import ada_url

# "Create a dummy URL". The setters are what the standard calls the parser with a state override for.
_DUMMY_URL = "https://dummy.invalid/"
# Its default port is none, so that a port is kept whatever it is.
_DUMMY_URL_WITHOUT_DEFAULT_PORT = "dummy://dummy.invalid/"
_SCHEMES_WITH_DEFAULT_PORT = ("http", "https", "ws", "wss", "ftp")


def _set(name: str, value: str, dummy_url: str = _DUMMY_URL) -> str | None:
    url = ada_url.URL(dummy_url)
    try:
        setattr(url, name, value)
    except ValueError:
        return None
    return str(getattr(url, name))


def op_canonicalize_protocol(realm: Any, value: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-protocol"""
    try:
        return ada_url.URL(f"{value}://dummy.invalid/").protocol.removesuffix(":")
    except ValueError:
        return None


def op_canonicalize_username(realm: Any, value: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-username"""
    return _set("username", value)


def op_canonicalize_password(realm: Any, value: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-password"""
    return _set("password", value)


def op_canonicalize_hostname(realm: Any, value: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-hostname"""
    return _set("hostname", value)


def op_canonicalize_port(realm: Any, value: str, protocol: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-port

    ``protocol`` is that of the URL, whose default port becomes empty; in a pattern it is not known yet, and empty.
    """
    if not value.strip("\t\n\r"):
        return None  # the setter would take the port away
    has_default = protocol in _SCHEMES_WITH_DEFAULT_PORT
    return _set("port", value, f"{protocol}://dummy.invalid/" if has_default else _DUMMY_URL_WITHOUT_DEFAULT_PORT)


def op_canonicalize_pathname(realm: Any, value: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-pathname"""
    if value.startswith("/"):
        return _set("pathname", value)
    # "Therefore we disable the prepending of the slash by inserting our own": a piece need not begin with one.
    result = _set("pathname", f"/-{value}")
    # A piece like "a/../b" takes away what is inserted. The standard would cut two other characters; Chromium fails.
    return result[2:] if result is not None and result.startswith("/-") else None


def op_canonicalize_search(realm: Any, value: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-search"""
    result = _set("search", f"?{value}")  # the setter takes one question mark away
    return None if result is None else result.removeprefix("?")


def op_canonicalize_hash(realm: Any, value: str) -> str | None:
    """https://urlpattern.spec.whatwg.org/#canonicalize-a-hash"""
    result = _set("hash", f"#{value}")
    return None if result is None else result.removeprefix("#")


def op_url_components(realm: Any, url: str, base: str | None) -> dict[str, str] | None:
    """The components of the parsed URL as they are matched, without their delimiters; None for failure."""
    try:
        parsed = ada_url.URL(url, base)
    except ValueError:
        return None
    return {
        "protocol": parsed.protocol.removesuffix(":"),
        "username": parsed.username,
        "password": parsed.password,
        "hostname": parsed.hostname,
        "port": parsed.port,
        "pathname": parsed.pathname,
        "search": parsed.search.removeprefix("?"),
        "hash": parsed.hash.removeprefix("#"),
    }
