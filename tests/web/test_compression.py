"""CompressionStream and DecompressionStream."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest

RunJs = Callable[..., Any]

_TEXT = b"compressed " * 50
_COMPRESSED = {
    "gzip": gzip.compress(_TEXT),
    "deflate": zlib.compress(_TEXT),
    "deflate-raw": zlib.compress(_TEXT)[2:-4],
    "brotli": brotli.compress(_TEXT),
}

# Compresses or decompresses chunks; the bytes, or the error's name.
_THROUGH = """
  const through = async (stream, ...chunks) => {
    try {
      return await new Blob(await Array.fromAsync(ReadableStream.from(chunks).pipeThrough(stream))).bytes();
    } catch (error) {
      return error.name;
    }
  };
  const text = (bytes) => typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
"""


@pytest.mark.parametrize("format_", list(_COMPRESSED))
def test_what_is_compressed_is_decompressed(run_js: RunJs, format_: str) -> None:
    """Any buffer source is a chunk, an empty one, too."""
    script = f"""{_THROUGH}
      const chunks = [new TextEncoder().encode("abc"), new ArrayBuffer(0), new Uint16Array([0x6464]).buffer];
      const compressed = await through(new CompressionStream("{format_}"), ...chunks);
      const bytes = Array.from(compressed, (byte) => new Uint8Array([byte]));
      return text(await through(new DecompressionStream("{format_}"), ...bytes));
    """
    assert run_js(script) == "abcdd"


@pytest.mark.parametrize("format_", list(_COMPRESSED))
def test_what_others_have_compressed(run_js: RunJs, format_: str) -> None:
    """It is decompressed; more or fewer bytes than there should be are a TypeError."""
    script = f"""{_THROUGH}
      const bytes = new Uint8Array({list(_COMPRESSED[format_])});
      const decompress = async (...chunks) => text(await through(new DecompressionStream("{format_}"), ...chunks));
      const none = new Uint8Array(0);
      const more = new Uint8Array([...bytes, 33]);
      return [
        await decompress(bytes, none),
        await decompress(more),
        await decompress(bytes, new Uint8Array([33])),
        await decompress(bytes.subarray(0, -1)),
        await decompress(none),
      ];
    """
    assert run_js(script) == [_TEXT.decode(), *["TypeError"] * 4]


def test_what_is_before_an_error_comes_out(run_js: RunJs) -> None:
    """A reader that waits gets the data before the bytes that should not be there."""
    script = f"""
      const stream = new DecompressionStream("gzip");
      const reader = stream.readable.getReader();
      const first = reader.read();
      const written = stream.writable.getWriter().write(new Uint8Array([...{list(_COMPRESSED["gzip"])}, 1]));
      const failed = await written.catch((error) => error.name);
      return [(await first).value.length, failed, await reader.read().catch((error) => error.name)];
    """
    assert run_js(script) == [len(_TEXT), "TypeError", "TypeError"]


def test_a_second_member_is_an_error(run_js: RunJs) -> None:
    """A gzip stream is one member."""
    script = f"""{_THROUGH}
      const bytes = {list(_COMPRESSED["gzip"])};
      return through(new DecompressionStream("gzip"), new Uint8Array([...bytes, ...bytes]));
    """
    assert run_js(script) == "TypeError"


@pytest.mark.parametrize("format_", ["gzip", "brotli"])
def test_much_output_comes_in_pieces(run_js: RunJs, format_: str) -> None:
    """A few bytes that become many do not cross at once."""
    script = f"""
      const readable = ReadableStream.from([new Uint8Array(3_000_000)])
        .pipeThrough(new CompressionStream("{format_}"))
        .pipeThrough(new DecompressionStream("{format_}"));
      let total = 0;
      let largest = 0;
      for await (const {{ length }} of readable) {{
        total += length;
        largest = Math.max(largest, length);
      }}
      return [total, largest < 1_000_000];
    """
    assert run_js(script) == [3_000_000, True]


def test_formats_and_chunks_that_are_none(run_js: RunJs) -> None:
    """An unknown format is a TypeError at once, a chunk that is no buffer one of the stream."""
    script = f"""{_THROUGH}
      const errors = [CompressionStream, DecompressionStream].map((Stream) => {{
        try {{ new Stream("zip"); }} catch (error) {{ return error.name; }}
      }});
      return [...errors, await through(new CompressionStream("gzip"), "text")];
    """
    assert run_js(script) == ["TypeError"] * 3
