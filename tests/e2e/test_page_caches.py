"""window.caches of pages in real Chromium: those of the proxy, which the workers have."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chromium import PROGRAM, TRUSTING
from origin import Origin
from playwright.sync_api import Browser, Page, sync_playwright
from proxy_process import ProxyProcess
from waiting import until

from certs.pki import Pki
from swproxy.storage.cache_storage import CacheStorage
from swproxy.storage.origins import directory_of

PROXY_ARGUMENTS = ("--intercept-all",)

BLANK = '<!doctype html><meta charset="utf-8"><title>blank</title><link rel="icon" href="data:,">'
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f"
    "0003860180016a9a970000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=TRUSTING)
        yield browser
        browser.close()


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.route("/", BLANK, "text/html")
    origin.route("/a", "the body of a", headers={"X-A": "1"})
    origin.route("/no", "no", status=404)
    return origin


@pytest.fixture
def elsewhere(pki: Pki) -> Iterator[Origin]:
    """Another origin, without CORS."""
    other = Origin(pki.good())
    other.route("/", BLANK, "text/html")
    other.route("/pixel", PIXEL, "image/png")
    other.route("/partial", "x", status=206)
    yield other
    other.close()


@contextmanager
def opened(browser: Browser, proxy: ProxyProcess | None, url: str) -> Iterator[Page]:
    """A page in a fresh profile of the browser, behind the proxy."""
    server: Any = None if proxy is None else {"server": proxy.url, "bypass": "<-loopback>"}
    context = browser.new_context(ignore_https_errors=True, proxy=server)
    page = context.new_page()
    page.goto(url)
    assert page.evaluate("/native code/.test(self.Cache)") == (proxy is None or page.evaluate("origin") == "null")
    try:
        yield page
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser, proxy: ProxyProcess, site: Origin) -> Iterator[Page]:
    with opened(browser, proxy, f"{site.url}/") as page:
        yield page


def run(page: Page, body: str, argument: Any = None) -> Any:
    """What the body of an async function returns, which has ``argument``, an open cache ``cache`` and ``tried``."""
    return page.evaluate(
        """async ([body, argument]) => {
          const tried = async (work) => {
            try { return (await work()) ?? null; }
            catch (error) { return error instanceof DOMException ? error.name : error.constructor.name; }
          };
          const AsyncFunction = (async () => {}).constructor;
          const cache = self.origin === "null" ? null : await caches.open("v1");
          return await new AsyncFunction("argument", "cache", "tried", body)(argument, cache, tried);
        }""",
        [body, argument],
    )


def stored(proxy: ProxyProcess, origin: str) -> CacheStorage:
    return CacheStorage(directory_of(proxy.profile.caches, origin))


# As the browser's own

LOOKS = """
  const describe = (object, key) => {
    const { get, value, ...flags } = Object.getOwnPropertyDescriptor(object, key);
    const one = get ?? value;
    if (typeof one === "function") flags.is = [one.name, one.length, "prototype" in one];
    return flags;
  };
  const looks = { caches: describe(self, "caches") };
  for (const interface of ["Cache", "CacheStorage"]) {
    const { prototype } = self[interface];
    looks[interface] = describe(self, interface);
    for (const key of Reflect.ownKeys(prototype)) looks[`${interface}.${String(key)}`] = describe(prototype, key);
    looks[`new ${interface}`] = await tried(() => new self[interface]());
    looks[`tag of ${interface}`] = prototype[Symbol.toStringTag];
  }
  for (const key of ["type", "url", "redirected", "clone"]) looks[key] = describe(Response.prototype, key);
  looks.fetch = describe(self, "fetch");
  return looks;
"""
BEHAVES = """
  const response = async (from) => from && [
    from.url.replace(location.origin, ""), from.type, from.redirected, from.status, from.ok,
    from.type === "basic" || from.statusText, // which HTTP/2 has not
    [...from.headers].filter(([name]) => name.startsWith("x-")), await from.text(), Object.getOwnPropertyNames(from),
  ];
  const brand = (name, ...rest) => tried(() => Cache.prototype[name].call({}, ...rest));
  const { get } = Object.getOwnPropertyDescriptor(self, "caches");
  const results = [];
  const note = async (work) => results.push(await tried(work));
  await note(() => get.call({}));
  await note(() => get.call(undefined) === caches && caches === self.caches);
  await note(() => brand("match", "/"));
  await note(() => brand("put", "/", new Response()));
  await note(() => CacheStorage.prototype.open.call(cache, "x"));
  await note(() => cache.match.call(cache).catch((error) => error.constructor.name));
  for (const name of ["match", "add", "addAll", "put", "delete"]) await note(() => cache[name]());
  for (const name of ["match", "has", "open", "delete"]) await note(() => caches[name]());
  await note(() => cache.put("/a"));
  for (const bad of [Symbol(), "http://", "http://u:p@x/"]) await note(() => cache.match(bad));
  for (const bad of [null, "text", {}]) await note(() => cache.put("/a", bad));
  for (const bad of [5, {}, "ab", [Symbol()]]) await note(() => cache.addAll(bad));
  await note(() => cache.match("/", 5));
  await note(() => cache.match("/", null));
  const order = [];
  await note(() => caches.match("/", new Proxy({}, { get: (_, key) => void order.push(key) })));
  await note(() => order);
  await note(() => cache.put("ftp://x/", new Response()));
  await note(() => cache.put(new Request("/", { method: "POST" }), new Response()));
  await note(() => cache.put("/", new Response("", { status: 206 })));
  await note(() => cache.put("/", new Response("", { headers: { vary: "a, *" } })));
  const used = new Response("x");
  await used.text();
  await note(() => cache.put("/", used));
  const locked = new Response("x");
  locked.body.getReader();
  await note(() => cache.put("/", locked));
  await note(() => cache.addAll(["/a", "/a"]));
  await note(() => cache.addAll(["/a", "/no"]));
  await note(() => cache.keys().then((keys) => keys.length));
  await note(() => cache.add("/a"));
  await note(async () => response(await cache.match("/a")));
  await note(async () => response((await cache.match("/a")).clone().clone()));
  const init = { status: 201, statusText: "Made", headers: { "x-b": "2" } };
  await note(() => cache.put("/made", new Response("\\u00e9", init)));
  await note(async () => response(await cache.match("/made#fragment")));
  await note(async () => response(await cache.match("/made?x", { ignoreSearch: true })));
  await note(async () => (await (await cache.match("/made")).blob()).type);
  await note(() => cache.put("/error", Response.error()));
  await note(async () => response(await cache.match("/error")));
  await note(() => cache.put("/redirect", Response.redirect("/there", 307)));
  await note(async () => (await cache.match("/redirect")).headers.get("Location").replace(location.origin, ""));
  await note(async () => (await cache.matchAll()).map((one) => one.status));
  const place = ({ url, method }) => [url.replace(location.origin, ""), method];
  await note(async () => (await cache.keys()).map(place).sort());
  await note(async () => (await caches.match("/made", { cacheName: "v1" })).status);
  await note(() => caches.match("/made", { cacheName: "v2" }));
  const head = new Request("/made", { method: "HEAD" });
  await note(() => cache.match(head));
  await note(async () => (await cache.match(head, { ignoreMethod: true })).status);
  const body = new Response("");
  await note(() => cache.put("/body", body));
  await note(() => body.bodyUsed);
  await note(async () => (await cache.match("/body")).text());
  const late = cache.match("/made");
  await note(() => cache.delete("/made"));
  await note(() => cache.delete("/made"));
  await note(async () => (await late).text());
  await note(() => caches.keys());
  await note(() => caches.delete("v1"));
  await note(() => caches.has("v1"));
  await note(() => cache.put("/doomed", new Response("still")));
  await note(async () => (await cache.match("/doomed")).text());
  await note(() => caches.match("/doomed"));
  return results;
"""


@pytest.mark.parametrize("script", [LOOKS, BEHAVES], ids=["looks", "behaves"])
def test_as_the_browsers_own(page: Page, browser: Browser, site: Origin, script: str) -> None:
    """To the letter of what a script can see."""
    with opened(browser, None, f"{site.url}/") as native:
        expected = run(native, script)
    got = run(page, script)
    assert got == expected
    assert len(got) > 10


def test_sandboxed_documents(browser: Browser, proxy: ProxyProcess, site: Origin) -> None:
    """Have no caches, as without the proxy."""
    script = "return [await tried(() => self.caches.open('v1')), await tried(() => caches.keys())];"
    site.route("/", BLANK, "text/html", headers={"Content-Security-Policy": "sandbox allow-scripts"})
    for through in (proxy, None):
        with opened(browser, through, f"{site.url}/") as page:
            assert run(page, script) == ["SecurityError", "SecurityError"]
    assert stored(proxy, site.url).keys() == []


# One cache for all


def test_pages_and_workers_have_the_same(page: Page, proxy: ProxyProcess, site: Origin, browser: Browser) -> None:
    """What a page stores a worker answers with, and the other way round; in every browser, and after a restart."""
    site.script(
        "/sw.js",
        """
        oninstall = (event) => event.waitUntil((async () => {
          const cache = await caches.open("v1");
          await cache.put("/of-worker", new Response("by the worker", { headers: { "x-a": "1" } }));
        })());
        const answer = async (request) => (await caches.match(request)) ?? fetch(request);
        onfetch = (event) => event.respondWith(answer(event.request));
        """,
    )
    run(page, "await cache.put('/of-page', new Response('by the page', { headers: { 'x-b': '2' } }));")
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    assert proxy.curl(f"{site.url}/of-page").body == b"by the page"
    read = """
      const found = await cache.match("/of-worker");
      return [await found.text(), found.headers.get("x-a"), (await cache.keys()).length];
    """
    assert run(page, read) == ["by the worker", "1", 2]
    with opened(browser, proxy, f"{site.url}/") as other:
        assert run(other, read) == ["by the worker", "1", 2]


def test_caches_survive(start_proxy: Callable[..., ProxyProcess], browser: Browser, site: Origin) -> None:
    """The kill of the proxy, as soon as the page has heard of them; it goes on with what it has open."""
    first = start_proxy("--intercept-all")
    port = first.url.rpartition(":")[2]
    with opened(browser, first, f"{site.url}/") as page:
        run(page, "self.cache = cache; await cache.put('/a', new Response(new Blob([new Uint8Array(1e6)])));")
        first.kill()
        second = start_proxy("--intercept-all", "--listen-port", port)
        assert run(page, "return (await (await self.cache.match('/a')).blob()).size;") == 1_000_000
    assert stored(second, site.url).keys() == ["v1"]


def test_order(browser: Browser, proxy: ProxyProcess, site: Origin) -> None:
    """What a page asks for at the same time is done in that order, whether the channel is there already or not."""
    names = [f"{number}" for number in range(30)]
    make = "(prefix) => Promise.all([...Array(30).keys()].map((number) => caches.open(prefix + number)))"
    site.route("/", f"{BLANK}<script>made = ({make})('');</script>", "text/html")
    with opened(browser, proxy, f"{site.url}/") as page:
        page.evaluate("made")
        assert page.evaluate("caches.keys()") == names
        page.evaluate(f"({make})('again')")
        assert page.evaluate("caches.keys()") == [*names, *(f"again{name}" for name in names)]


# Bodies


def test_large_bodies(page: Page, proxy: ProxyProcess, site: Origin) -> None:
    """Go up as blobs or streams, and come back piece by piece, also when they were deleted; clones are read alone."""
    got = run(
        page,
        """
        const size = 12_000_000;
        const bytes = new Uint8Array(size).map((_, i) => i % 251);
        const right = (buffer) => {
          const got = new Uint8Array(buffer);
          return got.length === size && got.every((byte, i) => byte === i % 251);
        };
        await cache.put("/blob", new Response(new Blob([bytes])));
        let sent = 0;
        const stream = new ReadableStream({
          pull(controller) {
            controller.enqueue(bytes.slice(sent, (sent += 1_000_000)));
            if (sent === size) controller.close();
          },
        });
        await cache.put("/stream", new Response(stream));
        const [first, second] = await cache.matchAll();
        const clone = first.clone();
        await caches.delete("v1");
        await cache.delete("/blob");
        return [right(await clone.arrayBuffer()), right(await second.arrayBuffer())];
        """,
    )
    assert got == [True, True]
    assert list(proxy.profile.scratch.glob("upload-*")) == []


def test_many_bodies_that_nobody_reads(page: Page) -> None:
    """Take up no connection."""
    got = run(
        page,
        """
        const count = 150;
        for (let i = 0; i < count; i++) await cache.put(`/${i}`, new Response(new Uint8Array(50_000).fill(i)));
        const found = await cache.matchAll();
        const live = await (await fetch("/a")).text();
        const bytes = await Promise.all(found.map(async (one) => new Uint8Array(await one.arrayBuffer())));
        return [live, bytes.every((one, i) => one.length === 50_000 && one[49_999] === i)];
        """,
    )
    assert got == ["the body of a", True]


def test_quota(start_proxy: Callable[..., ProxyProcess], tmp_path: Path, browser: Browser, site: Origin) -> None:
    """What is too large is a QuotaExceededError, as it is for workers."""
    config = tmp_path / "swproxy.toml"
    config.write_text("quota = 1_000_000\n")
    proxy = start_proxy("--intercept-all", "--config", str(config))
    with opened(browser, proxy, f"{site.url}/") as page:
        got = run(
            page,
            """
            const large = () => new Response(new Blob([new Uint8Array(5_000_000)]));
            return [
              await tried(() => cache.put("/a", large())),
              await tried(() => cache.put("/b", new Response("small"))),
              (await cache.keys()).length,
            ];
            """,
        )
    assert got == ["QuotaExceededError", None, 1]


def test_abort(page: Page, site: Origin) -> None:
    """An addAll() that is given up rejects with the signal's reason, and stores nothing."""
    got = run(
        page,
        """
        const controller = new AbortController();
        const adding = tried(() => cache.addAll(["/no-hurry", new Request("/a", { signal: controller.signal })]));
        controller.abort(new RangeError());
        const already = await tried(() => cache.add(new Request("/a", { signal: AbortSignal.abort() })));
        return [await adding, already, (await cache.keys()).length];
        """,
    )
    assert got == ["RangeError", "AbortError", 0]


# What a page cannot look into


def test_opaque_responses(page: Page, proxy: ProxyProcess, site: Origin, elsewhere: Origin) -> None:
    """All of one is stored, though the page sees nothing of it; also of a clone, and when it is copied."""
    got = run(
        page,
        """
        const response = await fetch(`${argument}/pixel`, { mode: "no-cors" });
        await cache.put("/one", response.clone());
        await cache.put(new Request(`${argument}/pixel`, { mode: "no-cors" }), response);
        const found = await cache.match("/one");
        const copies = await caches.open("v2");
        await cache.delete("/one");
        await copies.put("/two", found.clone());
        const seen = ({ type, status, ok, url, body, headers }) => [type, status, ok, url, body, [...headers].length];
        const partial = await fetch(new Request(`${argument}/partial`, { mode: "no-cors" }));
        return [
          seen(found),
          seen(await copies.match("/two")),
          await found.text(),
          await tried(() => cache.put("/partial", partial)),
          await tried(() => cache.add(new Request(`${argument}/pixel`, { mode: "no-cors" }))),
        ];
        """,
        elsewhere.url,
    )
    opaque = ["opaque", 0, False, "", None, 0]
    assert got == [opaque, opaque, "", "TypeError", "TypeError"]
    storage = stored(proxy, site.url)
    assert [len(cache.query_cache(None)) for _, cache in storage.all()] == [1, 1]
    for _, cache in storage.all():
        (entry,) = cache.query_cache(None)
        body = cache.body(entry)
        assert body is not None
        assert (entry.response.type, body.read(0, body.size)) == ("opaque", PIXEL)
        body.close()


def test_an_opaque_redirect(page: Page, site: Origin) -> None:
    """Of the page's own origin, with its cookies: it is one again when it comes from the cache."""
    site.route("/go", status=302, headers={"Location": "/a"})
    got = run(
        page,
        """
        document.cookie = "session=1";
        const response = await fetch("/go", { redirect: "manual" });
        await cache.put("/go", response);
        const { type, status, url } = await cache.match("/go");
        return [type, status, url === response.url];
        """,
    )
    assert got == ["opaqueredirect", 0, True]
    assert "session=1" in site.hits[-1].headers["cookie"]


# Pages in the way

HOSTILE = """
  const seen = [];
  const spy = (object, key) => {
    const original = object[key];
    object[key] = function () { seen.push(String(key)); return Reflect.apply(original, this, arguments); };
  };
  const { apply } = Reflect;
  spy(Array.prototype, Symbol.iterator);
  spy(Promise.prototype, "then");
  for (const one of [Blob, Request, Response]) {
    self[one.name] = new Proxy(one, { construct: (...all) => (seen.push(one.name), Reflect.construct(...all)) });
  }
  for (const key of ["arrayBuffer", "blob", "json", "text", "clone"]) spy(Response.prototype, key);
  for (const key of ["append", "get", "set", "forEach", "has"]) spy(Headers.prototype, key);
  for (const key of ["get", "set", "has"]) spy(WeakMap.prototype, key);
  for (const key of ["stringify", "parse"]) spy(JSON, key);
  for (const [object, key] of [[TextEncoder, "encode"], [TextDecoder, "decode"], [ArrayBuffer, "slice"]])
    spy(object.prototype, key);
  spy(RegExp.prototype, "exec");
  spy(self, "fetch");
  for (const one of [Object, Array, String]) one.prototype.toJSON = () => void seen.push("toJSON");
  for (const key of ["mode", "redirect", "signal", "status", "entry", "error", "headers", "cacheName"]) {
    Object.defineProperty(Object.prototype, key, { get: () => void seen.push(key), set() {}, configurable: true });
  }
  seen.length = 0;
"""


def test_what_the_page_replaces(page: Page, site: Origin) -> None:
    """Is not used: a site that patches everything sees nothing pass, and its caches work."""
    got = run(
        page,
        """
        const large = new Blob([new Uint8Array(500_000)]);
        const made = [new Response("one", { headers: { vary: "x" } }), new Response(large)];
        const request = new Request("/1", { headers: { x: "y" } });
        const taken = { text: Response.prototype.text, buffer: Response.prototype.arrayBuffer };
        """
        + HOSTILE
        + """
        const open = await caches.open("hostile");
        await open.put(request, made[0]);
        await open.put("/2", made[1]);
        await open.add("/a");
        const first = await open.match(request);
        const second = await open.match("/2");
        const all = await open.matchAll();
        const keys = await open.keys();
        const names = await caches.keys();
        const deleted = await open.delete("/a");
        const read = [await apply(taken.text, first, []), (await apply(taken.buffer, second, [])).byteLength];
        const before = seen.length;
        return { read, counts: [all.length, keys.length, names.length, deleted], seen: seen.slice(0, before) };
        """,
    )
    assert got["read"] == ["one", 500_000]
    assert got["counts"] == [3, 3, 2, True]
    assert set(got["seen"]) <= {"fetch"}, got["seen"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Security-Policy": "default-src 'none'"},
        {"Content-Security-Policy": "connect-src 'none'; script-src 'unsafe-eval'"},
        {"Referrer-Policy": "no-referrer"},
        {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"},
    ],
    ids=json.dumps,
)
def test_policies(browser: Browser, proxy: ProxyProcess, site: Origin, headers: dict[str, str]) -> None:
    """Of the page do not keep it from its caches, which no request of a script's own needs."""
    site.route("/", BLANK, "text/html", headers=headers)
    with opened(browser, proxy, f"{site.url}/") as page:
        got = page.evaluate(
            """async () => {
              const cache = await caches.open("v1");
              await cache.put("/x", new Response("y"));
              return (await caches.match("/x")).text();
            }"""
        )
    assert got == "y"


def test_a_policy_in_the_document(browser: Browser, proxy: ProxyProcess, site: Origin) -> None:
    """Does not either, though it comes after the page client: nothing of it is broken."""
    policy = (
        """<meta http-equiv="Content-Security-Policy" content="connect-src 'none'; script-src 'unsafe-inline'">"""
    )
    site.route("/", f"{BLANK}{policy}", "text/html")
    with opened(browser, proxy, f"{site.url}/") as page:
        got = page.evaluate(
            """async () => {
              const broken = [];
              addEventListener("securitypolicyviolation", (event) => broken.push(event.blockedURI));
              const cache = await caches.open("v1");
              await cache.put("/x", new Response(new Blob([new Uint8Array(3_000_000)])));
              const { size } = await (await caches.match("/x")).blob();
              const added = await cache.add("/a").catch((error) => error.constructor.name);
              const missing = await cache.put("/y", Response.error()).then(() => cache.match("/z"));
              return [size, (await cache.keys()).length, missing ?? null, added, broken];
            }"""
        )
    assert got == [3_000_000, 2, None, "TypeError", [f"{site.url}/a"]]


def test_another_base(page: Page, site: Origin, elsewhere: Origin) -> None:
    """URLs are relative to the document's base; the proxy is where it was."""
    got = run(
        page,
        """
        document.head.append(Object.assign(document.createElement("base"), { href: `${argument}/there/` }));
        await cache.put("x", new Response("y"));
        return (await cache.keys())[0].url;
        """,
        elsewhere.url,
    )
    assert got == f"{elsewhere.url}/there/x"
    assert elsewhere.hits == []


def test_origins_are_apart(page: Page, browser: Browser, proxy: ProxyProcess, elsewhere: Origin) -> None:
    """A page of another origin neither has these caches nor can ask for them."""
    run(page, "await cache.put('/a', new Response('secret'));")
    url = page.url
    with opened(browser, proxy, f"{elsewhere.url}/") as other:
        assert run(other, "return caches.keys();") == ["v1"]
        assert run(other, "return (await cache.keys()).length;") == 0
        asking = (
            "return tried(async () => (await fetch(argument, { method: 'POST', body: '\\0\\0\\0\\2{}' })).status);"
        )
        assert run(other, asking, f"{url}.swproxy/cache/names") == "TypeError"
        no_cors = (
            "return tried(async () => (await fetch(argument, { method: 'POST', mode: 'no-cors', body: 'x' })).type);"
        )
        assert run(other, no_cors, f"{url}.swproxy/cache/names") == "TypeError"
    until(lambda: stored(proxy, url.rstrip("/")).keys() == ["v1"])
