"""Applications as their authors wrote them, in browsers as their users have them."""

import json
from pathlib import Path

import pytest
from browsers import Visit
from webm import webm

pytestmark = pytest.mark.asyncio(loop_scope="module")

APPS = Path(__file__).parent

# The browsers

# What of the browser's own there is.
OWN = """[
  await navigator.storage.getDirectory().then(() => "files", (error) => error.name),
  "serviceWorker" in navigator,
]"""
TRANSFERRED = """performance.getEntriesByType("resource")
  .filter(({ name }) => name.includes("/.swproxy/client.js?v=")).map(({ transferSize }) => transferSize > 0)"""


async def test_they_are_what_they_are_called(visit: Visit) -> None:
    """In a private window no site has files; and where the browser has no service workers, nobody has them."""
    text = '<html xmlns="http://www.w3.org/1999/xhtml"/>'  # has no page client
    visit.origin.route("/", text, "application/xhtml+xml")
    tab = await visit.open("/")
    seen = await tab.evaluate(f"(async () => {OWN})()")
    assert seen == [
        "SecurityError" if visit.name == "firefox-private" else "files",
        visit.name != "firefox-without",
    ]


async def test_the_page_client_is_transferred_once(visit: Visit) -> None:
    """Then the browser has it in its cache, also for other documents."""
    for path in ("/", "/other"):
        visit.origin.route(path, "<!doctype html><title>page</title>", "text/html")
    tab = await visit.open("/")
    seen = [await tab.evaluate(TRANSFERRED)]
    for path in ("/other", "/"):
        await tab.goto(f"{visit.origin.url}{path}")
        seen.append(await tab.evaluate(TRANSFERRED))
    assert seen == ([[True], [False], [False]] if visit.proxy is not None else [[], [], []])


# Workbox


async def test_a_workbox_site(visit: Visit, built: Path) -> None:
    """Pages, what they need and what they have asked for are there without the network; others get the fallback."""
    serve_shell(visit, built / "shell")
    tab = await visit.open("/")
    await visit.is_controlled(tab, "/")
    await tab.goto(f"{visit.origin.url}/news/1")
    await tab.comes_to("caches.open('api').then((cache) => cache.keys()).then((keys) => keys.length)", 1)
    await tab.comes_to("caches.match('/news/1').then((found) => found?.status)", 200)
    visit.go_offline()
    await tab.reload()
    assert await tab.evaluate("document.title") == "news 1"
    await tab.goto(f"{visit.origin.url}/")
    await tab.comes_to("document.querySelector('#items').textContent", "a b")
    assert await tab.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
    assert await tab.evaluate("document.querySelector('#logo').naturalWidth") == 30
    await tab.goto(f"{visit.origin.url}/news/2")
    assert await tab.evaluate("document.title") == "offline"
    assert await tab.evaluate("fetch('/elsewhere').catch((error) => error.name)") == "TypeError"
    assert visit.origin.hits == []
    visit.go_online()
    await tab.reload()
    assert await tab.evaluate("document.title") == "news 2"


async def test_a_workbox_site_with_navigation_preload(visit: Visit, built: Path) -> None:
    """A page is asked for once, beside the worker's start; without the network it comes from the cache."""
    serve_shell(visit, built / "preload")
    tab = await visit.open("/")
    await visit.is_controlled(tab, "/")
    state = "navigator.serviceWorker.ready.then((registration) => registration.navigationPreload.getState())"
    await tab.comes_to(f"{state}.then((state) => state.enabled)")
    await tab.goto(f"{visit.origin.url}/news/1")
    await tab.comes_to("caches.match('/news/1').then((found) => found?.status)", 200)
    asked = [hit for hit in visit.origin.hits if hit.path == "/news/1"]
    assert [hit.headers.get("service-worker-navigation-preload") for hit in asked] == ["true"]
    visit.go_offline()
    await tab.reload()
    # Firefox itself gives the worker an error for the response where it should reject.
    wrong = visit.proxy is None and visit.name != "chromium"
    assert await tab.evaluate("document.title") == ("offline" if wrong else "news 1")


def serve_shell(visit: Visit, site: Path) -> None:
    visit.serve(site, "/")
    icon = "<link rel='icon' href='data:,'>"
    app = "<script src='/app.js'></script><p id='items'>"
    visit.origin.route("/news/1", f"<title>news 1</title>{icon}{app}", "text/html")
    visit.origin.route("/news/2", f"<title>news 2</title>{icon}", "text/html")
    visit.origin.route("/api/items", '["a", "b"]', "application/json")


VERSION = "workbox.messageSW(navigator.serviceWorker.controller, { type: 'GET_VERSION' })"
# What the page was made of, and whether it offers another.
SHOWN = "[document.title, !document.querySelector('#prompt').hidden]"


async def test_an_update_is_offered(visit: Visit, built: Path) -> None:
    """A new version waits for the user, in all tabs; who accepts it in one has it in all."""
    visit.serve(built / "update-1", "/app/")
    first = await visit.open("/app/")
    await first.comes_to("seen.toSorted()", ["activated", "controlling", "installed"])
    second = await visit.open("/app/")
    await visit.is_controlled(second, "/app/")
    visit.serve(built / "update-2", "/app/")
    await second.evaluate("registered.then(() => wb.update())")
    for tab in (first, second):
        await tab.comes_to(SHOWN, ["version 1", True])
        assert await tab.evaluate(VERSION) == "1"
    await second.reload()
    await second.comes_to(SHOWN, ["version 1", True])
    await first.evaluate("document.querySelector('#accept').click()")
    for tab in (first, second):
        await tab.comes_to(SHOWN, ["version 2", False])
        await tab.comes_to(VERSION, "2")
    visit.go_offline()
    await first.reload()
    assert await first.evaluate(SHOWN) == ["version 2", False]
    await second.close()


async def test_an_update_waits_for_the_last_page(visit: Visit, built: Path) -> None:
    """It takes over when the last page of the old version is closed, without anyone's accepting it."""
    visit.serve(built / "update-1", "/app/")
    visit.origin.route("/", "<title>outside</title>", "text/html")
    tabs = [await visit.open("/app/")]
    await visit.is_controlled(tabs[0], "/app/")
    tabs.append(await visit.open("/app/"))
    outside = await visit.open("/")
    registration = "navigator.serviceWorker.getRegistration('/app/')"
    visit.serve(built / "update-2", "/app/")
    await tabs[0].evaluate("registered.then(() => wb.update())")
    await outside.comes_to(f"{registration}.then((it) => it.waiting?.state)", "installed")
    await tabs[0].close()
    assert await tabs[1].evaluate(VERSION) == "1"
    assert await outside.evaluate(f"{registration}.then((it) => it.waiting?.state)") == "installed"
    await tabs[1].close()
    await outside.comes_to(f"{registration}.then((it) => [it.waiting, it.active.state])", [None, "activated"])
    await outside.goto(f"{visit.origin.url}/app/")
    assert await outside.evaluate(SHOWN) == ["version 2", False]
    assert await outside.evaluate(VERSION) == "2"


async def test_a_worker_tells_its_pages_of_news(visit: Visit, built: Path) -> None:
    """Workbox's message to all windows, of a change in the cache, comes from the worker that the page has."""
    visit.serve(built / "update-1", "/app/")
    visit.origin.route("/app/news", "old", headers={"ETag": '"1"'})
    tabs = [await visit.open("/app/")]
    await visit.is_controlled(tabs[0], "/app/")
    tabs.append(await visit.open("/app/"))
    assert await tabs[0].evaluate("fetch('news').then((response) => response.text())") == "old"
    await tabs[0].comes_to("caches.match('news').then((found) => found?.text())", "old")
    visit.origin.route("/app/news", "new", headers={"ETag": '"2"'})
    assert await tabs[0].evaluate("fetch('news').then((response) => response.text())") == "old"
    for tab in tabs:
        await tab.comes_to("seen.at(-1)", f"updated {visit.origin.url}/app/news")
        assert await tab.evaluate("caches.match('news').then((found) => found?.text())") == "new"
        await tab.close()


# Mock Service Worker

START = "worker.start({ quiet: true, onUnhandledRequest: 'bypass' }).then((it) => it.active.state)"


@pytest.fixture
def mocked(visit: Visit) -> Visit:
    """A site with Mock Service Worker."""
    visit.serve(APPS / "msw", "/")
    visit.origin.route("/api/user", '{"name":"real"}', "application/json")
    visit.origin.route("/api/through", "through")
    visit.origin.route("/api/unhandled", "unhandled")
    return visit


async def test_requests_are_mocked(mocked: Visit) -> None:
    """JSON, a body that is read, a stream, an error, another origin's; others go through."""
    tab = await mocked.open("/")
    assert await tab.evaluate("asked('/api/user')") == '200 {"name":"real"}'
    assert await tab.evaluate(START) == "activated"
    await mocked.is_controlled(tab, "/")
    mocked.origin.hits.clear()
    assert await tab.evaluate("asked('/api/user')") == '200 {"name":"mocked"}'
    post = "{ method: 'POST', body: JSON.stringify({ count: 2 }), headers: { 'Content-Type': 'application/json' } }"
    assert await tab.evaluate(f"asked('/api/orders/7', {post})") == '201 {"id":"7","sent":{"count":2}}'
    assert await tab.evaluate("asked('/api/stream')") == "200 part 1;part 2;part 3;"
    assert await tab.evaluate("asked('/api/broken')") == "TypeError"
    assert await tab.evaluate("asked('https://api.example/user')") == '200 {"name":"mocked elsewhere"}'
    assert mocked.origin.hits == []
    assert await tab.evaluate("asked('/api/through')") == "200 through"
    assert await tab.evaluate("asked('/api/unhandled')") == "200 unhandled"
    assert [hit.path for hit in mocked.origin.hits] == ["/api/through", "/api/unhandled"]
    for event in (
        'response:mocked /api/user {"name":"mocked"}',
        'response:mocked /api/orders/7 {"id":"7","sent":{"count":2}}',
        "response:mocked /api/stream part 1;part 2;part 3;",
        "response:bypass /api/through through",
    ):
        await tab.comes_to(f"events.includes({json.dumps(event)})")


async def test_each_page_mocks_for_itself(mocked: Visit) -> None:
    """One that has not started, or has stopped, gets what is real, while another's requests are mocked."""
    first = await mocked.open("/")
    await first.evaluate(START)
    await mocked.is_controlled(first, "/")
    second = await mocked.open("/")
    real, mock = '200 {"name":"real"}', '200 {"name":"mocked"}'
    assert await second.evaluate("asked('/api/user')") == real
    assert await first.evaluate("asked('/api/user')") == mock
    await second.evaluate(START)
    assert await second.evaluate("asked('/api/user')") == mock
    await first.evaluate("worker.stop()")
    await first.comes_to("asked('/api/user')", real)
    assert await second.evaluate("asked('/api/user')") == mock
    await second.reload()
    assert await second.evaluate("asked('/api/user')") == real
    await second.evaluate(START)
    assert await second.evaluate("asked('/api/user')") == mock
    await second.close()


# Video

WIDTH, HEIGHT = 64, 48
COLOURS = [[200, 0, 0], [0, 200, 0], [0, 0, 200], [200, 200, 0], [0, 200, 200], [200, 0, 200], [100, 100, 100]]
# So much that no browser has read all of it when it is asked to go elsewhere. Bytes of a second.
SCENE = 1 << 20


@pytest.fixture
def cinema(visit: Visit) -> Visit:
    """A site with a video, and a player."""
    for name in ("app.js", "encode.js", "plain.js", "ranges.js"):
        visit.origin.script(f"/video/{name}", (APPS / "video" / name).read_text("utf-8"))
    visit.origin.route("/video/", (APPS / "video/index.html").read_text("utf-8"), "text/html")
    return visit


@pytest.mark.parametrize("worker", ["ranges", "plain"])
async def test_a_video_plays_offline(cinema: Visit, worker: str) -> None:
    """To its end; from elsewhere, back and forth, if the worker answers with the ranges that it is asked for."""
    tab = await cinema.open("/video/")
    frames = await tab.evaluate(f"encode({WIDTH}, {HEIGHT}, {json.dumps(COLOURS)})")
    clip = webm([[bytes(frame) for frame in scene] for scene in frames], WIDTH, HEIGHT, SCENE)
    cinema.origin.route("/video/clip.webm", clip, "video/webm")
    await tab.evaluate(f"navigator.serviceWorker.register('{worker}.js').then(() => null)")
    await cinema.is_controlled(tab, "/video/")
    cinema.go_offline()
    await tab.reload()
    last = len(COLOURS) - 1
    assert await tab.evaluate("prepare()") == len(COLOURS)
    await tab.comes_to("colour()", COLOURS[0])
    await tab.evaluate("playToTheEnd()")
    await tab.comes_to("colour()", COLOURS[last])
    if worker == "ranges":
        for second in (2, 5, 0, last):
            await tab.evaluate(f"seek({second}.5)")
            await tab.comes_to("colour()", COLOURS[second])
    assert cinema.origin.hits == []
