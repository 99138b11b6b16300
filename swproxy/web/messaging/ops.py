"""The host half of messaging (https://html.spec.whatwg.org/#comms)."""

import secrets
from typing import Any


def op_broadcast(realm: Any, key: str, message: dict[str, Any]) -> None:
    """To the channels that other workers of the origin have under the same key."""
    realm.tell("broadcast", key, realm.export_record(message))


# What workers/ports.py hears of message ports whose other end may be in another realm.


def op_port_open(realm: Any) -> str:
    """The number of a new channel; this realm has both ends."""
    channel = secrets.token_hex(16)
    realm.tell("port_open", channel)
    return channel


def op_port_message(realm: Any, channel: str, side: int, message: dict[str, Any]) -> None:
    """From an end of this realm to the other one."""
    realm.tell("port_message", channel, side, realm.export_record(message))


def op_port_bounce(realm: Any, channel: str, side: int, message: dict[str, Any]) -> None:
    """For an end that this realm has passed on: what came before all others knew."""
    realm.tell("port_bounce", channel, side, realm.export_record(message))


def op_port_drained(realm: Any, channel: str, side: int) -> None:
    """Nothing will be bounced any more: the answer to "left"."""
    realm.tell("port_drained", channel, side)


def op_port_close(realm: Any, channel: str, side: int) -> None:
    """Of an end of this realm."""
    realm.tell("port_close", channel, side)
