"""navigator.serviceWorker of pages in real Chromium, backed by the proxy."""

import base64
import contextlib
import gzip
import os
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from chromium import PROGRAM, TRUSTING
from origin import Origin
from playwright.sync_api import Browser, BrowserContext, Page
from proxy_process import ProxyProcess
from waiting import until

from swproxy.storage.indexeddb.directory import databases
from swproxy.storage.origins import directory_of

PROXY_ARGUMENTS = ("--intercept-all",)

BLANK = '<!doctype html><meta charset="utf-8"><title>blank</title><link rel="icon" href="data:,">'
CLAIMS = """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
"""
REGISTERED = """(async () => {
  const changed = new Promise((resolve) => (navigator.serviceWorker.oncontrollerchange = resolve));
  await navigator.serviceWorker.register("/sw.js");
  await changed;
})()"""


@pytest.fixture
def site(origin: Origin) -> Origin:
    for path in ("/", "/other", "/app/"):
        origin.route(path, BLANK, "text/html")
    origin.script("/sw.js", CLAIMS)
    return origin


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


def workers(proxy: ProxyProcess) -> list[tuple[int, str]]:
    """Number and state of those of the only registration."""
    (registration,) = proxy.status()["registrations"]
    return [(worker["id"], worker["state"]) for worker in registration["workers"]]


# ServiceWorkerContainer and ServiceWorkerRegistration


def test_a_page_registers(site: Origin, context: BrowserContext) -> None:
    """States, events and objects come as in a browser."""
    page = opened(context, f"{site.url}/")
    seen = page.evaluate(
        """(async () => {
          const log = [];
          const container = navigator.serviceWorker;
          const changed = new Promise((resolve) => (container.oncontrollerchange = resolve));
          const registration = await container.register("/sw.js");
          log.push(registration.scope, registration.updateViaCache, registration.installing.state);
          registration.onupdatefound = () => log.push("updatefound");
          const worker = registration.installing;
          await new Promise((resolve) => (worker.onstatechange = () => {
            log.push(worker.state);
            if (worker.state === "activated") resolve();
          }));
          await changed;
          log.push(registration.active === worker, container.controller === worker, registration.installing);
          const same = (other) => log.push(other === registration);
          same(await container.ready);
          same(await container.getRegistration("/x"));
          same((await container.getRegistrations())[0]);
          same(await registration.update());
          log.push(await registration.unregister(), await container.getRegistration(), worker.state);
          return log;
        })()"""
    )
    states = ["installing", "updatefound", "installed", "activating", "activated"]
    assert seen == [
        f"{site.url}/",
        "imports",
        *states,
        *(True, True, None),
        *(True, True, True, True),
        *(True, None, "activated"),
    ]


FAILURES = [
    ("register('/missing.js')", "TypeError"),
    ("register('/text.js')", "SecurityError"),
    ("register('/throws.js')", "TypeError"),
    ("register('/syntax.js')", "TypeError"),
    ("register('/sw.js', {scope: 'https://other.test/'})", "SecurityError"),
    ("register('https://other.test/sw.js')", "SecurityError"),
    ("register('data:text/javascript,')", "TypeError"),
    ("register('/a%2fb.js')", "TypeError"),
    ("register('/sw.js', {scope: '/a%5Cb'})", "TypeError"),
    ("register('http://[')", "TypeError"),
    ("register('/app/sw.js', {scope: '/'})", "SecurityError"),
    ("register('/redirect.js')", "SecurityError"),
    ("register()", "TypeError"),
    ("register('/sw.js', {type: 'shared'})", "TypeError"),
    ("register('/sw.js', {updateViaCache: ''})", "TypeError"),
    ("getRegistration('https://other.test/')", "SecurityError"),
    ("getRegistration('http://[')", "TypeError"),
]


def test_what_cannot_be_registered(site: Origin, context: BrowserContext, proxy: ProxyProcess) -> None:
    """Each failure has its exception, and leaves nothing behind."""
    site.route("/text.js", "", "text/plain")
    site.script("/throws.js", "throw new RangeError('no');")
    site.script("/syntax.js", "(")
    site.script("/app/sw.js", "")
    site.route("/redirect.js", status=302, headers={"Location": "/sw.js"})
    page = opened(context, f"{site.url}/")
    names = {
        call: page.evaluate(f"navigator.serviceWorker.{call}.then(() => '', (e) => e.name)") for call, _ in FAILURES
    }
    assert names == dict(FAILURES)
    assert proxy.status()["registrations"] == []


def test_interfaces(site: Origin, context: BrowserContext) -> None:
    """They look like those of a browser, and nothing else is left in the page."""
    page = opened(context, f"{site.url}/")
    assert page.evaluate(
        """(() => {
          const name = (work) => { try { work(); return ""; } catch (error) { return error.constructor.name; } };
          return [
            String(navigator.serviceWorker), navigator.serviceWorker instanceof ServiceWorkerContainer,
            navigator.serviceWorker instanceof EventTarget, name(() => new ServiceWorker()),
            name(() => ServiceWorkerContainer.prototype.controller), "serviceWorker" in Navigator.prototype,
            document.querySelectorAll("script").length, Object.keys(window).filter((key) => /swproxy/i.test(key)),
            typeof ServiceWorkerContainer.prototype.register, ServiceWorkerContainer.prototype.register.length,
          ];
        })()"""
    ) == ["[object ServiceWorkerContainer]", True, True, "TypeError", "TypeError", True, 0, [], "function", 1]


# Control


def test_a_waiting_worker_waits_for_the_last_page(site: Origin, context: BrowserContext, proxy: ProxyProcess) -> None:
    """It takes over when that closes, within a second."""
    first, second = opened(context, f"{site.url}/"), opened(context, f"{site.url}/other")
    first.evaluate(REGISTERED)
    old = workers(proxy)
    site.script("/sw.js", "// the next version")
    first.evaluate("navigator.serviceWorker.getRegistration().then((r) => r.update())")
    until(lambda: len(workers(proxy)) == 2)
    first.close()
    new = workers(proxy)[0]
    assert [state for _, state in workers(proxy)] == ["installed", "activated"]
    assert second.evaluate("navigator.serviceWorker.controller.state") == "activated"
    second.close()
    until(lambda: workers(proxy) == [(new[0], "activated")], 1)
    assert old[0][0] != new[0]


def test_a_browser_that_is_killed_has_no_pages(
    site: Origin, proxy: ProxyProcess, launch: Callable[..., Browser], tmp_path: Path
) -> None:
    """The waiting worker takes over within a second."""
    command = [PROGRAM, "--headless", f"--user-data-dir={tmp_path / 'browser'}", *TRUSTING]
    command += [f"--proxy-server={proxy.url}", "--proxy-bypass-list=<-loopback>", f"{site.url}/registers"]
    site.route("/registers", f"{BLANK}<script>{REGISTERED}.then(() => fetch('/ready'))</script>", "text/html")
    site.route("/ready")
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until(lambda: site.count("/ready") == 1, 20)
        site.script("/sw.js", "// the next version")
        proxy.control("POST", "/update", {"scope": f"{site.url}/"})
        assert [state for _, state in workers(proxy)] == ["installed", "activated"]
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
    until(lambda: [state for _, state in workers(proxy)] == ["activated"], 1)


def test_unregistering_waits_for_pages(site: Origin, context: BrowserContext, proxy: ProxyProcess) -> None:
    """They stay controlled until they close; a reload is uncontrolled."""
    site.script("/sw.js", f"{CLAIMS} onfetch = (event) => event.respondWith(new Response('worker'));")
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    page.evaluate("navigator.serviceWorker.getRegistration().then((r) => r.unregister())")
    assert page.evaluate("fetch('/x').then((r) => r.text())") == "worker"
    page.goto(f"{site.url}/")
    assert page.evaluate("navigator.serviceWorker.controller") is None
    assert proxy.status()["registrations"] == []


def test_a_registration_that_is_gone(site: Origin, context: BrowserContext) -> None:
    """An update that comes too late fails; of a registration that has no workers any more it is not even tried."""
    page = opened(context, f"{site.url}/")
    page.evaluate("navigator.serviceWorker.register('/sw.js', { scope: '/app/' })")
    names = page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration("/app/");
          const name = (error) => error.name;
          const gone = new Promise((resolve) => {
            const worker = registration.installing ?? registration.waiting ?? registration.active;
            worker.onstatechange = () => worker.state === "redundant" && resolve();
          });
          const [, late] = await Promise.all([registration.unregister(), registration.update().catch(name)]);
          await gone;
          return [late, await registration.update().catch(name)];
        }"""
    )
    assert names == ["TypeError", "InvalidStateError"]


def test_imports_have_the_cookies_of_the_page(site: Origin, context: BrowserContext) -> None:
    """Those of the browser that registers the worker; a static import of a module has none."""
    site.script("/sw.js", "importScripts('/lib.js');")
    site.script("/module.js", "import '/lib.js';")
    site.script("/lib.js", "// empty")
    page = opened(context, f"{site.url}/")
    for type_, script, cookie in (("classic", "/sw.js", "a=1"), ("module", "/module.js", None)):
        site.hits.clear()
        page.evaluate(
            """async ([url, type]) => {
              document.cookie = "a=1";
              const registration = await navigator.serviceWorker.register(url, { type });
              await registration.unregister();
            }""",
            [script, type_],
        )
        (hit,) = [hit for hit in site.hits if hit.path == "/lib.js"]
        assert hit.headers.get("cookie") == cookie
        assert hit.headers["referer"] == f"{site.url}{script}"


def test_a_frame_that_is_no_html_keeps_its_worker(site: Origin, context: BrowserContext) -> None:
    """It gets the client script when it has loaded; the registration waits for it from there on, each frame's own."""
    site.route("/app/data", "{}", "application/json")
    page = opened(context, f"{site.url}/")
    controllers = page.evaluate(
        """async () => {
          const open = (frame) => new Promise((resolve) => {
            frame.onload = () => resolve(frame.contentWindow.navigator.serviceWorker);
            frame.src = "/app/data";
            document.body.append(frame);
          });
          const active = (worker) => new Promise((resolve) => {
            worker.onstatechange = () => worker.state === "activated" && resolve();
          });
          const registration = await navigator.serviceWorker.register("/sw.js?1", { scope: "/app/" });
          await active(registration.installing);
          const containers = [];
          for (let i = 0; i < 2; i++) containers.push(await open(document.createElement("iframe")));
          await registration.unregister();
          await navigator.serviceWorker.register("/sw.js?2", { scope: "/app/" });
          return containers.map(({ controller }) => controller?.scriptURL.slice(-1) + controller?.state);
        }"""
    )
    assert controllers == ["1activated", "1activated"]


def test_clear_site_data(site: Origin, context: BrowserContext, proxy: ProxyProcess) -> None:
    """A response of the network that says so leaves nothing of its origin, and breaks off what begins."""
    site.script(
        "/sw.js",
        CLAIMS
        + """
        onfetch = (event) => {
          if (event.request.url.endsWith("/fill")) event.respondWith((async () => {
            await (await caches.open("a")).put("/x", new Response("x"));
            await new Promise((resolve) => (indexedDB.open("b").onsuccess = resolve));
            return new Response("filled");
          })());
        };
        """,
    )
    site.script("/app/endless.js", "oninstall = (event) => event.waitUntil(new Promise(() => {}));")
    site.script("/app/stuck.js", "for (;;);")
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    assert page.evaluate("fetch('/fill').then((response) => response.text())") == "filled"
    stored = directory_of(proxy.profile.indexeddb, site.url)
    assert databases(stored) == [("b", 1)]
    for header in ('"cache", "cookies"', "storage"):
        site.route("/clear", headers={"Clear-Site-Data": header})
        page.evaluate("fetch('/clear')")
        assert page.evaluate("caches.keys()") == ["a"]
    site.route("/clear", headers={"Clear-Site-Data": '"cache", "storage"'})
    seen = page.evaluate(
        """async () => {
          const container = navigator.serviceWorker;
          const { controller } = container;
          const uncontrolled = new Promise((resolve) => (container.oncontrollerchange = resolve));
          const { installing } = await container.register("/app/endless.js");
          const stuck = container.register("/app/stuck.js", { scope: "/app/stuck/" }).catch((error) => error.name);
          await fetch("/clear");
          await uncontrolled;
          const left = [await container.getRegistrations(), await caches.keys()];
          return [await stuck, controller.state, installing.state, container.controller, ...left];
        }"""
    )
    assert seen == ["AbortError", "redundant", "redundant", None, [], []]
    assert proxy.status()["registrations"] == []
    assert databases(stored) == []
    page.evaluate(REGISTERED)
    assert page.evaluate("fetch('/fill').then((response) => response.text())") == "filled"


def test_frames_that_are_no_clients(site: Origin, context: BrowserContext, proxy: ProxyProcess) -> None:
    """One that is gone before it has said anything, and one whose policy gives it an origin of its own."""
    site.script(
        "/sw.js",
        CLAIMS
        + """
        onmessage = async ({ source }) => {
          const urls = (await clients.matchAll()).map((client) => new URL(client.url).pathname);
          const asked = await clients.get(resulting);
          source.postMessage([urls, asked === undefined]);
        };
        let resulting = "";
        onfetch = (event) => (resulting = event.resultingClientId);
        """,
    )
    site.route("/sandboxed", BLANK, "text/html", headers={"Content-Security-Policy": "sandbox allow-scripts"})
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    seen = page.evaluate(
        """async () => {
          const open = (url) => new Promise((resolve) => {
            const frame = document.body.appendChild(document.createElement("iframe"));
            frame.onload = () => resolve(frame);
            frame.src = url;
          });
          const asked = async () => {
            const answer = new Promise((resolve) => (navigator.serviceWorker.onmessage = (e) => resolve(e.data)));
            navigator.serviceWorker.controller.postMessage("");
            return answer;
          };
          await open("/sandboxed");
          const first = await asked();
          const frame = await open("/app/");
          const { controller } = frame.contentWindow.navigator.serviceWorker;
          const { DOMException } = frame.contentWindow;
          frame.remove();
          let thrown;
          try { controller.postMessage(""); } catch (error) { thrown = error instanceof DOMException && error.name; }
          return [first, await asked(), thrown];
        }"""
    )
    assert seen == [[["/"], True], [["/"], True], "InvalidStateError"]
    until(lambda: [each["url"] for each in proxy.status()["pages"]] == [f"{site.url}/"], 2)


def test_a_frame_does_not_navigate_to_mixed_content(site: Origin, context: BrowserContext) -> None:
    """The browser would not show it; nor does it, so nobody waits for that."""
    site.script(
        "/sw.js",
        CLAIMS
        + """
        onmessage = async ({ source }) => {
          const frame = (await clients.matchAll()).find(({ frameType }) => frameType === "nested");
          source.postMessage(await frame.navigate("http://other.test/").catch((error) => error.name));
        };
        """,
    )
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    name = page.evaluate(
        """async () => {
          const frame = document.body.appendChild(document.createElement("iframe"));
          await new Promise((resolve) => { frame.onload = resolve; frame.src = "/app/"; });
          const answer = new Promise((resolve) => (navigator.serviceWorker.onmessage = (e) => resolve(e.data)));
          navigator.serviceWorker.controller.postMessage("");
          return answer;
        }"""
    )
    assert name == "TypeError"


def test_frames_and_other_origins(site: Origin, context: BrowserContext, proxy: ProxyProcess) -> None:
    """Control is per client: each frame has the worker of its own URL, for the resources of all origins."""
    answers = "onfetch = (event) => {"
    answers += " if (event.request.url.includes('/made')) event.respondWith(new Response(registration.scope)); };"
    site.script("/sw.js", CLAIMS + answers)
    site.script("/app/sw.js", CLAIMS + answers)
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    page.evaluate("navigator.serviceWorker.register('/app/sw.js')")
    until(lambda: all(each["workers"][0]["state"] == "activated" for each in proxy.status()["registrations"]))
    other = site.url.replace("localhost", "127.0.0.1")
    text = """async (urls) => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      await new Promise((resolve) => { frame.onload = resolve; frame.src = "/app/"; });
      const texts = [];
      for (const owner of [window, frame.contentWindow]) {
        for (const url of urls) texts.push(await owner.fetch(url).then((r) => r.text()));
      }
      return texts;
    }"""
    root, app = f"{site.url}/", f"{site.url}/app/"
    assert page.evaluate(text, ["/made", f"{other}/made"]) == [root, root, app, app]


def test_a_hard_reload_is_uncontrolled(site: Origin, context: BrowserContext) -> None:
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    session = context.new_cdp_session(page)
    with page.expect_navigation():
        session.send("Page.reload", {"ignoreCache": True})
    assert page.evaluate("navigator.serviceWorker.controller") is None
    page.reload()
    assert page.evaluate("navigator.serviceWorker.controller.state") == "activated"


def test_opaque_answers_stay_unreadable(site: Origin, context: BrowserContext) -> None:
    """Whatever the worker answers with, a page reads of another origin only what that lets it."""
    other = site.url.replace("localhost", "127.0.0.1")
    site.route("/secret", "a secret")
    site.script(
        "/sw.js",
        CLAIMS
        + f"""
        onfetch = (event) => {{
          const url = new URL(event.request.url);
          if (url.pathname === "/opaque") event.respondWith(fetch("{other}/secret", {{ mode: "no-cors" }}));
        }};""",
    )
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    read = "fetch('/opaque', {mode: 'no-cors'}).then(async (r) => [r.type, r.status, r.url, await r.text()])"
    assert page.evaluate(read) == ["opaque", 0, "", ""]
    large = "{method: 'POST', mode: 'no-cors', body: new Uint8Array((1 << 20) + 1)}"
    assert page.evaluate(read.replace("{mode: 'no-cors'}", large)) == ["opaque", 0, "", ""]
    assert page.evaluate("fetch('/opaque').then(() => '', (e) => e.name)") == "TypeError"
    # A resource that no script has asked for comes from where it is from.
    style = """new Promise((resolve) => {
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/opaque" });
      const look = (sheet) => { try { return sheet.cssRules.length; } catch (error) { return error.name; } };
      link.onload = link.onerror = () => resolve([...document.styleSheets].map(look));
      document.head.append(link);
    })"""
    assert page.evaluate(style) in ([], ["SecurityError"])


# Clients


def test_clients_of_a_worker(site: Origin, context: BrowserContext) -> None:
    """Those that are open, the newest, which has the focus, first; claimed or not."""
    site.script(
        "/sw.js",
        CLAIMS
        + """
        onfetch = (event) => {
          const url = new URL(event.request.url);
          if (url.pathname !== "/clients") return;
          event.respondWith((async () => {
            const all = await clients.matchAll({ includeUncontrolled: true });
            const own = await clients.get(event.clientId);
            return Response.json([all.map((c) => [new URL(c.url).pathname, c.frameType, c.visibilityState]),
              new URL(own.url).pathname, all.length]);
          })());
        };""",
    )
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    other = opened(context, f"{site.url}/other")
    got = page.evaluate("fetch('/clients').then((r) => r.json())")
    assert got[0] == [["/other", "top-level", "visible"], ["/", "top-level", "visible"]]
    assert got[1:] == ["/", 2]
    other.close()
    until(lambda: page.evaluate("fetch('/clients').then((r) => r.json())")[2] == 1, 2)


# Who may speak


def tls(proxy: ProxyProcess, site: Origin) -> ssl.SSLSocket:
    """A connection to the site through the proxy."""
    address = urlsplit(proxy.url)
    raw = socket.create_connection((address.hostname, address.port), 10)
    raw.sendall(f"CONNECT localhost:{site.port} HTTP/1.1\r\nHost: localhost:{site.port}\r\n\r\n".encode())
    assert b" 200 " in raw.recv(4096)
    context = ssl.create_default_context(cafile=proxy.ca)
    return context.wrap_socket(raw, server_hostname="localhost")


def handshake(proxy: ProxyProcess, site: Origin, *headers: str) -> bytes:
    """The status line for a WebSocket handshake of the channel."""
    lines = [
        "GET /.swproxy/channel HTTP/1.1",
        f"Host: localhost:{site.port}",
        *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        *headers,
    ]
    with tls(proxy, site) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(4096).partition(b"\r\n")[0]


def test_the_channel_is_for_documents_of_the_origin(site: Origin, proxy: ProxyProcess) -> None:
    """Browsers say in Origin who asks, and let no script forge that."""
    own = f"Origin: {site.url}"
    assert handshake(proxy, site, own).startswith(b"HTTP/1.1 101")
    for headers in (
        [],
        ["Origin: https://other.test"],
        ["Origin: null"],
        [f"Origin: {site.url}.evil.test"],
        [own, "Sec-Fetch-Site: cross-site"],
        [own, "Sec-Fetch-Site: same-site"],
    ):
        assert handshake(proxy, site, *headers).startswith(b"HTTP/1.1 403"), headers


def test_no_other_process_gets_at_the_server_behind_the_channel(site: Origin, proxy: ProxyProcess) -> None:
    """Its addresses are secrets that are good for one request."""
    listing = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    ports = re.findall(rf"127\.0\.0\.1:(\d+) .*pid={proxy.process.pid},", listing)
    assert len(ports) > 2
    public = urlsplit(proxy.url).port
    for port in ports:
        if int(port) == public:
            continue
        with socket.create_connection(("127.0.0.1", int(port)), 5) as connection:
            connection.sendall(b"GET /.swproxy/channel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 404")


def test_pages_of_other_origins_get_nowhere(site: Origin, context: BrowserContext, proxy: ProxyProcess) -> None:
    """Neither to the channel nor to the number of a client; and what a hostile page says about itself is checked."""
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    hostile = opened(context, site.url.replace("localhost", "127.0.0.1") + "/")
    connect = """(url) => new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("refused");
    })"""
    assert hostile.evaluate(connect, f"wss://localhost:{site.port}/.swproxy/channel") == "refused"
    lie = """([url, hello]) => new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.onopen = () => socket.send(JSON.stringify(hello));
      socket.onclose = (event) => resolve(event.code);
      socket.onmessage = (event) => resolve(event.data);
    })"""
    own = f"wss://127.0.0.1:{site.port}/.swproxy/channel"
    hello: list[Any] = ["0" * 32, f"{site.url}/", None, True, "top-level", True, "visible", []]
    assert hostile.evaluate(lie, [own, hello]) == 1008
    stolen = page.evaluate("fetch('/.swproxy/client.js').then((r) => r.status)")
    assert stolen == 200
    for bad in ([], {}, ["x"], [*hello, 1], "text"):
        assert hostile.evaluate(lie, [own, bad]) == 1008
    assert page.evaluate("navigator.serviceWorker.getRegistration().then((r) => r.active.state)") == "activated"


# Documents


def curl(proxy: ProxyProcess, url: str, *arguments: str) -> Any:
    """As a browser that navigates."""
    headers = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html"]
    options = [option for header in headers for option in ("-H", header)]
    return proxy.curl(url, *options, *arguments)


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_documents_get_the_script(site: Origin, proxy: ProxyProcess, version: str, coding: str) -> None:
    """From the network, over both protocols, coded or not; with the right length, if there is one."""
    body = gzip.compress(BLANK.encode()) if coding else BLANK.encode()
    headers = {"Content-Encoding": coding} if coding else {}
    site.route("/page", body, "text/html; charset=utf-8", headers=headers)
    answer = curl(proxy, f"{site.url}/page", version, "--compressed")
    assert answer.text.startswith('<!doctype html><script src="/.swproxy/client.js?v=')
    assert re.sub(r"<script.*?</script>", "", answer.text, count=1) == BLANK
    assert answer.headers["cache-control"] == "no-cache"
    if not coding:
        assert int(answer.headers["content-length"]) == len(answer.body)


def test_nothing_else_gets_it(site: Origin, proxy: ProxyProcess, start_proxy: Callable[..., ProxyProcess]) -> None:
    """Not what a script fetches, not other types; and no document at all if the user does not want it."""
    site.route("/page", BLANK, "text/html")
    site.route("/text", "<!doctype html>", "text/plain")
    fetched = ("-H", "Sec-Fetch-Mode: cors", "-H", "Sec-Fetch-Dest: empty")
    assert proxy.curl(f"{site.url}/page", *fetched).text == BLANK
    assert curl(proxy, f"{site.url}/text").text == "<!doctype html>"
    proxy.stop()
    without = start_proxy("--intercept-all", "--no-page-client")
    assert curl(without, f"{site.url}/page").text == BLANK
    assert without.curl(f"{site.url}/.swproxy/client.js").status == 404


def test_documents_of_workers_get_it(site: Origin, proxy: ProxyProcess) -> None:
    """Made up, from a cache, and while they stream."""
    site.script(
        "/sw.js",
        f"""
        const page = {BLANK!r};
        oninstall = (event) => event.waitUntil(caches.open("v1").then((cache) => cache.add("/other")));
        onfetch = (event) => {{
          const {{ pathname }} = new URL(event.request.url);
          const headers = {{ "Content-Type": "text/html" }};
          if (pathname === "/made") event.respondWith(new Response(page, {{ headers }}));
          if (pathname === "/other") event.respondWith(caches.match("/other"));
          if (pathname === "/stream") event.respondWith(new Response(new ReadableStream({{
            start(controller) {{
              controller.enqueue(new TextEncoder().encode(page));
              controller.close();
            }},
          }}), {{ headers }}));
        }};""",
    )
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    for path in ("/made", "/other", "/stream"):
        text = curl(proxy, f"{site.url}{path}").text
        assert "/.swproxy/client.js?v=" in text, path
        assert re.sub(r"<script.*?</script>", "", text, count=1) == BLANK


@pytest.mark.parametrize("replace", ["", "document.open(); document.write('<title>anew</title>'); document.close();"])
def test_back_and_forward(site: Origin, proxy: ProxyProcess, launch: Callable[..., Browser], replace: str) -> None:
    """A page that goes into the back/forward cache does not count, and comes back as the same client."""
    answers_with_client = "onfetch = (event) => { if (event.request.url.endsWith('/who'))"
    answers_with_client += " event.respondWith(new Response(event.clientId)); };"
    site.script("/sw.js", CLAIMS + answers_with_client)
    who = "fetch('/who').then((r) => r.text())"
    browser = launch(proxy, ignore_default_args=["--disable-back-forward-cache"])
    with contextlib.closing(browser.new_context(ignore_https_errors=True)) as context:
        page = opened(context, f"{site.url}/")
        page.evaluate(REGISTERED)
        page.evaluate(f"window.mark = 1; {replace}")
        client = page.evaluate(who)
        page.goto(f"{site.url}/other")
        until(lambda: [each["presence"] for each in proxy.status()["pages"]] == ["frozen", "open"])
        page.go_back(wait_until="commit")
        assert page.evaluate("window.mark") == 1
        assert page.evaluate(who) == client
        page.evaluate("navigator.serviceWorker.ready.then((r) => r.update())")
        assert page.evaluate("navigator.serviceWorker.controller.state") == "activated"


def test_answers_without_a_body(site: Origin, context: BrowserContext) -> None:
    """A status that has none is one of a worker's, too."""
    answers = "onfetch = (event) => { if (event.request.url.includes('/status/'))"
    answers += " event.respondWith(new Response(null, { status: +event.request.url.slice(-3) })); };"
    site.script("/sw.js", CLAIMS + answers)
    page = opened(context, f"{site.url}/")
    page.evaluate(REGISTERED)
    for status in (204, 205, 304):
        assert page.evaluate(f"fetch('/status/{status}').then((r) => [r.status, r.body])") == [status, None]


def test_what_is_said_while_the_proxy_restarts(
    site: Origin, start_proxy: Callable[..., ProxyProcess], launch: Callable[..., Browser]
) -> None:
    """It waits for the line to come back; the objects stay the same."""
    heard = "onmessage = (event) => fetch('/heard?' + event.data);"
    site.script("/sw.js", CLAIMS + heard)
    site.route("/heard")
    first = start_proxy("--intercept-all")
    port = str(urlsplit(first.url).port)
    with contextlib.closing(launch(first).new_context(ignore_https_errors=True)) as context:
        page = opened(context, f"{site.url}/")
        page.evaluate(REGISTERED)
        page.evaluate("navigator.serviceWorker.ready.then((r) => (window.registration = r))")
        first.kill()
        page.evaluate("navigator.serviceWorker.addEventListener('controllerchange', () => (window.changed = true))")
        asked = "window.asked = navigator.serviceWorker.getRegistration().then((r) => r === window.registration)"
        until(lambda: bool(page.evaluate("fetch('/heard').then(() => false, () => true)")))
        page.evaluate(f"{asked}; for (const n of [1, 2]) navigator.serviceWorker.controller.postMessage(n); 0")
        start_proxy("--intercept-all", "--set", f"listen_port={port}")
        assert page.evaluate("window.asked") is True
        until(lambda: site.count("/heard") == 2)


def test_other_sites_hosts_are_not_told(site: Origin, proxy: ProxyProcess) -> None:
    """Which workers there are is no other site's business."""
    proxy.registered(f"{site.url}/", f"{site.url}/sw.js")
    other = site.url.replace("localhost", "127.0.0.1")
    assert "localhost" not in curl(proxy, f"{other}/").text
