"""The host half of structured clone (https://html.spec.whatwg.org/#structured-data): the bytes of its records."""

from typing import Any

from swproxy.storage.bodies import BytesBody
from swproxy.web import manifest
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes


def op_record_part(realm: Any, packed: str) -> int:
    """The handle of a body with these bytes."""
    return realm.bodies.add(BytesBody(unpack_bytes(packed)))  # type: ignore[no-any-return]


def op_record_part_bytes(realm: Any, handle: int) -> Any:
    """The bytes of a body, which is used up."""
    return realm.read_all(realm.bodies.take(handle), pack_bytes)


def op_interface_file(realm: Any, name: str) -> str | None:
    """The file that an interface is in, if it is one of those that are loaded at their first use."""
    return manifest.LAZY.get(name)
