"""The warm parent of all worker processes: ``python -I -m swproxy.realm.fork_server FD``.

It evaluates the platform once, then forks a worker for each socket that it is sent, so that a worker costs the
copied pages only. The control socket (FD) carries one line each way:

- from the proxy: ``n`` with a file descriptor beside it: fork a worker on that socket;
- to the proxy: ``ready``, ``started PID`` in the order asked, ``ended PID STATUS`` (negative: the signal).
"""

import gc
import os
import signal
import socket
import sys
from typing import NoReturn

from swproxy.realm.main import main_after_fork, warm_realm
from swproxy.realm.realm import Realm


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the proxy
    realm = warm_realm(internal_frames="--internal-frames" in sys.argv)
    gc.collect()
    gc.freeze()
    wake_read, wake_write = socket.socketpair()
    wake_read.setblocking(False)
    wake_write.setblocking(False)
    signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    _serve(realm, control, wake_read, wake_write)


def _serve(realm: Realm, control: socket.socket, wake_read: socket.socket, wake_write: socket.socket) -> None:
    import selectors

    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    selector.register(wake_read, selectors.EVENT_READ)
    control.sendall(b"ready\n")
    while True:
        for key, _ in selector.select():
            if key.fileobj is wake_read:
                wake_read.recv(4096)
                _reap(control)
                continue
            data, files, _, _ = socket.recv_fds(control, 4096, 64)
            if not data:
                return  # the proxy is gone; so are the workers' sockets, and with them the workers
            for file in files:
                pid = os.fork()
                if pid == 0:
                    selector.close()
                    for inherited in (control, wake_read, wake_write):
                        inherited.close()
                    for other in files:
                        if other != file:
                            os.close(other)
                    _worker(realm, file)
                os.close(file)
                control.sendall(f"started {pid}\n".encode())


def _worker(realm: Realm, file: int) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        main_after_fork(realm, socket.socket(fileno=file))
        status = 0
    finally:
        os._exit(status)  # none of the parent's clean-up is ours


def _reap(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        control.sendall(f"ended {pid} {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
