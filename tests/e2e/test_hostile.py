"""Scripts that mean harm, or hang: the proxy and all other workers go on."""

from collections.abc import Callable

import pytest
from origin import Origin
from proxy_process import ProxyProcess

SHARED = """
self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (path in attacks) event.respondWith(attacks[path](event));
  else if (path === "/fine") event.respondWith(new Response("fine"));
});
"""


@pytest.fixture
def hostile(origin: Origin, start_proxy: Callable[..., ProxyProcess]) -> Callable[[str], ProxyProcess]:
    """A proxy whose worker has the given attacks, beside a well-behaved worker under /good/."""

    def start(attacks: str, *arguments: str) -> ProxyProcess:
        origin.script("/sw.js", f"const attacks = {attacks};{SHARED}")
        origin.script("/good/sw.js", "onfetch = (event) => event.respondWith(new Response('good'));")
        proxy = start_proxy("--set", "turn_budget=1", *arguments)
        proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
        proxy.registered(f"{origin.url}/good/", f"{origin.url}/good/sw.js")
        return proxy

    return start


HANGS = {
    "an endless loop": "for (;;);",
    "a loop that catches everything": "for (;;) { try { for (;;); } catch {} finally { continue; } }",
    "endless microtasks": (
        "const again = () => { Promise.resolve().then(again); }; again(); return new Promise(() => {});"
    ),
    "a built-in loop that no signal interrupts": (
        "const a = new Array(2 ** 32 - 1); for (;;) Array.prototype.indexOf.call({ length: 2 ** 53 }, 1);"
    ),
    "a regular expression": "/^(a+)+$/.test('a'.repeat(40) + 'b'); for (;;);",
    "endless host calls": "for (;;) { try { new URL('https://x.test/'); } catch {} }",
}


@pytest.mark.parametrize("attack", HANGS.values(), ids=HANGS.keys())
def test_a_worker_that_hangs(hostile: Callable[..., ProxyProcess], origin: Origin, attack: str) -> None:
    """Its request fails with the reason; others are answered meanwhile, and it itself afterwards."""
    proxy = hostile("{ '/hang'() { " + attack + " } }")
    hung = proxy.curl(f"{origin.url}/hang", timeout=20)
    assert hung.status == 502
    assert "1 second" in hung.text or "did not answer" in hung.text
    assert proxy.curl(f"{origin.url}/fine").text == "fine"
    assert proxy.curl(f"{origin.url}/good/").text == "good"


MEMORY = {
    "promises": "const again = () => Promise.resolve().then(again); return again();",
    "strings": "let s = 'x'; for (;;) s += s;",
    "arrays": "const list = []; for (;;) list.push(new Uint8Array(1e6).fill(1));",
    "caught": "const list = []; for (;;) { try { for (;;) list.push(new Array(1e5).fill({})); } catch {} }",
    "host bodies": "const list = []; const t = 'x'.repeat(1e7); for (;;) list.push(await new Response(t).blob());",
}


@pytest.mark.parametrize("attack", MEMORY.values(), ids=MEMORY.keys())
def test_a_memory_hog(hostile: Callable[..., ProxyProcess], origin: Origin, attack: str) -> None:
    """It fails, whatever it fails with, and the proxy goes on."""
    proxy = hostile("{ async '/hog'() { " + attack + " } }")
    assert proxy.curl(f"{origin.url}/hog", timeout=25).status == 502
    assert proxy.curl(f"{origin.url}/good/").text == "good"
    assert proxy.curl(f"{origin.url}/fine").text == "fine"


def test_prototype_pollution(hostile: Callable[..., ProxyProcess], origin: Origin) -> None:
    """A worker that breaks the language's prototypes breaks itself at most; what does not touch them works."""
    proxy = hostile(
        """{
          '/pollute'() {
            const bad = () => { throw new Error("polluted"); };
            for (const prototype of [Array.prototype, Map.prototype, Set.prototype, String.prototype,
                                     RegExp.prototype, Function.prototype, Promise.prototype]) {
              for (const key of Reflect.ownKeys(prototype)) {
                if (key === "constructor") continue;
                try { Object.defineProperty(prototype, key, { value: bad, configurable: true }); } catch {}
              }
            }
            Object.defineProperty(Object.prototype, "get", { value: bad, configurable: true });
            Object.defineProperty(Object.prototype, "then", { get: bad, configurable: true });
            Object.prototype.toJSON = bad;
            Array.prototype.toJSON = () => ["op_caches_keys", "/etc/passwd", "../../other"];
            return new Response("polluted");
          },
        }"""
    )
    proxy.curl(f"{origin.url}/pollute")
    assert proxy.curl(f"{origin.url}/good/").text == "good"
    assert proxy.control("POST", "/stop", {"scope": f"{origin.url}/"}) is not None
    assert proxy.curl(f"{origin.url}/fine").text == "fine"


def test_patched_built_ins_do_not_reach_the_runtime(hostile: Callable[..., ProxyProcess], origin: Origin) -> None:
    """Replaced array, string, map and promise methods change nothing in caches, headers, URLs and fetches."""
    origin.route("/live", "live")
    proxy = hostile(
        """{
          async '/patched'() {
            const bad = () => { throw new Error("patched"); };
            const names = { Array: ["push", "map", "join", "slice", "splice", "indexOf", "forEach", Symbol.iterator],
              String: ["split", "slice", "indexOf", "toLowerCase", "trim", "startsWith", "replace"],
              Map: ["get", "set", "has", "delete"], Set: ["has", "add"], RegExp: ["exec", "test"],
              Promise: ["catch", "finally"], Function: ["call", "apply", "bind"] };
            const types = Object.keys(names);
            for (let i = 0; i < types.length; i++) {
              for (let j = 0; j < names[types[i]].length; j++) self[types[i]].prototype[names[types[i]][j]] = bad;
            }
            const cache = await caches.open("patched");
            await cache.put("/x", new Response("cached", { headers: { a: "b" } }));
            const found = await caches.match(new Request("/x?y#z"), { ignoreSearch: true });
            const live = await fetch("/live");
            const url = new URL("/q?a=1", location);
            return new Response(`${await found.text()} ${found.headers.get("A")} ${await live.text()} ${
              url.searchParams.get("a")}`);
          },
        }"""
    )
    assert proxy.curl(f"{origin.url}/patched").text == "cached b live 1"


ESCAPES = [
    "typeof process",
    "typeof require",
    "typeof module",
    "typeof dukpy",
    "typeof call_python",
    "typeof SharedArrayBuffer",
    "String(self.call_python)",
    "String(Object.getOwnPropertyDescriptor(self, 'dukpy').get())",
    "(() => { Object.getOwnPropertyDescriptor(self, 'dukpy').set({ token: '', kind: 'x' }); return 'ignored' })()",
    "(() => { self.dukpy = { kind: 'load', path: '../../../etc/passwd' }; return 'ignored' })()",
    "(() => { try { Object.defineProperty(self, 'dukpy', { value: 1 }); return 'set' } catch { return 'no' } })()",
    "(() => { try { self.call_python = (...a) => a; return String(self.call_python) } catch { return 'no' } })()",
    "await import('/etc/passwd').then(() => 'imported', (e) => e.constructor.name)",
    "await fetch('file:///etc/passwd').then(() => 'read', (e) => e.constructor.name)",
    "(() => { try { importScripts('file:///etc/passwd'); return 'read' } catch (e) { return e.name } })()",
    "Function('return typeof process + typeof call_python')()",
    "(0, eval)('typeof dukpy')",
    "JSON.stringify(Object.keys(self).filter((name) => /py|env|token/i.test(name)))",
    "(() => String(/swproxy|site-packages/.test(new Error().stack)))()",
]


def test_nothing_of_the_host_is_there(hostile: Callable[..., ProxyProcess], origin: Origin) -> None:
    """No way to the engine's host, files, or environment."""
    body = ", ".join(f"await (async () => {escape})()" for escape in ESCAPES)
    proxy = hostile("{ async '/escape'() { return Response.json([" + body + "]); } }")
    import json

    assert json.loads(proxy.curl(f"{origin.url}/escape").text) == [
        *["undefined"] * 8,
        "ignored",
        "ignored",
        "no",
        "undefined",
        "TypeError",
        "TypeError",
        "NetworkError",
        "undefinedundefined",
        "undefined",
        "[]",
        "false",
    ]


def test_origins_do_not_share_caches(origin: Origin, start_proxy: Callable[..., ProxyProcess], pki: object) -> None:
    """A worker sees its own origin's caches only."""
    from certs.pki import Pki

    assert isinstance(pki, Pki)
    other = Origin(pki.good())
    try:
        script = """
        oninstall = (event) => event.waitUntil(caches.open(location.origin));
        onfetch = (event) => event.respondWith(caches.keys().then((keys) => Response.json(keys)));
        """
        proxy = start_proxy()
        for site in (origin, other):
            site.script("/sw.js", script)
            proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
        assert proxy.curl(f"{origin.url}/").text == f'["{origin.url}"]'
        assert proxy.curl(f"{other.url}/").text == f'["{other.url}"]'
    finally:
        other.close()
