"""QuickJS as dukpy gives it, closed to the scripts inside."""

import signal
from collections.abc import Callable
from typing import Any

import ada_url
import pytest

from swproxy.errors import DataError, InvalidStateError, NetworkError, ScriptError, SwproxyError
from swproxy.realm.engine import (
    RUNTIME_LINE,
    Engine,
    EngineBusy,
    EngineUnusable,
    Pending,
    TurnBudgetExceeded,
    script_error,
)

URL = "https://a.test/sw.js"

# A runtime that hands every turn to the host and gives the site a function ``host``.
RUNTIME = """(function (load, host) {
  "use strict";
  load("swproxy:bootstrap").setReceiver((message) => host("op_turn", message));
  globalThis.host = host;
  globalThis.note = (...values) => host("op_note", ...values);
  return {};
})"""


class Notes(Engine):
    """An engine, and what its scripts have noted."""

    def __init__(self, **operations: Callable[..., Any]) -> None:
        self.notes: list[Any] = []
        self.turns: list[dict[str, Any]] = []
        own: dict[str, Callable[..., Any]] = {
            "op_runtime_source": lambda path: {"source": RUNTIME, "line": RUNTIME_LINE},
            "op_turn": self.turns.append,
            "op_note": lambda *values: self.notes.extend(values),
            "op_evaluate": self._nested,
            "op_echo": lambda value: value,
        }
        super().__init__({**own, **operations})
        self.turn({"kind": "load", "path": "runtime.js"})

    def _nested(self, source: str, url: str = "https://a.test/imported.js") -> str:
        try:
            rejection = self.evaluate(source, url)
        except EngineBusy:
            return "busy"
        except ScriptError as error:
            return str(error)
        return "done" if rejection is None else f"rejected: {rejection}"

    def failure(self, source: str, url: str = URL) -> ScriptError:
        """What the script throws."""
        with pytest.raises(ScriptError) as caught:
            self.evaluate(source, url)
        return caught.value


@pytest.fixture
def engine() -> Notes:
    return Notes()


# Turns


def test_a_turn_runs_to_its_end(engine: Notes) -> None:
    """The message arrives, and all microtasks that come of it run before the turn is over."""
    engine.evaluate("const chain = (n) => n && Promise.resolve().then(() => chain(n - 1)).then(() => note(n));", URL)
    engine.turn({"kind": "a", "value": [1, {"x": None}, "ž"]})
    (message,) = engine.turns
    assert (message["kind"], message["value"]) == ("a", [1, {"x": None}, "ž"])
    engine.evaluate("chain(3)", URL)
    assert engine.notes == [1, 2, 3]


def test_only_the_host_can_send_a_turn(engine: Notes) -> None:
    """What a script gives to the same setter, without the token, is ignored."""
    engine.evaluate(
        """
        const { get, set } = Object.getOwnPropertyDescriptor(globalThis, "dukpy");
        for (const message of [{ kind: "a" }, { kind: "a", token: "" }, { kind: "settle", id: 1 }, null, "x", 7]) {
          set.call(globalThis, message);
          dukpy = message;
        }
        note(typeof get());
        """,
        URL,
    )
    assert engine.turns == []
    assert engine.notes == ["undefined"]


def test_nothing_of_the_host_is_global() -> None:
    """dukpy would publish the environment, a require() of local files, and its host function."""
    engine = Notes()
    engine.evaluate(
        """
        const names = ["process", "require", "module", "exports", "dukpy", "call_python"];
        note(...names.map((name) => typeof globalThis[name]));
        """,
        URL,
    )
    assert engine.notes == ["undefined"] * 6


# Operations


def test_values_cross_the_border(engine: Notes) -> None:
    """What JSON can carry comes back the same; None is undefined; lone surrogates and deep nesting survive."""
    engine.evaluate(
        r"""
        const echo = (value) => host("op_echo", value);
        const deep = (n) => { let list = []; while (n--) list = [list]; return list; };
        note(
          JSON.stringify(echo({ a: [1.5, -0, true, null, "ž\ud83d\ude00"], b: {} })),
          echo(null) === undefined,
          echo("a\ud800b") === "a\ud800b",
          echo(["\udfff"])[0] === "\udfff",
          JSON.stringify(echo(deep(900))).length,
        );
        """,
        URL,
    )
    assert engine.notes == ['{"a":[1.5,0,true,null,"ž😀"],"b":{}}', True, True, True, 1802]


def _fail(error: Exception) -> Callable[[], None]:
    def operation() -> None:
        raise error

    return operation


class NamedRange(SwproxyError):
    """A native error of JavaScript."""

    name = "RangeError"


def test_errors_of_operations(caplog: pytest.LogCaptureFixture) -> None:
    """Those meant for scripts have their name; any other is logged here and an InternalError there."""
    engine = Notes(
        op_data=_fail(DataError("full \ud800")),
        op_type=_fail(NetworkError("no network")),
        op_range=_fail(NamedRange("too far")),
        op_bug=_fail(ZeroDivisionError("secret")),
    )
    engine.evaluate(
        """
        for (const name of ["op_data", "op_type", "op_range", "op_bug", "op_missing", "__class__"]) {
          try { host(name); } catch (error) { note(`${error.constructor.name} ${error.name}: ${error.message}`); }
        }
        """,
        URL,
    )
    assert engine.notes == [
        "DOMException DataError: full \ud800",
        "TypeError TypeError: no network",
        "RangeError RangeError: too far",
        "InternalError InternalError: op_bug failed",
        "InternalError InternalError: op_missing failed",
        "InternalError InternalError: __class__ failed",
    ]
    assert "ZeroDivisionError: secret" in caplog.text


class Gone(BaseException):
    """No ``Exception``."""


@pytest.mark.parametrize(
    ("source", "goes_on"),
    [
        ("host('op_gone');", False),
        ("try { host('op_gone'); } catch {}", True),
        ("Promise.resolve().then(() => host('op_gone')).catch(() => 1);", True),
    ],
    ids=["thrown", "caught", "caught-promise"],
)
def test_what_ends_the_process_cannot_be_caught(source: str, goes_on: bool) -> None:
    """It comes out of the turn; a script that calls the host afterwards is abandoned."""

    def gone() -> None:
        raise error

    error = Gone()
    engine = Notes(op_gone=gone)
    abandoned: list[BaseException] = []
    engine.abandon = abandoned.append
    with pytest.raises(Gone):
        engine.evaluate(f"{source} Promise.resolve().then(() => 1).then(() => 1).then(() => note('on'))", URL)
    assert engine.notes == []
    assert abandoned == ([error] if goes_on else [])


def test_answers_that_come_later(engine: Notes) -> None:
    """A promise that a later turn settles: with a value, with undefined for None, or with an error."""
    numbers = iter(range(1, 10))
    engine.operations["op_later"] = lambda: Pending(next(numbers))
    engine.evaluate(
        """
        for (let i = 0; i < 3; i++) {
          host("op_later").then((value) => note(value ?? typeof value), (error) => note(error.name, error.message));
        }
        """,
        URL,
    )
    assert engine.notes == []
    engine.turn({"kind": "settle", "id": 2, "value": None, "error": None})
    engine.turn({"kind": "settle", "id": 1, "value": [1], "error": None})
    engine.turn({"kind": "settle", "id": 3, "value": None, "error": ["AbortError", "stopped"]})
    assert engine.notes == ["undefined", [1], "AbortError", "stopped"]


# Scripts and their errors


def test_scripts_share_their_declarations(engine: Notes) -> None:
    """As the classic scripts of one global scope do."""
    engine.evaluate("const a = 1; let b = 2; class C {} function f() { return a; } var d = 4;", URL)
    assert engine.evaluate("note(a, b, typeof C, f(), d, typeof this); b = 3;", "https://a.test/b.js") is None
    assert engine.notes == [1, 2, "function", 1, 4, "object"]
    assert engine.failure("let a = 5;").message == "SyntaxError: redeclaration of 'a'"


ERRORS: list[tuple[str, str, str, tuple[int, int]]] = [
    ("syntax", "\n\nlet x = ;", "SyntaxError: unexpected token in expression: ';'", (3, 1)),
    ("throw", "\nthrow new Error('no')", "Error: no", (2, 11)),
    ("reference", "note(1);\n  missing()", "ReferenceError: missing is not defined", (2, 3)),
    ("in a function", "function f() {\n  null.x;\n}\nf();", "TypeError: cannot read property 'x' of null", (2, 3)),
    ("own class", "class Mine extends Error { name = 'Mine'; }\nthrow new Mine('x')", "Mine: x", (1, 1)),
    ("many lines", "throw new Error('first\\nsecond')", "Error: first", (1, 11)),
    ("lone surrogate", "throw new Error('a\\ud800')", "Error: a\ufffd\ufffd\ufffd", (1, 11)),
    ("no error", "throw 'text'", "text", (0, 0)),
    ("nothing", "throw undefined", "undefined", (0, 0)),
    ("no text", "throw { toString() { throw 1; } }", "JavaScript Error", (0, 0)),
]


@pytest.mark.parametrize(
    ("source", "message", "place"), [row[1:] for row in ERRORS], ids=[row[0].replace(" ", "-") for row in ERRORS]
)
def test_errors_have_their_place(engine: Notes, source: str, message: str, place: tuple[int, int]) -> None:
    """The script, line and column where it was thrown, whatever was evaluated before."""
    engine.evaluate("\n\n\n// another script\n\n", "https://a.test/before.js")
    error = engine.failure(source)
    assert error.message == message
    assert (error.line, error.column) == place
    assert error.url == (URL if place != (0, 0) else "")
    engine.evaluate("note('goes on')", URL)
    assert engine.notes[-1] == "goes on"


def test_stacks_name_each_script(engine: Notes) -> None:
    """Frames of other scripts have their own lines; of the runtime and its files there are none."""
    engine.evaluate("\n\nfunction thrower() {\n  throw new Error('deep');\n}", "https://a.test/lib.js")
    error = engine.failure("\nfunction caller() { thrower(); }\ncaller();")
    assert error.stack.split("\n") == [
        "    at thrower (https://a.test/lib.js:4:13)",
        f"    at caller ({URL}:2:21)",
        f"    at {URL}:3:1",
    ]
    engine.evaluate("try { host('op_missing'); } catch (error) { note(error.stack); }", URL)
    assert engine.notes[-1].split("\n")[1:] == [f"    at {URL}:1:7"]


def test_the_runtime_is_shown_to_those_who_work_on_it() -> None:
    """With internal frames, under the names of its files."""
    engine = Engine({"op_runtime_source": _internal_source}, internal_frames=True)
    engine.turn({"kind": "load", "path": "runtime.js"})
    with pytest.raises(ScriptError) as caught:
        engine.evaluate("fail()", URL)
    assert caught.value.stack.split("\n")[0] == "    at runtime.js:2:39"


def _internal_source(path: str) -> dict[str, Any]:
    source = '(function (load, host) {\n  globalThis.fail = () => { throw new Error("x"); };\n  return {};\n})'
    return {"source": source, "line": RUNTIME_LINE}


def test_a_script_cannot_change_what_stacks_look_like(engine: Notes) -> None:
    """Its own Error.prepareStackTrace is not asked."""
    error = engine.failure("Error.prepareStackTrace = () => 'mine';\nthrow new Error('x');")
    assert (error.message, error.line) == ("Error: x", 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TypeError: x", ("TypeError: x", "", 0, 0, "")),
        ("E\nE\n    at f (a.js:1:2)\n    at b.js:3:4", ("E", "a.js", 1, 2, "    at f (a.js:1:2)\n    at b.js:3:4")),
        ("E\n    at https://a.test:8443/x.js:10:20", ("E", "https://a.test:8443/x.js", 10, 20, None)),
        ("E\n    at native", ("E", "", 0, 0, "    at native")),
        ("first\nsecond", ("first", "", 0, 0, "")),
        ("", ("", "", 0, 0, "")),
    ],
    ids=["no-stack", "frames", "port", "no-place", "lines", "nothing"],
)
def test_taking_apart_what_dukpy_says(text: str, expected: tuple[str, str, int, int, str | None]) -> None:
    """The message, the place of the first frame, and the frames."""
    error = script_error(text)
    stack = expected[4] if expected[4] is not None else text.partition("\n")[2]
    assert (error.message, error.url, error.line, error.column, error.stack) == (*expected[:4], stack)


# Promises


def test_unhandled_rejections(engine: Notes) -> None:
    """Of a script they are returned, for it ran to its end; of a turn they are raised; the engine goes on."""
    rejection = engine.evaluate("Promise.reject(new Error('script')); note('end')", URL)
    assert rejection is not None
    assert (rejection.message, rejection.line) == ("Error: script", 1)
    assert engine.notes == ["end"]
    engine.operations["op_later"] = lambda: Pending(1)
    engine.evaluate("host('op_later').then(() => { throw new TypeError('turn'); })", URL)
    with pytest.raises(ScriptError, match="TypeError: turn"):
        engine.turn({"kind": "settle", "id": 1, "value": 1, "error": None})
    assert engine.evaluate("Promise.reject(1).catch(() => note('handled'))", URL) is None
    assert engine.notes[-1] == "handled"


def test_a_script_that_throws_after_a_rejection(engine: Notes) -> None:
    """Did not run to its end: that counts."""
    with pytest.raises(ScriptError):
        engine.evaluate("Promise.reject(1); throw new Error('thrown')", URL)


# Scripts within scripts


def test_nested_evaluation(engine: Notes) -> None:
    """A script that another one runs shares its declarations, and its errors have its own places."""
    engine.evaluate(
        """
        const outer = 1;
        note(host("op_evaluate", "const inner = outer + 1; Promise.resolve().then(() => note('later'))"), inner);
        note(host("op_evaluate", "\\nmissing()"), host("op_evaluate", "let = ;"));
        note(host("op_evaluate", "Promise.reject(new Error('left'))"));
        """,
        URL,
    )
    assert engine.notes == [
        "later",  # dukpy runs all microtasks after each script; a browser would after the outermost
        "done",
        2,
        "ReferenceError: missing is not defined (https://a.test/imported.js:2:1)",
        "SyntaxError: unexpected token in expression: ';' (https://a.test/imported.js:1:1)",
        "rejected: Error: left (https://a.test/imported.js:1:20)",
    ]


def test_a_promise_job_cannot_evaluate(engine: Notes) -> None:
    """dukpy refuses: the caller is told, and nothing is broken."""
    engine.evaluate("Promise.resolve().then(() => note(host('op_evaluate', '1')))", URL)
    assert engine.notes == ["busy"]
    assert engine.evaluate("note(host('op_evaluate', '1'))", URL) is None
    assert engine.notes == ["busy", "done"]


# Budgets


HANGS = {
    "loop": "for (;;);",
    "catching-loop": "for (;;) { try { for (;;); } catch {} finally { continue; } }",
    "microtasks": "const again = () => Promise.resolve().then(again); again();",
    "calls": "for (;;) host('op_echo', 1);",
    "nested": "host('op_evaluate', 'for (;;);')",
    "nested-and-caught": "try { host('op_evaluate', 'for (;;);') } catch {}",
}


@pytest.mark.parametrize("source", HANGS.values(), ids=HANGS)
def test_a_turn_is_interrupted_at_its_budget(engine: Notes, source: str) -> None:
    """Whatever the script tries to catch; the alarm is off afterwards."""
    engine.turn_budget = 0.05
    with pytest.raises(TurnBudgetExceeded):
        engine.evaluate(source, URL)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_engine_that_left_jobs_over_is_not_used_any_more(engine: Notes) -> None:
    """It would do nothing, and say so each time."""
    engine.turn_budget = 0.05
    with pytest.raises(TurnBudgetExceeded):
        engine.evaluate("const again = () => { Promise.resolve().then(again); }; again();", URL)
    engine._fatal = None  # as after jobs that failed for want of memory
    with pytest.raises(EngineUnusable):
        engine.turn({"kind": "a"})


def test_waiting_for_the_host_costs_no_budget(engine: Notes) -> None:
    """Nor does a nested script get a budget of its own."""

    def wait() -> None:
        with engine.waiting():
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
            remaining.append(signal.getitimer(signal.ITIMER_REAL)[0])
        remaining.append(signal.getitimer(signal.ITIMER_REAL)[0])

    remaining: list[float] = []
    engine.operations["op_wait"] = wait
    engine.turn_budget = 100.0
    engine.evaluate("host('op_wait'); host('op_evaluate', 'host(\"op_wait\")');", URL)
    assert remaining[0] == remaining[2] == 0.0
    assert 100.0 > remaining[1] > remaining[3] > 90.0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_without_a_budget_there_is_no_alarm(engine: Notes) -> None:
    """As while the runtime is warmed up."""
    engine.operations["op_timer"] = lambda: list(signal.getitimer(signal.ITIMER_REAL))
    engine.evaluate("note(...host('op_timer'))", URL)
    assert engine.notes == [0, 0]


# Modules


class Site:
    """The modules of a site by path, as ``evaluate_module`` gets them."""

    def __init__(self, engine: Engine, **files: str) -> None:
        self.loaded: list[str] = []
        self._files = {f"https://a.test/{name.replace('__', '/')}.js": source for name, source in files.items()}
        engine.modules.source = self._source
        engine.modules.resolve = self._resolve

    def _source(self, url: str) -> str:
        self.loaded.append(url.removeprefix("https://a.test"))
        if url not in self._files:
            raise NetworkError(f"{url} is missing")
        return self._files[url]

    @staticmethod
    def _resolve(base: str, specifier: str) -> str:
        if not specifier.startswith(("/", "./", "../", "https:")):
            raise InvalidStateError(f"'{specifier}' is bare")
        return str(ada_url.URL(specifier, base or None).href)


def test_modules_are_linked(engine: Notes) -> None:
    """By URL, each once, cycles and all."""
    site = Site(
        engine,
        sw="import { x } from './lib/x.js'; import * as own from './sw.js'; import '/lib/x.js#f';"
        "export const y = 2; note(x, own.y, import.meta.url, typeof this);",
        lib__x="import { y } from '../sw.js'; export const x = 40; note(typeof (() => y));",
    )
    site._files["https://a.test/lib/x.js#f"] = "note('another')"
    assert engine.evaluate_module(URL) is None
    assert engine.notes == ["function", "another", 40, 2, URL, "undefined"]
    assert site.loaded == ["/sw.js", "/lib/x.js", "/lib/x.js#f"]


FAULTS: list[tuple[str, dict[str, str], type[SwproxyError], str]] = [
    ("missing", {"sw": "import './none.js'"}, NetworkError, "none.js is missing"),
    ("missing deep down", {"sw": "import './a.js'", "a": "import './none.js'"}, NetworkError, "none.js is missing"),
    ("the first of two", {"sw": "import './1.js'; import './2.js'"}, NetworkError, "1.js is missing"),
    ("bare", {"sw": "import 'lib'"}, InvalidStateError, "'lib' is bare"),
    ("syntax", {"sw": "\nlet = ;"}, ScriptError, f"SyntaxError: variable name expected ({URL}:2:1)"),
    (
        "syntax of an import",
        {"sw": "import './a.js'", "a": "\n\n)"},
        ScriptError,
        "SyntaxError: unexpected token in expression: ')' (https://a.test/a.js:3:1)",
    ),
    ("no such export", {"sw": "import { z } from './a.js'", "a": ""}, ScriptError, "Could not find export 'z'"),
    ("throws", {"sw": "import './a.js'", "a": "\nthrow new Error('x')"}, ScriptError, "(https://a.test/a.js:2:11)"),
    ("await for ever", {"sw": "await new Promise(() => {})"}, ScriptError, "Top-level await is not allowed"),
    ("await a moment", {"sw": "await 1"}, ScriptError, "Top-level await is not allowed"),
    ("await in an import", {"sw": "import './a.js'", "a": "await 1"}, ScriptError, "Top-level await is not allowed"),
    ("await and throw", {"sw": "await 1; throw new Error('x')"}, ScriptError, "Error: x"),
]


@pytest.mark.parametrize(
    ("files", "kind", "message"), [row[1:] for row in FAULTS], ids=[row[0].replace(" ", "-") for row in FAULTS]
)
def test_linking_faults(engine: Notes, files: dict[str, str], kind: type[SwproxyError], message: str) -> None:
    """What the host could not give is raised as the host said it; what JavaScript refuses, with its place."""
    Site(engine, **files)
    with pytest.raises(kind) as caught:
        engine.evaluate_module(URL)
    assert type(caught.value) is kind
    assert message in str(caught.value)


def test_promises_of_modules_are_no_top_level_await(engine: Notes) -> None:
    """Work that goes on afterwards is the module's own; a rejection that it leaves is returned."""
    Site(engine, sw="(async () => { await 1; note('later'); })(); Promise.reject(new Error('left')); note('end');")
    rejection = engine.evaluate_module(URL)
    assert rejection is not None
    assert rejection.message == "Error: left"
    assert engine.notes == ["end", "later"]


def test_dynamic_imports_are_refused(engine: Notes) -> None:
    """In modules and classic scripts, at any time, for any URL: a service worker has none."""
    site = Site(engine, sw="import './a.js'; import('./a.js').catch((e) => note(e.constructor.name));", a="")
    engine.evaluate_module(URL)
    engine.evaluate("import('/etc/passwd').catch((e) => note(e.constructor.name, e.message))", URL)
    assert engine.notes == ["TypeError", "TypeError", "import() is disallowed in a service worker"]
    assert site.loaded == ["/sw.js", "/a.js"]
