"""The warm parent of all worker processes."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from helpers import start_message
from waiting import until_ended

from swproxy.errors import WorkerGone
from swproxy.ipc.channel import AsyncChannel
from swproxy.ipc.messages import Started, ToProxy
from swproxy.workers.fork_server import ForkServer


class Exits:
    """Collects how processes have ended."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def __call__(self, status: int | None) -> None:
        self.status.set_result(status)

    async def wait(self) -> int | None:
        return await asyncio.wait_for(self.status, 10)


@pytest.fixture(autouse=True)
def warm() -> None:
    """Here the real one is to be started."""


@pytest.fixture
async def fork_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForkServer]:
    monkeypatch.setenv("SECRET", "of the host")
    server = ForkServer(tmp_path / "workers.log")
    server.start()
    yield server
    server.close()


def server_process(server: ForkServer) -> psutil.Process:
    assert server._process is not None
    return psutil.Process(server._process.pid)


async def started(connection: socket.socket, directory: Path, source: str) -> Started:
    """What a forked process says once it has run the script."""
    answer: asyncio.Future[ToProxy] = asyncio.get_running_loop().create_future()
    channel: AsyncChannel[ToProxy] = AsyncChannel(connection, ToProxy, answer.set_result, lambda: None)
    channel.send(start_message(directory, source))
    message = await asyncio.wait_for(answer, 10)
    assert isinstance(message, Started)
    return message


async def test_a_worker_is_forked(fork_server: ForkServer, tmp_path: Path) -> None:
    """It is a child of the fork server, runs its script, and ends by itself when its connection does."""
    exits = Exits()
    pid, connection = await fork_server.spawn(exits)
    assert psutil.Process(pid).ppid() == server_process(fork_server).pid
    assert (await started(connection, tmp_path, "oninstall = () => {};")).event_types == ["install"]
    connection.close()
    assert await exits.wait() == 0
    assert not psutil.pid_exists(pid)


async def test_nothing_of_the_host_is_inherited(fork_server: ForkServer, tmp_path: Path) -> None:
    """Neither environment nor directory, nor any open file but the socket and the log."""
    pid, connection = await fork_server.spawn(Exits())
    await started(connection, tmp_path, "")
    for process in (psutil.Process(pid), server_process(fork_server)):
        assert "SECRET" not in process.environ()
        assert process.cwd() == "/"
    descriptors = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    sockets = {name for name in descriptors if name.startswith("socket:")}
    assert len(sockets) == 1
    assert {name for name in descriptors - sockets if not name.endswith("/workers.log")} == {"/dev/null"}
    connection.close()


async def test_how_a_process_ended(fork_server: ForkServer) -> None:
    """A signal is told as a negative number."""
    exits = Exits()
    pid, connection = await fork_server.spawn(exits)
    os.kill(pid, signal.SIGKILL)
    assert await exits.wait() == -signal.SIGKILL
    connection.close()


async def test_many_at_once(fork_server: ForkServer) -> None:
    """Each gets a process of its own, and hears of that one's end."""
    exits = [Exits() for _ in range(30)]
    forked = await asyncio.gather(*map(fork_server.spawn, exits))
    assert len({pid for pid, _ in forked}) == 30
    (forked[7][1]).close()
    assert await exits[7].wait() == 0
    assert [number for number, each in enumerate(exits) if each.status.done()] == [7]
    for _, connection in forked:
        connection.close()
    assert [await each.wait() for each in exits] == [0] * 30


async def test_a_killed_server_is_started_again(fork_server: ForkServer, tmp_path: Path) -> None:
    """By the next spawn; the workers that it had live on until their connections end."""
    pid, connection = await fork_server.spawn(Exits())
    first = server_process(fork_server)
    first.kill()
    first.wait(10)
    again, other = await fork_server.spawn(Exits())
    assert server_process(fork_server).pid != first.pid
    assert psutil.Process(again).ppid() == server_process(fork_server).pid
    assert (await started(connection, tmp_path, "onfetch = () => {};")).event_types == ["fetch"]
    connection.close()
    await until_ended(psutil.Process(pid))
    other.close()


async def test_killed_while_somebody_waits(fork_server: ForkServer) -> None:
    """All who wait are told, whether it was warm yet or not; those who come afterwards get a fresh one."""
    cold = asyncio.gather(fork_server.spawn(Exits()), fork_server.spawn(Exits()), return_exceptions=True)
    await asyncio.sleep(0)
    server_process(fork_server).kill()
    for outcome in await asyncio.wait_for(cold, 10):
        assert isinstance(outcome, WorkerGone)
        assert "the process that starts workers has ended" in str(outcome)
    _, connection = await fork_server.spawn(Exits())
    connection.close()
    server = server_process(fork_server)
    server.suspend()
    warm = asyncio.gather(fork_server.spawn(Exits()), fork_server.spawn(Exits()), return_exceptions=True)
    await asyncio.sleep(0)
    server.kill()
    assert [type(outcome) for outcome in await asyncio.wait_for(warm, 10)] == [WorkerGone, WorkerGone]
    _, connection = await fork_server.spawn(Exits())
    connection.close()


async def test_a_spawn_that_is_given_up(fork_server: ForkServer) -> None:
    """Its process ends, and the answers to the others do not shift."""
    server = server_process(fork_server)
    _, connection = await fork_server.spawn(Exits())
    connection.close()
    server.suspend()
    given_up = asyncio.ensure_future(fork_server.spawn(Exits()))
    wanted = asyncio.ensure_future(fork_server.spawn(exits := Exits()))
    await asyncio.sleep(0)
    given_up.cancel()
    server.resume()
    pid, connection = await asyncio.wait_for(wanted, 10)
    os.kill(pid, signal.SIGKILL)
    assert await exits.wait() == -signal.SIGKILL
    connection.close()


async def test_killed_and_the_next_one_comes_before_it_is_noticed(fork_server: ForkServer) -> None:
    """Who waited for the old one is told, and gets nothing of the new one's."""
    _, connection = await fork_server.spawn(exits := Exits())
    server = server_process(fork_server)
    server.suspend()
    waits = asyncio.ensure_future(fork_server.spawn(Exits()))
    await asyncio.sleep(0)
    server.kill()
    assert fork_server._process is not None
    fork_server._process.wait(10)
    pid, other = await asyncio.wait_for(fork_server.spawn(Exits()), 10)
    with pytest.raises(WorkerGone, match="the process that starts workers has ended"):
        await asyncio.wait_for(waits, 10)
    assert psutil.Process(pid).ppid() == server_process(fork_server).pid
    assert await exits.wait() is None  # of its child nobody hears any more
    connection.close()
    other.close()


async def test_there_is_one_server(tmp_path: Path) -> None:
    """Though a worker is wanted before it is started, and it is started again."""
    server = ForkServer(tmp_path / "workers.log")
    spawning = asyncio.ensure_future(server.spawn(Exits()))
    await asyncio.sleep(0)
    first = server_process(server)
    server.start()
    assert server_process(server) == first
    pid, connection = await asyncio.wait_for(spawning, 10)
    assert psutil.Process(pid).ppid() == first.pid
    connection.close()
    server.close()


async def test_closing_ends_the_server(fork_server: ForkServer) -> None:
    """Also a second time, and while it is warming up."""
    process = server_process(fork_server)
    fork_server.close()
    fork_server.close()
    assert not psutil.pid_exists(process.pid)


async def test_the_server_ends_with_the_proxy(fork_server: ForkServer) -> None:
    """When its socket is closed from the other end, and its workers with it."""
    pid, connection = await fork_server.spawn(Exits())
    server, worker = server_process(fork_server), psutil.Process(pid)
    assert fork_server._control is not None
    fork_server._control.shutdown(socket.SHUT_RDWR)
    connection.close()
    await until_ended(worker)
    await until_ended(server)
