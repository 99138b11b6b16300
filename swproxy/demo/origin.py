"""The demo's HTTPS origin."""

import datetime
import ssl
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from swproxy.ca.leaf import issue_leaf

HOST = "demo.swproxy.test"
_SITE = files("swproxy.demo") / "site"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGES = {"/": "index.html", "/about": "about.html"}


class DemoOrigin:
    """Serves the site on a free loopback port.

    Args:
        directory: for its certificate, which nobody has signed.
    """

    def __init__(self, directory: Path) -> None:
        self._certificate = directory / "demo-origin.pem"
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        self._certificate.touch(0o600)
        self._certificate.write_bytes(issue_leaf(None, [HOST]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        application = web.Application()
        application.router.add_get("/api/time", _time)
        application.router.add_get("/{path:.*}", _file)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


async def _time(request: web.Request) -> web.Response:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return web.json_response({"time": now}, headers={"Cache-Control": "no-store"})


async def _file(request: web.Request) -> web.Response:
    name = _PAGES.get(request.path, request.path.lstrip("/"))
    path = _SITE / name
    if "/" in name or not path.is_file():
        return web.Response(status=404, text="There is no such page.\n")
    return web.Response(
        body=path.read_bytes(),
        headers={"Content-Type": _TYPES[Path(name).suffix], "Cache-Control": "no-cache"},
    )
