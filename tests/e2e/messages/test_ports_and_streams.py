"""Message ports and streams between documents and workers, in Chromium and in Firefox."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

Run = Callable[[str], Awaitable[Any]]


async def test_a_port_to_the_worker(run: Run) -> None:
    """What waited in it comes first; it works both ways; ports go through it."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      const inner = new MessageChannel();
      port1.postMessage("early");
      send("echoPort", { port: port2 }, [port2]);
      port1.postMessage({ list: [1n] });
      port1.postMessage("with a port", [inner.port2]);
      const detached = errorOf(() => worker.postMessage(0, [port2]));
      const echoes = await new Promise((resolve) => {
        const events = [];
        port1.onmessage = (event) => events.push(event) === 3 && resolve(events);
      });
      // It has come back: the same channel, through the worker.
      const [port] = echoes[2].ports;
      port.postMessage("round");
      const [round] = await messages(inner.port1, 1);
      return [echoes.map(({ data }) => data[1].list?.length ?? data[1]), detached, round];
    """)
    assert got == [["early", 1, "with a port"], "DataCloneError", "round"]


async def test_a_port_from_the_worker(run: Run) -> None:
    """The same the other way round, until the worker closes it."""
    got = await run("""
      send("givePort");
      const { data: { port }, ports } = await next();
      const same = ports.length === 1 && ports[0] === port;
      const inner = new MessageChannel();
      port.postMessage("one", [inner.port2]);
      port.postMessage("close");
      port.postMessage("lost");
      return [same, await messages(port, 4), await messages(inner.port1, 1)];
    """)
    assert got == [True, ["queued", "sent", ["back", "one"], ["back", "close"]], ["deep"]]


async def test_a_port_goes_on_to_a_dedicated_worker(run: Run) -> None:
    """The document may transfer what it has got to anybody."""
    got = await run("""
      send("givePort");
      const { ports } = await next();
      const source = "onmessage = ({ ports: [port] }) => port.onmessage = ({ data }) => postMessage(data)";
      const dedicated = new Worker(`data:text/javascript,${source}`);
      dedicated.postMessage(0, ports);
      return messages(dedicated, 2);
    """)
    assert got == ["queued", "sent"]


async def test_what_a_port_cannot_carry(run: Run) -> None:
    """A value of the browser alone: the worker hears a messageerror, and the port goes on."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      send("echoPort", {}, [port2]);
      port1.postMessage(await createImageBitmap(new ImageData(1, 1)));
      port1.postMessage("on");
      return messages(port1, 2);
    """)
    assert got == ["messageerror", ["echo", "on"]]


async def test_what_cannot_be_read_from_a_port(run: Run) -> None:
    """A messageerror, at a port that was sent or received; the port goes on."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      send("unreadable", {}, [port2]);
      const failed = (port) => new Promise((resolve) => (port.onmessageerror = resolve));
      const events = [await failed(port1)];
      send("givePort");
      const [port] = (await next()).ports;
      port.postMessage("unreadable");
      const heard = messages(port, 4);
      events.push(await failed(port));
      port.postMessage("on");
      return [events.map(({ type, data, target }) => [type, data, [port1, port].indexOf(target)]), await heard];
    """)
    assert got == [
        [["messageerror", None, 0], ["messageerror", None, 1]],
        ["queued", "sent", ["back", "unreadable"], ["back", "on"]],
    ]


async def test_streams_to_the_worker(run: Run) -> None:
    """Their chunks arrive, bytes and others; so do errors, and the worker's cancel()."""
    got = await run(
        """
      const read = async (stream) => {
        send("read", { stream }, [stream]);
        return (await next()).data;
      };
      const from = (...chunks) => new ReadableStream({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      });
      const { body } = new Response("bytes");
      const results = [
        await read(body),
        await read(from(1, { a: 1 }, new Uint8Array([2]))),
        await read(new ReadableStream({ start: (controller) => controller.error(new RangeError("x")) })),
        await read(from(() => {})),
      ];
      const cancelled = Promise.withResolvers();
      const endless = new ReadableStream({ pull: (c) => c.enqueue(1), cancel: cancelled.resolve });
      send("cancel", { stream: endless }, [endless]);
      results.push(await cancelled.promise);
      const written = [];
      const writable = new WritableStream({ write: (chunk) => { written.push(chunk); } });
      send("write", { stream: writable, chunks: [1, "two"] }, [writable]);
      results.push((await next()).data, written);
      const transform = new TransformStream({ transform: (chunk, c) => c.enqueue(`<${chunk}>`) });
      send("transform", { transform }, [transform]);
      results.push((await next()).data);
      return results;
    """
    )
    assert got == [
        [list(b"bytes")],
        [1, {"a": 1}, [2]],
        ["RangeError"],
        ["DataCloneError"],
        "enough",
        "closed",
        [1, "two"],
        ["<x>"],
    ]


async def test_streams_from_the_worker(run: Run) -> None:
    """They are streams of the browser, and no ports of the event."""
    got = await run("""
      send("giveStreams");
      const { data: { readable, endless, writable }, ports } = await next();
      const chunks = [];
      for await (const chunk of readable) chunks.push(chunk instanceof Uint8Array ? String(chunk) : chunk);
      const reader = endless.getReader();
      chunks.push((await reader.read()).value);
      await reader.cancel("bored");
      const cancelled = (await next()).data;
      const writer = writable.getWriter();
      await writer.write(1);
      await writer.close();
      return [ports.length, chunks, cancelled, (await next()).data];
    """)
    assert got == [0, ["97,98,99", {"n": 1}, "more"], "cancelled: bored", [1]]


async def test_a_stream_through_a_port(run: Run) -> None:
    """As Mock Service Worker's client does, to answer with a body."""
    got = await run("""
      const { port1, port2 } = new MessageChannel();
      send("readFromPort", {}, [port2]);
      const { body } = new Response("mocked");
      port1.postMessage({ body }, [body]);
      return (await next()).data;
    """)
    assert got == ["mocked", 0]
