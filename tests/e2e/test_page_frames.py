"""Frames in Chromium whose documents come from no server: they have what the document around them has."""

from typing import Any

import pytest
from origin import Origin
from playwright.sync_api import BrowserContext, Page
from proxy_process import ProxyProcess
from waiting import until

PROXY_ARGUMENTS = ("--intercept-all", "--remove-native-workers")

BLANK = '<!doctype html><meta charset="utf-8"><title>blank</title><link rel="icon" href="data:,">'
WORKER = """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
onfetch = (event) => {
  if (event.request.url.endsWith("/made")) event.respondWith(new Response(registration.scope));
};
onmessage = async ({ source }) => {
  source.postMessage((await clients.matchAll({ includeUncontrolled: true })).map(({ url }) => new URL(url).pathname));
};
"""
FRAME = """
  const frameOf = async (set) => {
    const frame = document.createElement("iframe");
    const loaded = new Promise((resolve) => (frame.onload = resolve));
    set(frame);
    document.body.append(frame);
    await loaded;
    return frame.contentWindow;
  };
  const kinds = {
    nothing: () => {},
    blank: (frame) => (frame.src = "about:blank"),
    srcdoc: (frame) => (frame.srcdoc = "<p>text"),
    blob: (frame) => (frame.src = URL.createObjectURL(new Blob(["<p>text"], { type: "text/html" }))),
  };
"""
KINDS = ["nothing", "blank", "srcdoc", "blob"]


@pytest.fixture
def page(site: Origin, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(f"{site.url}/")
    return page


@pytest.fixture
def site(origin: Origin) -> Origin:
    origin.route("/", BLANK, "text/html")
    origin.route("/app/", BLANK, "text/html")
    origin.route("/made", "network")
    origin.script("/sw.js", WORKER)
    origin.script("/app/sw.js", WORKER)
    return origin


def registered(page: Page, proxy: ProxyProcess, *scripts: str) -> None:
    page.evaluate(
        """async (scripts) => {
          const changed = new Promise((resolve) => (navigator.serviceWorker.oncontrollerchange = resolve));
          for (const script of scripts) await navigator.serviceWorker.register(script);
          await changed;
        }""",
        scripts,
    )
    until(lambda: all(each["workers"][0]["state"] == "activated" for each in proxy.status()["registrations"]))


def run(page: Page, body: str, argument: Any = None) -> Any:
    return page.evaluate(f"async (argument) => {{ {FRAME} {body} }}", argument)


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_without_a_response(page: Page, proxy: ProxyProcess, site: Origin, kind: str) -> None:
    """Controller, registrations, caches and requests are as in the document around it; its handlers are its own."""
    registered(page, proxy, "/sw.js")
    got = run(
        page,
        """
        await caches.open("v1");
        const asked = new Promise((resolve) => (navigator.serviceWorker.onmessage = resolve));
        const view = await frameOf(kinds[argument]);
        const { serviceWorker } = view.navigator;
        serviceWorker.onmessage = null;
        const request = new view.XMLHttpRequest();
        request.open("GET", `${origin}/made`);
        await new Promise((resolve) => { request.onload = resolve; request.send(); });
        serviceWorker.controller.postMessage("");
        return {
          scopes: [
            (await serviceWorker.ready).scope,
            (await serviceWorker.register(`${origin}/sw.js`)).scope,
            (await serviceWorker.getRegistration(`${origin}/`)).scope,
            ...(await serviceWorker.getRegistrations()).map(({ scope }) => scope),
            await (await view.fetch(`${origin}/made`)).text(),
            request.responseText,
          ],
          names: await view.caches.keys(),
          same: [
            serviceWorker === view.navigator.serviceWorker,
            serviceWorker !== navigator.serviceWorker,
            serviceWorker instanceof view.ServiceWorkerContainer,
            view.caches instanceof view.CacheStorage,
          ],
          clients: (await asked).data,
        };
        """,
        kind,
    )
    assert got["scopes"] == [f"{site.url}/"] * 6
    assert got["names"] == ["v1"]
    assert got["same"] == [True] * 4
    assert got["clients"] == ["/"]


def test_a_frame_with_ways_of_its_own(page: Page, proxy: ProxyProcess, site: Origin) -> None:
    """Its policy binds it, its base is its own, and so is what its scripts have put in the place of fetch()."""
    registered(page, proxy, "/sw.js")
    got = run(
        page,
        """
        const start = (html) => frameOf((frame) => (frame.srcdoc = html));
        const script = (text) => `<script>${text}</scr` + "ipt>";
        const policy = `<meta http-equiv=content-security-policy content="connect-src 'none'">`;
        const bound = await start(policy);
        const mocked = await start(script("fetch = async () => new Response('mock')"));
        const based = await start("<base href=/deep/>");
        const tag = "Object.assign(XMLHttpRequest.prototype, { setRequestHeader() { parent.seen = true; } })";
        const watched = await start(script(tag));
        const request = new watched.XMLHttpRequest();
        request.open("GET", `${origin}/made`);
        await new Promise((resolve) => { request.onload = resolve; request.send(); });
        const response = await based.fetch("made");
        return [
          await bound.fetch(`${origin}/made`).catch(({ name }) => name),
          await (await mocked.fetch("/made")).text(),
          new URL(response.url).pathname,
          response instanceof based.Response,
          window.seen ?? null,
        ];
        """,
    )
    assert got == ["TypeError", "mock", "/deep/made", True, None]


def test_a_frame_whose_controller_changes(page: Page, site: Origin) -> None:
    """Its container tells, too; not that of a frame which is not there any more."""
    got = run(
        page,
        """
        const told = [];
        const listen = (view, name) => {
          const container = view.navigator.serviceWorker;
          container.oncontrollerchange = () => told.push([name, container.controller !== null]);
        };
        const gone = await frameOf(kinds.blank);
        listen(gone, "gone");
        document.body.lastChild.remove();
        listen(await frameOf(kinds.srcdoc), "srcdoc");
        listen(await frameOf(kinds.blank), "blank");
        listen(window, "document");
        await navigator.serviceWorker.register("/sw.js");
        while (told.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
        return told.sort();
        """,
    )
    assert got == [["blank", True], ["document", True], ["srcdoc", True]]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_controller(page: Page, kind: str) -> None:
    """Requests go to the network; caches and registrations are the proxy's all the same."""
    got = run(
        page,
        """
        const view = await frameOf(kinds[argument]);
        const { serviceWorker } = view.navigator;
        const { scope } = await serviceWorker.register(`${origin}/sw.js`, { scope: "/nowhere" });
        await view.caches.open("v1");
        const text = await (await view.fetch(`${origin}/made`)).text();
        return [serviceWorker.controller, new URL(scope).pathname, await caches.keys(), text];
        """,
        kind,
    )
    assert got == [None, "/nowhere", ["v1"], "network"]


@pytest.mark.parametrize(
    "look", ["frame.contentWindow.navigator.serviceWorker.controller", "frame.contentDocument", "0"]
)
def test_a_frame_that_is_seen_before_its_document(page: Page, proxy: ProxyProcess, site: Origin, look: str) -> None:
    """The window is the same one, but what it has is the document's own; what was replaced is not used."""
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text))
    registered(page, proxy, "/sw.js", "/app/sw.js")
    got = run(
        page,
        """
        const frame = document.createElement("iframe");
        const loaded = new Promise((resolve) => (frame.onload = resolve));
        frame.src = "/app/";
        document.body.append(frame);
        eval(argument);
        frames[0].mark = true;
        const early = frames[0].document;
        await loaded;
        const view = frame.contentWindow;
        const { controller } = view.navigator.serviceWorker;
        const request = new view.XMLHttpRequest();
        request.open("GET", "/made");
        await new Promise((resolve) => { request.onload = resolve; request.send(); });
        await view.caches.open("app");
        const messages = new Promise((resolve) => (view.navigator.serviceWorker.onmessage = resolve));
        controller.postMessage("");
        const { data, source } = await messages;
        return [
          controller.scriptURL, await (await view.fetch("/made")).text(), request.responseText, await caches.keys(),
          data.sort(), source === controller, view.mark === true && early !== view.document,
          controller instanceof view.EventTarget, (await navigator.serviceWorker.getRegistrations()).length,
        ];
        """,
        look,
    )
    app = f"{site.url}/app/"
    assert got == [f"{app}sw.js", app, app, ["app"], ["/", "/app/"], True, True, True, 2]
    assert warnings == []


def test_a_frame_that_has_had_a_document(page: Page, proxy: ProxyProcess, site: Origin) -> None:
    """And goes to about:blank, and back: each time it has what is of that document."""
    registered(page, proxy, "/sw.js", "/app/sw.js")
    got = run(
        page,
        """
        const scopes = [];
        const view = await frameOf((frame) => (frame.src = "/app/"));
        const frame = document.querySelector("iframe");
        for (const url of ["", "about:blank", "/app/"]) {
          if (url !== "") await new Promise((resolve) => { frame.onload = resolve; frame.src = url; });
          scopes.push(new URL(view.navigator.serviceWorker.controller.scriptURL).pathname);
          const made = async () => new URL(await (await view.fetch(`${origin}/made`)).text()).pathname;
          // The document before may be there a little longer, and has been active last.
          for (let i = 0; i < 50 && url === "about:blank" && (await made()) !== "/"; i++) await made();
          scopes.push(await made());
        }
        return scopes;
        """,
    )
    assert got == ["/app/sw.js", "/app/", "/sw.js", "/", "/app/sw.js", "/app/"]


def test_frames_that_are_looked_at_in_vain(page: Page, proxy: ProxyProcess, site: Origin) -> None:
    """One of another origin, one in an origin of its own, one that is taken away, one that has nothing left."""
    registered(page, proxy, "/sw.js")
    got = run(
        page,
        """
        const seen = [];
        const view = await frameOf((frame) => { frame.src = argument; seen.push(frame.contentWindow); });
        const sandboxed = await frameOf((frame) => { frame.sandbox = "allow-scripts"; frame.srcdoc = "<p>text"; });
        for (const one of [view, sandboxed]) {
          try { one.navigator; } catch (error) { seen.push(error.name); }
        }
        const taken = await frameOf(kinds.blank);
        const { fetch: itsFetch, navigator: itsNavigator } = taken;
        document.body.lastChild.remove();
        seen.push(await Promise.race([itsFetch(`${origin}/made`).then((r) => r.text(), (e) => e.name), "never"]));
        seen.push(itsNavigator.serviceWorker?.controller ?? null);
        const script = "<script>Navigator = null</scr" + "ipt>";
        await frameOf((frame) => (frame.srcdoc = script));
        return seen;
        """,
        site.url.replace("localhost", "127.0.0.1"),
    )
    assert got == [None, "SecurityError", "SecurityError", "never", None]
