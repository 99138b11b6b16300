"""``swproxy``: the group of all commands."""

import importlib
import sys
from typing import Any

import click

from swproxy import __version__
from swproxy.errors import SwproxyError

# command -> (module under swproxy.cli, one line about it): modules are imported when their command is used.
COMMANDS = {
    "run": ("run", "Start the proxy."),
    "register": ("register", "Register a service worker for a scope."),
    "unregister": ("register", "Remove the service worker of a scope."),
    "update": ("register", "Fetch a worker's script again and install what has changed."),
    "status": ("status", "Show the registrations and their workers."),
    "start": ("status", "Start the worker of a scope."),
    "stop": ("status", "Stop the worker of a scope."),
    "offline": ("offline", "Turn the network off or on."),
    "caches": ("caches", "Look into the caches."),
    "ca": ("ca", "Trust, or stop trusting, the proxy's certificate authority."),
    "log": ("log", "Show who answered each request, and what workers print."),
    "demo": ("demo", "See it work on a site of its own."),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"swproxy.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, f"{name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="swproxy")
def cli() -> None:
    """A local HTTPS intercepting proxy that runs service workers outside the browser.

    Exit codes: 0 done; 1 the operation failed; 2 invalid input; 3 no proxy is running on this profile.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Runs a command; ends with its exit code."""
    try:
        return cli.main(args=arguments, prog_name="swproxy", standalone_mode=False)
    except SwproxyError as error:
        click.echo(f"swproxy: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # `swproxy log | head`
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
