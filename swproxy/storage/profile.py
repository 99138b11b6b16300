"""The directory of one profile, and what lives where in it."""

import errno
import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs

from swproxy.errors import ProfileError, SwproxyError

# A Unix socket's path has room for about this many bytes on all systems.
_SOCKET_PATH_LIMIT = 100


def default_directory() -> Path:
    """Where the profile is if nobody says otherwise."""
    return platformdirs.user_data_path("swproxy")


def absolute(path: str) -> Path:
    """A path that somebody typed, with ~ as shells have it.

    Raises:
        SwproxyError: there is no such home, or the working directory is gone.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        raise SwproxyError(f"'{path}' begins with the home of nobody: give the path from / on.") from None
    except FileNotFoundError:
        raise SwproxyError(f"The working directory is gone, and '{path}' is relative to it: change to one.") from None


@dataclass(frozen=True, slots=True)
class Profile:
    """The paths of a profile. Nothing is made before ``prepare``."""

    directory: Path

    @property
    def database(self) -> Path:
        return self.directory / "registrations.db"

    @property
    def origin_settings(self) -> Path:
        return self.directory / "origins.json"

    @property
    def caches(self) -> Path:
        return self.directory / "caches"

    @property
    def indexeddb(self) -> Path:
        return self.directory / "indexeddb"

    @property
    def ca(self) -> Path:
        return self.directory / "ca"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def scratch(self) -> Path:
        """Bodies on their way; emptied at each start."""
        return self.directory / "scratch"

    @property
    def lock(self) -> Path:
        return self.directory / "lock"

    @property
    def control_socket(self) -> Path:
        """The control API; in a short path of the user's own if the profile's is too long for a socket.

        Raises:
            ProfileError: somebody else has taken that path.
        """
        path = self.directory / "control.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
        short = Path(tempfile.gettempdir(), f"swproxy-{os.geteuid()}")
        with profile_errors(short):
            short.mkdir(mode=0o700, exist_ok=True)
            if short.lstat().st_uid != os.geteuid():
                raise ProfileError(
                    f"{short} belongs to another user: give the profile a shorter path with --profile."
                )
        inode = self.directory.stat().st_ino if self.directory.exists() else 0
        return short / f"{inode:x}.sock"

    def prepare(self) -> None:
        """Makes the directories, for this user only.

        Raises:
            ProfileError: the file system does not let us, or the directory is something else.
        """
        with profile_errors(self.directory):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.lock.exists() and any(self.directory.iterdir()):
                raise ProfileError(
                    f"{self.directory} is not empty and no profile of swproxy: "
                    "choose another directory with --profile."
                )
            self.lock.touch()
            for path in (self.caches, self.indexeddb, self.ca, self.log, self.scratch):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory.chmod(0o700)

    def acquire(self) -> "ProfileLock":
        """Takes the profile for this process.

        Raises:
            ProfileError: another proxy runs on it, or it is not writable.
        """
        with profile_errors(self.directory):
            file = self.lock.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().partition("\n")[0]
            file.close()
            raise ProfileError(
                f"Another swproxy (process {pid or 'unknown'}) is running on the profile {self.directory}: "
                "stop it, or choose another directory with --profile."
            ) from None
        file.seek(0)
        clean = file.read() == ""
        file.seek(0)
        file.truncate()
        with profile_errors(self.directory):
            file.write(f"{os.getpid()}\n")
            file.flush()
        return ProfileLock(file, was_clean=clean)


@dataclass(frozen=True, slots=True)
class ProfileLock:
    """Held as long as a proxy runs. ``was_clean`` is False if the last one did not release it itself."""

    file: IO[str]
    was_clean: bool

    def release(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.close()


class profile_errors:  # noqa: N801, used like a function
    """Turns an ``OSError`` about the profile into one sentence."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "free some space, or choose another directory with --profile"
        elif error.errno in (errno.EEXIST, errno.ENOTDIR):
            advice = "it has to be a directory; choose one with --profile"
        else:
            advice = "make it writable, or choose another directory with --profile"
        raise ProfileError(f"Cannot write to the profile {self._directory}: {error.strerror}; {advice}.") from None
