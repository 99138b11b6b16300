"""Bodies that are still arriving."""

import asyncio
from pathlib import Path

import pytest
from disks import fill
from waiting import soon

from swproxy.errors import AbortError, NetworkError, QuotaExceededError
from swproxy.network.live_body import BodyReader, CompleteReader, LiveBody, prefixed
from swproxy.storage.bodies import CHUNK, BytesBody, FileBody


class FakeSource:
    """Bytes as the test gives them: ``asked`` counts the reads, each waits until there is something.

    An error among the chunks is raised; no bytes are the end.
    """

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.asked = 0
        self.released = 0
        self._chunks: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        for chunk in chunks:
            self.give(chunk)

    def give(self, chunk: bytes | Exception) -> None:
        self._chunks.put_nowait(chunk)

    async def read(self) -> bytes:
        self.asked += 1
        chunk = await self._chunks.get()
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def release(self) -> None:
        self.released += 1

    def body(self, directory: Path, size: int | None = None) -> LiveBody:
        return LiveBody(self.read, size, directory, self.release)


async def whole(reader: BodyReader) -> bytes:
    """All that a reader gives."""
    data = b""
    async with asyncio.timeout(5):
        while chunk := await reader.read():
            data += chunk
    return data


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_a_single_reader_sets_the_pace(tmp_path: Path) -> None:
    """The source is asked when the reader reads, once each time, and nothing is kept on disk."""
    source = FakeSource(b"one", b"two", b"")
    reader = source.body(tmp_path, 6).reader()
    assert reader.size == 6
    assert source.asked == 0
    assert await reader.read() == b"one"
    await asyncio.sleep(0)
    assert source.asked == 1
    assert await whole(reader) == b"two"
    assert source.released == 0
    reader.close()
    reader.close()
    assert source.released == 1
    assert names(tmp_path) == []


async def test_a_clone_reads_the_same(tmp_path: Path) -> None:
    """Both get everything; the file is gone when both have closed, and the source is released once."""
    source = FakeSource(b"one", b"two", b"")
    first = source.body(tmp_path).reader()
    second = first.clone()
    assert list(await asyncio.gather(whole(first), whole(second))) == [b"onetwo"] * 2
    first.close()
    assert len(names(tmp_path)) == 1
    second.close()
    assert names(tmp_path) == []
    assert source.released == 1


async def test_readers_at_different_speeds(tmp_path: Path) -> None:
    """The fast one is not held up by the slow one, which still gets all, also after the fast one has gone."""
    source = FakeSource(b"one")
    fast = source.body(tmp_path).reader()
    slow = fast.clone()
    assert await fast.read() == b"one"
    source.give(b"two")
    assert await fast.read() == b"two"
    waiting = asyncio.ensure_future(fast.read())
    assert await slow.read() == b"onetwo"
    source.give(b"three")
    assert await waiting == b"three"
    source.give(b"")
    assert await whole(fast) == b""
    fast.close()
    third = slow.clone()
    assert await whole(slow) == b"three"
    assert await whole(third) == b"onetwothree"
    slow.close()
    third.close()
    assert names(tmp_path) == []


async def test_large_bodies_come_in_chunks(tmp_path: Path) -> None:
    """A slow reader is not given all that has arrived at once."""
    data = bytes(range(256)) * 2048
    source = FakeSource(data, b"")
    slow = source.body(tmp_path).clone()
    await soon(lambda: source.released == 1)
    first = await slow.read()
    assert len(first) == CHUNK < len(data)
    assert first + await whole(slow) == data
    slow.close()


async def test_save(tmp_path: Path) -> None:
    """Waits for the end; the file is the caller's, whatever becomes of the readers, and each save has its own."""
    source = FakeSource(b"one")
    reader = source.body(tmp_path).reader()
    saving = asyncio.gather(reader.save(), reader.save())
    await soon(lambda: source.asked == 2)
    assert not saving.done()
    source.give(b"two")
    source.give(b"")
    saved = await saving
    reader.close()
    assert [file.size for file in saved] == [6, 6]
    assert saved[0].path != saved[1].path
    assert [Path(file.path).read_bytes() for file in saved] == [b"onetwo", b"onetwo"]
    assert len(names(tmp_path)) == 2
    assert source.released == 1


async def test_an_empty_body(tmp_path: Path) -> None:
    """Its reader ends at once, its saved file is empty."""
    reader = FakeSource(b"").body(tmp_path).reader()
    assert await whole(reader) == b""
    reader.close()
    reader = FakeSource(b"").body(tmp_path).reader()
    assert (await reader.save()).size == 0
    reader.close()


async def test_an_error_in_the_middle(tmp_path: Path) -> None:
    """A single reader gets it when it comes; several get what was there before it first."""
    alone = FakeSource(b"one", NetworkError("broke off")).body(tmp_path).reader()
    assert await alone.read() == b"one"
    with pytest.raises(NetworkError, match="broke off"):
        await alone.read()
    alone.close()

    source = FakeSource(b"one", NetworkError("broke off"))
    first = source.body(tmp_path).reader()
    second = first.clone()
    saving = asyncio.ensure_future(first.save())
    await soon(lambda: source.released == 1)
    for reader in (first, second):
        assert await reader.read() == b"one"
        with pytest.raises(NetworkError, match="broke off"):
            await reader.read()
    with pytest.raises(NetworkError, match="broke off"):
        await saving
    first.close()
    second.close()
    assert names(tmp_path) == []
    assert source.released == 1


@pytest.mark.parametrize("used", ["clone", "save"])
async def test_releasing_before_anything_was_read(tmp_path: Path, used: str) -> None:
    """The source is let go although nothing has come, and nothing is left on disk."""
    source = FakeSource()
    reader = source.body(tmp_path).reader()
    if used == "clone":
        reader.clone().close()
        reader.close()
    else:
        saving = asyncio.ensure_future(reader.save())
        await soon(lambda: source.asked == 1)
        reader.close()
        with pytest.raises(AbortError):
            await saving
    await soon(lambda: source.released == 1)
    assert names(tmp_path) == []


async def test_the_last_reader_ends_the_download(tmp_path: Path) -> None:
    """Not the first: as long as one is left, bytes keep coming."""
    source = FakeSource(b"one")
    first = source.body(tmp_path).reader()
    second = first.clone()
    assert await first.read() == b"one"
    first.close()
    source.give(b"two")
    await soon(lambda: source.asked == 3)
    assert source.released == 0
    assert await second.read() == b"onetwo"
    second.close()
    await soon(lambda: source.released == 1)
    assert names(tmp_path) == []


async def test_a_full_disk(small_disk: Path) -> None:
    """Saving is a QuotaExceededError; who reads still gets everything, and the room is given back."""
    data = b"x" * 100_000 + b"y" * (1 << 20) + b"z" * 10
    source = FakeSource(data[:100_000], data[100_000:-10], data[-10:], b"")
    body = source.body(small_disk)
    saving, reader = body.reader(), body.clone()
    with pytest.raises(QuotaExceededError, match="No space left"):
        await saving.save()
    saving.close()
    assert await whole(reader) == data
    assert source.released == 0
    reader.close()
    assert source.released == 1
    assert names(small_disk) == []


async def test_a_full_disk_between_two_readers(small_disk: Path) -> None:
    """The first goes on alone: the other fails where the file ends."""
    source = FakeSource(b"y" * (2 << 20), b"")
    body = source.body(small_disk)
    first, second = body.reader(), body.clone()
    assert await whole(first) == b"y" * (2 << 20)
    with pytest.raises(NetworkError, match="No space left"):
        await whole(second)
    first.close()
    second.close()
    assert source.released == 1


async def test_a_disk_that_is_full_already(small_disk: Path) -> None:
    """No file can even be made: the same, and the source is released with the last reader."""
    directory = small_disk / "scratch"
    fill(small_disk)
    source = FakeSource(b"one", b"")
    saving = source.body(directory).reader()
    reader = saving.clone()
    with pytest.raises(QuotaExceededError, match="No space left"):
        await saving.save()
    assert await whole(reader) == b"one"
    with pytest.raises(NetworkError, match="No space left"):
        await saving.read()
    saving.close()
    reader.close()
    await soon(lambda: source.released == 1)
    assert names(directory) == []


async def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """That is a network error: no quota is to blame."""
    (tmp_path / "file").touch()
    source = FakeSource(b"one", b"")
    reader = source.body(tmp_path / "file" / "scratch").reader()
    with pytest.raises(NetworkError, match="cannot be kept on disk: Not a directory"):
        await reader.save()
    reader.close()
    assert source.released == 1


async def test_readers_of_complete_bodies(tmp_path: Path) -> None:
    """In memory or in a file: chunk by chunk, to the end; the file is closed with the reader."""
    data = bytes(range(256)) * 2048
    (tmp_path / "file").write_bytes(b"before" + data + b"after")
    file = (tmp_path / "file").open("rb")
    for body in (BytesBody(data), FileBody(file, 6, len(data))):
        reader = CompleteReader(body)
        assert reader.size == len(data)
        first = await reader.read()
        assert len(first) == CHUNK
        assert first + await whole(reader) == data
        reader.close()
    assert file.closed


@pytest.mark.parametrize(("prefix", "expected"), [(b"zero", [b"zero", b"one", b""]), (b"", [b"one", b""])])
async def test_bytes_that_were_read_already(prefix: bytes, expected: list[bytes]) -> None:
    """They come first, once; nothing is not a chunk, for that would be the end."""
    read = prefixed(prefix, FakeSource(b"one", b"").read)
    assert [await read() for _ in expected] == expected
