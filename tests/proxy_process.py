"""``swproxy run`` as a process, and clients that use it."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swproxy.control.client import call
from swproxy.storage import journal
from swproxy.storage.profile import Profile

SWPROXY = [sys.executable, "-m", "swproxy.cli.main"]


@dataclass(frozen=True)
class Curl:
    """What curl got."""

    exit_code: int
    status: int
    headers: dict[str, str]
    body: bytes
    http_version: str
    stderr: str

    @property
    def text(self) -> str:
        return self.body.decode()


class ProxyProcess:
    """A proxy on a free port.

    Args:
        profile: its directory.
        trusted: the CA of the origins, PEM.
        arguments: further ones for ``swproxy run``.
    """

    def __init__(self, profile: Path, trusted: Path, *arguments: str) -> None:
        self.profile = Profile(profile)
        self.environment = os.environ | {"SWPROXY_PROFILE": str(profile)}
        self.process = subprocess.Popen(
            [*SWPROXY, "run", "--listen-port", "0", "--upstream-ca", str(trusted), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if "listening" not in line:
            assert self.process.stderr is not None
            raise AssertionError(f"the proxy did not start: {line}{self.process.stderr.read()}")
        self.url = line.split()[-1]

    # The command line

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """A command on the same profile."""
        return subprocess.run(
            [*SWPROXY, *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def register(self, scope: str, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("register", scope, script, *arguments)

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The control API itself: faster than a command."""
        return call(self.profile, method, path, body)

    def registered(self, scope: str, script: str, worker_type: str = "classic") -> Any:
        """Registers, and expects it to work."""
        return self.control("POST", "/register", {"scope": scope, "script": script, "type": worker_type})

    def offline(self, offline: bool, origin: str = "") -> None:
        self.control("POST", "/offline", {"offline": offline, "origin": origin or None})

    def status(self) -> Any:
        return self.control("GET", "/status")

    def worker_pid(self, scope: str) -> int | None:
        """The process of the active worker, if it runs."""
        for registration in self.status()["registrations"]:
            if registration["scope"] == scope:
                for worker in registration["workers"]:
                    if worker["state"] == "activated":
                        return worker["pid"]  # type: ignore[no-any-return]
        return None

    def log(self) -> list[dict[str, Any]]:
        """The lines of the log, after a flush."""
        self.control("POST", "/flush")
        return list(journal.read(self.profile.log))

    # Clients

    @property
    def ca(self) -> Path:
        return self.profile.ca / "swproxy-ca-cert.pem"

    def curl(
        self, url: str, *arguments: str, http: str = "--http1.1", timeout: float = 30, stdin: bytes = b""
    ) -> Curl:
        """curl through the proxy, trusting the proxy's CA and nothing else."""
        headers_mark = "\n--curl-headers--\n"
        command = [
            "curl",
            "--silent",
            "--show-error",
            "--proxy",
            self.url,
            "--noproxy",
            "",
            "--cacert",
            str(self.ca),
            "--max-time",
            str(timeout),
            http,
            "--write-out",
            headers_mark + "%{http_code} %{http_version}\n%{header_json}",
            *arguments,
            url,
        ]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=timeout + 10)
        body, _, trailer = done.stdout.rpartition(headers_mark.encode())
        line, _, headers = trailer.decode().partition("\n")
        status, version = line.split()
        parsed = json.loads(headers) if headers.strip() else {}
        return Curl(
            done.returncode,
            int(status),
            {name: ", ".join(values) for name, values in parsed.items()},
            body,
            version,
            done.stderr.decode(),
        )

    # The end

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def kill(self) -> None:
        """kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
