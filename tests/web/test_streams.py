"""The Streams Standard."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]

# Everything that a stream gives, and the reason if it ends in an error.
_ALL = """
  const all = async (stream) => {
    const chunks = [];
    try {
      for await (const chunk of stream) chunks.push(chunk);
    } catch (error) {
      chunks.push(`${error?.name ?? error}`);
    }
    return chunks;
  };
  const from = (...chunks) => ReadableStream.from(chunks);
  const settled = async (promise) => promise.then((value) => ["ok", value], (error) => [error?.name ?? error]);
  const ticks = async () => { for (let i = 0; i < 30; i++) await null; };
"""


def test_a_source_is_pulled_as_its_chunks_are_read(run_js: RunJs) -> None:
    """With a high water mark of 0, there is one call of pull() for each read()."""
    script = """
      let n = 0;
      const stream = new ReadableStream({ pull(c) { c.enqueue(++n); } }, { highWaterMark: 0 });
      const reader = stream.getReader();
      return [await reader.read(), await reader.read(), n, stream.locked];
    """
    assert run_js(script) == [{"done": False, "value": 1}, {"done": False, "value": 2}, 2, True]


def test_releasing_a_reader_rejects_its_reads(run_js: RunJs) -> None:
    """The chunk goes to the next reader."""
    script = f"""{_ALL}
      let controller;
      const stream = new ReadableStream({{ start(c) {{ controller = c; }} }});
      const reader = stream.getReader();
      const read = settled(reader.read());
      reader.releaseLock();
      controller.enqueue("a");
      return [await read, await settled(reader.closed), (await stream.getReader().read()).value];
    """
    assert run_js(script) == [["TypeError"], ["TypeError"], "a"]


def test_a_byob_reader_fills_the_views_it_is_given(run_js: RunJs) -> None:
    """`min` waits for so many elements; bytes that make no whole element wait for the next read."""
    script = """
      let controller;
      const stream = new ReadableStream({ type: "bytes", start(c) { controller = c; } });
      const reader = stream.getReader({ mode: "byob" });
      const read = reader.read(new Uint16Array(4), { min: 2 });
      controller.enqueue(new Uint8Array([1, 0, 2]));
      controller.byobRequest.view.set([0, 3]);
      controller.byobRequest.respond(2);
      const { value } = await read;
      const rest = await reader.read(new Uint8Array(4));
      controller.close();
      const end = reader.read(new DataView(new ArrayBuffer(8), 2));
      return [[...value], [...rest.value], (await end).done, (await end).value.byteOffset];
    """
    assert run_js(script) == [[1, 2], [3], True, 2]


def test_auto_allocation_gives_default_readers_a_byob_request(run_js: RunJs) -> None:
    """The chunk is what was filled of the buffer."""
    script = """
      const stream = new ReadableStream({
        type: "bytes",
        autoAllocateChunkSize: 8,
        pull(c) { c.byobRequest.view[0] = 7; c.byobRequest.respond(1); },
      });
      const { value } = await stream.getReader().read();
      return [value.length, value[0], value.buffer.byteLength];
    """
    assert run_js(script) == [1, 7, 8]


def test_a_byte_stream_takes_over_the_buffers(run_js: RunJs) -> None:
    """What was enqueued or read into is detached; a stale request answers with a TypeError."""
    script = """
      let controller;
      const stream = new ReadableStream({ type: "bytes", start(c) { controller = c; } });
      const chunk = new Uint8Array([1, 2]);
      controller.enqueue(chunk);
      const view = new Uint8Array(2);
      const reader = stream.getReader({ mode: "byob" });
      await reader.read(view);
      reader.read(new Uint8Array(2));
      const request = controller.byobRequest;
      controller.enqueue(new Uint8Array([3]));
      let stale;
      try { request.respond(1); } catch (error) { stale = error.name; }
      return [chunk.buffer.detached, view.buffer.detached, request.view, stale];
    """
    assert run_js(script) == [True, True, None, "TypeError"]


def test_both_branches_of_a_tee_get_everything(run_js: RunJs) -> None:
    """Those of a byte stream get bytes of their own; cancelling both cancels the source with both reasons."""
    script = f"""{_ALL}
      const [a, b] = from(1, 2).tee();
      const bytes = new ReadableStream({{
        type: "bytes",
        start(c) {{ c.enqueue(new Uint8Array([5])); c.close(); }},
      }}).tee();
      const [[one], [two]] = [await all(bytes[0]), await all(bytes[1])];
      one[0] = 6;
      let reason;
      const [c, d] = new ReadableStream({{ cancel(r) {{ reason = r; }} }}).tee();
      await Promise.all([c.cancel("x"), d.cancel("y")]);
      return [await all(a), await all(b), two[0], reason];
    """
    assert run_js(script) == [[1, 2], [1, 2], 5, ["x", "y"]]


def test_a_byte_tee_reads_into_the_view_of_a_branch(run_js: RunJs) -> None:
    """The source sees the BYOB request of the branch that is read."""
    script = """
      const stream = new ReadableStream({
        type: "bytes",
        pull(c) { c.byobRequest.view[0] = c.byobRequest.view.byteLength; c.byobRequest.respond(1); },
      });
      const [a, b] = stream.tee();
      const { value } = await a.getReader({ mode: "byob" }).read(new Uint8Array(9));
      return [[...value], value.buffer.byteLength, [...(await b.getReader().read()).value]];
    """
    assert run_js(script) == [[9], 9, [9]]


def test_leaving_an_iteration_cancels_the_stream(run_js: RunJs) -> None:
    """Unless preventCancel is set; the lock goes in either case."""
    script = """
      const canceled = [];
      const make = (name) => new ReadableStream({ pull(c) { c.enqueue(1); }, cancel() { canceled.push(name); } });
      const [a, b] = [make("a"), make("b")];
      for await (const chunk of a) break;
      for await (const chunk of b.values({ preventCancel: true })) break;
      const iterator = make("c").values();
      const results = await Promise.all([iterator.next(), iterator.return("r"), iterator.next()]);
      return [canceled, a.locked, b.locked, results];
    """
    assert run_js(script) == [
        ["a", "c"],
        False,
        False,
        [{"value": 1, "done": False}, {"value": "r", "done": True}, {"done": True}],
    ]


def test_streams_from_iterables(run_js: RunJs) -> None:
    """Synchronous and asynchronous ones; promises are awaited; strings are no async sequences."""
    script = f"""{_ALL}
      const returned = [];
      const iterable = {{ [Symbol.asyncIterator]: () => ({{
        next: async () => ({{ value: 1, done: false }}),
        return: async (reason) => {{ returned.push(reason); return {{}}; }},
      }}) }};
      const stream = ReadableStream.from(iterable);
      await stream.getReader().read();
      const other = ReadableStream.from(iterable);
      await other.cancel("why");
      async function* generate() {{ yield 1; throw new RangeError(); }}
      let name;
      try {{ ReadableStream.from("ab"); }} catch (error) {{ name = error.name; }}
      return [await all(from(1, Promise.resolve(2))), await all(ReadableStream.from(generate())), returned, name];
    """
    assert run_js(script) == [[1, 2], [1, "RangeError"], ["why"], "TypeError"]


def test_writes_wait_for_each_other(run_js: RunJs) -> None:
    """`ready` and desiredSize tell of backpressure; close() comes after all chunks."""
    script = """
      const events = [];
      let proceed;
      const stream = new WritableStream({
        write(chunk) { events.push(chunk); return new Promise((resolve) => { proceed = resolve; }); },
        close() { events.push("close"); },
      });
      const writer = stream.getWriter();
      await writer.ready;
      writer.write(1);
      writer.write(2);
      events.push(writer.desiredSize);
      const closed = writer.close();
      await null; await null;
      proceed();
      await null; await null;
      proceed();
      await closed;
      return events;
    """
    assert run_js(script) == [1, -1, 2, "close"]


def test_aborting_signals_the_sink(run_js: RunJs) -> None:
    """Also if it asks for the signal only afterwards; waiting writes are rejected with the reason."""
    script = f"""{_ALL}
      let controller;
      const events = [];
      const stream = new WritableStream({{
        start(c) {{ controller = c; }},
        write() {{ return new Promise(() => {{}}); }},
        abort(reason) {{ events.push(reason); }},
      }});
      const writer = stream.getWriter();
      await writer.ready;
      writer.write(1);
      const write = settled(writer.write(2));
      writer.abort("reason");
      const idle = new WritableStream({{ abort(reason) {{ events.push(`abort ${{reason}}`); }} }});
      await idle.abort("idle");
      return [controller.signal.aborted, controller.signal.reason, events, (await settled(writer.ready))];
    """
    assert run_js(script) == [True, "reason", ["abort idle"], ["reason"]]


def test_a_pipe_writes_what_it_reads(run_js: RunJs) -> None:
    """It locks both ends, closes the destination and unlocks both."""
    script = f"""{_ALL}
      const events = [];
      const sink = {{ write(chunk) {{ events.push(chunk); }}, close() {{ events.push("close"); }} }};
      const [source, dest] = [from(1, 2), new WritableStream(sink)];
      const piped = source.pipeTo(dest);
      events.push(source.locked && dest.locked);
      await piped;
      return [...events, source.locked || dest.locked];
    """
    assert run_js(script) == [True, 1, 2, "close", False]


def test_a_pipe_does_not_write_within_enqueue(run_js: RunJs) -> None:
    """The sink hears of a chunk a microtask later."""
    script = """
      let controller;
      let within = false;
      const seen = [];
      const source = new ReadableStream({ start(c) { controller = c; } }, { highWaterMark: 0 });
      source.pipeTo(new WritableStream({ write() { seen.push(within); } }));
      await new Promise((resolve) => setTimeout(resolve));
      within = true;
      controller.enqueue(1);
      within = false;
      await new Promise((resolve) => setTimeout(resolve));
      return seen;
    """
    assert run_js(script) == [False]


def test_a_pipe_does_not_read_for_a_failing_destination(run_js: RunJs) -> None:
    """A sink whose controller has an error before it has started takes no chunk from the source."""
    script = f"""{_ALL}
      const events = [];
      const source = new ReadableStream({{ pull() {{ events.push("pull"); }} }});
      const dest = new WritableStream({{ start(c) {{ c.error("no"); }} }});
      const piped = await settled(source.pipeTo(dest, {{ preventCancel: true }}));
      return [piped, events];
    """
    assert run_js(script) == [["no"], ["pull"]]


def test_errors_go_both_ways_through_a_pipe(run_js: RunJs) -> None:
    """The source's error aborts the destination, that of the destination cancels the source."""
    script = f"""{_ALL}
      const events = [];
      const sink = {{ abort(reason) {{ events.push(`abort ${{reason}}`); }} }};
      const source = {{ pull(c) {{ c.enqueue(1); }}, cancel(reason) {{ events.push(`cancel ${{reason}}`); }} }};
      const failing = {{ pull() {{ throw "pull"; }} }};
      const results = [
        await settled(new ReadableStream(failing).pipeTo(new WritableStream(sink))),
        await settled(new ReadableStream(source).pipeTo(new WritableStream({{ write() {{ throw "write"; }} }}))),
      ];
      const controller = new AbortController();
      const piped = settled(new ReadableStream().pipeTo(new WritableStream(sink), {{ signal: controller.signal }}));
      controller.abort("signal");
      return [...results, await piped, events];
    """
    assert run_js(script) == [["pull"], ["write"], ["signal"], ["abort pull", "cancel write", "abort signal"]]


def test_a_transform_stream_transforms(run_js: RunJs) -> None:
    """flush() may add to it; backpressure of the readable side holds the writable side up."""
    script = f"""{_ALL}
      const transform = new TransformStream({{
        transform(chunk, controller) {{ controller.enqueue(chunk * 2); }},
        flush(controller) {{ controller.enqueue("end"); }},
      }});
      const idle = new TransformStream();
      const writer = idle.writable.getWriter();
      const written = [];
      writer.write(1).then(() => written.push(1));
      writer.write(2).then(() => written.push(2));
      await ticks();
      const {{ value }} = await idle.readable.getReader().read();
      await ticks();
      return [await all(from(1, 2).pipeThrough(transform)), value, written];
    """
    assert run_js(script) == [[2, 4, "end"], 1, [1]]


def test_either_side_of_a_transform_stream_ends_the_other(run_js: RunJs) -> None:
    """cancel() of the transformer runs once, for a cancelled readable or an aborted writable side."""
    script = f"""{_ALL}
      const events = [];
      const make = () => new TransformStream({{ cancel(reason) {{ events.push(reason); }} }});
      const [a, b, c] = [make(), make(), new TransformStream({{ start(controller) {{ controller.terminate(); }} }})];
      await a.readable.cancel("a");
      await b.writable.abort("b");
      return [
        events,
        await settled(a.writable.getWriter().closed),
        await settled(b.readable.getReader().read()),
        await all(c.readable),
        await settled(c.writable.getWriter().closed),
      ];
    """
    assert run_js(script) == [["a", "b"], ["a"], ["b"], [], ["TypeError"]]


def test_a_transformer_that_fails_while_an_abort_waits(run_js: RunJs) -> None:
    """Its cancel() is not called any more, and abort() rejects with its error."""
    script = f"""{_ALL}
      let fail;
      const stream = new TransformStream({{
        transform() {{ return new Promise((_, reject) => {{ fail = reject; }}); }},
        cancel() {{ fail("cancel"); }},
      }}, undefined, {{ highWaterMark: 1 }});
      const writer = stream.writable.getWriter();
      writer.write(1).catch(() => {{}});
      await ticks();
      const aborted = settled(writer.abort("abort"));
      fail("transform");
      return aborted;
    """
    assert run_js(script) == ["transform"]


def test_queuing_strategies(run_js: RunJs) -> None:
    """One counts chunks, one their bytes; a size that is no length is a RangeError."""
    script = """
      const { size } = new ByteLengthQueuingStrategy({ highWaterMark: 8 });
      let controller;
      const stream = new ReadableStream({ start(c) { controller = c; } }, { highWaterMark: 8, size });
      controller.enqueue(new Uint8Array(3));
      const { desiredSize } = controller;
      let name;
      try { controller.enqueue({ byteLength: -1 }); } catch (error) { name = error.name; }
      return [desiredSize, name, new CountQueuingStrategy({ highWaterMark: 1 }).size("x"), controller.desiredSize];
    """
    assert run_js(script) == [5, "RangeError", 1, None]


def test_long_queues_take_linear_time(run_js: RunJs) -> None:
    """50,000 chunks in the queue are read in a moment."""
    script = f"""{_ALL}
      const start = (c) => {{ for (let i = 0; i < 50000; i++) c.enqueue(i); c.close(); }};
      return (await all(new ReadableStream({{ start }}))).length;
    """
    assert run_js(script, turn_budget=5.0) == 50000


def test_a_site_that_patches_promises_is_not_heard(run_js: RunJs) -> None:
    """Neither Promise.prototype.then nor Object.prototype.then comes between a source and a sink."""
    script = """
      const got = [];
      const stream = new ReadableStream({ start(c) { c.enqueue("a"); c.close(); } });
      await null; // the test's own use of then() is over
      const { then } = Promise.prototype;
      let calls = 0;
      Promise.prototype.then = function (...handlers) { calls++; return then.apply(this, handlers); };
      Object.prototype.then = () => { calls++; };
      const dest = new WritableStream({ write(chunk) { got.push(chunk); } });
      const piped = stream.pipeThrough(new TransformStream()).pipeTo(dest);
      await new Promise((resolve) => setTimeout(resolve));
      delete Object.prototype.then;
      Promise.prototype.then = then;
      await piped;
      return [got, calls];
    """
    assert run_js(script) == [["a"], 0]


def test_the_interfaces_are_those_of_web_idl(run_js: RunJs) -> None:
    """Brands are checked, promises reject, what has no constructor says so, members are enumerable."""
    script = f"""{_ALL}
      const thrown = (f) => {{ try {{ f(); }} catch (error) {{ return error.name; }} }};
      const {{ read }} = ReadableStreamDefaultReader.prototype;
      return [
        await settled(read.call({{}})),
        thrown(() => new ReadableStreamDefaultController()),
        thrown(() => new ReadableStream({{ type: "byte" }})),
        thrown(() => new ReadableStream(null)),
        ReadableStream.prototype.values === ReadableStream.prototype[Symbol.asyncIterator],
        Object.keys(WritableStream.prototype).join(),
        String(new ReadableStream().values()),
        [ReadableStream, TransformStream, WritableStreamDefaultWriter].map((f) => f.length).join(),
      ];
    """
    assert run_js(script) == [
        ["TypeError"],
        "TypeError",
        "TypeError",
        "TypeError",
        True,
        "locked,abort,close,getWriter",
        "[object ReadableStream AsyncIterator]",
        "0,0,1",
    ]


def test_streams_can_be_transferred(run_js: RunJs) -> None:
    """The original is locked, chunks arrive as clones, and what cannot be cloned errors the stream."""
    script = f"""{_ALL}
      const chunk = {{ a: 1 }};
      const stream = from(chunk);
      const copy = structuredClone(stream, {{ transfer: [stream] }});
      const [received] = await all(copy);
      const transform = new TransformStream({{ transform(c, controller) {{ controller.enqueue(c + 1); }} }});
      const far = structuredClone(transform, {{ transfer: [transform] }});
      const bad = from(() => {{}});
      const locked = new WritableStream();
      locked.getWriter();
      let name;
      try {{ structuredClone(locked, {{ transfer: [locked] }}); }} catch (error) {{ ({{ name }} = error); }}
      return [
        received,
        received !== chunk,
        await all(from(1).pipeThrough(far)),
        await all(structuredClone(bad, {{ transfer: [bad] }})),
        name,
      ];
    """
    assert run_js(script) == [{"a": 1}, True, [2], ["DataCloneError"], "DataCloneError"]
