"""Documents that replace themselves, and frames with what is no HTML, in Chromium and in Firefox."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from browsers import Tab
from origin import Origin

pytestmark = pytest.mark.asyncio(loop_scope="module")

Run = Callable[[str], Awaitable[Any]]

REPLACE = """document.open(); document.write("<p>anew"); document.close();"""
# Whether the frame has got the page client, without looking into it in a way that would give it one.
ADD_FRAME = """
const frame = document.createElement("iframe");
const loaded = new Promise((resolve) => (frame.onload = resolve));
frame.src = "/drawing.svg";
document.body.append(frame);
await loaded;
return /native code/.test(frames[0].ServiceWorker);
"""


@pytest.fixture
def drawing(site: Origin) -> None:
    site.route("/drawing.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml")


@pytest.mark.usefixtures("drawing")
async def test_a_frame_with_a_drawing(run: Run) -> None:
    """It has the page client once it has loaded; what loads and is no frame has nothing to do with that."""
    assert await run(ADD_FRAME) is False
    await run("""
      const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
      document.body.append(document.createElementNS("http://www.w3.org/2000/svg", "iframe"), image, "text");
      for (const node of document.body.childNodes) node.dispatchEvent(new Event("load"));
      document.dispatchEvent(new Event("load"));
    """)


@pytest.mark.usefixtures("drawing")
async def test_a_document_that_replaces_itself(run: Run) -> None:
    """document.open() takes all listeners away, but ours come back."""
    assert await run(REPLACE + ADD_FRAME) is False
    assert await run('send("echo", { value: 1 }); return (await next()).data') == 1


async def test_a_document_that_replaces_itself_early(run: Run, tab: Tab, site: Origin) -> None:
    """Messages are delivered once that is there."""
    early = f"""<!doctype html><link rel="icon" href="data:,"><script>
      document.onreadystatechange = () => {{ document.onreadystatechange = null; {REPLACE} }};
    </script>"""
    site.route("/early", early, "text/html")
    await tab.goto(f"{site.url}/early")
    got = await tab.evaluate("""(async () => {
      const { active } = await navigator.serviceWorker.ready;
      const heard = new Promise((resolve) => navigator.serviceWorker.addEventListener("message", resolve));
      active.postMessage({ action: "echo", value: document.body.textContent });
      return (await heard).data;
    })()""")
    assert got == "anew"
