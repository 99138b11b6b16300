"""``swproxy run``"""

import asyncio
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from swproxy.cli.options import profile_option
from swproxy.cli.output import say
from swproxy.config import load_settings, warning_of_old_mitmproxy
from swproxy.storage.profile import Profile


@click.command("run")
@profile_option
@click.option(
    "-p", "--listen-port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one.  [default: 8080]"
)
@click.option("--listen-host", metavar="HOST", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "-m",
    "--mode",
    multiple=True,
    metavar="MODE",
    help="A mode of mitmproxy: regular, transparent, socks5, reverse:SPEC, upstream:SPEC, ...  [default: regular]",
)
@click.option("-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="A swproxy.toml.")
@click.option("--offline", is_flag=True, default=None, help="Start with the network turned off.")
@click.option(
    "--intercept",
    multiple=True,
    metavar="HOST",
    help="Decrypt this host too, though no scope is on it; *.example is all below it.",
)
@click.option("--intercept-all", is_flag=True, default=None, help="Decrypt every host.")
@click.option(
    "-k", "--ssl-insecure", "insecure", is_flag=True, default=None, help="Do not verify origins' certificates."
)
@click.option(
    "--upstream-ca",
    metavar="FILE",
    help="A PEM file with authorities that origins' certificates may be of, besides those that the system trusts.",
)
@click.option(
    "--allow-insecure-localhost",
    is_flag=True,
    default=None,
    help="Let http://localhost have service workers, as browsers do.",
)
@click.option(
    "--no-page-client",
    "page_client",
    is_flag=True,
    flag_value=False,
    default=None,
    help="Leave all documents as they are: pages keep the service workers of their browser.",
)
@click.option(
    "--remove-native-workers",
    is_flag=True,
    default=None,
    help="Unregister the service workers that a browser has of its own, where a page is opened.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any setting of swproxy.toml, or an option of mitmproxy.",
)
def run_command(profile: Profile, config: Path | None, assignments: tuple[str, ...], **given: Any) -> None:
    """Start the proxy; Ctrl-C or SIGTERM stops it.

    It prints "swproxy listening on http://HOST:PORT" when it is ready.
    """
    for name in ("mode", "intercept"):
        given[name] = list(given[name]) or None
    if click.get_current_context().get_parameter_source("profile") is not ParameterSource.DEFAULT:
        given["profile"] = str(profile.directory)
    settings = load_settings(config, given, list(assignments))
    from swproxy.proxy.run import announce, run

    def ready(address: str) -> None:
        announce(address)
        if warning := warning_of_old_mitmproxy():
            say(f"swproxy: {warning}", err=True)

    asyncio.run(run(settings, Profile(settings.profile_directory()), ready))
