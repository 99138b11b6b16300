"""The console: what arrives in the log."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import SCRIPT_URL, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]


def logged(directory: Path, source: str) -> list[messages.Log]:
    """What a script leaves in the log."""
    with realm_process(directory, f"{source}\nconsole.log('the end');") as process:
        lines: list[messages.Log] = []
        while (line := process.wait_for(messages.Log)).text != "the end":
            lines.append(line)
    return lines


def texts(directory: Path, source: str) -> list[str]:
    return [line.text for line in logged(directory, source)]


def test_each_method_has_its_level(tmp_path: Path) -> None:
    """Which is its name, but for the methods that warn."""
    names = ["debug", "error", "info", "log", "warn", "trace", "dirxml"]
    lines = logged(tmp_path, f"for (const name of {names}) console[name](name, 1);")
    assert [(line.level, line.text) for line in lines] == [(name, f"{name} 1") for name in names]


def test_a_trace_has_the_stack(tmp_path: Path) -> None:
    """From the call on; the other methods have none."""
    [log, trace] = logged(tmp_path, "console.log('x');\nfunction f() { console.trace('y'); }\nf();")
    assert log.stack == ""
    frames = [line.rpartition(":")[0] for line in trace.stack.split("\n") if SCRIPT_URL in line]
    assert frames == [f"    at f ({SCRIPT_URL}:2", f"    at {SCRIPT_URL}:3"]


def test_without_arguments_nothing_is_logged(tmp_path: Path) -> None:
    """The logger returns at once; an empty string is a line."""
    assert texts(tmp_path, "console.log(); console.error(); console.dirxml(); console.warn('');") == [""]


FORMATS = [
    ("'%s|%s|%s', 'a', 5, Symbol('b')", "a|5|Symbol(b)"),
    ("'%d|%i|%f', '5.9', 5.9, '5.9x'", "5|5|5.9"),
    ("'%d|%i|%f', Symbol(), 'x', Symbol()", "NaN|NaN|NaN"),
    ("'%o %O', { a: 1 }, [1]", "{ a: 1 } [ 1 ]"),
    ("'%cred', 'color: red'", "red"),
    ("'100%', 1", "100% 1"),
    ("'%%s', 1", "%s 1"),
    ("'%s %s', 1", "1 %s"),
    ("'%x', 1", "%x 1"),
    ("'%s', 1, 2, { a: 'b' }", '1 2 { a: "b" }'),
    ("'%s'", "%s"),
    ("5, '%s', 1", "5 %s 1"),
    ("'%s', '%s', 'x'", "%s x"),
]


def test_format_specifiers(tmp_path: Path) -> None:
    """They take their arguments in order; what is left over follows, with spaces between."""
    lines = texts(tmp_path, "\n".join(f"console.log({arguments});" for arguments, _ in FORMATS))
    assert lines == [expected for _, expected in FORMATS]


VALUES = [
    ("undefined", "undefined"),
    ("null", "null"),
    ("-0.5", "-0.5"),
    ("10n", "10n"),
    ("true", "true"),
    ("Symbol('s')", "Symbol(s)"),
    ("['a', 1, [2]]", '[ "a", 1, [ 2 ] ]'),
    ("{ a: 'b', 'c-d': null }", '{ a: "b", "c-d": null }'),
    ("{}", "{}"),
    ("[]", "[]"),
    ("{ get a() { throw 1; } }", "{ a: [Getter] }"),
    ("{ a: { b: { c: { d: 1 } } } }", "{ a: { b: { c: [Object] } } }"),
    ("new Map([['a', { b: 1 }]])", 'Map(1) { "a" => { b: 1 } }'),
    ("new Set([1, 'x'])", 'Set(2) { 1, "x" }'),
    ("new Date(0)", "1970-01-01T00:00:00.000Z"),
    ("/x/g", "/x/g"),
    ("function f() {}", "[Function: f]"),
    ("() => {}", "[Function: (anonymous)]"),
    ("class A {}", "[class: A]"),
    ("new (class A { b = 1; })()", "A { b: 1 }"),
    ("Object.create(null)", "[Object: null prototype] {}"),
]


def test_any_value_can_be_logged(tmp_path: Path) -> None:
    """It is written for a person; no getter is called."""
    lines = texts(tmp_path, "\n".join(f"console.log({value}, 1);" for value, _ in VALUES))
    assert lines == [f"{expected} 1" for _, expected in VALUES]


def test_circles_and_long_lists_end(tmp_path: Path) -> None:
    """The one with a word, the other with the number of what is left out."""
    [circle, many] = texts(
        tmp_path, "const o = { o: [] }; o.o.push(o); console.log(o); console.log(Array(150).fill(0))"
    )
    assert circle == "{ o: [ [Circular] ] }"
    assert many.endswith("0, ... 50 more ]")


def test_errors_have_their_stack(tmp_path: Path) -> None:
    """Also a DOMException."""
    [error, exception] = logged(
        tmp_path, "console.log(new TypeError('bad')); console.log(new DOMException('gone', 'AbortError'));"
    )
    assert error.text.split("\n")[:2] == ["TypeError: bad", f"    at {SCRIPT_URL}:1:{error.text.split(':')[-1]}"]
    assert exception.text.split("\n")[0] == "AbortError: gone"


def test_assertions(tmp_path: Path) -> None:
    """Nothing for what is truthy; the message stands before a string, and before anything else."""
    source = """
      console.assert(true, "no"); console.assert("x", "no"); console.assert();
      console.assert(false); console.assert(0, "n is %d", 5); console.assert(null, { a: 1 }, "b");
    """
    lines = logged(tmp_path, source)
    assert {line.level for line in lines} == {"assert"}
    assert [line.text for line in lines] == [
        *["Assertion failed", "Assertion failed"],
        *["Assertion failed: n is 5", "Assertion failed { a: 1 } b"],
    ]


def test_counts(tmp_path: Path) -> None:
    """One for each label, from 1 again after countReset(); an unknown one is a warning."""
    source = """
      console.count(); console.count(undefined); console.count("default"); console.count("a"); console.count(null);
      console.countReset(); console.count(); console.countReset("b");
    """
    lines = logged(tmp_path, source)
    assert [line.text for line in lines[:-1]] == [
        *["default: 1", "default: 2", "default: 3", "a: 1", "null: 1", "default: 1"]
    ]
    assert lines[-1].level == "warn"


def test_timers(tmp_path: Path) -> None:
    """timeLog() may have more to say; a label that is used twice, or unknown, is a warning."""
    source = """
      console.time(); console.time(); console.timeLog(undefined, "a", { b: 1 }); console.timeEnd(); console.timeEnd();
    """
    [twice, log, end, unknown] = logged(tmp_path, source)
    assert (twice.level, unknown.level) == ("warn", "warn")
    assert log.text.startswith("default: ")
    assert log.text.endswith(" ms a { b: 1 }")
    assert end.text.endswith(" ms")


def test_groups_are_indented(tmp_path: Path) -> None:
    """Until they end, or clear() ends all of them; one end too many is ignored."""
    source = """
      console.groupEnd(); console.group("a"); console.log("b"); console.groupCollapsed("c"); console.log("d");
      console.groupEnd(); console.log("e"); console.clear(); console.log("f");
    """
    assert texts(tmp_path, source) == ["a", "  b", "  c", "    d", "  e", "f"]


def test_tables(tmp_path: Path) -> None:
    """A row for each property, a column for each that the rows have, or for those that are named."""
    source = """
      console.table([{ a: 1 }, { a: 2, b: "x" }, 5]);
      console.table([{ a: 1, b: 2 }], new Set(["b"]));
      console.table("no table"); console.table();
    """
    assert texts(tmp_path, source) == [
        '(index) | a | b\n0 | 1 | \n1 | 2 | "x"\n2 | 5',
        *["(index) | b\n0 | 2", "no table", "undefined"],
    ]


def test_the_console_is_a_namespace_object(run_js: RunJs) -> None:
    """Its methods need no object, are enumerable, and no constructors."""
    script = """
      const { log, assert, table } = console;
      let error;
      try { new log(); } catch ({ name }) { error = name; }
      const prototype = Object.getPrototypeOf(console);
      return [String(console), Object.keys(console).sort(), Object.keys(prototype), prototype !== Object.prototype,
        Object.getPrototypeOf(prototype) === Object.prototype, log.length, log.name, assert.length, table.length,
        error, Object.keys(self).includes("console")];
    """
    names = "assert clear count countReset debug dir dirxml error group groupCollapsed groupEnd info log table time"
    assert run_js(script) == [
        "[object console]",
        [*names.split(), "timeEnd", "timeLog", "trace", "warn"],
        *[[], True, True, 0, "log", 0, 0, "TypeError", False],
    ]


@pytest.mark.parametrize(
    "call", ["console.count(Symbol())", "console.time({ toString: null })", "console.table({}, 5)"]
)
def test_arguments_are_converted(run_js: RunJs, call: str) -> None:
    """A label is a DOMString, the columns are a sequence of them."""
    assert run_js(f"try {{ {call}; }} catch ({{ name }}) {{ return name; }}") == "TypeError"
