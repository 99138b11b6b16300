"""Everything that the command line prints. Much of it comes from sites: no control character reaches a terminal."""

import codecs
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import click

# C0, DEL and C1 move the cursor and set titles; bidi controls and separators show a text in another order or on other
# lines; lone surrogates are no text.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Columns: more than any line of ours has.
_PIPE_WIDTH = 10_000

# A text, or a text and its style.
Cell = str | tuple[str, str]


def visible(text: str, keep: str = "") -> str:
    """The text with its control characters written as JSON has them, so that JSON stays JSON of the same value.

    Args:
        keep: those that stay.
    """
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else f"\\u{ord(found[0]):04x}", text)


def prepare_streams() -> None:
    """What the terminal's encoding has no bytes for is written as JSON has it, too."""
    codecs.register_error("swproxy.visible", _escaped)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="swproxy.visible")  # type: ignore[union-attr]


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def say(text: str = "", *, err: bool = False) -> None:
    """Prints lines that are ours, with what they quote."""
    click.echo(visible(text, "\n\t"), err=err)


def print_json(value: Any) -> None:
    say(json.dumps(value, indent=2, ensure_ascii=False))


def print_paragraph(text: str, indent: str = "") -> None:
    """Prints one line. A terminal gets it broken between words, never within one: addresses can be copied."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    lines = textwrap.wrap(
        visible(text),
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    say("\n".join(lines))


class StyledLines:
    """Prints lines with styles of rich; colours only on a terminal."""

    def __init__(self) -> None:
        self._console = _console()

    def print(self, text: str, style: str) -> None:
        self._console.print(visible(text, "\t"), style=style, markup=False)


def print_table(titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Prints a plain table."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        made.add_column(title, overflow="fold")
    for row in rows:
        cells = [(cell, "") if isinstance(cell, str) else cell for cell in row]
        made.add_row(*(Text(visible(text), style=style) for text, style in cells))
    _console().print(made)


def _console() -> Any:
    """No line is broken in a pipe, and ``:cd:`` is no emoji."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    width = None if terminal else _PIPE_WIDTH
    return Console(highlight=False, emoji=False, soft_wrap=not terminal, width=width)


def size(count: int) -> str:
    """Bytes for a person."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def counted(count: int, noun: str) -> str:
    """``1 cache``, ``2 caches``, ``no cache``."""
    return f"{count or 'no'} {noun}{'s' if count > 1 else ''}"
