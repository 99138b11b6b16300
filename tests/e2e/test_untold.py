"""What a worker learns of requests, and browsers keep from the network."""

from collections.abc import Callable, Iterator

import pytest
from origin import Origin
from playwright.sync_api import Browser, Page
from proxy_process import ProxyProcess

WORKER = """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
onfetch = (event) => {
  const { request, replacesClientId, resultingClientId } = event;
  if (request.mode !== "navigate") {
    if (/redirect$/.test(request.url)) event.respondWith(Response.redirect("/there"));
    else if (/relative$/.test(request.url)) {
      event.respondWith(new Response(null, { status: 302, headers: { Location: "/there" } }));
    } else if (!/network|module/.test(request.url)) event.respondWith(new Response(request.url));
    return;
  }
  const facts = JSON.stringify({
    url: request.url, history: request.isHistoryNavigation, replaces: replacesClientId, client: resultingClientId,
  });
  const headers = { "Content-Type": "text/html" };
  event.respondWith(new Response(`<!doctype html><head></head><body><pre>${facts}</pre></body>`, { headers }));
};
"""
TRIALS = 20
FACTS = "JSON.parse(document.querySelector('pre').textContent)"


@pytest.fixture
def page(origin: Origin, start_proxy: Callable[..., ProxyProcess], launch: Callable[..., Browser]) -> Iterator[Page]:
    """A new one, of a browser that has been at the origin, which has a worker."""
    origin.script("/sw.js", WORKER)
    proxy = start_proxy("--intercept", "localhost")
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    context = launch(proxy).new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()


def test_there_and_back(origin: Origin, page: Page) -> None:
    """Which document makes way, whether it goes back, and the fragment that it goes to."""
    page.goto(f"{origin.url}/a")
    first = page.evaluate(FACTS)
    assert (first["url"], first["history"], first["replaces"]) == (f"{origin.url}/a", False, "")
    page.evaluate("location.href = '/b#there'")
    page.wait_for_url("**/b#there")
    second = page.evaluate(FACTS)
    assert (second["url"], second["history"], second["replaces"]) == (
        f"{origin.url}/b#there",
        False,
        first["client"],
    )
    # Browsers go back without waiting for what the document says. On a busy machine it came too late in up to half of
    # 40 navigations in a row: then a worker is told nothing, but never something wrong.
    right, now = 0, second
    for _ in range(TRIALS):
        for go, path, fragment in ((page.go_back, "/a", ""), (page.go_forward, "/b", "#there")):
            go()
            before, now = now, page.evaluate(FACTS)
            told = (now["history"], now["replaces"], now["url"])
            url = f"{origin.url}{path}"
            assert told in ((True, before["client"], url + fragment), (False, "", url))
            right += now["history"]
        if right >= TRIALS // 2:
            break
    assert right >= TRIALS // 2
    page.go_back()
    page.reload()
    fourth = page.evaluate(FACTS)
    assert (fourth["history"], fourth["url"]) == (False, f"{origin.url}/a")


def test_navigations_of_frames(origin: Origin, page: Page) -> None:
    """A frame's are told by the frame."""
    page.goto(f"{origin.url}/a")
    first, second = page.evaluate(
        """async () => {
          const frame = document.createElement("iframe");
          const loaded = () => new Promise((resolve) => (frame.onload = resolve));
          const facts = () => JSON.parse(frame.contentDocument.querySelector("pre").textContent);
          frame.src = "/b";
          document.body.append(frame);
          await loaded();
          const first = facts();
          frame.contentWindow.location.href = "/c#d";
          await loaded();
          return [first, facts()];
        }"""
    )
    assert first["replaces"] == ""
    assert second["url"] == f"{origin.url}/c#d"
    assert second["replaces"] == first["client"]


def test_the_user_of_a_url(origin: Origin, page: Page) -> None:
    """Of a request that XMLHttpRequest makes; no header of another request tells it."""
    page.goto(f"{origin.url}/a")
    got = page.evaluate(
        """() => Promise.all([["a", "b:@"], ["c"], []].map((user) => new Promise((resolve) => {
          const request = new XMLHttpRequest();
          request.open("GET", "/x", true, ...user);
          request.onload = () => resolve([request.responseText, request.responseURL]);
          request.send();
        })))"""
    )
    host = origin.url.removeprefix("https://")
    assert [text for text, _ in got] == [f"https://a:b%3A%40@{host}/x", f"https://c@{host}/x", f"https://{host}/x"]


def test_redirects_that_are_not_followed(origin: Origin, page: Page) -> None:
    """What they lead to is asked of the worker, whoever asks for it next."""
    origin.route("/network", status=302, headers={"Location": "/there"})
    page.goto(f"{origin.url}/a")
    for mode in ("manual", "error"):
        page.evaluate(f"fetch('/network', {{ redirect: '{mode}' }}).catch(() => null)")
    assert page.evaluate("fetch('/there').then((response) => response.text())") == f"{origin.url}/there"


def test_redirects_that_a_script_makes(origin: Origin, page: Page) -> None:
    """Where they lead is asked of the worker again; relative to nothing they lead nowhere."""
    page.goto(f"{origin.url}/a")
    for path, result in (("/redirect", f"{origin.url}/there"), ("/redirect-relative", "TypeError")):
        asked = f"fetch('{path}').then((response) => response.text(), (error) => error.name)"
        assert page.evaluate(asked) == result


def test_imports_of_a_module_worker(origin: Origin, page: Page) -> None:
    """They are the worker's own: its service worker has them, wherever they are."""
    origin.script("/module.js", "import text from '/imported.js'; postMessage(text);")
    origin.script("/imported.js", "export default 'network'")
    answer = "new Response(`export default 'worker'`, { headers: { 'Content-Type': 'text/javascript' } })"
    origin.script(
        "/imports.js",
        f"onfetch = (event) => {{ if (event.request.url.endsWith('imported.js')) event.respondWith({answer}); }};",
    )
    page.goto(f"{origin.url}/a")
    assert (
        page.evaluate(
            """async () => {
          const registration = await navigator.serviceWorker.register("/imports.js", { scope: "/module.js" });
          const worker = registration.installing;
          await new Promise((done) => (worker.onstatechange = () => worker.state === "activated" && done()));
          const module = new Worker("/module.js", { type: "module" });
          return new Promise((resolve) => (module.onmessage = ({ data }) => resolve(data)));
        }"""
        )
        == "worker"
    )
