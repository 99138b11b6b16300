"""Web IDL as scripts see it: the shape of interfaces, conversions, errors."""

from collections.abc import Callable
from typing import Any

import pytest

from swproxy.web import manifest

RunJs = Callable[..., Any]

# Interfaces that are loaded with the worker; manifest.LAZY has the others.
EAGER = [
    *[
        "Cache",
        "CacheStorage",
        "Event",
        "EventTarget",
        "ExtendableEvent",
        "FetchEvent",
        "Headers",
    ],
    *[
        "InstallEvent",
        "Request",
        "Response",
        "ServiceWorkerGlobalScope",
    ],
    *["URL", "URLSearchParams", "WorkerGlobalScope", "WorkerLocation"],
]
INTERFACES = f"const interfaces = {[*EAGER, *manifest.LAZY]};"
FAILURE = "const failure = (f) => { try { f(); return null; } catch (error) { return error.constructor.name; } };"


# The shape of interfaces


def test_interface_objects(run_js: RunJs) -> None:
    """Properties of the global object that are not enumerated; the prototype is fixed, and knows its name."""
    script = f"""
      {INTERFACES}
      const wrong = [];
      const expect = (name, object, key, writable, enumerable, configurable) => {{
        const found = Object.getOwnPropertyDescriptor(object, key);
        const ok = found?.writable === writable && found.enumerable === enumerable
          && found.configurable === configurable;
        if (!ok) wrong.push([name, String(key), found]);
        return found?.value;
      }};
      for (const name of interfaces) {{
        void self[name];
        const Interface = expect(name, self, name, true, false, true);
        const prototype = expect(name, Interface, "prototype", false, false, false);
        expect(name, Interface, "length", false, false, true);
        if (expect(name, Interface, "name", false, false, true) !== name) wrong.push([name, "name"]);
        if (expect(name, prototype, "constructor", true, false, true) !== Interface) wrong.push([name,
          "constructor"]);
        if (expect(name, prototype, Symbol.toStringTag, false, false, true) !== name) wrong.push([name, "tag"]);
      }}
      return wrong;
    """
    assert run_js(script) == []


def test_inheritance(run_js: RunJs) -> None:
    """Of interface objects and of their prototypes alike."""
    script = """
      const parents = (Interface) => {
        const names = [];
        let { prototype } = Interface;
        for (let object = Interface; object !== Function.prototype; object = Object.getPrototypeOf(object)) {
          if (object.prototype !== prototype) names.push("wrong");
          names.push(object.name);
          prototype = Object.getPrototypeOf(prototype);
        }
        return prototype === Object.prototype ? names : "wrong";
      };
      return [FetchEvent, WindowClient, File, AbortSignal, ServiceWorkerGlobalScope, PerformanceMark].map(parents);
    """
    assert run_js(script) == [
        *[["FetchEvent", "ExtendableEvent", "Event"], ["WindowClient", "Client"], ["File", "Blob"]],
        *[["AbortSignal", "EventTarget"], ["ServiceWorkerGlobalScope", "WorkerGlobalScope", "EventTarget"]],
        ["PerformanceMark", "PerformanceEntry"],
    ]


def test_members_are_enumerable_and_named(run_js: RunJs) -> None:
    """Operations are writable functions and no constructors, attributes are accessors; all can be configured."""
    script = f"""
      {INTERFACES}
      const wrong = [];
      for (const name of interfaces) {{
        const {{ prototype }} = self[name];
        for (const key of Object.getOwnPropertyNames(prototype)) {{
          const {{ value, get, set, writable, enumerable, configurable }} =
            Object.getOwnPropertyDescriptor(prototype, key);
          if (key === "constructor" || typeof value === "number") continue;
          const ok = get === undefined
            ? writable && value.name === key && !Object.hasOwn(value, "prototype")
            : get.name === `get ${{key}}` && get.length === 0 && (set === undefined || set.name === `set ${{key}}`
              && set.length === 1);
          if (!ok || !enumerable || !configurable) wrong.push(`${{name}}.${{key}}`);
        }}
      }}
      return wrong;
    """
    assert run_js(script) == []


def test_members_check_what_they_are_called_on(run_js: RunJs) -> None:
    """Each throws a TypeError on a foreign object, or rejects with one; so does an object that only looks alike."""
    script = f"""
      {INTERFACES}
      const wrong = [];
      const check = async (name, f) => {{
        try {{ await f(); }} catch (error) {{ if (error instanceof TypeError) return; }}
        wrong.push(name);
      }};
      for (const name of interfaces) {{
        const {{ prototype }} = self[name];
        for (const key of Object.getOwnPropertyNames(prototype)) {{
          const {{ value, get, set }} = Object.getOwnPropertyDescriptor(prototype, key);
          if (key === "constructor" || typeof value === "number") continue;
          for (const foreign of [{{}}, Object.create(prototype), 5]) {{
            if (get) await check(`${{name}}.${{key}} getter`, () => get.call(foreign));
            if (set) await check(`${{name}}.${{key}} setter`, () => set.call(foreign, {{}}));
            if (value) await check(`${{name}}.${{key}}()`, () => value.call(foreign, {{}}, {{}}, {{}}, {{}}));
          }}
        }}
      }}
      return wrong;
    """
    assert run_js(script) == []


def test_constructors(run_js: RunJs) -> None:
    """They need ``new``; interfaces without one refuse even that; subclasses have their own prototype."""
    script = f"""
      {FAILURE}
      class Mine extends Headers {{ get mine() {{ return this.get("a"); }} }}
      const message = (f) => {{ try {{ f(); }} catch (error) {{ return error.message; }} }};
      return [failure(() => Headers()), failure(() => Headers.call(new Headers())), failure(() => new Clients()),
        failure(() => WindowClient()), new Mine({{ a: "b" }}).mine, new Mine() instanceof Headers,
        Object.getPrototypeOf(Reflect.construct(Headers, [], Map)) === Map.prototype,
        message(() => new Cache()), message(() => Event("x"))];
    """
    assert run_js(script) == [
        *[*["TypeError"] * 4, "b", True, True],
        *["Illegal constructor", "Failed to construct 'Event': Please use the 'new' operator."],
    ]


def test_a_new_target_without_a_prototype(run_js: RunJs) -> None:
    """The object gets that of the interface."""
    script = """
      const target = function () {};
      target.prototype = null;
      return [Headers, Event, Blob].map((Interface) =>
        Object.getPrototypeOf(Reflect.construct(Interface, ["x"].slice(0, Interface.length), target))
          === Interface.prototype);
    """
    assert run_js(script) == [True, True, True]


LENGTHS = [
    *[("Headers", 0), ("Request", 1), ("Response", 0), ("Event", 1), ("FetchEvent", 2), ("Blob", 0), ("File", 2)],
    *[("URL", 1), ("Client", 0), ("PromiseRejectionEvent", 2), ("fetch", 1), ("setTimeout", 1), ("clearTimeout", 0)],
    *[("importScripts", 0), ("skipWaiting", 0), ("Headers.prototype.append", 2), ("Cache.prototype.match", 1)],
    *[("Cache.prototype.matchAll", 0), ("Cache.prototype.put", 2), ("Headers.prototype.forEach", 1)],
    *[("EventTarget.prototype.addEventListener", 2), ("Response.redirect", 1), ("AbortSignal.timeout", 1)],
    *[("Client.prototype.postMessage", 1), ("Headers.prototype.getSetCookie", 0), ("AbortSignal.abort", 0)],
]


def test_lengths_are_the_numbers_of_required_arguments(run_js: RunJs) -> None:
    """Of constructors, operations and static operations."""
    lengths = run_js(f"return [{', '.join(f'{name}.length' for name, _ in LENGTHS)}]")
    assert list(zip([name for name, _ in LENGTHS], lengths, strict=True)) == LENGTHS


def test_constants(run_js: RunJs) -> None:
    """On the interface object and its prototype; they can be enumerated and not changed."""
    script = """
      const { value, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(Event, "AT_TARGET");
      return [value, writable, enumerable, configurable, Event.prototype.AT_TARGET, Object.keys(Event)];
    """
    names = ["NONE", "CAPTURING_PHASE", "AT_TARGET", "BUBBLING_PHASE"]
    assert run_js(script) == [2, False, True, False, 2, names]


# Iterable declarations


def test_pair_iterators(run_js: RunJs) -> None:
    """Of Headers, URLSearchParams, FormData: entries() is the iterator; next() checks what it is called on."""
    script = f"""
      {FAILURE}
      const form = new FormData();
      form.append("a", "b");
      return [new Headers({{ a: "b" }}), new URLSearchParams("a=b"), form].map((object) => {{
        const {{ prototype, name }} = object.constructor;
        const iterator = object[Symbol.iterator]();
        const proto = Object.getPrototypeOf(iterator);
        const next = Object.getOwnPropertyDescriptor(proto, "next");
        return [prototype[Symbol.iterator] === prototype.entries,
          Object.getOwnPropertyDescriptor(prototype, Symbol.iterator).enumerable,
            String(iterator) === `[object ${{name}} Iterator]`,
          Object.getPrototypeOf(proto) === Object.getPrototypeOf(Object.getPrototypeOf([].values())), next.enumerable,
          iterator[Symbol.iterator]() === iterator, iterator.next().value, iterator.next(),
          [...object.keys()], [...object.values()], failure(() => next.value.call({{}})),
          failure(() => prototype.keys.call(new Map())), failure(() => object.forEach()),
          failure(() => object.forEach({{}}))];
      }});
    """
    one = [True, False, True, True, True, True, ["a", "b"], {"done": True}, ["a"], ["b"], *["TypeError"] * 4]
    assert run_js(script) == [one] * 3


# Arguments


MESSAGES = [
    ("new Request()", "Failed to construct 'Request': 1 argument required, but only 0 present."),
    (
        "new Headers().append('a')",
        "Failed to execute 'append' on 'Headers': 2 arguments required, but only 1 present.",
    ),
    (
        "AbortSignal.timeout()",
        "Failed to execute 'timeout' on 'AbortSignal': 1 argument required, but only 0 present.",
    ),
    ("new Headers().forEach()", "Failed to execute 'forEach' on 'Headers': 1 argument required, but only 0 present."),
    ("new Event('x', 5)", "Failed to construct 'Event': parameter 2 is not an object."),
    ("new FetchEvent('x', {})", "Failed to construct 'FetchEvent': parameter 2, member 'request', is required."),
    (
        "new Request('/', { mode: 'x' })",
        "Failed to construct 'Request': parameter 2, member 'mode', "
        "is 'x', which is not a valid value of RequestMode.",
    ),
    (
        "dispatchEvent({})",
        "Failed to execute 'dispatchEvent' on 'EventTarget': parameter 1 is not of type 'Event'.",
    ),
    (
        "new Headers().get('\\u0100')",
        "Failed to execute 'get' on 'Headers': parameter 1 cannot be converted to a ByteString: "
        "the character at index 0 has the value 256.",
    ),
    ("Event.prototype.initEvent.call({}, 'x')", "Illegal invocation"),
]


@pytest.mark.parametrize(("code", "message"), MESSAGES, ids=[code for code, _ in MESSAGES])
def test_errors_say_what_is_wrong(run_js: RunJs, code: str, message: str) -> None:
    """Where, and which argument or member."""
    assert run_js(f"try {{ {code}; }} catch (error) {{ return [error.name, error.message]; }}") == [
        "TypeError",
        message,
    ]


def test_arguments_are_converted_from_left_to_right(run_js: RunJs) -> None:
    """After the object and their number were checked; members of dictionaries by their names, inherited first."""
    script = f"""
      {FAILURE}
      const log = [];
      const text = (name) => ({{ toString() {{ log.push(name); return "a"; }} }});
      new Headers().append(text("name"), text("value"));
      failure(() => new Headers().append(text("alone")));
      failure(() => Headers.prototype.append.call({{}}, text("foreign"), text("foreign")));
      const init = new Proxy({{}}, {{ get(target, key) {{ log.push(key); }} }});
      new ErrorEvent("x", init);
      return log;
    """
    inherited = ["bubbles", "cancelable", "composed"]
    assert run_js(script) == ["name", "value", *inherited, "colno", "error", "filename", "lineno", "message"]


def test_integers(run_js: RunJs) -> None:
    """They wrap around; [Clamp] rounds to the even, [EnforceRange] throws; BigInts and symbols are no numbers."""
    script = f"""
      {FAILURE}
      const wrapped = [-1, 2 ** 32, 2 ** 32 + 5.9, -0.9, "0x10", null, NaN, Infinity, true]
        .map((lineno) => new ErrorEvent("x", {{ lineno }}).lineno);
      const blob = new Blob(["abcdefgh"]);
      const clamped = [0.5, 1.5, 2.5, -3.5, 2 ** 70, NaN].map((start) => blob.slice(start).size);
      return [wrapped, clamped, failure(() => new ErrorEvent("x", {{ lineno: 1n }})),
        failure(() => blob.slice(Symbol())), failure(() => AbortSignal.timeout(-1)),
        AbortSignal.timeout("1").aborted];
    """
    assert run_js(script) == [
        *[[2**32 - 1, 0, 5, 0, 16, 0, 0, 0, 1], [8, 6, 6, 4, 0, 8]],
        *[*["TypeError"] * 3, False],
    ]


def test_strings(run_js: RunJs) -> None:
    """A DOMString may have lone surrogates, a USVString not; objects are asked, symbols refused."""
    script = f"""
      {FAILURE}
      const lone = "\\ud800";
      return [new Event(lone).type === lone, new URLSearchParams({{ a: lone }}).get("a"), new Event(null).type,
        new Event({{ toString: () => "text", valueOf: () => "value" }}).type, failure(() => new Event(Symbol())),
        failure(() => new Event({{ toString() {{ throw new RangeError(); }} }}))];
    """
    assert run_js(script) == [True, "\ufffd", "null", "text", "TypeError", "RangeError"]


def test_sequences_and_records(run_js: RunJs) -> None:
    """Any iterable is a sequence, closed by nobody; other objects are records of their own enumerable properties."""
    script = f"""
      {FAILURE}
      let closed = false;
      let rounds = 0;
      const bad = {{ [Symbol.iterator]: () => ({{ next: () => ({{ value: rounds++, done: false }}),
        return() {{ closed = true; }} }}) }};
      const record = Object.create({{ inherited: "1" }}, {{ hidden: {{ value: "2" }}, own: {{ value: "3",
        enumerable: true }} }});
      const pairs = function* () {{ yield new Set(["a", "b"]); }};
      return [[...new Headers(record)], [...new Headers(pairs())], failure(() => new Headers(bad)), rounds, closed,
        failure(() => new Headers({{ [Symbol.iterator]: 5 }})),
        failure(() => new Headers({{ [Symbol.iterator]: () => 5 }})),
        [...new Headers(Object.assign(Object.create({{ [Symbol.iterator]: null }}), {{ a: "b" }}))],
          [...new URLSearchParams([["a", "b"]])],
        failure(() => new URLSearchParams([["a"]])), [...new Headers(function () {{}})]];
    """
    a_b = [["a", "b"]]
    assert run_js(script) == [
        *[[["own", "3"]], a_b, "TypeError", 1, False, "TypeError", "TypeError"],
        *[a_b, a_b, "TypeError", []],
    ]


def test_nullable_and_optional_arguments(run_js: RunJs) -> None:
    """An undefined one is one that is left out; dictionaries may be null, enumerations may not."""
    script = f"""
      {FAILURE}
      return [new Event("x", undefined).bubbles, new Event("x", null).bubbles, new Response(undefined).body,
        new Response(null, null).status, new Request("/", {{ mode: undefined }}).mode,
        failure(() => new Request("/", {{ mode: null }})), new Request("/", {{ signal: null }}).signal.aborted,
        failure(() => addEventListener("x", "not an object")), new Event("x", () => {{}}).bubbles];
    """
    assert run_js(script) == [False, False, None, 200, "cors", "TypeError", False, "TypeError", False]


# DOMException


# Those that are not null, by their code.
CODES = {
    1: "IndexSizeError",
    3: "HierarchyRequestError",
    4: "WrongDocumentError",
    5: "InvalidCharacterError",
    7: "NoModificationAllowedError",
    8: "NotFoundError",
    9: "NotSupportedError",
    10: "InUseAttributeError",
    11: "InvalidStateError",
    12: "SyntaxError",
    13: "InvalidModificationError",
    14: "NamespaceError",
    15: "InvalidAccessError",
    17: "TypeMismatchError",
    18: "SecurityError",
    19: "NetworkError",
    20: "AbortError",
    21: "URLMismatchError",
    23: "TimeoutError",
    24: "InvalidNodeTypeError",
    25: "DataCloneError",
}
WITHOUT_CODE = ["EncodingError", "NotReadableError", "DataError", "OperationError", "NotAllowedError", "Mine"]


def test_dom_exceptions(run_js: RunJs) -> None:
    """Errors with a name, a message and the code of that name; constants for the codes."""
    names = [*CODES.values(), *WITHOUT_CODE]
    script = f"""
      const exception = new DOMException("message", "AbortError");
      const plain = new DOMException();
      return [{names}.map((name) => new DOMException("", name).code), exception instanceof Error,
        String(exception), typeof exception.stack, [plain.name, plain.message, plain.code], DOMException.ABORT_ERR,
        exception.DATA_CLONE_ERR, Object.keys(DOMException).length, Object.prototype.toString.call(exception),
        DOMException.length];
    """
    assert run_js(script) == [
        *[[*CODES, *[0] * len(WITHOUT_CODE)], True, "AbortError: message", "string", ["Error", "", 0], 20],
        *[25, 25, "[object DOMException]", 0],
    ]


def test_the_attributes_of_dom_exception_are_enumerable(run_js: RunJs) -> None:
    """So a record of one is a failure: they are brand-checked."""
    script = """
        const { prototype } = DOMException;
        const enumerable = Object.keys(prototype).filter((key) => !key.endsWith("_ERR"));
        try { return new URLSearchParams(prototype).toString(); } catch (error) { return [enumerable, error.name]; }
    """
    assert run_js(script) == [["name", "message", "code"], "TypeError"]


def test_quota_exceeded_error(run_js: RunJs) -> None:
    """An interface of its own that inherits from DOMException, with what was asked for; it can be cloned."""
    script = """
        const failure = (...values) => {
          try { new QuotaExceededError(...values); return "none"; } catch (error) { return error.name; }
        };
        let thrown;
        try { crypto.getRandomValues(new Uint8Array(70_000)); } catch (error) { thrown = error; }
        const clone = structuredClone(thrown);
        const plain = new QuotaExceededError("m");
        return [
          [thrown, clone].map((error) => [error instanceof QuotaExceededError, error instanceof DOMException,
            error.name, error.code, error.quota, error.requested, error.message === thrown.message]),
          [plain.message, plain.quota, plain.requested, Object.getPrototypeOf(QuotaExceededError) === DOMException],
          failure("", { quota: -1 }), failure("", { requested: -1 }), failure("", { quota: 2, requested: 1 }),
          failure("", { quota: NaN }), structuredClone(new DOMException("m", "QuotaExceededError")).constructor.name,
        ];
    """
    thrown = [True, True, "QuotaExceededError", 22, 65536, 70_000, True]
    assert run_js(script) == [
        [thrown, thrown],
        ["m", None, None, True],
        *["RangeError", "RangeError", "RangeError", "TypeError", "DOMException"],
    ]


def test_what_exceeds_the_quota_of_the_host(run_js: RunJs) -> None:
    """The host's error of that name becomes one, too."""
    script = """
        const cache = await caches.open("c");
        const stored = cache.put("/a", new Response("x".repeat(100_000)));
        return stored.catch((error) => error instanceof QuotaExceededError);
    """
    assert run_js(script, quota=1000) is True
