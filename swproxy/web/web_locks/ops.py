"""The host half of Web Locks (https://w3c.github.io/web-locks/); see workers/locks.py for the locks.

Names are the JSON of what scripts call them.
"""

from typing import Any


def op_lock_request(realm: Any, id: int, name: str, mode: str, if_available: bool, steal: bool) -> Any:  # noqa: A002
    """Asks for a lock: whether it is granted, which takes as long as it takes.

    Args:
        id: number of the request, which is that of the lock too.
    """
    return realm.call("lock_request", id, name, mode, if_available, steal)


def op_lock_release(realm: Any, id: int) -> None:  # noqa: A002
    """Gives the lock back, or the request up."""
    realm.tell("lock_release", id)


def op_lock_query(realm: Any) -> Any:
    return realm.call("lock_query")
