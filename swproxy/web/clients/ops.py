"""The host half of Clients (https://w3c.github.io/ServiceWorker/#clients): the proxy knows the pages."""

from typing import Any


def op_clients_get(realm: Any, id: str) -> Any:  # noqa: A002
    return realm.call("clients_get", id)


def op_clients_match_all(realm: Any, options: dict[str, Any]) -> Any:
    return realm.call("clients_match_all", options)


def op_clients_open_window(realm: Any, url: str) -> Any:
    return realm.call("clients_open_window", url)


def op_clients_claim(realm: Any) -> Any:
    return realm.call("clients_claim")


def op_client_post_message(realm: Any, id: str, message: Any) -> None:  # noqa: A002
    realm.tell("client_post_message", id, realm.export_record(message))


def op_client_focus(realm: Any, id: str) -> Any:  # noqa: A002
    return realm.call("client_focus", id)


def op_client_navigate(realm: Any, id: str, url: str) -> Any:  # noqa: A002
    return realm.call("client_navigate", id, url)
