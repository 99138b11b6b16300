"""``swproxy offline``"""

import pytest
from command_line import CommandLine
from proxy_process import ProxyProcess

from swproxy.cli.offline import network

A, B = "https://a.test", "https://b.test"


@pytest.mark.parametrize(
    ("offline", "origins", "text"),
    [
        (False, [], "online"),
        (False, [A, B], f"online, except for {A}, {B}"),
        (True, [], "offline"),
        (True, [A], f"offline; {A} would be without that, too"),
    ],
)
def test_how_the_network_is(offline: bool, origins: list[str], text: str) -> None:
    """For everyone, and for some."""
    assert network({"offline": offline, "offline_origins": origins}) == text


def test_the_answer_is_about_what_was_asked(line: CommandLine, running: ProxyProcess) -> None:
    """About the origin, if one was named."""
    for arguments, answer in (
        (["on", "--origin", "HTTPS://A.test:443/"], f"{A} is offline."),
        (["--origin", A], f"{A} is offline."),
        (["--origin", B], f"{B} is online."),
        ([], f"The proxy is online, except for {A}."),
        (["off", "--origin", A], f"{A} is online."),
        (["on"], "The proxy is offline."),
        (
            ["off", "--origin", A],
            f"{A} is offline, as the whole proxy is: `swproxy offline off` turns the network on for all.",
        ),
        (["off"], "The proxy is online."),
    ):
        assert line.run("offline", *arguments).stdout == f"{answer}\n"


def test_an_empty_origin_is_not_everyone(line: CommandLine, running: ProxyProcess) -> None:
    """A shell variable that is not set must not turn the network off."""
    done = line.run("offline", "on", "--origin", "")
    assert done.returncode == 2
    assert done.stderr == "swproxy: '' is not an origin: give it as https://site.example.\n"
    assert not running.status()["offline"]
