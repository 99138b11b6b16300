"""The deletion of a database by command, while workers use it."""

import asyncio

import pytest
from database_transcript import SITE, WRITE, Transcript

from swproxy.errors import InvalidStateError
from swproxy.workers import databases


@pytest.fixture
async def t() -> Transcript:
    return Transcript()


class Deletion:
    """``Databases.delete`` on its way; ``error`` is raised where the files would be deleted."""

    def __init__(self, t: Transcript, name: str = "x", error: Exception | None = None) -> None:
        self.has_removed = False
        self._error = error
        self._t = t
        self.task = asyncio.ensure_future(t.databases.delete(SITE, name, self._remove))

    def _remove(self) -> bool:
        self.has_removed = True
        if self._error is not None:
            raise self._error
        return True

    async def end(self) -> list[str]:
        """What workers are told until it has succeeded."""
        assert await asyncio.wait_for(self.task, 10)
        assert self.has_removed
        return self._t.told()


async def test_deletion_of_what_nobody_uses(t: Transcript) -> None:
    """At once. Nobody has looked at the file that comes next."""
    t.request("a", 1)
    t.done("a", 1, checked=True)
    assert await Deletion(t).end() == []
    assert t.is_empty
    assert t.request("a", 2) == ["a turn 2"]


async def test_deletion_closes_all_connections(t: Transcript) -> None:
    """Whose workers say so when it has happened; requests go on afterwards."""
    t.open("a", 1, "\ud800")
    t.open("b", 1, "\ud800")
    t.transaction("a", 2, 1, [1], WRITE)
    deletion = Deletion(t, "\ud800")
    assert await t.soon() == ["a close 1", "b close 1"]
    assert t.request("b", 2, "\ud800") == []
    t.finish("a", 2)
    t.close("a", 1)
    assert not deletion.has_removed
    t.close("b", 1)
    assert await deletion.end() == ["b turn 2"]


async def test_deletion_waits_for_requests(t: Transcript) -> None:
    """What they wait for is closed at once, and their own connections when they are done."""
    t.open("a", 1)
    t.request("b", 1)
    t.change_version("b", 1)
    t.fired("a", 1)
    deletion = Deletion(t)
    assert await t.soon() == ["a close 1"]
    assert t.close("a", 1) == ["b exclusive 1"]
    assert t.done("b", 1, connection=True) == ["b close 1"]
    assert not deletion.has_removed
    t.close("b", 1)
    assert await deletion.end() == []
    assert t.is_empty


async def test_deletion_waits_for_a_process_that_ends(t: Transcript) -> None:
    """Its connections close with it."""
    t.open("a", 1)
    deletion = Deletion(t)
    assert await t.soon() == ["a close 1"]
    await t.end("a")
    assert await deletion.end() == []


@pytest.mark.parametrize("has_connection", [False, True])
async def test_deletion_in_vain(t: Transcript, monkeypatch: pytest.MonkeyPatch, has_connection: bool) -> None:
    """A worker does not close its connection, or does not end its request: it is named, and others go on."""
    monkeypatch.setattr(databases, "DELETE_PATIENCE", 0.05)
    t.request("a", 1)
    if has_connection:
        t.done("a", 1, connection=True)
    deletion = Deletion(t)
    await t.soon()
    t.request("b", 1)
    with pytest.raises(InvalidStateError, match=r"after 0\.05 seconds, by https://site\.test/a/: `swproxy stop"):
        await deletion.task
    assert not deletion.has_removed
    if not has_connection:
        assert t.told() == []
        t.databases.done(t.worker("a"), 1, False, False)
    assert t.told() == ["b turn 1"]


async def test_deletion_that_fails(t: Transcript) -> None:
    """As the files do; the next request goes on."""
    deletion = Deletion(t, error=OSError("the disk"))
    await asyncio.sleep(0)
    assert t.request("a", 1) == []
    with pytest.raises(OSError, match="the disk"):
        await deletion.task
    assert t.told() == ["a turn 1"]


async def test_deletion_that_nobody_waits_for_any_more(t: Transcript) -> None:
    """Before its turn it is given up."""
    t.open("a", 1)
    deletion = Deletion(t)
    await t.soon()
    t.request("b", 1)
    deletion.task.cancel()
    assert await t.soon() == ["b turn 1"]
    assert not deletion.has_removed
