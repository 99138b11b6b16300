"""Waiting for something that happens by itself."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], timeout: float = 15) -> None:
    """Asks again and again.

    Raises:
        AssertionError: it does not become true in time.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
