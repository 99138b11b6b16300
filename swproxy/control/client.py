"""The command line's end of the control API."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from swproxy.errors import InvalidInput, NotRunning, ProfileError, SecurityError, SwproxyError
from swproxy.storage.profile import Profile


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("swproxy")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


def call(profile: Profile, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The proxy's answer.

    Raises:
        NotRunning: there is no proxy on this profile.
        ProfileError: it is another user's.
        SwproxyError: what the proxy says; with its exit code.
    """
    connection = _UnixConnection(profile.control_socket)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        value = json.loads(answer.read())
    except PermissionError:
        raise ProfileError(
            f"The proxy on the profile {profile.directory} is another user's: "
            "run the command as that user, or name another profile with --profile."
        ) from None
    except ValueError:
        raise SwproxyError(
            f"The proxy on the profile {profile.directory} does not understand {path}: is it of another version? "
            "Start it again."
        ) from None
    except (OSError, http.client.HTTPException):
        raise NotRunning(
            f"No proxy is running on the profile {profile.directory}: start one with `swproxy run`, "
            "or name another profile with --profile."
        ) from None
    finally:
        connection.close()
    if answer.status == 200:
        return value
    kinds: dict[tuple[int, str], type[SwproxyError]] = {
        (2, "SecurityError"): SecurityError,
        (2, "TypeError"): InvalidInput,
    }
    raise kinds.get((value["exit_code"], value.get("name", "")), SwproxyError)(value["error"])
