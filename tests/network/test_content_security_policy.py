"""The policies of a worker's script."""

import pytest

from swproxy.network.content_security_policy import CONNECT, IMPORT, allows, allows_eval

ORIGIN = "https://a.test"


def policy(*values: str) -> list[tuple[str, str]]:
    return [("referrer-policy", "origin"), *(("content-security-policy", value) for value in values)]


@pytest.mark.parametrize(
    ("sources", "allowed", "blocked"),
    [
        ("", "", "https://a.test/"),
        ("'none'", "", "https://a.test/"),
        ("*", "https://b.test:8443/ http://b.test/ wss://b.test/", ""),
        ("'self'", "https://a.test/x wss://a.test/", "https://b.test/ https://a.test:8443/ http://a.test/"),
        ("'SELF'", "https://a.test/", ""),
        ("https:", "https://b.test:1/", "http://b.test/ wss://b.test/"),
        ("http: ws:", "https://b.test/ wss://b.test/", ""),
        ("b.test", "https://b.test/ https://B.test:443/x", "http://b.test/ https://b.test:1/ https://c.b.test/"),
        ("http://b.test", "https://b.test/", "https://b.test:80/"),
        ("https://b.test:*", "https://b.test:1/ https://b.test/", "https://c.test/"),
        ("https://b.test:8443", "https://b.test:8443/", "https://b.test/"),
        ("*.b.test", "https://c.b.test/ https://d.c.b.test/", "https://b.test/ https://cb.test/"),
        ("127.0.0.1 10.0.0.1", "https://127.0.0.1/", "https://10.0.0.1/"),
        ("b.test/", "https://b.test/x/y", ""),
        ("b.test/x", "https://b.test/x https://b.test/x?q", "https://b.test/x/ https://b.test/xy https://b.test/"),
        ("b.test/x/", "https://b.test/x/ https://b.test/x/y/z", "https://b.test/x https://b.test/y/"),
        ("b.test/%78%2F", "https://b.test/x%2f", "https://b.test/x/"),
        ("'nonce-x' 'unsafe-inline' b..test", "", "https://b.test/ https://a.test/"),
    ],
)
def test_sources(sources: str, allowed: str, blocked: str) -> None:
    """What each kind of source lets pass."""
    policies = policy(f"connect-src {sources}")
    assert [url for url in allowed.split() if not allows(policies, CONNECT, url, ORIGIN)] == []
    assert [url for url in blocked.split() if allows(policies, CONNECT, url, ORIGIN)] == []


@pytest.mark.parametrize(
    ("policies", "connects", "imports", "evaluates"),
    [
        ([], True, True, True),
        (["img-src 'none'"], True, True, True),
        (["default-src 'self'"], False, False, False),
        (["default-src 'none'; connect-src b.test; script-src b.test 'unsafe-eval'"], True, True, True),
        (["connect-src 'self'; Connect-Src b.test"], False, True, True),
        (["script-src 'self'; script-src-elem b.test"], True, True, False),
        (["script-src 'strict-dynamic' 'nonce-x'"], True, True, False),
        (["connect-src b.test, connect-src c.test"], False, True, True),
        (["connect-src b.test", "script-src 'none'"], True, False, False),
        ([" ; ,, ;"], True, True, True),
    ],
)
def test_directives(policies: list[str], connects: bool, imports: bool, evaluates: bool) -> None:
    """The first directive of a name counts, all policies do, and each directive has those that stand in for it."""
    fields = policy(*policies)
    assert allows(fields, CONNECT, "https://b.test/", ORIGIN) is connects
    assert allows(fields, IMPORT, "https://b.test/", ORIGIN) is imports
    assert allows_eval(fields) is evaluates


def test_redirects() -> None:
    """Of the target of a redirect no path is compared: it would tell where another origin redirects to."""
    fields = policy("connect-src b.test/x")
    assert not allows(fields, CONNECT, "https://b.test/y", ORIGIN)
    assert allows(fields, CONNECT, "https://b.test/y", ORIGIN, redirected=True)
