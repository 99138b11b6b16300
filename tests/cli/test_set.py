"""``swproxy set``"""

import json
from collections.abc import Callable

from command_line import CommandLine
from proxy_process import ProxyProcess

A, B = "https://a.test", "https://b.test"


def test_the_answer_is_about_what_was_asked(line: CommandLine, running: ProxyProcess) -> None:
    """What is set, or what holds for an origin."""
    for arguments, answer in (
        ([], "Nothing is set."),
        (["update-on-reload", "on", "--origin", "HTTPS://A.test:443/"], f"update-on-reload is on for {A}."),
        (["page-client", "off", "--origin", B], f"page-client is off for {B}."),
        ([], f"update-on-reload is on for {A}.\npage-client is off for {B}."),
        (["page-client"], f"page-client is off for {B}."),
        (["page-client", "--origin", A], f"page-client is on for {A}."),
        (["--origin", A], f"update-on-reload is on for {A}."),
        (["page-client", "on", "--origin", B], f"page-client is on for {B}."),
        (["--origin", B], "Nothing is set."),
    ):
        assert line.run("set", *arguments).stdout == f"{answer}\n"
    assert json.loads(line.run("set", "--json").stdout) == {A: {"update-on-reload": True}}
    assert f"\nSet for {A}: update-on-reload on\n" in line.run("status").stdout


def test_it_survives_a_restart(line: CommandLine, start_proxy: Callable[..., ProxyProcess]) -> None:
    """However the proxy has ended."""
    first = start_proxy()
    assert line.run("set", "bypass-for-network", "on", "--origin", A).returncode == 0
    first.kill()
    start_proxy()
    assert line.run("set").stdout == f"bypass-for-network is on for {A}.\n"


def test_what_is_wrong(line: CommandLine) -> None:
    """Exit codes as of all commands."""
    for arguments, code, text in (
        ([], 3, "No proxy is running"),
        (["bypass-for-network", "on", "--origin", A], 3, "No proxy is running"),
        (["bypass-for-network", "on"], 2, "bypass-for-network is set for one origin: name it with --origin."),
        (["bypass-for-network", "on", "--origin", "a.test"], 2, "'a.test' is not an origin"),
        (["bypass", "on", "--origin", A], 2, "'update-on-reload', 'bypass-for-network', 'page-client'"),
        (["bypass-for-network", "yes", "--origin", A], 2, "'on', 'off'"),
    ):
        done = line.run("set", *arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert text in done.stderr
