"""The clock of a worker's timers."""

import heapq
import itertools
import time


class Timers:
    """Numbered timers; each fires once."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int]] = []
        self._due: dict[int, int] = {}
        self._sequence = itertools.count()

    def set(self, id: int, seconds: float) -> None:  # noqa: A002
        sequence = next(self._sequence)
        self._due[id] = sequence
        heapq.heappush(self._heap, (time.monotonic() + seconds, sequence, id))

    def clear(self, id: int) -> None:  # noqa: A002
        self._due.pop(id, None)

    def next_in(self) -> float | None:
        """Seconds until the next one fires, None if there is none."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None

    def pop_due(self) -> int | None:
        """The number of a timer whose time has come."""
        if self.next_in() != 0.0:
            return None
        id = heapq.heappop(self._heap)[2]  # noqa: A001
        del self._due[id]
        return id
