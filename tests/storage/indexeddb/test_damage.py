"""Databases that are not as they were written: an error that says so, and never a hang."""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from swproxy.errors import DatabaseDamaged, SwproxyError
from swproxy.storage.bodies import BytesBody
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.keys import decode_key, encode_key
from swproxy.storage.indexeddb.reading import KeyRange, Source
from swproxy.storage.indexeddb.values import StoredValue

ADVICE = "IndexedDB database 'x' is damaged .*swproxy db rm"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with some records, closed."""
    directory = tmp_path_factory.mktemp("databases") / "x"
    database = IndexedDatabase.open(directory, "x", check=True)
    database.begin()
    store = database.create_store("s", None, False)
    index = database.create_index(store, "i", "i", False, False)
    for number in range(300):
        value = StoredValue('"' + "x" * 300 + '"', number % 3 > 0, [BytesBody(b"part")] if number % 3 == 0 else [])
        database.put(store, encode_key(number), value, [(index, [encode_key(-number)])], overwrite=False)
    value = StoredValue("[1]", False, [BytesBody(b"x" * 50_000)])
    database.put(store, encode_key("part"), value, [], overwrite=False)
    database.set_version(1)
    database.commit()
    database.close()
    return directory


@pytest.fixture
def directory(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "x"))


def use(directory: Path, *, check: bool) -> None:
    """Reads everything and changes something."""
    database = IndexedDatabase.open(directory, "x", check=check)
    try:
        for store in database.stores():
            sources = [Source(store.id), *(Source(store.id, index.id) for index in store.indexes)]
            for source in sources:
                for row in database.rows(source, KeyRange(), "prev", None, values=True):
                    decode_key(row.key)
            database.begin()
            database.put(store.id, encode_key(7), StoredValue("1", True), [], overwrite=True)
            database.delete(store.id, KeyRange(encode_key(50), encode_key(100)))
            database.clear(store.id)
            database.commit()
    finally:
        database.close()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage!" * 512 + path.read_bytes()[4096:])


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_in_a_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def overwrite_pages(path: Path) -> None:
    data = path.read_bytes()
    middle = len(data) // 8192 * 4096
    path.write_bytes(data[:middle] + random.Random(1).randbytes(8192) + data[middle + 8192 :])


def remove(path: Path) -> None:
    path.unlink()


def be_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "damage", [empty, garbage, cut_in_half, cut_in_a_page, overwrite_pages, remove, be_a_directory]
)
def test_damage(directory: Path, damage: Callable[[Path], None], check: bool) -> None:
    """At the latest when all is read; when it is opened if that is asked for."""
    damage(directory / "data.db")
    if check:
        with pytest.raises(DatabaseDamaged, match=ADVICE):
            IndexedDatabase.open(directory, "x", check=True)
    with pytest.raises(DatabaseDamaged, match=ADVICE):
        use(directory, check=False)


def test_flipped_bytes(template: Path, tmp_path: Path) -> None:
    """Anywhere: nothing but our own errors, and most often none."""
    data = (template / "data.db").read_bytes()
    source = random.Random(2)
    for number in range(150):
        directory = Path(shutil.copytree(template, tmp_path / str(number)))
        changed = bytearray(data)
        for _ in range(source.choice([1, 20])):
            changed[source.choice([source.randrange(100, 4096), source.randrange(len(data))])] = source.randrange(256)
        (directory / "data.db").write_bytes(changed)
        for check in (True, False):
            with suppress(SwproxyError):
                use(directory, check=check)


def test_a_log_of_garbage(directory: Path) -> None:
    """SQLite takes no page of it."""
    (directory / "data.db-wal").write_bytes(b"garbage!" * 10_000)
    use(directory, check=True)


def test_another_database_in_its_place(directory: Path) -> None:
    """The name inside is what counts."""
    with pytest.raises(DatabaseDamaged, match=r"'y' is damaged \(it is another one\)"):
        IndexedDatabase.open(directory, "y", check=False)


def test_a_file_that_is_missing_or_not_whole(directory: Path) -> None:
    """Only the record with it cannot be read."""
    (part,) = (directory / "parts").iterdir()
    part.write_bytes(b"x")
    for reason in ("not whole", "missing"):
        database = IndexedDatabase.open(directory, "x", check=True)
        assert len(database.rows(Source(1), KeyRange(None, encode_key(500)), "next", None, values=True)) == 300
        with pytest.raises(DatabaseDamaged, match=reason):
            database.rows(Source(1), KeyRange(), "next", None, values=True)
        database.close()
        part.unlink(missing_ok=True)
