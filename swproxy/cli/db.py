"""``swproxy db ls | show | export | rm``"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from swproxy.cli.options import json_option, origin_of_text, profile_option
from swproxy.cli.output import counted, print_json, print_table, say, size, visible
from swproxy.control.client import call
from swproxy.errors import DatabaseDamaged, InvalidInput, NotFoundError, NotRunning, SwproxyError
from swproxy.storage.indexeddb import directory
from swproxy.storage.indexeddb.database import IndexedDatabase
from swproxy.storage.indexeddb.describe import key_as_json, value_as_json
from swproxy.storage.indexeddb.keys import decode_key
from swproxy.storage.indexeddb.reading import KeyRange, Row, Source
from swproxy.storage.indexeddb.schema import IndexInfo, KeyPath, StoreInfo
from swproxy.storage.origins import directory_of, origins_in
from swproxy.storage.profile import Profile

# Records that an export has in memory at a time, with all their parts.
_BATCH = 16
_ATTEMPTS = 5


@click.group("db")
def db_command() -> None:
    """The IndexedDB databases of each origin, on disk. The proxy need not run."""


def _origin_directory(profile: Profile, origin: str) -> Path:
    return directory_of(profile.indexeddb, origin_of_text(origin))


def _having(profile: Profile) -> list[str]:
    """The origins with databases."""
    known = origins_in(profile.indexeddb)
    return [origin for origin in known if directory.find(_origin_directory(profile, origin))]


def _require_origin(profile: Profile, origin: str) -> list[directory.Found]:
    found = directory.find(_origin_directory(profile, origin))
    if not found:
        having = ", ".join(_having(profile)) or "none"
        raise NotFoundError(f"{origin} has no databases. Origins with databases: {having}.")
    return found


def _require_database(profile: Profile, origin: str, name: str) -> directory.Found:
    found = _require_origin(profile, origin)
    for each in found:
        if name in (each.name, visible(each.name)):  # also as it is shown: not every name can be typed
            return each
    known = ", ".join(f"'{each.name}'" for each in found)
    raise NotFoundError(f"{origin} has no database named '{name}'. Its databases: {known}.")


@contextmanager
def _database(profile: Profile, origin: str, name: str) -> Iterator[IndexedDatabase]:
    found = _require_database(profile, origin, name)
    if found.error is not None:
        raise found.error
    database = IndexedDatabase.open_existing(found.directory)
    try:
        yield database
    finally:
        database.close()


def _store(database: IndexedDatabase, name: str) -> StoreInfo:
    stores = database.stores()
    for store in stores:
        if store.name == name:
            return store
    known = ", ".join(store.name for store in stores) or "none"
    raise NotFoundError(f"The database '{database.name}' has no store named '{name}'. Its stores: {known}.")


@db_command.command("ls")
@click.argument("origin", required=False)
@profile_option
@json_option
def ls_command(origin: str | None, profile: Profile, as_json: bool) -> None:
    """List the databases of ORIGIN, or of all origins."""
    rows = []
    for each in [origin_of_text(origin)] if origin is not None else _having(profile):
        rows += [_listed(each, found) for found in _require_origin(profile, each)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("There are no databases.")
        return
    print_table(
        ("ORIGIN", "DATABASE", "VERSION", "STORES", "RECORDS", "SIZE"),
        [
            (
                *(row["origin"], row["database"]),
                *(str(row.get(column, "?")) for column in ("version", "stores", "records")),
                size(row["bytes"]),
            )
            for row in rows
        ],
    )
    for row in rows:
        if "error" in row:
            say(f"swproxy: {row['error']}", err=True)


def _listed(origin: str, found: directory.Found) -> dict[str, Any]:
    row: dict[str, Any] = {"origin": origin, "database": found.name}
    error = found.error
    if error is None:
        try:
            database = IndexedDatabase.open_existing(found.directory)
            try:
                stores = database.stores()
                records = sum(database.count(Source(store.id), KeyRange()) for store in stores)
                row |= {"version": database.version, "stores": len(stores), "records": records}
            finally:
                database.close()
        except SwproxyError as problem:
            error = problem
    row["bytes"] = directory.database_usage(found.directory)
    if error is not None:
        row["error"] = str(error)
    return row


@db_command.command("show")
@click.argument("origin")
@click.argument("name")
@click.argument("store", required=False)
@profile_option
@json_option
def show_command(origin: str, name: str, store: str | None, profile: Profile, as_json: bool) -> None:
    """Show the object stores of the database NAME, or the indexes of its STORE."""
    with _database(profile, origin, name) as database:
        if store is None:
            _show_stores(database, as_json)
        else:
            _show_indexes(database, _store(database, store), as_json)


def _show_stores(database: IndexedDatabase, as_json: bool) -> None:
    stores = [(store, database.count(Source(store.id), KeyRange())) for store in database.stores()]
    if as_json:
        described = [_described_store(database, store, records) for store, records in stores]
        print_json({"database": database.name, "version": database.version, "stores": described})
        return
    print_table(
        ("STORE", "KEY PATH", "AUTO INCREMENT", "INDEXES", "RECORDS"),
        [
            (
                *(store.name, _path(store.key_path), _yes(store.auto_increment)),
                ", ".join(index.name for index in store.indexes),
                str(records),
            )
            for store, records in stores
        ],
    )


def _described_store(database: IndexedDatabase, store: StoreInfo, records: int) -> dict[str, Any]:
    return {
        "store": store.name,
        "key_path": store.key_path,
        "auto_increment": store.auto_increment,
        "records": records,
        "indexes": _described_indexes(database, store),
    }


def _described_indexes(database: IndexedDatabase, store: StoreInfo) -> list[dict[str, Any]]:
    return [
        {
            "index": index.name,
            "key_path": index.key_path,
            "unique": index.unique,
            "multi_entry": index.multi_entry,
            "records": _count(database, store, index),
        }
        for index in store.indexes
    ]


def _count(database: IndexedDatabase, store: StoreInfo, index: IndexInfo) -> int:
    return database.count(Source(store.id, index.id), KeyRange())


def _show_indexes(database: IndexedDatabase, store: StoreInfo, as_json: bool) -> None:
    if as_json:
        print_json(_described_indexes(database, store))
        return
    if not store.indexes:
        say(f"The store '{store.name}' has no indexes.")
        return
    print_table(
        ("INDEX", "KEY PATH", "UNIQUE", "MULTI ENTRY", "RECORDS"),
        [
            (
                *(index.name, _path(index.key_path), _yes(index.unique), _yes(index.multi_entry)),
                str(_count(database, store, index)),
            )
            for index in store.indexes
        ],
    )


def _path(key_path: KeyPath) -> str:
    return "none" if key_path is None else key_path if isinstance(key_path, str) else json.dumps(key_path)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


@db_command.command("export")
@click.argument("origin")
@click.argument("name")
@click.argument("store", required=False)
@profile_option
def export_command(origin: str, name: str, store: str | None, profile: Profile) -> None:
    """Print the records of the database NAME, or of its STORE, as lines of JSON.

    Each is {"store": ..., "key": ..., "value": ...}; they come in the order of their keys. What JSON does not have is
    an object with one key:

    \b
    $undefined  true                     $number   "NaN", "Infinity", "-0"
    $bigint     its digits               $date     milliseconds since 1970
    $regexp     [source, flags]          $bytes    Base64, of an ArrayBuffer
    $map        [[key, value], ...]      $set      [value, ...]
    $view       of a buffer: {type, offset, length, buffer}
    $resizable  a buffer that is: {maximum, bytes}
    $error      {name, message, stack, cause}
    $blob       {size, type, bytes}      $file     also {name, lastModified}
    $array      one with holes or other properties: all of them, and its length
    $Boolean, $Number, $BigInt, $String  such an object
    $platform   another object of the platform: {name, fields}, perhaps with values
    $object     an object whose only key begins with $
    $ref        an object that is there already, at this JSON Pointer of the value
    $raw        the stored text, if it is nested too deeply or of another version
    """
    with _database(profile, origin, name) as database:
        for each in database.stores() if store is None else [_store(database, store)]:
            for line in _lines(database, each):
                say(line)


def _rows(database: IndexedDatabase, store: StoreInfo, last: bytes | None) -> list[Row]:
    """Some records behind a key. A worker may delete large values while they are read: not every miss is damage."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(DatabaseDamaged):
            return database.rows(Source(store.id), KeyRange(last, lower_open=True), "next", _BATCH, values=True)
    return database.rows(Source(store.id), KeyRange(last, lower_open=True), "next", _BATCH, values=True)


def _lines(database: IndexedDatabase, store: StoreInfo) -> Iterator[str]:
    last = None
    named = json.dumps(store.name, ensure_ascii=False)
    while rows := _rows(database, store, last):
        last = rows[-1].key
        for row in rows:
            assert row.value is not None
            key = decode_key(row.key)
            value = value_as_json(row.value, store.key_path, key)
            for part in row.value.parts:
                part.close()
            yield f'{{"store": {named}, "key": {json.dumps(key_as_json(key), ensure_ascii=False)}, "value": {value}}}'


@db_command.command("rm")
@click.argument("origin")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="All databases of the origin.")
@profile_option
def rm_command(origin: str, name: str | None, everything: bool, profile: Profile) -> None:
    """Delete the database NAME, or with --all every database of ORIGIN; damaged ones, too."""
    if (name is None) != everything:
        raise InvalidInput("Say which database to delete, or --all for every database of the origin.")
    exact = origin_of_text(origin)
    if name is None:
        found = directory.find(_origin_directory(profile, origin))
        for each in found:
            _delete(profile, exact, each)
        say(f"Deleted {counted(len(found), 'database')} of {exact}.")
        return
    _delete(profile, exact, _require_database(profile, origin, name))
    say(f"Deleted the database '{name}' of {exact}.")


def _delete(profile: Profile, origin: str, found: directory.Found) -> None:
    """A proxy that runs has it open, perhaps; but not one whose name nobody knows any more."""
    if found.directory == directory.database_directory(_origin_directory(profile, origin), found.name):
        with suppress(NotRunning):
            call(profile, "POST", "/databases/delete", {"origin": origin, "name": found.name})
            return
    directory.delete_directory(found.directory, found.name)
