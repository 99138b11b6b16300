"""The directory of a profile."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs
import pytest

from swproxy.errors import ProfileError
from swproxy.storage.profile import Profile, default_directory, profile_errors


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o077], ids=["umask-000", "umask-077"])
def test_only_the_user_may_look_into_it(tmp_path: Path, mask: int) -> None:
    """All directories are made with mode 0700, under any umask; one that was open is closed."""
    directory = tmp_path / "deep" / "profile"
    directory.mkdir(parents=True, mode=0o755)
    before = os.umask(mask)
    try:
        profile = Profile(directory)
        profile.prepare()
        profile.prepare()
    finally:
        os.umask(before)
    for path in (directory, profile.caches, profile.ca, profile.log, profile.scratch):
        assert mode(path) == 0o700, path


def test_the_default_is_a_directory_of_the_user() -> None:
    """As the platform has it."""
    assert default_directory() == platformdirs.user_data_path("swproxy")


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """The message names the process that has the profile, and what to do; afterwards it is free."""
    profile = Profile(tmp_path)
    lock = profile.acquire()
    code = f"from swproxy.storage.profile import *; Profile(Path({str(tmp_path)!r})).acquire()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Another swproxy (process {os.getpid()}) is running on the profile {tmp_path}" in done.stderr
    assert "--profile" in done.stderr
    lock.release()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_lock_that_nobody_released_is_an_unclean_end(tmp_path: Path) -> None:
    """A process that was killed leaves its number; the next one knows, the one after a clean end does not."""
    profile = Profile(tmp_path)
    first = profile.acquire()
    assert first.was_clean
    first.file.close()  # what the kernel does for a process that was killed
    second = profile.acquire()
    assert not second.was_clean
    second.release()
    third = profile.acquire()
    assert third.was_clean
    third.release()


def test_a_refused_process_leaves_the_marker_alone(tmp_path: Path) -> None:
    """It neither clears it, which would hide a crash, nor writes its own number."""
    profile = Profile(tmp_path)
    lock = profile.acquire()
    with pytest.raises(ProfileError):
        profile.acquire()
    assert profile.lock.read_text() == f"{os.getpid()}\n"
    lock.release()
    assert profile.lock.read_text() == ""


def test_the_control_socket_is_in_the_profile(tmp_path: Path) -> None:
    """Where there is room for its path."""
    short = Path("/tmp/p")
    assert Profile(short).control_socket == short / "control.sock"


def test_a_path_too_long_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short one of the user's own stands in: the same for every process, another one for every profile."""
    temporary = tempfile.mkdtemp(dir="/tmp")
    monkeypatch.setattr(tempfile, "tempdir", temporary)
    profiles = [Profile(tmp_path / ("long-" * 20 + str(number))) for number in range(2)]
    for profile in profiles:
        profile.prepare()
    paths = [profile.control_socket for profile in profiles]
    assert paths == [Profile(profile.directory).control_socket for profile in profiles]
    assert paths[0] != paths[1]
    for path in paths:
        assert path.parent == Path(temporary) / f"swproxy-{os.geteuid()}"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    os.chown(paths[0].parent, 12345, 12345)
    with pytest.raises(ProfileError, match=r"belongs to another user: .* shorter path with --profile\.$"):
        _ = profiles[0].control_socket
    shutil.rmtree(temporary)


@pytest.mark.parametrize("kind", ["file", "below-a-file", "read-only", "full"])
def test_a_profile_that_cannot_be_written(small_disk: Path, kind: str) -> None:
    """One sentence with what happened and what to do."""
    file = small_disk / "file"
    file.touch()
    directories = {"file": file, "below-a-file": file / "profile"}
    advice = "it has to be a directory; choose one with --profile"
    if kind == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        advice = "make it writable, or choose another directory with --profile"
    elif kind == "full":
        subprocess.run(["mount", "-o", "remount,nr_inodes=2", str(small_disk)], check=True)
        advice = "free some space, or choose another directory with --profile"
    directory = directories.get(kind, small_disk / "profile")
    with pytest.raises(ProfileError, match=rf"^Cannot write to the profile {directory}: [^;]*; {advice}\.$"):
        Profile(directory).prepare()


def test_other_errors_pass(tmp_path: Path) -> None:
    """Only what the file system says is turned into a ProfileError."""
    with pytest.raises(KeyError), profile_errors(tmp_path):
        raise KeyError("x")


def test_a_directory_of_something_else(tmp_path: Path) -> None:
    """Nothing in it is touched."""
    thesis = tmp_path / "scratch" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(ProfileError, match=rf"^{tmp_path} is not empty and no profile of swproxy: .* --profile\.$"):
        Profile(tmp_path).prepare()
    assert thesis.read_text() == "years of work"
