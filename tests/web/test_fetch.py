"""fetch(), Request and Response as scripts see them; test_headers.py has headers, test_body_streams.py streams."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers import network_response, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

SITE = "https://site.test"
FAILURE = "const failure = (f) => { try { f(); return null; } catch (error) { return error.constructor.name; } };"


def served(body: bytes | str = b"", path: str = "/a", **options: Any) -> dict[str, messages.Response]:
    """What makes fetch() of a path of the site answer with this body."""
    return {f"{SITE}{path}": network_response(body, url=f"{SITE}{path}", **options)}


# Requests


def test_the_members_of_a_request(run_js: RunJs) -> None:
    """By default, and as the constructor was given them."""
    script = """
      const members = (request) => ["method", "url", "destination", "referrer", "referrerPolicy", "mode",
        "credentials",
        "cache", "redirect", "integrity", "keepalive", "isReloadNavigation", "isHistoryNavigation", "duplex",
        "body", "bodyUsed"].map((name) => request[name]);
      const init = { method: "delete", referrer: "/r", referrerPolicy: "origin", mode: "same-origin",
        credentials: "omit", cache: "only-if-cached", redirect: "manual", integrity: "i", keepalive: 1,
          priority: "low" };
      return [members(new Request("a?b#c")), members(new Request("/", init))];
    """
    rest = [False, False, "half", None, False]
    assert run_js(script) == [
        [
            "GET",
            f"{SITE}/a?b#c",
            "",
            "about:client",
            "",
            "cors",
            "same-origin",
            "default",
            "follow",
            "",
            False,
            *rest,
        ],
        [
            *[
                "DELETE",
                f"{SITE}/",
                "",
                f"{SITE}/r",
                "origin",
                "same-origin",
                "omit",
                "only-if-cached",
                "manual",
                "i",
            ],
            *[True, *rest],
        ],
    ]


BAD_REQUESTS = [
    "'http://['",
    "'https://user:password@x.test/'",
    "'/', { mode: 'navigate' }",
    "'/', { mode: 'websocket' }",
    "'/', { method: 'a b' }",
    "'/', { method: 'trace' }",
    "'/', { method: 'CONNECT' }",
    "'/', { method: 'PUT', mode: 'no-cors' }",
    "'/', { cache: 'only-if-cached' }",
    "'/', { window: {} }",
    "'/', { referrer: 'http://[' }",
    "'/', { referrerPolicy: 'none' }",
    "'/', { body: 'x' }",
    "'/', { method: 'HEAD', body: '' }",
    "'/', { method: 'POST', body: new ReadableStream() }",
    "'/', { method: 'POST', body: new ReadableStream(), duplex: 'full' }",
    "'/', { method: 'POST', body: new ReadableStream(), duplex: 'half', mode: 'no-cors' }",
    "'/', { method: 'POST', body: new ReadableStream(), duplex: 'half', keepalive: true }",
    "'/', { headers: [['a']] }",
    "'/', { headers: { 'a b': 'c' } }",
    "'/', { signal: {} }",
    "'/', 5",
    "Symbol()",
    "",
]


def test_requests_that_cannot_be_made(run_js: RunJs) -> None:
    """Each is a TypeError."""
    calls = ", ".join(f"() => new Request({arguments})" for arguments in BAD_REQUESTS)
    names = run_js(f"{FAILURE} return [{calls}].map(failure)")
    assert dict(zip(BAD_REQUESTS, names, strict=True)) == dict.fromkeys(BAD_REQUESTS, "TypeError")


def test_methods_are_normalized(run_js: RunJs) -> None:
    """Six of them; others keep their case."""
    script = """
      return ["get", "Post", "pUt", "head", "options", "delete", "patch", "Query"]
        .map((method) => new Request("/", { method }).method);
    """
    assert run_js(script) == ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "patch", "Query"]


def test_referrers(run_js: RunJs) -> None:
    """Those of other origins are the client's; an empty one is none."""
    script = """
      return ["", "about:client", "/a#b", "https://other.test/", "about:blank"]
        .map((referrer) => new Request("/", { referrer }).referrer);
    """
    assert run_js(script) == ["", "about:client", f"{SITE}/a#b", "about:client", "about:client"]


def test_a_request_of_a_request(run_js: RunJs) -> None:
    """It takes all over, and the body with it; what is in the second argument wins."""
    script = """
      const init = { method: "POST", body: "text", headers: { "x-a": "1" }, referrer: "", mode: "same-origin" };
      const first = new Request("/a", init);
      const second = new Request(first);
      const third = new Request(second, { headers: { "x-b": "2" }, credentials: "omit" });
      let error;
      try { new Request(first); } catch ({ name }) { error = name; }
      const other = new Request(first, { body: "other" });
      return [first.bodyUsed, second.referrer, [...second.headers], error,
        third.referrer, [...third.headers], third.mode, third.credentials, await third.text(), await other.text()];
    """
    plain = ["content-type", "text/plain;charset=UTF-8"]
    assert run_js(script) == [
        *[True, "", [plain, ["x-a", "1"]], "TypeError"],
        *["about:client", [["x-b", "2"]], "same-origin", "omit", "text", "other"],
    ]


def test_a_clone_has_its_own_body_and_signal(run_js: RunJs) -> None:
    """The signal follows that of the original; a used request cannot be cloned."""
    script = f"""
      {FAILURE}
      const controller = new AbortController();
      const request = new Request("/", {{ method: "POST", body: "text", signal: controller.signal }});
      const clone = request.clone();
      const texts = [await request.text(), await clone.text()];
      const distinct = new Set([controller.signal, request.signal, clone.signal]).size;
      controller.abort("reason");
      return [texts, distinct, request.signal.reason, clone.signal.reason, failure(() => request.clone()),
        new Request(request, {{ signal: null, body: "x" }}).signal.aborted];
    """
    assert run_js(script) == [["text", "text"], 3, "reason", "reason", "TypeError", False]


# Responses


def test_the_members_of_a_response(run_js: RunJs) -> None:
    """By default, and as the constructor was given them."""
    script = """
      const members = (response) => ["type", "url", "redirected", "status", "ok", "statusText", "body", "bodyUsed"]
        .map((name) => response[name]);
      const headers = { "x-a": "1", "set-cookie": "a=b" };
      const made = new Response(null, { status: 599, statusText: "\\u00ff", headers });
      return [members(new Response()), members(made), [...made.headers]];
    """
    assert run_js(script) == [
        ["default", "", False, 200, True, "", None, False],
        ["default", "", False, 599, False, "\xff", None, False],
        [["x-a", "1"]],
    ]


def test_responses_that_cannot_be_made(run_js: RunJs) -> None:
    """A RangeError for the status, a TypeError for everything else."""
    script = f"""
      {FAILURE}
      const status = (value, body) => failure(() => new Response(body, {{ status: value }}));
      return [[199, 600, 0, -1, 65536 + 199].map((value) => status(value)), status(65536 + 200),
        [101, 204, 205, 304].map((value) => status(value, "")), [204, 205, 304].map((value) => status(value)),
        ["\\n", "\\u0100"].map((statusText) => failure(() => new Response("", {{ statusText }}))),
        failure(() => new Response("", {{ headers: {{ "a b": "c" }} }})), failure(() => new Response("", 5))];
    """
    assert run_js(script) == [
        *[["RangeError"] * 5, None, ["RangeError", *["TypeError"] * 3], [None] * 3],
        *[["TypeError"] * 2, "TypeError", "TypeError"],
    ]


def test_response_error(run_js: RunJs) -> None:
    """A network error: nothing is in it, and its headers are immutable."""
    script = f"""
      {FAILURE}
      const {{ type, status, statusText, ok, url, body, headers }} = Response.error();
      return [type, status, statusText, ok, url, body, [...headers], failure(() => headers.set("a", "b"))];
    """
    assert run_js(script) == ["error", 0, "", False, "", None, [], "TypeError"]


def test_response_redirect(run_js: RunJs) -> None:
    """The URL is resolved; only the statuses of redirects are allowed."""
    script = f"""
      {FAILURE}
      const response = Response.redirect("a#b");
      return [response.status, [...response.headers], failure(() => response.headers.delete("location")),
        response.body,
        [301, 303, 307, 308].map((status) => Response.redirect("/", status).status),
        [200, 300, 304].map((status) => failure(() => Response.redirect("/", status))),
        failure(() => Response.redirect("http://[", 200)), failure(() => Response.redirect())];
    """
    assert run_js(script) == [
        *[302, [["location", f"{SITE}/a#b"]], "TypeError", None],
        *[[301, 303, 307, 308], ["RangeError"] * 3, "TypeError", "TypeError"],
    ]


def test_response_json(run_js: RunJs) -> None:
    """Its type is that of JSON unless another is given; what JSON has not is a TypeError."""
    script = f"""
      {FAILURE}
      const response = Response.json({{ a: [1] }}, {{ status: 201 }});
      const other = Response.json("x", {{ headers: {{ "content-type": "x/y" }} }});
      const circle = {{}};
      circle.circle = circle;
      return [response.status, [...response.headers], await response.text(), [...other.headers], await other.json(),
        failure(() => Response.json(undefined)), failure(() => Response.json(() => {{}})),
        failure(() => Response.json(circle)), failure(() => Response.json(1, {{ status: 204 }})),
        failure(() => Response.json({{ toJSON() {{ throw new RangeError(); }} }}))];
    """
    assert run_js(script) == [
        *[201, [["content-type", "application/json"]], '{"a":[1]}', [["content-type", "x/y"]], "x"],
        *[*["TypeError"] * 4, "RangeError"],
    ]


def test_a_clone_of_a_response(run_js: RunJs) -> None:
    """Both can be read; headers are copied; a used or locked one cannot be cloned."""
    script = f"""
      {FAILURE}
      const response = new Response("text", {{ headers: {{ "x-a": "1" }} }});
      const clone = response.clone();
      clone.headers.set("x-a", "2");
      const locked = new Response("x");
      locked.body.getReader();
      return [response.headers.get("x-a"), await response.text(), await clone.text(), failure(() => response.clone()),
        failure(() => locked.clone())];
    """
    assert run_js(script) == ["1", "text", "text", "TypeError", "TypeError"]


# Bodies


def test_what_bodies_are_made_of(run_js: RunJs) -> None:
    """Each kind has its Content-Type, which does not replace one that is given."""
    script = """
      const form = new FormData();
      form.append("a", "b");
      const bytes = new Uint8Array([0x61, 0x62, 0x63]);
      const values = ["\\ud800", 5, {}, new URLSearchParams({ a: "b c" }), new Blob(["x"], { type: "X/Y" }),
        new Blob(["x"]), bytes, bytes.buffer, new DataView(bytes.buffer, 1, 1), null, undefined,
          new Response("s").body];
      const type = new Response(form).headers.get("content-type");
      const given = new Response("x", { headers: { "content-type": "own" } }).headers.get("content-type");
      return [await Promise.all(values.map(async (value) => {
        const response = new Response(value);
        return [response.headers.get("content-type"), await response.text()];
      })), type.split("=")[0], given];
    """
    plain = "text/plain;charset=UTF-8"
    assert run_js(script) == [
        [
            *[[plain, "\ufffd"], [plain, "5"], [plain, "[object Object]"]],
            *[["application/x-www-form-urlencoded;charset=UTF-8", "a=b+c"], ["x/y", "x"], [None, "x"]],
            *[[None, "abc"], [None, "abc"], [None, "b"], [None, ""], [None, ""], [None, "s"]],
        ],
        *["multipart/form-data; boundary", "own"],
    ]


def test_what_bodies_are_read_as(run_js: RunJs) -> None:
    """Text and JSON lose a byte order mark; bytes() and arrayBuffer() do not."""
    script = """
      const response = () => new Response("\\ufeff[1]", { headers: { "content-type": "text/X; a=b" } });
      const form = await new Response("a=b&a=c", { headers: { "content-type": "application/x-www-form-urlencoded" } })
        .formData();
      const blob = await response().blob();
      const buffer = await response().arrayBuffer();
      return [await response().text(), await response().json(), [...await response().bytes()],
        buffer instanceof ArrayBuffer && buffer.byteLength, blob.type, blob.size, form.getAll("a")];
    """
    assert run_js(script) == ["[1]", [1], [0xEF, 0xBB, 0xBF, 0x5B, 0x31, 0x5D], 6, "text/x;a=b", 6, ["b", "c"]]


def test_no_body_can_be_read_as_often_as_one_likes(run_js: RunJs) -> None:
    """As nothing; JSON and forms need something."""
    script = """
      const response = new Response();
      const size = (await response.arrayBuffer()).byteLength;
      return [size, await response.text(), await response.text(), (await response.bytes()).length,
        (await response.blob()).size, response.bodyUsed,
        await response.json().catch(({ name }) => name), await response.formData().catch(({ name }) => name)];
    """
    assert run_js(script) == [0, "", "", 0, 0, False, "SyntaxError", "TypeError"]


def test_a_body_is_read_once(run_js: RunJs) -> None:
    """Used at once and before anything has arrived; every further attempt is a TypeError."""
    script = """
      const response = new Response("text");
      const reading = response.text();
      const during = response.bodyUsed;
      const again = await Promise.all(["text", "json", "bytes", "arrayBuffer", "blob", "formData"]
        .map((name) => response[name]().catch((error) => error.name)));
      return [during, again, await reading, response.body.locked];
    """
    assert run_js(script) == [True, ["TypeError"] * 6, "text", True]


# Fetching


def test_a_response_of_the_network(run_js: RunJs) -> None:
    """Its headers are immutable; its URL is the last one, without the fragment."""
    script = f"""
      {FAILURE}
      const response = await fetch("/a");
      const {{ type, url, redirected, status, ok, statusText }} = response;
      return [type, url, redirected, status, ok, statusText, [...response.headers],
        failure(() => response.headers.append("a", "b")), await response.text()];
    """
    answer = msgspec.structs.replace(network_response("text", status=201, x_a="1"), urls=[f"{SITE}/a", f"{SITE}/b#c"])
    url = f"{SITE}/b"
    assert run_js(script, responses={f"{SITE}/a": answer}) == [
        *["basic", url, True, 201, True, "OK", [["x-a", "1"]], "TypeError", "text"]
    ]


@pytest.mark.parametrize("kind", ["opaque", "opaqueredirect"])
def test_an_opaque_response_shows_nothing(run_js: RunJs, kind: str) -> None:
    """But the URL of a redirect that was not followed. Neither does its clone."""
    script = """
      const response = await fetch("/a", { mode: "no-cors", redirect: "manual" });
      return [response, response.clone()].map(({ type, url, redirected, status, ok, statusText, headers, body }) =>
        [type, url, redirected, status, ok, statusText, [...headers], body]);
    """
    answer = msgspec.structs.replace(
        network_response("text", x_a="1"), type=kind, urls=[f"{SITE}/a", "https://other.test/"]
    )
    url = "https://other.test/" if kind == "opaqueredirect" else ""
    assert run_js(script, responses={f"{SITE}/a": answer}) == [[kind, url, False, 0, False, "", [], None]] * 2


def test_what_the_proxy_is_asked_for(tmp_path: Path) -> None:
    """All that the request says; fetch() of a request uses its body up."""
    source = """
      const request = new Request("/a#b", { method: "put", body: "text", mode: "same-origin", credentials: "include",
        cache: "no-store", redirect: "error", referrer: "/r", referrerPolicy: "origin", integrity: "sha256-x",
        keepalive: true, headers: { "x-a": "1" } });
      fetch(request).catch(() => {});
      console.log(request.bodyUsed);
    """
    with realm_process(tmp_path, source) as process:
        asked = process.wait_for(messages.Fetch).request
        assert process.wait_for(messages.Log).text == "true"
    assert asked == messages.Request(
        id=None,
        method="PUT",
        url=f"{SITE}/a#b",
        headers=[("x-a", "1"), ("Content-Type", "text/plain;charset=UTF-8")],
        body=messages.Inline(b"text"),
        destination="",
        referrer=f"{SITE}/r",
        referrer_policy="origin",
        mode="same-origin",
        credentials="include",
        cache="no-store",
        redirect="error",
        integrity="sha256-x",
        keepalive=True,
        is_reload_navigation=False,
    )


def test_fetch_fails_with_a_type_error(run_js: RunJs) -> None:
    """For network errors, and for whatever the request's constructor refuses; it never throws."""
    script = """
      const used = new Request("/", { method: "POST", body: "x" });
      await used.text();
      const calls = [["/none"], ["http://["], ["/", { mode: "navigate" }], [used], [], [Symbol()], ["/", 5],
        ["blob:https://site.test/x"], ["data:"]];
      return Promise.all(calls.map((values) => fetch(...values).then(() => "fetched", (error) => error.name)));
    """
    assert run_js(script) == ["TypeError"] * 9


def test_an_aborted_fetch_rejects_with_the_reason(tmp_path: Path) -> None:
    """The proxy hears of it; one whose signal is aborted already is not even begun."""
    source = """
      const controller = new AbortController();
      fetch("/a", { signal: controller.signal }).catch((reason) => console.log("running", reason));
      controller.abort("reason");
      fetch("/b", { signal: controller.signal }).catch((reason) => console.log("late", reason));
      fetch("/c", { signal: AbortSignal.abort() }).catch((reason) => console.log(reason.name));
      fetch(new Request("/d", { signal: controller.signal })).catch((reason) => console.log("of", reason));
      fetch(new Request("/e", { signal: controller.signal }), { signal: null }).catch(() => {});
    """
    with realm_process(tmp_path, source) as process:
        asked = process.wait_for(messages.Fetch)
        assert process.wait_for(messages.AbortFetch).id == asked.id
        assert process.wait_for(messages.Fetch).request.url == f"{SITE}/e"
        lines = sorted(process.wait_for(messages.Log).text for _ in range(4))
    assert asked.request.url == f"{SITE}/a"
    assert lines == ["AbortError", "late reason", "of reason", "running reason"]


def test_a_body_can_be_aborted_after_the_headers(run_js: RunJs) -> None:
    """What is not read yet cannot be read any more; what was read stays."""
    script = """
      const controller = new AbortController();
      const init = { signal: controller.signal };
      const [read, unread] = [await fetch("/a", init), await fetch("/a", init)];
      const text = await read.text();
      controller.abort("reason");
      return [text, await unread.text().catch((reason) => reason)];
    """
    assert run_js(script, responses=served("text")) == ["text", "reason"]
