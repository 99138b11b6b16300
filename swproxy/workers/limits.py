"""What a worker may use of time and memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes.

    Attributes:
        idle: a process without events is stopped after this.
        turn: a script may run this long without giving control back.
        start: a script must have run to its end by then.
        lifecycle_event: "install" and "activate".
        fetch_event: until what respondWith() was given has settled.
        extended: until all extend lifetime promises of any other event, or of an answered one, have settled.
        memory: what a worker process may have allocated.
        quota: what an origin may keep in its caches.
    """

    idle: float = 30.0
    turn: float = 10.0
    start: float = 60.0
    lifecycle_event: float = 300.0
    fetch_event: float = 60.0
    extended: float = 300.0
    memory: int = 1 << 29
    quota: int = 1 << 34
