"""A proxy from start to end: the profile, the context, mitmproxy, the control API."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from typing import Any

from swproxy.ca.authority import Authority
from swproxy.config import Settings
from swproxy.context import ServiceWorkerContext
from swproxy.control.server import ControlServer
from swproxy.proxy.addon import ServiceWorkerAddon
from swproxy.proxy.master import ProxyMaster, quiet_mitmproxy
from swproxy.storage.profile import Profile, profile_errors


def announce(address: str) -> None:
    """Says that the proxy is ready, for people and for programs that wait for the line."""
    print(f"swproxy listening on {address}", flush=True)


async def run(
    settings: Settings,
    profile: Profile,
    ready: Callable[[str], None] = announce,
    observer: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Runs until SIGINT or SIGTERM.

    Args:
        ready: called with the proxy's URL once it listens.
        observer: called with each line of the log.

    Raises:
        SwproxyError: it cannot run.
    """
    profile.prepare()
    lock = profile.acquire()
    try:
        with profile_errors(profile.directory):
            await _run(settings, profile, lock.was_clean, ready, observer)
    finally:
        lock.release()


async def _run(
    settings: Settings,
    profile: Profile,
    was_clean: bool,
    ready: Callable[[str], None],
    observer: Callable[[dict[str, Any]], None] | None,
) -> None:
    quiet_mitmproxy(profile.log / "proxy.log")
    authority = Authority(profile.ca)
    authority.ensure()
    context = ServiceWorkerContext(settings, profile, was_clean=was_clean)
    context.journal.observer = observer
    master = ProxyMaster(settings, ServiceWorkerAddon(context), authority, context.authorities)
    control = ControlServer(context, lambda: {"pid": os.getpid(), "listening": master.urls()})
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, master.shutdown)

    async def on_ready() -> None:
        await context.start()
        await control.start(profile.control_socket)
        # What is there now stays: full collections that went through it took 0.1 s each from the requests.
        gc.collect()
        gc.freeze()
        ready(", ".join(master.urls()))

    master.on_ready = on_ready
    try:
        await master.run()
        if master.failure is not None:
            raise master.failure
    finally:
        await control.close()
        await context.close()
        profile.control_socket.unlink(missing_ok=True)
