"""Bodies of responses as aiohttp gives them, for workers."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp

from swproxy.errors import NetworkError
from swproxy.network.live_body import LiveBody, prefixed
from swproxy.network.sessions import reason_of
from swproxy.network.wire import end_body_with_connection

# A body up to this size, in bytes, that is there this soon, in seconds, goes to the worker with the headers.
INLINE_SIZE = 1 << 16
INLINE_WAIT = 0.01


async def begin_body(
    response: aiohttp.ClientResponse, directory: Path, was_cut: Callable[[], bool]
) -> bytes | LiveBody:
    """The body: whole if it is small and soon here, else a stream of it.

    Args:
        was_cut: whether it was us who has closed the connection.
    """
    end_body_with_connection(response)
    ends_with_connection = response.content_length is None and "Transfer-Encoding" not in response.headers

    async def read() -> bytes:
        try:
            data = await response.content.readany()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NetworkError(f"the body of {response.url} broke off: {reason_of(error)}") from None
        if not data and ends_with_connection and was_cut():
            raise NetworkError(f"the body of {response.url} broke off: the connection was closed here")
        return data

    size = response.content_length if "Content-Encoding" not in response.headers else None
    prefix = bytearray()
    try:
        if size is None or size <= INLINE_SIZE:
            async with asyncio.timeout(INLINE_WAIT):
                while len(prefix) <= INLINE_SIZE:
                    # Not cancelled in the middle of taking bytes out: readany() waits first and then takes.
                    data = await read()
                    if not data:
                        return bytes(prefix)
                    prefix += data
    except (TimeoutError, NetworkError):
        pass  # who reads the stream waits, or hears of the error again
    return LiveBody(prefixed(bytes(prefix), read), size, directory, response.close)


async def read_all(body: bytes | LiveBody, limit: int) -> bytes:
    """The whole body.

    Raises:
        NetworkError: it breaks off, or is larger than the limit, in bytes.
    """
    if isinstance(body, bytes):
        return body
    reader = body.reader()
    try:
        whole = bytearray()
        while data := await reader.read():
            whole += data
            if len(whole) > limit:
                raise NetworkError(f"a body of more than {limit} bytes cannot be checked for integrity")
        return bytes(whole)
    finally:
        reader.close()
