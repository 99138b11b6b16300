"""The proxy's side of the warm fork server (see realm/fork_server.py)."""

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from swproxy.errors import WorkerGone

OnExit = Callable[[int | None], None]


class ForkServer:
    """Starts worker processes.

    Args:
        error_log: where the standard error of all workers goes.
        internal_frames: show the runtime's own frames in JavaScript stacks.
    """

    def __init__(self, error_log: Path, *, internal_frames: bool = False) -> None:
        self._error_log = error_log
        self._internal_frames = internal_frames
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._buffer = b""
        self._ready: asyncio.Future[None] | None = None
        self._spawning: deque[tuple[asyncio.Future[int], OnExit]] = deque()
        self._on_exit: dict[int, OnExit] = {}

    def start(self) -> None:
        """Starts the process, if it does not run; it becomes ready by itself."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-X", "utf8", "-m", "swproxy.realm.fork_server", str(theirs.fileno())]
        if self._internal_frames:
            command.append("--internal-frames")
        with theirs, self._error_log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env={},  # nothing of the host's environment is any script's business
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        ours.setblocking(False)
        self._control = ours
        self._ready = loop.create_future()
        loop.add_reader(ours, self._readable, ours)

    async def spawn(self, on_exit: OnExit) -> tuple[int, socket.socket]:
        """Forks a worker process.

        Args:
            on_exit: called with its exit status (negative: the signal that killed it); with None if this server ends
                before it, and nobody will tell.

        Returns:
            The process id, and the proxy's end of its socket.

        Raises:
            WorkerGone: the fork server has ended.
            OSError: there is no room for another socket or process.
        """
        self.start()
        assert self._ready is not None
        assert self._control is not None
        control = self._control
        await asyncio.shield(self._ready)
        ours, theirs = socket.socketpair()
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        with theirs:
            try:
                socket.send_fds(control, [b"n"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise WorkerGone(f"the process that starts workers does not answer: {error.strerror}") from None
        self._spawning.append((started, on_exit))
        try:
            pid = await started
        except BaseException:
            ours.close()
            raise
        return pid, ours

    def _readable(self, control: socket.socket) -> None:
        try:
            data = control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            word, *numbers = line.split()
            if word == b"ready":
                assert self._ready is not None
                self._ready.set_result(None)
            elif word == b"started":
                future, on_exit = self._spawning.popleft()
                pid = int(numbers[0])
                self._on_exit[pid] = on_exit
                if not future.done():
                    future.set_result(pid)
            elif word == b"ended":
                self._on_exit.pop(int(numbers[0]))(int(numbers[1]))

    def close(self) -> None:
        """Ends the fork server; whoever waits for it is told. Its workers end when their sockets are closed."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
        self._buffer = b""
        waiting = [self._ready, *(future for future, _ in self._spawning)]
        self._spawning.clear()
        for future in waiting:
            if future is not None and not future.done():
                future.set_exception(WorkerGone("the process that starts workers has ended"))
                future.exception()  # perhaps nobody waits
        children, self._on_exit = self._on_exit, {}
        for on_exit in children.values():
            on_exit(None)
