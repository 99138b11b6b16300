"""Cache and CacheStorage as scripts see them; tests/storage/test_cache_storage.py has what is kept, and matching."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers import network_response, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

SITE = "https://site.test"


def test_caches_are_opened_listed_and_deleted(run_js: RunJs) -> None:
    """In the order of their creation; names are DOMStrings, also the empty one."""
    script = """
      const first = await caches.has("b");
      await caches.open("b");
      await caches.open("");
      await caches.open(null);
      await caches.open("b");
      const keys = await caches.keys();
      return [first, keys, Object.isFrozen(keys), await caches.has("b"), await caches.delete("b"),
        await caches.delete("b"), await caches.has("b"), await caches.keys()];
    """
    names = ["b", "", "null"]
    assert run_js(script) == [False, names, False, True, True, False, False, names[1:]]


def test_a_response_that_was_put_is_found(run_js: RunJs) -> None:
    """With its status, its headers, which are immutable, and its body, as often as one asks."""
    script = """
      const cache = await caches.open("c");
      const headers = { "content-type": "text/x", "x-own": "1" };
      const nothing = await cache.put("/a?b#c", new Response("text", { status: 404, statusText: "No", headers }));
      const found = await cache.match(new Request("/a?b#d"));
      let error;
      try { found.headers.set("x", "y"); } catch ({ name }) { error = name; }
      return [nothing === undefined, found.status, found.statusText, [...found.headers], found.type, found.url,
        await found.text(), await (await caches.match("/a?b")).text(), error];
    """
    headers = [["content-type", "text/x"], ["x-own", "1"]]
    assert run_js(script) == [True, 404, "No", headers, "default", "", "text", "text", "TypeError"]


def test_what_is_not_found_is_undefined(run_js: RunJs) -> None:
    """Or an empty list, or false; also for a method that is not GET."""
    script = """
      const cache = await caches.open("c");
      await cache.put("/a", new Response());
      const post = new Request("/a", { method: "POST" });
      const ignoreMethod = { ignoreMethod: true };
      return [await cache.match("/b") === undefined, await caches.match("/b") === undefined,
        await cache.match(post) === undefined, (await cache.match(post, ignoreMethod)).status,
        await caches.match(post) === undefined, (await caches.match(post, ignoreMethod)).status,
        await cache.matchAll(post), (await cache.matchAll(post, ignoreMethod)).length,
        await cache.keys(post), (await cache.keys(post, ignoreMethod)).length,
        await cache.delete(post), await cache.delete("/b"), await cache.delete(post, ignoreMethod)];
    """
    assert run_js(script) == [True, True, True, 200, True, 200, [], 1, [], 1, False, False, True]


def test_lists_are_frozen(run_js: RunJs) -> None:
    """matchAll() and keys() give all without an argument, in the order in which they were put."""
    script = """
      const cache = await caches.open("c");
      for (const name of ["b", "a", "c"]) await cache.put(`/${name}?q`, new Response(name));
      await cache.put("/a?q", new Response("A"));
      const [keys, all] = [await cache.keys(), await cache.matchAll()];
      const texts = await Promise.all(all.map((response) => response.text()));
      return [Object.isFrozen(keys), Object.isFrozen(all), keys.map(({ url }) => new URL(url).pathname), texts,
        keys[0] instanceof Request, (await cache.matchAll("/a", { ignoreSearch: true })).length,
        (await cache.keys("/a?q")).length];
    """
    [frozen, also, paths, texts, is_request, matching, named] = run_js(script)
    assert frozen
    assert also
    assert is_request
    assert sorted(paths) == ["/a", "/b", "/c"]
    assert [path[1] for path in paths] == [text.lower() for text in texts]
    assert (matching, named) == (1, 1)


def test_a_key_is_the_request_that_was_put(run_js: RunJs) -> None:
    """With its headers, its mode and the rest, but without its body and its signal."""
    script = """
      const cache = await caches.open("c");
      const init = { headers: { "x-a": "1" }, credentials: "include", referrer: "", integrity: "sha256-x" };
      await cache.put(new Request("/a#f", { ...init, cache: "reload" }), new Response());
      const [key] = await cache.keys();
      const { method, url, credentials, referrer, integrity, cache: mode } = key;
      return [method, url, credentials, referrer, integrity, mode, [...key.headers], key.signal.aborted];
    """
    assert run_js(script) == [
        *["GET", f"{SITE}/a#f", "include", "", "sha256-x", "reload"],
        [["x-a", "1"]],
        False,
    ]


def test_what_cannot_be_put(run_js: RunJs) -> None:
    """Other schemes and methods, partial responses, those that vary by everything, and used bodies."""
    script = """
      const cache = await caches.open("c");
      const used = new Response("x");
      await used.text();
      const locked = new Response("x");
      locked.body.getReader();
      const vary = new Response("", { headers: { vary: "accept, *" } });
      const results = [
        ["data:,x", new Response()], [new Request("/", { method: "POST" }), new Response()],
        ["/", new Response("", { status: 206 })], ["/", vary], ["/", used], ["/", locked],
        ["/", {}], ["/"], ["http://[", new Response()], ["http://u:p@x.test/", new Response()],
      ].map((values) => cache.put(...values).then(() => "stored", (error) => error.constructor.name));
      return [await Promise.all(results), await cache.keys()];
    """
    assert run_js(script) == [["TypeError"] * 10, []]


def test_an_opaque_response_can_be_put(run_js: RunJs) -> None:
    """Whatever its status; add() takes none, as it cannot know that all is well."""
    url = "https://other.test/page"
    opaque = msgspec.structs.replace(network_response("part", status=404, url=url), type="opaque")
    script = f"""
      const cache = await caches.open("c");
      await cache.put("/part", await fetch("{url}", {{ mode: "no-cors" }}));
      const found = await cache.match("/part");
      return [found.type, found.status, [...found.headers], await found.text(),
        await cache.add(new Request("{url}", {{ mode: "no-cors" }})).catch((error) => error.name)];
    """
    assert run_js(script, responses={url: opaque}) == ["opaque", 0, [], "", "TypeError"]


@pytest.mark.parametrize(("status", "headers"), [(206, {}), (200, {"vary": "a, *"})])
def test_what_an_opaque_response_hides_counts(run_js: RunJs, status: int, headers: dict[str, str]) -> None:
    """A part, or one for a single request, is refused: the internal response's status and headers say so."""
    url = "https://other.test/part"
    opaque = msgspec.structs.replace(network_response("part", status=status, url=url, **headers), type="opaque")
    script = f"""
      const cache = await caches.open("c");
      return cache.put("/part", await fetch("{url}", {{ mode: "no-cors" }})).catch((error) => error.name);
    """
    assert run_js(script, responses={url: opaque}) == "TypeError"


# A body that never ends; its fetch is number 1.
ABORTED = """
  const controller = new AbortController();
  const cache = await caches.open("c");
  const outcome = (promise) => promise.catch((error) => error === "why" || error.name);
"""


@pytest.mark.parametrize(
    ("how", "put"),
    [
        ("put", "(request) => fetch(request).then((response) => cache.put('/x', response))"),
        ("add", "(request) => cache.add(request)"),
        ("addAll", "(request) => cache.addAll(['/y', request])"),
    ],
)
def test_an_aborted_request_is_not_stored(tmp_path: Path, how: str, put: str) -> None:
    """Before, and while its body arrives: the promise rejects with the signal's reason, the proxy hears of it."""
    source = f"""(async () => {{
      {ABORTED}
      const put = {put};
      const aborted = new Request("/a", {{ signal: AbortSignal.abort() }});
      console.log(await outcome(put(aborted)));
      const promise = put(new Request("/slow", {{ signal: controller.signal }}));
      self.addEventListener("activate", () => controller.abort("why"));
      console.log(await outcome(promise), (await cache.keys()).length);
    }})();"""
    endless = msgspec.structs.replace(network_response(), body=messages.Stream(5, None))
    responses = {f"{SITE}/slow": endless, f"{SITE}/y": network_response("y")}
    with realm_process(tmp_path, source, responses=responses) as process:
        assert process.wait_for(messages.Log).text == "AbortError"
        process.wait_for(messages.BodySave)
        process.send(messages.DispatchEvent(1, "activate", {}))
        process.wait_for(messages.AbortFetch)
        assert process.wait_for(messages.Log).text == "true 0"


def test_put_uses_the_body_up(run_js: RunJs) -> None:
    """A clone keeps its own."""
    script = """
      const cache = await caches.open("c");
      const response = new Response("text");
      const clone = response.clone();
      const stored = cache.put("/", response);
      const during = response.bodyUsed;
      await stored;
      const second = await cache.put("/", response).catch((error) => error.name);
      return [during, response.bodyUsed, second, await clone.text(), await (await cache.match("/")).text()];
    """
    assert run_js(script) == [True, True, "TypeError", "text", "text"]


def test_a_stream_is_put_when_it_has_ended(run_js: RunJs) -> None:
    """Nothing is there before that, nor if it fails; put() tells."""
    script = """
      const cache = await caches.open("c");
      let controller;
      const stream = () => new ReadableStream({ start(c) { controller = c; } });
      const stored = cache.put("/a", new Response(stream()));
      controller.enqueue(new TextEncoder().encode("text"));
      const before = await cache.match("/a") === undefined;
      controller.close();
      await stored;
      const failed = cache.put("/b", new Response(stream())).catch((error) => error.name);
      controller.error(new RangeError());
      return [before, await (await cache.match("/a")).text(), await failed, await cache.match("/b") === undefined];
    """
    [before, text, error, missing] = run_js(script)
    assert (before, text, missing) == (True, "text", True)
    assert error.endswith("Error")


def test_add_fetches_and_stores(tmp_path: Path) -> None:
    """The stored request is the one that was asked for; the result is undefined."""
    source = """
      (async () => {
        const cache = await caches.open("c");
        const nothing = await cache.add(new Request("/a", { headers: { "x-a": "1" } }));
        const [key] = await cache.keys();
        const found = await cache.match("/a");
        console.log(nothing, key.url, key.headers.get("x-a"), found.type, found.url, await found.text());
      })();
    """
    responses = {f"{SITE}/a": network_response("a", url=f"{SITE}/a")}
    with realm_process(tmp_path, source, responses=responses) as process:
        assert process.wait_for(messages.Log).text == f"undefined {SITE}/a 1 basic {SITE}/a a"
    [request] = process.fetches
    assert (request.url, request.headers, request.mode) == (f"{SITE}/a", [("x-a", "1")], "cors")


def test_add_all_is_one_transaction(run_js: RunJs) -> None:
    """If one of the responses is not ok, nothing is stored."""
    responses = {
        f"{SITE}/{path}": network_response(path, status=status, url=f"{SITE}/{path}", **headers)
        for path, status, headers in [
            *[("a", 200, {}), ("b", 204, {}), ("missing", 404, {})],
            *[("part", 206, {}), ("vary", 200, {"vary": "*"})],
        ]
    }
    script = """
      const cache = await caches.open("c");
      const results = [];
      for (const bad of ["/missing", "/part", "/vary", "/unreachable", "data:,x", new Request("/",
        { method: "PUT" })]) {
        results.push(await cache.addAll(["/a", bad]).catch((error) => error.constructor.name));
      }
      const before = (await cache.keys()).length;
      const nothing = await cache.addAll([]);
      await cache.addAll(["/a", new Request("/b")]);
      return [results, before, nothing === undefined, (await cache.keys()).map(({ url }) => url).sort()];
    """
    assert run_js(script, responses=responses) == [["TypeError"] * 6, 0, True, [f"{SITE}/a", f"{SITE}/b"]]


def test_add_all_takes_no_request_twice(run_js: RunJs) -> None:
    """Two that match each other are an InvalidStateError; other Vary values do not match."""
    responses = {
        f"{SITE}/a": network_response("a", url=f"{SITE}/a"),
        f"{SITE}/v": network_response("v", url=f"{SITE}/v", vary="x-a"),
    }
    script = """
      const cache = await caches.open("c");
      const twice = await cache.addAll(["/a", "/a"]).catch((error) => error.name);
      const before = (await cache.keys()).length;
      await cache.addAll(["1", "2"].map((value) => new Request("/v", { headers: { "x-a": value } })));
      return [twice, before, (await cache.keys()).length];
    """
    assert run_js(script, responses=responses) == ["InvalidStateError", 0, 2]


def test_a_match_in_one_of_the_caches(run_js: RunJs) -> None:
    """caches.match() asks them in the order of their creation, or the one that is named."""
    script = """
      for (const name of ["one", "two"]) await (await caches.open(name)).put("/a", new Response(name));
      const text = async (options) => (await caches.match("/a", options))?.text();
      return [await text(), await text({ cacheName: "two" }), await text({ cacheName: "three" }) === undefined,
        await caches.has("three")];
    """
    assert run_js(script) == ["one", "two", True, False]


def test_a_deleted_cache_goes_on_for_who_has_it(run_js: RunJs) -> None:
    """One of the same name that is opened later is another."""
    script = """
      const old = await caches.open("c");
      await caches.delete("c");
      await old.put("/a", new Response("old"));
      const young = await caches.open("c");
      return [await (await old.match("/a")).text(), await young.match("/a") === undefined];
    """
    assert run_js(script) == ["old", True]


def test_errors_are_rejections(run_js: RunJs) -> None:
    """Missing arguments, foreign objects; and scripts can make neither interface."""
    script = """
      const cache = await caches.open("c");
      const { match } = Cache.prototype;
      const results = [() => cache.match(), () => cache.add(), () => cache.addAll("/a"), () => cache.delete(),
        () => caches.open(), () => caches.match(), () => match.call({}, "/a"), () => match.call(caches, "/a"),
        () => caches.open(Symbol()), () => cache.match("/a", 5), () => cache.match("http://["),
      ].map((f) => f().catch((error) => error.name));
      let thrown = 0;
      for (const Interface of [Cache, CacheStorage]) try { new Interface(); } catch { thrown++; }
      return [await Promise.all(results), thrown];
    """
    assert run_js(script) == [["TypeError"] * 11, 2]


def test_without_room_there_is_a_quota_exceeded_error(run_js: RunJs) -> None:
    """The entry does not come to be."""
    script = """
      const cache = await caches.open("c");
      const error = await cache.put("/a", new Response("x".repeat(100000))).catch((error) => error);
      return [error instanceof DOMException, error.name, await cache.match("/a") === undefined];
    """
    assert run_js(script, quota=90_000) == [True, "QuotaExceededError", True]
