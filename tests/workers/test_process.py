"""One worker process: its events and bodies."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from fake_host import Body, ManagedWorkers, answered, body_of, fetch
from helpers import ORIGIN
from waiting import soon

from swproxy.errors import NetworkError, ScriptError, WorkerGone
from swproxy.ipc import messages
from swproxy.ipc.channel import Framing
from swproxy.network.live_body import LiveBody
from swproxy.storage.bodies import FileBody
from swproxy.workers.bodies import ScriptBodyReader
from swproxy.workers.process import REMEMBERED_REQUESTS, WorkerProcess

MIB = 1 << 20


def response(process: WorkerProcess, body: bytes | LiveBody, url: str = f"{ORIGIN}/live") -> messages.Response:
    return messages.Response("basic", [url], 200, "OK", [], process.bodies.export(body), "network")


class Network:
    """Answers with a body that arrives as the test gives it; an error ends it, no bytes do too."""

    def __init__(self, directory: Path) -> None:
        self.asked = 0
        self.released = 0
        self._directory = directory
        self._chunks: asyncio.Queue[bytes | NetworkError] = asyncio.Queue()

    def give(self, *chunks: bytes | NetworkError) -> None:
        for chunk in chunks:
            self._chunks.put_nowait(chunk)

    async def answer(self, process: WorkerProcess, request: messages.Request, body: Body | None) -> messages.Response:
        return response(process, LiveBody(self._read, None, self._directory, self._release), request.url)

    async def _read(self) -> bytes:
        self.asked += 1
        chunk = await self._chunks.get()
        if isinstance(chunk, NetworkError):
            raise chunk
        return chunk

    def _release(self) -> None:
        self.released += 1


@pytest.fixture
def network(managed: ManagedWorkers, tmp_path: Path) -> Network:
    network = Network(tmp_path / "bodies")
    managed.host.on_fetch = network.answer
    return network


# Events


async def test_what_becomes_of_a_fetch_event(managed: ManagedWorkers) -> None:
    """A response, a network error with its reason, or nothing; each event has its own number."""
    process = await managed.process(
        """
        onfetch = (event) => {
          const { pathname } = new URL(event.request.url);
          if (pathname === "/response") event.respondWith(new Response("x", { status: 201, headers: { a: "b" } }));
          if (pathname === "/error") event.respondWith(Promise.reject(new Error("on purpose")));
          if (pathname === "/prevented") event.preventDefault();
        };
        """
    )
    events = [fetch(process, path) for path in ("/response", "/error", "/prevented", "/nothing")]
    answers: list[Any] = [await asyncio.wait_for(event.answer, 10) for event in events if event.answer is not None]
    assert [answer.id for answer in answers] == [event.id for event in events]
    assert (answers[0].response.status, answers[0].response.headers) == (
        201,
        [("a", "b"), ("Content-Type", "text/plain;charset=UTF-8")],
    )
    assert answers[1].response is None
    assert "on purpose" in answers[1].error
    assert [answer.canceled for answer in answers[2:]] == [True, False]


async def test_what_becomes_of_another_event(managed: ManagedWorkers) -> None:
    """It is finished when all of its promises are; a rejection is a ScriptError."""
    process = await managed.process(
        """
        oninstall = (event) => event.waitUntil(fetch("/x").catch(() => {}));
        onactivate = (event) => event.waitUntil(Promise.reject(new TypeError("on purpose")));
        """
    )
    for type_ in ("install", "message"):
        finished = process.dispatch_event(type_, {"message": {"text": "1", "parts": []}, "source": None}).finished
        assert finished is not None
        await asyncio.wait_for(finished, 10)
    finished = process.dispatch_event("activate").finished
    assert finished is not None
    with pytest.raises(ScriptError, match=f"TypeError: on purpose \\({process.worker.script_url}"):
        await asyncio.wait_for(finished, 10)
    assert process.worker.pending_events == 0
    assert managed.host.idle[-1] == process.worker.id


async def test_an_event_is_pending_until_its_work_is_done(managed: ManagedWorkers, network: Network) -> None:
    """After the answer, too: that is what keeps the next version waiting."""
    process = await managed.process(
        "onfetch = (e) => { e.respondWith(new Response('x')); e.waitUntil(fetch('/live').then((r) => r.text())); };"
    )
    await answered(fetch(process))
    assert process.worker.pending_events == 1
    network.give(b"x", b"")
    await managed.host.until(lambda host: host.idle.count(process.worker.id) == 2)
    assert process.worker.pending_events == 0


async def test_only_the_newest_requests_are_remembered(managed: ManagedWorkers) -> None:
    """A worker that lives long does not pile up the headers of its clients; those of pending events stay."""
    process = await managed.process(
        "onfetch = (e) => { if (e.request.url.endsWith('/held')) e.respondWith(new Promise(() => {})); };"
    )
    held = fetch(process, "/held", client_request="held")
    events = [fetch(process, client_request=number) for number in range(REMEMBERED_REQUESTS + 5)]
    await soon(lambda: process.worker.pending_events == 1)
    assert [process.client_request(event.id) for event in events] == [None] * 5 + list(range(5, len(events)))
    assert process.client_request(held.id) == "held"


async def test_an_answer_that_comes_too_late(managed: ManagedWorkers) -> None:
    """Of an event that somebody has given up: its body is closed."""
    process = await managed.process(
        "onfetch = (e) => e.respondWith((async () => new Response(new Blob(['x'.repeat(2 ** 21)])))());"
    )
    event = fetch(process)
    process.finish_event(event.id)
    assert event.answer is not None
    with pytest.raises(WorkerGone):
        await event.answer
    again = fetch(process)
    await answered(again)
    assert event.body is None
    assert isinstance(again.body, FileBody)
    again.body.close()


async def test_calls(managed: ManagedWorkers) -> None:
    """A script gets the value or the error, by its name."""
    process = await managed.process(
        """
        onfetch = (event) => event.respondWith((async () => {
          const client = await clients.get("7");
          const error = await registration.update().catch((error) => error);
          return new Response(`${client.id} ${error.name}: ${error.message}`);
        })());
        """
    )
    assert await body_of(fetch(process)) == b"7 NotFoundError: the fake has no update"


# Bodies from the network


async def test_a_stream_passes_through(managed: ManagedWorkers, network: Network) -> None:
    """Of a response that the worker hands on, the bytes do not go by way of its process."""
    process = await managed.process("onfetch = (e) => e.respondWith(fetch('/live'));")
    event = fetch(process)
    assert (await answered(event)).source == "network"
    body = event.body
    assert body is not None
    assert not isinstance(body, ScriptBodyReader)
    os.kill(process.pid, signal.SIGKILL)
    network.give(b"one", b"two", b"")
    assert await body_of(event) == b"onetwo"
    assert network.released == 1


async def test_a_stream_is_read_by_the_script(managed: ManagedWorkers, network: Network) -> None:
    """Chunk by chunk, each when it is asked for, and all at once."""
    process = await managed.process(
        """
        onfetch = (event) => event.respondWith((async () => {
          const [whole, parts] = [await fetch("/live"), await fetch("/live")];
          const text = await whole.text();
          const reader = parts.body.getReader();
          const chunks = [];
          for (let result; !(result = await reader.read()).done; ) chunks.push(result.value.length);
          return Response.json([text, chunks]);
        })());
        """
    )
    network.give(b"one", b"two", b"", b"12345", b"123", b"")
    assert await body_of(fetch(process)) == b'["onetwo",[5,3]]'
    assert network.released == 2


async def test_a_stream_that_breaks_off_rejects(managed: ManagedWorkers, network: Network) -> None:
    """In the script, with the reason."""
    process = await managed.process(
        """
        onfetch = (event) => event.respondWith(
          fetch("/live").then((r) => r.text()).catch((e) => new Response(`${e.name}: ${e.message}`)));
        """
    )
    network.give(b"one", NetworkError("broke off"))
    assert await body_of(fetch(process)) == b"TypeError: broke off"


async def test_a_clone(managed: ManagedWorkers, network: Network) -> None:
    """One goes to the client, the other into a cache: both get all."""
    process = await managed.process(
        """
        onfetch = (event) => event.respondWith((async () => {
          const cache = await caches.open("v1");
          if (event.request.url.endsWith("/cached")) return await cache.match("/live");
          const response = await fetch("/live");
          event.waitUntil(cache.put("/live", response.clone()));
          return response;
        })());
        """
    )
    event = fetch(process)
    await answered(event)
    network.give(b"x" * MIB, b"end", b"")
    assert await body_of(event) == b"x" * MIB + b"end"
    await managed.host.until(lambda host: host.idle.count(process.worker.id) == 2)
    assert await body_of(fetch(process, "/cached")) == b"x" * MIB + b"end"
    assert network.released == 1


@pytest.mark.parametrize("give_up", ["cancel", "crash"])
async def test_a_stream_that_nobody_wants_is_let_go(managed: ManagedWorkers, network: Network, give_up: str) -> None:
    """Because the script cancels it, or because the process is gone."""
    process = await managed.process(
        """
        onfetch = (event) => event.respondWith((async () => {
          const { body } = await fetch("/live");
          const reader = body.getReader();
          await reader.read();
          if (event.request.url.endsWith("/cancel")) await reader.cancel();
          else await reader.read();
          return new Response("cancelled");
        })());
        """
    )
    network.give(b"one")
    event = fetch(process, f"/{give_up}")
    if give_up == "cancel":
        assert await body_of(event) == b"cancelled"
    else:
        await soon(lambda: network.asked == 2)
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.wait_for(process.gone.wait(), 10)
    await soon(lambda: network.released == 1)


# Bodies that a script makes


async def test_a_body_that_a_script_writes(managed: ManagedWorkers) -> None:
    """It is asked for as fast as it is read, and ends where the script says."""
    process = await managed.process(
        """
        let pulled = 0;
        onfetch = (event) => event.respondWith(new Response(new ReadableStream({
          pull(controller) {
            if (++pulled > 3) controller.close();
            else controller.enqueue(new TextEncoder().encode(`${pulled};`));
          },
        })));
        """
    )
    event = fetch(process)
    await answered(event)
    assert isinstance(event.body, ScriptBodyReader)
    assert await body_of(event) == b"1;2;3;"


async def test_a_body_whose_script_fails(managed: ManagedWorkers) -> None:
    """The reader sees that this was not the end."""
    process = await managed.process(
        """
        onfetch = (event) => event.respondWith(new Response(new ReadableStream({
          start(controller) { controller.enqueue(new TextEncoder().encode("half")); },
          pull(controller) { controller.error(new Error("on purpose")); },
        }, { highWaterMark: 1 })));
        """
    )
    event = fetch(process)
    await answered(event)
    with pytest.raises(NetworkError):
        await body_of(event)


@pytest.mark.parametrize("when", ["between-reads", "while-reading"])
async def test_a_crash_is_not_the_end_of_a_body(managed: ManagedWorkers, when: str) -> None:
    """Whether somebody waits for the next chunk or not, half a body is never taken for a whole one."""
    process = await managed.process(
        """
        onfetch = (event) => event.respondWith(new Response(new ReadableStream({
          start(controller) { controller.enqueue(new TextEncoder().encode("half")); },
          pull() { return new Promise(() => {}); },
        })));
        """
    )
    event = fetch(process)
    await answered(event)
    reader = event.body
    assert isinstance(reader, ScriptBodyReader)
    assert await asyncio.wait_for(reader.read(), 10) == b"half"
    reading = asyncio.ensure_future(reader.read()) if when == "while-reading" else None
    await asyncio.sleep(0)
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.wait_for(process.gone.wait(), 10)
    for _ in range(2):
        with pytest.raises(NetworkError, match="the worker process has crashed"):
            await asyncio.wait_for(reading or reader.read(), 10)
    reader.close()


async def test_a_body_that_is_complete_stays(managed: ManagedWorkers) -> None:
    """Though its worker crashes: one in memory, and one in a file."""
    process = await managed.process(
        f"const large = new Blob(['x'.repeat({2 * MIB})]);"
        "onfetch = (e) => e.respondWith(new Response(e.request.url.endsWith('/large') ? large : 'small'));"
    )
    events = [fetch(process, "/small"), fetch(process, "/large")]
    for event in events:
        await answered(event)
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.wait_for(process.gone.wait(), 10)
    assert [await body_of(event) for event in events] == [b"small", b"x" * 2 * MIB]


async def test_files_stay_with_their_messages(managed: ManagedWorkers, tmp_path: Path) -> None:
    """Also that of a fetch whose message came in parts, the last one together with its abortion."""
    descriptors = []
    for name in ("upload", "answer"):
        (tmp_path / name).write_text(name)
        descriptors.append(os.open(tmp_path / name, os.O_RDONLY))
    ours, theirs = socket.socketpair()
    worker = managed.worker("")
    process = WorkerProcess(worker, managed.host, tmp_path / "scratch", lambda process: None, lambda process: None)
    process.attach(0, ours, managed.host.start_message(worker, tmp_path))
    event = fetch(process)

    framing: Framing[Any] = Framing(messages.ToProxy)
    request = messages.Request(None, "POST", f"{ORIGIN}/up", [], messages.OnDisk(0, 6))
    asked = framing.frame(messages.Fetch(1, request))
    socket.send_fds(theirs, [asked[:10]], [descriptors[0]])
    channel = process._channel
    assert channel is not None
    await soon(lambda: len(channel.files) == 1)
    theirs.sendall(asked[10:] + framing.frame(messages.AbortFetch(1)))
    answer = messages.Response("default", [], 200, "OK", [], messages.OnDisk(0, 6))
    socket.send_fds(theirs, [framing.frame(messages.Respond(event.id, answer))], [descriptors[1]])
    assert await body_of(event) == b"answer"

    theirs.close()
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize("sent", ["answer", "fetch"])
async def test_a_body_whose_file_is_missing(managed: ManagedWorkers, tmp_path: Path, sent: str) -> None:
    """Ends the process: no later message could be sure of its own file."""
    ours, theirs = socket.socketpair()
    worker = managed.worker("")
    ended: list[WorkerProcess] = []
    process = WorkerProcess(worker, managed.host, tmp_path / "scratch", lambda process: None, ended.append)
    process.attach(0, ours, managed.host.start_message(worker, tmp_path))
    event = fetch(process)
    framing: Framing[Any] = Framing(messages.ToProxy)
    body = messages.OnDisk(0, 6)
    if sent == "answer":
        answer = messages.Response("default", [], 200, "OK", [], body)
        theirs.sendall(framing.frame(messages.Respond(event.id, answer)))
    else:
        theirs.sendall(framing.frame(messages.Fetch(1, messages.Request(None, "POST", f"{ORIGIN}/up", [], body))))
    assert event.answer is not None
    with pytest.raises(WorkerGone, match="a body came without its file"):
        await asyncio.wait_for(event.answer, 10)
    assert ended == [process]
    theirs.close()


# Requests with a body


async def test_request_bodies(managed: ManagedWorkers, network: Network) -> None:
    """Bytes and streams arrive in the script."""
    process = await managed.process(
        "onfetch = (e) => e.respondWith(e.request.text().then((text) => new Response(text.toUpperCase())));"
    )
    body = process.bodies.export(b"bytes")
    assert await body_of(fetch(process, method="POST", body=body)) == b"BYTES"
    live = LiveBody(network._read, None, network._directory, network._release)
    network.give(b"one ", b"two", b"")
    assert await body_of(fetch(process, method="POST", body=process.bodies.export(live))) == b"ONE TWO"
    assert network.released == 1
    assert process.bodies.export(None) is None
