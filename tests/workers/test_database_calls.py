"""What workers and commands say of databases, by way of the proxy; and names as they are sent."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from database_transcript import SITE, WRITE
from fake_host import ManagedWorkers
from helpers import evaluate
from running_workers import Workers

from swproxy.errors import NotFoundError, WorkerGone
from swproxy.ipc import messages
from swproxy.ipc.channel import ChannelClosed
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.indexeddb import directory
from swproxy.workers.databases import json_text

A = f"{SITE}/a/"
B = f"{SITE}/b/"


class Delivered:
    """What the process of a worker is told of its databases."""

    def __init__(self, workers: Workers, worker: ServiceWorker) -> None:
        self.details: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        process = workers.context.manager.process_of(worker)
        assert process is not None
        process.send = self._send  # type: ignore[method-assign]

    def _send(self, message: messages.Message) -> None:
        if isinstance(message, messages.Deliver) and message.target == "indexedDB":
            self.details.append(message.detail)
            self._arrived.set()

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while not self.details:
                self._arrived.clear()
                await self._arrived.wait()
        return self.details.pop(0)


async def test_workers_and_commands(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers say has its effect at once; what they have ends with their processes."""
    holder, other = [await workers.register(scope, "") for scope in (A, B)]
    told_holder, told_other = Delivered(workers, holder), Delivered(workers, other)
    host = workers.context._host
    assert host.tell(holder, "db_request", [1, '"x"'])
    assert told_holder.details == [{"type": "turn", "id": 1, "checked": False}]
    told_holder.details.clear()
    host.tell(holder, "db_done", [1, True, True])
    host.tell(holder, "db_transaction", [2, 1, [7], WRITE])
    assert told_holder.details == [{"type": "start", "id": 2}]
    host.tell(holder, "db_finish", [2])
    host.tell(other, "db_request", [1, '"x"'])
    host.tell(other, "db_change_version", [1, 1, None])
    host.tell(holder, "db_version_change_fired", [1])
    assert [detail["type"] for detail in told_other.details] == ["turn", "blocked"]
    told_other.details.clear()
    workers.context.manager.terminate(holder)
    assert await told_other.next() == {"type": "exclusive", "id": 1}
    host.tell(other, "db_done", [1, True, False])
    deleted: list[tuple[Path, str]] = []

    def delete_database(path: Path, name: str) -> bool:
        deleted.append((path, name))
        return len(deleted) == 1

    monkeypatch.setattr(directory, "delete_database", delete_database)
    deletion = asyncio.ensure_future(workers.context.delete_database(SITE, "x"))
    assert await told_other.next() == {"type": "close", "connection": 1}
    host.tell(other, "db_close", [1])
    await deletion
    assert deleted == [(workers.context.profile.indexeddb / "https%3A%2F%2Fsite.test", "x")]
    with pytest.raises(NotFoundError, match=r"https://site\.test has no database named 'x'"):
        await workers.context.delete_database(SITE, "x")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("db_request", []),
        ("db_request", [1, 2]),
        ("db_request", ["1", "x"]),
        ("db_close", [1, 2]),
        ("db_transaction", [1, 1, ["x"], WRITE]),
        ("db_transaction", [1, 1, [1], "versionchange"]),
    ],
)
async def test_arguments_of_no_runtime_of_ours(workers: Workers, method: str, arguments: list[Any]) -> None:
    """They end the worker before anything is done."""
    worker = await workers.register(A, "")
    with pytest.raises(ChannelClosed, match="makes no sense"):
        workers.context._host.tell(worker, method, arguments)


async def test_a_worker_that_says_what_makes_no_sense_ends(managed: ManagedWorkers) -> None:
    """The reason tells what it was."""

    def tell(worker: ServiceWorker, method: str, arguments: list[Any]) -> bool:
        raise ChannelClosed(f"the worker has said {method}")

    managed.host.tell = tell  # type: ignore[method-assign]
    with pytest.raises(WorkerGone, match="the worker has said broadcast"):
        await managed.process("new BroadcastChannel('x').postMessage(1)")
    assert managed.host.ended[0][1:] == ("the worker has said broadcast", True)


# Names


@pytest.mark.parametrize(
    "name", ["", "x", 'a"\\/', "\x00\x08\t\n\x0b\x0c\r\x1f\x7f\x80", "ü\u2028\U0001f600", "\ud800x\udfff"]
)
def test_names_as_workers_send_them(tmp_path: Path, name: str) -> None:
    """The same text as that of JSON.stringify()."""
    units = name.encode("utf-16-le", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2], "little") for at in range(0, len(units), 2)]
    assert evaluate(tmp_path, f"return JSON.stringify(String.fromCharCode(...{codes}));") == json_text(name)


def test_surrogates_that_make_a_pair() -> None:
    """They are one character, as in UTF-16."""
    assert json_text("\ud83d\ude00") == json_text("\U0001f600")
