"""Headers: lists, guards, and what scripts may not set (fetch/headers.js)."""

from collections.abc import Callable
from typing import Any

from helpers import network_response

RunJs = Callable[..., Any]

FAILURE = "const failure = (f) => { try { f(); return null; } catch (error) { return error.constructor.name; } };"


def test_headers_are_made_of_pairs_records_and_headers(run_js: RunJs) -> None:
    """Names in lower case, sorted, values combined and without white space around them."""
    script = """
      const one = new Headers([["B", " 1\\t"], new Set(["a", "2"]), ["b", "\\r\\n3 "]]);
      const two = new Headers({ "X-A": 5, b: null });
      return [[...one], [...new Headers(one)], [...two], [...new Headers()], [...new Headers(undefined)]];
    """
    one = [["a", "2"], ["b", "1, 3"]]
    assert run_js(script) == [one, one, [["b", "null"], ["x-a", "5"]], [], []]


def test_headers_that_cannot_be_made(run_js: RunJs) -> None:
    """Names must be tokens, values without line breaks and NUL, both byte strings; pairs have two members."""
    values = [
        *["null", "5", "'a'", "[['a']]", "[['a', 'b', 'c']]", "['ab']", "[5]", "{ 'a b': '' }", "{ '': '' }"],
        *["{ a: 'b\\nc' }", "{ a: '\\0' }", "{ a: '\\u0100' }", "{ '\\u00e9': '' }", "{ [Symbol()]: 'a' }"],
        "{ a: Symbol() }",
    ]
    calls = ", ".join(f"() => new Headers({value})" for value in values)
    names = run_js(f"{FAILURE} return [{calls}].map(failure)")
    assert dict(zip(values, names, strict=True)) == dict.fromkeys(values, "TypeError")


def test_lists_of_headers_can_be_changed(run_js: RunJs) -> None:
    """append() adds, set() replaces all of the name, delete() removes them; names in any case."""
    script = """
      const headers = new Headers();
      headers.append("A", "1");
      headers.append("a", "2");
      const appended = headers.get("A");
      headers.append("b", "x");
      headers.set("a", " 3 ");
      const set = [...headers];
      headers.delete("A");
      headers.delete("c");
      return [appended, set, headers.has("a"), headers.has("B"), headers.get("a"), [...headers.keys()]];
    """
    assert run_js(script) == ["1, 2", [["a", "3"], ["b", "x"]], False, True, None, ["b"]]


def test_set_cookie_is_not_combined(run_js: RunJs) -> None:
    """Each is listed on its own, and by getSetCookie(); get() combines them all the same."""
    script = """
      const headers = new Headers([["set-cookie", "a=b"], ["x", "y"], ["Set-Cookie", "c=d"]]);
      return [[...headers], headers.getSetCookie(), headers.get("set-cookie"), new Headers().getSetCookie()];
    """
    pairs = [["set-cookie", "a=b"], ["set-cookie", "c=d"], ["x", "y"]]
    assert run_js(script) == [pairs, ["a=b", "c=d"], "a=b, c=d", []]


def test_headers_change_while_they_are_listed(run_js: RunJs) -> None:
    """The iteration goes on in the list as it is then."""
    script = """
      const headers = new Headers({ b: "1", c: "2" });
      const seen = [];
      for (const [name] of headers) {
        seen.push(name);
        if (name === "b") headers.append("d", "3");
      }
      const each = [];
      headers.forEach(function (value, name, object) {
        each.push([value, name, object === headers, this]);
        headers.delete("c");
      }, 5);
      return [seen, each.map((entry) => [entry[0], entry[1], entry[2], Number(entry[3])])];
    """
    assert run_js(script) == [["b", "c", "d"], [["1", "b", True, 5], ["3", "d", True, 5]]]


FORBIDDEN = [
    *["Accept-Charset", "Accept-Encoding", "Access-Control-Request-Headers", "Access-Control-Request-Method"],
    *["Connection", "Content-Length", "Cookie", "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive", "Origin"],
    *["Referer", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "Proxy-X", "Sec-X"],
]


def test_forbidden_request_headers_are_ignored(run_js: RunJs) -> None:
    """However they are set; so are overrides of the method by a forbidden one."""
    script = f"""
      const names = {FORBIDDEN};
      const init = Object.fromEntries(names.map((name) => [name, "1"]));
      const {{ headers }} = new Request("/", {{ headers: init }});
      for (const name of names) {{ headers.append(name, "2"); headers.set(name, "3"); }}
      for (const value of ["trace", "GET, connect", "track"]) headers.append("X-Method-Override", value);
      headers.append("X-HTTP-Method", "PUT");
      headers.append("User-Agent", "mine");
      headers.append("Access-Control-Request-Private-Network", "true"); // of a draft that was given up
      return [...headers];
    """
    allowed = [["access-control-request-private-network", "true"], ["user-agent", "mine"], ["x-http-method", "PUT"]]
    assert run_js(script) == allowed


def test_the_guards_of_responses(run_js: RunJs) -> None:
    """A script's own response takes no Set-Cookie; one of the network takes nothing, and says so."""
    script = f"""
      {FAILURE}
      const own = new Response(null, {{ headers: {{ "Set-Cookie": "a=b", "set-cookie2": "c",
        "x-a": "1" }} }}).headers;
      own.append("set-cookie", "a=b");
      own.set("Cookie", "d");
      const {{ headers }} = await fetch("/a");
      return [[...own], failure(() => headers.append("x", "y")), failure(() => headers.set("x", "y")),
        failure(() => headers.delete("x")), failure(() => headers.append("a b", "y")), headers.get("x")];
    """
    responses = {"https://site.test/a": network_response("")}
    assert run_js(script, responses=responses) == [
        *[[["cookie", "d"], ["x-a", "1"]], *["TypeError"] * 4],
        None,
    ]


def test_without_cors_only_simple_headers_are_left(run_js: RunJs) -> None:
    """Those of the safelist, with values of the safelist; Range is privileged and goes with any change."""
    script = """
      const { headers } = new Request("/", { mode: "no-cors", method: "POST", body: "x", headers: {
        "Accept": "a", "Accept-Language": "de", "Content-Language": "x!", "X-A": "1", "Range": "bytes=0-1",
        "Content-Type": "text/plain; charset=x",
      } });
      headers.append("Accept", "(");
      headers.append("Accept-Language", "x".repeat(128));
      headers.set("Content-Type", "application/json");
      headers.set("Content-Language", "en");
      headers.delete("X-A");
      return [...headers];
    """
    assert run_js(script) == [
        ["accept", "a"],
        ["accept-language", "de"],
        ["content-language", "en"],
        ["content-type", "text/plain; charset=x"],
    ]


def test_the_headers_of_one_object_are_one_object(run_js: RunJs) -> None:
    """A new request has a copy of those that it was made from."""
    script = """
      const request = new Request("/", { headers: { "x-a": "1" } });
      const copy = new Request(request);
      copy.headers.set("x-a", "2");
      const response = new Response();
      return [request.headers === request.headers, request.headers.get("x-a"), response.headers === response.headers,
        new Request(request, { headers: {} }).headers.has("x-a")];
    """
    assert run_js(script) == [True, "1", True, False]
