"""Large blobs and forms, which a worker handles without having them in memory."""

import re
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from origin import Origin
from proxy_process import ProxyProcess

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc")

MIB = 1 << 20
SIZE = 300  # MiB
BLOCK = bytes(range(256)) * 4096  # 1 MiB

WORKER = """
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/range") event.respondWith(range("/big"));
  if (pathname === "/form") event.respondWith(form(event.request));
});

async function range(url) {
  const cache = await caches.open("v1");
  const blob = await (await fetch(url)).blob();
  await cache.put("/cached", new Response(blob));
  const cached = await (await cache.match("/cached")).blob();
  const slice = cached.slice(-5_000_001, -1);
  return new Response(slice, { status: 206, headers: { "Content-Range": `bytes */${cached.size}` } });
}

async function form(request) {
  const fields = await request.formData();
  const file = fields.get("file");
  fields.append("copy", file.slice(1), "copy");
  const answer = await fetch("/up", { method: "POST", body: fields });
  return new Response(`${fields.get("note")} ${file.name} ${file.type} ${file.size} ${await answer.text()}`);
}
"""


def _peak_memory(pid: int) -> int:
    """The most bytes that a process has ever had, shared ones included."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) * 1024


def test_a_range_of_a_large_blob(origin: Origin, proxy: ProxyProcess) -> None:
    """A response becomes a blob, an entry of a cache and a partial response, and is nowhere in memory."""

    async def big(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(SIZE):
            await response.write(BLOCK)
        await response.write_eof()
        return response

    origin.route("/big", handler=big)
    origin.script("/sw.js", WORKER)
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    got = proxy.curl(f"{origin.url}/range", timeout=60)
    assert got.status == 206
    assert got.headers["content-range"] == f"bytes */{SIZE * MIB}"
    assert got.body == (BLOCK * 5)[-5_000_001:-1]
    main = psutil.Process(proxy.process.pid)
    peaks = [_peak_memory(process.pid) for process in (main, *main.children(recursive=True))]
    assert max(peaks) < 180 * MIB


def test_a_form_with_a_large_file(origin: Origin, proxy: ProxyProcess, tmp_path: Path) -> None:
    """A file that curl uploads is read as a form, changed and sent on, and is not in the worker's memory."""
    received: list[dict[str, int]] = []

    async def up(request: web.Request) -> web.StreamResponse:
        sizes: dict[str, int] = {}
        async for part in await request.multipart():
            assert part is not None
            sizes[part.name] = 0
            while chunk := await part.read_chunk(MIB):
                sizes[part.name] += len(chunk)
        received.append(sizes)
        return web.Response(text="ok")

    origin.route("/up", handler=up)
    origin.script("/sw.js", WORKER)
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    upload = tmp_path / 'a"b.bin'
    upload.write_bytes(BLOCK * 150)
    fields = ["-F", "note=ž", "-F", f'file=@"{str(upload).replace(chr(34), chr(92) + chr(34))}";type=x/y']
    got = proxy.curl(f"{origin.url}/form", *fields, timeout=60)
    assert got.text == f'ž a"b.bin x/y {150 * MIB} ok'
    worker = proxy.worker_pid(f"{origin.url}/")
    assert worker is not None
    assert _peak_memory(worker) < 60 * MIB
    assert received == [{"note": 2, "file": 150 * MIB, "copy": 150 * MIB - 1}]
