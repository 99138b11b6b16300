"""Fixtures of all tests."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Who runs the tests in the background may have SIGINT ignored, and what is started would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Helpers beside the tests, and the PKI beside the package, are imported by name.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
pytest.register_assert_rewrite("browsers", "fake_host", "page_caches", "proxy_process", "running_workers")

import helpers  # noqa: E402
from origin import Origin  # noqa: E402
from proxy_process import ProxyProcess  # noqa: E402

from certs.pki import Pki  # noqa: E402


@pytest.fixture
def run_js(tmp_path: Path) -> Callable[..., Any]:
    """Runs the body of an async function in a worker; returns what it returns."""
    return lambda body, **options: helpers.evaluate(tmp_path, body, **options)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def origin(pki: Pki) -> Iterator[Origin]:
    """An HTTPS origin on localhost with a good certificate."""
    origin = Origin(pki.good())
    yield origin
    origin.close()


@pytest.fixture
def start_proxy(tmp_path: Path, pki: Pki) -> Iterator[Callable[..., ProxyProcess]]:
    """Starts proxies as processes, by default all on one profile; they end with the test."""
    started: list[ProxyProcess] = []

    def start(*arguments: str, profile: Path | None = None) -> ProxyProcess:
        proxy = ProxyProcess(profile or tmp_path / "profile", pki.ca_certificate, *arguments)
        started.append(proxy)
        return proxy

    yield start
    for proxy in started:
        proxy.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB. Mounting needs root: the test machine has it."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)
