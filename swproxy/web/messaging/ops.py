"""The host half of messaging (https://html.spec.whatwg.org/#comms)."""

from typing import Any


def op_broadcast(realm: Any, key: str, message: dict[str, Any]) -> None:
    """To the channels that other workers of the origin have under the same key."""
    realm.tell("broadcast", key, realm.export_record(message))
