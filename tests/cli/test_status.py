"""``swproxy status``"""

from pathlib import Path

import pytest
from command_line import CommandLine
from proxy_process import ProxyProcess

from swproxy.cli.status import listening

SCOPE = "https://a-site-with-a-long-name.test/and/a/path/"


@pytest.mark.parametrize(
    ("urls", "text"),
    [
        (["http://127.0.0.1:8080"], "http://127.0.0.1:8080"),
        (["http://[::1]:8080"], "http://[::1]:8080"),
        (["http://[::]:8080", "http://0.0.0.0:8080"], "http://*:8080 (all interfaces)"),
    ],
)
def test_where_it_listens(urls: list[str], text: str) -> None:
    """As a person would say it."""
    assert listening(urls) == text


@pytest.mark.parametrize("columns", [30, 40, 80, 200])
def test_it_can_be_read_at_any_width(line: CommandLine, running: ProxyProcess, tmp_path: Path, columns: int) -> None:
    """No word is broken; the scope has a line of its own."""
    script = tmp_path / "sw.js"
    script.write_text("onfetch = () => {};")
    assert running.register(SCOPE, str(script)).returncode == 0
    shown = line.on_terminal("status", columns=columns)
    assert f"\n{SCOPE}\n  worker 1: " in shown
    pid = running.worker_pid(SCOPE)
    for part in (running.url, str(line.profile), "online", f"{pid}),", "no event in progress", str(script)):
        assert part in " ".join(shown.split())
    for text in shown.splitlines():
        assert len(text) <= columns or " " not in text.strip()


def test_a_program_gets_long_lines(line: CommandLine, running: ProxyProcess) -> None:
    """One for each thing."""
    assert line.run("status").stdout.splitlines() == [
        f"Listening on {running.url} (process {running.process.pid})",
        f"Profile: {line.profile}",
        "Network: online",
        "No service worker is registered: see `swproxy register --help`.",
    ]
