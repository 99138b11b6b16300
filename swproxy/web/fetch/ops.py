"""The host half of Fetch (https://fetch.spec.whatwg.org/): bodies and the network."""

from typing import Any

from swproxy.errors import AbortError
from swproxy.ipc import messages
from swproxy.realm.engine import Pending
from swproxy.storage.bodies import BytesBody
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes

_BOM = b"\xef\xbb\xbf"


def op_body_from_text(realm: Any, text: str) -> int:
    return realm.bodies.add(BytesBody(text.encode()))  # type: ignore[no-any-return]


def op_body_from_bytes(realm: Any, packed: str) -> int:
    return realm.bodies.add(BytesBody(unpack_bytes(packed)))  # type: ignore[no-any-return]


def op_body_clone(realm: Any, handle: int) -> int:
    return realm.bodies.clone(handle)  # type: ignore[no-any-return]


def op_body_release(realm: Any, handle: int) -> None:
    realm.bodies.release(handle)


def _utf8_decode(data: bytes) -> str:
    """https://encoding.spec.whatwg.org/#utf-8-decode"""
    return data.removeprefix(_BOM).decode("utf-8", "replace")


def op_body_text(realm: Any, handle: int) -> Any:
    """The text of the body, which is used up."""
    return realm.read_all(realm.bodies.take(handle), _utf8_decode)


def op_body_bytes(realm: Any, handle: int) -> Any:
    """The packed bytes of the body, which is used up."""
    return realm.read_all(realm.bodies.take(handle), pack_bytes)


def op_fetch(realm: Any, id: int, request: dict[str, Any], body: int | None) -> Pending:  # noqa: A002
    """https://fetch.spec.whatwg.org/#concept-fetch; ``id`` is what ``op_fetch_abort`` takes."""
    exported, file, sent = realm.export(body)
    realm.channel.send(messages.Fetch(id, request_message(request, exported)), file)
    sent()
    pending = realm.fetches[id] = realm.defer()
    return pending  # type: ignore[no-any-return]


def op_fetch_abort(realm: Any, id: int) -> None:  # noqa: A002
    """Also when the response has come: then its body breaks off."""
    pending = realm.fetches.pop(id, None)
    if pending is not None:
        realm.settle(pending, AbortError("The fetch was aborted."))
    realm.channel.send(messages.AbortFetch(id))


def request_message(request: dict[str, Any], body: messages.Body | None = None) -> messages.Request:
    """From what ``InnerRequest.toHost`` of request.js gives."""
    return messages.Request(
        id=request["origin"],
        method=request["method"],
        url=request["url"],
        headers=[(name, value) for name, value in request["headers"]],
        body=body,
        destination=request["destination"],
        referrer=request["referrer"],
        referrer_policy=request["referrerPolicy"],
        mode=request["mode"],
        credentials=request["credentials"],
        cache=request["cache"],
        redirect=request["redirect"],
        integrity=request["integrity"],
        keepalive=request["keepalive"],
        is_reload_navigation=request["isReloadNavigation"],
        is_history_navigation=request["isHistoryNavigation"],
    )
