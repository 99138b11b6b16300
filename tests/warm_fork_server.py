"""Fork servers that need not warm up: they are forked from the tests' own process, which is warm already."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import IO, Any

import helpers
import pytest

from swproxy.realm import fork_server as inside
from swproxy.workers import fork_server as outside


class ForkedServer:
    """What ``ForkServer`` needs of ``subprocess.Popen``."""

    def __init__(self, command: list[str], *, stdout: IO[bytes], **options: Any) -> None:
        self.returncode: int | None = None
        control = int(command[command.index("swproxy.realm.fork_server") + 1])
        log = stdout.fileno()
        helpers._warm()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _serve(control, log)
            finally:
                os._exit(0)

    def poll(self) -> int | None:
        return self._wait(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        status = self._wait(0)
        assert status is not None
        return status

    def _wait(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _serve(control: int, log: int) -> None:
    """The child: nothing of the tests stays open."""
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.closerange(3, control)
    os.closerange(control + 1, 4096)
    sys.argv = ["swproxy.realm.fork_server", str(control)]
    inside.warm_realm = lambda **options: helpers._warm()
    inside.main()


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on fork servers start like this."""
    quick = SimpleNamespace(Popen=ForkedServer, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr(outside, "subprocess", quick)
