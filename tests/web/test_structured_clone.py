"""structuredClone(), and the record of a value that leaves its realm."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

ERROR = """
  const attempt = (value, transfer) => {
    try { structuredClone(value, { transfer }); return "cloned"; } catch (error) { return error.name; }
  };
"""


def test_primitives_and_their_objects(run_js: RunJs) -> None:
    """Numbers that JSON cannot carry stay what they are; wrapped ones stay objects."""
    script = """
      const values = [undefined, null, true, "\\ud800", 0, -0, NaN, -Infinity, 2n ** 70n];
      const wrapped = [Object(false), Object(-0), Object("\\udc00"), Object(1n)];
      return [
        structuredClone(values).map((value, i) => Object.is(value, values[i])),
        structuredClone(wrapped).map((object, i) =>
          typeof object === "object" && object.constructor === wrapped[i].constructor &&
          Object.is(object.valueOf(), wrapped[i].valueOf())),
      ];
    """
    assert run_js(script) == [[True] * 9, [True] * 4]


def test_arrays_keep_holes_and_other_properties(run_js: RunJs) -> None:
    """Sparse and dense arrays, with undefined elements, and keys that are no indices."""
    script = """
      const dense = [undefined, 1];
      dense.name = "x";
      const copies = structuredClone([dense, [1, , 3], new Array(5), Object.assign([], { 7: "x" })]);
      return copies.map((copy) => [copy.length, Object.entries(copy)]);
    """
    assert run_js(script) == [
        [2, [["0", None], ["1", 1], ["name", "x"]]],
        [3, [["0", 1], ["2", 3]]],
        [5, []],
        [8, [["7", "x"]]],
    ]


def test_references_are_kept(run_js: RunJs) -> None:
    """Cycles through objects, collections and errors; one object that is in two places."""
    script = """
      const map = new Map();
      const value = { map, set: new Set([map]), error: new Error("e") };
      map.set(map, value);
      value.error.cause = value;
      const copy = structuredClone(value);
      return [copy.map.get(copy.map) === copy, copy.set.has(copy.map), copy.error.cause === copy, copy !== value];
    """
    assert run_js(script) == [True, True, True, True]


def test_depth_has_no_limit(run_js: RunJs) -> None:
    """The algorithm does not recurse."""
    script = """
      let value = "end";
      for (let i = 0; i < 20000; i++) value = i % 2 ? [value] : { value };
      value = structuredClone(value);
      while (value !== "end") value = Array.isArray(value) ? value[0] : value.value;
      return value;
    """
    assert run_js(script) == "end"


def test_dates_and_regular_expressions(run_js: RunJs) -> None:
    """An invalid date stays one; lastIndex is lost; what a subclass overrides is not asked."""
    script = """
      class Pattern extends RegExp { get flags() { return "wrong"; } get source() { return "wrong"; } }
      const pattern = new Pattern("a/b", "dgimsuy");
      pattern.lastIndex = 2;
      const [invalid, copy] = structuredClone([new Date(NaN), pattern]);
      return [invalid.getTime(), Object.getPrototypeOf(copy) === RegExp.prototype, String(copy), copy.lastIndex];
    """
    assert run_js(script) == [None, True, "/a\\/b/dgimsuy", 0]


def test_errors(run_js: RunJs) -> None:
    """The name decides the class; the message is a data property or absent; stack and cause come along."""
    script = """
      class Custom extends RangeError {}
      const custom = new Custom("m", { cause: [1] });
      const renamed = Object.assign(new Error("m"), { name: "TypeError", extra: 1 });
      const accessor = Object.defineProperty(new Error(), "message", { get: () => "hidden" });
      const unknown = Object.assign(new Error(), { name: "Mine", message: undefined, stack: undefined });
      return structuredClone([custom, renamed, accessor, unknown]).map((copy, i) => [
        copy.constructor.name, copy.name, Object.hasOwn(copy, "message") && copy.message, copy.cause ?? null,
        Object.keys(copy), copy.stack === [custom, renamed, accessor, unknown][i].stack,
      ]);
    """
    assert run_js(script) == [
        ["RangeError", "RangeError", "m", [1], [], True],
        ["TypeError", "TypeError", "m", None, [], True],
        ["Error", "Error", False, None, [], True],
        ["Error", "Error", "undefined", None, [], True],
    ]


def test_dom_exceptions(run_js: RunJs) -> None:
    """Those that scripts make and those of the platform, with their stacks."""
    script = """
      const exceptions = [new DOMException("m", "AbortError")];
      try { atob("?"); } catch (error) { exceptions.push(error); }
      return structuredClone(exceptions).map((copy, i) => [
        copy.constructor === DOMException, copy.name, copy.code, copy.message === exceptions[i].message,
        copy.stack === exceptions[i].stack, copy !== exceptions[i],
      ]);
    """
    assert run_js(script) == [
        [True, "AbortError", 20, True, True, True],
        [True, "InvalidCharacterError", 5, True, True, True],
    ]


def test_views_share_the_clone_of_their_buffer(run_js: RunJs) -> None:
    """All kinds of views, with their offsets and lengths."""
    script = """
      const buffer = Uint8Array.from({ length: 32 }, (_, i) => i).buffer;
      const types = [Int8Array, Uint8ClampedArray, Uint16Array, Float16Array, BigInt64Array, Float64Array, DataView];
      const views = types.map((Type) => new Type(buffer, 8, 2));
      const copies = structuredClone({ views, buffer });
      return [
        copies.views.every((copy, i) => copy.constructor === types[i] && copy.buffer === copies.buffer &&
          copy.byteOffset === 8 && copy.byteLength === views[i].byteLength),
        copies.buffer !== buffer, [...new Uint8Array(copies.buffer)].every((byte, i) => byte === i),
      ];
    """
    assert run_js(script) == [True, True, True]


@pytest.mark.parametrize("transfer", ["[]", "[buffer]"])
def test_resizable_buffers(run_js: RunJs, transfer: str) -> None:
    """Views that track the length go on doing so, also where the buffer is as large as it can be; others do not."""
    script = f"""
      const clone = (byteLength) => {{
        const buffer = new ArrayBuffer(byteLength, {{ maxByteLength: 16 }});
        const views = [new Uint8Array(buffer).fill(7)];
        if (byteLength > 2) {{
          views.push(new Uint16Array(buffer, 2), new DataView(buffer, 1), new Uint8Array(buffer, 0, byteLength));
        }}
        const copies = structuredClone(views, {{ transfer: {transfer} }});
        const copy = copies[0].buffer;
        const unchanged = copies[0].every((byte) => byte === 7);
        copy.resize(8);
        copy.resize(16);
        return [unchanged, copy.maxByteLength, copies.map((view) => view.length ?? view.byteLength)];
      }};
      return [clone(16), clone(8), clone(0)];
    """
    assert run_js(script) == [
        [True, 16, [16, 7, 15, 16]],
        [True, 16, [16, 7, 15, 8]],
        [True, 16, [16]],
    ]


def test_blobs_and_files(run_js: RunJs) -> None:
    """A subclass is cloned as the closest serializable interface, wherever the global name points."""
    script = """
      class Photo extends File {}
      const { File: Original } = globalThis;
      const photo = new Photo(["text"], "name", { type: "a/b", lastModified: 5 });
      delete globalThis.File;
      const [copy, blob] = structuredClone([photo, new Blob([])]);
      return [Object.getPrototypeOf(copy) === Original.prototype, copy.name, copy.type, copy.lastModified,
        await copy.text(), blob.constructor === Blob, blob.size];
    """
    assert run_js(script) == [True, "name", "a/b", 5, "text", True, 0]


def test_what_cannot_be_cloned(run_js: RunJs) -> None:
    """Functions, symbols, proxies, objects with other internal slots, other platform objects, views out of bounds."""
    script = (
        ERROR
        + """
      const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
      const views = [new Uint8Array(buffer, 4), new DataView(buffer, 4)];
      buffer.resize(0);
      const detached = new ArrayBuffer(1);
      detached.transfer();
      const values = [
        () => 1, Symbol(), Object(Symbol()), new Proxy({}, {}), Proxy.revocable([], {}).proxy, Promise.resolve(),
        new WeakMap(), (function* () {})(), [].values(), new Map().keys(), (function () { return arguments; })(),
        globalThis, new Response(), new Event("x"), ...views, detached, new MessageChannel().port1,
      ];
      return values.map((value) => attempt([value])).filter((name) => name !== "DataCloneError");
    """
    )
    assert run_js(script) == []


def test_properties_are_read_in_order_and_once(run_js: RunJs) -> None:
    """Depth first; what a getter throws ends it, and getters may change what is still to come."""
    script = """
      const log = [];
      const value = {
        get a() { log.push("a"); delete this.gone; return { get b() { log.push("b"); return 1; } }; },
        gone: 1,
        get c() { log.push("c"); throw log; },
        get d() { log.push("d"); },
      };
      try { structuredClone(value); } catch (error) { return [error === log, log]; }
    """
    assert run_js(script) == [True, ["a", "b", "c"]]


def test_the_site_cannot_listen_in(run_js: RunJs) -> None:
    """Nothing that a script replaces or adds to prototypes is called, or changes the copy."""
    script = """
      const record = JSON.parse('{"__proto__": 1, "key": 2}');
      const value = [record, new Map([[1, 2]]), new Set([3]), new ArrayBuffer(2), new Date(0)];
      const called = [];
      const spy = (name) => function () { called[called.length] = name; return this; };
      Map.prototype.forEach = Map.prototype.set = Set.prototype.add = spy("collections");
      Map.prototype[Symbol.iterator] = Array.prototype[Symbol.iterator] = Array.prototype.push = spy("iterators");
      Object.defineProperty(Object.prototype, "key", { get() {}, set: spy("setter"), configurable: true });
      Object.defineProperty(ArrayBuffer, Symbol.species, { get: spy("species") });
      Date.prototype.getTime = Date.prototype.valueOf = spy("dates");
      const copy = structuredClone(value);
      return [called, Object.keys(copy[0]), copy[1].get(1), copy[2].has(3), copy[3].byteLength];
    """
    assert run_js(script) == [[], ["__proto__", "key"], 2, True, 2]


def test_transfer(run_js: RunJs) -> None:
    """The originals are detached, after everything else went well."""
    script = (
        ERROR
        + """
      const buffer = new Uint8Array([1, 2]).buffer;
      const { port1, port2 } = new MessageChannel();
      const failed = attempt(() => 1, [buffer]);
      const copy = structuredClone({ view: new Uint8Array(buffer), port2 }, { transfer: [buffer, port2] });
      const message = await new Promise((resolve) => {
        port1.onmessage = resolve;
        copy.port2.postMessage("through");
      });
      return [failed, buffer.detached, [...copy.view], message.data, attempt(1, [buffer]), attempt(1, [port2]),
        attempt(1, [port1, port1]), attempt(1, [{}]), attempt(1, [new Blob([])])];
    """
    )
    failures = ["DataCloneError"] * 5
    assert run_js(script) == ["DataCloneError", True, [1, 2], "through", *failures]


def test_proxies_are_recognised_without_being_different(run_js: RunJs) -> None:
    """The Proxy constructor looks and works as before."""
    script = """
      const { proxy, revoke } = Proxy.revocable({ a: 1 }, {});
      const before = proxy.a;
      revoke();
      let errors = 0;
      for (const f of [() => Proxy({}, {}), () => new Proxy(1, {}), () => proxy.a]) {
        try { f(); } catch (error) { errors += error instanceof TypeError; }
      }
      return [new Proxy([1], { get: () => 5 })[0], before, errors, Proxy.name, Proxy.length, "prototype" in Proxy];
    """
    assert run_js(script) == [5, 1, 3, "Proxy", 2, False]


def test_a_record_is_json_and_parts(tmp_path: Path) -> None:
    """The format that README.md describes: what is stored in it must be readable for ever."""
    source = """
      const bytes = new Uint8Array([1, 2, 3]);
      new BroadcastChannel("x").postMessage([1, "a", { k: -0 }, bytes, bytes.buffer, new Date(4), new Set([null])]);
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
    [(method, [key, record])] = process.calls_made
    assert (method, key) == ("broadcast", '"x"')
    expected = [1, 5, 7, 2, 1, "a", 4, "k", 2, "-0", 0, 21, "Uint8Array", 0, 3, 19, 0, 8, 2, 14, 4, 17, 1, None, 0]
    assert json.loads(record["text"]) == expected
    assert record["parts"] == [b"\x01\x02\x03"]


def test_a_record_of_another_version_is_an_error(tmp_path: Path) -> None:
    """It becomes a messageerror event."""
    source = """
      const channel = new BroadcastChannel("x");
      channel.onmessage = () => console.log("message");
      channel.onmessageerror = (event) => console.log(event.type, event.data);
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        detail = {"key": '"x"', "message": {"text": "[999,5,0,0]", "parts": []}}
        process.send(messages.Deliver("broadcast", detail))
        assert process.wait_for(messages.Log).text == "messageerror null"
