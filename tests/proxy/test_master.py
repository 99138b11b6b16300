"""A lean mitmproxy: its options, its leaves, and how it fails."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.certs import Cert
from mitmproxy.test import taddons
from origin import Origin
from own_proxy import OwnProxy, asked

from certs.pki import Pki
from swproxy.ca.authority import Authority
from swproxy.errors import InvalidInput, SwproxyError
from swproxy.proxy.master import OwnAuthority, quiet_mitmproxy

NewProxy = Callable[..., OwnProxy]
Started = Callable[..., Awaitable[OwnProxy]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "ca").mkdir()
    authority = Authority(tmp_path / "ca")
    authority.ensure()
    return authority


# Options


async def test_settings_become_options_of_mitmproxy(new_proxy: NewProxy) -> None:
    """And those that are given by mitmproxy's own name."""
    options = new_proxy(
        mode=["socks5"], listen_host="127.0.0.2", insecure=True, options={"body_size_limit": "3m"}
    ).master.options
    assert (options.mode, options.listen_host, options.listen_port) == (["socks5"], "127.0.0.2", 0)
    assert (options.ssl_insecure, options.body_size_limit) == (True, "3m")


async def test_what_every_proxy_has(new_proxy: NewProxy) -> None:
    """The origin is dialled late, or offline would not work; WebSockets pass as they are."""
    options = new_proxy().master.options
    assert (options.connection_strategy, options.websocket) == ("lazy", False)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"mode": ["sideways"]},
            "mitmproxy does not take this: Invalid proxy mode specification: sideways (unknown mode).",
        ),
        ({"options": {"nonsense": 1}}, "Neither swproxy nor mitmproxy has this: Unknown options: nonsense."),
        (
            {"options": {"body_size_limit": 5}},
            "mitmproxy does not take this: Expected typing.Optional[str] for body_size_limit, but got <class 'int'>.",
        ),
        (
            {"options": {"upstream_auth": "nobody"}},
            "mitmproxy does not take this: Invalid upstream auth specification: nobody.",
        ),
        (
            {"options": {"websocket": True, "ssl_insecure": True}},
            "swproxy sets these options of mitmproxy itself: ssl_insecure, websocket; see swproxy run --help.",
        ),
    ],
)
async def test_options_that_are_refused(new_proxy: NewProxy, settings: dict[str, Any], sentence: str) -> None:
    """One sentence that names the culprit."""
    with pytest.raises(InvalidInput) as caught:
        new_proxy(**settings)
    assert str(caught.value) == sentence


# Listening


async def test_where_it_listens(started: Started) -> None:
    """A free port instead of 0."""
    (url,) = (await started()).master.urls()
    assert url.startswith("http://127.0.0.1:")
    assert not url.endswith(":0")


async def test_ipv6_addresses_have_brackets(started: Started) -> None:
    """As URLs want them."""
    (url,) = (await started(listen_host="::1")).master.urls()
    assert url.startswith("http://[::1]:")


async def test_several_modes(started: Started) -> None:
    """Each has its address."""
    proxy = await started(mode=["regular@127.0.0.1:0", "socks5@127.0.0.2:0"])
    assert [url.rpartition(":")[0] for url in proxy.master.urls()] == ["http://127.0.0.1", "http://127.0.0.2"]


async def test_it_serves(started: Started) -> None:
    """Plain HTTP of another host passes."""
    origin = Origin(None)
    try:
        origin.route("/x", "hello")
        proxy = await started()
        assert b" 200 " in await asked(await proxy.connect(), f"{origin.url}/x", f"localhost:{origin.port}")
        assert origin.count("/x") == 1
    finally:
        origin.close()


async def test_a_busy_port(new_proxy: NewProxy, busy_port: int) -> None:
    """The failure says which, and what to do; the proxy has ended."""
    proxy = new_proxy(listen_port=busy_port)
    with pytest.raises(SwproxyError) as caught:
        await proxy.start()
    assert str(caught.value) == (
        f"Cannot listen on 127.0.0.1:{busy_port}, which is in use: choose another port with --listen-port."
    )


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"listen_port": 70000}, "port must be 0-65535"), ({"listen_host": "192.0.2.1"}, "192.0.2.1")],
)
async def test_an_address_that_cannot_be_had(new_proxy: NewProxy, settings: dict[str, Any], reason: str) -> None:
    """One line, whatever the system says."""
    with pytest.raises(SwproxyError) as caught:
        await new_proxy(**settings).start()
    assert str(caught.value).startswith("Cannot listen: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_start_that_fails_ends_the_proxy(new_proxy: NewProxy) -> None:
    """mitmproxy would go on without what was to be started."""
    master = new_proxy().master

    async def on_ready() -> None:
        raise ZeroDivisionError

    master.on_ready = on_ready
    await asyncio.wait_for(master.run(), 10)
    assert isinstance(master.failure, ZeroDivisionError)


async def test_an_end_is_no_failure(new_proxy: NewProxy) -> None:
    """Whoever asks for it gets it."""
    master = new_proxy().master

    async def on_ready() -> None:
        master.shutdown()

    master.on_ready = on_ready
    await asyncio.wait_for(master.run(), 10)
    assert master.failure is None


# Leaves


async def test_leaves_are_of_our_authority(started: Started, origin: Origin) -> None:
    """A client that trusts it and nothing else is content; the origin's certificate is checked by the proxy."""
    origin.route("/", "hello")
    proxy = await started(intercept=["localhost"])
    streams = await proxy.tunnel(origin.port, proxy.authority.certificate)
    assert b" 200 " in await asked(streams, "/", f"localhost:{origin.port}")
    der = streams[1].get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert x509.load_der_x509_certificate(der).issuer == proxy.authority.load().subject


@pytest.mark.parametrize(("insecure", "status"), [(False, b" 502 "), (True, b" 200 ")])
async def test_origins_that_nobody_vouches_for(started: Started, pki: Pki, insecure: bool, status: bytes) -> None:
    """They are refused, unless ``insecure`` says otherwise."""
    origin = Origin(pki.self_signed())
    try:
        origin.route("/", "hello")
        proxy = await started(intercept=["localhost"], insecure=insecure)
        streams = await proxy.tunnel(origin.port, proxy.authority.certificate)
        assert status in await asked(streams, "/", f"localhost:{origin.port}")
    finally:
        origin.close()


async def test_the_store_of_leaves_is_made_once(authority: Authority) -> None:
    """Whatever option changes: the leaves that were made are kept."""
    own = OwnAuthority(authority)
    context = taddons.context(own)
    context.configure(own)
    store = own.certstore
    assert Cert.from_pem(authority.certificate.read_bytes()) == store.default_ca
    context.configure(own, ssl_insecure=True)
    assert own.certstore is store


async def test_mitmproxy_makes_no_authority_of_its_own(authority: Authority, tmp_path: Path) -> None:
    """Its directory stays empty."""
    own = OwnAuthority(authority)
    context = taddons.context(own)
    context.configure(own, confdir=str(tmp_path / "confdir"))
    assert not (tmp_path / "confdir").exists()


@pytest.mark.skipif(not hasattr(TlsConfig, "crl_path"), reason="mitmproxy 11 names no list of revocations")
async def test_the_address_of_revocations_does_not_change(authority: Authority) -> None:
    """It is in every leaf, so that it has to be the authority's."""
    own = OwnAuthority(authority)
    assert own.crl_path() == ""
    taddons.context(own).configure(own)
    assert own.crl_path().endswith(".crl")
    assert own.crl_path() == OwnAuthority.__base__.crl_path(own)  # type: ignore[union-attr]


# The log of mitmproxy


@pytest.mark.usefixtures("logging_as_before")
def test_mitmproxy_writes_to_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is a warning or worse; people see nothing of it."""
    quiet_mitmproxy(tmp_path / "proxy.log")
    logging.getLogger("mitmproxy.x").info("client connect")
    logging.getLogger("mitmproxy.x").warning("that was odd")
    (line,) = (tmp_path / "proxy.log").read_text().splitlines()
    assert line.endswith(" WARNING mitmproxy.x: that was odd")
    assert capfd.readouterr() == ("", "")
