"""Messages, message ports and streams between documents and workers, in Chromium and in Firefox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from browsers import Browser, Tab, started
from origin import Origin
from proxy_process import ProxyProcess
from waiting import until

from certs.pki import Pki

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What a value is, in words, for both sides.
DESCRIBE = """
async function describe(value, seen = []) {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (seen.includes(value)) return `#${seen.indexOf(value)}`;
  seen.push(value);
  const parts = [];
  const add = async (...values) => { for (const each of values) parts.push(await describe(each, seen)); };
  const { name } = value.constructor;
  switch (name) {
    case "Boolean": case "Number": case "String": case "BigInt": await add(value.valueOf()); break;
    case "Date": await add(value.getTime()); break;
    case "RegExp": await add(String(value), value.lastIndex); break;
    case "ArrayBuffer":
      await add([...new Uint8Array(value)].join(" "), value.resizable, value.maxByteLength);
      break;
    case "Map": for (const pair of value) await add(...pair); break;
    case "Set": await add(...value); break;
    case "Blob": await add(value.size, value.type, await value.text()); break;
    case "File": await add(value.size, value.type, value.name, value.lastModified, await value.text()); break;
    case "ImageData": await add(value.width, value.height, value.colorSpace ?? "srgb", value.data); break;
    case "DOMException": await add(value.name, value.message, value.code); break;
    case "QuotaExceededError": await add(value.name, value.message, value.quota, value.requested); break;
    case "Object": case "Array":
      if (name === "Array") await add(value.length);
      for (const key of Object.keys(value)) await add(key, value[key]);
      break;
    default:
      if (value instanceof Error) {
        await add(value.name, value.message, Object.hasOwn(value, "message"), typeof value.stack, "cause" in value);
        if ("cause" in value) await add(value.cause);
      } else if (ArrayBuffer.isView(value)) {
        await add(value.byteOffset, value.length ?? value.byteLength, value.buffer);
        if (value.buffer.resizable) {
          value.buffer.resize(value.buffer.maxByteLength);
          await add(value.byteLength);
        }
      } else {
        await add(JSON.stringify(value));
      }
  }
  return `${name}(${parts.join(", ")})`;
}
"""

WORKER = (
    DESCRIBE
    + """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
onmessageerror = ({ source }) => source.postMessage("messageerror");
onmessage = async (event) => {
  const { data, source, ports } = event;
  event.waitUntil(actions[data.action](data, source, ports, event));
};
const actions = {
  echo: ({ value }, source) => source.postMessage(value),
  describe: async ({ value }, source) => source.postMessage(await describe(value)),
  about: ({ value }, source, ports, { origin, lastEventId, isTrusted }) =>
    source.postMessage({
      ...{ origin, lastEventId, isTrusted, id: source.id, ports: ports.length, type: source.type, value },
      source: source.constructor.name,
    }),
  echoPort: (data, source, ports) => {
    for (const port of ports) port.onmessage = ({ data, ports }) => port.postMessage(["echo", data], ports);
    for (const port of ports) port.onmessageerror = () => port.postMessage("messageerror");
  },
  givePort: ({ name }, source) => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage("queued");
    port1.onmessage = ({ data, ports: [port] }) => {
      port1.postMessage(["back", data]);
      port?.postMessage("deep");
      if (data === "close") port1.close();
    };
    source.postMessage({ port: port2 }, [port2]);
    port1.postMessage("sent");
  },
  read: async ({ stream }, source) => {
    const chunks = [];
    try {
      for await (const chunk of stream) chunks.push(chunk instanceof Uint8Array ? [...chunk] : chunk);
    } catch (error) {
      chunks.push(error.name);
    }
    source.postMessage(chunks);
  },
  readFromPort: (data, source, [port]) => {
    port.onmessage = async ({ data: { body }, ports }) => {
      source.postMessage([await new Response(body).text(), ports.length]);
    };
  },
  transform: async ({ transform }, source) => {
    const chunks = [];
    const readable = new ReadableStream({ start(c) { c.enqueue("x"); c.close(); } });
    for await (const chunk of readable.pipeThrough(transform)) chunks.push(chunk);
    source.postMessage(chunks);
  },
  cancel: ({ stream }) => stream.cancel("enough"),
  write: async ({ stream, chunks }, source) => {
    const writer = stream.getWriter();
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
    source.postMessage("closed");
  },
  giveStreams: (data, source) => {
    const encoder = new TextEncoder();
    const readable = new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode("abc"));
        controller.enqueue({ n: 1 });
        controller.close();
      },
      type: undefined,
    });
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue("more"),
      cancel: (reason) => source.postMessage(`cancelled: ${reason}`),
    });
    const written = [];
    const writable = new WritableStream({
      write: (chunk) => { written.push(chunk); },
      close: () => source.postMessage(written),
      abort: (reason) => source.postMessage(`aborted: ${reason.message}`),
    });
    source.postMessage({ readable, endless, writable }, [readable, endless, writable]);
  },
};
"""
)

PAGE = f"""<!doctype html><meta charset="utf-8"><title>messages</title><link rel="icon" href="data:,">
<script>{DESCRIBE}
const received = [];
let wake = () => {{}};
const enqueue = (event) => {{ received.push(event); wake(); }};
async function next() {{
  while (received.length === 0) await new Promise((resolve) => (wake = resolve));
  return received.shift();
}}
navigator.serviceWorker.onmessage = navigator.serviceWorker.onmessageerror = enqueue;
const send = (action, rest = {{}}, transfer = []) => worker.postMessage({{ action, ...rest }}, transfer);
const messages = (port, count) => new Promise((resolve) => {{
  const list = [];
  port.onmessage = ({{ data }}) => list.push(data) === count && resolve(list);
}});
const errorOf = (work) => {{ try {{ work(); return "none"; }} catch (error) {{ return error.name; }} }};
</script>"""


Run = Callable[[str], Awaitable[Any]]


@pytest.fixture(scope="module")
def site(pki: Pki) -> Iterator[Origin]:
    origin = Origin(pki.good())
    origin.route("/", PAGE, "text/html")
    tampered = f'<!doctype html><link rel="icon" href="data:,"><script>{TAMPER}{TAMPERED}</script>'
    origin.route("/tampered", tampered, "text/html")
    origin.script("/sw.js", WORKER)
    yield origin
    origin.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["chromium", "firefox"])
async def browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki
) -> AsyncIterator[Browser]:
    """Behind a proxy that decrypts the site."""
    directory = tmp_path_factory.mktemp(request.param)
    proxy = ProxyProcess(directory / "profile", pki.ca_certificate, "--intercept", "localhost")
    try:
        async with started(request.param, directory / "browser", proxy.ca, proxy.url) as browser:
            yield browser
    finally:
        proxy.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    browser.console.clear()
    tab = Tab(await browser.new_tab(), browser.console)
    yield tab
    await tab.close()


@pytest_asyncio.fixture(loop_scope="module")
async def run(tab: Tab, browser: Browser, site: Origin) -> Run:
    """Runs the body of an async function in a document whose ``worker`` is active."""

    async def run(body: str) -> Any:
        value = await tab.evaluate(f"(async () => {{{body}}})()")
        assert browser.console == []
        return value

    await tab.goto(f"{site.url}/")
    await run("""
      await navigator.serviceWorker.register("/sw.js");
      globalThis.worker = (await navigator.serviceWorker.ready).active;
    """)
    return run


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


async def test_a_port_to_the_worker(run: Run) -> None:
    """What waited in it comes first; it works both ways; ports go through it."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      const inner = new MessageChannel();
      port1.postMessage("early");
      send("echoPort", { port: port2 }, [port2]);
      port1.postMessage({ list: [1n] });
      port1.postMessage("with a port", [inner.port2]);
      const detached = errorOf(() => worker.postMessage(0, [port2]));
      const echoes = await new Promise((resolve) => {
        const events = [];
        port1.onmessage = (event) => events.push(event) === 3 && resolve(events);
      });
      // It has come back: the same channel, through the worker.
      const [port] = echoes[2].ports;
      port.postMessage("round");
      const [round] = await messages(inner.port1, 1);
      return [echoes.map(({ data }) => data[1].list?.length ?? data[1]), detached, round];
    """)
    assert got == [["early", 1, "with a port"], "DataCloneError", "round"]


async def test_a_port_from_the_worker(run: Run) -> None:
    """The same the other way round, until the worker closes it."""
    got = await run("""
      send("givePort");
      const { data: { port }, ports } = await next();
      const same = ports.length === 1 && ports[0] === port;
      const inner = new MessageChannel();
      port.postMessage("one", [inner.port2]);
      port.postMessage("close");
      port.postMessage("lost");
      return [same, await messages(port, 4), await messages(inner.port1, 1)];
    """)
    assert got == [True, ["queued", "sent", ["back", "one"], ["back", "close"]], ["deep"]]


async def test_a_port_goes_on_to_a_dedicated_worker(run: Run) -> None:
    """The document may transfer what it has got to anybody."""
    got = await run("""
      send("givePort");
      const { ports } = await next();
      const source = "onmessage = ({ ports: [port] }) => port.onmessage = ({ data }) => postMessage(data)";
      const dedicated = new Worker(`data:text/javascript,${source}`);
      dedicated.postMessage(0, ports);
      return messages(dedicated, 2);
    """)
    assert got == ["queued", "sent"]


async def test_what_a_port_cannot_carry(run: Run) -> None:
    """A value of the browser alone: the worker hears a messageerror, and the port goes on."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      send("echoPort", {}, [port2]);
      port1.postMessage(await createImageBitmap(new ImageData(1, 1)));
      port1.postMessage("on");
      return messages(port1, 2);
    """)
    assert got == ["messageerror", ["echo", "on"]]


async def test_streams_to_the_worker(run: Run) -> None:
    """Their chunks arrive, bytes and others; so do errors, and the worker's cancel()."""
    got = await run(
        """
      const read = async (stream) => {
        send("read", { stream }, [stream]);
        return (await next()).data;
      };
      const from = (...chunks) => new ReadableStream({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      });
      const { body } = new Response("bytes");
      const results = [
        await read(body),
        await read(from(1, { a: 1 }, new Uint8Array([2]))),
        await read(new ReadableStream({ start: (controller) => controller.error(new RangeError("x")) })),
        await read(from(() => {})),
      ];
      const cancelled = Promise.withResolvers();
      const endless = new ReadableStream({ pull: (c) => c.enqueue(1), cancel: cancelled.resolve });
      send("cancel", { stream: endless }, [endless]);
      results.push(await cancelled.promise);
      const written = [];
      const writable = new WritableStream({ write: (chunk) => { written.push(chunk); } });
      send("write", { stream: writable, chunks: [1, "two"] }, [writable]);
      results.push((await next()).data, written);
      const transform = new TransformStream({ transform: (chunk, c) => c.enqueue(`<${chunk}>`) });
      send("transform", { transform }, [transform]);
      results.push((await next()).data);
      return results;
    """
    )
    assert got == [
        [list(b"bytes")],
        [1, {"a": 1}, [2]],
        ["RangeError"],
        ["DataCloneError"],
        "enough",
        "closed",
        [1, "two"],
        ["<x>"],
    ]


async def test_streams_from_the_worker(run: Run) -> None:
    """They are streams of the browser, and no ports of the event."""
    got = await run("""
      send("giveStreams");
      const { data: { readable, endless, writable }, ports } = await next();
      const chunks = [];
      for await (const chunk of readable) chunks.push(chunk instanceof Uint8Array ? String(chunk) : chunk);
      const reader = endless.getReader();
      chunks.push((await reader.read()).value);
      await reader.cancel("bored");
      const cancelled = (await next()).data;
      const writer = writable.getWriter();
      await writer.write(1);
      await writer.close();
      return [ports.length, chunks, cancelled, (await next()).data];
    """)
    assert got == [0, ["97,98,99", {"n": 1}, "more"], "cancelled: bored", [1]]


async def test_a_stream_through_a_port(run: Run) -> None:
    """As Mock Service Worker's client does, to answer with a body."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      send("readFromPort", {}, [port2]);
      const { body } = new Response("mocked");
      port1.postMessage({ body }, [body]);
      return (await next()).data;
    """)
    assert got == ["mocked", 0]


# What a page may do before it uses any of this; each of these would break, or see, something.
TAMPER = """
const { port1, port2 } = new MessageChannel();
const blob = new Blob(["b"]);
const image = new Image();
const map = new Map([[1, 2]]);
const only = (value) => ({ [Symbol.iterator]: () => ({ n: 0, next() { return { done: this.n++ > 0, value }; } }) });
let spied = "";
const spy = (name) => function () { spied += `-${name}`; throw new Error(name); };
for (const Class of [ArrayBuffer, Uint8Array.__proto__, DataView, MessageChannel, Blob, Map, Set, File, RegExp]) {
  for (const name of Object.getOwnPropertyNames(Class.prototype)) {
    const { get } = Object.getOwnPropertyDescriptor(Class.prototype, name);
    if (get && name !== "size") {
      Object.defineProperty(Class.prototype, name, { get: spy(name) });
    }
  }
}
Map.prototype.forEach = Map.prototype.set = Map.prototype.get = Set.prototype.forEach = spy("collections");
for (const Class of [WebSocket, EventTarget]) Class.prototype.postMessage = Class.prototype.send = spy("send");
MessagePort.prototype.start = MessagePort.prototype.close = EventTarget.prototype.addEventListener = spy("ports");
DataView.prototype.getUint32 = DataView.prototype.setUint32 = Uint8Array.prototype.set = spy("bytes");
structuredClone = MessageChannel = Blob.prototype.arrayBuffer = crypto.randomUUID = spy("functions");
JSON.stringify = JSON.parse = Object.keys = Object.getPrototypeOf = Reflect.apply = spy("language");
Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = spy("toJSON");
Array.prototype[Symbol.iterator] = Array.prototype.push = Array.prototype.shift = spy("arrays");
Object.defineProperty(Object.prototype, "key", { set: spy("setter"), configurable: true });
Object.defineProperty(ArrayBuffer, Symbol.species, { get: spy("species") });
Date.prototype.getTime = RegExp.prototype.exec = Number.prototype.valueOf = spy("valueOf");
"""


TAMPERED = """
navigator.serviceWorker.register("/sw.js");
navigator.serviceWorker.ready.then(({ active }) => {
  navigator.serviceWorker.onmessage = ({ data }) => {
    const { 0: one, 1: map, 2: bytes, 3: pattern, 5: blob } = data.key;
    const shown = `${one}-${map.size}-${bytes[0]}-${pattern.constructor === RegExp}-${blob.size}`;
    port1.onmessage = ({ data }) => { image.src = `/result/${shown}-${data[1]}${spied}`; };
    active.postMessage({ action: "echoPort" }, { transfer: only(port2) });
    port1.postMessage("through");
  };
  const value = [1, map, new Uint8Array(2), /x/g, "t", blob, Object(4), new Date(3)];
  active.postMessage({ action: "echo", value: { __proto__: null, key: value } });
});
"""


async def test_a_document_that_has_replaced_everything(tab: Tab, site: Origin) -> None:
    """Messages and ports work as before, and its functions are not called."""
    site.hits.clear()
    await tab.goto(f"{site.url}/tampered")
    await asyncio.to_thread(until, lambda: any(hit.path.startswith("/result") for hit in site.hits))
    assert [hit.path for hit in site.hits if hit.path.startswith("/result")] == ["/result/1-1-0-true-1-through"]
