"""URLPattern as a script sees it: its arguments, what matches, and the results.

What is written in patterns is tested in test_urlpattern_syntax.py.
"""

import json
from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]

COMPONENTS = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"]
FAILURE = "const failure = (f) => { try { f(); return null; } catch (error) { return error.constructor.name; } };"
READ = f"const read = (...given) => {COMPONENTS}.map((name) => new URLPattern(...given)[name]).join(' ');"


def test_readme_example(run_js: RunJs) -> None:
    """A pattern with groups in several components, from the string to the groups."""
    script = """
      const pattern = new URLPattern("http{s}?://{:shop.}?store.test/items/:id(\\\\d+)/*#top");
      const { hostname, pathname, hash } = pattern.exec("https://big.store.test/items/12/a/b#top");
      return [hostname.groups, pathname.groups, hash.groups, pathname.input,
        pattern.test("https://store.test/items/12/#top"), pattern.test("https://store.test/items/x/#top"),
        pattern.test("ftp://store.test/items/12/#top"), pattern.test("https://store.test:81/items/12/#top")];
    """
    assert run_js(script) == [
        *[{"shop": "big"}, {"id": "12", "0": "a/b"}, {}, "/items/12/a/b"],
        *[True, False, False, False],
    ]


# Arguments


def test_constructor_arguments(run_js: RunJs) -> None:
    """A string with or without a base URL, or an object; options are the last one."""
    script = f"""
      {READ}
      const options = {{ ignoreCase: true }};
      return [read(), read(undefined), read(null, null), read({{}}), read({{}}, {{}}),
        read("https://site.test/a"), read("https://site.test/a", options), read("a", "https://site.test/b/"),
        read("a", "https://site.test/b/", options), read({{ pathname: "a", baseURL: "https://site.test/b/" }}),
        new URLPattern({{ pathname: "/A" }}, options).test({{ pathname: "/a" }}),
        new URLPattern("/A", "https://site.test", options).test("https://site.test/a"),
        new URLPattern("/A", "https://site.test").test("https://site.test/a")];
    """
    everything = " ".join("*" * 8)
    absolute, relative = "https * * site.test  /a * *", "https * * site.test  /b/a * *"
    assert run_js(script) == [*[everything] * 5, *[absolute] * 2, *[relative] * 3, True, True, False]


def test_wrong_constructor_arguments(run_js: RunJs) -> None:
    """All are TypeErrors; what conversions throw comes through."""
    script = f"""
      {FAILURE}
      const bad = {{ toString() {{ throw new RangeError(); }} }};
      return [() => URLPattern(), () => new URLPattern("/a"), () => new URLPattern("/a", null),
        () => new URLPattern("/a", {{}}), () => new URLPattern("/a", "/b"), () => new URLPattern("/a", ""),
        () => new URLPattern({{}}, "https://site.test"), () => new URLPattern({{ baseURL: "/b" }}),
        () => new URLPattern(Symbol()), () => new URLPattern("https://a.test", 5),
        () => new URLPattern("/a", "https://a.test", 5), () => new URLPattern({{ pathname: bad }}),
      ].map(failure);
    """
    assert run_js(script) == [*["TypeError"] * 11, "RangeError"]


def test_dictionaries_are_read_in_the_order_of_their_names(run_js: RunJs) -> None:
    """Each member once; a URL or another pattern is a dictionary like any other."""
    script = """
      const log = [];
      const proxy = new Proxy({}, { get(_, key) { log.push(key); } });
      new URLPattern(proxy, proxy);
      return [log, new URLPattern(new URL("https://site.test/a?b#c")).pathname,
        new URLPattern(new URLPattern({ pathname: "/:a" })).pathname,
        new URLPattern({ pathname: "/a" }).test(new URL("https://site.test/a?b#c"))];
    """
    assert run_js(script) == [["baseURL", *sorted(COMPONENTS), "ignoreCase"], "/a", "/:a", True]


# Components


def test_what_a_string_leaves_out(run_js: RunJs) -> None:
    """What comes after the last component is a wildcard; what comes before it is empty; the port is the default."""
    expected = {
        "https://a.test": "https * * a.test  * * *",
        "https://a.test/": "https * * a.test  / * *",
        "https://a.test?q": "https * * a.test  / q *",
        "https://a.test#h": "https * * a.test  /  h",
        "https://a.test/b#h": "https * * a.test  /b  h",
        "https://u@a.test": "https u * a.test  * * *",
        "https://u\\:p@a.test:*/": "https u p a.test * / * *",
        "https://:user::pass@a.test": "https :user :pass a.test  * * *",
        "https\\:a.test": "https * * a.test  * * *",
        "data\\:x": "data * *   x * *",
        "data\\:x\\?y": "data * *   x y *",
        "web\\+a://b/c": "web\\+a * * b  /c * *",
        "file:///a": "file * *   /a * *",
        "*://*/*": "* * * *  /* * *",
        "https://a.:b.c/": "https * * a.:b.c  / * *",
        "https://[\\:\\:1]:81/": "https * * [\\:\\:1] 81 / * *",
        "https://[:a]/": "https * * [:a]  / * *",
        "https://{a.}?b.test/": "https * * {a.}?b.test  / * *",
        "https://a.test/:b?q": "https * * a.test  /:b?q * *",
        "https://a.test/:b\\?q": "https * * a.test  /:b q *",
        "https://a.test/b?q": "https * * a.test  /b q *",
    }
    script = f"{READ} return {json.dumps(list(expected))}.map((text) => read(text));"
    assert dict(zip(expected, run_js(script), strict=True)) == expected


def test_a_colon_before_a_name_ends_no_scheme(run_js: RunJs) -> None:
    """It begins a group, unless it is escaped; one in braces ends no scheme either."""
    script = f"""
      {FAILURE}
      const {{ pathname }} = new URLPattern("data{{\\\\:}}x", "https://a.test");
      return [failure(() => new URLPattern("data:x")), pathname];
    """
    assert run_js(script) == ["TypeError", "/data\\:x"]


def test_base_urls_of_strings(run_js: RunJs) -> None:
    """A pattern takes what comes before its first component, escaped; never the credentials."""
    base = "https://u:p@a.test:81/d(1)/*?s+#h"
    expected = {
        "": "https * * a.test 81 /d\\(1\\)/ * *",
        "b": "https * * a.test 81 /d\\(1\\)/b * *",
        "/b": "https * * a.test 81 /b * *",
        "{/b}": "https * * a.test 81 /b * *",
        "\\/b": "https * * a.test 81 /b * *",
        "../b": "https * * a.test 81 /b * *",
        "?q": "https * * a.test 81 /d\\(1\\)/\\* q *",
        "#f": "https * * a.test 81 /d\\(1\\)/\\* s\\+ f",
        "http://b.test": "http * * b.test  * * *",
    }
    script = f"{READ} return {json.dumps(list(expected))}.map((text) => read(text, {json.dumps(base)}));"
    assert dict(zip(expected, run_js(script), strict=True)) == expected


def test_base_urls_of_objects(run_js: RunJs) -> None:
    """Each member cuts off what is more specific than itself."""
    script = f"""
      {READ}
      const baseURL = "http://u:p@a.test:81/b/c?d#e";
      return [{{}}, {{ protocol: "https" }}, {{ username: "x" }}, {{ hostname: "b.test" }}, {{ port: "82" }},
        {{ pathname: "x" }}, {{ search: "x" }}, {{ hash: "x" }}]
        .map((init) => read({{ ...init, baseURL }}));
    """
    assert run_js(script) == [
        "http * * a.test 81 /b/c d e",
        "https * * * * * * *",
        "http x * a.test 81 /b/c d e",
        "http * * b.test * * * *",
        "http * * a.test 82 * * *",
        "http * * a.test 81 /b/x * *",
        "http * * a.test 81 /b/c x *",
        "http * * a.test 81 /b/c d x",
    ]


def test_base_urls_with_opaque_paths(run_js: RunJs) -> None:
    """A pathname is not resolved against them."""
    script = f"""
      {READ}
      return [read("/x", "data:a/b"), read({{ pathname: "x", baseURL: "data:a/b" }}), read("#x", "data:a/b"),
        read({{ pathname: "x", baseURL: "web+a://b" }})];
    """
    assert run_js(script) == [
        *["data * *   /x * *", "data * *   x * *", "data * *   a/b  x", "web\\+a * * b  x * *"],
    ]


def test_default_ports(run_js: RunJs) -> None:
    """That of the protocol is the empty string, if the protocol is a plain one."""
    script = """
      return [["https", "443"], ["https", "0443"], ["ws", "80"], ["http", "443"], ["http{s}?", "443"],
        ["https", "44{3}"], ["a", "80"]].map(([protocol, port]) => new URLPattern({ protocol, port }).port);
    """
    assert run_js(script) == ["", "", "", "443", "443", "443", "80"]


def test_has_reg_exp_groups(run_js: RunJs) -> None:
    """Those of which the author has written the expression; one that says what a wildcard says is a wildcard."""
    script = """
      return ["/a", "/:a", "/*", "/(.*)", "/:a([^\\\\/]+?)", "/(a)", "/:a(.+)", "/{x(b)}?"]
        .map((pathname) => new URLPattern({ pathname }).hasRegExpGroups)
        .concat(new URLPattern({ hash: "(a)" }).hasRegExpGroups);
    """
    assert run_js(script) == [False, False, False, False, False, True, True, True, True]


# Matching


def test_arguments_of_test_and_exec(run_js: RunJs) -> None:
    """A string with or without a base URL, or an object without; what is no URL does not match."""
    script = f"""
      {FAILURE}
      const pattern = new URLPattern({{ pathname: "/a/:b" }});
      const match = (...given) => [pattern.test(...given), pattern.exec(...given)?.pathname.groups.b ?? null];
      return [match("https://site.test/a/1"), match("2", "https://site.test/a/"), match({{ pathname: "/a/3" }}),
        match({{ pathname: "4", baseURL: "https://site.test/a/" }}), match(new URL("https://site.test/a/5")),
        match("/a/6"), match("/a/7", "bad"), match("https://site.test/a/8", "bad"),
        match({{ pathname: "/a/9", port: "bad" }}), match({{ pathname: "/a/10", baseURL: "bad" }}),
        match({{ pathname: "/a/11", protocol: "no scheme" }}), match({{ pathname: "/a/12", hostname: "no host" }}),
        match(), match(null),
        failure(() => pattern.test({{}}, "https://site.test")), failure(() => pattern.exec(Symbol()))];
    """
    no = [False, None]
    assert run_js(script) == [
        *[[True, "1"], [True, "2"], [True, "3"], [True, "4"], [True, "5"]],
        *[no] * 9,
        *["TypeError", "TypeError"],
    ]


def test_the_result(run_js: RunJs) -> None:
    """The inputs as they were given, then of each component what was matched and the groups."""
    script = """
      const pattern = new URLPattern("https://*.test:*/:dir/*");
      const { inputs, ...components } = pattern.exec("/a/b?c#d", "https://u:p@site.test:81");
      const given = { baseURL: "https://site.test", pathname: "x/y", other: 1 };
      return [inputs, components, pattern.exec(given).inputs, pattern.exec(given).inputs[0] === given,
        new URLPattern().exec().inputs, Object.keys(pattern.exec(given))];
    """
    whole = {
        "protocol": {"input": "https", "groups": {}},
        "username": {"input": "u", "groups": {"0": "u"}},
        "password": {"input": "p", "groups": {"0": "p"}},
        "hostname": {"input": "site.test", "groups": {"0": "site"}},
        "port": {"input": "81", "groups": {"0": "81"}},
        "pathname": {"input": "/a/b", "groups": {"dir": "a", "0": "b"}},
        "search": {"input": "c", "groups": {"0": "c"}},
        "hash": {"input": "d", "groups": {"0": "d"}},
    }
    assert run_js(script) == [
        *[["/a/b?c#d", "https://u:p@site.test:81"], whole],
        *[[{"baseURL": "https://site.test", "pathname": "x/y"}], False],
        *[[{}], sorted([*COMPONENTS, "inputs"])],
    ]


def test_groups(run_js: RunJs) -> None:
    """Own properties of a plain object, whatever their names; undefined if the group takes no part."""
    script = """
      const { groups } = new URLPattern({ pathname: "/:__proto__/:constructor/:é?" })
        .exec("https://site.test/a/b").pathname;
      return [Object.entries(groups), Object.getPrototypeOf(groups) === Object.prototype, "é" in groups];
    """
    assert run_js(script) == [[["__proto__", "a"], ["constructor", "b"], ["é", None]], True, True]


def test_ignore_case(run_js: RunJs) -> None:
    """It is for the pathname, the search and the hash; hosts and schemes are lower case anyway."""
    script = """
      const match = (init, input) => [{}, { ignoreCase: true }]
        .map((options) => new URLPattern(init, options).test(input));
      return [match({ pathname: "/Aé" }, { pathname: "/aÉ" }), match({ pathname: "/A" }, { pathname: "/a" }),
        match({ search: "A" }, { search: "a" }), match({ hash: "([a-c])" }, { hash: "B" }),
        match({ hostname: "A.test" }, { hostname: "a.TEST" }), match({ username: "A" }, { username: "a" }),
        match({ protocol: "HTTP" }, { protocol: "http" })];
    """
    both, neither, only = [True, True], [False, False], [False, True]
    assert run_js(script) == [neither, only, only, only, both, neither, both]


def test_what_is_matched_is_canonicalized(run_js: RunJs) -> None:
    """As a URL would be; delimiters that a URL object's getters have are taken away."""
    script = """
      const pattern = new URLPattern();
      return [{ protocol: "HTTPS:" }, { hostname: "BÜCHER.test" }, { hostname: "[::1]" },
        { protocol: "http", port: "80" }, { port: "80" }, { port: "081x" }, { pathname: "/a/../é" },
        { pathname: "é" }, { search: "?a b" }, { hash: "#a b" }, { username: "a:b" },
        { protocol: "data", pathname: "a é\\t" }, { protocol: "https", pathname: "a é" }]
        .map((input) => Object.values(pattern.exec(input)).map(({ input }) => input ?? "").join(""));
    """
    assert run_js(script) == [
        *["https", "xn--bcher-kva.test", "[::1]", "http", "80", "81", "/%C3%A9", "%C3%A9", "a%20b", "a%20b"],
        *["a%3Ab", "a %C3%A9data", "a%20%C3%A9https"],
    ]


# What a site has changed


def test_built_ins_that_a_site_has_replaced(run_js: RunJs) -> None:
    """A pattern works all the same."""
    script = """
      const boom = () => { throw new Error("boom"); };
      const replace = (object, ...keys) =>
        keys.forEach((key) => Object.defineProperty(object, key, { value: boom }));
      replace(RegExp.prototype, "exec", "test", "flags", Symbol.match, Symbol.replace);
      replace(String.prototype, "slice", "replace", "charCodeAt", "startsWith", "split", Symbol.iterator);
      Object.defineProperty(Object.prototype, "id", { set: boom });
      replace(Array.prototype, "push", "join", "sort", "map", Symbol.iterator);
      const result = new URLPattern("/:id(\\\\d+)/{x}?([[a-z]--[b]])", "https://site.test/").exec("https://site.test/1/c");
      return [result.pathname.groups.id, result.pathname.groups[0]];
    """
    assert run_js(script) == ["1", "c"]
