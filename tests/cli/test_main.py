"""``swproxy`` itself"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from command_line import CommandLine
from proxy_process import SWPROXY


@pytest.mark.parametrize("group", [[], ["ca"], ["caches"]])
def test_the_list_of_commands_is_whole(line: CommandLine, group: list[str]) -> None:
    """No line about a command is cut off."""
    shown = line.run(*group, "--help", COLUMNS="80").stdout
    assert "..." not in shown.partition("\nCommands:\n")[2]
    assert "\nCommands:\n" in shown


@pytest.mark.parametrize("group", [[], ["caches"]])
def test_an_option_before_the_command(line: CommandLine, group: list[str]) -> None:
    """It is said where it belongs; with an option that no command has, click says the rest."""
    done = line.run(*group, "--profile", "x", "ls")
    assert done.returncode == 2
    assert "The options of a command go after it" in done.stderr
    assert "The options of a command" not in line.run("status", "--nonsense").stderr


def test_exit_codes_are_documented(line: CommandLine) -> None:
    """All of them, in the help and in the README."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    for text in (line.run("--help").stdout, readme):
        (codes,) = re.findall(r"Exit codes: ([^.`]*)", " ".join(text.split()))
        assert [int(code) for code in re.findall(r"\b\d+\b", codes)] == [0, 1, 2, 3, 130]


@pytest.mark.parametrize("on_path", [True, False])
def test_the_demo_names_a_program_that_is_there(tmp_path: Path, on_path: bool) -> None:
    """`swproxy` only if a shell finds it."""
    if on_path:
        (tmp_path / "swproxy").touch(0o755)
    environment = os.environ | {"PATH": str(tmp_path)}
    with subprocess.Popen([*SWPROXY, "demo"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        invitation = next(line for line in process.stdout if " offline off --profile " in line)
        process.terminate()
    program = "swproxy" if on_path else " ".join(SWPROXY)
    assert invitation.startswith(f"  {program} offline off --profile /")
