"""Bodies as streams: those of the host that a script reads, and those that a script writes for the host."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from helpers import ORIGIN, RealmProcess, network_response, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

URL = f"{ORIGIN}/body"
_LONG = b"0123456789abcdef" * 10_000
_STREAM_ID = 5

_SETTLED = """
  const settled = (promise) => promise.then((value) => ["ok", value], (error) => [error.name, error.message]);
  const bytes = (text) => new TextEncoder().encode(text);
  const streamOf = (...chunks) => new ReadableStream({
    start(c) { for (const chunk of chunks) c.enqueue(chunk); c.close(); },
  });
"""


def read(run_js: RunJs, script: str, body: bytes = _LONG) -> Any:
    """What the script returns; its fetch("/body") is answered with the body."""
    return run_js(_SETTLED + script, responses={URL: network_response(body, url=URL)})


def test_a_body_arrives_in_chunks(run_js: RunJs) -> None:
    """The host gives 64 KiB at a time; BYOB readers get as much as they ask for."""
    script = """
      const sizes = [];
      const { body } = await fetch("/body");
      const { value } = await body.getReader({ mode: "byob" }).read(new Uint8Array(3));
      for await (const chunk of (await fetch("/body")).body) sizes.push(chunk.length);
      return [new TextDecoder().decode(value), sizes];
    """
    assert read(run_js, script) == ["012", [65536, 65536, 28928]]


def test_text_and_bytes_of_a_script_as_streams(run_js: RunJs) -> None:
    """One chunk, which is the reader's own; none for an empty body."""
    script = """
      const response = new Response(bytes("abc"));
      const copy = response.clone();
      for await (const chunk of response.body) chunk[0] = 0;
      const text = [];
      for await (const chunk of new Response("ž").body) text.push(...chunk);
      return [await copy.text(), text, await settled(new Response("").body.getReader().read())];
    """
    assert read(run_js, script) == ["abc", [0xC5, 0xBE], ["ok", {"done": True}]]


def test_a_stream_that_nobody_has_touched_is_no_detour(tmp_path: Path) -> None:
    """Its body goes to the client as the host has it, through a second Response and a clone."""
    source = """
      onfetch = (event) => event.respondWith((async () => {
        const response = await fetch("/body");
        return new Response(response.body.locked ? null : response.body).clone();
      })());
    """
    with realm_process(tmp_path, source, responses={URL: network_response(_LONG, url=URL)}) as process:
        assert respond(process).body == messages.Inline(_LONG)


def respond(process: RealmProcess) -> messages.Response:
    """What the worker answers to a fetch event."""
    process.wait_for(messages.Started)
    process.send(messages.DispatchFetch(1, messages.Request(None, "GET", f"{ORIGIN}/", []), "", ""))
    answer: messages.Respond = process.wait_for(messages.Respond)
    assert answer.response is not None, answer.error
    return answer.response


def test_a_body_is_used_by_whoever_reads_it(run_js: RunJs) -> None:
    """bodyUsed and locked tell, whether the stream was there before or is asked for afterwards."""
    script = """
      const before = await fetch("/body");
      const { body } = before;
      const states = [before.bodyUsed, (await before.text()).length, before.bodyUsed, body.locked];
      const after = await fetch("/body");
      await after.text();
      const other = await fetch("/body");
      const wrapped = new Response(other.body);
      await wrapped.text();
      return [states, after.body.locked, after.bodyUsed, body === before.body, other.bodyUsed];
    """
    assert read(run_js, script) == [[False, len(_LONG), True, True], True, True, True, True]


def test_a_clone_of_a_body_that_is_a_stream(run_js: RunJs) -> None:
    """Each reads all of it; the chunks of the second are copies."""
    script = """
      const chunk = bytes("x");
      const response = new Response(streamOf(chunk));
      const copy = response.clone();
      const { value } = await copy.body.getReader().read();
      const touched = await fetch("/body");
      const { body } = touched;
      const other = touched.clone();
      const lengths = [(await touched.text()).length, (await other.text()).length];
      return [value !== chunk, await response.text(), lengths, body.locked];
    """
    assert read(run_js, script) == [True, "x", [len(_LONG), len(_LONG)], True]


def test_the_text_of_a_body_as_a_stream(run_js: RunJs) -> None:
    """It is UTF-8 whatever the type says, and without its byte order mark; a null body has an empty one."""
    script = """
      const read = async (stream) => { let text = ""; for await (const chunk of stream) text += chunk; return text; };
      const response = await fetch("/body");
      const stream = response.textStream();
      const states = [response.bodyUsed, response.body.locked];
      const cut = new Response(streamOf(bytes("ž").subarray(0, 1), bytes("ž").subarray(1), new Uint8Array([0xc5])));
      const request = new Request("/", { method: "POST", body: "ab" });
      const empty = new Response(null);
      return [states, await read(stream), await read(cut.textStream()), await read(request.textStream()),
        await read(empty.textStream()), empty.bodyUsed, await settled(read(empty.textStream()))];
    """
    assert read(run_js, script, b"\xef\xbb\xbfab\xff") == [
        *[[True, True], "ab\ufffd", "ž\ufffd", "ab", "", False, ["ok", ""]],
    ]


def test_the_text_of_what_cannot_be_read(run_js: RunJs) -> None:
    """A body that is used or locked has no text stream; that of a broken one breaks, and so does one of no bytes."""
    script = """
      const used = new Response("a");
      await used.text();
      const locked = new Response("a");
      locked.body.getReader();
      const broken = new Response(new ReadableStream({ start: (c) => c.error(new RangeError("broken")) }));
      const first = (response) => settled(response.textStream().getReader().read());
      const failures = [used, locked].map((response) => {
        try { return response.textStream(); } catch (error) { return error.name; }
      });
      const names = [await first(broken), await first(new Response(streamOf("text")))].map(([name]) => name);
      let reason;
      const kept = new Response(new ReadableStream({ cancel(given) { reason = given; } }));
      await kept.textStream().cancel("enough");
      await Promise.resolve();
      return [failures, names, reason];
    """
    assert read(run_js, script) == [["TypeError", "TypeError"], ["RangeError", "TypeError"], "enough"]


def test_reading_a_broken_body_uses_it(run_js: RunJs) -> None:
    """Its stream is locked and disturbed from then on, and there is nothing to clone."""
    script = """
      const outcomes = [];
      for (const method of ["text", "blob", "formData"]) {
        const stream = new ReadableStream({ start: (c) => c.error(new RangeError("broken")) });
        const type = "application/x-www-form-urlencoded";
        const response = new Response(stream, { headers: { "Content-Type": type } });
        const before = response.bodyUsed;
        const [name] = await settled(response[method]());
        let clone = "cloned";
        try { response.clone(); } catch (error) { clone = error.name; }
        outcomes.push([before, name, response.bodyUsed, stream.locked, clone]);
      }
      return outcomes;
    """
    assert read(run_js, script) == [[False, "RangeError", True, True, "TypeError"]] * 3


def test_cancelling_the_stream_of_a_body_releases_it(tmp_path: Path) -> None:
    """The proxy hears that nobody will read the rest."""
    source = """
      onfetch = (event) => {
        event.respondWith(new Response());
        event.waitUntil(event.request.body.cancel());
      };
    """
    request = messages.Request(None, "POST", f"{ORIGIN}/", [], messages.Stream(_STREAM_ID))
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(messages.DispatchFetch(1, request, "", ""))
        assert process.wait_for(messages.BodyRelease).id == _STREAM_ID


def test_the_proxy_is_asked_for_a_chunk_when_it_is_read(tmp_path: Path) -> None:
    """What goes wrong there errors the stream."""
    source = """
      onfetch = (event) => event.respondWith((async () => {
        const reader = event.request.body.getReader();
        const { value } = await reader.read();
        console.log([...value].join(), await reader.read().catch(String));
        return new Response();
      })());
    """
    request = messages.Request(None, "POST", f"{ORIGIN}/", [], messages.Stream(_STREAM_ID))
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(messages.DispatchFetch(1, request, "", ""))
        assert process.wait_for(messages.BodyPull).id == _STREAM_ID
        process.send(messages.BodyChunk(_STREAM_ID, b"ab"))
        process.wait_for(messages.BodyPull)
        process.send(messages.BodyChunk(_STREAM_ID, b"", "it broke"))
        assert process.wait_for(messages.Log).text == "97,98 TypeError: it broke"


def test_what_a_script_writes_is_stored(run_js: RunJs) -> None:
    """The host has all of it, in the order of the chunks; an error of the stream is one of the cache's put()."""
    script = """
      const cache = await caches.open("c");
      let n = 0;
      await cache.put("/a", new Response(new ReadableStream({
        async pull(c) { n++; c.enqueue(new Uint8Array(n < 4 ? 300000 : 1).fill(n)); if (n === 4) c.close(); },
      })));
      const stored = await (await cache.match("/a")).bytes();
      const pull = (c) => { if (n++ > 4) throw new Error("broken"); c.enqueue(bytes("x")); };
      const broken = new ReadableStream({ pull });
      const { 0: name } = await settled(cache.put("/b", new Response(broken)));
      return [stored.length, stored[0], stored[300000], stored[900000], name];
    """
    assert read(run_js, script) == [900001, 1, 2, 4, "TypeError"]


def test_chunks_that_are_no_bytes(run_js: RunJs) -> None:
    """They are a TypeError, for the script that reads and for the host."""
    script = """
      const canceled = [];
      const make = () => new ReadableStream({ start(c) { c.enqueue("x"); }, cancel(e) { canceled.push(e.name); } });
      const { 0: name } = await settled(new Response(make()).text());
      const { 0: stored } = await settled((await caches.open("c")).put("/a", new Response(make())));
      return [name, stored, canceled];
    """
    assert read(run_js, script) == ["TypeError", "TypeError", ["TypeError"]]


def test_a_client_that_leaves_cancels_the_stream(tmp_path: Path) -> None:
    """Also while the script has nothing to write."""
    source = """
      onfetch = (event) => event.respondWith(new Response(new ReadableStream({
        start(c) { c.enqueue(new Uint8Array([1, 2])); },
        cancel(reason) { console.log(reason.name); },
      })));
    """
    with realm_process(tmp_path, source) as process:
        body = respond(process).body
        assert isinstance(body, messages.Stream)
        process.send(messages.BodyPull(body.id))
        assert process.wait_for(messages.BodyChunk).data == b"\x01\x02"
        process.send(messages.BodyRelease(body.id))
        assert process.wait_for(messages.Log).text == "AbortError"


def test_an_aborted_fetch_fails_the_reading_of_its_body(run_js: RunJs) -> None:
    """At once and with the reason; an empty body has ended by then."""
    script = """
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const [plain, touched] = await Promise.all([fetch("/body", options), fetch("/body", options)]);
      const { body } = touched;
      controller.abort(new DOMException("enough", "AbortError"));
      const events = [];
      plain.text().catch((error) => events.push(error.message));
      await null;
      await null;
      return [events, await settled(plain.text()), await settled(body.getReader().read()), plain.bodyUsed];
    """
    used = ["TypeError", "The body is locked or has been read."]
    assert read(run_js, script) == [["enough"], used, ["AbortError", "enough"], True]
    empty = """
      const controller = new AbortController();
      const response = await fetch("/body", { signal: controller.signal });
      controller.abort();
      return response.text();
    """
    assert read(run_js, empty, b"") == ""


@pytest.mark.parametrize(
    ("read_it", "asked"),
    [
        ("(response) => response.text()", messages.BodyPull),
        ("(response) => response.body.getReader().read()", messages.BodyPull),
        ("(response) => new Response(response.body).bytes()", messages.BodyPull),
        ("(response) => response.blob()", messages.BodySave),
        ("async (response) => (await caches.open('c')).put('/x', response)", messages.BodySave),
    ],
)
def test_an_aborted_fetch_fails_all_clones_of_its_response(
    tmp_path: Path, read_it: str, asked: type[messages.BodyPull] | type[messages.BodySave]
) -> None:
    """With the reason that the script gave, though the proxy only knows that there is no more."""
    source = f"""
      const read = {read_it};
      const controller = new AbortController();
      fetch("/body", {{ signal: controller.signal }}).then(async (response) => {{
        const promise = read(response.clone());
        controller.abort("enough");
        console.log(await promise.catch((reason) => reason));
      }});
    """
    unfinished = msgspec.structs.replace(network_response(url=URL), body=messages.Stream(_STREAM_ID, None))
    with realm_process(tmp_path, source, responses={URL: unfinished}) as process:
        copy = process.wait_for(asked).id
        if asked is messages.BodyPull:
            process.send(messages.BodyChunk(copy, b"", "The fetch was aborted.", "AbortError"))
        else:
            process.send(messages.BodySaved(copy, "", 0, ("AbortError", "The fetch was aborted.")))
        assert process.wait_for(messages.Log).text == "enough"


def test_a_request_made_from_another_takes_its_stream(run_js: RunJs) -> None:
    """The first is used up, the second gets what it would have got."""
    script = """
      const init = { method: "POST", body: streamOf(bytes("ab"), bytes("c")), duplex: "half" };
      const first = new Request("/", init);
      const second = new Request(first);
      return [first.bodyUsed, second.bodyUsed, await second.text()];
    """
    assert read(run_js, script) == [True, False, "abc"]


def test_a_site_does_not_come_between_a_stream_and_its_text(run_js: RunJs) -> None:
    """A `then` that all objects have is not asked."""
    script = """
      const response = new Response(streamOf(bytes("hello")));
      Object.prototype.then = (resolve) => { delete Object.prototype.then; resolve({ value: bytes("bye") }); };
      const text = await response.text();
      delete Object.prototype.then;
      return text;
    """
    assert read(run_js, script) == "hello"


def test_many_bytes_of_a_script_become_a_body(run_js: RunJs) -> None:
    """They go to the host in pieces: 24 MiB, of the kind that takes most room on its way."""
    assert run_js(
        """
        const size = 3 << 23;
        const bytes = new Uint8Array(size);
        bytes[size - 1] = 7;
        const cache = await caches.open("a");
        await cache.put("https://site.example/large", new Response(bytes));
        const blob = await (await cache.match("https://site.example/large")).blob();
        return [blob.size, (await blob.slice(-2).bytes())[1]];
        """
    ) == [3 << 23, 7]
