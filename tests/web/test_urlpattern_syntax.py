"""What may be written in a URLPattern: groups, modifiers, escapes, regular expressions, canonical forms."""

import json
from collections.abc import Callable
from typing import Any

import pytest

RunJs = Callable[..., Any]

ERROR = "TypeError"


def patterns(run_js: RunJs, component: str, texts: list[str], **others: str) -> dict[str, str]:
    """text -> the normalized pattern string of a component, or the name of the error."""
    script = f"""
      return {json.dumps(texts)}.map((text) => {{
        try {{ return new URLPattern({{ ...{json.dumps(others)}, {component}: text }}).{component}; }}
        catch (error) {{ return error.constructor.name; }}
      }});
    """
    return dict(zip(texts, run_js(script), strict=True))


def matches(run_js: RunJs, component: str, rows: list[tuple[str, str]]) -> list[Any]:
    """The groups that each (pattern, input) gives, None if it does not match."""
    script = f"""
      return {json.dumps(rows)}.map(([text, input]) =>
        new URLPattern({{ {component}: text }}).exec({{ {component}: input }}))
        .map((result) => result && Object.fromEntries(Object.entries(result.{component}.groups)
          .map(([name, value]) => [name, value ?? null])));
    """
    found: list[Any] = run_js(script)
    return found


# The normalized pattern string

SAME = [
    *["", "*", "/a", "/:a", "/:a?", "/:a*", "/:a+", "/*", "/*?", "/(a)", "/(a)?", "/:a(b)", "{a}?", "{a}*", "{a}+"],
    *["/{:a}", "/{*}", "{:a}b", "{x:a}", "{:a.b}", "{x:ay}+", "{:a\\x}", ":a-:b", ":a(.*)", "*(.*)", ":a:b"],
    *[":é", ":$_1", "a\\:b", "\\(a\\)", "a\\*", "a\\+", "{:a}(b)", "(a)(b)", "((?<n>a))"],
]
NORMALIZED = {
    "{a}": "a",
    "{}": "",
    "{}?": "",
    "a{b}c": "abc",
    "a{b}?c": "a{b}?c",
    "{:a}": ":a",
    "{/:a}": "/:a",
    "{/:a}?": "/:a?",
    "/{a}": "/a",
    ":a{}b": "{:a}b",
    ":a\\b": "{:a}b",
    "{:a\\.b}": "{:a.b}",
    "{:a\\b}c": "{:a\\b}c",
    "(.*)": "*",
    "(.*)?": "*?",
    "*{}*": "*",
    "*{*}": "*(.*)",
    "{:a}?": ":a?",
    "\\{a\\}": "%7Ba%7D",
    "***": "***",
    "([^\\/]+?)": "([^\\/]+?)",
    ":a([^\\/]+?)": ":a",
    "\\a": "a",
    "\\:a": "\\:a",
    "/{a/:b}?": "/{a/:b}?",
    "/:a{/:b}?": "/:a/:b?",
    "a b": "a%20b",
    "é": "%C3%A9",
    "{é:a}?": "{%C3%A9:a}?",
}


def test_normalized_patterns(run_js: RunJs) -> None:
    """Braces that say nothing go away, and those that are needed come."""
    expected = {text: text for text in SAME} | NORMALIZED
    assert patterns(run_js, "pathname", list(expected)) == expected


WRONG = [
    *["{", "}", "{a", "a}", "{{a}}", "{a{b}}", "{:a:b}", "{*:a}"],
    *["(", "()", "(a", "(?a)", "((a))", "(é)", "(\\é)"],
    *["(a\\", "a\\", ":", "/:", ":1", "/: ", "?", "+", "a?", "a+", ":a??", "**?+", "/:a/:a", ":a(b)(c", "/:0"],
    *["(\\m)", "([)", "(a{2,1})", "(*)", "(a**)", "(?<n>a)(?<n>b)"],
]


def test_wrong_patterns(run_js: RunJs) -> None:
    """All are TypeErrors."""
    assert patterns(run_js, "pathname", WRONG) == dict.fromkeys(WRONG, ERROR)


def test_errors_say_where(run_js: RunJs) -> None:
    """The pattern, and what is wrong in it."""
    script = """
      const message = (pathname) => { try { new URLPattern({ pathname }); } catch (error) { return error.message; } };
      return [message("/:"), message("{a"), message("/:a:a")];
    """
    assert run_js(script) == [
        "Invalid URL pattern: '/:' at index 1: a name must follow the colon.",
        "Invalid URL pattern: '{a' at index 2: the end where there should be the close.",
        "Invalid URL pattern: '/:a:a' has two groups of the name 'a'.",
    ]


# Groups


def test_groups_and_modifiers(run_js: RunJs) -> None:
    """A name goes up to the delimiter, an asterisk takes all; a modifier is for the slash before, too."""
    rows: list[tuple[str, str, Any]] = [
        ("/:a", "/x", {"a": "x"}),
        ("/:a", "/", None),
        ("/:a", "/x/y", None),
        ("/:a?", "", {"a": None}),
        ("/:a?", "/", None),
        ("/:a?", "/x", {"a": "x"}),
        ("/:a*", "", {"a": None}),
        ("/:a*", "/x/y/z", {"a": "x/y/z"}),
        ("/:a+", "", None),
        ("/:a+", "/x/y", {"a": "x/y"}),
        ("/{:a}?", "/", {"a": None}),
        ("/{:a-}*", "/x-y-", {"a": "x-y"}),
        ("/{<:a>}+", "/%3Cx%3E%3Cy%3E", {"a": "x%3E%3Cy"}),
        ("/*", "/x/y", {"0": "x/y"}),
        ("/*?", "", {"0": None}),
        ("/a{/b}?/c", "/a/c", {}),
        ("/a{/b}*/c", "/a/b/b/c", {}),
        ("/a{/b}+", "/a", None),
        ("/(a|b)/(c)", "/b/c", {"0": "b", "1": "c"}),
        ("/:x(\\d+)", "/12", {"x": "12"}),
        ("/:x(\\d+)", "/1a", None),
        ("/((?:a|b)+)", "/ab", {"0": "ab"}),
        ("/:a.:b", "/x.y.z", {"a": "x", "b": "y.z"}),
        ("/:a\\:b", "/x:b", {"a": "x"}),
        ("/a.b", "/axb", None),
        ("/$^|", "/$^|", {}),
    ]
    found = matches(run_js, "pathname", [(text, given) for text, given, _ in rows])
    assert list(zip(rows, found, strict=True)) == [(row, row[2]) for row in rows]


def test_names_in_hosts_end_at_a_dot(run_js: RunJs) -> None:
    """In other components they take everything."""
    rows = [("{*.}?a.test", "a.test"), ("{*.}?a.test", "b.c.a.test"), (":a.test", "x.y.test"), (":a.:b", "x.y")]
    assert matches(run_js, "hostname", rows) == [{"0": None}, {"0": "b.c"}, None, {"a": "x", "b": "y"}]
    assert matches(run_js, "search", [("q=:q", "q=a/b.c&d"), ("*&a=:a", "b&c&a=d")]) == [
        {"q": "a/b.c&d"},
        {"0": "b&c", "a": "d"},
    ]


def test_pathnames_of_other_schemes_have_no_segments(run_js: RunJs) -> None:
    """Unless the protocol pattern can match a special scheme."""
    script = """
      return ["a", "data", "http", "htt*", "*", "(a|ws)"].map((protocol) =>
        new URLPattern({ protocol, pathname: "/:a" }).exec({ protocol: "ws", pathname: "/x/y" }) === null
        && new URLPattern({ protocol, pathname: "/x/:a?" }).pathname);
    """
    assert run_js(script) == ["/x/:a?"] * 6


# Regular expressions, which have the flag "v"


CLASSES: list[tuple[str, str, list[str]]] = [
    ("[a-c]", "abcdx", ["a", "b", "c"]),
    ("[^a-c]", "abd-", ["d", "-"]),
    ("[]", "ab", []),
    ("[^]", "ab", ["a", "b"]),
    ("[\\w\\-]", "a-.", ["a", "-"]),
    ("[\\.\\-_]", "a-._", ["-", ".", "_"]),
    ("[\\&\\!\\@]", "&!@a", ["&", "!", "@"]),
    ("[a^]", "ab^", ["a", "^"]),
    ("[[a][b]]", "abc", ["a", "b"]),
    ("[^[a]b]", "abc", ["c"]),
    ("[[^a]&&[a-c]]", "abcd", ["b", "c"]),
    ("[^[^a]]", "ab", ["a"]),
    ("[[a-d]--[b]]", "abcd", ["a", "c", "d"]),
    ("[[a-d]--b--c]", "abcd", ["a", "d"]),
    ("[^\\w--[b-d]]", "abcd-", ["b", "c", "d", "-"]),
    ("[\\w&&\\d]", "a1", ["1"]),
    ("[\\d&&[0-4]&&[^2]]", "0123456", ["0", "1", "3", "4"]),
    ("[\\x61\\u0062\\u{63}-d]", "abcde", ["a", "b", "c", "d"]),
    ("[\\q{a|b}]", "abc", ["a", "b"]),
    ("[^\\q{a}]", "ab", ["b"]),
    ("[\\p{L}--\\p{Lu}]", "aB", ["a"]),
]


def test_character_classes(run_js: RunJs) -> None:
    """Nested classes, differences, intersections: what of the characters is in it."""
    script = f"""
      return {json.dumps([row[:2] for row in CLASSES])}.map(([text, input]) => {{
        const pattern = new URLPattern({{ search: `(${{text}})` }});
        return [...input].filter((search) => pattern.test({{ search }}));
      }});
    """
    assert list(zip([row[0] for row in CLASSES], run_js(script), strict=True)) == [
        (text, expected) for text, _, expected in CLASSES
    ]


def test_strings_in_character_classes(run_js: RunJs) -> None:
    """The longest is tried first; sets of them can be subtracted and intersected."""
    rows = [
        ("([\\q{ab|abc|}x])(c?)", "abc"),
        ("([\\q{ab|abc|}x])(c?)", "x"),
        ("([\\q{ab|abc|}x])(c?)", ""),
        ("([\\q{ab|cd}--\\q{cd}])", "cd"),
        ("([[\\q{ab|cd}e]&&\\q{cd|e}])", "cd"),
        ("([[\\q{ab|cd}e]&&\\q{cd|e}])", "ab"),
        ("([\\q{\\&\\n|a.}])", "a."),
    ]
    assert matches(run_js, "search", rows) == [
        *[{"0": "abc", "1": ""}, {"0": "x", "1": ""}, {"0": "", "1": ""}],
        *[None, {"0": "cd"}, None, {"0": "a."}],
    ]


WRONG_CLASSES = [
    *[
        "[(]",
        "[)]",
        "[{]",
        "[}]",
        "[/]",
        "[|]",
        "[-]",
        "[a-]",
        "[-a]",
        "[\\w-]",
        "[\\w-a]",
        "[a-\\d]",
        "[z-a]",
        "[&&]",
    ],
    *[
        "[a&&&b]",
        "[!!]",
        "[a--]",
        "[a-c--b]",
        "[a&&b-c]",
        "[ab--c]",
        "[a--b&&c]",
        "[^\\q{ab}]",
        "[\\q{ab]",
        "[a-\\q{b}]",
    ],
    *["[\\m]", "[\\B]", "[a", "[\\q{[}]", "[\\q{\\d}]"],
]


def test_wrong_character_classes(run_js: RunJs) -> None:
    """Much of what other flags allow is an error with this one."""
    texts = [f"({text})" for text in WRONG_CLASSES]
    assert patterns(run_js, "pathname", texts) == dict.fromkeys(texts, ERROR)


def test_other_parts_of_regular_expressions(run_js: RunJs) -> None:
    """Assertions and named groups are allowed, numbered groups would be the pattern's own."""
    rows = [
        ("((?=a)[ab]+)", "ab"),
        ("((?<!x)a)", "a"),
        ("((?<=a)b)", "b"),
        ("a((?<=a)b)", "ab"),
        ("(\\[a\\])", "[a]"),
        ("(a{2,3})", "aaa"),
        ("(\\u{61})", "a"),
    ]
    assert matches(run_js, "search", rows) == [
        *[{"0": "ab"}, {"0": "a"}, None, {"0": "b"}, {"0": "[a]"}, {"0": "aaa"}, {"0": "a"}],
    ]


# Canonical forms of fixed text

CANONICAL: list[tuple[str, dict[str, str]]] = [
    (
        "protocol",
        {"HTTP": "http", "https:": "https", "http{s}?": "http{s}?", "web\\+a": "web\\+a", "1a": ERROR, "a b": ERROR},
    ),
    ("username", {"a b": "a%20b", "a@b": "a%40b", "\\:": "%3A", "é": "%C3%A9", "{é}?": "{%C3%A9}?"}),
    ("password", {"a/b": "a%2Fb", "%zz": "%zz", "|": "%7C"}),
    (
        "hostname",
        {
            "A.Test": "a.test",
            "é.test": "xn--9ca.test",
            "*.é.test": "*.xn--9ca.test",
            "1.2": "1.0.0.2",
            "a/b": "a",
            "a#b": "a",
            "/": ERROR,
            "a b": ERROR,
            "a@b": ERROR,
            "a\\:80": ERROR,
            "a<b": ERROR,
            "%00": ERROR,
            "[\\:\\:AB]": "[\\:\\:ab]",
            "{[\\:\\:1]}": "[\\:\\:1]",
            "[*]": "[*]",
            "\\[\\:\\:1]": "[\\:\\:1]",
            "[\\:\\:g]": ERROR,
            "[é]": ERROR,
            "[:a]": "[:a]",
        },
    ),
    (
        "port",
        {
            "80": "80",
            "080": "80",
            "80a": "80",
            "(80|81)": "(80|81)",
            "a": ERROR,
            "65536": ERROR,
            "-1": ERROR,
            "\t": ERROR,
        },
    ),
    (
        "pathname",
        {
            "/a/../b": "/b",
            "/a/./b": "/a/b",
            "a/b": "a/b",
            "../a": "../a",
            "/a/%2e%2e/b": "/b",
            "/:a/../b": "/:a/b",
            "a/../b": ERROR,
            "#": "%23",
            "\\?": "%3F",
            "\\\\": "/",
            "a\tb": "ab",
            " a ": "%20a%20",
        },
    ),
    ("search", {"?a": "a", "??a": ERROR, "a b": "a%20b", "a#b": "a%23b", "é": "%C3%A9", "'": "%27", "\\?": "\\?"}),
    ("hash", {"#a": "a", "##a": "#a", "a b": "a%20b", "`": "%60", "é": "%C3%A9"}),
]


@pytest.mark.parametrize(("component", "expected"), CANONICAL, ids=[component for component, _ in CANONICAL])
def test_canonical_forms(run_js: RunJs, component: str, expected: dict[str, str]) -> None:
    """Fixed text becomes what it would be in a URL, piece by piece; what cannot be there is a TypeError."""
    assert patterns(run_js, component, list(expected)) == expected


def test_opaque_pathnames(run_js: RunJs) -> None:
    """Little is encoded, and nothing resolved; a query or fragment ends them."""
    expected = {
        "a b": "a b",
        "é": "%C3%A9",
        "/a/../b": "/a/../b",
        "a/%2e": "a/%2e",
        "a\tb": "ab",
        "a#b": "a",
        "\x01": "%01",
    }
    assert patterns(run_js, "pathname", list(expected), protocol="data") == expected
