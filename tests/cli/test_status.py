"""``swproxy status``"""

from pathlib import Path

import pytest
from command_line import CommandLine
from proxy_process import ProxyProcess

from swproxy.cli.status import listening, page_line, waiting

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


@pytest.mark.parametrize(
    ("clients", "events", "text"),
    [
        (2, 0, f"2 clients and no event in progress; `swproxy update {SCOPE} --skip-waiting` ends that"),
        (0, 1, "no client and 1 event in progress"),
    ],
)
def test_why_a_version_waits(clients: int, events: int, text: str) -> None:
    """With what to do about it, if that is something."""
    workers = [{"id": 3, "state": "installed"}, {"id": 1, "state": "activated"}]
    cause = {"worker": 1, "clients": clients, "events": events}
    shown = waiting({"scope": SCOPE, "workers": workers, "waits_for": cause})
    assert shown == f"worker 3 waits for worker 1, which has {text}"


PAGE = {
    "url": "https://a.test/",
    "type": "window",
    "frame_type": "top-level",
    "presence": "open",
    "focused": False,
    "visibility_state": "visible",
    "worker": 1,
}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "top-level, visible, controlled by worker 1"),
        ({"focused": True, "worker": None}, "top-level, visible, focused, not controlled"),
        ({"frame_type": "nested", "visibility_state": "hidden"}, "nested, hidden, controlled by worker 1"),
        ({"presence": "frozen"}, "top-level, frozen, controlled by worker 1"),
        ({"presence": "reserved"}, "top-level, arriving, controlled by worker 1"),
        ({"type": "worker", "frame_type": "none"}, "dedicated worker, controlled by worker 1"),
        ({"type": "sharedworker", "frame_type": "none", "worker": None}, "shared worker, not controlled"),
    ],
)
def test_pages(changes: dict[str, object], text: str) -> None:
    """Each on a line."""
    assert page_line(PAGE | changes) == f"https://a.test/: {text}"


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
