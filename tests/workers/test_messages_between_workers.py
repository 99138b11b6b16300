"""Messages that leave a worker: to the other workers of its origin, and to itself."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from running_workers import Workers

from swproxy.ipc.messages import PortEnd, Record
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers import messaging as messaging_module
from swproxy.workers.manager import WorkerManager
from swproxy.workers.process import WorkerProcess

A = "https://site.test/a/"
B = "https://site.test/b/"
FOREIGN = "https://other.test/"

LISTENER = """
  const channel = new BroadcastChannel("news");
  channel.onmessage = ({ data, origin, source }) => console.log(JSON.stringify({ data, origin, source }));
"""


async def test_a_broadcast_reaches_the_other_workers_of_the_origin(workers: Workers) -> None:
    """Each channel of that name gets it, but none of another name, of another origin, or the sender."""
    await workers.register(B, LISTENER + 'new BroadcastChannel("sport").onmessage = () => console.log("wrong");')
    await workers.register(FOREIGN, LISTENER)
    send = 'channel.postMessage({ n: 1 }); new BroadcastChannel("news").postMessage(2);'
    await workers.register(A, LISTENER + send)
    assert await workers.printed(B, 2) == [
        '{"data":{"n":1},"origin":"https://site.test","source":null}',
        '{"data":2,"origin":"https://site.test","source":null}',
    ]
    assert await workers.printed(A) == ['{"data":2,"origin":"https://site.test","source":null}']
    await workers.register(FOREIGN, 'console.log("last")')
    assert await workers.printed(FOREIGN) == ["last"]


async def test_every_kind_of_value_arrives(workers: Workers) -> None:
    """What has no JSON arrives whole: bytes, collections, errors, blobs, references."""
    await workers.register(
        B,
        """
        new BroadcastChannel("\\ud800").onmessage = async ({ data }) => {
          const { bytes, view, map, set, error, file, date, big, self } = data;
          console.log(JSON.stringify([
            [...new Uint8Array(bytes)], view.buffer === bytes, [...view], [...map], [...set], error.name,
            error.message, error.cause, file.name, file.type, await file.text(), date.getTime(), `${big}`,
            self === data, data.text === "a\\udfff", Object.is(data.zero, -0),
          ]));
        };
        """,
    )
    await workers.register(
        A,
        """
        const bytes = new Uint8Array([0, 255, 10, 34]).buffer;
        const data = {
          bytes, view: new Uint16Array(bytes, 2), map: new Map([["k", [1]]]), set: new Set([NaN]),
          error: new RangeError("far", { cause: "near" }), file: new File(["he", "llo"], "f", { type: "text/x" }),
          date: new Date(5), big: 1n << 70n, text: "a\\udfff", zero: -0,
        };
        data.self = data;
        new BroadcastChannel("\\ud800").postMessage(data);
        """,
    )
    assert await workers.printed(B) == [
        '[[0,255,10,34],true,[8714],[["k",[1]]],[null],"RangeError","far","near","f","text/x","hello",5,'
        '"1180591620717411303424",true,true,true]'
    ]


async def test_a_message_to_a_worker_is_an_extendable_event(workers: Workers) -> None:
    """postMessage() of a ServiceWorker fires ``message`` there, with the sender as its source."""
    await workers.register(
        A,
        """
        onactivate = () => registration.active.postMessage({ bytes: new ArrayBuffer(3) });
        onmessage = (event) => {
          const { data, origin, lastEventId, source, ports } = event;
          console.log(event.constructor.name, data.bytes.byteLength, origin, lastEventId, source === serviceWorker,
            ports.length, Object.isFrozen(ports), event.isTrusted);
          event.waitUntil(new Promise((resolve) => setTimeout(resolve, 1)).then(() => console.log("done")));
        };
        """,
    )
    assert await workers.printed(A, 2) == ["ExtendableMessageEvent 3 https://site.test  true 0 true true", "done"]


async def test_what_cannot_leave_the_worker_is_refused(workers: Workers) -> None:
    """What can be transferred is detached then."""
    await workers.register(
        A,
        """
        const refused = (...values) => {
          try { serviceWorker.postMessage(...values); return "sent"; } catch (error) { return error.name; }
        };
        const { port1 } = new MessageChannel();
        const buffer = new ArrayBuffer(1);
        console.log([refused(port1), refused(() => {}), refused(0, [buffer, buffer]), refused(0, [{}])].join());
        console.log(refused(buffer, { transfer: [buffer] }), buffer.detached, refused(buffer));
        console.log(refused(port1, [port1]), refused(port1, [port1]));
        """,
    )
    assert await workers.printed(A, 3) == [
        "DataCloneError,DataCloneError,DataCloneError,DataCloneError",
        "sent true DataCloneError",
        "sent DataCloneError",
    ]


# Ports

# While one version installs, the other one goes on.
STAY = "; addEventListener('install', (event) => event.waitUntil(new Promise(() => {})));"


@contextmanager
def installing(workers: Workers, source: str) -> Iterator[None]:
    """Another version of the worker of A, which stays in its installation."""
    task = asyncio.ensure_future(workers.register(A, source + STAY))
    yield
    task.cancel()


async def test_a_port_to_another_version(workers: Workers) -> None:
    """Messages go both ways, those first that were in its queue; ports go through ports."""
    await workers.register(
        A,
        """
        onmessage = ({ data: { port }, ports: [first], source }) => {
          console.log(port === first, source.state, source === registration.installing);
          port.onmessage = ({ data, ports: [inner] }) => {
            console.log(data);
            if (inner) inner.onmessage = ({ data }) => console.log(data);
            port.postMessage(`${data} received`);
          };
        };
        """,
    )
    source = """
    oninstall = () => {
      const { port1, port2 } = new MessageChannel();
      const inner = new MessageChannel();
      inner.port1.postMessage("inner queue");
      port1.postMessage("queue");
      port1.postMessage("with a port", [inner.port2]);
      registration.active.postMessage({ port: port2 }, [port2]);
      port1.postMessage("sent");
      inner.port1.postMessage("inner sent");
      port1.onmessage = ({ data }) => console.log(`answer: ${data}`);
    };
    """
    with installing(workers, source):
        first, *lines = await workers.printed(A, 9)
        assert first == "true installing true"
        # Each port has an order of its own.
        assert [line for line in lines if line.startswith("inner")] == ["inner queue", "inner sent"]
        assert [line for line in lines if line.startswith("answer: ")] == [
            "answer: queue received",
            "answer: with a port received",
            "answer: sent received",
        ]
        assert [line for line in lines if not line.startswith(("inner", "answer"))] == [
            "queue",
            "with a port",
            "sent",
        ]


async def test_a_port_that_is_passed_on_again(workers: Workers) -> None:
    """With what is in its queue and what still comes; the end that was kept stays where it is."""
    await workers.register(
        A,
        """
        let passed = 0;
        onmessage = ({ data, ports: [port] }) => {
          if (passed++ < 3) serviceWorker.postMessage(0, [port]);
          else port.onmessage = ({ data }) => { console.log(data); port.postMessage(data); };
        };
        onactivate = () => {
          const { port1, port2 } = new MessageChannel();
          for (let i = 0; i < 3; i++) port1.postMessage(i);
          serviceWorker.postMessage(0, [port2]);
          let i = 3;
          const timer = setInterval(() => {
            port1.postMessage(i++);
            if (i === 12) clearInterval(timer);
          }, 1);
          port1.onmessage = ({ data }) => console.log(`back ${data}`);
        };
        """,
    )
    lines = await workers.printed(A, 24)
    assert [line for line in lines if line.isdigit()] == [str(number) for number in range(12)]
    assert [line for line in lines if not line.isdigit()] == [f"back {number}" for number in range(12)]


async def test_a_port_whose_other_end_is_closed(workers: Workers) -> None:
    """Still brings what was sent before; what it sends is lost."""
    await workers.register(
        A,
        """
        onmessage = ({ ports: [port] }) => {
          port.onmessage = ({ data }) => { console.log(data); port.postMessage("lost"); };
        };
        onactivate = () => {
          const [one, two] = [new MessageChannel(), new MessageChannel()];
          one.port1.postMessage("closed before");
          one.port1.close();
          serviceWorker.postMessage(0, [one.port2]);
          two.port1.onmessage = () => console.log("not lost");
          serviceWorker.postMessage(0, [two.port2]);
          two.port1.postMessage("closed after");
          two.port1.close();
        };
        """,
    )
    assert await workers.printed(A, 2) == ["closed before", "closed after"]
    messaging = workers.context._host.messaging
    while messaging.ports._channels:
        await asyncio.sleep(0.01)


async def test_streams_to_another_version(workers: Workers) -> None:
    """Both ways, all kinds, and with an error at the end; they are no ports of the event."""
    await workers.register(
        A,
        """
        onmessage = async ({ data: { readable, writable, transform, bad }, ports }) => {
          const chunks = [];
          for await (const chunk of readable) chunks.push(chunk);
          console.log(JSON.stringify(chunks), ports.length);
          const writer = writable.getWriter();
          await writer.write("written");
          await writer.close();
          const through = new ReadableStream({ start(c) { c.enqueue(1); c.close(); } }).pipeThrough(transform);
          for await (const chunk of through) console.log(chunk);
          await bad.getReader().read().catch((error) => console.log(error.name, error.message));
        };
        """,
    )
    source = """
    oninstall = () => {
      const readable = new ReadableStream({ start(c) { c.enqueue([1]); c.enqueue("x"); c.close(); } });
      const written = [];
      const writable = new WritableStream({
        write(chunk) { written.push(chunk); },
        close() { console.log(JSON.stringify(written)); },
      });
      const transform = new TransformStream({ transform: (chunk, c) => c.enqueue(`<${chunk}>`) });
      const bad = new ReadableStream({ start: (c) => c.error(new RangeError("far")) });
      const list = [readable, writable, transform, bad];
      registration.active.postMessage({ readable, writable, transform, bad }, list);
    };
    """
    with installing(workers, source):
        assert {*await workers.printed(A, 4)} == {'["written"]', '[[1],"x"] 0', "<1>", "RangeError far"}


async def test_a_stream_whose_other_side_is_gone(workers: Workers) -> None:
    """Is errored: its worker has ended."""
    worker = await workers.register(
        A,
        """
        onmessage = ({ data: { stream } }) => {
          const reader = stream.getReader();
          reader.read().then(({ value }) => console.log(value));
          reader.closed.catch((error) => console.log(error.name));
        };
        """,
    )
    source = """
    oninstall = () => {
      const stream = new ReadableStream({ pull(c) { c.enqueue("first"); return new Promise(() => {}); } });
      registration.active.postMessage({ stream }, [stream]);
    };
    """
    with installing(workers, source):
        assert await workers.printed(A) == ["first"]
        registration = workers.context.registrations.get_registration(A)
        assert registration is not None
        assert registration.active is worker
        assert registration.installing is not None
        workers.context.manager.terminate(registration.installing)
        assert await workers.printed(A, 2) == ["first", "AbortError"]


async def test_messages_come_in_the_order_in_which_they_were_sent(workers: Workers) -> None:
    """Also to a worker that has to be started for the first of them."""
    worker = await workers.register(A, "onmessage = ({ data }) => console.log(data);")
    workers.context.manager.terminate(worker)
    await workers.register(
        A,
        """
        oninstall = (event) => event.waitUntil((async () => {
          for (let i = 0; i < 30; i++) {
            registration.active.postMessage(i);
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        })());
        """,
    )
    assert await workers.printed(A, 30) == [str(number) for number in range(30)]


async def test_a_worker_has_its_messages_before_it_is_replaced(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is slower to start than the next version is to install."""
    first = await workers.register(A, "onmessage = ({ data }) => console.log(data);")
    workers.context.manager.terminate(first)
    start = WorkerManager.running_process

    async def slowly(manager: WorkerManager, worker: ServiceWorker) -> WorkerProcess:
        if worker is first:
            await asyncio.sleep(0.5)
        return await start(manager, worker)

    monkeypatch.setattr(WorkerManager, "running_process", slowly)
    await workers.register(A, "oninstall = () => registration.active.postMessage('here');")
    assert await workers.printed(A) == ["here"]
    registration = workers.context.registrations.match_service_worker_registration(A)
    assert registration is not None
    async with asyncio.timeout(10):
        while registration.active is first:
            await asyncio.sleep(0.01)


async def test_a_worker_that_does_not_start(workers: Workers) -> None:
    """Messages to it are lost, and the ports in them closed."""
    worker = await workers.register(A, "onmessage = () => console.log('received');")
    workers.context.manager.terminate(worker)
    worker.script_resource_map.clear()
    sender = Holder()
    messaging = workers.context._host.messaging
    messaging.ports.open(sender, "0" * 32)
    messaging.post_message(sender, worker, Record("[1,null]", [], [("0" * 32, 1)]))
    async with asyncio.timeout(10):
        await sender.closed.wait()


async def test_a_worker_that_does_not_read(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it has a limit, and so has the number of small messages."""
    monkeypatch.setattr(messaging_module, "WAITING_LIMIT", 2000)
    worker = await workers.register(A, "onmessage = ({ data }) => console.log(data);")
    workers.context.manager.terminate(worker)
    sender = Holder()
    messaging = workers.context._host.messaging
    messaging.ports.open(sender, "0" * 32)
    for text in ("first", "x" * 1000, "second", "last", "one too many"):
        ends = [("0" * 32, 1)] if len(text) > 100 else []
        messaging.post_message(sender, worker, Record(f'[1,"{text}"]', [], ends))
    assert sender.closed.is_set()
    assert await workers.printed(A, 3) == ["first", "second", "last"]
    messaging.post_message(sender, worker, Record('[1,"later"]'))
    assert (await workers.printed(A, 4))[3] == "later"


async def test_a_port_that_no_script_has(workers: Workers) -> None:
    """Its end closes, after what was sent from it; one that listens stays."""
    worker = await workers.register(
        A,
        """
        onmessage = ({ data, ports: [port] }) => {
          port.postMessage(`hello ${data}`);
          if (data === "listen") port.onmessage = ({ data }) => port.postMessage(data);
        };
        """,
    )
    messaging = workers.context._host.messaging
    answered, listening = Holder(), Holder()
    for sender, number, text in ((answered, "0" * 32, "answer"), (listening, "1" * 32, "listen")):
        messaging.ports.open(sender, number)
        messaging.post_message(sender, worker, Record(f'[1,"{text}"]', [], [(number, 1)]))
    async with asyncio.timeout(10):
        while not answered.closed.is_set() or '[1,"on"]' not in listening.heard:
            # Each message is an occasion to collect garbage.
            listening.news.clear()
            messaging.ports.message(listening, ("1" * 32, 0), Record('[1,"on"]', [], []))
            await listening.news.wait()
    assert answered.heard == ['[1,"hello answer"]']
    assert not listening.closed.is_set()


class Holder:
    """A realm that waits for a channel to be closed."""

    origin = "https://site.test"

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.heard: list[str] = []
        self.news = asyncio.Event()

    def deliver_port_message(self, end: PortEnd, record: Record) -> bool:
        self.heard.append(record.text)
        self.news.set()
        return True

    def deliver_port_close(self, end: PortEnd) -> None:
        self.closed.set()

    def deliver_port_left(self, end: PortEnd) -> None:
        raise NotImplementedError
