"""``swproxy caches``"""

import subprocess

import pytest
from command_line import CommandLine
from proxy_process import SWPROXY, ProxyProcess

from swproxy.cli.output import visible

A, B = "https://a.test", "https://b.test"
NAME = "v\x1b[31m1"
SCRIPT = r"""
oninstall = (event) => event.waitUntil((async () => {
  const cache = await caches.open("v\u001b[31m1");
  const headers = { "X-Colour": "\u009b31m", "Content-Type": "text/\u009bplain" };
  await cache.put("/a", new Response("one\u001b[2J\r\ntwo\n", { statusText: "\u009bfine", headers }));
})());
"""


@pytest.fixture
def filled(running: ProxyProcess, line: CommandLine) -> CommandLine:
    """Two origins with a cache each."""
    script = line.profile.parent / "sw.js"
    script.write_text(SCRIPT)
    for origin in (A, B):
        assert running.register(f"{origin}/", str(script)).returncode == 0
    return line


def test_what_a_site_has_named(filled: CommandLine) -> None:
    """Names, types and headers are shown without their controls."""
    for arguments in (["ls"], ["ls", "--json"], ["keys", A, NAME], ["keys", A, NAME, "--json"]):
        shown = filled.run("caches", *arguments).stdout
        assert shown.count("\n") > 1
        assert visible(shown, "\n") == shown
    shown = filled.run("caches", "show", "-i", A, NAME, "/a").stdout
    assert shown.startswith("200 \\u009bfine\n")
    assert "x-colour: \\u009b31m\n" in shown.lower()
    assert "\x1b" not in filled.run("caches", "rm", A, NAME).stdout


def test_a_body_is_as_it_is_in_a_pipe_only(filled: CommandLine) -> None:
    """A terminal must not obey it."""
    command = [*SWPROXY, "caches", "show", A, NAME, "/a"]
    piped = subprocess.run(command, env=filled.environment, capture_output=True, check=True).stdout
    assert piped == b"one\x1b[2J\r\ntwo\n"
    assert filled.on_terminal("caches", "show", A, NAME, "/a") == "one\\u001b[2J\ntwo\n"
    full = filled.shell(f"$swproxy caches show {A} \"$(printf 'v\\033[31m1')\" /a >/dev/full")
    assert (full.returncode, full.stderr) == (1, "swproxy: Cannot write the output: No space left on device.\n")


def test_an_origin_without_caches_is_not_listed(filled: CommandLine) -> None:
    """Though its directory is still there."""
    assert filled.run("caches", "rm", A, "--all").stdout == f"Deleted 1 cache of {A}.\n"
    assert A not in filled.run("caches", "ls").stdout
    missing = filled.run("caches", "ls", "https://c.test").stderr
    assert missing == f"swproxy: https://c.test has no caches. Origins with caches: {B}.\n"
    assert filled.run("caches", "rm", A, "--all").stdout == f"Deleted no cache of {A}.\n"


@pytest.mark.parametrize("origin", ["", "a.test", "ftp://a.test"])
def test_what_is_no_origin(line: CommandLine, origin: str) -> None:
    """An empty one does not stand for all."""
    done = line.run("caches", "ls", origin)
    assert done.returncode == 2
    assert done.stderr == f"swproxy: '{origin}' is not an origin: give it as https://site.example.\n"
