"""The network as swproxy lets it be: offline for everyone or for some origins."""

from collections.abc import Callable


class Conditions:
    """Who is offline.

    Args:
        offline: everyone, from the start.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self.offline = offline
        self._offline_origins: set[str] = set()
        self._observers: list[Callable[[], None]] = []

    def observe(self, observer: Callable[[], None]) -> None:
        """Calls ``observer`` after each change."""
        self._observers.append(observer)

    def set_offline(self, offline: bool, origin: str | None = None) -> None:
        """Turns the network off or on; without an origin for everyone, which also forgets single origins."""
        if origin is None:
            self.offline = offline
            self._offline_origins.clear()
        elif offline:
            self._offline_origins.add(origin)
        else:
            self._offline_origins.discard(origin)
        for observer in self._observers:
            observer()

    def is_offline(self, origin: str) -> bool:
        """Whether requests to this origin must not leave."""
        return self.offline or origin in self._offline_origins

    def offline_origins(self) -> list[str]:
        """The origins that were turned off by name."""
        return sorted(self._offline_origins)
