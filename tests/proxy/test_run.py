"""A proxy from start to end, in this process."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from swproxy.config import Settings
from swproxy.control.client import call
from swproxy.errors import InvalidInput, NotRunning, ProfileError, SwproxyError
from swproxy.proxy.run import announce, run
from swproxy.storage.profile import Profile

pytestmark = pytest.mark.usefixtures("logging_as_before")

FREE_PORT = Settings(listen_port=0)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path / "profile")


class Run:
    """A proxy that runs; ``lines`` are those of its log."""

    def __init__(self, profile: Profile, settings: Settings = FREE_PORT) -> None:
        self.lines: list[dict[str, Any]] = []
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.ensure_future(run(settings, profile, self.address.set_result, self.lines.append))

    async def until_ready(self) -> str:
        """Its address."""
        either: set[asyncio.Future[Any]] = {self.ended, self.address}
        await asyncio.wait(either, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert not self.ended.done(), self.ended.exception()
        return self.address.result()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(self.ended, 20)


def assert_free(profile: Profile) -> None:
    """Nothing of the proxy is left, and the next one may have the profile."""
    assert not profile.control_socket.exists()
    lock = profile.acquire()
    assert lock.was_clean
    lock.release()


async def failure(profile: Profile, settings: Settings = FREE_PORT) -> SwproxyError:
    """Why it does not start; ``ready`` is not called then."""
    running = Run(profile, settings)
    with pytest.raises(SwproxyError) as caught:
        await asyncio.wait_for(running.ended, 20)
    assert not running.address.done()
    return caught.value


async def test_when_it_is_ready_everything_is(profile: Profile) -> None:
    """It listens where it says, and the control API knows the same."""
    running = Run(profile)
    address = await running.until_ready()
    host, _, port = address.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    status = await asyncio.to_thread(call, profile, "GET", "/status")
    assert (status["pid"], status["listening"]) == (os.getpid(), [address])
    await running.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it(profile: Profile, number: signal.Signals) -> None:
    """Cleanly: the socket is gone, and the profile is free."""
    running = Run(profile)
    await running.until_ready()
    await running.stop(number)
    assert_free(profile)
    with pytest.raises(NotRunning):
        call(profile, "GET", "/status")


async def test_it_can_run_again(profile: Profile) -> None:
    """With the same certificate."""
    certificates = []
    for _ in range(2):
        running = Run(profile)
        await running.until_ready()
        certificates.append((profile.ca / "swproxy-ca-cert.pem").read_bytes())
        await running.stop()
    assert certificates[0] == certificates[1]


async def test_the_observer_sees_the_log(profile: Profile) -> None:
    """Each line, at once."""
    running = Run(profile)
    await running.until_ready()
    await asyncio.to_thread(call, profile, "POST", "/offline", {"offline": True})
    assert [(line["kind"], line["state"]) for line in running.lines] == [("network", "offline")]
    await running.stop()


async def test_several_addresses(profile: Profile) -> None:
    """All are named, in one line."""
    running = Run(profile, Settings(mode=["regular@127.0.0.1:0", "socks5@127.0.0.2:0"]))
    assert [address.rpartition(":")[0] for address in (await running.until_ready()).split(", ")] == [
        "http://127.0.0.1",
        "http://127.0.0.2",
    ]
    await running.stop()


async def test_a_second_one_is_refused(profile: Profile) -> None:
    """The first goes on."""
    first = Run(profile)
    await first.until_ready()
    assert str(os.getpid()) in str(await failure(profile))
    assert await asyncio.to_thread(call, profile, "GET", "/status")
    await first.stop()


async def test_a_busy_port_frees_the_profile(profile: Profile, busy_port: int) -> None:
    """The next attempt may have it."""
    error = await failure(profile, Settings(listen_port=busy_port))
    assert "is in use" in str(error)
    assert_free(profile)


async def test_a_wrong_option_frees_the_profile(profile: Profile) -> None:
    """The same; it is the user's mistake."""
    error = await failure(profile, Settings(listen_port=0, options={"nonsense": 1}))
    assert isinstance(error, InvalidInput)
    assert_free(profile)


async def test_a_damaged_authority_frees_the_profile(profile: Profile) -> None:
    """The sentence names the file."""
    profile.prepare()
    (profile.ca / "swproxy-ca.pem").write_text("damaged")
    error = await failure(profile)
    assert isinstance(error, ProfileError)
    assert str(profile.ca / "swproxy-ca.pem") in str(error)
    assert_free(profile)


async def test_a_damaged_database_frees_the_profile(profile: Profile) -> None:
    """The same."""
    profile.prepare()
    profile.database.write_text("this is no database, but long enough to look like one" * 100)
    assert isinstance(await failure(profile), ProfileError)
    assert_free(profile)


def test_the_line_that_programs_wait_for(capfd: pytest.CaptureFixture[str]) -> None:
    """On stdout, alone."""
    announce("http://127.0.0.1:8080")
    assert capfd.readouterr() == ("swproxy listening on http://127.0.0.1:8080\n", "")
