"""``swproxy``: the group of all commands."""

import importlib
import os
import sys
from typing import Any, NoReturn

import click

from swproxy import __version__
from swproxy.cli.output import prepare_streams, say, visible
from swproxy.errors import SwproxyError

# command -> (module under swproxy.cli, one line about it): modules are imported when their command is used.
COMMANDS = {
    "run": ("run", "Start the proxy."),
    "register": ("register", "Register a service worker for a scope."),
    "unregister": ("register", "Remove the service worker of a scope."),
    "update": ("register", "Fetch a worker's script again and install what has changed."),
    "status": ("status", "Show the registrations, their workers and the open pages."),
    "start": ("status", "Start the worker of a scope."),
    "stop": ("status", "Stop the worker of a scope."),
    "offline": ("offline", "Turn the network off or on."),
    "set": ("set", "Set, for an origin, what developer tools of browsers set."),
    "caches": ("caches", "Look into the caches."),
    "db": ("db", "Look into the IndexedDB databases."),
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

    Exit codes: 0 done; 1 the operation failed; 2 invalid input; 3 no proxy is running on this profile; 130 Ctrl-C.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Runs a command; ends with its exit code."""
    if sys.stdout is None:
        _fail("Standard output is closed: redirect it to /dev/null if nobody is to read it.", 1)
    prepare_streams()
    try:
        return cli.main(args=arguments, prog_name="swproxy", standalone_mode=False)
    except SwproxyError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:  # a closed pipe, as of `swproxy log | head`, is click's to handle
        if error.filename is not None:
            _fail(f"Cannot use {error.filename}: {error.strerror}.", 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer would fail again
        _fail(f"Cannot write the output: {error.strerror}.", 1)
    except click.ClickException as error:
        _with_advice(error).show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)


def _with_advice(error: click.ClickException) -> click.ClickException:
    if isinstance(error, click.NoSuchOption) and error.ctx is not None and isinstance(error.ctx.command, click.Group):
        return click.UsageError(
            f"No such option: {error.option_name}. The options of a command go after it, as in "
            "`swproxy status --profile DIR`.",
            error.ctx,
        )
    return error


def _fail(sentence: str, exit_code: int) -> NoReturn:
    say(f"swproxy: {visible(sentence)}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
