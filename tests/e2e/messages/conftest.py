"""Browsers at a site whose worker does what its documents say to it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from browsers import Browser, Tab, started
from origin import Origin
from proxy_process import ProxyProcess

from certs.pki import Pki

Run = Callable[[str], Awaitable[Any]]

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
// No document can have such a thing from elsewhere.
const sendUnreadable = (port) => {
  const stream = new TransformStream();
  port.postMessage(stream, [stream]);
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
  unreadable: (data, source, [port]) => sendUnreadable(port),
  givePort: ({ name }, source) => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage("queued");
    port1.onmessage = ({ data, ports: [port] }) => {
      port1.postMessage(["back", data]);
      port?.postMessage("deep");
      if (data === "unreadable") sendUnreadable(port1);
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


@pytest.fixture(scope="module")
def site(pki: Pki) -> Iterator[Origin]:
    origin = Origin(pki.good())
    origin.route("/", PAGE, "text/html")
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
