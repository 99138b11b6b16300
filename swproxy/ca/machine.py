"""The machine whose trust stores are meant: where its files are, and how its programs are run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swproxy.errors import SwproxyError

# Seconds. macOS asks for a password meanwhile.
TIMEOUT = 120.0
# Not on everyone's PATH: administrators' programs on Linux, Homebrew's NSS on macOS.
_FURTHER_PLACES = ("/usr/sbin", "/sbin", "/opt/homebrew/opt/nss/bin", "/usr/local/opt/nss/bin")


class CommandFailed(SwproxyError):
    """A program is missing, took too long or reported a failure.

    Attributes:
        status: what it ended with; None if it did not end by itself.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look.

    Attributes:
        home: of the user.
        root: of the file system.
        platform: as ``sys.platform`` has it.
    """

    home: Path
    root: Path = Path("/")
    platform: str = sys.platform
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def program(self, name: str) -> str | None:
        """The path of a program, if it is installed."""
        places = [self.environ.get("PATH", os.defpath), *_FURTHER_PLACES]
        return shutil.which(name, path=os.pathsep.join(places))

    def run(self, command: list[str]) -> str:
        """What a program prints. It has no terminal to ask on.

        Raises:
            CommandFailed: it is missing, took too long, or failed; the reason is its own last words.
        """
        name = command[0]
        program = self.program(name)
        if program is None:
            raise CommandFailed(f"{name} is missing")
        try:
            done = subprocess.run(
                [program, *command[1:]],
                env={**self.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"{name} did not end within {TIMEOUT:.0f} s") from None
        except OSError as error:
            raise CommandFailed(f"{name} cannot be run: {error.strerror}") from None
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            said = lines[-1].removeprefix(f"{name}: ").rstrip(".") if lines else f"it ended with {done.returncode}"
            raise CommandFailed(f"{name}: {said}", done.returncode)
        return done.stdout.decode(errors="replace")


def this_machine() -> Machine:
    return Machine(Path.home())
