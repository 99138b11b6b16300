"""FormData, and multipart/form-data both ways."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swproxy.storage import bodies
from swproxy.storage.bodies import BytesBody, FileBody
from swproxy.web.xhr import multipart
from swproxy.web.xhr.multipart import MultipartError, parse_parts

RunJs = Callable[..., Any]


def parts_of(data: bytes, boundary: bytes = b"B") -> list[tuple[str, str | None, str | None, bytes]]:
    """Name, file name, type and body of each part."""
    parts = parse_parts(BytesBody(data), boundary)
    return [(part.name, part.filename, part.content_type, data[part.start : part.end]) for part in parts]


def test_an_upload_as_clients_write_it() -> None:
    """Preamble, padding, epilogue, unquoted and reordered parameters, and headers that do not matter are taken."""
    data = (
        b"preamble\r\n--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\n"
        b'content-type:  text/x;y=z \r\nX-Other: 1\r\nCONTENT-DISPOSITION: FORM-DATA; filename="f"; NAME="b"; c=d\r\n'
        b"\r\n\r\n--B--epilogue"
    )
    assert parts_of(data) == [("a", None, None, b"1"), ("b", "f", "text/x;y=z", b"")]


def test_only_newlines_and_quotes_are_unescaped() -> None:
    """As forms escape them; everything else stays as it is."""
    data = b'--B\r\nContent-Disposition: form-data; name="a%0D%0A%22%41\\"; filename="\xff"\r\n\r\n\r\n--B--'
    assert parts_of(data) == [('a\r\n"%41\\', "\ufffd", None, b"")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"--B",
        b"--B\r\n",
        b"--Bx\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--",
        b"--B\r\n\r\nno headers\r\n--B--",
        b"--B\r\nContent-Type: text/plain\r\n\r\nno name\r\n--B--",
        b"--B\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--B--",
        b'--B\r\nContent-Disposition: form-data; name="a\r\n\r\n\r\n--B--',
        b"--B\r\nno header\r\n\r\n\r\n--B--",
        b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\nno end",
        b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B",
        b"--B\r\nX: " + b"x" * 20_000 + b"\r\n\r\n\r\n--B--",
    ],
)
def test_what_is_no_form(data: bytes) -> None:
    """A body that ends early, or parts that no form has, are refused."""
    with pytest.raises(MultipartError):
        parts_of(data)


def test_a_body_in_a_file_is_read_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delimiters and headers are found wherever the border of a chunk cuts them."""
    values = [random.Random(number).randbytes(number * 7) for number in range(20)]
    heads = [multipart.part_headers("B", f"n{number}", "f", "x/y") for number in range(20)]
    whole = b"".join(head + value + b"\r\n" for head, value in zip(heads, values, strict=True)) + b"--B--\r\n"
    path = tmp_path / "body"
    path.write_bytes(b"before" + whole + b"after")
    for chunk in (1, 2, 3, 5, 16, 61):
        monkeypatch.setattr(multipart, "CHUNK", chunk)
        body = FileBody(path.open("rb"), 6, len(whole))
        assert [body.read(part.start, part.end - part.start) for part in parse_parts(body, b"B")] == values
        body.close()
    assert bodies.CHUNK > 61


def test_a_form_comes_back_as_it_was_sent(run_js: RunJs) -> None:
    """Names, newlines, file names and types survive; a body is encoded as HTML says."""
    script = r"""
      const form = new FormData();
      form.append("a\n\"", "1\r2\n3\r\n4");
      form.append("ž", new File(["\0\xff", new Uint8Array([255])], "x\"\n.txt", { type: "text/plain" }));
      form.append("blob", new Blob(["b"]));
      const response = new Response(form);
      const type = response.headers.get("Content-Type");
      const boundary = type.slice(type.indexOf("=") + 1);
      const text = await response.clone().text();
      const entries = [];
      for (const [name, value] of await response.formData()) {
        if (typeof value === "string") entries.push([name, value]);
        else entries.push([name, value.name, value.type, [...await value.bytes()], value instanceof File]);
      }
      return [type.replace(boundary, "B"), text.replaceAll(boundary, "B"), entries];
    """
    type_, text, entries = run_js(script)
    assert type_ == "multipart/form-data; boundary=B"
    assert text.split("\r\n") == [
        "--B",
        'Content-Disposition: form-data; name="a%0D%0A%22"',
        "",
        *"1234",
        "--B",
        'Content-Disposition: form-data; name="ž"; filename="x%22%0A.txt"',
        "Content-Type: text/plain",
        "",
        "\0ÿ\ufffd",
        "--B",
        'Content-Disposition: form-data; name="blob"; filename="blob"',
        "Content-Type: application/octet-stream",
        "",
        "b",
        "--B--",
        "",
    ]
    assert entries == [
        ['a\r\n"', "1\r\n2\r\n3\r\n4"],
        ["ž", 'x"\n.txt', "text/plain", [0, 0xC3, 0xBF, 0xFF], True],
        ["blob", "blob", "application/octet-stream", [ord("b")], True],
    ]


def test_the_entries_of_form_data(run_js: RunJs) -> None:
    """set() keeps the place of the first entry; a File keeps its dates when it is renamed; get() may find nothing."""
    script = """
      const form = new FormData();
      form.append("a", 1);
      form.append("b", "x", ...[]);
      form.append("a", "2");
      form.set("a", new File(["y"], "old", { lastModified: 7 }), "new");
      const { name, lastModified } = form.get("a");
      form.delete("b");
      return [[...form.keys()], name, lastModified, form.get("b"), form.getAll("a").length, form.has("a")];
    """
    assert run_js(script) == [["a"], "new", 7, None, 1, True]


def test_what_form_data_refuses(run_js: RunJs) -> None:
    """A file name needs a Blob, and a worker has no form elements."""
    script = """
      const names = [];
      for (const call of [
        () => new FormData({}),
        () => new FormData().append("a"),
        () => new FormData().append("a", "b", "c"),
        () => new FormData().set("a", {}, undefined),
      ]) {
        try { call(); } catch (error) { names.push(error.name); }
      }
      return names;
    """
    assert run_js(script) == ["TypeError"] * 4


def test_form_data_of_bodies(run_js: RunJs) -> None:
    """Content-Type decides; a null body is a form only if it is urlencoded."""
    script = """
      const results = [];
      for (const [body, type] of [
        ["a=b+c&d", "application/x-www-form-urlencoded; charset=x"],
        [null, "application/x-www-form-urlencoded"],
        [null, "multipart/form-data; boundary=B"],
        ["--B--", "multipart/form-data; boundary=B"],
        ["--B--", "text/plain, Multipart/Form-Data; boundary=\\"B\\""],
        ["--B--", "multipart/form-data"],
        ["a=b", "text/plain"],
        ["a=b", ""],
      ]) {
        const response = new Response(body, { headers: { "Content-Type": type } });
        results.push(await response.formData().then((form) => [...form], (error) => error.name));
      }
      return results;
    """
    error = "TypeError"
    assert run_js(script) == [[["a", "b c"], ["d", ""]], [], error, [], [], error, error, error]


def test_progress_event(run_js: RunJs) -> None:
    """Its numbers may have fractions."""
    script = """
      const event = new ProgressEvent("x", { lengthComputable: true, loaded: 0.5, total: 2 });
      return [event.lengthComputable, event.loaded, event.total, event instanceof Event, event.bubbles];
    """
    assert run_js(script) == [True, 0.5, 2, True, False]
