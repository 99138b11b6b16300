"""``swproxy`` as people call it: from a shell, or on a terminal."""

import os
import pty
import subprocess
import termios
from dataclasses import dataclass
from pathlib import Path

from proxy_process import SWPROXY


@dataclass(frozen=True)
class CommandLine:
    """Commands on one profile."""

    profile: Path

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
        return inherited | {"SWPROXY_PROFILE": str(self.profile), "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Its output is read by a program; ``changes`` are to the environment."""
        return subprocess.run(
            [*SWPROXY, *arguments],
            env=self.environment | changes,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """``$swproxy`` is the program."""
        program = {"swproxy": " ".join(SWPROXY)}
        return subprocess.run(
            ["sh", "-c", command],
            env=self.environment | program,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def on_terminal(self, *arguments: str, columns: int = 80) -> str:
        """What a terminal gets, with ``\\n`` at the ends of its lines."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        with subprocess.Popen([*SWPROXY, *arguments], env=self.environment, stdin=theirs, stdout=theirs):
            os.close(theirs)
            data = bytearray()
            try:
                while chunk := os.read(ours, 65536):
                    data += chunk
            except OSError:  # Linux's end of a terminal
                pass
            finally:
                os.close(ours)
        return data.decode().replace("\r\n", "\n")
