"""Registration, updates, and the life of worker processes, through the command line and real requests."""

import json
from collections.abc import Callable
from pathlib import Path

from origin import Origin
from proxy_process import ProxyProcess
from waiting import until

ANSWER = "onfetch = (event) => event.respondWith(new Response({answer!r}));"
NAVIGATION = ["-H", "Sec-Fetch-Mode: navigate", "-H", "Sec-Fetch-Dest: document", "-H", "Accept: text/html"]


def test_a_navigation_looks_for_an_update(origin: Origin, proxy: ProxyProcess) -> None:
    """A changed script is installed after a navigation; registering it again does nothing."""
    origin.script("/sw.js", ANSWER.format(answer="one"))
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    origin.script("/sw.js", ANSWER.format(answer="two"))
    again = proxy.register(f"{origin.url}/", f"{origin.url}/sw.js")
    assert again.returncode == 0
    assert "registered already" in again.stdout
    assert proxy.curl(f"{origin.url}/").text == "one"
    assert proxy.curl(f"{origin.url}/", *NAVIGATION).text == "one"
    until(lambda: proxy.curl(f"{origin.url}/").text == "two")


def test_update_command(origin: Origin, proxy: ProxyProcess) -> None:
    """`swproxy update` installs what has changed, imported scripts included, and says when nothing has."""
    origin.script("/sw.js", "importScripts('/lib.js'); onfetch = (event) => event.respondWith(new Response(answer));")
    origin.script("/lib.js", "const answer = 'one';")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    assert "has not changed" in proxy.run("update", f"{origin.url}/").stdout
    origin.script("/lib.js", "const answer = 'two';")
    assert proxy.run("update", f"{origin.url}/").returncode == 0
    assert proxy.curl(f"{origin.url}/").text == "two"
    unknown = proxy.run("update", "https://nowhere.test/")
    assert unknown.returncode == 1
    assert f"{origin.url}/" in unknown.stderr


def test_an_import_that_is_gone_when_another_has_changed(origin: Origin, proxy: ProxyProcess) -> None:
    """The update has asked for it, and nobody asks once more for the new version."""
    origin.script("/sw.js", "importScripts('/lib.js', '/gone.js');" + ANSWER.format(answer="one"))
    origin.script("/lib.js", "// one")
    origin.script("/gone.js", "// one")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    origin.script("/lib.js", "// two")
    del origin.routes["/gone.js"]
    failed = proxy.run("update", f"{origin.url}/")
    assert failed.returncode == 1
    assert "status 404" in failed.stderr
    assert origin.count("/gone.js") == 2


def test_an_update_that_fails_leaves_the_old_worker(origin: Origin, proxy: ProxyProcess) -> None:
    """The new script throws, is gone, or is rejected: the old one goes on, also after a restart."""
    origin.script("/sw.js", ANSWER.format(answer="one"))
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    for bad in (
        "throw new Error('bad');",
        "oninstall = (event) => event.waitUntil(Promise.reject(new Error('bad')));",
    ):
        origin.script("/sw.js", bad)
        failed = proxy.run("update", f"{origin.url}/")
        assert failed.returncode == 1
        assert "Error: bad" in failed.stderr
        assert proxy.curl(f"{origin.url}/").text == "one"
    origin.stop()
    assert proxy.run("update", f"{origin.url}/").returncode == 1
    assert proxy.curl(f"{origin.url}/").text == "one"


def test_an_active_event_keeps_the_new_version_waiting(origin: Origin, proxy: ProxyProcess) -> None:
    """A new version waits while the old one has an event; skipWaiting() does not change that, the end of it does."""
    origin.script(
        "/sw.js",
        """
        onfetch = (event) => {
          event.respondWith(new Response("one"));
          if (event.request.url.endsWith("/long")) event.waitUntil(fetch("/held"));
        };
        """,
    )
    import asyncio

    release = asyncio.Event()

    async def held(request: object) -> object:
        from aiohttp import web

        await release.wait()
        return web.Response(text="released")

    origin.route("/held", handler=held)
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    assert proxy.curl(f"{origin.url}/long").text == "one"
    origin.script("/sw.js", ANSWER.format(answer="two"))
    updated = json.loads(proxy.run("update", f"{origin.url}/", "--json").stdout)
    assert updated["state"] == "installed"
    assert proxy.curl(f"{origin.url}/").text == "one"
    origin._loop.call_soon_threadsafe(release.set)
    until(lambda: proxy.curl(f"{origin.url}/").text == "two")


def test_a_local_file_is_a_script_of_the_origin(origin: Origin, proxy: ProxyProcess, tmp_path: Path) -> None:
    """A file works for a site that knows nothing of it, imports files beside it, and updates when it changes."""
    origin.route("/page", "the site's own")
    (tmp_path / "lib.js").write_text("const suffix = '!';")
    script = tmp_path / "my worker.js"
    script.write_text(
        "importScripts('lib.js'); onfetch = (event) => event.respondWith(fetch(event.request)"
        ".then(async (response) => new Response(await response.text() + suffix)));"
    )
    done = proxy.register(f"{origin.url}/", str(script))
    assert done.returncode == 0, done.stderr
    assert f"{origin.url}/my%20worker.js" in done.stdout
    assert proxy.curl(f"{origin.url}/page").text == "the site's own!"
    (tmp_path / "lib.js").write_text("const suffix = '?';")
    until(lambda: proxy.curl(f"{origin.url}/page").text == "the site's own?")
    assert origin.count("/my%20worker.js") == 0
    assert str(script) in proxy.run("status").stdout


def test_local_imports_stay_in_their_directory(origin: Origin, proxy: ProxyProcess, tmp_path: Path) -> None:
    """A local script imports nothing from above its directory, and no file that is not a script."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.js").write_text("self.secret = 1;")
    (inner / "data.json").write_text("self.secret = 1;")
    (inner / "link.js").symlink_to(tmp_path / "secret.js")
    for imported in ("../secret.js", "%2e%2e/secret.js", "data.json", "link.js", "/secret.js"):
        (inner / "sw.js").write_text(f"importScripts({imported!r});")
        done = proxy.register(f"{origin.url}/", str(inner / "sw.js"))
        assert done.returncode == 1, imported
        assert "failed to load" in done.stderr


def test_module_workers(origin: Origin, proxy: ProxyProcess) -> None:
    """Static imports are linked and kept; import() rejects with a TypeError; so does importScripts()."""
    origin.script(
        "/sw.js",
        """
        import { answer } from "./lib/answer.js";
        onfetch = (event) => event.respondWith((async () => {
          const dynamic = await import("./lib/answer.js").catch((error) => error.constructor.name);
          let scripts;
          try { importScripts("/x.js"); } catch (error) { scripts = error.constructor.name; }
          return Response.json([answer, dynamic, scripts, import.meta.url, typeof this]);
        })());
        """,
    )
    origin.script("/lib/answer.js", "import { part } from '../part.js'; export const answer = part + 2;")
    origin.script("/part.js", "export const part = 40;")
    done = proxy.register(f"{origin.url}/", f"{origin.url}/sw.js", "--type", "module")
    assert done.returncode == 0, done.stderr
    origin.stop()
    proxy.control("POST", "/stop", {"scope": f"{origin.url}/"})
    got = json.loads(proxy.curl(f"{origin.url}/").text)
    assert got == [42, "TypeError", "TypeError", f"{origin.url}/sw.js", "undefined"]


def test_import_scripts_after_install(origin: Origin, proxy: ProxyProcess) -> None:
    """Afterwards only what was imported before or during install can be imported; without the network, too."""
    origin.script("/early.js", "self.early = (self.early ?? 0) + 1;")
    origin.script("/during.js", "self.during = true;")
    origin.script("/late.js", "self.late = true;")
    origin.script(
        "/sw.js",
        """
        importScripts("/early.js");
        oninstall = () => importScripts("/during.js");
        onfetch = (event) => {
          const results = [];
          for (const url of ["/early.js", "/during.js", "/late.js"]) {
            try { importScripts(url); results.push("imported"); } catch (error) { results.push(error.name); }
          }
          event.respondWith(Response.json([...results, self.early, self.during]));
        };
        """,
    )
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    proxy.control("POST", "/stop", {"scope": f"{origin.url}/"})
    origin.stop()
    got = json.loads(proxy.curl(f"{origin.url}/").text)
    assert got == ["imported", "imported", "NetworkError", 2, True]


def test_referrers(origin: Origin, proxy: ProxyProcess) -> None:
    """Imports and fetches name the script, as far as the policy that came with it allows; after a restart, too."""
    source = """
    importScripts("/lib.js");
    onfetch = (event) => event.respondWith(fetch("/asked"));
    """
    for policy, referrer in (("", "/sw.js"), ("origin", "/")):
        origin.hits.clear()
        origin.script("/sw.js", f"// {policy} {source}", Referrer_Policy=policy)
        origin.script("/lib.js", "// empty")
        origin.route("/asked", "asked")
        proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
        proxy.control("POST", "/update", {"scope": f"{origin.url}/", "skip_waiting": True})
        assert proxy.curl(f"{origin.url}/").text == "asked"
        named = {hit.path: hit.headers.get("referer") for hit in origin.hits}
        assert named["/asked"] == f"{origin.url}{referrer}", policy
        assert named["/lib.js"] in (f"{origin.url}{referrer}", None)


def test_the_policy_of_a_script(origin: Origin, proxy: ProxyProcess) -> None:
    """Content-Security-Policy says what a worker may fetch, import, connect to and make code of."""
    other = origin.url.replace("localhost", "127.0.0.1")
    for path in ("/lib.js", "/late.js"):
        origin.script(path, "// empty")
    origin.route("/there", "there", headers={"Access-Control-Allow-Origin": "*"})
    origin.route("/away", status=302, headers={"Location": f"{other}/there"})
    source = f"const OTHER = '{other}';"
    source += """
        const outcomes = {};
        const attempt = (name, work) => {
          try { work(); outcomes[name] = true; } catch (error) { outcomes[name] = error.name; }
        };
        attempt("import", () => importScripts("/lib.js"));
        attempt("import of another", () => importScripts(`${OTHER}/late.js`));
        attempt("eval", () => eval("1"));
        attempt("eval of a value", () => { if ((0, eval)(1) !== 1) throw new Error(); });
        attempt("timer", () => setTimeout("outcomes.compiled = true", 0));
        for (const f of [function () {}, function* () {}, async () => {}, async function* () {}]) {
          attempt(f.constructor.name, () => new f.constructor("return 1"));
        }
        attempt("functions", () => { if (!((() => {}) instanceof Function) || Function.length !== 1) throw 1; });
        onfetch = (event) => event.respondWith((async () => {
          for (const url of ["/there", `${OTHER}/there`, "/away"]) {
            outcomes[url.replace(OTHER, "other")] = await fetch(url).then((r) => r.text(), (error) => error.name);
          }
          const socket = new WebSocket(`${OTHER.replace("https", "wss")}/socket`);
          await new Promise((resolve) => (socket.onerror = resolve));
          return Response.json(outcomes);
        })());
    """
    origin.script("/sw.js", source, Content_Security_Policy="default-src 'self'; img-src *")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    names = ("Function", "GeneratorFunction", "AsyncFunction", "AsyncGeneratorFunction")
    expected = {
        "import": True,
        "import of another": "NetworkError",
        "eval": "EvalError",
        "eval of a value": True,
        "timer": True,
        **dict.fromkeys(names, "EvalError"),
        "functions": True,
        "/there": "there",
        "other/there": "TypeError",
        "/away": "TypeError",
    }
    assert json.loads(proxy.curl(f"{origin.url}/").text) == expected
    assert origin.count("/socket") == 0
    proxy.control("POST", "/stop", {"scope": f"{origin.url}/"})
    assert json.loads(proxy.curl(f"{origin.url}/").text) == expected


def test_idle_workers_stop(origin: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """A worker without events is stopped after the idle time, and started by the next one: its globals are gone."""
    origin.script(
        "/sw.js",
        "let count = 0; onfetch = (event) => event.respondWith(new Response(String(++count)));"
        "setInterval(() => {}, 10);",
    )
    proxy = start_proxy("--set", "idle_timeout=0.5")
    scope = f"{origin.url}/"
    proxy.registered(scope, f"{origin.url}/sw.js")
    assert [proxy.curl(scope).text for _ in range(2)] == ["1", "2"]
    until(lambda: proxy.worker_pid(scope) is None)
    assert proxy.curl(scope).text == "1"
    assert "stopped" in proxy.run("log").stdout


def test_start_and_stop(origin: Origin, proxy: ProxyProcess) -> None:
    """The commands start and stop the process."""
    origin.script("/sw.js", ANSWER.format(answer="x"))
    scope = f"{origin.url}/"
    proxy.registered(scope, f"{origin.url}/sw.js")
    assert "Stopped worker" in proxy.run("stop", scope).stdout
    assert proxy.worker_pid(scope) is None
    assert "is running" in proxy.run("start", scope).stdout
    assert proxy.worker_pid(scope) is not None


def test_the_longest_scope_wins(origin: Origin, proxy: ProxyProcess) -> None:
    """Scopes of one origin do not disturb each other; `/app` is outside of `/app/`."""
    for path, answer in (("/", "root"), ("/app/", "app"), ("/app/deep/", "deep")):
        origin.script(f"{path}sw.js", ANSWER.format(answer=answer))
        proxy.registered(f"{origin.url}{path}", f"{origin.url}{path}sw.js")
    expected = {"/x": "root", "/app": "root", "/app/": "app", "/app/deep": "app", "/app/deep/er?q": "deep"}
    assert {path: proxy.curl(f"{origin.url}{path}").text for path in expected} == expected


def test_offline_is_known_to_workers(origin: Origin, proxy: ProxyProcess) -> None:
    """navigator.onLine and fetch() agree, per origin too, and the worker hears of the change."""
    origin.script(
        "/sw.js",
        """
        const heard = [];
        for (const type of ["online", "offline"]) addEventListener(type, () => heard.push(type));
        onfetch = (event) => event.respondWith(
          fetch("/live").then(() => "fetched", (error) => error.constructor.name)
            .then((fetched) => Response.json([navigator.onLine, fetched, heard])));
        """,
    )
    origin.route("/live", "live")
    scope = f"{origin.url}/"
    proxy.registered(scope, f"{origin.url}/sw.js")
    assert json.loads(proxy.curl(scope).text) == [True, "fetched", []]
    proxy.offline(True, origin.url)
    assert json.loads(proxy.curl(scope).text) == [False, "TypeError", ["offline"]]
    assert proxy.status()["offline_origins"] == [origin.url]
    proxy.offline(False, origin.url)
    assert json.loads(proxy.curl(scope).text) == [True, "fetched", ["offline", "online"]]
    proxy.offline(True)
    assert json.loads(proxy.curl(scope).text)[:2] == [False, "TypeError"]


def test_the_log_tells_who_answered(origin: Origin, proxy: ProxyProcess) -> None:
    """Requests with their source, console lines with their place, lifecycle events; as text and as JSON."""
    origin.script(
        "/sw.js",
        """
        oninstall = (event) => event.waitUntil(caches.open("v1").then((cache) => cache.add("/cached")));
        onfetch = (event) => {
          console.warn("asked for %s", event.request.url, { n: 1 });
          if (event.request.url.endsWith("/made")) event.respondWith(new Response("made"));
          else event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
        };
        """,
    )
    origin.route("/cached", "c")
    origin.route("/live", "l")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    for path in ("/cached", "/live", "/made"):
        proxy.curl(f"{origin.url}{path}")

    def lines() -> list[dict[str, object]]:
        return [json.loads(line) for line in proxy.run("log", "--json").stdout.splitlines()]

    until(lambda: sum(line["kind"] == "request" for line in lines()) == 3)
    logged = lines()
    sources = {
        str(line["url"]).removeprefix(origin.url): line["source"] for line in logged if line["kind"] == "request"
    }
    assert sources == {"/cached": "cache", "/live": "network", "/made": "script"}
    warning = next(line for line in logged if line["kind"] == "console")
    assert warning["level"] == "warn"
    assert warning["text"] == f"asked for {origin.url}/cached {{ n: 1 }}"
    assert (warning["url"], warning["line"]) == (f"{origin.url}/sw.js", 4)
    states = [line["event"] for line in logged if line["kind"] == "worker"]
    assert states[:4] == ["installing", "installed", "activating", "activated"]


def test_the_caches_command(origin: Origin, proxy: ProxyProcess) -> None:
    """ls, keys, show and rm, with and without a proxy."""
    origin.route("/one", "first", headers={"X-Kept": "yes"})
    origin.route("/two", b"\x00\xff" * 50_000, "application/octet-stream")
    origin.script(
        "/sw.js",
        "oninstall = (event) => event.waitUntil(caches.open('v1').then((cache) => cache.addAll(['/one', '/two'])));",
    )
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    listed = json.loads(proxy.run("caches", "ls", "--json").stdout)
    assert listed == [{"origin": origin.url, "cache": "v1", "entries": 2, "bytes": 100_005}]
    keys = json.loads(proxy.run("caches", "keys", origin.url, "v1", "--json").stdout)
    assert [key["url"].removeprefix(origin.url) for key in keys] == ["/one", "/two"]
    proxy.stop()
    shown = proxy.run("caches", "show", origin.url, "v1", "/one", "--include").stdout
    assert shown.startswith("200 OK\n")
    assert "X-Kept: yes" in shown
    assert shown.endswith("\nfirst")
    assert proxy.run("caches", "rm", origin.url, "v1", "/one").returncode == 0
    assert proxy.run("caches", "show", origin.url, "v1", "/one").returncode == 1
    assert proxy.run("caches", "rm", origin.url).returncode == 2
    assert proxy.run("caches", "rm", origin.url, "v1").returncode == 0
    assert json.loads(proxy.run("caches", "ls", "--json").stdout) == []
    missing = proxy.run("caches", "keys", origin.url, "v1")
    assert missing.returncode == 1
    assert "no cache named 'v1'" in missing.stderr
