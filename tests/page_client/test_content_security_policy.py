"""Policies: the page client passes, and nothing else that did not."""

import base64
import hashlib

import pytest
from aiohttp import web
from multidict import CIMultiDict
from origin import Origin
from playwright.sync_api import BrowserContext, Page

from swproxy.page_client.content_security_policy import allow_page_client, has_opaque_origin
from swproxy.page_client.insertion import SCRIPT_PATH, Field, Insertion, script_tag

# Opens its channel before it returns. As a worker, which it never is, it would say so.
CLIENT = """if (globalThis.document === undefined) postMessage("a worker");
globalThis.client = new Promise((resolve) => {
  const socket = new WebSocket(`wss://${location.host}/.swproxy/channel`);
  socket.onopen = () => resolve("open");
  socket.onerror = () => resolve("blocked");
});"""
HASH = "sha256-" + base64.b64encode(hashlib.sha256(CLIENT.encode()).digest()).decode()

S = "https://a.test/.swproxy/client.js"
C = "https://a.test/.swproxy/ wss://a.test/.swproxy/"
H = f"'{HASH}'"
OTHER_HASH = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"

# What it is about; policies, those for reports only beginning with "?"; what becomes of them, None if nothing; and
# whether our tag has a nonce and integrity.
Row = tuple[str, list[str], list[str] | None, str, bool]
ROWS: list[Row] = [
    # Nothing in the way.
    ("no policy", [], None, "", False),
    ("nothing about scripts", ["img-src 'self'; frame-ancestors 'none'"], None, "", False),
    ("an empty policy", [""], None, "", False),
    ("only separators", [" ; ;, ;"], None, "", False),
    ("self", ["script-src 'self'"], None, "", False),
    ("self for all", ["default-src 'self'"], None, "", False),
    ("self and inline", ["script-src 'self' 'unsafe-inline'; connect-src 'self'"], None, "", False),
    ("anything", ["default-src * 'unsafe-inline'"], None, "", False),
    ("names in capitals", ["Script-Src 'SELF'; CONNECT-SRC 'Self'"], None, "", False),
    ("trusted types", ["require-trusted-types-for 'script'; trusted-types 'none'"], None, "", False),
    ("insecure requests", ["upgrade-insecure-requests; block-all-mixed-content"], None, "", False),
    ("workers", ["worker-src 'none'; child-src 'none'"], None, "", False),
    ("a base", ["base-uri 'none'; form-action 'none'"], None, "", False),
    # Scripts: our URL.
    ("no scripts", ["script-src 'none'"], [f"script-src-elem {S};script-src 'none'"], "", False),
    ("an empty list", ["script-src"], [f"script-src-elem {S};script-src"], "", False),
    (
        "none is not alone",
        ["script-src 'none' https://b.test"],
        [f"script-src-elem https://b.test {S};script-src 'none' https://b.test"],
        "",
        False,
    ),
    (
        "a host",
        ["script-src https://b.test/a/ b.test; img-src *"],
        [f"script-src-elem https://b.test/a/ b.test {S};script-src https://b.test/a/ b.test; img-src *"],
        "",
        False,
    ),
    (
        "inline stays allowed",
        ["script-src 'unsafe-inline'"],
        [f"script-src-elem 'unsafe-inline' {S};script-src 'unsafe-inline'"],
        "",
        False,
    ),
    ("data URLs", ["script-src data: blob:"], [f"script-src-elem data: blob: {S};script-src data: blob:"], "", False),
    ("any HTTPS", ["script-src https: 'unsafe-inline'"], None, "", False),
    (
        "a hash of another script",
        [f"script-src {OTHER_HASH}"],
        [f"script-src-elem {OTHER_HASH} {S};script-src {OTHER_HASH}"],
        "",
        False,
    ),
    (
        "a list for elements",
        ["script-src 'self'; script-src-elem 'none'; script-src-attr 'none'"],
        [f"script-src 'self'; script-src-elem {S}; script-src-attr 'none'"],
        "",
        False,
    ),
    ("a list for elements that lets us", ["script-src 'none'; script-src-elem 'self'"], None, "", False),
    ("the first of two counts", ["script-src 'self'; script-src 'none'"], None, "", False),
    (
        "the first of two counts, the other way",
        ["script-src-elem 'none'; script-src-elem 'self'"],
        [f"script-src-elem {S}; script-src-elem 'self'"],
        "",
        False,
    ),
    # Scripts: the page's nonce.
    ("a nonce", ["script-src 'nonce-abc'"], None, "abc", False),
    ("a nonce of base64", ["script-src 'nonce-a+/_-z=='"], None, "a+/_-z==", False),
    ("self and a nonce", ["script-src 'self' 'nonce-abc'"], None, "", False),
    ("a nonce and inline", ["script-src 'nonce-abc' 'unsafe-inline'"], None, "abc", False),
    ("a strict policy", ["script-src 'nonce-abc' 'strict-dynamic' https: 'unsafe-inline'"], None, "abc", False),
    ("strict and self", ["script-src 'self' 'strict-dynamic' 'nonce-abc'"], None, "abc", False),
    (
        "a nonce for all",
        ["default-src 'nonce-abc'"],
        [f"connect-src 'nonce-abc' {C};default-src 'nonce-abc'"],
        "abc",
        False,
    ),
    (
        "not a nonce",
        ["script-src 'nonce-a\"b' nonce-abc"],
        [f"script-src-elem 'nonce-a\"b' nonce-abc {S};script-src 'nonce-a\"b' nonce-abc"],
        "",
        False,
    ),
    # Scripts: our hash.
    (
        "strict with a hash",
        [f"script-src 'strict-dynamic' {OTHER_HASH}"],
        [f"script-src-elem 'strict-dynamic' {OTHER_HASH} {H};script-src 'strict-dynamic' {OTHER_HASH}"],
        "",
        True,
    ),
    (
        "strict with nothing",
        ["script-src 'strict-dynamic' 'self' 'unsafe-inline'"],
        [
            f"script-src-elem 'strict-dynamic' 'self' 'unsafe-inline' {H};"
            "script-src 'strict-dynamic' 'self' 'unsafe-inline'"
        ],
        "",
        True,
    ),
    # The channel.
    ("no connections", ["connect-src 'none'"], [f"connect-src {C}"], "", False),
    ("connections to a host", ["connect-src https://b.test"], [f"connect-src https://b.test {C}"], "", False),
    ("connections over HTTPS", ["connect-src https:"], [f"connect-src https: {C}"], "", False),
    (
        "connections over WebSockets",
        ["img-src *;  connect-src wss:"],
        [f"img-src *; connect-src wss: {C}"],
        "",
        False,
    ),
    ("connections to anything", ["connect-src *"], None, "", False),
    # All of it.
    (
        "nothing at all",
        ["default-src 'none'"],
        [f"connect-src {C};script-src-elem {S};default-src 'none'"],
        "",
        False,
    ),
    (
        "nothing but scripts",
        ["default-src 'none'; script-src 'self'"],
        [f"connect-src {C};default-src 'none'; script-src 'self'"],
        "",
        False,
    ),
    (
        "nothing but connections",
        ["default-src 'none'; connect-src 'self'"],
        [f"script-src-elem {S};default-src 'none'; connect-src 'self'"],
        "",
        False,
    ),
    (
        "hosts for all",
        ["default-src https://b.test"],
        [f"connect-src https://b.test {C};script-src-elem https://b.test {S};default-src https://b.test"],
        "",
        False,
    ),
    # Several policies.
    ("both let us", ["script-src 'self'", "script-src https:"], None, "", False),
    (
        "one of two, in two fields",
        ["script-src 'self'", "script-src 'none'"],
        ["script-src 'self'", f"script-src-elem {S};script-src 'none'"],
        "",
        False,
    ),
    (
        "one of two, in one field",
        ["script-src 'self', script-src 'none'; connect-src 'none'"],
        [f"script-src 'self',script-src-elem {S}; script-src 'none'; connect-src {C}"],
        "",
        False,
    ),
    (
        "two nonces",
        ["script-src 'nonce-abc'", "script-src 'nonce-def' 'strict-dynamic'"],
        [f"script-src-elem 'nonce-abc' {S};script-src 'nonce-abc'", "script-src 'nonce-def' 'strict-dynamic'"],
        "def",
        False,
    ),
    (
        "two strict nonces",
        ["script-src 'nonce-abc' 'strict-dynamic'", "script-src 'nonce-def' 'strict-dynamic'"],
        [
            "script-src 'nonce-abc' 'strict-dynamic'",
            f"script-src-elem 'nonce-def' 'strict-dynamic' {H};script-src 'nonce-def' 'strict-dynamic'",
        ],
        "abc",
        True,
    ),
    (
        "a nonce and hosts",
        ["script-src 'nonce-abc'", "script-src b.test 'unsafe-inline'"],
        [
            "script-src 'nonce-abc'",
            f"script-src-elem b.test 'unsafe-inline' {S};script-src b.test 'unsafe-inline'",
        ],
        "abc",
        False,
    ),
    # Only for reports.
    (
        "a report on all",
        ["?default-src 'none'; report-uri /reports"],
        [f"?connect-src {C};script-src-elem {S};default-src 'none'; report-uri /reports"],
        "",
        False,
    ),
    ("a report with a nonce", ["?script-src 'nonce-abc'"], None, "abc", False),
    (
        "a nonce, and a report with another",
        ["?script-src 'nonce-def' 'strict-dynamic'", "script-src 'nonce-abc'"],
        [
            f"?script-src-elem 'nonce-def' 'strict-dynamic' {H};script-src 'nonce-def' 'strict-dynamic'",
            "script-src 'nonce-abc'",
        ],
        "abc",
        True,
    ),
    # Sandboxes that run scripts.
    ("a sandbox", ["sandbox allow-scripts allow-same-origin; script-src 'self'"], None, "", False),
    (
        "a sandbox of its own origin",
        ["sandbox Allow-Scripts; default-src 'none'"],
        [f"connect-src {C};script-src-elem {S};sandbox Allow-Scripts; default-src 'none'"],
        "",
        False,
    ),
    ("a sandbox of its own origin, and self", ["sandbox allow-scripts; default-src 'self'"], None, "", False),
]


def fields_of(policies: list[str]) -> list[Field]:
    return [
        (b"Content-Security-Policy-Report-Only", policy[1:].encode("latin-1"))
        if policy.startswith("?")
        else (b"content-security-policy", policy.encode("latin-1"))
        for policy in policies
    ]


@pytest.mark.parametrize(("about", "before", "after", "nonce", "has_integrity"), ROWS)
def test_allow_page_client(
    about: str, before: list[str], after: list[str] | None, nonce: str, has_integrity: bool
) -> None:
    """As the table says; other fields stay."""
    others = [(b"Content-Type", b"text/html"), (b"X-Csp", b"script-src 'none'")]
    allowance = allow_page_client([*others, *fields_of(before)], "https://a.test", HASH)
    assert allowance.fields == [*others, *fields_of(before if after is None else after)]
    assert (allowance.nonce, allowance.integrity) == (nonce, HASH if has_integrity else "")
    assert allowance.can_run


@pytest.mark.parametrize(
    ("origin_url", "source"),
    [
        ("https://a.test:8443", "https://a.test:8443/.swproxy/client.js"),
        ("https://xn--bcher-kva.test", "https://xn--bcher-kva.test/.swproxy/client.js"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443/.swproxy/client.js"),
        ("https://127.0.0.2", "'self'"),
        ("https://[::1]:8443", "'self'"),
        ("https://a_b.test", "'self'"),
    ],
)
def test_hosts(origin_url: str, source: str) -> None:
    """Where no source can name the host, it is the whole origin."""
    allowance = allow_page_client(fields_of(["script-src 'none'"]), origin_url, HASH)
    assert allowance.fields == fields_of([f"script-src-elem {source};script-src 'none'"])
    channel = allow_page_client(fields_of(["connect-src 'none'"]), origin_url, HASH).fields[0][1]
    assert channel.startswith(b"connect-src " + source.replace("client.js", " wss").encode())


@pytest.mark.parametrize(
    ("policy", "can_run"),
    [
        ("sandbox", False),
        ("sandbox allow-forms allow-same-origin", False),
        ("sandbox allow-scripts, sandbox", False),
        ("sandbox allow-forms allow-scripts", True),
        ("?sandbox", True),
    ],
)
def test_sandboxes_without_scripts(policy: str, can_run: bool) -> None:
    """Nothing can run there, and we change nothing about it. For reports only, there is no sandbox."""
    allowance = allow_page_client(fields_of([policy]), "https://a.test", HASH)
    assert (allowance.can_run, allowance.fields) == (can_run, fields_of([policy]))


def test_bytes_that_are_not_ascii() -> None:
    """A directive with them counts for nothing, and stays."""
    fields = fields_of(["script-src 'self' \xe9; script-src 'none'"])
    changed = allow_page_client(fields, "https://a.test", HASH).fields
    assert changed == fields_of([f"script-src-elem {S};script-src 'self' \xe9; script-src 'none'"])


@pytest.mark.parametrize("name", [b"Integrity-Policy", b"integrity-policy-report-only"])
def test_integrity_policy(name: bytes) -> None:
    """Our tag has integrity where a site wants that of all scripts."""
    for value, integrity in (
        (b"blocked-destinations=(script), endpoints=(a)", HASH),
        (b"blocked-destinations=(style script)", HASH),
        (b"blocked-destinations=(style)", ""),
    ):
        assert allow_page_client([(name, value)], "https://a.test", HASH).integrity == integrity


PAGE = """<!doctype html><meta charset=utf-8><script>globalThis.inline = true</script>
<script src=/other.js></script><script src=/nonced.js nonce=abc></script>
<script nonce=def>globalThis.def = true</script>
<p id=handler onclick='globalThis.handled = true'></p><a id=link href='javascript:globalThis.navigated = true'></a>"""

# Everything here is to be as it was without us.
PROBE = """async () => {
  document.getElementById("handler").click();
  document.getElementById("link").click();
  const settle = (start) => Promise.race([
    new Promise(start).catch((error) => error.name), new Promise((resolve) => setTimeout(resolve, 3000, "late"))]);
  const socket = (path) => settle((resolve) => {
    const made = new WebSocket(`wss://${location.host}${path}`);
    made.onopen = () => resolve("open");
    made.onerror = () => resolve("blocked");
  });
  const loaded = (tag, attributes) => settle((resolve) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = () => resolve("loaded");
    element.onerror = () => resolve("blocked");
    document.body.append(element);
  });
  const results = await Promise.all([
    fetch("/data").then((response) => response.text(), (error) => error.name),
    socket("/channel"),
    loaded("img", { src: "/.swproxy/pixel.svg" }),
    settle((resolve) => {
      const worker = new Worker("/.swproxy/client.js");
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = () => resolve("blocked");
    }),
  ]);
  const { inline, other, nonced, def, handled, navigated } = globalThis;
  return [inline, other, nonced, def, handled, navigated, ...results];
}"""
VIOLATIONS = """globalThis.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.blockedURI.includes("/.swproxy/")) violations.push(event.effectiveDirective);
});"""


async def _socket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


@pytest.fixture(scope="module")
def page(chromium: BrowserContext) -> Page:
    chromium.add_init_script(VIOLATIONS)
    return chromium.new_page()


@pytest.fixture
def site(origin: Origin) -> Origin:
    """Has the script, the channel, and what a policy may forbid."""
    # A document of an opaque origin asks for the script with CORS, if it has integrity.
    origin.script(SCRIPT_PATH, CLIENT, Access_Control_Allow_Origin="*")
    origin.script("/other.js", "globalThis.other = true;")
    origin.script("/nonced.js", "globalThis.nonced = true;")
    origin.route("/data", "data")
    origin.route("/.swproxy/data", "data", headers={"Access-Control-Allow-Origin": "*"})
    origin.route("/.swproxy/pixel.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml")
    for path in ("/channel", "/.swproxy/channel"):
        origin.route(path, handler=_socket)
    return origin


def serve(site: Origin, path: str, fields: list[Field], body: bytes) -> None:
    headers = CIMultiDict((name.decode(), value.decode("latin-1")) for name, value in fields)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    site.route(path, handler=handler)


def open_changed(page: Page, site: Origin, fields: list[Field]) -> None:
    """Shows the page as the proxy will send it."""
    fields = [(b"Content-Type", b"text/html"), *fields]
    allowance = allow_page_client(fields, site.url, HASH)
    insertion = Insertion(script_tag("1", {}, allowance.nonce, allowance.integrity), "text/html")
    serve(site, "/changed", allowance.fields, insertion.feed(PAGE.encode()) + insertion.finish())
    page.goto(f"{site.url}/changed")


def client_of(page: Page) -> object:
    """What became of the client's WebSocket and of a request of it, and which of its URLs violated a policy."""
    return page.evaluate(
        """async () => {
          const opened = await (globalThis.client ?? "did not run");
          const got = await fetch("/.swproxy/data").then((response) => response.text(), (error) => error.name);
          await new Promise((resolve) => setTimeout(resolve, 50)); // violations are told later
          return [opened, got, violations];
        }"""
    )


@pytest.mark.parametrize("row", ROWS, ids=[row[0].replace(" ", "-") for row in ROWS])
def test_in_chromium(row: Row, site: Origin, page: Page) -> None:
    """The script runs, its channel opens, no report tells of it; all else is allowed or forbidden as it was."""
    fields = fields_of(row[1])
    serve(site, "/plain", [(b"Content-Type", b"text/html"), *fields], PAGE.encode())
    page.goto(f"{site.url}/plain")
    before = page.evaluate(PROBE)
    assert "late" not in before
    open_changed(page, site, fields)
    assert client_of(page) == ["open", "data", []]
    assert page.evaluate(PROBE) == before


def test_integrity_policy_in_chromium(site: Origin, page: Page) -> None:
    """The script passes, others do not."""
    open_changed(page, site, [(b"Integrity-Policy", b"blocked-destinations=(script)")])
    assert client_of(page) == ["open", "data", []]
    assert page.evaluate("[globalThis.inline, globalThis.other]") == [True, None]


def test_policy_in_meta_in_chromium(site: Origin, page: Page) -> None:
    """It comes after the script, whose channel is open by then, or at least on its way; a later one does not open."""
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    insertion = Insertion(script_tag("1", {}), "text/html")
    body = insertion.feed(f"<!doctype html>{policy}<p>".encode()) + insertion.finish()
    serve(site, "/meta", [(b"Content-Type", b"text/html")], body)
    page.goto(f"{site.url}/meta")
    assert client_of(page) == ["open", "TypeError", ["connect-src"]]


@pytest.mark.parametrize(
    ("policy", "opaque"),
    [
        ("default-src 'self'", False),
        ("sandbox", True),
        ("sandbox allow-scripts", True),
        ("Sandbox allow-scripts Allow-Same-Origin", False),
        ("sandbox allow-same-origin, sandbox", True),
    ],
)
def test_documents_of_no_origin(policy: str, opaque: bool) -> None:
    """Only policies that are enforced sandbox, all of them together."""
    assert has_opaque_origin([(b"Content-Security-Policy", policy.encode())]) is opaque
    assert not has_opaque_origin([(b"Content-Security-Policy-Report-Only", policy.encode())])
