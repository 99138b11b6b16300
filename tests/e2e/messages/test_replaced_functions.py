"""A document whose scripts have replaced what the page client is made of, in Chromium and in Firefox."""

import asyncio

import pytest
from browsers import Tab
from origin import Origin
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

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
    tampered = f'<!doctype html><link rel="icon" href="data:,"><script>{TAMPER}{TAMPERED}</script>'
    site.route("/tampered", tampered, "text/html")
    site.hits.clear()
    await tab.goto(f"{site.url}/tampered")
    await asyncio.to_thread(until, lambda: any(hit.path.startswith("/result") for hit in site.hits))
    assert [hit.path for hit in site.hits if hit.path.startswith("/result")] == ["/result/1-1-0-true-1-through"]
