"""Waiting for something that happens by itself."""

import asyncio
import time
from collections.abc import Callable

import psutil


def until(condition: Callable[[], bool], timeout: float = 15) -> None:
    """Asks again and again.

    Raises:
        AssertionError: it does not become true in time.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


async def soon(condition: Callable[[], bool], timeout: float = 15) -> None:
    """As ``until``, while the event loop goes on.

    Raises:
        TimeoutError: it does not become true in time.
    """
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0)


async def until_ended(process: psutil.Process) -> None:
    """Waits for the end of a process; also of one whose parent is gone, and whose heir does not look after it.

    Raises:
        AssertionError: it goes on.
    """

    def ended() -> bool:
        try:
            return bool(process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    await asyncio.to_thread(until, ended)
