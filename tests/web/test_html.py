"""The worker's global scope; tests/realm/test_main.py has scripts and their imports, seen from the proxy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import SCRIPT_URL, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

SITE = "https://site.test"
WAIT = "const wait = () => new Promise((resolve) => setTimeout(resolve, 2));"


# Base64


def test_btoa_and_atob_are_inverse(run_js: RunJs) -> None:
    """For all bytes; arguments are converted to strings."""
    script = """
      let bytes = "";
      for (let i = 0; i < 256; i++) bytes += String.fromCharCode(i);
      return [atob(btoa(bytes)) === bytes, btoa(""), atob(""), btoa(null), btoa(undefined), atob(1234).length];
    """
    assert run_js(script) == [True, "", "", "bnVsbA==", "dW5kZWZpbmVk", 3]


def test_atob_is_forgiving(run_js: RunJs) -> None:
    """White space and missing padding do not matter; anything else is an InvalidCharacterError."""
    script = """
      return [" Y Q\\n==\\t", "YQ", "YWI", "ab\\r\\fcd", "YR==", "a", "abcde", "YQ=", "YQ===", "Y=Q=", "a-b_",
        "\\u00e9",
        "\\0", "ab\\u00a0cd", "===="].map((text) => {
        try { return btoa(atob(text)); } catch (error) { return [error.name, error.code,
          error instanceof DOMException]; }
      });
    """
    assert run_js(script) == [*["YQ==", "YQ==", "YWI=", "abcd", "YQ=="], *[["InvalidCharacterError", 5, True]] * 10]


def test_btoa_takes_bytes_only(run_js: RunJs) -> None:
    """Other characters are an InvalidCharacterError, a missing argument a TypeError."""
    script = """
      return [() => btoa("\\u0100"), () => btoa("a\\ud83d\\ude00"), () => btoa(), () => atob(), () => btoa(Symbol())]
        .map((f) => { try { f(); } catch (error) { return error.name; } });
    """
    assert run_js(script) == [*["InvalidCharacterError"] * 2, *["TypeError"] * 3]


# Tasks and errors


def test_queue_microtask(run_js: RunJs) -> None:
    """In order among promise jobs, without arguments; what is no function is a TypeError at once."""
    script = """
      const log = [];
      queueMicrotask((...values) => log.push(["a", values.length]));
      Promise.resolve().then(() => log.push("b"));
      queueMicrotask(() => log.push("c"));
      const errors = [undefined, null, {}, "f"].map((value) => {
        try { queueMicrotask(value); } catch (error) { return error.name; }
      });
      log.push("now");
      await null; await null; await null;
      return [log, errors];
    """
    assert run_js(script) == [["now", ["a", 0], "b", "c"], ["TypeError"] * 4]


def test_what_a_microtask_throws_is_reported(run_js: RunJs) -> None:
    """As an error, not as a rejection; the next microtask runs."""
    script = f"""
      {WAIT}
      const log = [];
      self.onerror = (message, url, line, column, error) => {{ log.push(error); return true; }};
      self.onunhandledrejection = () => log.push("rejection");
      queueMicrotask(() => {{ throw "thrown"; }});
      queueMicrotask(() => log.push("next"));
      await wait();
      return log;
    """
    assert run_js(script) == ["thrown", "next"]


def test_report_error_fires_an_event(run_js: RunJs) -> None:
    """With the place and the value, whatever it is; it needs an argument."""
    script = """
      const log = [];
      addEventListener("error", (event) => {
        event.preventDefault();
        const { message, filename, lineno, error, cancelable, isTrusted } = event;
        log.push([message, filename, lineno > 0, error?.constructor?.name, cancelable, isTrusted]);
      });
      reportError(new RangeError("x"));
      reportError(undefined);
      reportError(Object.create(null));
      let name;
      try { reportError(); } catch (error) { ({ name } = error); }
      return [log, name];
    """
    [[error, nothing, bare], name] = run_js(script)
    assert error == ["Uncaught RangeError: x", SCRIPT_URL, True, "RangeError", True, True]
    assert nothing[0] == "Uncaught undefined"
    assert bare[0].startswith("Uncaught ")
    assert name == "TypeError"


def test_errors_that_nobody_handles_are_logged(tmp_path: Path) -> None:
    """An event handler that returns true, or a listener that cancels, keeps them out of the log."""
    source = """
      let handled = true;
      onerror = () => handled;
      reportError("first");
      handled = false;
      reportError("second");
      console.log("the end");
    """
    with realm_process(tmp_path, source) as process:
        logs = [process.wait_for(messages.Log) for _ in range(2)]
    assert [(log.level, log.text) for log in logs] == [("error", "Uncaught second"), ("log", "the end")]


def test_rejections_that_nobody_handles(run_js: RunJs) -> None:
    """The event comes after the microtasks; a rejection that is handled by then has none."""
    script = f"""
      {WAIT}
      const log = [];
      addEventListener("unhandledrejection", (event) => {{
        event.preventDefault();
        log.push([event.reason.message, event.promise instanceof Promise, event.cancelable, event.isTrusted]);
      }});
      Promise.reject(new Error("left"));
      const handled = Promise.reject(new Error("handled"));
      queueMicrotask(() => handled.catch(() => log.push("caught")));
      await wait();
      return log;
    """
    assert run_js(script) == ["caught", ["left", True, True, True]]


# Objects of the scope


def test_structured_clone_is_exposed(run_js: RunJs) -> None:
    """With its options; its argument is required."""
    script = """
      const buffer = new ArrayBuffer(2);
      const copy = structuredClone({ buffer, date: new Date(0) }, { transfer: [buffer] });
      const errors = [() => structuredClone(), () => structuredClone(() => {}), () => structuredClone(1, 5)]
        .map((f) => { try { f(); } catch (error) { return error.name; } });
      return [copy.buffer.byteLength, buffer.byteLength, copy.date.getTime(),
        structuredClone(undefined) === undefined,
        structuredClone.length, errors];
    """
    assert run_js(script) == [2, 0, 0, True, 1, ["TypeError", "DataCloneError", "TypeError"]]


def test_location_is_that_of_the_script(run_js: RunJs) -> None:
    """All parts, which nobody can change, and the whole as a string."""
    script = """
      const { href, origin, protocol, host, hostname, port, pathname, search, hash } = location;
      const errors = ["location.href = 'x'", "location = 'x'", "new WorkerLocation()"].map((code) => {
        try { Function(`"use strict"; ${code}`)(); } catch (error) { return error.name; }
      });
      return [href, origin, protocol, host, hostname, port, pathname, search, hash, String(location), errors,
        self.origin, location === self.location];
    """
    assert run_js(script) == [
        *[SCRIPT_URL, SITE, "https:", "site.test", "site.test", "", "/sw.js", "", "", SCRIPT_URL],
        *[["TypeError"] * 3, SITE, True],
    ]


def test_the_navigator(run_js: RunJs) -> None:
    """What HTML fixes, and what the proxy says; the list of languages is frozen and one object."""
    script = """
      const { appCodeName, appName, appVersion, product, userAgent, onLine, language, languages } = navigator;
      return [appCodeName, appName, appVersion, product, userAgent, onLine, language === languages[0],
        Object.isFrozen(languages), languages === navigator.languages, navigator.hardwareConcurrency > 0,
        typeof navigator.platform, String(navigator), navigator.serviceWorker === undefined];
    """
    assert run_js(script, user_agent="Mozilla/5.0 (own)", online=False) == [
        *["Mozilla", "Netscape", "5.0 (own)", "Gecko", "Mozilla/5.0 (own)", False],
        *[True, True, True, True, "string", "[object WorkerNavigator]", True],
    ]


def test_the_network_comes_and_goes(tmp_path: Path) -> None:
    """With an event, and navigator.onLine says the same."""
    source = "ononline = onoffline = ({ type, isTrusted }) => console.log(type, isTrusted, navigator.onLine);"
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        for online in (False, True):
            process.send(messages.OnlineChanged(online))
        assert [process.wait_for(messages.Log).text for _ in range(2)] == ["offline true false", "online true true"]


# importScripts()


def test_import_scripts_shares_the_global_scope(tmp_path: Path) -> None:
    """Also of let, const and class; it gives undefined, and without arguments does nothing."""
    scripts = {
        f"{SITE}/lib/a.js": "var a = 1; const b = 2; class C {} function d() { return b; } 5;",
        f"{SITE}/e.js": "self.seen = [a, b, typeof C, d()];",
    }
    source = """
      const results = [importScripts("lib/a.js", "/e.js"), importScripts()];
      console.log(seen.join(), results.map(String).join());
    """
    with realm_process(tmp_path, source, scripts=scripts) as process:
        assert process.wait_for(messages.Log).text == "1,2,function,2 undefined,undefined"


@pytest.mark.parametrize(
    ("urls", "module", "error"),
    [
        ("'http://['", False, "SyntaxError true"),
        ("'/good.js', 'http://['", False, "SyntaxError true"),
        ("'/missing.js'", False, "NetworkError true"),
        ("'/throws.js'", False, "RangeError false"),
        ("'/broken.js'", False, "SyntaxError false"),
        ("Symbol()", False, "TypeError false"),
        ("'/good.js'", True, "TypeError false"),
    ],
    ids=["url", "second-url", "missing", "throws", "broken", "symbol", "module"],
)
def test_imports_that_fail(tmp_path: Path, urls: str, module: bool, error: str) -> None:
    """All URLs are parsed before anything is loaded; what a script throws comes through. Modules cannot import so."""
    scripts = {
        f"{SITE}/good.js": "console.log('good')",
        f"{SITE}/throws.js": "throw new RangeError('x')",
        f"{SITE}/broken.js": "let = ;",
    }
    source = f"""
      try {{ importScripts({urls}); }} catch (error) {{ console.log(error.name, error instanceof DOMException); }}
    """
    with realm_process(tmp_path, source, module=module, scripts=scripts) as process:
        assert process.wait_for(messages.Log).text == error


# The global object


def test_the_global_object_is_a_service_worker_global_scope(run_js: RunJs) -> None:
    """Its own interface's members are its own properties, those of the others are on the prototypes."""
    script = """
      const chain = [];
      for (let object = self; object !== null; object = Object.getPrototypeOf(object)) {
        chain.push(object[Symbol.toStringTag] ?? "Object");
      }
      const own = (name) => Object.hasOwn(self, name);
      return [chain, self === globalThis, String(self), ["clients", "registration", "skipWaiting",
        "onfetch"].map(own),
        ["location", "fetch", "setTimeout", "addEventListener", "caches"].map(own),
        [ServiceWorkerGlobalScope, WorkerGlobalScope].map((Interface) => {
          try { new Interface(); } catch (error) { return error.name; }
        }), isSecureContext, crossOriginIsolated];
    """
    scope = ["ServiceWorkerGlobalScope", "ServiceWorkerGlobalScope", "WorkerGlobalScope", "EventTarget", "Object"]
    assert run_js(script) == [
        *[scope, True, "[object ServiceWorkerGlobalScope]", [True] * 4, [False] * 5],
        *[["TypeError"] * 2, True, False],
    ]


def test_attributes_of_the_scope_that_can_be_replaced(run_js: RunJs) -> None:
    """origin and performance are [Replaceable]; self, location and the rest are read-only."""
    script = """
      "use strict";
      const errors = ["self", "location", "navigator", "caches", "crypto", "isSecureContext",
        "clients"].map((name) => {
        try { self[name] = 5; } catch (error) { return error.name; }
      });
      const getter = Object.getOwnPropertyDescriptor(WorkerGlobalScope.prototype, "location").get;
      let brand;
      try { getter.call({}); } catch (error) { brand = error.name; }
      self.origin = "mine";
      self.performance = undefined;
      return [errors, brand, getter.call(undefined) === location, self.origin, self.performance === undefined];
    """
    assert run_js(script) == [["TypeError"] * 7, "TypeError", True, "mine", True]


ABSENT = [
    *["window", "document", "Window", "Document", "Node", "XMLHttpRequest", "Worker", "SharedWorker", "localStorage"],
    *[
        "sessionStorage",
        "Notification",
        "PushManager",
        "SyncManager",
        "SharedArrayBuffer",
        "WebAssembly",
    ],
    *["Intl", "EventSource", "InternalError", "process", "require", "module", "exports", "Deno", "Bun"],
    *["global", "print", "scriptArgs", "std", "os", "bjson", "gc", "call_python", "dukpy", "load", "host", "close"],
    *[
        "postMessage",
        "name",
        "alert",
        "requestAnimationFrame",
        "requestIdleCallback",
        "fetchLater",
        "PageRevealEvent",
    ],
]


def test_what_service_workers_do_not_have_is_undefined(run_js: RunJs) -> None:
    """Things of windows, of other workers, of other runtimes, of the engine, and what we do not support."""
    assert run_js(f"return {ABSENT}.filter((name) => self[name] !== undefined)") == []


def test_functions_have_no_place(run_js: RunJs) -> None:
    """The engine would say of all functions where they are defined; no other engine does."""
    members = ["apply", "arguments", "bind", "call", "caller", "constructor", "length", "name", "toString"]
    assert run_js("return Object.getOwnPropertyNames(Function.prototype).sort()") == members


def test_the_host_cannot_be_reached(run_js: RunJs) -> None:
    """The names by which the engine called its host hide what is behind them, and cannot be defined again."""
    script = """
      return ["call_python", "dukpy"].map((name) => {
        self[name] = () => "mine";
        const { get, configurable } = Object.getOwnPropertyDescriptor(self, name);
        let error;
        try { Object.defineProperty(self, name, { value: 1 }); } catch ({ name }) { error = name; }
        return [self[name] === undefined, get() === undefined, configurable, delete self[name], error];
      });
    """
    assert run_js(script) == [[True, True, False, False, "TypeError"]] * 2


def test_interfaces_are_loaded_when_they_are_first_used(run_js: RunJs) -> None:
    """Before and after, they can be replaced and deleted as any other; no enumeration finds them."""
    script = """
      self.Blob = "mine";
      const deleted = delete self.FormData;
      const before = typeof TextDecoder;
      const { value, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(self, "TextDecoder");
      void new Response("x").blob();
      return [self.Blob, deleted, typeof FormData, before, typeof value, writable, enumerable, configurable,
        Object.keys(self).filter((name) => /^[A-Z]/.test(name))];
    """
    assert run_js(script) == ["mine", True, "undefined", "function", "function", True, False, True, []]


def test_that_a_global_is_lazy_does_not_show(run_js: RunJs) -> None:
    """Its descriptor is that of a data property, whoever asks; a deleted one stays away."""
    script = """
        delete self.CompressionStream;
        void DecompressionStream;
        const kinds = (descriptor) => [typeof descriptor.value, descriptor.writable, descriptor.enumerable];
        return [
          kinds(Object.getOwnPropertyDescriptor(self, "FormData")),
          kinds(Reflect.getOwnPropertyDescriptor(self, "WritableStream")),
          kinds(Object.getOwnPropertyDescriptors(self).FileReader),
          "CompressionStream" in self,
        ];
    """
    assert run_js(script) == [*([["function", True, False]] * 3), False]


def test_the_global_prototypes_are_immutable(run_js: RunJs) -> None:
    """By every way; other objects' are not."""
    script = """
        const refused = (f) => { try { f(); return false; } catch (error) { return error instanceof TypeError; } };
        return [
          refused(() => Object.setPrototypeOf(self, {})),
          refused(() => { EventTarget.prototype.__proto__ = {}; }),
          Reflect.setPrototypeOf(ServiceWorkerGlobalScope.prototype, {}),
          Object.setPrototypeOf(self, Object.getPrototypeOf(self)) === self,
          Object.setPrototypeOf({}, Array.prototype) instanceof Array,
          self instanceof EventTarget,
        ];
    """
    assert run_js(script) == [True, True, False, True, True, True]
