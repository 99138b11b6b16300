"""The log of a profile."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from disks import fill

from swproxy.storage import journal
from swproxy.storage.journal import FLUSH_LINES, Journal


def numbers(directory: Path) -> list[Any]:
    return [line["n"] for line in journal.read(directory)]


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    """With their time, kind and fields; nothing is there before the flush."""
    log = Journal(tmp_path)
    log.write("console", text="first ✓")
    log.write("worker", reason=None)
    assert list(journal.read(tmp_path)) == []
    log.flush()
    first, second = journal.read(tmp_path)
    assert (first["kind"], first["text"]) == ("console", "first ✓")
    assert (second["kind"], second["reason"]) == ("worker", None)
    assert first["time"] <= second["time"]
    log.flush()
    assert len(list(journal.read(tmp_path))) == 2


def test_text_that_is_no_unicode(tmp_path: Path) -> None:
    """Lone surrogates, of a script or of a client's odd URL, cost their character and not the line."""
    log = Journal(tmp_path)
    log.write("console", text="a\ud800 ✓", n=1)
    log.flush()
    (line,) = journal.read(tmp_path)
    assert (line["text"], line["n"]) == ("a? ✓", 1)


def test_many_lines_are_written_by_themselves(tmp_path: Path) -> None:
    """A burst does not pile up in memory."""
    log = Journal(tmp_path)
    for number in range(FLUSH_LINES + 1):
        log.write("x", n=number)
    assert numbers(tmp_path) == list(range(FLUSH_LINES))


def test_the_observer_hears_of_every_line(tmp_path: Path) -> None:
    """At once, as it will stand in the log."""
    log = Journal(tmp_path)
    heard: list[dict[str, Any]] = []
    log.observer = heard.append
    log.write("x", n=1)
    log.flush()
    assert heard == list(journal.read(tmp_path))


def test_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has grown too large becomes the previous one, the one before that goes: the newest lines stay."""
    monkeypatch.setattr(journal, "MAX_SIZE", 1000)
    log = Journal(tmp_path)
    for number in range(10):
        log.write("x", n=number, text="x" * 400)
        log.flush()
        assert numbers(tmp_path)[-1] == number
    assert numbers(tmp_path) == [6, 7, 8, 9]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["swproxy.1.jsonl", "swproxy.jsonl"]


@pytest.mark.parametrize("half", [b'{"time": 1, "n": 3', b"\x00\x00\x00\x00", b"[1]\n", b"\n", b"\xff\xfe\n"])
def test_half_lines_are_skipped(tmp_path: Path, half: bytes) -> None:
    """What a crash, or another program, left in the file hides no other line."""
    path = journal.current(tmp_path)
    path.write_bytes(b'{"n":1}\n' + half.removesuffix(b"\n") + b'\n{"n":2}\n' + half)
    assert numbers(tmp_path) == [1, 2]


def test_a_full_disk_loses_lines_not_the_proxy(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A warning, and the log goes on when there is room again."""
    log = Journal(small_disk)
    filler = fill(small_disk)
    log.write("x", n=1, text="x" * 10_000)
    with caplog.at_level(logging.WARNING):
        log.flush()
    assert "No space left" in caplog.text
    filler.unlink()
    log.write("x", n=2)
    log.flush()
    assert numbers(small_disk)[-1] == 2


def test_a_line_is_shown_as_it_was_written(tmp_path: Path) -> None:
    """`swproxy log --json` prints what stands in the file."""
    log = Journal(tmp_path)
    log.write("x", text='"✓"', n=1.5)
    log.flush()
    (line,) = journal.read(tmp_path)
    assert journal.encoded(line) + "\n" == journal.current(tmp_path).read_text()
    assert json.loads(journal.encoded(line)) == line
