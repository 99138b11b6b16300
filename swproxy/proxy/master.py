"""A lean mitmproxy: just the addons that this proxy needs."""

import errno
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mitmproxy import exceptions, http, options
from mitmproxy.addons import core, disable_h2c, dns_resolver, next_layer, proxyserver, tlsconfig, upstream_auth
from mitmproxy.certs import CertStore
from mitmproxy.master import Master

from swproxy.ca.authority import Authority
from swproxy.config import Settings
from swproxy.errors import InvalidInput, SwproxyError
from swproxy.network.trust import TrustedAuthorities
from swproxy.proxy.addon import ServiceWorkerAddon
from swproxy.proxy.addon_manager import LeanAddonManager


class OwnAuthority(tlsconfig.TlsConfig):
    """TLS with leaves of swproxy's CA instead of mitmproxy's."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._crl_path = ""

    def configure(self, updated: Any) -> None:
        if self.certstore is None:
            self.certstore = CertStore.from_files(self._authority.key_and_certificate, self._authority.dhparams)
            if hasattr(super(), "crl_path"):  # since mitmproxy 12
                self._crl_path = super().crl_path()

    def crl_path(self) -> str:
        return self._crl_path  # asked for at every request


class ProxyMaster(Master):
    """The proxy. ``run`` returns when it was shut down, or could not listen: then there is a ``failure``.

    Args:
        settings: of this run.
        addon: swproxy's own.
        authority: issues the leaves.
        authorities: vouch for origins.

    Attributes:
        on_ready: awaited once it listens.

    Raises:
        InvalidInput: mitmproxy does not take an option.
    """

    def __init__(
        self,
        settings: Settings,
        addon: ServiceWorkerAddon,
        authority: Authority,
        authorities: TrustedAuthorities,
    ) -> None:
        super().__init__(options.Options())
        _trust_messages()
        self.on_ready: Callable[[], Awaitable[None]] | None = None
        self.failure: Exception | None = None
        self._proxyserver = proxyserver.Proxyserver()
        self.addons = LeanAddonManager(self)
        self.addons.add(
            core.Core(),
            self._proxyserver,
            next_layer.NextLayer(),
            disable_h2c.DisableH2C(),
            dns_resolver.DnsResolver(),
            upstream_auth.UpstreamAuth(),
            OwnAuthority(authority),
            addon,
        )
        decided: dict[str, Any] = {
            "mode": settings.mode,
            "listen_host": settings.listen_host,
            "listen_port": settings.listen_port,
            "ssl_insecure": settings.insecure,
            "ssl_verify_upstream_trusted_ca": authorities.file,
            "ssl_verify_upstream_trusted_confdir": authorities.directory,
            # Dialling the origin at CONNECT breaks every offline case.
            "connection_strategy": "lazy",
            # What no worker handles passes through as it is.
            "websocket": False,
        }
        if taken := ", ".join(sorted(decided.keys() & settings.options.keys())):
            raise InvalidInput(f"swproxy sets these options of mitmproxy itself: {taken}; see swproxy run --help.")
        try:
            self.options.update(**decided, **settings.options)
        except KeyError as error:
            raise InvalidInput(f"Neither swproxy nor mitmproxy has this: {error.args[0]}.") from None
        except (exceptions.OptionsError, TypeError, ValueError) as error:
            raise InvalidInput(f"mitmproxy does not take this: {str(error).rstrip('.')}.") from None

    async def running(self) -> None:
        for server in self._proxyserver.servers:
            if server.last_exception is not None:
                self._fail(_cannot_listen(server.last_exception, self.options.listen_host, self.options.listen_port))
                return
        await super().running()
        if self.on_ready is not None:
            try:
                await self.on_ready()
            except Exception as error:  # mitmproxy would log it and go on
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self.should_exit.set()

    def urls(self) -> list[str]:
        """Where it listens."""
        return urls(self._proxyserver)


def _trust_messages() -> None:
    """Leaves out what mitmproxy does without ``python -O``: comparing all parts with their type annotations."""
    http.MessageData.__post_init__ = lambda _: None  # type: ignore[method-assign]


def _cannot_listen(error: Exception, host: str, port: int) -> SwproxyError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return SwproxyError(
            f"Cannot listen on {host}:{port}, which is in use: choose another port with --listen-port."
        )
    return SwproxyError(f"Cannot listen: {str(error).partition(chr(10))[0]}")


def urls(server: proxyserver.Proxyserver) -> list[str]:
    """Where it listens."""
    addresses = [address[:2] for address in server.listen_addrs()]
    return [f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" for host, port in addresses]


def quiet_mitmproxy(log_file: Path) -> None:
    """What mitmproxy logs is for those who look for a fault; people get what concerns them from swproxy."""
    handler = logging.FileHandler(log_file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
