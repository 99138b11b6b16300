"""The host half of the timers (https://html.spec.whatwg.org/#timers)."""

from typing import Any


def op_timer_set(realm: Any, id: int, delay: float) -> None:  # noqa: A002
    """Fires timer ``id`` after ``delay`` milliseconds."""
    realm.timers.set(id, delay / 1000)


def op_timer_clear(realm: Any, id: int) -> None:  # noqa: A002
    realm.timers.clear(id)
