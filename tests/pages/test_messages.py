"""What the proxy does between documents and workers, with real workers and documents that only remember."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from running_workers import Workers

from swproxy.errors import InvalidInput
from swproxy.pages import messages as messages_module
from swproxy.service_worker.client import ServiceWorkerClient

SITE = "https://site.test"
NUMBER = "0" * 32
ONE = [NUMBER, 1]
ZERO = [NUMBER, 0]


class Document:
    """A page without a browser. It is there once it is ``opened``."""

    def __init__(self, workers: Workers, url: str = f"{SITE}/page") -> None:
        self.client = ServiceWorkerClient(url, "browser", None)
        self.backlog = 0
        self.waits_for_ready: list[int] = []
        self.told: asyncio.Queue[tuple[str, list[Any], list[bytes]]] = asyncio.Queue()
        self._context = workers.context
        self._context.clients.add(self.client)

    @property
    def origin(self) -> str:
        return self.client.origin

    def opened(self) -> "Document":
        self._context.pages._pages[self.client.id] = self  # type: ignore[assignment]
        self._context.clients.see(self.client)
        return self

    def closed(self) -> None:
        self._context.pages._departed(self)  # type: ignore[arg-type]

    def tell(self, method: str, arguments: list[Any], parts: Sequence[bytes] = ()) -> None:
        self.told.put_nowait((method, arguments, list(parts)))

    def say(self, method: str, *arguments: Any, parts: Sequence[bytes] = ()) -> None:
        self._context.pages.methods[method](self, json.dumps(arguments).encode(), list(parts))  # type: ignore[arg-type]

    async def hears(self) -> tuple[str, list[Any], list[bytes]]:
        """The next of what the proxy says to it of messages."""
        async with asyncio.timeout(15):
            while True:
                method, arguments, parts = await self.told.get()
                if method in ("message", "port_message", "port_close"):
                    return method, arguments, parts


async def echoing(workers: Workers, scope: str = f"{SITE}/") -> int:
    """The number of a worker that answers."""
    worker = await workers.register(
        scope,
        """
        onmessage = ({ data, source, ports: [port] }) => {
          source.postMessage({ data: port ? "port" : data, type: source.type, url: source.url });
          if (port) port.onmessage = ({ data }) => port.postMessage(data);
        };
        """,
    )
    return worker.id


async def test_a_message_and_its_answer(workers: Workers) -> None:
    """With bytes; the worker learns of the document what the proxy knows."""
    document = Document(workers).opened()
    number = await echoing(workers)
    document.say("worker_post_message", number, "[1,19,0]", [], parts=[b"abc"])
    method, (text, source, ports), parts = await document.hears()
    assert (method, source["id"], ports, parts) == ("message", number, [], [b"abc"])
    assert text == f'[1,4,"data",19,0,"type","window","url","{SITE}/page",0]'


async def test_a_port(workers: Workers) -> None:
    """Messages go both ways, in order, until one side closes it."""
    document = Document(workers).opened()
    number = await echoing(workers)
    document.say("port_open", NUMBER)
    document.say("worker_post_message", number, "[1,9,0]", [ONE])
    document.say("port_message", ZERO, '[1,"a"]', [])
    document.say("port_message", ZERO, "[1,19,0]", [], parts=[b"b"])
    assert (await document.hears())[0] == "message"
    assert await document.hears() == ("port_message", [(NUMBER, 0), '[1,"a"]', []], [])
    assert await document.hears() == ("port_message", [(NUMBER, 0), "[1,19,0]", []], [b"b"])
    worker = next(iter(workers.context.registrations)).active
    assert worker is not None
    workers.context.manager.terminate(worker)
    assert await document.hears() == ("port_close", [(NUMBER, 0)], [])


async def test_a_document_that_closes(workers: Workers) -> None:
    """Its ports close, and nothing is left of them."""
    document = Document(workers).opened()
    number = await echoing(workers)
    document.say("port_open", NUMBER)
    document.say("worker_post_message", number, "[1,9,0]", [ONE])
    await document.hears()
    ports = workers.context._host.messaging.ports
    assert ports._channels
    document.closed()
    assert not ports._channels
    document.say("port_close", ZERO)


async def test_other_origins(workers: Workers) -> None:
    """A document reaches neither the workers nor the channels of another origin, and no worker its documents."""
    own, foreign = Document(workers).opened(), Document(workers, "https://other.test/").opened()
    number = await echoing(workers)
    foreign.say("port_open", NUMBER)
    foreign.say("worker_post_message", number, '[1,"foreign"]', [ONE])
    assert await foreign.hears() == ("port_close", [(NUMBER, 0)], [])
    own.say("port_open", NUMBER)
    own.say("worker_post_message", number, '[1,"own"]', [ONE])
    foreign.say("port_message", ZERO, '[1,"forged"]', [])
    own.say("port_message", ZERO, '[1,"true"]', [])
    assert (await own.hears())[0] == "message"
    assert (await own.hears())[1][1] == '[1,"true"]'
    third = await workers.register(
        "https://third.test/",
        f"""clients.get("{own.client.id}").then((client) => console.log(client));""",
    )
    assert await workers.printed("https://third.test/") == ["undefined"]
    record = {"text": '[1,"forged"]', "parts": [], "ports": []}
    workers.context._host.tell(third, "client_post_message", [own.client.id, record])
    own.say("worker_post_message", third.id, '[1,"lost"]', [])
    own.say("port_message", ZERO, '[1,"last"]', [])
    assert (await own.hears())[1][1] == '[1,"last"]'


async def test_a_worker_that_is_not_there(workers: Workers) -> None:
    """Or not any more: the message is lost, and its ports are closed."""
    document = Document(workers).opened()
    document.say("port_open", NUMBER)
    document.say("worker_post_message", 12345, "[1,null]", [ONE])
    assert await document.hears() == ("port_close", [(NUMBER, 0)], [])


async def test_what_no_document_of_ours_says(workers: Workers) -> None:
    """Is invalid."""
    document = Document(workers).opened()
    for method, arguments in {
        "worker_post_message": ["1", "[1]", []],
        "port_open": [5],
        "port_message": [[NUMBER, "0"], "[1]", []],
        "port_close": [NUMBER],
    }.items():
        with pytest.raises(InvalidInput):
            document.say(method, *arguments)
    document.say("port_message", [NUMBER, 7], "[1]", [])
    document.say("port_close", [NUMBER, -1])


POSTING = """
onmessage = ({ data: id }) => {
  const { port1, port2 } = new MessageChannel();
  const inner = new MessageChannel();
  clients.get(id).then((client) => {
    client.postMessage({ port: port2 }, [port2]);
    port1.postMessage("with a port", [inner.port2]);
  });
};
"""


async def test_ports_from_a_worker(workers: Workers) -> None:
    """Arrive with the message; ports in messages of ports, too."""
    document = Document(workers).opened()
    worker = await workers.register(f"{SITE}/", POSTING)
    document.say("worker_post_message", worker.id, f'[1,"{document.client.id}"]', [])
    _, (text, _, [(number, side)]), _ = await document.hears()
    assert (text, side) == ('[1,4,"port",9,0,0]', 1)
    _, (end, text, [(inner, inner_side)]), _ = await document.hears()
    assert (end, text, inner_side) == ((number, 1), '[1,"with a port"]', 1)
    document.say("port_close", [inner, 1])
    document.say("port_close", [number, 1])
    assert not workers.context._host.messaging.ports._channels


async def test_a_document_that_arrives(workers: Workers) -> None:
    """Gets what was sent to it before, in order; one that never comes does not, and the worker's ports are closed."""
    arriving, lost = Document(workers), Document(workers)
    record = {"text": "[1,null]", "parts": [], "ports": []}
    worker = await workers.register(f"{SITE}/", "")
    await workers.context.manager.running_process(worker)
    for document in (arriving, lost):
        for text in ('[1,"first"]', '[1,"second"]'):
            workers.context._host.tell(worker, "client_post_message", [document.client.id, record | {"text": text}])
    arriving.opened()
    workers.context.pages.failed(lost.client)
    assert [(await arriving.hears())[1][0] for _ in range(2)] == ['[1,"first"]', '[1,"second"]']
    assert lost.told.empty()


async def test_a_document_that_does_not_read(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to it are lost, and channels closed, before it is given up."""
    monkeypatch.setattr(messages_module, "BACKLOG_LIMIT", 2000)
    document = Document(workers).opened()
    number = await echoing(workers)
    document.say("port_open", NUMBER)
    document.say("worker_post_message", number, "[1,9,0]", [ONE])
    assert (await document.hears())[0] == "message"
    document.backlog = 990
    document.say("worker_post_message", number, '[1,"lost"]', [])
    document.say("port_message", ZERO, '[1,"lost, as well"]', [])
    assert await document.hears() == ("port_close", [(NUMBER, 0)], [])
    assert document.told.empty()
