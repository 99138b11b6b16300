"""Bodies that a script writes."""

from pathlib import Path

import pytest

from swproxy.errors import AbortError, SwproxyError
from swproxy.ipc.messages import BodyChunk, BodyPull, BodyRelease, Message
from swproxy.realm.bodies import ScriptStream, Streams


@pytest.fixture
def sent() -> list[Message]:
    """What the streams say to the proxy."""
    return []


@pytest.fixture
def streams(sent: list[Message], tmp_path: Path) -> Streams:
    return Streams(sent.append, str(tmp_path))


def write(stream: ScriptStream, data: bytes, answers: list[bool]) -> None:
    stream.write(data, answers.append)


def test_the_reader_gets_all_that_was_written_before_it_came(streams: Streams, sent: list[Message]) -> None:
    """In one chunk; the writer hears when it is taken."""
    stream = streams.script()
    answers: list[bool] = []
    write(stream, b"a", answers)
    write(stream, b"bc", answers)
    assert (stream.backlog, answers) == (3, [])
    stream.serve_pull()
    assert sent == [BodyChunk(stream.id, b"abc")]
    assert (stream.backlog, answers) == (0, [True, True])
    stream.end()
    stream.serve_pull()
    assert sent[1:] == [BodyChunk(stream.id, b"")]
    assert streams.get(stream.id) is None


def test_a_reader_that_goes_away_is_reported(streams: Streams) -> None:
    """Unless the script has written everything already."""
    released: list[str] = []
    unfinished, finished = streams.script(), streams.script()
    answers: list[bool] = []
    for name, stream in (("unfinished", unfinished), ("finished", finished)):
        stream.on_release = lambda name=name: released.append(name)  # type: ignore[misc]
        write(stream, b"a", answers)
    finished.end()
    unfinished.release()
    finished.release()
    write(unfinished, b"b", answers)
    assert released == ["unfinished"]
    assert answers == [False, False, False]


def test_releasing_a_stream_ends_a_pull(streams: Streams, sent: list[Message]) -> None:
    """Whoever waits for the chunk gets an AbortError."""
    stream = streams.remote(7, None)
    outcomes: list[bytes | SwproxyError] = []
    stream.pull(outcomes.append)
    stream.release()
    assert [type(outcome) for outcome in outcomes] == [AbortError]
    assert sent == [BodyPull(7), BodyRelease(7)]
