"""``swproxy demo``"""

import asyncio
import contextlib
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from swproxy.cli.output import Cell, print_table, say, size
from swproxy.config import Settings
from swproxy.control.client import call
from swproxy.storage.profile import Profile, absolute


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the walk: exit code 0 if every step was as it should be.")
@click.option(
    "-p", "--listen-port", type=click.IntRange(0, 65535), default=0, help="The proxy's port.  [default: free]"
)
@click.option("--profile", "directory", metavar="DIR", help="Keep the profile there.  [default: a temporary one]")
def demo_command(once: bool, listen_port: int, directory: str | None) -> None:
    """See it work: a small site, its service worker in the proxy, the network on and off.

    Starts an HTTPS origin of its own and a proxy, registers the site's worker, visits the site, turns the network
    off and visits it again. Nothing else has to run, and no browser has to trust anything.
    """
    with contextlib.ExitStack() as stack:
        path = absolute(directory) if directory else None
        if path is None:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="swproxy-demo-")))
        good = asyncio.run(_demo(Profile(path), listen_port, once=once))
    if not good:
        sys.exit(1)


async def _demo(profile: Profile, port: int, *, once: bool) -> bool:
    from swproxy.demo.origin import HOST, DemoOrigin
    from swproxy.proxy.run import run

    profile.prepare()
    origin = DemoOrigin(profile.directory)
    await origin.start()
    sources: dict[str, str] = {}
    settings = Settings(listen_port=port, insecure=True, resolve={f"{HOST}:443": f"127.0.0.1:{origin.port}"})
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def observe(line: dict[str, Any]) -> None:
        if line["kind"] == "request":
            sources[line["url"]] = line["source"]

    proxy = asyncio.ensure_future(run(settings, profile, ready.set_result, observe))
    try:
        futures: list[asyncio.Future[Any]] = [proxy, ready]
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await proxy  # raises why it does not run
        good = await _walk(profile, ready.result(), sources)
        if not once:
            _invite(profile, ready.result())
            await proxy  # until Ctrl-C
        return good
    finally:
        await _stop(proxy)
        await origin.close()


async def _stop(proxy: asyncio.Task[None]) -> None:
    import os
    import signal

    if not proxy.done():
        os.kill(os.getpid(), signal.SIGTERM)  # the proxy's own way to end
        await proxy


async def _walk(profile: Profile, address: str, sources: dict[str, str]) -> bool:
    from swproxy.ca.authority import Authority
    from swproxy.demo.origin import HOST
    from swproxy.demo.walk import STEPS, Visit, Visitor

    body = {"scope": f"https://{HOST}/", "script": f"https://{HOST}/sw.js"}
    await asyncio.to_thread(call, profile, "POST", "/register", body)
    say(f"Registered the service worker of https://{HOST}/, on an origin that runs on this machine.\n")
    certificate = Authority(profile.ca).certificate
    visitor = Visitor(address, str(certificate), sources)
    visits: list[Visit] = []
    for online in (True, False):
        if not online:
            await asyncio.to_thread(call, profile, "POST", "/offline", {"offline": True})
        steps = [step for step in STEPS if step.online is online]
        visits += [visit async for visit in visitor.walk(steps)]
    names = {"network": "network", "cache": "worker, from its cache", "fallback": "worker, its fallback page"}
    rows: list[list[Cell]] = [
        [
            "on" if visit.step.online else "off",
            visit.step.path,
            names.get(visit.answered_by, visit.answered_by),
            str(visit.status),
            size(visit.size),
            f"{visit.milliseconds:.1f} ms",
            "" if visit.wrong is None else (f"wrong: {visit.wrong}", "red"),
        ]
        for visit in visits
    ]
    print_table(("NETWORK", "URL", "ANSWERED BY", "STATUS", "SIZE", "TIME", ""), rows)
    return all(visit.wrong is None for visit in visits)


def _invite(profile: Profile, address: str) -> None:
    from swproxy.ca.authority import Authority
    from swproxy.demo.origin import HOST

    url = f"https://{HOST}/"
    say("\nThe network is off now. Try it yourself while this runs; Ctrl-C ends it.")
    say(f"  curl --proxy {address} --cacert {Authority(profile.ca).certificate} {url}")
    browser = f"--proxy-server={address} --ignore-certificate-errors --user-data-dir=/tmp/swproxy-demo"
    say(f"  chromium {browser} {url}")
    say(f"  {_program()} offline off --profile {profile.directory}")


def _program() -> str:
    """What to type for ``swproxy``."""
    if shutil.which("swproxy"):
        return "swproxy"
    started = sys.argv[0]
    return shlex.join([sys.executable, "-m", "swproxy.cli.main"] if started.endswith(".py") else [started])
