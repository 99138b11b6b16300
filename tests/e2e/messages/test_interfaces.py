"""What scripts see of the page client's interfaces and functions, next to the browser's own."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from origin import Origin

pytestmark = pytest.mark.asyncio(loop_scope="module")

Run = Callable[[str], Awaitable[Any]]

# A document that is no HTML, and in no frame, has the browser's own.
DIFFERENCES = """
const object = document.createElement("object");
const loaded = new Promise((resolve) => (object.onload = resolve));
object.data = "/drawing.svg";
document.body.append(object);
await loaded;
const native = frames[0];
if (!/native code/.test(native.ServiceWorker)) return "no native window";
const shown = (value) => (typeof value === "function" ? `${value.name}/${value.length}` : typeof value);
const describe = (object, key) => {
  const found = Object.getOwnPropertyDescriptor(object, key);
  if (found === undefined) return "nothing";
  const { value, get, set, writable, enumerable, configurable } = found;
  return [shown(value), shown(get), shown(set), writable, enumerable, configurable].join(" ");
};
const differences = [];
const compare = (name, ours, own, key) => {
  const [ourWay, ownWay] = [describe(ours, key), describe(own, key)];
  if (ourWay !== ownWay) differences.push(`${name}.${String(key)}: ${ourWay}, not ${ownWay}`);
};
"""


@pytest.fixture(autouse=True)
def drawing(site: Origin) -> None:
    site.route("/drawing.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml")


async def test_interfaces_have_what_the_browsers_have(run: Run) -> None:
    """Interface objects have nothing more, or less; prototypes have nothing more."""
    assert (
        await run(
            DIFFERENCES
            + """
        const names = ["ServiceWorker", "ServiceWorkerContainer", "ServiceWorkerRegistration"];
        for (const name of [...names, "NavigationPreloadManager", "Cache", "CacheStorage"]) {
          const [ours, own] = [window[name], native[name]];
          compare("window", window, native, name);
          const keys = new Set([ours, own].flatMap(Reflect.ownKeys));
          for (const key of keys) compare(name, ours, own, key);
          for (const key of Reflect.ownKeys(ours.prototype)) {
            compare(`${name}.prototype`, ours.prototype, own.prototype, key);
          }
          const parents = [ours, own].map((Interface) => Object.getPrototypeOf(Interface).name);
          if (parents[0] !== parents[1]) differences.push(`${name} extends ${parents[0]}, not ${parents[1]}`);
        }
        return differences;
    """
        )
        == []
    )


async def test_replaced_functions_look_like_the_browsers(run: Run) -> None:
    """Their names, lengths and attributes, and what toString() says of those that are called most."""
    got = await run(
        DIFFERENCES
        + """
        const places = {
          window: ["fetch", "caches"],
          Navigator: ["serviceWorker"],
          Response: ["type", "url", "redirected", "clone"],
          HTMLIFrameElement: ["contentDocument", "contentWindow"],
          MessageChannel: ["port1", "port2"],
          XMLHttpRequest: [
            ...["open", "send", "setRequestHeader", "getResponseHeader", "getAllResponseHeaders", "responseURL"],
          ],
        };
        const withSource = [];
        for (const name in places) {
          const [ours, own] = [window, native].map((global) => global[name].prototype ?? global);
          for (const key of places[name]) {
            compare(name, ours, own, key);
            const { value, get } = Object.getOwnPropertyDescriptor(ours, key);
            if (!/\\[native code\\]/.test(value ?? get)) withSource.push(key);
          }
        }
        return [differences, withSource];
    """
    )
    assert got == [[], []]
