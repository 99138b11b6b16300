"""``swproxy caches ls | keys | show | rm``"""

import codecs
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ada_url
import click

from swproxy.cli.options import json_option, origin_of_text, profile_option
from swproxy.cli.output import counted, print_json, print_table, say, size, visible
from swproxy.errors import InvalidInput, NotFoundError
from swproxy.storage.bodies import chunks
from swproxy.storage.cache_storage import CacheStorage, Entry, Query, RequestResponseList
from swproxy.storage.origins import directory_of, origins_in
from swproxy.storage.profile import Profile


@click.group("caches")
def caches_command() -> None:
    """The caches of each origin, on disk. The proxy need not run."""


@contextmanager
def _storage(profile: Profile, origin: str) -> Iterator[CacheStorage]:
    known = origins_in(profile.caches)
    if origin_of_text(origin) not in known:
        having = ", ".join(each for each in known if _has_caches(profile, each)) or "none"
        raise NotFoundError(f"{origin} has no caches. Origins with caches: {having}.")
    storage = CacheStorage(directory_of(profile.caches, origin_of_text(origin)))
    try:
        yield storage
    finally:
        storage.close()


def _has_caches(profile: Profile, origin: str) -> bool:
    with _storage(profile, origin) as storage:
        return bool(storage.keys())


def _cache(storage: CacheStorage, origin: str, name: str) -> RequestResponseList:
    cache = storage.get(name)
    if cache is None:
        known = ", ".join(storage.keys()) or "none"
        raise NotFoundError(f"{origin} has no cache named '{name}'. Its caches: {known}.")
    return cache


@caches_command.command("ls")
@click.argument("origin", required=False)
@profile_option
@json_option
def ls_command(origin: str | None, profile: Profile, as_json: bool) -> None:
    """List the caches of ORIGIN, or of all origins, in order of creation."""
    rows = []
    for each in [origin_of_text(origin)] if origin is not None else origins_in(profile.caches):
        with _storage(profile, each) as storage:
            for name, cache in storage.all():
                entries = cache.query_cache(None)
                rows.append(
                    {
                        "origin": each,
                        "cache": name,
                        "entries": len(entries),
                        "bytes": sum(entry.size for entry in entries),
                    }
                )
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("There are no caches.")
        return
    print_table(
        ("ORIGIN", "CACHE", "ENTRIES", "SIZE"),
        [(str(row["origin"]), str(row["cache"]), str(row["entries"]), size(int(str(row["bytes"])))) for row in rows],
    )


@caches_command.command("keys")
@click.argument("origin")
@click.argument("cache")
@profile_option
@json_option
def keys_command(origin: str, cache: str, profile: Profile, as_json: bool) -> None:
    """List the entries of CACHE in order of insertion."""
    with _storage(profile, origin) as storage:
        entries = _cache(storage, origin, cache).query_cache(None)
    if as_json:
        print_json([_described(entry) for entry in entries])
        return
    rows = []
    for entry in entries:
        response = entry.response
        status = str(response.status) if response.type != "opaque" else f"{response.status} (opaque)"
        content_type = next((value for name, value in response.headers if name.lower() == "content-type"), "")
        rows.append((entry.request.method, status, content_type, size(entry.size), entry.request.url))
    print_table(("METHOD", "STATUS", "TYPE", "SIZE", "URL"), rows)


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "method": entry.request.method,
        "url": entry.request.url,
        "request_headers": entry.request.headers,
        "type": entry.response.type,
        "status": entry.response.status,
        "status_text": entry.response.status_text,
        "headers": entry.response.headers,
        "bytes": entry.size,
        "time": entry.time,
    }


@caches_command.command("show")
@click.argument("origin")
@click.argument("cache")
@click.argument("url")
@click.option("-i", "--include", is_flag=True, help="Print status and headers before the body.")
@profile_option
def show_command(origin: str, cache: str, url: str, include: bool, profile: Profile) -> None:
    """Print the body of the entry URL of CACHE.

    A path is taken as one of ORIGIN. The bytes are as they were stored; only on a terminal, control characters are
    made visible.
    """
    absolute = _entry_url(origin, url)
    with _storage(profile, origin) as storage:
        found = _cache(storage, origin, cache)
        entries = found.query_cache(Query(absolute, ignore_vary=True))
        if not entries:
            raise NotFoundError(f"{absolute} is not in the cache '{cache}': see `swproxy caches keys`.")
        entry = entries[0]
        if include:
            say(f"{entry.response.status} {entry.response.status_text}".rstrip())
            for name, value in entry.response.headers:
                say(visible(f"{name}: {value}"))
            say()
        body = found.body(entry)
        if body is not None:
            _print_body(chunks(body))
            body.close()


def _entry_url(origin: str, url: str) -> str:
    base = origin_of_text(origin) + "/"
    try:
        return str(ada_url.URL(url, base).href)
    except ValueError:
        raise InvalidInput(f"'{url}' is not a URL.") from None


def _print_body(body: Iterator[bytes]) -> None:
    if sys.stdout.isatty():
        lines = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        for chunk in body:
            click.echo(visible(lines.decode(chunk), "\n\t"), nl=False)
        click.echo(visible(lines.decode(b"", final=True), "\n\t"), nl=False)
    else:
        for chunk in body:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


@caches_command.command("rm")
@click.argument("origin")
@click.argument("cache", required=False)
@click.argument("url", required=False)
@click.option("--all", "everything", is_flag=True, help="All caches of the origin.")
@profile_option
def rm_command(origin: str, cache: str | None, url: str | None, everything: bool, profile: Profile) -> None:
    """Delete a cache, one entry of it, or all caches.

    That is CACHE, or the entry URL of it, or with --all every cache of ORIGIN.
    """
    if (cache is None) != everything:
        raise InvalidInput("Say which cache to delete, or --all for every cache of the origin.")
    with _storage(profile, origin) as storage:
        if cache is None:
            names = storage.keys()
            for name in names:
                storage.delete(name)
            say(f"Deleted {counted(len(names), 'cache')} of {origin_of_text(origin)}.")
            return
        found = _cache(storage, origin, cache)
        if url is None:
            storage.delete(cache)
            say(f"Deleted the cache '{cache}' of {origin_of_text(origin)}.")
            return
        absolute = _entry_url(origin, url)
        if not found.delete(Query(absolute, ignore_vary=True)):
            raise NotFoundError(f"{absolute} is not in the cache '{cache}'.")
        say(f"Deleted {absolute} from the cache '{cache}'.")
