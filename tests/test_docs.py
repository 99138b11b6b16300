"""What the project says about itself is there, and true as far as a test can tell."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from swproxy.cli.main import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def committed_files() -> list[Path]:
    """What git knows of and is still there."""
    # A checkout of another user is read like one's own.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


COMMITTED = committed_files()
MARKDOWN = sorted({*(path for path in COMMITTED if path.suffix == ".md"), *(ROOT / "swproxy").rglob("*.md")})


def commands(group: click.Group, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with the words that call them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*way, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*way, name))


COMMANDS = dict(commands(cli))


def named(way: tuple[str, ...]) -> str:
    return " ".join(way)


@pytest.mark.parametrize("way", COMMANDS, ids=named)
def test_readme_mentions_every_command(way: tuple[str, ...]) -> None:
    """As ``swproxy command``, or in a list after it, or as what make runs; what is below it within the same line."""
    lines = [line for line in README.splitlines() if re.search(rf"(?:swproxy|make) (?:\w+, )*{way[0]}\b", line)]
    assert lines
    rest = [re.search(rf"\b{word}\b", line) for line in lines for word in way[1:]]
    assert len(way) == 1 or any(rest)


@pytest.mark.parametrize("way", COMMANDS, ids=named)
def test_every_command_has_help(way: tuple[str, ...]) -> None:
    """Itself and each of its options."""
    command = COMMANDS[way]
    assert command.help
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.opts for option in options if not (option.help or "").strip()] == []


@pytest.mark.parametrize(
    "folder",
    sorted({path.parent.name for path in (ROOT / "swproxy" / "web").glob("*/*") if path.suffix in (".js", ".py")}),
)
def test_every_specification_has_a_readme(folder: str) -> None:
    """With a title, and a link to the specification."""
    text = (ROOT / "swproxy" / "web" / folder / "README.md").read_text("utf-8")
    assert text.startswith("# ")
    assert "](https://" in text


@pytest.mark.parametrize(
    "path", sorted((ROOT / "swproxy" / "web").glob("*/README.md")), ids=lambda path: path.parent.name
)
def test_files_that_readmes_name_exist(path: Path) -> None:
    """`x.js` is in the same folder, `folder/x.py` under web or swproxy."""
    for name in re.findall(r"`([\w/]+\.(?:js|py))`", path.read_text("utf-8")):
        places = [path.parent, ROOT / "swproxy" / "web", ROOT / "swproxy", ROOT]
        assert any((place / name).is_file() for place in places), name


def test_changelog_has_this_version() -> None:
    """Or says that it is still to come."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert any(heading == "Unreleased" or version in heading.split() for heading in headings)


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_local_links_lead_somewhere(path: Path) -> None:
    """Links and pictures without a scheme are files, beside the one that has the link."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            assert (path.parent / target.partition("#")[0]).exists(), target


# Written so that this file does not name them either.
NOT_COMMITTED = {
    "the host of a package registry": r"registry\.npmjs\.org|\bpypi\.org|files\.pythonhosted\.org",
    "a path of this machine": r"(?<![\w.~}])/(?:root|work|home)/",
}


@pytest.mark.parametrize("what", NOT_COMMITTED)
def test_is_in_no_committed_file(what: str) -> None:
    """Nothing ties the project to one registry or one machine."""
    pattern = re.compile(NOT_COMMITTED[what])
    found = []
    for path in COMMITTED:
        text = path.read_text("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []
