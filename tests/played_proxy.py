"""The proxy's side of a worker's WebSocket, played by the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers import RealmProcess, realm_process

from swproxy.ipc import messages
from swproxy.ipc.messages import cost_of

# Logs what happens to a WebSocket, one line each.
WATCH = """
const log = (...values) => console.log(values.join(" "));
const name = (f) => { try { f(); return "fine"; } catch (error) { return error.name; } };
const watch = (socket) => {
  socket.onopen = () => log("open", socket.readyState, socket.protocol, socket.extensions);
  socket.onmessage = ({ data, origin }) => log("message", data, origin);
  socket.onerror = (event) => log(event.constructor.name, event.type, socket.readyState);
  socket.onclose = ({ constructor, code, reason, wasClean }) =>
    log(constructor.name, code, reason, wasClean, socket.readyState);
  return socket;
};
"""


class Server:
    """The proxy's side of a script's only WebSocket, whose number is 1."""

    def __init__(self, process: RealmProcess) -> None:
        self.process = process
        self._kept: list[messages.Message] = []

    def next(self, wanted: type[messages.Message]) -> Any:
        """The next message of that type; the others before it stay for later."""
        for number, message in enumerate(self._kept):
            if isinstance(message, wanted):
                return self._kept.pop(number)
        while (received := self.process.channel.receive(20)) is not None:
            if isinstance(received, wanted):
                return received
            self._kept.append(received)
        raise TimeoutError(f"no {wanted.__name__}, but {self._kept}")

    def lines(self, count: int = 1) -> list[str]:
        """What the script has logged next."""
        return [self.next(messages.Log).text for _ in range(count)]

    def accept(self, protocol: str = "", extensions: str = "") -> messages.WebSocketConnect:
        """Establishes the connection: what was asked for."""
        asked: messages.WebSocketConnect = self.next(messages.WebSocketConnect)
        self.process.send(messages.WebSocketOpened(asked.id, protocol, extensions))
        return asked

    def sends(self, data: bytes | str) -> None:
        is_text = isinstance(data, str)
        self.process.send(messages.WebSocketMessage(1, data.encode() if is_text else data, is_text))

    def gets(self, *, acknowledge: bool = True) -> bytes | str:
        """The next message that the script sends."""
        sent: messages.WebSocketSend = self.next(messages.WebSocketSend)
        if acknowledge:
            self.process.send(messages.WebSocketAck(sent.id, cost_of(sent.data)))
        return sent.data.decode() if sent.is_text else sent.data

    def gets_close(self) -> tuple[int | None, str]:
        close: messages.WebSocketClose = self.next(messages.WebSocketClose)
        return close.code, close.reason

    def closes(self, code: int = 1005, reason: str = "", *, clean: bool = True, error: str | None = None) -> None:
        self.process.send(messages.WebSocketClosed(1, code, reason, clean, error))


@contextmanager
def server(directory: Path, source: str) -> Iterator[Server]:
    """A worker with that script, after WATCH."""
    with realm_process(directory, WATCH + source) as process:
        yield Server(process)
