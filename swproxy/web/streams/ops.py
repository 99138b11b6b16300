"""The host half of body_stream.js: bodies that a script reads or writes bit by bit."""

from typing import Any

from swproxy.errors import NetworkError, SwproxyError
from swproxy.realm.bodies import RemoteStream, ScriptStream
from swproxy.web.infra.bytes import pack_bytes, unpack_bytes

# So many bytes of a complete body are one chunk of its stream.
_PULL_SIZE = 1 << 16
# So many bytes may a script write ahead of the reader.
_BACKLOG = 1 << 16


def op_body_size(realm: Any, handle: int) -> int | None:
    """In bytes, if known."""
    return realm.bodies.get(handle).size  # type: ignore[no-any-return]


def op_body_pull(realm: Any, handle: int, offset: int) -> Any:
    """The next packed bytes of a body, which stays, or None at its end; ``offset`` is how many came before them."""
    body = realm.bodies.get(handle)
    if not isinstance(body, RemoteStream | ScriptStream):
        return _packed_chunk(body.read(offset, _PULL_SIZE))
    pending = realm.defer()
    body.pull(lambda outcome: realm.settle(pending, _packed_chunk(outcome)))
    return pending


def _packed_chunk(outcome: bytes | SwproxyError) -> Any:
    if isinstance(outcome, SwproxyError):
        return outcome
    return pack_bytes(outcome) if outcome else None


def op_body_open(realm: Any) -> list[int]:
    """A body that the script is going to write: its handle, and the number by which the other operations know it.

    A turn "bodyReleased" tells the number if the reader goes away before the end.
    """
    stream = realm.streams.script()
    stream.on_release = lambda: realm.later("bodyReleased", id=stream.id)
    return [realm.bodies.add(stream), stream.id]


def op_body_write(realm: Any, id: int, packed: str) -> Any:  # noqa: A002
    """Writes some packed bytes; the answer comes when more are wanted, and is False if they never will be."""
    stream = realm.streams.get(id)
    if stream is None:
        return False
    data = unpack_bytes(packed)
    if stream.backlog + len(data) <= _BACKLOG:
        stream.write(data, _ignore)
        return True
    pending = realm.defer()
    stream.write(data, lambda wanted: realm.settle(pending, wanted))
    return pending


def _ignore(wanted: bool) -> None:
    pass


def op_body_close(realm: Any, id: int) -> None:  # noqa: A002
    if (stream := realm.streams.get(id)) is not None:
        stream.end()


def op_body_error(realm: Any, id: int, message: str) -> None:  # noqa: A002
    if (stream := realm.streams.get(id)) is not None:
        stream.end(NetworkError(message))
