"""Where aiohttp's HTTP/1 differs from what Fetch says of requests and responses, put right."""

import asyncio
import re
from typing import Any

import aiohttp
from aiohttp import http_writer
from aiohttp.client_proto import ResponseHandler

_FORBIDDEN = frozenset("\0\r\n")


def serialize_headers(status_line: str, headers: Any) -> bytes:
    """The head of a message. Each character of a value is a byte, and any byte but NUL, CR and LF may be there
    (https://fetch.spec.whatwg.org/#header-value); aiohttp writes UTF-8 and refuses all control characters.

    Raises:
        ValueError: a value would end its line.
    """
    lines = [status_line, *(f"{name}: {value}" for name, value in headers.items())]
    for line in lines:
        if not _FORBIDDEN.isdisjoint(line):
            raise ValueError("a header has a line break in it")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


# There is no setting for this. The control API and the endpoint for large requests, which are of aiohttp.web, write
# their headers with it, too.
assert hasattr(http_writer, "_serialize_headers")
http_writer._serialize_headers = serialize_headers


_END_OF_HEAD = re.compile(rb"\n\r?\n")
_receive = ResponseHandler.data_received


def _receive_head_first(self: ResponseHandler, data: bytes) -> None:
    """The head of a response by itself: aiohttp drops it with an error in the chunks that have come along."""
    found = _END_OF_HEAD.search(data) if self._payload is None or self._payload.is_eof() else None
    if found is not None and found.end() < len(data):
        _receive(self, data[: found.end()])
        data = data[found.end() :]
    _receive(self, data)


ResponseHandler.data_received = _receive_head_first  # type: ignore[method-assign]


def reason_bytes(response: aiohttp.ClientResponse) -> str:
    """The reason phrase, each character a byte; aiohttp takes it for UTF-8."""
    return (response.reason or "").encode("utf-8", "surrogateescape").decode("latin-1")


class _EveryMethod(set[str]):
    def __contains__(self, method: object) -> bool:
        return True


class FetchRequest(aiohttp.ClientRequest):
    """No method has a body unless it is given one: aiohttp would say ``Content-Length: 0`` for those it does not
    know."""

    GET_METHODS = _EveryMethod()


class Method(str):
    """A method that is sent as it is: aiohttp would write all of them in capitals."""

    __slots__ = ()

    def upper(self) -> str:
        return self


def end_body_with_connection(response: aiohttp.ClientResponse) -> None:
    """Makes a body fail when its connection is closed before its end: after an error in the framing of chunks aiohttp
    closes it and leaves the reader waiting."""
    connection, content = response.connection, response.content
    closed = connection.protocol.closed if connection is not None and connection.protocol is not None else None

    def fail(closed: "asyncio.Future[None]") -> None:
        if not closed.cancelled():
            closed.exception()  # aiohttp tells the reader of that; asyncio would log that nobody has asked
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the origin's chunks are malformed"))

    def forget() -> None:
        """The connection goes on to other responses, and must not keep this one alive."""
        if closed is not None:
            closed.remove_done_callback(fail)

    if closed is not None:
        closed.add_done_callback(fail)
        content.on_eof(forget)
