"""The command line's end of the control API, with servers that are not what they should be."""

import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swproxy.control.client import call
from swproxy.errors import InvalidInput, NotRunning, ProfileError, SecurityError, SwproxyError
from swproxy.storage.profile import Profile

Serve = Callable[[bytes], list[bytes]]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / "profile")
    profile.prepare()
    return profile


@pytest.fixture
def serve(profile: Profile) -> Iterator[Serve]:
    """Answers the next connection with these bytes; what was asked is in the list."""
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(10)
    threads: list[threading.Thread] = []

    def answer(response: bytes) -> list[bytes]:
        asked: list[bytes] = []
        listener.bind(str(profile.control_socket))
        listener.listen()

        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(_request(connection))
                connection.sendall(response)

        threads.append(threading.Thread(target=talk))
        threads[0].start()
        return asked

    yield answer
    for thread in threads:
        thread.join(10)
    listener.close()


def _request(connection: socket.socket) -> bytes:
    """All of it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http(status: int, body: Any) -> bytes:
    """A response of that status with JSON, or with these bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%b" % (status, len(data), data)


def said(profile: Profile, kind: type[SwproxyError]) -> str:
    """The sentence of a call that fails in that way, and in no special one."""
    with pytest.raises(SwproxyError) as caught:
        call(profile, "GET", "/status")
    assert type(caught.value) is kind
    return str(caught.value)


def assert_nobody_runs(profile: Profile) -> None:
    """The sentence says which profile, and what to do."""
    assert said(profile, NotRunning) == (
        f"No proxy is running on the profile {profile.directory}: start one with `swproxy run`, "
        "or name another profile with --profile."
    )


def test_what_is_asked_and_answered(profile: Profile, serve: Serve) -> None:
    """JSON both ways, over HTTP."""
    asked = serve(http(200, {"answer": [1, None, "\xe9"]}))
    assert call(profile, "POST", "/path", {"offline": True}) == {"answer": [1, None, "\xe9"]}
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /path HTTP/1.1\r\n")
    assert body == b'{"offline": true}'


def test_a_question_without_a_body(profile: Profile, serve: Serve) -> None:
    """Nothing is sent, not even null."""
    asked = serve(http(200, {}))
    assert call(profile, "GET", "/status") == {}
    assert asked[0].endswith(b"\r\n\r\n")


# Nobody there


def test_no_profile(tmp_path: Path) -> None:
    """A directory that does not exist is not made by asking."""
    profile = Profile(tmp_path / "never")
    assert_nobody_runs(profile)
    assert not profile.directory.exists()


def test_no_socket(profile: Profile) -> None:
    """The proxy was stopped."""
    assert_nobody_runs(profile)


def test_a_socket_that_nobody_listens_on(profile: Profile) -> None:
    """The proxy was killed."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(profile.control_socket))
    assert profile.control_socket.exists()
    assert_nobody_runs(profile)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
def test_something_else_in_its_place(profile: Profile, make: Callable[[Path], None]) -> None:
    """A file or a directory answers nothing."""
    make(profile.control_socket)
    assert_nobody_runs(profile)


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"nonsense\r\n\r\n"])
def test_a_proxy_that_dies_while_it_answers(profile: Profile, serve: Serve, response: bytes) -> None:
    """Then there is none."""
    serve(response)
    assert_nobody_runs(profile)


def test_a_proxy_of_another_user(profile: Profile) -> None:
    """There is one, but not for us. Being another user needs root: the test machine has it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(profile.control_socket))
        listener.listen()
        os.seteuid(65534)
        try:
            message = said(profile, ProfileError)
        finally:
            os.seteuid(0)
    assert message == (
        f"The proxy on the profile {profile.directory} is another user's: "
        "run the command as that user, or name another profile with --profile."
    )


# Errors of the proxy


@pytest.mark.parametrize(
    ("name", "exit_code", "kind"),
    [
        ("SecurityError", 2, SecurityError),
        ("TypeError", 2, InvalidInput),
        ("TypeError", 1, SwproxyError),
        ("NotFoundError", 1, SwproxyError),
        ("Unheard", 2, SwproxyError),
    ],
)
def test_errors_keep_their_exit_code(
    profile: Profile, serve: Serve, name: str, exit_code: int, kind: type[SwproxyError]
) -> None:
    """A mistake of the user is one here too; a script's TypeError is not."""
    serve(http(400, {"error": "What it says.", "name": name, "exit_code": exit_code}))
    assert said(profile, kind) == "What it says."


def test_an_error_without_a_name(profile: Profile, serve: Serve) -> None:
    """The proxy itself failed."""
    serve(http(500, {"error": "What it says.", "exit_code": 1}))
    assert said(profile, SwproxyError) == "What it says."


def test_an_answer_of_another_version(profile: Profile, serve: Serve) -> None:
    """A proxy that runs since before an update may not know a new command."""
    serve(http(404, b"404: Not Found"))
    assert said(profile, SwproxyError) == (
        f"The proxy on the profile {profile.directory} does not understand /status: is it of another version? "
        "Start it again."
    )
