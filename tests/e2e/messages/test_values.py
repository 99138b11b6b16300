"""Values between documents and workers, in Chromium and in Firefox."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from origin import Origin

pytestmark = pytest.mark.asyncio(loop_scope="module")

Run = Callable[[str], Awaitable[Any]]

VALUES = [
    "undefined",
    "[undefined, null, true, 0, -0, NaN, -Infinity, 1.5e300, 2n ** 70n, 'text', '\\ud800', '']",
    "[Object(false), Object(-0), Object('\\udc00'), Object(1n)]",
    "Object.assign([1, , 3], { name: 'x' })",
    "[[], new Array(5), Object.assign([], { 7: 'x' }), [undefined]]",
    "(() => { const o = { list: [] }; o.self = o; o.list.push(o, o.list); return o; })()",
    'JSON.parse(\'{"__proto__": 1, "constructor": {"name": 2}, "b": 3, "1": 4}\').b',
    "[new Date(5), new Date(NaN), /a\\/b/dgimsuy, /[a]/v]",
    "(() => { const m = new Map([[1, 'a'], [{}, new Set([NaN])]]); m.set(m, m); return m; })()",
    "[new Error('m', { cause: [1] }), new RangeError(), Object.assign(new Error('m'), { name: 'Mine' })]",
    "[new TypeError('t'), new URIError('u'), new EvalError('e'), new SyntaxError('s'), new ReferenceError('r')]",
    "(() => { const e = new Error('e'); e.cause = e; return e; })()",
    "[new Uint8Array([1, 2]).buffer, new ArrayBuffer(0)]",
    """(() => { const { buffer } = Uint8Array.from({ length: 32 }, (_, i) => i);
      const types = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
        BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array, DataView];
      return [...types.map((Type) => new Type(buffer, 8, 2)), buffer]; })()""",
    "new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }))",
    "new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }), 1, 2)",
    "new Uint16Array(new ArrayBuffer(8, { maxByteLength: 8 }), 2)",
    "new DataView(new ArrayBuffer(8, { maxByteLength: 16 }), 2)",
    "new DataView(new ArrayBuffer(8, { maxByteLength: 16 }), 2, 6)",
    "[new Blob(['te', 'xt'], { type: 'Text/Plain' }), new File(['é'], 'f.txt', { type: 'a/b', lastModified: 7 })]",
    "new ImageData(new Uint8ClampedArray([1, 2, 3, 4, 5, 6, 7, 8]), 2, 1, { colorSpace: 'display-p3' })",
    "new DOMException('m', 'AbortError')",
    "globalThis.QuotaExceededError && new QuotaExceededError('q', { quota: 1, requested: 2 })",
    "[new DOMPoint(1, 2, NaN, -0), new DOMPointReadOnly(1), new DOMRect(1, 2, 3, 4), new DOMRectReadOnly(1)]",
    "new DOMQuad(new DOMPoint(1, 2), { x: 3 }, { y: 4 }, { z: 5 })",
    "[new DOMMatrix([1, 2, 3, 4, 5, 6]), new DOMMatrixReadOnly(), new DOMMatrix().rotate(1, 2, 3)]",
    "(() => { let v = 'end'; for (let i = 0; i < 1500; i++) v = i % 2 ? [v] : { v }; return v; })()",
]


async def test_every_kind_of_value(run: Run) -> None:
    """The worker gets what the browser's own clone is, and the document gets that back."""
    for value in VALUES:
        got = await run(f"""
          const make = () => {value};
          send("describe", {{ value: make() }});
          const there = (await next()).data;
          send("echo", {{ value: make() }});
          return [await describe(structuredClone(make())), there, await describe((await next()).data)];
        """)
        assert got == [got[0]] * 3, value


async def test_references_through_the_whole_message(run: Run) -> None:
    """One object in two places is one object there, and views share their buffer."""
    got = await run("""
      const shared = { a: 1 };
      const bytes = new Uint8Array(8);
      const blob = new Blob(["x"]);
      send("echo", { value: [shared, shared, bytes, new Uint16Array(bytes.buffer), blob, blob] });
      const { data } = await next();
      return [data[0] === data[1], data[2].buffer === data[3].buffer, data[4] === data[5]];
    """)
    assert got == [True, True, True]


async def test_events_in_the_worker_and_in_the_document(run: Run, site: Origin) -> None:
    """Where they come from, and what is the same for both."""
    got = await run("""
      send("about", { value: "x" });
      const event = await next();
      const { data, origin, lastEventId, source, ports, isTrusted, constructor } = event;
      return [data, origin, lastEventId, source === worker, ports, Object.isFrozen(ports), constructor.name];
    """)
    about, *rest = got
    assert rest == [site.url, "", True, [], True, "MessageEvent"]
    assert len(about.pop("id")) == 32
    assert about == {
        "origin": site.url,
        "lastEventId": "",
        "isTrusted": True,
        "ports": 0,
        "type": "window",
        "value": "x",
        "source": "WindowClient",
    }


async def test_what_cannot_be_sent(run: Run) -> None:
    """It is an error at once; getters are called once, in order; nothing is detached."""
    got = await run("""
      const attempt = (value, transfer) => errorOf(() => worker.postMessage(value, transfer));
      const nested = (depth) => { let v = {}; for (let i = 0; i < depth; i++) v = { v }; return v; };
      const buffer = new ArrayBuffer(1);
      const { port1 } = new MessageChannel();
      const calls = [];
      const getters = { get b() { calls.push("b"); return 1; }, get a() { calls.push("a"); return () => {}; } };
      const { publicKey } = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
      const values = [() => {}, Symbol(), document.body, new Proxy({}, {}), new WeakMap(), Promise.resolve(),
        navigator.serviceWorker, port1, publicKey, new ReadableStream(), getters];
      return [
        values.map((value) => attempt(value)),
        calls,
        [attempt(() => {}, [buffer]), attempt(1, [buffer, buffer]), attempt(1, [{}]), attempt(1, [1])],
        buffer.detached,
        [attempt(1, 5), attempt(1, { transfer: 5 }), attempt(1, { transfer: [buffer] }), buffer.detached],
        attempt(1, new Set([new ArrayBuffer(1)])),
        errorOf(() => worker.postMessage()),
        attempt({ get x() { throw new RangeError(); } }),
        attempt("x".repeat(1 << 27)),
        attempt(nested(100000)) !== "none",
        attempt([], null),
      ];
    """)
    assert got == [
        ["DataCloneError"] * 11,
        ["b", "a"],
        ["DataCloneError", "DataCloneError", "DataCloneError", "TypeError"],
        False,
        ["TypeError", "TypeError", "none", True],
        "none",
        "TypeError",
        "RangeError",
        "DataCloneError",
        True,
        "none",
    ]


async def test_transferred_buffers(run: Run) -> None:
    """They are detached here and whole there."""
    got = await run("""
      const { buffer } = new Uint8Array([1, 2, 3]);
      const resizable = new ArrayBuffer(2, { maxByteLength: 4 });
      const view = new Uint8Array(buffer, 1);
      send("describe", { value: { view, resizable } }, [buffer, resizable]);
      return [buffer.detached, resizable.detached, view.length, (await next()).data];
    """)
    assert got[:3] == [True, True, 0]
    assert 'Uint8Array(1, 2, ArrayBuffer("1 2 3"' in got[3]
    assert '"resizable", ArrayBuffer("0 0", true, 4)' in got[3]


async def test_messages_keep_their_order(run: Run) -> None:
    """Also those with blobs, whose bytes have to be read first, and those through ports."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      send("echo", { value: new Blob(["x".repeat(1 << 20)]) });
      send("echo", { value: 1 });
      send("echoPort", {}, [port2]);
      port1.postMessage(new Blob(["y"]));
      port1.postMessage("after");
      send("echo", { value: 2 });
      const values = [(await next()).data.size, (await next()).data, (await next()).data];
      const [[, blob], [, after]] = await messages(port1, 2);
      return [values, await blob.text(), after];
    """)
    assert got == [[1 << 20, 1, 2], "y", "after"]


async def test_a_file_that_cannot_be_read(run: Run) -> None:
    """The worker gets a messageerror, and what comes after it arrives."""
    got = await run("""
      const directory = await navigator.storage.getDirectory();
      const handle = await directory.getFileHandle("file", { create: true });
      const writable = await handle.createWritable();
      await writable.write("text");
      await writable.close();
      const file = await handle.getFile();
      await directory.removeEntry("file");
      send("echo", { value: file });
      send("echo", { value: "next" });
      return [(await next()).data, (await next()).data];
    """)
    assert got == ["messageerror", "next"]
