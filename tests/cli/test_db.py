"""``swproxy db``"""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from threading import Thread

import pytest
from command_line import CommandLine

from swproxy.storage.bodies import BytesBody
from swproxy.storage.indexeddb import directory
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.keys import encode_key
from swproxy.storage.indexeddb.values import StoredValue
from swproxy.storage.origins import directory_of
from swproxy.storage.profile import Profile

A, B = "https://a.test", "https://b.test"
NAME = "v\x1b[31m1"


def make(profile: Path, origin: str, name: str) -> Path:
    """A database with two stores, and one record in each for every kind of value."""
    path = directory.database_directory(directory_of(Profile(profile).indexeddb, origin), name)
    database = IndexedDatabase.open(path, name, check=False)
    database.begin()
    database.set_version(3)
    store = database.create_store("s\x1b", "id", True)
    index = database.create_index(store, "i", ["a", "b"], True, False)
    for number in range(40):
        value = StoredValue(f'{{"n":{number}}}', True, [], True)
        database.put(store, encode_key(number), value, [(index, [encode_key(number)])], overwrite=False)
    other = database.create_store("other", None, False)
    value = StoredValue('[1,22,"Blob",2,5,"",1,0]', False, [BytesBody(b"x\x9b31m")])
    database.put(other, encode_key((1, "\x9b")), value, [], overwrite=False)
    database.commit()
    database.close()
    return path


@pytest.fixture
def filled(line: CommandLine) -> CommandLine:
    """Two origins with a database each."""
    Profile(line.profile).prepare()
    for origin in (A, B):
        make(line.profile, origin, NAME)
    return line


def test_ls(filled: CommandLine) -> None:
    """All origins, or one; no control character."""
    rows = json.loads(filled.run("db", "ls", "--json").stdout)
    assert [row["origin"] for row in rows] == [A, B]
    size = rows[0].pop("bytes")
    assert rows[0] == {"origin": A, "database": NAME, "version": 3, "stores": 2, "records": 41}
    assert size > 4096
    lines = filled.run("db", "ls", B).stdout.splitlines()
    assert lines[0].split() == ["ORIGIN", "DATABASE", "VERSION", "STORES", "RECORDS", "SIZE"]
    assert lines[1].split()[:5] == [B, "v\\u001b[31m1", "3", "2", "41"]
    missing = filled.run("db", "ls", "https://c.test")
    assert missing.stderr == f"swproxy: https://c.test has no databases. Origins with databases: {A}, {B}.\n"
    assert missing.returncode == 1


def test_no_profile(line: CommandLine) -> None:
    """Nothing is made by looking."""
    assert line.run("db", "ls").stdout == "There are no databases.\n"
    assert line.run("db", "rm", A, "--all").stdout == f"Deleted no database of {A}.\n"
    assert not line.profile.exists()


def test_show(filled: CommandLine) -> None:
    """The stores of a database, the indexes of a store."""
    lines = filled.run("db", "show", A, NAME).stdout.splitlines()
    assert [row.split() for row in lines[1:]] == [["s\\u001b", "id", "yes", "i", "40"], ["other", "none", "no", "1"]]
    shown = json.loads(filled.run("db", "show", A, NAME, "--json").stdout)
    index = {"index": "i", "key_path": ["a", "b"], "unique": True, "multi_entry": False, "records": 40}
    store = {"store": "s\x1b", "key_path": "id", "auto_increment": True, "records": 40, "indexes": [index]}
    assert (shown["database"], shown["version"], shown["stores"][0]) == (NAME, 3, store)
    assert json.loads(filled.run("db", "show", A, NAME, "s\x1b", "--json").stdout) == [index]
    lines = filled.run("db", "show", A, NAME, "s\x1b").stdout.splitlines()
    assert lines[1].split() == ["i", '["a",', '"b"]', "yes", "no", "40"]
    assert filled.run("db", "show", A, NAME, "other").stdout == "The store 'other' has no indexes.\n"
    missing = filled.run("db", "show", A, NAME, "none")
    assert missing.stderr.endswith("has no store named 'none'. Its stores: s\\u001b, other.\n")
    missing = filled.run("db", "show", A, "none")
    assert missing.stderr == f"swproxy: {A} has no database named 'none'. Its databases: 'v\\u001b[31m1'.\n"


def test_export(filled: CommandLine) -> None:
    """Lines of JSON in the order of keys, with generated keys at their place."""
    shown = filled.run("db", "export", A, NAME).stdout
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    records = [json.loads(text) for text in shown.splitlines()]
    assert records[:40] == [{"store": "s\x1b", "key": n, "value": {"n": n, "id": n}} for n in range(40)]
    blob = {"$blob": {"size": 5, "type": "", "bytes": "eJszMW0="}}
    assert records[40:] == [{"store": "other", "key": [1, "\x9b"], "value": blob}]
    only = filled.run("db", "export", A, NAME, "other").stdout
    assert only == shown.splitlines(keepends=True)[-1]


def test_rm(filled: CommandLine) -> None:
    """One database, or all of an origin."""
    assert filled.run("db", "rm", A).returncode == 2
    assert filled.run("db", "rm", A, NAME, "--all").returncode == 2
    assert filled.run("db", "rm", A, "none").returncode == 1
    assert filled.run("db", "rm", A, NAME).stdout == f"Deleted the database 'v\\u001b[31m1' of {A}.\n"
    assert A not in filled.run("db", "ls").stdout
    make(filled.profile, B, "second")
    assert filled.run("db", "rm", B, "--all").stdout == f"Deleted 2 databases of {B}.\n"
    assert filled.run("db", "ls").stdout == "There are no databases.\n"


def test_damaged(filled: CommandLine) -> None:
    """A sentence that says what to do, and that can be done."""
    path = make(filled.profile, A, "damaged")
    (path / "data.db").write_bytes(b"x" * 10_000)
    listed = filled.run("db", "ls")
    assert listed.stdout.count("damaged") == 1
    assert NAME.replace("\x1b", "\\u001b") in listed.stdout
    assert listed.stderr.startswith("swproxy: The IndexedDB database 'damaged' is damaged (file is not a database)")
    for command in ("show", "export"):
        failed = filled.run("db", command, A, "damaged")
        assert (failed.returncode, failed.stderr) == (1, listed.stderr)
    assert filled.run("db", "rm", A, "damaged").returncode == 0
    assert filled.run("db", "ls").stderr == ""


def test_damaged_without_a_name(filled: CommandLine) -> None:
    """It can be deleted by the name that is shown in its place."""
    for everything in (False, True):
        path = make(filled.profile, A, "damaged")
        (path / "data.db").unlink()
        (path / "name").unlink()
        assert f"'{path.name}' is damaged" in filled.run("db", "ls").stderr
        assert filled.run("db", "rm", A, "--all" if everything else path.name).returncode == 0
        assert not path.exists()


def test_a_running_proxy_is_asked(filled: CommandLine) -> None:
    """It has the database open, perhaps. What it says is what the command says."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            answers = {1: (200, b"{}"), 2: (500, b'{"error": "It is in use.", "exit_code": 1}')}
            status, body = answers[len(asked)]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return ""

    with UnixStreamServer(str(Profile(filled.profile).control_socket), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert filled.run("db", "rm", A, NAME).returncode == 0
        failed = filled.run("db", "rm", A, "--all")
        server.shutdown()
    assert (failed.returncode, failed.stderr) == (1, "swproxy: It is in use.\n")
    assert asked == [("/databases/delete", {"origin": A, "name": NAME})] * 2
    assert A in filled.run("db", "ls").stdout
