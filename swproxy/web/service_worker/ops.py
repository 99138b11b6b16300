"""The host half of the service worker's global scope (https://w3c.github.io/ServiceWorker/)."""

from typing import Any

from swproxy.errors import SwproxyError
from swproxy.ipc import messages


def op_started(realm: Any, event_types: list[str], fetch_listeners_are_empty: bool) -> None:
    """The script has run; these are the events it listens to."""
    realm.channel.send(messages.Started(event_types, fetch_listeners_are_empty))


def op_event_finished(realm: Any, id: int, rejected: str | None) -> None:  # noqa: A002
    realm.channel.send(messages.EventFinished(id, rejected))
    realm.preloads.event_is_over(id)


def op_fetch_fall_through(realm: Any, id: int, canceled: bool, is_last: bool) -> None:  # noqa: A002
    realm.channel.send(messages.FallThrough(id, canceled), held=is_last)


def op_fetch_respond(
    realm: Any,
    id: int,  # noqa: A002
    response: dict[str, Any] | None,
    error: str,
    is_last: bool,
) -> None:
    """``response`` is what ``InnerResponse.toHost`` of fetch/response.js gives; ``is_last``: the event ends now."""
    if response is None:
        realm.channel.send(messages.Respond(id, None, error), held=is_last)
        return
    try:
        body, file, sent = realm.export(response["body"])
    except SwproxyError as failure:
        realm.channel.send(messages.Respond(id, None, str(failure)))
        return
    realm.channel.send(messages.Respond(id, response_message(response, body)), file, held=is_last and file is None)
    sent()


def response_message(response: dict[str, Any], body: messages.Body | None) -> messages.Response:
    return messages.Response(
        type=response["type"],
        urls=response["urls"],
        status=response["status"],
        status_text=response["statusText"],
        headers=[(name, value) for name, value in response["headers"]],
        body=body,
        source=response["source"],
    )


def op_fetch_preload(realm: Any, id: int) -> Any:  # noqa: A002
    """The response to the navigation preload of the event, as ``InnerResponse.fromHost`` takes it."""
    return realm.preloads.response(id)


def op_skip_waiting(realm: Any) -> Any:
    return realm.call("skip_waiting")


def op_registration_update(realm: Any) -> Any:
    return realm.call("update")


def op_registration_unregister(realm: Any) -> Any:
    return realm.call("unregister")


def op_navigation_preload(realm: Any, operation: str, value: str | None) -> Any:
    return realm.call("navigation_preload", operation, value)


def op_worker_post_message(realm: Any, worker_id: int, message: Any) -> None:
    realm.tell("worker_post_message", worker_id, realm.export_record(message))
