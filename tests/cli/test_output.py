"""What is printed, wherever it goes: terminals are not controlled by sites, and a failure is one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine

from swproxy.cli.output import counted, visible
from swproxy.storage.journal import Journal
from swproxy.storage.profile import Profile

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b1m\x7f\u202e\u2066\u2028\r"
SHOWN = r"\u001b]0;owned\u0007\u001b[2J\u009b1m\u007f\u202e\u2066\u2028\u000d"


@pytest.fixture
def journal(line: CommandLine) -> Journal:
    """The log that a proxy has left."""
    profile = Profile(line.profile)
    profile.prepare()
    return Journal(profile.log)


def printed(text: str, **changes: Any) -> dict[str, Any]:
    """A line of the console."""
    line = {"scope": "https://a.test/", "level": "log", "text": text, "url": "", "line": 0, "column": 0, "stack": ""}
    return line | changes


def test_controls_are_shown() -> None:
    """Those that move the cursor, and those that turn text around; others are text."""
    assert visible(HOSTILE) == SHOWN
    assert visible("a\n\tb", keep="\n") == "a\n\\u0009b"
    assert visible("caf\xe9 \u05d0 \U0001f642") == "caf\xe9 \u05d0 \U0001f642"


def test_json_stays_json() -> None:
    """Of the same value."""
    assert json.loads(visible(json.dumps(HOSTILE, ensure_ascii=False))) == HOSTILE


@pytest.mark.parametrize(("count", "text"), [(0, "no cache"), (1, "1 cache"), (2, "2 caches")])
def test_counts(count: int, text: str) -> None:
    """As people say them."""
    assert counted(count, "cache") == text


def test_no_control_of_a_site_reaches_the_terminal(line: CommandLine, journal: Journal) -> None:
    """From no field of the log, as text or as JSON, and not in a pipe, which may end at a terminal."""
    journal.write("console", **printed(HOSTILE, url=HOSTILE, line=1, column=2, stack=HOSTILE))
    request = {"method": HOSTILE, "url": HOSTILE, "status": 200, "source": "network", "reason": HOSTILE}
    journal.write("request", **request, milliseconds=None, bytes=None)
    journal.write("worker", scope=HOSTILE, worker=1, event="crashed", reason=HOSTILE)
    journal.write("network", state="offline", origins=[HOSTILE], offline_origins=[HOSTILE])
    journal.flush()
    for output in (line.run("log").stdout, line.run("log", "--json").stdout, line.on_terminal("log")):
        own = output.replace("\x1b[31m", "").replace("\x1b[36m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
        assert visible(own, "\n") == own
        assert "]0;owned" in own


def test_a_site_cannot_forge_lines(line: CommandLine, journal: Journal) -> None:
    """Its own further lines are set in."""
    journal.write("console", **printed("one\n12:00:00  200  network  GET https://bank.test/", stack="two\nthree"))
    journal.flush()
    first, *others = line.run("log").stdout.splitlines()
    assert first.endswith("one")
    assert others == ["    12:00:00  200  network  GET https://bank.test/", "    two", "    three"]


def test_a_place_that_is_not_known(line: CommandLine, journal: Journal) -> None:
    """Is not 0:0."""
    journal.write("console", **printed("said", url="https://a.test/sw.js"))
    journal.flush()
    assert line.run("log").stdout.endswith("said  https://a.test/sw.js\n")


def test_an_encoding_without_the_character(line: CommandLine, journal: Journal) -> None:
    """It is shown as a control is; JSON is the same value still."""
    journal.write("console", **printed("caf\xe9 \U0001f642"))
    journal.flush()
    assert r"caf\u00e9 \ud83d\ude42" in line.run("log", PYTHONIOENCODING="ascii").stdout
    shown = line.run("log", "--json", PYTHONIOENCODING="ascii").stdout
    assert json.loads(shown)["text"] == "caf\xe9 \U0001f642"


@pytest.mark.parametrize("command", ["--help", "ca path", "caches ls", "caches ls --json", "log"])
def test_output_that_cannot_be_written(line: CommandLine, journal: Journal, command: str) -> None:
    """One sentence and exit code 1."""
    journal.write("console", **printed("something"))
    journal.flush()
    done = line.shell(f"$swproxy {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr == "swproxy: Cannot write the output: No space left on device.\n"


def test_output_that_is_closed(line: CommandLine) -> None:
    """The same; nothing is done before that is known."""
    done = line.shell("$swproxy ca path >&-")
    assert done.returncode == 1
    assert done.stderr == "swproxy: Standard output is closed: redirect it to /dev/null if nobody is to read it.\n"
    assert not (line.profile / "ca").exists()


def test_a_reader_that_has_enough(line: CommandLine, journal: Journal) -> None:
    """Nothing is said about it."""
    for number in range(20_000):
        journal.write("console", **printed(f"line {number}"))
    journal.flush()
    done = line.shell("$swproxy log -n 20000 | head -1")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.parametrize("command", ["register https://q.test/ x.js", "status --profile x"])
def test_a_working_directory_that_is_gone(line: CommandLine, tmp_path: Path, command: str) -> None:
    """Only a path that begins there needs it."""
    root = Path(__file__).parents[2]
    (tmp_path / "gone").mkdir()
    done = line.shell(f"cd {tmp_path}/gone && rmdir ../gone && PYTHONPATH={root} $swproxy {command}")
    assert done.returncode == 1
    assert done.stderr.startswith("swproxy: The working directory is gone, and 'x")
    assert done.stderr.count("\n") == 1


def test_a_home_of_nobody(line: CommandLine) -> None:
    """One sentence, too."""
    done = line.run("status", "--profile", "~nobody-has-this-name/x")
    assert done.returncode == 1
    assert done.stderr.startswith("swproxy: '~nobody-has-this-name/x' begins with the home of nobody")
