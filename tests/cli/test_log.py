"""``swproxy log``"""

import json

import pytest
from command_line import CommandLine
from proxy_process import ProxyProcess

from swproxy.storage.journal import Journal
from swproxy.storage.profile import Profile


def test_the_scope_comes_before_the_number(line: CommandLine) -> None:
    """The last two lines of the scope, however many others came since."""
    profile = Profile(line.profile)
    profile.prepare()
    journal = Journal(profile.log)
    for number in range(3):
        journal.write("worker", scope="https://a.test/", worker=number, event="activated", reason="")
    for number in range(5):
        journal.write("worker", scope="https://b.test/", worker=number, event="activated", reason="")
    journal.flush()
    shown = line.run("log", "--scope", "https://a.test/", "-n", "2", "--json")
    assert [json.loads(text)["worker"] for text in shown.stdout.splitlines()] == [1, 2]
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "about"), [([], ""), (["--scope", "https://c.test/"], " about https://c.test/")]
)
def test_nothing_is_said_to_be_nothing(line: CommandLine, arguments: list[str], about: str) -> None:
    """On stderr, where no program takes it for a line."""
    done = line.run("log", *arguments)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"swproxy: There is nothing{about} in the log of the profile {line.profile}.\n"


def test_pages_and_what_serves_them(line: CommandLine) -> None:
    """Pages that come and go are shown; the requests of the page client only if they went wrong, or if asked for."""
    profile = Profile(line.profile)
    profile.prepare()
    journal = Journal(profile.log)
    url = "https://a.test/.swproxy/client.js"
    for status in (200, 403):
        journal.write(
            "request", method="GET", url=url, status=status, source="proxy", milliseconds=1, bytes=2, reason=""
        )
    for event in ("connected", "frozen", "closed"):
        journal.write("page", url="https://a.test/page", client="0" * 32, event=event)
    journal.flush()
    own = [f"{status}  proxy    GET {url}  1.0 ms  2 B" for status in (200, 403)]
    pages = [f"page     https://a.test/page {event}" for event in ("connected", "frozen", "closed")]

    def shown(*arguments: str) -> list[str]:
        return [text.split("  ", 1)[1] for text in line.run("log", *arguments).stdout.splitlines()]

    assert shown() == [own[1], *pages]
    assert shown("--all") == [*own, *pages]
    assert shown("--scope", "https://a.test/page", "-n", "1") == pages[2:]
    assert shown("--scope", "https://b.test/", "--all") == []


def test_changes_of_the_network(line: CommandLine, running: ProxyProcess) -> None:
    """Of whom, if it is not everyone."""
    for offline, origin in ((True, "https://a.test"), (True, ""), (False, ""), (True, "https://b.test")):
        running.offline(offline, origin)
    running.offline(False, "https://b.test")
    assert [text.split("  ", 1)[1] for text in line.run("log").stdout.splitlines()] == [
        "network  offline for https://a.test",
        "network  offline",
        "network  online",
        "network  offline for https://b.test",
        "network  online for https://b.test",
    ]
