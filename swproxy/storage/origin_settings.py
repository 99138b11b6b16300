"""What is set for single origins (``swproxy set``): one small file in the profile, which a person can read."""

import os
from pathlib import Path

import msgspec

from swproxy.errors import InvalidInput, ProfileError
from swproxy.storage.profile import profile_errors

UPDATE_ON_RELOAD = "update-on-reload"
BYPASS_FOR_NETWORK = "bypass-for-network"
PAGE_CLIENT = "page-client"
# Named as in the developer tools of browsers, with what holds for an origin of which nothing is set.
DEFAULTS = {UPDATE_ON_RELOAD: False, BYPASS_FOR_NETWORK: False, PAGE_CLIENT: True}


class OriginSettings:
    """The settings of a profile that are another's than the defaults.

    Args:
        path: the file, which need not be there.

    Raises:
        ProfileError: it is not usable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, dict[str, bool]] = {}
        if not path.exists():
            return
        try:
            self._values = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, bool]])
        except (OSError, msgspec.DecodeError) as error:
            raise ProfileError(
                f"Cannot read {path} ({error}): remove it, and set again what `swproxy set` has set."
            ) from None

    def get(self, name: str, origin: str) -> bool:
        """What holds for a serialized origin."""
        return self._values.get(origin, {}).get(name, DEFAULTS[name])

    def all(self) -> dict[str, dict[str, bool]]:
        """What is not as the defaults, by origin."""
        return {origin: dict(values) for origin, values in sorted(self._values.items())}

    def set(self, name: str, origin: str, value: bool) -> None:
        """Keeps it, from now on and for the runs to come.

        Raises:
            InvalidInput: there is no such setting.
            ProfileError: it cannot be written; then nothing has changed.
        """
        if name not in DEFAULTS:
            raise InvalidInput(f"There is no setting '{name}': it is one of {', '.join(DEFAULTS)}.")
        changed = self.all()
        values = changed.setdefault(origin, {})
        values[name] = value
        if value is DEFAULTS[name]:
            del values[name]
        if not values:
            del changed[origin]
        self._write(changed)
        self._values = changed

    def _write(self, values: dict[str, dict[str, bool]]) -> None:
        new = self._path.with_suffix(".new")
        with profile_errors(self._path.parent):
            with new.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(values)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
