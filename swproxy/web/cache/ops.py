"""The host half of the Cache API: direct reads and writes of the profile's disk caches."""

import time
from typing import Any

from swproxy.errors import NetworkError, SwproxyError
from swproxy.realm.bodies import Body, RemoteStream, ScriptStream
from swproxy.storage.bodies import SavedFile
from swproxy.storage.cache_storage import (
    Entry,
    Put,
    Query,
    RequestResponseList,
    StoredRequest,
    StoredResponse,
)


def _list(realm: Any, id: int) -> RequestResponseList:  # noqa: A002
    return realm.open_caches[id]  # type: ignore[no-any-return]


def _query(query: dict[str, Any], options: dict[str, Any]) -> Query:
    return Query(
        query["url"],
        query["method"],
        query["headers"],
        options["ignoreSearch"],
        options["ignoreMethod"],
        options["ignoreVary"],
    )


def _found(realm: Any, cache: RequestResponseList, entry: Entry) -> dict[str, Any]:
    body = cache.body(entry)
    response = entry.response
    return {
        "type": response.type,
        "urls": response.urls,
        "status": response.status,
        "statusText": response.status_text,
        "headers": response.headers,
        "source": "cache",
        "body": None if body is None else realm.bodies.add(body),
    }


def op_caches_keys(realm: Any) -> list[str]:
    return realm.caches.keys()  # type: ignore[no-any-return]


def op_caches_has(realm: Any, name: str) -> bool:
    return realm.caches.has(name)  # type: ignore[no-any-return]


def op_caches_open(realm: Any, name: str) -> int:
    cache = realm.caches.open(name)
    if cache not in realm.open_caches:
        realm.open_caches.append(cache)
    return realm.open_caches.index(cache)  # type: ignore[no-any-return]


def op_caches_delete(realm: Any, name: str) -> bool:
    return realm.caches.delete(name)  # type: ignore[no-any-return]


def op_caches_match(realm: Any, name: str | None, query: dict[str, Any], options: dict[str, Any]) -> Any:
    """The first match of one cache, or of all in their order."""
    wanted = _query(query, options)
    if name is None:
        caches = [cache for _, cache in realm.caches.all()]
    else:
        named = realm.caches.get(name)
        caches = [] if named is None else [named]
    for cache in caches:
        for entry in cache.query_cache(wanted, first=True):
            return _found(realm, cache, entry)
    return None


def op_cache_match(
    realm: Any,
    id: int,  # noqa: A002
    query: dict[str, Any] | None,
    options: dict[str, Any],
    first: bool,
) -> list[dict[str, Any]]:
    cache = _list(realm, id)
    wanted = None if query is None else _query(query, options)
    return [_found(realm, cache, entry) for entry in cache.query_cache(wanted, first=first)]


def op_cache_keys(
    realm: Any,
    id: int,  # noqa: A002
    query: dict[str, Any] | None,
    options: dict[str, Any],
) -> list[dict[str, Any]]:
    wanted = None if query is None else _query(query, options)
    return [
        {
            "origin": None,
            "body": None,
            "method": entry.request.method,
            "url": entry.request.url,
            "headers": entry.request.headers,
            **entry.request.rest,
        }
        for entry in _list(realm, id).query_cache(wanted)
    ]


def op_cache_delete(realm: Any, id: int, query: dict[str, Any], options: dict[str, Any]) -> bool:  # noqa: A002
    return _list(realm, id).delete(_query(query, options))


def op_cache_put(realm: Any, id: int, puts: list[dict[str, Any]]) -> Any:  # noqa: A002
    """Stores the responses, all or none, once all of their bodies are here."""
    cache = _list(realm, id)
    bodies: list[Body | SavedFile | None] = []
    for put in puts:
        handle = put["response"]["body"]
        bodies.append(None if handle is None else realm.bodies.take(handle))
    streams = [number for number, body in enumerate(bodies) if isinstance(body, RemoteStream | ScriptStream)]
    if not streams:
        _store(realm, cache, puts, bodies)
        return None

    pending = realm.defer()
    missing = set(streams)
    failure: SwproxyError | None = None

    def saved(number: int, outcome: SavedFile | SwproxyError) -> None:
        nonlocal failure
        missing.discard(number)
        if isinstance(outcome, SavedFile):
            bodies[number] = outcome
        else:
            bodies[number] = None
            failure = failure or outcome
        if missing:
            return
        if failure is None:
            try:
                _store(realm, cache, puts, bodies)
            except SwproxyError as error:
                failure = error
        else:
            _discard(bodies)
        realm.settle(pending, failure)

    for number in streams:
        stream = bodies[number]
        assert isinstance(stream, RemoteStream | ScriptStream)
        stream.save(lambda outcome, number=number: saved(number, outcome))  # type: ignore[misc]
    return pending


def _store(
    realm: Any, cache: RequestResponseList, puts: list[dict[str, Any]], bodies: list[Body | SavedFile | None]
) -> None:
    try:
        size = sum(body.size or 0 for body in bodies if body is not None)
        saved = sum(body.size for body in bodies if isinstance(body, SavedFile))
        realm.caches.require(size, saved)
        cache.put([_put(put, body) for put, body in zip(puts, bodies, strict=True)])
    finally:
        _discard(bodies)


def _put(put: dict[str, Any], body: Body | SavedFile | None) -> Put:
    if isinstance(body, RemoteStream | ScriptStream):
        raise NetworkError("the body is not complete")
    request, response = dict(put["request"]), put["response"]
    return Put(
        StoredRequest(
            method=request.pop("method"),
            url=request.pop("url"),
            headers=request.pop("headers"),
            rest={name: value for name, value in request.items() if name != "origin"},
        ),
        StoredResponse(
            response["type"],
            response["urls"],
            response["status"],
            response["statusText"],
            response["headers"],
        ),
        body,
        time.time(),
    )


def _discard(bodies: list[Body | SavedFile | None]) -> None:
    for body in bodies:
        if isinstance(body, SavedFile):
            body.remove()
        elif body is not None and not isinstance(body, RemoteStream | ScriptStream):
            body.close()
