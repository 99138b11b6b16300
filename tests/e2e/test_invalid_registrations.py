"""What is refused, with which exit code and in which words."""

import pytest
from origin import Origin
from proxy_process import ProxyProcess

# name, scope, script, further arguments, exit code, a part of the message. {o} is the origin.
ROWS = [
    ("http", "http://site.test/", "http://site.test/sw.js", [], 2, "need HTTPS"),
    ("insecure localhost", "http://localhost/", "http://localhost/sw.js", [], 2, "need HTTPS"),
    ("another scheme", "ftp://site.test/", "{o}/sw.js", [], 2, "scheme 'ftp:'"),
    ("script of another scheme", "{o}/", "data://site.test/x", [], 2, "scheme 'data:'"),
    ("not a URL", "site.test", "{o}/sw.js", [], 2, "is not a URL"),
    ("another origin", "https://other.test/", "{o}/sw.js", [], 2, "only have a scope on its own origin"),
    ("another port", "https://localhost/", "{o}/sw.js", [], 2, "only have a scope on its own origin"),
    ("%2f in the scope", "{o}/a%2Fb/", "{o}/sw.js", [], 2, "%2f or %5c"),
    ("%5c in the script", "{o}/", "{o}/a%5csw.js", [], 2, "%2f or %5c"),
    ("credentials", "https://user:pw@localhost/", "{o}/sw.js", [], 2, "credentials"),
    ("redirect", "{o}/", "{o}/redirect.js", [], 2, "redirects"),
    ("wrong MIME type", "{o}/", "{o}/page.html", [], 2, "needs a JavaScript MIME type"),
    ("outside of its path", "{o}/", "{o}/deep/sw.js", [], 2, "Service-Worker-Allowed"),
    ("bad type", "{o}/", "{o}/sw.js", ["--type", "funny"], 2, "funny"),
    ("bad updateViaCache", "{o}/", "{o}/sw.js", ["--update-via-cache", "x"], 2, "'x'"),
    ("no such file", "{o}/", "missing-file.js", [], 2, "is not a file"),
    ("404", "{o}/", "{o}/none.js", [], 1, "status 404"),
    ("unreachable", "https://localhost:2/", "https://localhost:2/sw.js", [], 1, "cannot reach https://localhost:2"),
    ("blocked port", "https://localhost:1/", "https://localhost:1/sw.js", [], 1, "browsers never connect to"),
    ("does not parse", "{o}/", "{o}/syntax.js", [], 1, "SyntaxError"),
    ("throws", "{o}/", "{o}/throws.js", [], 1, "Error: thrown on purpose ({o}/throws.js:3:"),
    ("import fails", "{o}/", "{o}/imports.js", [], 1, "none.js"),
    ("install is rejected", "{o}/", "{o}/rejects.js", [], 1, "Error: rejected on purpose"),
    ("module does not link", "{o}/", "{o}/module.js", ["--type", "module"], 1, "missing.js"),
    ("bare specifier", "{o}/", "{o}/bare.js", ["--type", "module"], 1, "Failed to resolve module specifier 'lib'"),
    ("top-level await", "{o}/", "{o}/await.js", ["--type", "module"], 1, "Top-level await"),
    ("endless", "{o}/", "{o}/endless.js", [], 1, "ran for more than 1 second"),
]


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.script("/sw.js", "")
    origin.script("/deep/sw.js", "")
    origin.route("/redirect.js", b"", status=302, headers={"Location": "/sw.js"})
    origin.route("/page.html", "<p>", "text/html")
    origin.script("/syntax.js", "let x = ;")
    origin.script("/throws.js", "\n\nthrow new Error('thrown on purpose');")
    origin.script("/imports.js", "importScripts('/none.js');")
    origin.script("/rejects.js", "oninstall = (e) => e.waitUntil(Promise.reject(new Error('rejected on purpose')));")
    origin.script("/module.js", "import './missing.js';")
    origin.script("/bare.js", "import 'lib';")
    origin.script("/await.js", "await new Promise(() => {});")
    origin.script("/endless.js", "for (;;);")
    return origin


def test_invalid_registrations(site: Origin, start_proxy: object) -> None:
    """Each is refused with its exit code and one clear line; nothing is left of it."""
    assert callable(start_proxy)
    proxy: ProxyProcess = start_proxy("--set", "turn_budget=1")
    wrong = []
    for name, scope, script, arguments, exit_code, message in ROWS:
        done = proxy.register(scope.format(o=site.url), script.format(o=site.url), *arguments)
        shown = message.format(o=site.url)
        if done.returncode != exit_code or shown not in done.stderr or "Traceback" in done.stderr:
            wrong.append(f"{name}: exit {done.returncode}, {done.stderr!r}")
    assert wrong == []
    assert proxy.status()["registrations"] == []


def test_insecure_localhost_is_a_choice(start_proxy: object) -> None:
    """--allow-insecure-localhost lets http://localhost have a worker."""
    assert callable(start_proxy)
    plain = Origin(None)
    try:
        plain.script("/sw.js", "onfetch = (event) => event.respondWith(new Response('worker'));")
        proxy: ProxyProcess = start_proxy("--allow-insecure-localhost")
        done = proxy.register(f"{plain.url}/", f"{plain.url}/sw.js")
        assert done.returncode == 0, done.stderr
        assert proxy.curl(f"{plain.url}/x").text == "worker"
    finally:
        plain.close()
