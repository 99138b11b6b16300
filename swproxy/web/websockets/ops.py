"""The host half of WebSockets (https://websockets.spec.whatwg.org/): see realm/web_sockets.py.

A WebSocket is a number here. Nothing happens to one that is closed.
"""

from typing import Any

from swproxy.errors import SecurityError
from swproxy.network.cors import is_mixed_content
from swproxy.realm.engine import Pending


def op_web_socket_connect(realm: Any, url: str, protocols: list[str], is_paced: bool) -> int:
    """Begins to establish a connection: its number. What becomes of it is delivered as "webSocket".

    Args:
        is_paced: each message waits for ``op_web_socket_pull``.

    Raises:
        SecurityError: the worker is secure and the connection would not be.
    """
    if is_mixed_content(realm.start.origin, url):
        raise SecurityError("An insecure WebSocket connection may not be initiated from a worker loaded over HTTPS.")
    return realm.web_sockets.connect(url, protocols, is_paced=is_paced)  # type: ignore[no-any-return]


def op_web_socket_send_text(realm: Any, id: int, text: str) -> None:  # noqa: A002
    """Sends a message that is a scalar value string."""
    realm.web_sockets.put(id, text.encode(), is_text=True)


def op_web_socket_send_body(realm: Any, id: int, handle: int) -> None:  # noqa: A002
    """Sends the bytes of a complete body, which is used up."""
    body = realm.bodies.complete(handle)
    realm.web_sockets.put(id, body, is_text=False)
    realm.bodies.release(handle)


def op_web_socket_sent(realm: Any, id: int) -> Pending:  # noqa: A002
    """Settles when all messages are sent, or will never be."""
    pending: Pending = realm.defer()
    realm.web_sockets.when_sent(id, lambda: realm.settle(pending, None))
    return pending


def op_web_socket_buffered_amount(realm: Any, id: int) -> int:  # noqa: A002
    """https://websockets.spec.whatwg.org/#dom-websocket-bufferedamount, in bytes"""
    return realm.web_sockets.buffered_amount(id)  # type: ignore[no-any-return]


def op_web_socket_pull(realm: Any, id: int) -> None:  # noqa: A002
    """Delivers one more message, when there is one."""
    realm.web_sockets.want(id)


def op_web_socket_close(realm: Any, id: int, code: int | None, reason: str) -> None:  # noqa: A002
    """Starts the closing handshake when all messages are sent; gives up what is not established."""
    realm.web_sockets.close(id, code, reason)
