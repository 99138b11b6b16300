"""The same thing for stock mitmproxy."""

import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from origin import Origin
from proxy_process import ProxyProcess

from certs.pki import Pki

ADDON = Path(__file__).parents[2] / "addons" / "service_workers.py"


def test_mitmdump_runs_the_addon(tmp_path: Path, origin: Origin, pki: Pki) -> None:
    """`mitmdump -s addons/service_workers.py` serves a registered site offline, with its own CA."""
    origin.script("/sw.js", 'onfetch = (event) => event.respondWith(new Response("from the worker"));')
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stock = StockProxy(tmp_path, pki.ca_certificate, port)
    try:
        assert stock.register(f"{origin.url}/", f"{origin.url}/sw.js").returncode == 0
        # All interfaces, of both IP versions.
        assert {urlsplit(url).port for url in stock.status()["listening"]} == {port}
        origin.stop()
        assert stock.curl(f"{origin.url}/").text == "from the worker"
        assert stock.stop() == 0
    finally:
        stock.kill()


class StockProxy(ProxyProcess):
    """mitmdump with the addon."""

    def __init__(self, directory: Path, trusted: Path, port: int) -> None:
        import os

        from swproxy.storage.profile import Profile

        self._directory = directory
        self.profile = Profile(directory / "profile")
        self.environment = os.environ | {
            "SWPROXY_PROFILE": str(self.profile.directory),
            "SSL_CERT_FILE": str(trusted),
        }
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "mitmdump"),
                "--quiet",
                "--listen-port",
                str(port),
                "--set",
                f"confdir={directory / 'conf'}",
                "--scripts",
                str(ADDON),
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        import time

        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.run("status").returncode == 0:
                return
        raise AssertionError("mitmdump did not start")

    @property
    def ca(self) -> Path:
        return self._directory / "conf" / "mitmproxy-ca-cert.pem"
