"""Whose worker answers in Chromium what no script has asked for, and what shared workers belong to."""

import pytest
from origin import Origin
from playwright.sync_api import BrowserContext, Page
from waiting import until

PROXY_ARGUMENTS = ("--intercept-all",)

BLANK = '<!doctype html><meta charset="utf-8"><title>blank</title><link rel="icon" href="data:,">'
# Answers with an image as wide as the name of its scope is long, and with where its client is.
WORKER = """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
const image = `<svg xmlns="http://www.w3.org/2000/svg" width="${new URL(registration.scope).pathname.length}"/>`;
onfetch = (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname.startsWith("/image")) {
    event.respondWith(new Response(image, { headers: { "Content-Type": "image/svg+xml" } }));
  } else if (pathname === "/client") {
    event.respondWith((async () => {
      const client = await clients.get(event.clientId);
      return new Response(client ? new URL(client.url).pathname : event.clientId);
    })());
  } else if (pathname === "/all") {
    event.respondWith((async () => {
      const all = await clients.matchAll({ type: "all" });
      return Response.json(all.map((client) => new URL(client.url).pathname).sort());
    })());
  }
};
"""
SHOWN = """(url) => new Promise((resolve) => {
  const image = new Image();
  image.onload = () => resolve(image.naturalWidth);
  image.onerror = () => resolve(0);
  image.src = url;
})"""
A, BB = 3, 4  # lengths of /a/ and /bb/
NETWORK = 5


@pytest.fixture
def site(origin: Origin) -> Origin:
    for path in ("/", "/a/", "/a/x", "/bb/"):
        origin.route(path, BLANK, "text/html")
    for path in ("/a/none", "/bb/none"):
        origin.route(path, BLANK + '<meta name="referrer" content="no-referrer">', "text/html")
    for path in ("/sw.js", "/a/sw.js", "/bb/sw.js"):
        origin.script(path, WORKER)
    return origin


def opened(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


def controlled(context: BrowserContext, url: str) -> Page:
    """A page with a worker of its own, from the first request on."""
    page = opened(context, url)
    page.evaluate("""(async () => {
      await navigator.serviceWorker.register("sw.js");
      await navigator.serviceWorker.ready;
    })()""")
    page.reload()
    return page


def elsewhere(site: Origin) -> str:
    return site.url.replace("localhost", "127.0.0.1")


def use(page: Page) -> None:
    """Its script asks for something."""
    page.evaluate("fetch('/client').then((response) => response.text())")


def test_images_of_several_pages(site: Origin, context: BrowserContext) -> None:
    """Each has those of its own worker, by its URL or, of other origins, while it is the page in use."""
    a, b = controlled(context, f"{site.url}/a/"), controlled(context, f"{site.url}/bb/")
    for page, width in ((a, A), (b, BB), (a, A)):
        use(page)
        assert page.evaluate(SHOWN, f"{elsewhere(site)}/image?{width}") == width
        assert page.evaluate(SHOWN, f"/image?{width}") == width


def test_images_of_a_page_that_has_moved(site: Origin, context: BrowserContext) -> None:
    """Its URL is another one than it was loaded from, another page is in use, or even has that URL."""
    a, b = controlled(context, f"{site.url}/a/"), controlled(context, f"{site.url}/bb/")
    a.evaluate("history.pushState(null, '', '/elsewhere#here')")
    use(b)
    assert a.evaluate(SHOWN, "/image?moved") == A
    a.evaluate("history.pushState(null, '', '/bb/')")
    b.evaluate("history.replaceState(null, '', '/a/')")
    assert a.evaluate(SHOWN, "/image?moved again") == A
    assert b.evaluate(SHOWN, "/image?moved, too") == BB


def test_images_beside_an_uncontrolled_page(site: Origin, context: BrowserContext) -> None:
    """It is at the origin's root, which cut referrers look like."""
    a, root = controlled(context, f"{site.url}/a/"), opened(context, f"{site.url}/")
    use(a)
    assert a.evaluate(SHOWN, f"{elsewhere(site)}/image") == A
    assert root.evaluate(SHOWN, "/image") == 0
    assert root.evaluate(SHOWN, f"{elsewhere(site)}/image?2") == 0


def test_images_without_a_referrer(site: Origin, context: BrowserContext) -> None:
    """Of the own origin, outside of the scope."""
    a = controlled(context, f"{site.url}/a/none")
    assert a.evaluate(SHOWN, "/image") == A
    b = controlled(context, f"{site.url}/bb/none")
    assert b.evaluate(SHOWN, "/image?2") == BB
    use(a)
    assert a.evaluate(SHOWN, "/image?3") == A


@pytest.mark.parametrize(("shown", "width"), [("its own", NETWORK), ("the page's", A)])
def test_what_a_style_sheet_shows(site: Origin, context: BrowserContext, shown: str, width: int) -> None:
    """The worker of a page at the style sheet's origin has nothing to do with it, when another page uses it.

    Nor has that other page's, with images of that origin: nothing tells which page it is.
    """
    site.route("/image", f'<svg xmlns="http://www.w3.org/2000/svg" width="{NETWORK}"/>', "image/svg+xml")
    a, other = controlled(context, f"{site.url}/a/"), controlled(context, f"{elsewhere(site)}/bb/")
    use(other)
    base = elsewhere(site) if shown == "its own" else site.url
    site.route("/style.css", f"b {{ content: url('{base}/image?shown'); }}", "text/css")
    a.evaluate(
        """(href) => {
          document.body.append(document.createElement("b"));
          document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
        }""",
        f"{elsewhere(site)}/style.css",
    )
    a.wait_for_function("document.querySelector('b').offsetWidth > 0")
    assert a.evaluate("document.querySelector('b').offsetWidth") == width


LOCAL = {
    "blank": """async () => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      return frame.contentWindow.fetch("/client").then((response) => response.text());
    }""",
    "loaded blank": """async () => {
      const frame = document.createElement("iframe");
      frame.src = "about:blank";
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      document.body.append(frame);
      await loaded;
      return frame.contentWindow.fetch("/client").then((response) => response.text());
    }""",
    "srcdoc": """async () => {
      const frame = document.createElement("iframe");
      frame.srcdoc = "<p>";
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      document.body.append(frame);
      await loaded;
      return frame.contentWindow.fetch("/client").then((response) => response.text());
    }""",
    "blob frame": """async () => {
      const frame = document.createElement("iframe");
      frame.src = URL.createObjectURL(new Blob(["<p>"], { type: "text/html" }));
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      document.body.append(frame);
      await loaded;
      return frame.contentWindow.fetch(location.origin + "/client").then((response) => response.text());
    }""",
    "blob worker": """async () => {
      const source = `fetch("${location.origin}/client").then((r) => r.text()).then(postMessage)`;
      const worker = new Worker(URL.createObjectURL(new Blob([source])));
      return new Promise((resolve) => (worker.onmessage = (event) => resolve(event.data)));
    }""",
}


@pytest.mark.parametrize("kind", list(LOCAL))
def test_what_inherits_a_controller(site: Origin, context: BrowserContext, kind: str) -> None:
    """A document or worker without a URL of HTTP has the controller, and at least the client, of its creator."""
    site.route("/client", "the network")
    a = controlled(context, f"{site.url}/a/")
    controlled(context, f"{site.url}/bb/")
    use(a)
    assert a.evaluate(LOCAL[kind]) == "/a/"


def test_a_shared_worker_lives_as_long_as_its_pages(site: Origin, context: BrowserContext) -> None:
    """Of each name another one; whichever of its pages closes first, and however it was started."""
    site.script("/a/shared.js", "onconnect = ({ ports }) => ports[0].postMessage(name);")
    starts = """([url, options]) => new Promise((resolve, reject) => {
      const worker = new SharedWorker(url, options);
      worker.port.onmessage = ({ data }) => resolve([data, worker instanceof SharedWorker]);
      worker.onerror = reject;
    })"""
    first = controlled(context, f"{site.url}/a/")
    second, last = opened(context, f"{site.url}/a/x"), opened(context, f"{site.url}/a/")
    shared = "/a/shared.js"
    assert first.evaluate(starts, ["shared.js", None]) == ["", True]
    assert first.evaluate(starts, ["/a/shared.js", "b\ud800"])[1]
    assert second.evaluate(starts, ["shared.js", {"name": ""}]) == ["", True]
    assert second.evaluate(starts, ["shared.js", {"name": "b\ud800"}])[1]
    assert second.evaluate(starts, ["shared.js", "c"]) == ["c", True]

    def there() -> list[str]:
        paths: list[str] = last.evaluate("fetch('/all').then((response) => response.json())")
        return paths

    until(lambda: there() == ["/a/", "/a/", shared, shared, shared, "/a/x"])
    first.close()
    until(lambda: there().count("/a/") == 1)
    assert there() == ["/a/", shared, shared, shared, "/a/x"]
    second.close()
    until(lambda: there() == ["/a/"])
    assert last.evaluate("SharedWorker.prototype.constructor === SharedWorker && SharedWorker.length") == 1
