"""Pages that replace what scripts are made of: the page client shows them nothing, and does what it did."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from origin import Origin
from playwright.sync_api import Browser, Page
from proxy_process import ProxyProcess

PROXY_ARGUMENTS = ("--intercept-all",)

BLANK = '<!doctype html><meta charset="utf-8"><title>blank</title><link rel="icon" href="data:,">'
WORKER = """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
onfetch = (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/passed") event.respondWith(fetch("/network"));
  if (pathname === "/made") event.respondWith(new Response("made", { status: 201, headers: { x: "y" } }));
};
onmessage = ({ source, data }) => source.postMessage(data);
"""


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.route("/", BLANK, "text/html")
    origin.route("/network", "network")
    origin.script("/sw.js", WORKER)
    return origin


@pytest.fixture
def page(launch: Callable[..., Browser], proxy: ProxyProcess, site: Origin) -> Iterator[Page]:
    """Controlled."""
    with controlled(launch(proxy), site) as page:
        yield page


@contextmanager
def controlled(browser: Browser, site: Origin) -> Iterator[Page]:
    context = browser.new_context(ignore_https_errors=True)
    try:
        page = context.new_page()
        page.goto(f"{site.url}/")
        page.evaluate("""(async () => {
          const changed = new Promise((resolve) => (navigator.serviceWorker.oncontrollerchange = resolve));
          await navigator.serviceWorker.register("/sw.js");
          await changed;
        })()""")
        yield page
    finally:
        context.close()


TAKEN = """
  const seen = [];
  const note = (value) => { if (/swproxy|[0-9a-f]{32}/i.test(String(value))) seen.push(String(value)); };
  let restore = () => {};
  const { defineProperty, getOwnPropertyDescriptor, apply, construct } = Reflect;
  const replace = (object, key, descriptor) => {
    const before = getOwnPropertyDescriptor(object, key);
    const others = restore;
    restore = () => {
      if (before === undefined) delete object[key];
      else defineProperty(object, key, { __proto__: null, ...before });
      others();
    };
    defineProperty(object, key, { __proto__: null, configurable: true, ...descriptor });
  };
  const taken = { fetch, text: Response.prototype.text, call: Function.prototype.call };
"""
FETCHES = """
  const passed = await fetch("/passed");
  const made = await fetch("/made");
  const text = await apply(taken.text, made, []);
  const request = new XMLHttpRequest();
  request.open("GET", "/passed", false);
  request.send();
  const { responseURL } = request;
  restore();
  return { seen, urls: [passed.url, responseURL], made: [made.status, text, made.headers.get("x")] };
"""
REPLACEMENTS = {
    "iterator of Headers": """
      const entries = Headers.prototype[Symbol.iterator];
      const look = function () {
        note([...apply(entries, this, [])]);
        return apply(entries, this, []);
      };
      replace(Headers.prototype, Symbol.iterator, { value: look });
    """,
    "no iterator of Headers": "replace(Headers.prototype, Symbol.iterator, { value: null });",
    "promises": """
      const { constructor, then } = Promise.prototype;
      const look = (value) => { if (value instanceof Response) note([...value.headers]); };
      const value = function (done, ...rest) {
        return apply(then, this, [(value) => (look(value), done?.(value)), ...rest]);
      };
      replace(Promise.prototype, "then", { value });
      replace(Promise.prototype, "constructor", { get: () => class extends constructor {} });
    """,
    "elements of arrays": """
      for (const key of ["0", "1", "2", "3", "4", "5"]) {
        replace(Array.prototype, key, { get: () => "/elsewhere", set: note });
      }
    """,
    "descriptors and dictionaries": """
      for (const key of ["get", "set", "body", "credentials", "signal", "referrer", "entry", "asked", "keepalive"]) {
        replace(Object.prototype, key, { get: () => () => {}, set: note });
      }
    """,
}


@pytest.mark.parametrize("replaced", REPLACEMENTS)
def test_requests(page: Page, replaced: str, site: Origin) -> None:
    """And XMLHttpRequest."""
    got = page.evaluate(f"async () => {{ {TAKEN} {REPLACEMENTS[replaced]} {FETCHES} }}")
    assert got == {"seen": [], "urls": [f"{site.url}/network"] * 2, "made": [201, "made", "y"]}


def test_names_of_headers_that_change(page: Page) -> None:
    """A name is what it says when the browser asks for it."""
    got = page.evaluate("""() => {
      const request = new XMLHttpRequest();
      request.open("GET", "/passed", false);
      request.send();
      const names = ["x-swproxy-response", "x", "x-swproxy-response"];
      return [request.getResponseHeader({ toString: () => names.shift() }), names.length, request.responseText];
    }""")
    assert got == [None, 2, "network"]


def test_the_channel(page: Page) -> None:
    """It opens again: no setter of the page gets hold of it, and messages come though dictionaries are in the way."""
    got = page.evaluate(f"""async () => {{
      {TAKEN}
      const messages = new Promise((resolve) => (navigator.serviceWorker.onmessage = resolve));
      for (const key of ["binaryType", "onmessage", "onopen"]) {{
        replace(WebSocket.prototype, key, {{ set: () => seen.push(key) }});
      }}
      for (const key of ["get", "0", "1", "2"]) {{
        replace(key === "get" ? Object.prototype : Array.prototype, key, {{ get: () => () => {{}}, set: note }});
      }}
      const persisted = {{ persisted: true }};
      for (const type of ["pagehide", "pageshow"]) dispatchEvent(new PageTransitionEvent(type, persisted));
      navigator.serviceWorker.controller.postMessage("ping");
      const {{ data, source }} = await messages;
      restore();
      return [seen, data, source === navigator.serviceWorker.controller];
    }}""")
    assert got == [[], "ping", True]
