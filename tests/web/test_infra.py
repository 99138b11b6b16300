"""The runtime keeps what it needs of the language: a site that replaces it breaks only itself (primordials.js)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import network_response, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

# What a site may do. `poison(object)` makes everything of an object throw, `replace(object, key, value)` is for one.
POLLUTIONS = {
    "nothing": "",
    "arrays": "poison(Array.prototype); poison(Array); poison(ArrayIterator);",
    "strings": "poison(String.prototype); poison(String);",
    "regular-expressions": "poison(RegExp.prototype); poison(RegExp);",
    "maps-and-sets": """for (const C of [Map, Set, WeakMap, WeakSet, WeakRef, FinalizationRegistry])
      poison(C.prototype);""",
    "promises": "poison(Promise); for (const key of ['catch', 'finally']) replace(Promise.prototype, key, thrower);",
    "objects": "poison(Object);",
    "functions": "poison(Function.prototype);",
    "reflection": "poison(Reflect);",
    "json": "poison(JSON);",
    "numbers": "poison(Math); poison(Number); poison(Number.prototype); poison(BigInt); poison(BigInt.prototype);",
    "symbols": "poison(Symbol); poison(Symbol.prototype);",
    "dates": "poison(Date); poison(Date.prototype);",
    "buffers": "for (const C of [ArrayBuffer, DataView]) { poison(C); poison(C.prototype); }",
    "typed-arrays": "for (const C of [TypedArray, Uint8Array]) { poison(C); poison(C.prototype); }",
    "iterators": "poison(Iterator.prototype); poison(GeneratorPrototype); poison(AsyncIteratorPrototype);",
    "errors": "for (const C of [Error, TypeError, DOMException]) { poison(C); poison(C.prototype); }",
    "proxies": "poison(Proxy);",
    "global-names": """for (const name of ["Object", "Array", "String", "Number", "Map", "Set", "Promise", "Reflect",
      "JSON", "Math", "Symbol", "Date", "RegExp", "Uint8Array", "ArrayBuffer", "TypeError", "DOMException", "Proxy",
      "parseInt", "encodeURIComponent", "queueMicrotask", "Function", "eval", "WeakRef"])
      replace(self, name, thrower);""",
    "requests": "poison(Request.prototype, ['constructor']);",
    "responses": "poison(Response.prototype); poison(Response);",
    "headers": "poison(Headers.prototype);",
    "events": "poison(Event.prototype); poison(MessageEvent.prototype);",
    "event-targets": "poison(EventTarget.prototype);",
    "signals": "poison(AbortSignal.prototype); poison(AbortController.prototype); poison(AbortSignal);",
    "urls": "poison(URL.prototype); poison(URL); poison(URLSearchParams.prototype);",
    "blobs": "poison(Blob.prototype); poison(File.prototype); poison(FormData.prototype);",
    "streams": "for (const C of [ReadableStream, ReadableStreamDefaultReader, WritableStream]) poison(C.prototype);",
    "ports": "poison(MessagePort.prototype); poison(MessageChannel.prototype);",
    "interfaces": """for (const name of ["Request", "Response", "Headers", "Event", "URL", "AbortSignal", "Blob",
      "AbortController", "ReadableStream", "MessagePort", "MessageEvent", "FormData", "TextDecoder", "Cache"])
      replace(self, name, thrower);""",
    "to-json": "for (const P of [Object, Array, String]) replace(P.prototype, 'toJSON', thrower);",
    "inherited-members": """for (const key of ["method", "headers", "body", "signal", "type", "bubbles", "transfer",
      "cacheName", "ignoreMethod", "capture", "once", "status", "stream", "handle", "aborted", "kind", "id", "url"])
      replace(Object.prototype, key, "polluted");""",
    "inherited-descriptors": """for (const key of ["writable", "enumerable", "configurable"])
      replace(Object.prototype, key, true);""",
}

PRELUDE = """
  const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
  const Species = Symbol.species;
  const TypedArray = Object.getPrototypeOf(Uint8Array);
  const ArrayIterator = Object.getPrototypeOf([].values());
  const GeneratorPrototype = Object.getPrototypeOf(function* () {}.prototype);
  const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype));
  const changed = [];
  const OwnError = class extends Error {};
  const thrower = function thrower() { throw new OwnError("a function of the site was called"); };
  const change = (object, key, descriptor) => {
    changed[changed.length] = { __proto__: null, object, key, before: getOwnPropertyDescriptor(object, key) };
    defineProperty(object, key, { __proto__: null, configurable: true, ...descriptor });
  };
  const replace = (object, key, value) => change(object, key, { __proto__: null, value, writable: true });
  const replaceAccessor = (object, key) => change(object, key, { __proto__: null, get: thrower, set: thrower });
  const poison = (object) => {
    const keys = ownKeys(object);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      const { value, get, configurable } = getOwnPropertyDescriptor(object, key);
      if (!configurable || key === "constructor" || key === "__proto__") continue;
      // The engine itself asks for these: in then() and slice(), in template strings, for a view as arguments.
      if (key === Species || key === "concat" || key === "length") continue;
      if (get) replaceAccessor(object, key);
      else if (typeof value === "function") replace(object, key, thrower);
    }
  };
  const restore = () => {
    for (let i = changed.length - 1; i >= 0; i--) {
      const { object, key, before } = changed[i];
      if (before === undefined) deleteProperty(object, key);
      else defineProperty(object, key, before);
    }
  };
  const getter = (Interface, key) => getOwnPropertyDescriptor(Interface.prototype, key).get;
  const cache = await caches.open("c");
  const { subtle } = crypto;
  const P = Promise, T = EventTarget, D = TextDecoder;
"""

# Each step is the body of an async function. They call methods as they were before.
STEPS = {
    "request": (
        """const request = new R("/a?b", { __proto__: null, method: "put", body: "text",
             headers: { __proto__: null, "X-A": "1", Cookie: "no" } });
           const sent = await apply(requestText, request, []);
           return `${apply(method, request, [])} ${apply(url, request, [])} ${sent}`;""",
        "PUT https://site.test/a?b text",
    ),
    "response": (
        """const response = new S(bytes, { __proto__: null, status: 201 });
           const copy = apply(clone, response, []);
           return `${apply(status, copy, [])} ${await apply(text, copy, [])} ${await apply(text, response, [])}`;""",
        "201 abc abc",
    ),
    "headers": (
        """const headers = new H({ __proto__: null, b: "1", a: " 2 " });
           apply(append, headers, ["B", "3"]);
           return `${apply(get, headers, ["b"])} ${apply(get, headers, ["a"])}`;""",
        "1, 3 2",
    ),
    "fetch": ("return await apply(text, await fetch('/a'), []);", "from the network"),
    "abort": (
        """const controller = new C();
           const promise = fetch("/none", { __proto__: null, signal: apply(signal, controller, []) });
           apply(abort, controller, ["reason"]);
           try { await promise; } catch (reason) { return reason; }""",
        "reason",
    ),
    "failure": ("try { await fetch('/none'); } catch { return 'rejected'; }", "rejected"),
    "cache": (
        """await apply(put, cache, ["/a", new S("stored", { __proto__: null, headers: { __proto__: null,
          vary: "a" } })]);
           await apply(add, cache, ["/a?added"]);
           const found = await apply(text, await apply(match, cache, ["/a"]), []);
           return `${found} ${(await apply(cacheKeys, cache, [])).length}`;""",
        "stored 2",
    ),
    "url": (
        """const url = new U("../c?d=e%20f#g", "https://x.test/a/b");
           return `${apply(href, url, [])} ${apply(paramsGet, apply(params, url, []), ["d"])}`;""",
        "https://x.test/c?d=e%20f#g e f",
    ),
    "event": (
        """const target = new T();
           let seen = "";
           apply(listen, target, ["x", (event) => { seen += apply(type, event, []); }, { __proto__: null,
             once: true }]);
           apply(dispatch, target, [new E("x")]);
           apply(dispatch, target, [new E("x")]);
           return seen;""",
        "x",
    ),
    "timer": ("return await new P((resolve) => { setTimeout(resolve, 0, 'fired'); });", "fired"),
    "microtask": (
        "return await new P((resolve) => { apply(microtask, undefined, [() => resolve('ran')]); });",
        "ran",
    ),
    "message": (
        """const channel = new M();
           const one = apply(port1, channel, []), two = apply(port2, channel, []);
           return await new P((resolve) => {
             apply(onmessage, two, [(event) => resolve(apply(data, event, []).text)]);
             apply(post, one, [{ __proto__: null, text: "sent" }]);
           });""",
        "sent",
    ),
    "clone": (
        "return structuredClone({ __proto__: null, list: [1, { __proto__: null, text: 'cloned' }] }).list[1].text;",
        "cloned",
    ),
    "base64": ("return `${btoa('abc')} ${atob('YWJj')}`;", "YWJj abc"),
    "digest": (
        """const digest = new B(await apply(digestMethod, subtle, ["SHA-1", bytes]));
           return `${digest[0]} ${digest[19]}`;""",
        "169 157",
    ),
    "decoder": ("return apply(decode, new D(), [bytes]);", "abc"),
    "blob": ("return await apply(blobText, new L(parts, { __proto__: null, type: 'X/Y' }), []);", "aabc"),
    "stream": (
        """const reader = apply(getReader, apply(body, new S("streamed"), []), []);
           const { value } = await apply(read, reader, []);
           return apply(decode, new D(), [value]);""",
        "streamed",
    ),
    "form": (
        """const form = new F();
           apply(formAppend, form, ["a", "b"]);
           const copy = await apply(formData, new S(form), []);
           return apply(formGet, copy, ["a"]);""",
        "b",
    ),
}

MEMBERS = """
  const R = Request, S = Response, H = Headers, U = URL, E = Event, C = AbortController, M = MessageChannel,
    B = Uint8Array, L = Blob, F = FormData;
  const bytes = new Uint8Array([97, 98, 99]);
  const parts = ["a", bytes];
  parts[Symbol.iterator] = () => {
    let at = 0;
    return { __proto__: null, next: () => ({ __proto__: null, done: at === 2, value: parts[at++] }) };
  };
  const method = getter(Request, "method"), url = getter(Request, "url"), requestText = Request.prototype.text;
  const { clone, text, formData } = Response.prototype, status = getter(Response, "status");
  const body = getter(Response, "body"), { append, get } = Headers.prototype;
  const signal = getter(AbortController, "signal"), { abort } = AbortController.prototype;
  const { put, match, add, keys: cacheKeys } = Cache.prototype;
  const href = getter(URL, "href"), params = getter(URL, "searchParams"),
    { get: paramsGet } = URLSearchParams.prototype;
  const { addEventListener: listen, dispatchEvent: dispatch } = EventTarget.prototype, type = getter(Event, "type");
  const microtask = queueMicrotask, port1 = getter(MessageChannel, "port1"), port2 = getter(MessageChannel, "port2");
  const onmessage = getOwnPropertyDescriptor(MessagePort.prototype, "onmessage").set, data = getter(MessageEvent,
    "data");
  const { postMessage: post } = MessagePort.prototype, { digest: digestMethod } = SubtleCrypto.prototype;
  const { decode } = TextDecoder.prototype, { text: blobText } = Blob.prototype;
  const { getReader } = ReadableStream.prototype, { read } = ReadableStreamDefaultReader.prototype;
  const { append: formAppend, get: formGet } = FormData.prototype;
"""

RESPONSES = {f"https://site.test/a{query}": network_response("from the network") for query in ("", "?added")}


@pytest.mark.parametrize("pollution", POLLUTIONS)
def test_the_platform_survives_the_site(run_js: RunJs, pollution: str) -> None:
    """Whatever a site replaces, the platform works, and calls nothing of it."""
    steps = ", ".join(f"async () => {{ {code} }}" for code, _ in STEPS.values())
    script = f"""
      {PRELUDE}
      {MEMBERS}
      const steps = [{steps}];
      const results = [];
      {POLLUTIONS[pollution]}
      for (let i = 0; i < steps.length; i++) {{
        try {{ results[i] = await steps[i](); }} catch (error) {{ results[i] = error; }}
      }}
      restore();
      return results.map((result) => `${{result?.stack ?? result}}`);
    """
    expected = {name: result for name, (_, result) in STEPS.items()}
    assert dict(zip(STEPS, run_js(script, responses=RESPONSES), strict=True)) == expected


def test_workers_draw_different_random_numbers(tmp_path: Path) -> None:
    """Though all are forked from one process; the numbers are in [0, 1)."""
    source = "console.log(JSON.stringify(Array.from({ length: 1000 }, Math.random)))"
    drawn = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with realm_process(tmp_path / name, source) as process:
            drawn.append(json.loads(process.wait_for(messages.Log).text))
    assert not set(drawn[0]) & set(drawn[1])
    assert all(0 <= number < 1 for number in drawn[0])
    assert 0.4 < sum(drawn[0]) / 1000 < 0.6


def test_functions_of_the_platform_have_no_source(run_js: RunJs) -> None:
    """All that is reached from the global object is native code, as libraries ask of it; a script's own is not."""
    script = """
      const native = /^(class |function )[^{]*\\{\\s*\\[native code\\]\\s*\\}$/;
      const others = new Set(["report", "reportFailure", "call_python", "dukpy"]);
      const seen = new Set();
      const wrong = [];
      const walk = (object, path) => {
        if (object === null || !["object", "function"].includes(typeof object) || seen.has(object)) return;
        seen.add(object);
        if (typeof object === "function" && !native.test(Function.prototype.toString.call(object))) wrong.push(path);
        for (const key of Reflect.ownKeys(object)) {
          if (object === self && others.has(key)) continue;
          const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key);
          for (const found of [value, get, set]) walk(found, `${path}.${String(key)}`);
        }
        walk(Object.getPrototypeOf(object), path);
      };
      for (const key of Object.getOwnPropertyNames(self)) void self[key];
      const strategy = new CountQueuingStrategy({ highWaterMark: 1 });
      const objects = [new Headers().keys(), new ReadableStream().values(), new Event("")];
      objects.forEach((object, index) => walk(object, String(index)));
      walk(strategy.size, "size");
      walk(self, "self");
      const own = (function mine() { return 1; }).toString();
      const { get } = Object.getOwnPropertyDescriptor(Response.prototype, "body");
      const text = [fetch, Headers, get, Function.prototype.toString, Map].map(String);
      let failure;
      try { Function.prototype.toString.call({}); } catch (error) { failure = error.name; }
      return [wrong, own, text, failure];
    """
    names = ["fetch", "Headers", "get body", "toString", "Map"]
    native = [f"function {name}() {{ [native code] }}" for name in names]
    assert run_js(script) == [[], "function mine() { return 1; }", native, "TypeError"]
