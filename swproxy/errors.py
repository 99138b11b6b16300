"""Every error that swproxy raises on purpose: one shallow tree.

The message of each is one sentence for a person: what failed, why, what to do. Notes of an exception are further
clauses of it. ``name`` is what a script sees as ``error.name``; ``exit_code`` is what the command line ends with.
"""

from typing import ClassVar


class SwproxyError(Exception):
    """The operation failed."""

    name: ClassVar[str] = "OperationError"
    exit_code: ClassVar[int] = 1


class InvalidInput(SwproxyError):
    """What was asked for cannot be meant: a bad URL, option or file."""

    name = "TypeError"
    exit_code = 2


class SecurityError(InvalidInput):
    """The specification forbids it: an insecure origin, a foreign scope, a wrong MIME type."""

    name = "SecurityError"


class NotRunning(SwproxyError):
    """No proxy is running on this profile."""

    exit_code = 3


class ProfileError(SwproxyError):
    """The profile directory cannot be used: not writable, in use, damaged, disk full."""


class NetworkError(SwproxyError):
    """A request got no usable response: Fetch's "network error" (https://fetch.spec.whatwg.org/)."""

    name = "TypeError"


class AbortError(NetworkError):
    """The script or the client gave the operation up."""

    name = "AbortError"


class QuotaExceededError(SwproxyError):
    """The origin's quota, or the disk, is used up."""

    name = "QuotaExceededError"


class NotFoundError(SwproxyError):
    """The named thing does not exist."""

    name = "NotFoundError"


class InvalidStateError(SwproxyError):
    """The object is not in a state that allows this."""

    name = "InvalidStateError"


class NotSupportedError(SwproxyError):
    """The engine or the platform cannot do this."""

    name = "NotSupportedError"


class DataCloneError(SwproxyError):
    """The value cannot be sent."""

    name = "DataCloneError"


class DataError(SwproxyError):
    """The data given do not meet the requirements."""

    name = "DataError"


class ConstraintError(SwproxyError):
    """A constraint of the database forbids the change: a key that exists, a unique index, a generator at its end."""

    name = "ConstraintError"


class UnknownError(SwproxyError):
    """A database cannot be read or written, for a reason that is not the script's."""

    name = "UnknownError"


class DatabaseDamaged(UnknownError):
    """A database's files are not as they were written."""


class ScriptError(SwproxyError):
    """A worker script does not parse, threw, or rejected.

    Args:
        message: what JavaScript says, for example ``TypeError: x is not a function``.
        url: the script, if known.
        line: one-based; 0 if unknown.
        column: one-based; 0 if unknown.
        stack: the frames, one a line, without the message.
    """

    name = "TypeError"

    def __init__(self, message: str, url: str = "", line: int = 0, column: int = 0, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.url = url
        self.line = line
        self.column = column
        self.stack = stack

    def __str__(self) -> str:
        if not self.url:
            return self.message
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.message} ({self.url}{place})"


class WorkerGone(SwproxyError):
    """The worker process ended before it answered: crashed, killed, over its limits, or stopped."""
