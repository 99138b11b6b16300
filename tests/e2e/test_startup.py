"""Starting under bad conditions: one clear sentence each, nothing lost."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from origin import Origin
from proxy_process import SWPROXY, ProxyProcess


def failing_run(*arguments: str) -> tuple[int, str]:
    """Exit code and the one line on stderr of a `swproxy run` that does not start."""
    done = subprocess.run([*SWPROXY, "run", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


def test_a_busy_port(tmp_path: Path) -> None:
    """The message names the port and the option."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        code, message = failing_run("--profile", str(tmp_path), "-p", str(port))
    assert code == 1
    assert f"127.0.0.1:{port}" in message
    assert "--listen-port" in message


def test_a_second_instance(start_proxy: Callable[..., ProxyProcess]) -> None:
    """The second proxy on a profile says who has it; the first goes on."""
    first = start_proxy()
    code, message = failing_run("--profile", str(first.profile.directory), "-p", "0")
    assert code == 1
    assert f"process {first.process.pid}" in message
    assert first.run("status").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "nonsense=1"), "nonsense"),
        (("--set", "turn_budget=soon"), "turn_budget"),
        (("--set", "turn_budget"), "name=value"),
        (("-m", "sideways"), "sideways"),
        (("-c", "/no/such/swproxy.toml"), "/no/such/swproxy.toml"),
    ],
)
def test_bad_settings(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit code 2, and what is wrong is named."""
    code, text = failing_run("--profile", str(tmp_path), "-p", "0", *arguments)
    assert code == 2
    assert message in text


def test_a_profile_that_is_a_file(tmp_path: Path) -> None:
    """The message says that it has to be a directory."""
    path = tmp_path / "file"
    path.touch()
    code, message = failing_run("--profile", str(path))
    assert code == 1
    assert "has to be a directory" in message


def test_commands_without_a_proxy(tmp_path: Path) -> None:
    """Exit code 3, and how to start one."""
    done = subprocess.run(
        [*SWPROXY, "status", "--profile", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "swproxy run" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB. Mounting needs root: the test machine has it."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.mark.parametrize("given", [True, False])
def test_which_profile(tmp_path: Path, given: bool) -> None:
    """That of the command line, else that of the settings."""
    config = tmp_path / "swproxy.toml"
    (tmp_path / "configured").touch()
    (tmp_path / "given").touch()
    config.write_text(f'profile = "{tmp_path / "configured"}"\n')
    code, message = failing_run("-c", str(config), *(["--profile", str(tmp_path / "given")] if given else []))
    assert code == 1
    assert str(tmp_path / ("given" if given else "configured")) in message


def test_a_read_only_profile(small_disk: Path) -> None:
    """The message says that the profile cannot be written."""
    (small_disk / "profile").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, message = failing_run("--profile", str(small_disk / "profile"))
    assert code == 1
    assert "Read-only file system" in message
    assert "--profile" in message


def test_a_full_disk(small_disk: Path, origin: Origin, start_proxy: Callable[..., ProxyProcess]) -> None:
    """A cache write that does not fit is a QuotaExceededError; what was there is served, also after a restart."""
    origin.route("/small", b"s" * 100_000)
    origin.route("/big", b"b" * 9_000_000)
    origin.script(
        "/sw.js",
        """
        oninstall = (event) => event.waitUntil((async () => {
          const cache = await caches.open("v1");
          await cache.add("/small");
          const error = await cache.addAll(["/small?2", "/big"]).catch((error) => error);
          console.log(error.name);
          await cache.put("/name", new Response(error.name));
        })());
        onfetch = (event) =>
          event.respondWith(caches.match(event.request).then((found) => found ?? Response.error()));
        """,
    )
    profile = small_disk / "profile"
    proxy = start_proxy(profile=profile)
    done = proxy.register(f"{origin.url}/", f"{origin.url}/sw.js")
    assert done.returncode == 0, done.stderr
    assert proxy.curl(f"{origin.url}/name").text == "QuotaExceededError"
    assert proxy.curl(f"{origin.url}/small?2").status == 502
    (small_disk / "filler").write_bytes(b"")
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 65536)
        except OSError:
            pass
    assert proxy.curl(f"{origin.url}/small").body == b"s" * 100_000
    failed = proxy.register(f"{origin.url}/other/", f"{origin.url}/sw.js")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    (small_disk / "filler").unlink()
    assert proxy.stop() == 0
    again = start_proxy(profile=profile)
    assert again.curl(f"{origin.url}/small").body == b"s" * 100_000
