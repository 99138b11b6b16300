"""``python -m tests.bench [NAME...]``: measures, prints a table, and ends with 1 if a bar is missed.

Every figure is a ratio to a peer in the same run, or has a bar of its own in milliseconds or bytes; some have no bar
and are only told. Rounds of both sides alternate, and the median of the rounds counts.
"""

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from proxy_process import ProxyProcess  # noqa: E402

from certs.pki import Pki  # noqa: E402
from tests.bench import indexed_database, page_client  # noqa: E402
from tests.bench.figure import Figure  # noqa: E402

ROUNDS = 5
MIB = 1 << 20
HOST = "bench.test"


def load(proxy: str, authority: str, path: str, connections: int, requests: int) -> dict[str, float]:
    """Runs the load generator."""
    command = [sys.executable, str(HERE / "load.py"), proxy.removeprefix("http://"), authority, path]
    done = subprocess.run(
        [*command, str(connections), str(requests)], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@contextlib.contextmanager
def mitmdump(directory: Path, *arguments: str) -> Iterator[str]:
    """A stock mitmdump -q; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "mitmdump"),
        "-q",
        "-p",
        str(port),
        "--set",
        f"confdir={directory / 'mitm'}",
        *arguments,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def fixed_origin(pki: Pki) -> Iterator[int]:
    """The origin's port."""
    command = [sys.executable, str(HERE / "fixed_origin.py"), str(pki.good([HOST, "localhost"]))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def swproxy(directory: Path, pki: Pki, *arguments: str) -> Iterator[ProxyProcess]:
    proxy = ProxyProcess(directory / "profile", pki.ca_certificate, *arguments)
    try:
        yield proxy
    finally:
        proxy.stop()
        proxy.kill()


def alternate(
    ours: Callable[[], dict[str, float]], peer: Callable[[], dict[str, float]], key: str
) -> tuple[float, float]:
    """The medians of both sides over some rounds."""
    both: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        both[0].append(ours()[key])
        both[1].append(peer()[key])
    return statistics.median(both[0]), statistics.median(both[1])


def cache_hit(directory: Path, pki: Pki) -> Iterator[Figure]:
    """A worker that answers from its cache, against an addon that answers from memory."""
    addon = str(HERE / "memory_addon.py")
    with (
        mitmdump(directory, "-s", addon, "--set", "connection_strategy=lazy") as peer,
        swproxy(directory, pki) as proxy,
    ):
        proxy.control(
            "POST", "/register", {"scope": f"https://{HOST}/", "script": str(HERE / "worker.js"), "local": True}
        )

        def run(url: str, connections: int, requests: int) -> Callable[[], dict[str, float]]:
            return lambda: load(url, f"{HOST}:443", "/x", connections, requests)

        mine, other = alternate(run(proxy.url, 8, 4000), run(peer, 8, 4000), "per_second")
        yield Figure(
            "cache hits/s, 8 connections", mine / other, "x", 1.0, False, f"{mine:.0f}/s, mitmdump {other:.0f}/s"
        )
        mine, other = alternate(run(proxy.url, 1, 1500), run(peer, 1, 1500), "median_ms")
        yield Figure(
            "cache hit latency, 1 connection",
            mine / other,
            "x",
            1.0,
            True,
            f"{mine:.2f} ms, mitmdump {other:.2f} ms",
        )


def pass_through(directory: Path, pki: Pki) -> Iterator[Figure]:
    """A decrypted host without a scope, against mitmdump passing through."""
    trusted = f"ssl_verify_upstream_trusted_ca={pki.ca_certificate}"
    with (
        fixed_origin(pki) as port,
        mitmdump(directory, "--set", trusted) as peer,
        swproxy(directory, pki, "--intercept", "localhost") as proxy,
    ):

        def run(url: str) -> Callable[[], dict[str, float]]:
            return lambda: load(url, f"localhost:{port}", "/x", 8, 4000)

        mine, other = alternate(run(proxy.url), run(peer), "per_second")
        yield Figure(
            "requests/s without a scope", mine / other, "x", 1.3, False, f"{mine:.0f}/s, mitmdump {other:.0f}/s"
        )


def cold_start(directory: Path, pki: Pki) -> Iterator[Figure]:
    """A Workbox worker that is stopped: the first request, against later ones."""
    site = directory / "workbox"
    subprocess.run(["node", "workbox.mjs", str(site)], cwd=HERE.parent, check=True, capture_output=True)
    from origin import Origin

    origin = Origin(pki.good())
    types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".map": "application/json"}
    for path in site.iterdir():
        origin.route(f"/{path.name}", path.read_bytes(), types[path.suffix])
    with swproxy(directory, pki) as proxy:
        scope = f"{origin.url}/"
        proxy.registered(scope, f"{origin.url}/sw.js")
        authority = origin.url.removeprefix("https://")
        cold, warm = [], []
        for _ in range(30):
            proxy.control("POST", "/stop", {"scope": scope})
            cold.append(_first_request(proxy, authority))
            warm.append(_first_request(proxy, authority))
        mine, other = statistics.median(cold), statistics.median(warm)
        details = f"{mine / other:.1f} times the warm {other:.1f} ms, both with a new TLS connection"
        yield Figure("cold start, Workbox worker", mine, "ms", 60, True, details)
    origin.close()


def _first_request(proxy: ProxyProcess, authority: str) -> float:
    """Milliseconds for a request on a new connection."""
    import ssl

    host, _, port = proxy.url.removeprefix("http://").rpartition(":")
    context = ssl.create_default_context(cafile=str(proxy.ca))
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        raw.recv(4096)
        with context.wrap_socket(raw, server_hostname=authority.partition(":")[0]) as tls:
            began = time.perf_counter()
            tls.sendall(f"GET /app.js HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
            head = tls.recv(65536)
            took = (time.perf_counter() - began) * 1000
    assert head.startswith(b"HTTP/1.1 200"), head
    return took


def memory(directory: Path, pki: Pki) -> Iterator[Figure]:
    """Private memory of idle workers, and of the proxy over many requests."""
    with swproxy(directory, pki) as proxy:
        scopes = [f"https://{HOST}/{name}/" for name in ("a", "b", "c")]
        for scope in scopes:
            body = {"scope": scope, "script": str(HERE / "worker.js"), "local": True}
            proxy.control("POST", "/register", body)
        load(proxy.url, f"{HOST}:443", "/a/x", 1, 100)
        pids = [proxy.worker_pid(scope) for scope in scopes]
        sizes = [psutil.Process(pid).memory_full_info().uss / MIB for pid in pids if pid is not None]
        yield Figure("private memory of a worker", max(sizes), "MiB", 15, True, f"{len(sizes)} workers")
        main = psutil.Process(proxy.process.pid)
        seen = {}
        for requests in (10_000, 50_000):
            load(proxy.url, f"{HOST}:443", "/a/x", 8, requests - sum(seen))
            seen[requests] = main.memory_full_info().uss / MIB
        yield Figure("proxy after 10,000 requests", seen[10_000], "MiB", 150, True, "")
        growth = seen[50_000] - seen[10_000]
        yield Figure("growth from then to 50,000", growth, "MiB", 10, True, f"{seen[50_000]:.0f} MiB then")


def collection(directory: Path, pki: Pki) -> Iterator[Figure]:
    """The engine's garbage collection around an event, with the whole platform there, the rare parts unloaded."""
    done = subprocess.run([sys.executable, str(HERE / "collection.py")], capture_output=True, text=True, check=True)
    figures = {name: microseconds / 1000 for name, microseconds in json.loads(done.stdout).items()}
    used, empty = figures["everything"], figures["empty"]
    details = f"{used:.2f} ms once a script has used every interface, {empty:.2f} ms without a platform"
    yield Figure("garbage collection of an event", figures["platform"], "ms", 0.3, True, details)


def indexeddb(directory: Path, pki: Pki) -> Iterator[Figure]:
    """IndexedDB, against plain SQLite and fake-indexeddb."""
    with swproxy(directory, pki) as proxy:
        yield from indexed_database.figures(proxy, directory, f"https://{HOST}/")


BENCHES = {
    "cache-hit": cache_hit,
    "pass-through": pass_through,
    "cold-start": cold_start,
    "memory": memory,
    "collection": collection,
    "indexeddb": indexeddb,
    "page-client": page_client.figures,
}


def main(names: list[str]) -> int:
    from swproxy.cli.output import print_table

    figures: list[Figure] = []
    for name in names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="swproxy-bench-") as temporary:
            directory = Path(temporary)
            for figure in BENCHES[name](directory, Pki(directory / "pki")):
                print(f"  {figure.name}: {figure.value:.2f} {figure.unit}", file=sys.stderr)
                figures.append(figure)
    rows = []
    for figure in figures:
        bar = state = ""
        if figure.bar is not None:
            bar = f"{'at most' if figure.smaller else 'at least'} {figure.bar:g} {figure.unit}"
            state = "ok" if figure.good else "MISSED"
        rows.append((figure.name, f"{figure.value:.2f} {figure.unit}", bar, state, figure.details))
    print_table(("FIGURE", "VALUE", "BAR", "", ""), rows)
    return 0 if all(figure.good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
