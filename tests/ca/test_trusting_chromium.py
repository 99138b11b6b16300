"""Chromium's own rules for authorities and leaves."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import FLAGS, PROGRAM
from origin import Origin
from proxy_process import ProxyProcess

from certs.pki import Pki
from swproxy.ca.authority import Authority
from swproxy.ca.machine import Machine
from swproxy.ca.nss import chromium_stores
from swproxy.ca.trust_store import Result


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@pytest.fixture
def origin(pki: Pki) -> Iterator[Origin]:
    origin = Origin(pki.good())
    yield origin
    origin.close()


@pytest.fixture
def proxy(tmp_path: Path, pki: Pki) -> Iterator[ProxyProcess]:
    proxy = ProxyProcess(tmp_path / "profile", pki.ca_certificate, "--intercept", "localhost")
    yield proxy
    proxy.kill()


def page(machine: Machine, proxy: ProxyProcess, url: str) -> str:
    """The document that Chromium gets."""
    through = ["--proxy-bypass-list=<-loopback>", f"--proxy-server={proxy.url}"]
    flags = ["--headless", *FLAGS, f"--user-data-dir={machine.home / 'data'}", *through]
    done = subprocess.run(
        [PROGRAM, *flags, "--dump-dom", url],
        env={**machine.environ, "HOME": str(machine.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_chromium_trusts_the_leaves(machine: Machine, origin: Origin, proxy: ProxyProcess) -> None:
    """It refuses the page before the installation, and shows it after: in a database that Chromium has made."""
    origin.route("/", "<p>from the origin", "text/html")
    assert "from the origin" not in page(machine, proxy, origin.url)
    (store,) = chromium_stores(machine)
    assert store.is_present
    assert store.install(Authority(proxy.profile.ca)).result is Result.INSTALLED
    assert "from the origin" in page(machine, proxy, origin.url)


def test_chromium_takes_a_database_of_ours(machine: Machine, origin: Origin, proxy: ProxyProcess) -> None:
    """One that was installed before its first start."""
    origin.route("/", "<p>from the origin", "text/html")
    (store,) = chromium_stores(machine)
    assert not store.is_present
    assert store.install(Authority(proxy.profile.ca)).result is Result.INSTALLED
    assert "from the origin" in page(machine, proxy, origin.url)
