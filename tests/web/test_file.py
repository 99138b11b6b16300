"""Blob, File, FileReader, and blob() of responses."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers import ORIGIN, RealmProcess, network_response, realm_process

from swproxy.ipc import messages
from swproxy.storage.bodies import MEMORY_LIMIT

RunJs = Callable[..., Any]


def test_the_parts_of_a_blob(run_js: RunJs) -> None:
    """Strings, buffers, views and blobs are put together; what is no such thing becomes a string."""
    script = """
      const buffer = new Uint8Array([48, 49, 50, 51]).buffer;
      const views = [new DataView(buffer, 1, 2), new Uint16Array(buffer, 2)];
      const blob = new Blob(["ž\\ud800", buffer, ...views, new Blob(["b"]), null]);
      return [await blob.text(), blob.size, blob.type];
    """
    assert run_js(script) == ["ž\ufffd0123" + "12" + "23" + "b" + "null", 18, ""]


def test_line_endings(run_js: RunJs) -> None:
    """Strings get native line endings if asked, each for itself."""
    script = """
      const parts = ["a\\r\\nb\\rc\\n\\r", "\\nd"];
      const native = new Blob(parts, { endings: "native" });
      return [await new Blob(parts).text(), await native.text()];
    """
    assert run_js(script) == ["a\r\nb\rc\n\r\nd", "a\nb\nc\n\n\nd"]


def test_the_type_of_a_blob(run_js: RunJs) -> None:
    """It is lower-cased, not parsed; characters that no type has make it empty."""
    script = """
      const types = [" Image/GIF ;x", "a\\tb", "é", "\\u0130"];
      return types.map((type) => [new Blob([], { type }).type, new Blob().slice(0, 0, type).type]);
    """
    assert run_js(script) == [[" image/gif ;x"] * 2, ["", ""], ["", ""], ["", ""]]


def test_slices(run_js: RunJs) -> None:
    """Negative positions count from the end, all are clamped, and slices can be sliced."""
    script = """
      const blob = new Blob(["0123456789"]).slice(1, 9);
      const ranges = [[], [2], [-3, -1], [5, 2], [-99, 1e30], [NaN, 1]];
      return Promise.all(ranges.map((range) => blob.slice(...range).text()));
    """
    assert run_js(script) == ["12345678", "345678", "67", "", "12345678", "1"]


def test_a_large_blob_is_kept_in_a_file(tmp_path: Path) -> None:
    """It crosses to the host and back in chunks, and its file has no name."""
    script = """
      (async () => {
        const piece = new Uint8Array(1 << 20);
        for (let i = 0; i < piece.length; i++) piece[i] = i % 251;
        const blob = new Blob([piece, "x", piece, new Blob([piece])]);
        const bytes = await blob.bytes();
        const expected = (i) => (i === 1 << 20 ? 120 : ((i - (i > 1 << 20)) % (1 << 20)) % 251);
        console.log(JSON.stringify([blob.size, bytes.findIndex((byte, i) => byte !== expected(i))]));
      })();
    """
    with realm_process(tmp_path, script) as process:
        assert process.wait_for(messages.Log).text == f"[{(3 << 20) + 1},-1]"
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def _respond(process: RealmProcess) -> tuple[messages.Respond, bytes]:
    """The answer to a fetch event and its bytes."""
    process.wait_for(messages.Started)
    process.send(messages.DispatchFetch(1, messages.Request(None, "GET", f"{ORIGIN}/", []), "", ""))
    answer = process.wait_for(messages.Respond)
    assert answer.response is not None, answer.error
    body = answer.response.body
    if isinstance(body, messages.Inline):
        return answer, body.data
    assert isinstance(body, messages.OnDisk)
    return answer, os.pread(process.channel.files.popleft(), body.size, body.offset)


def test_a_range_of_a_cached_response(tmp_path: Path) -> None:
    """A slice of a blob answers with exactly its bytes, which stay in the cache's file on their way to the client."""
    script = """
      addEventListener("fetch", (event) => event.respondWith((async () => {
        const cache = await caches.open("c");
        await cache.put("/video", new Response(new Uint8Array(100_000).map((_, i) => i % 251)));
        const response = await cache.match("/video");
        const blob = await response.blob();
        const headers = { "Content-Range": `bytes 1000-50999/${blob.size}` };
        return new Response(blob.slice(1000, 51_000), { status: 206, headers });
      })()));
    """
    with realm_process(tmp_path, script) as process:
        answer, data = _respond(process)
    assert isinstance(answer.response.body, messages.OnDisk)
    assert answer.response.status == 206
    assert answer.response.headers == [("Content-Range", "bytes 1000-50999/100000")]
    assert data == bytes(i % 251 for i in range(1000, 51_000))


def test_a_blob_can_be_cached(run_js: RunJs) -> None:
    """A slice of a blob in a file goes into a cache, and comes back with its type."""
    script = """
      const blob = new Blob(["x".repeat(3_000_000)], { type: "a/b" });
      const cache = await caches.open("c");
      await cache.put("/", new Response(blob.slice(1, 2_000_001, "C/D")));
      const cached = await (await cache.match("/")).blob();
      return [cached.size, cached.type, await cached.slice(-2).text()];
    """
    assert run_js(script) == [2_000_000, "c/d", "xx"]


def _stream_response(size: int | None) -> messages.Response:
    return messages.Response("basic", [f"{ORIGIN}/s"], 200, "OK", [], messages.Stream(1, size), "network")


_BLOB_OF_STREAM = """
  fetch("/s").then((response) => response.blob()).then(
    async (blob) => console.log(`${blob.size} ${await blob.slice(-3).text()}`),
    (error) => console.log(error.name),
  );
"""


def test_a_blob_of_a_stream_is_saved_by_the_proxy(tmp_path: Path) -> None:
    """The bytes of a response that is still arriving go to a file, whose name is removed."""
    size = MEMORY_LIMIT + 3
    with realm_process(tmp_path, _BLOB_OF_STREAM, responses={f"{ORIGIN}/s": _stream_response(None)}) as process:
        assert process.wait_for(messages.BodySave).id == 1
        path = tmp_path / "saved"
        path.write_bytes(b"x" * (size - 3) + b"end")
        process.send(messages.BodySaved(1, str(path), size))
        assert process.wait_for(messages.Log).text == f"{size} end"
        assert not path.exists()


def test_a_blob_of_a_short_stream_needs_no_file(tmp_path: Path) -> None:
    """A response that is known to be small is read into memory."""
    with realm_process(tmp_path, _BLOB_OF_STREAM, responses={f"{ORIGIN}/s": _stream_response(5)}) as process:
        for data in (b"he", b"llo", b""):
            process.wait_for(messages.BodyPull)
            process.send(messages.BodyChunk(1, data))
        assert process.wait_for(messages.Log).text == "5 llo"


def test_a_blob_of_a_broken_stream(tmp_path: Path) -> None:
    """What the proxy could not receive or keep rejects blob()."""
    with realm_process(tmp_path, _BLOB_OF_STREAM, responses={f"{ORIGIN}/s": _stream_response(None)}) as process:
        process.wait_for(messages.BodySave)
        process.send(messages.BodySaved(1, "", 0, ("QuotaExceededError", "full")))
        assert process.wait_for(messages.Log).text == "QuotaExceededError"


def test_blob_is_aborted_with_its_fetch(tmp_path: Path) -> None:
    """Aborting rejects blob() at once, though the proxy is still receiving."""
    script = """
      const controller = new AbortController();
      fetch("/s", { signal: controller.signal }).then(async (response) => {
        const blob = response.blob();
        setTimeout(() => controller.abort("enough"), 0);
        console.log(await blob.catch((reason) => reason));
      });
    """
    with realm_process(tmp_path, script, responses={f"{ORIGIN}/s": _stream_response(None)}) as process:
        process.wait_for(messages.BodySave)
        assert process.wait_for(messages.Log).text == "enough"


def test_a_blob_of_a_stream_of_the_script(run_js: RunJs) -> None:
    """The host takes it in chunk by chunk; an error is the very one that the stream has."""
    script = """
      const chunks = [new Uint8Array(2 << 20).fill(120), new TextEncoder().encode("end")];
      const stream = () => new ReadableStream({
        pull(controller) {
          if (chunks.length > 0) controller.enqueue(chunks.shift());
          else controller.close();
        },
      });
      const blob = await new Response(stream()).blob();
      const error = new Error();
      const broken = new Response(new ReadableStream({ pull: (controller) => controller.error(error) }));
      const wrong = new Response(new ReadableStream({ pull: (controller) => controller.enqueue("text") }));
      return [blob.size, await blob.slice(-4).text(), await broken.blob().catch((reason) => reason === error),
        await wrong.blob().catch((reason) => reason.name)];
    """
    assert run_js(script) == [(2 << 20) + 3, "xend", True, "TypeError"]


def test_the_stream_of_a_blob(run_js: RunJs) -> None:
    """It is a byte stream, and goes back to the host as it is if nobody has read it."""
    script = """
      const blob = new Blob(["0123456789"]).slice(2, 8);
      const reader = blob.stream().getReader({ mode: "byob" });
      const { value } = await reader.read(new Uint8Array(4));
      let text = "";
      for await (const chunk of blob.stream()) text += new TextDecoder().decode(chunk);
      return [new TextDecoder().decode(value), text, await new Response(blob.stream()).text()];
    """
    assert run_js(script) == ["2345", "234567", "234567"]


def test_the_text_of_a_blob_as_a_stream(run_js: RunJs) -> None:
    """It is UTF-8, whatever the type says."""
    script = """
      const blob = new Blob(["\ufeffž", new Uint8Array([0xff])], { type: "text/plain;charset=windows-1252" });
      const chunks = [];
      for await (const chunk of blob.textStream()) chunks.push(chunk);
      return [chunks.join(""), await blob.slice(3).text()];
    """
    assert run_js(script) == ["ž\ufffd", "ž\ufffd"]


def test_the_type_of_blob_is_that_of_the_response(run_js: RunJs) -> None:
    """It is Fetch's MIME type of the headers, normalized but not lower-cased; a body's blob is used up."""
    response = network_response("ab", url=f"{ORIGIN}/t", Content_Type='Text/X; Charset="UTF-8";, */*')
    script = """
      const response = await fetch("/t");
      const blob = await response.blob();
      return [blob.type, blob.size, response.bodyUsed, await response.blob().catch((error) => error.name)];
    """
    result = run_js(script, responses={f"{ORIGIN}/t": response})
    assert result == ["text/x;charset=UTF-8", 2, True, "TypeError"]


def test_a_file(run_js: RunJs) -> None:
    """It has a name and a date; a copy of a blob shares its bytes."""
    script = """
      const before = Date.now();
      const file = new File([new Blob(["a"])], "n/m", { type: "T/x", lastModified: new Date(5) });
      const now = new File([], "now").lastModified;
      const { name, type, lastModified, size } = file;
      return [name, type, lastModified, size, now >= before, file instanceof Blob, `${file}`];
    """
    assert run_js(script) == ["n/m", "t/x", 5, 1, True, True, "[object File]"]


def test_a_file_reader(run_js: RunJs) -> None:
    """Its events come in their order, each in a task of its own; the result is there at the end."""
    script = """
      const read = (blob, method, ...rest) => new Promise((resolve) => {
        const reader = new FileReader();
        const seen = [];
        for (const type of ["loadstart", "progress", "load", "loadend", "error", "abort"]) {
          reader.addEventListener(type, async (event) => {
            seen.push(`${type} ${event.loaded}/${event.total} ${reader.readyState} ${reader.result === null}`);
            await null;
            await null;
            if (type === "loadend") resolve([reader.result, ...seen]);
            else seen.push("job");
          });
        }
        reader[method](blob, ...rest);
      });
      const text = await read(new Blob(["ab"]), "readAsText");
      const results = [];
      const blob = new Blob([new Uint8Array([0xe9])], { type: "x/y;charset=windows-1252" });
      for (const label of [undefined, "utf-8", "?", "hz-gb-2312"]) {
        results.push((await read(blob, "readAsText", label))[0]);
      }
      for (const method of ["readAsBinaryString", "readAsDataURL"]) results.push((await read(blob, method))[0]);
      return [text, results, (await read(new Blob(), "readAsArrayBuffer"))[0].byteLength];
    """
    text, results, length = run_js(script)
    assert text == [
        *("ab", "loadstart 0/2 1 true", "job", "progress 2/2 1 true", "job", "load 2/2 2 false", "job"),
        "loadend 2/2 2 false",
    ]
    assert results == ["é", "\ufffd", "é", "\ufffd", "é", "data:x/y;charset=windows-1252;base64,6Q=="]
    assert length == 0


def test_a_file_reader_reads_large_blobs_whole(run_js: RunJs) -> None:
    """Chunks are put together without a seam."""
    script = """
      const blob = new Blob(["0123456789".repeat(200_000)]);
      const read = (method) => new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader[method](blob);
      });
      const expected = await blob.text();
      const buffer = await read("readAsArrayBuffer");
      const url = await read("readAsDataURL");
      return [
        (await new Blob([buffer]).text()) === expected,
        atob(url.slice(url.indexOf(",") + 1)) === expected,
        (await read("readAsText")) === expected,
      ];
    """
    assert run_js(script) == [True, True, True]


def test_a_file_reader_is_aborted(run_js: RunJs) -> None:
    """abort() ends the reading at once; the next one goes on undisturbed by what is left of it."""
    script = """
      const reader = new FileReader();
      const seen = [];
      for (const type of ["loadstart", "progress", "load", "abort"]) {
        reader.addEventListener(type, () => seen.push(type));
      }
      reader.abort();
      reader.readAsText(new Blob(["a"]));
      try { reader.readAsText(new Blob(["b"])); } catch (error) { seen.push(error.name); }
      reader.onloadend = () => seen.push("first end");
      reader.abort();
      seen.push(reader.result, reader.readyState);
      reader.readAsText(new Blob(["c"]));
      await new Promise((resolve) => (reader.onloadend = resolve));
      return [...seen, reader.result];
    """
    assert run_js(script) == [
        *("InvalidStateError", "abort", "first end", None, 2),
        *("loadstart", "progress", "load", "c"),
    ]


def test_structured_clone(run_js: RunJs) -> None:
    """A clone has the same bytes, type, name and date."""
    script = """
      const file = new File(["0123"], "n", { type: "a/b", lastModified: 3 });
      const [blob, clone] = structuredClone([file.slice(1, 3, "c/d"), file]);
      return [await blob.text(), blob.type, await clone.text(), clone.type, clone.name, clone.lastModified,
        blob instanceof File, clone instanceof File];
    """
    assert run_js(script) == ["12", "c/d", "0123", "a/b", "n", 3, False, True]


def test_what_service_workers_do_not_have(run_js: RunJs) -> None:
    """Blob URLs and synchronous readers are for other workers."""
    script = """
      return [typeof FileReaderSync, typeof URL.createObjectURL, typeof FileList, new Blob() instanceof FileList,
        await fetch("blob:https://site.test/1").catch((error) => error.name)];
    """
    assert run_js(script) == ["undefined", "undefined", "function", False, "TypeError"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")
def test_handles_are_released(tmp_path: Path) -> None:
    """A blob that nobody can reach any more gives its file back; slices of it have none of their own."""
    script = """
      const kept = [];
      for (let i = 0; i < 30; i++) {
        const blob = new Blob(["x".repeat(2 << 20)]);
        if (i === 0) for (let j = 0; j < 1000; j++) kept.push(blob.slice(j));
      }
      setTimeout(() => console.log("done"), 0);
    """
    with realm_process(tmp_path, script) as process:
        process.wait_for(messages.Log)
        worker = psutil.Process().children()[-1]
        files = [str(fd.readlink()) for fd in Path(f"/proc/{worker.pid}/fd").iterdir()]
        assert len([file for file in files if str(tmp_path) in file]) == 1
