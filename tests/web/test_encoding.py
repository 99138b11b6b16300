"""TextDecoder, TextEncoder and their streams."""

from collections.abc import Callable
from typing import Any

import pytest
from webencodings.labels import LABELS

from swproxy.web.encoding import decoders
from swproxy.web.encoding.decoders import Malformed, decode_chunk

RunJs = Callable[..., Any]


def _in_chunks(name: str, data: bytes) -> str:
    """Decodes byte by byte, as a stream."""
    text, waiting, state = "", b"", 0
    for i in range(len(data) + 1):
        waiting += data[i : i + 1]
        decoded, read, state = decode_chunk(name, waiting, flush=i == len(data), state=state)
        text, waiting = text + decoded, waiting[read:]
    return text


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        # where Python's codec differs
        ("windows-1252", b"\x80\x81", "€\x81"),
        ("windows-1255", b"\xca\xd9", "\u05ba\ufffd"),
        ("koi8-u", b"\xae\xbe", "ўЎ"),
        ("x-mac-cyrillic", b"\xa2\xb6\xff", "Ґґ€"),
        ("x-user-defined", b"a\x80\xff", "a\uf780\uf7ff"),
        ("gbk", b"\x80\xa3\xa0\x81\x30\x81\x30", "€\u3000\x80"),
        ("gb18030", b"\xa6\xd9\xa8\xbc\x81\x35\xf4\x37\x84\x31\xa4\x37", "\ufe10\u1e3f\ue7c7\ufffd"),
        ("big5", b"\x87\x7a\x88\x62\x8e\x69\xa1\x45\xa3\xe1", "㡵Ê\u0304箸‧€"),
        ("shift_jis", b"\x5c\x7e\x80\xb1\x81\x60\xf0\x40", "\\~\x80ｱ\uff5e\ue000"),
        ("euc-jp", b"\xa1\xa1\x8e\xb1\x8f\xa2\xb7\xa1\xc1\xad\xa1", "\u3000ｱ\uff5e\uff5e①"),
        ("iso-2022-jp", b"\x1b(J\\~\x1b(I1\x1b$B!A\x1b(Ba\x1c", "¥‾ｱ\uff5ea\x1c"),
        # malformed input
        ("utf-8", b"\xf0\x90a\xed\xa0\x80\xe2\x82", "\ufffda\ufffd\ufffd\ufffd\ufffd"),
        ("utf-16le", b"\x00\xd8a\x00\x00\xdc\x00\xd8\x00", "\ufffda\ufffd\ufffd"),
        ("utf-16be", b"\xd8\x3d\xde\x00\xd8\x3d", "\U0001f600\ufffd"),
        (
            "gb18030",
            b"\x81\x30a\x81\x30\x81\x41\x81\xff\xfe\x39\xfe\x39\x81\x30",
            "\ufffd0a\ufffd0丄\ufffd\ufffd\ufffd",
        ),
        ("big5", b"\x81\x40\x81\x80\xff\x87", "\ufffd@\ufffd\ufffd\ufffd"),
        ("euc-kr", b"\x81\x5b\xc9\xfe\x81\xff\xb0\xa1\xb0", "\ufffd[\ufffd\ufffd가\ufffd"),
        ("shift_jis", b"\xa0\xfd\x81\x3f\x85\x40\x81\xfd\x81", "\ufffd\ufffd\ufffd?\ufffd@\ufffd\ufffd"),
        ("euc-jp", b"\x8ea\x8e\xe0\x8f\xa1a\x8f\x80\xa9\xfe\x8f\xa1", "\ufffda\ufffd\ufffda\ufffd\ufffd\ufffd"),
        ("iso-2022-jp", b"\x1b$B\x1b(B\x1b$B!\x1b(Ba\x1b$", "\ufffd\ufffd\ufffda\ufffd$"),
    ],
)
def test_decoders(name: str, data: bytes, text: str) -> None:
    """At once and byte by byte; with "fatal", what is malformed is an error."""
    assert decode_chunk(name, data).text == text
    assert _in_chunks(name, data) == text
    if "\ufffd" in text and name != "gb18030":
        with pytest.raises(Malformed):
            decode_chunk(name, data, fatal=True)


def test_every_encoding_has_a_decoder() -> None:
    """ASCII is ASCII in all but UTF-16."""
    names = set(LABELS.values()) - {"replacement", "utf-16le", "utf-16be"}
    assert {name for name in names if decode_chunk(name, b"az09 \n").text != "az09 \n"} == set()
    assert decoders.decode(b"\xfe\xff\x01\x7e", "windows-1252") == "ž"
    assert decoders.decode(b"abc", "replacement") == "\ufffd"


def test_labels(run_js: RunJs) -> None:
    """They are trimmed and compared without case; "replacement" and what is none throw a RangeError."""
    script = """
      const names = ["\\t Latin1\\n", "SJIS", "unicode", undefined].map((label) => new TextDecoder(label).encoding);
      const errors = ["iso-2022-kr", "", "\\u212aoi8-r", "\\ud800"].map((label) => {
        try { return new TextDecoder(label).encoding; } catch (error) { return error.name; }
      });
      return [names, errors];
    """
    assert run_js(script) == [["windows-1252", "shift_jis", "utf-16le", "utf-8"], ["RangeError"] * 4]


@pytest.mark.parametrize("size", [10, 1000, 100_000])
def test_utf_8_of_every_size(run_js: RunJs, size: int) -> None:
    """Whichever way is taken, what comes out is what went in."""
    script = f"""
      const text = "aé日😀".repeat({size}).slice(0, {size} * 5);
      const bytes = new TextEncoder().encode(text);
      const malformed = new Uint8Array([...bytes.subarray(0, 500), 0xff, ...bytes.subarray(500, 1000)]);
      return [
        new TextDecoder("utf-8", {{ fatal: true }}).decode(bytes) === text,
        bytes.length === {size} * 10,
        new TextDecoder().decode(malformed).split("\\ufffd").length > 1,
      ];
    """
    assert run_js(script) == [True, True, True]


def test_sources_of_decode(run_js: RunJs) -> None:
    """Buffers, views of a part, detached ones and nothing."""
    script = """
      const buffer = new TextEncoder().encode("abcd").buffer;
      const decoder = new TextDecoder();
      const views = [buffer, new DataView(buffer, 1), new Uint16Array(buffer, 2), new Uint8Array(buffer, 3)];
      const texts = views.map((view) => decoder.decode(view));
      structuredClone(buffer, { transfer: [buffer] });
      return [...texts, decoder.decode(views[3]), decoder.decode()];
    """
    assert run_js(script) == ["abcd", "bcd", "cd", "d", "", ""]


def test_byte_order_marks(run_js: RunJs) -> None:
    """One is left out, of the encodings that have one, in each run of a stream; ignoreBOM keeps it."""
    script = """
      const mark = [0xef, 0xbb, 0xbf];
      const bytes = new Uint8Array([...mark, ...mark, 97]);
      const decoder = new TextDecoder();
      const parts = [];
      for (const byte of mark) parts.push(decoder.decode(new Uint8Array([byte]), { stream: true }));
      parts.push(decoder.decode(bytes), decoder.decode(bytes.subarray(3)));
      const kept = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(3));
      return [parts, kept, new TextDecoder("gb18030").decode(new Uint8Array([0x84, 0x31, 0x95, 0x33]))];
    """
    assert run_js(script) == [["", "", "", "\ufeff\ufeffa", "a"], "\ufeffa", "\ufeff"]


def test_a_fatal_error_ends_the_call_and_not_the_stream(run_js: RunJs) -> None:
    """What follows the error is decoded by the next call."""
    script = """
      const decoder = new TextDecoder("utf-8", { fatal: true });
      let error;
      try { decoder.decode(new Uint8Array([97, 0xff, 98, 0xc3]), { stream: true }); } catch (e) { error = e; }
      return [error.name, decoder.decode(new Uint8Array([0xa4]), { stream: true }), decoder.decode()];
    """
    assert run_js(script) == ["TypeError", "bä", ""]


@pytest.mark.parametrize(
    ("source", "space", "expected"),
    [
        ("abc", 2, [2, 2, [97, 98]]),
        ("aé日😀", 9, [3, 6, [97, 195, 169, 230, 151, 165, 0, 0, 0]]),
        ("aé日😀", 10, [5, 10, [97, 195, 169, 230, 151, 165, 240, 159, 152, 128]]),
        ("a😀", 2, [1, 1, [97, 0]]),
        ("\\ud800b", 3, [1, 3, [239, 191, 189]]),
        ("x", 0, [0, 0, []]),
    ],
)
def test_encode_into(run_js: RunJs, source: str, space: int, expected: list[Any]) -> None:
    """As many characters as fit are written, whole ones."""
    script = f"""
      const bytes = new Uint8Array({space} + 2).subarray(1, {space} + 1);
      const {{ read, written }} = new TextEncoder().encodeInto("{source}", bytes);
      return [read, written, [...bytes]];
    """
    assert run_js(script) == expected


def test_text_encoder_stream(run_js: RunJs) -> None:
    """A pair of surrogates may come in two chunks; what is left alone becomes U+FFFD, at the end, too."""
    script = """
      const chunks = ["a\\ud83d", "", "\\ude00\\ude00", {}, "\\ud83d"];
      const stream = ReadableStream.from(chunks).pipeThrough(new TextEncoderStream());
      return (await Array.fromAsync(stream)).map((chunk) => new TextDecoder().decode(chunk));
    """
    assert run_js(script) == ["a", "\U0001f600\ufffd", "[object Object]", "\ufffd"]


def test_text_decoder_stream(run_js: RunJs) -> None:
    """Characters may be split; incomplete input at the end is an error of the stream if fatal is set."""
    script = """
      const bytes = [0xef, 0xbb, 0xbf, 0x61, 0xe6, 0x97, 0xa5, 0xe6];
      const decode = async (options) => {
        const stream = ReadableStream.from(bytes.map((byte) => new Uint8Array([byte])))
          .pipeThrough(new TextDecoderStream("utf8", options));
        const read = [];
        try { for await (const chunk of stream) read.push(chunk); } catch (error) { read.push(error.name); }
        return read;
      };
      return [await decode(), await decode({ fatal: true, ignoreBOM: true })];
    """
    assert run_js(script) == [["a", "日", "\ufffd"], ["\ufeff", "a", "日", "TypeError"]]


def test_a_site_that_patches_the_language_breaks_itself_only(run_js: RunJs) -> None:
    """The functions of the language that sites replace are not used."""
    script = """
      const fail = () => { throw new Error("patched"); };
      const bytes = new Uint8Array([0xe6, 0x97, 0xa5]);
      Uint8Array.prototype.subarray = String.prototype.charCodeAt = String.fromCharCode = fail;
      globalThis.escape = globalThis.decodeURIComponent = globalThis.encodeURIComponent = fail;
      Object.defineProperty(Object.getPrototypeOf(Uint8Array), Symbol.species, { get: fail });
      const text = new TextDecoder().decode(bytes, { stream: true });
      return [text, new TextEncoder().encode(text).length, new TextEncoder().encode(text.repeat(100)).length];
    """
    assert run_js(script) == ["日", 3, 300]
