"""The host half of structured clone (https://html.spec.whatwg.org/#structured-data): the bytes of its records."""

from typing import Any

from swproxy.storage.bodies import BytesBody
from swproxy.web import manifest
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes


def op_record_part(realm: Any, handle: int | None, packed: str) -> int:
    """The handle of a body with these bytes, after those of a body that is used up, if there is one."""
    before = b"" if handle is None else realm.bodies.take(handle).data
    return realm.bodies.add(BytesBody(before + unpack_bytes(packed)))  # type: ignore[no-any-return]


def op_record_part_bytes(realm: Any, handle: int, offset: int, length: int) -> tuple[int, Any]:
    """The size of a complete body, and at most so many of its bytes."""
    body = realm.bodies.complete(handle)
    return body.size, pack_bytes(body.read(offset, min(length, body.size - offset)))


def op_interface_file(realm: Any, name: str) -> str | None:
    """The file that an interface is in, if it is one of those that are loaded at their first use."""
    return manifest.LAZY.get(name)
