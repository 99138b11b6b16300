"""swproxy as an addon of a mitmproxy that somebody else runs."""

import os
import sys
from pathlib import Path

from mitmproxy import ctx, exceptions
from mitmproxy.addonmanager import Loader

from swproxy.config import load_settings
from swproxy.context import ServiceWorkerContext
from swproxy.control.server import ControlServer
from swproxy.errors import SwproxyError
from swproxy.proxy.addon import ServiceWorkerAddon
from swproxy.proxy.master import urls
from swproxy.storage.profile import Profile, ProfileLock


class StockAddon:
    """Makes the context when mitmproxy runs, and puts the addon proper in."""

    def __init__(self) -> None:
        self._context: ServiceWorkerContext | None = None
        self._control: ControlServer | None = None
        self._lock: ProfileLock | None = None

    def load(self, loader: Loader) -> None:
        loader.add_option("swproxy_config", str, "", "A swproxy.toml.")

    async def running(self) -> None:
        try:
            await self._start()
        except SwproxyError as error:
            print(f"swproxy: {error}", file=sys.stderr)
            ctx.master.shutdown()
            raise exceptions.AddonHalt from None

    async def _start(self) -> None:
        file = ctx.options.swproxy_config
        overrides = {
            "profile": os.environ.get("SWPROXY_PROFILE"),
            "insecure": ctx.options.ssl_insecure or None,
            "upstream_ca": ctx.options.ssl_verify_upstream_trusted_ca,
            "options": {"upstream_auth": ctx.options.upstream_auth} if ctx.options.upstream_auth else None,
            "mode": list(ctx.options.mode),
        }
        settings = load_settings(Path(file) if file else None, overrides, [])
        profile = Profile(settings.profile_directory())
        profile.prepare()
        self._lock = profile.acquire()
        self._context = ServiceWorkerContext(settings, profile, was_clean=self._lock.was_clean)
        addon = ServiceWorkerAddon(self._context)
        ctx.master.addons.add(addon)
        await addon.running()
        await self._context.start()
        self._control = ControlServer(self._context, _details)
        await self._control.start(profile.control_socket)
        if ctx.options.connection_strategy != "lazy":
            # Dialling the origin at CONNECT breaks every offline case.
            ctx.options.connection_strategy = "lazy"

    async def done(self) -> None:
        if self._control is not None:
            await self._control.close()
        if self._context is not None:
            await self._context.close()
            self._context.profile.control_socket.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()


def _details() -> dict[str, object]:
    server = ctx.master.addons.get("proxyserver")
    return {"pid": os.getpid(), "listening": urls(server) if server else []}
