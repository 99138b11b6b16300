"""Bodies in memory and on disk."""

from pathlib import Path

from swproxy.storage.bodies import MEMORY_LIMIT, BytesBody, FileBody, SavedFile, Spool


def test_a_small_spool_stays_in_memory(tmp_path: Path) -> None:
    """Writes and parts of other bodies are put together."""
    spool = Spool(str(tmp_path))
    spool.write(b"ab")
    spool.append(BytesBody(b"0123456789"), 3, 4)
    assert spool.finish() == BytesBody(b"ab3456")


def test_a_large_spool_goes_to_a_file_without_a_name(tmp_path: Path) -> None:
    """Nothing is lost at the limit, and nothing is left behind."""
    spool = Spool(str(tmp_path))
    for letter in (b"a", b"b", b"c"):
        spool.write(letter * (MEMORY_LIMIT // 2))
    first = spool.finish()
    spool = Spool(str(tmp_path))
    spool.append(first, 1, MEMORY_LIMIT + 1)
    spool.write(b"d")
    second = spool.finish()
    assert isinstance(first, FileBody)
    assert isinstance(second, FileBody)
    expected = b"a" * (MEMORY_LIMIT // 2 - 1) + b"b" * (MEMORY_LIMIT // 2) + b"ccd"
    assert second.read(0, second.size) == expected
    assert not list(tmp_path.iterdir())
    first.close()
    second.close()


def test_a_saved_file_is_taken(tmp_path: Path) -> None:
    """Its name goes; a small one is read at once."""
    path = tmp_path / "saved"
    for size, kind in ((3, BytesBody), (MEMORY_LIMIT + 1, FileBody)):
        path.write_bytes(b"x" * size)
        body = SavedFile(str(path), size).take()
        assert isinstance(body, kind)
        assert body.read(0, size) == b"x" * size
        assert not path.exists()
        body.close()
