"""Documents that get the script, headers, bodies."""

import gzip
import random
import zlib
from collections.abc import Callable
from itertools import pairwise

import brotli
import pytest
from origin import Origin
from playwright.sync_api import BrowserContext

from swproxy.page_client.content_codings import UndecodableContent, coding_of, zstd
from swproxy.page_client.insertion import SCRIPT_PATH, Insertion, fields_after_insertion, script_tag, wants_insertion

TAG = script_tag("0a1b", {})
HTML = "text/html; charset=utf-8"
PAGE = b"<!doctype html>\n<!-- a --><html lang=en><head>\n<meta charset=utf-8><title>x</title>" + b"<p>text" * 3000
INSERTED = PAGE.replace(b"<head>", b"<head>" + TAG.encode())


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def members(data: bytes) -> bytes:
    """gzip of several members, one of them empty."""
    return gzip.compress(data[:20]) + gzip.compress(b"") + gzip.compress(data[20:])


def frames(data: bytes) -> bytes:
    """zstd of several frames, one of them to be skipped."""
    return zstd.compress(data[:20]) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd.compress(data[20:])


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "identity": ("", bytes),
    "identity by name": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "gzip of several members": ("gzip", members),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstd.compress),
    "zstd of several frames": ("zstd", frames),
    "gzip, then br": ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    "three": ("zstd, deflate,gzip", lambda data: gzip.compress(zlib.compress(zstd.compress(data)))),
}
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": lambda data: zlib.decompress(data, 15 if data[0] & 15 == 8 else -15),
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}


def decoded(data: bytes, content_encoding: str) -> bytes:
    for name in reversed([name.strip().lower().removeprefix("x-") for name in content_encoding.split(",")]):
        data = DECODERS[name](data) if name in DECODERS else data
    return data


def run(insertion: Insertion, *pieces: bytes) -> bytes:
    return b"".join([*map(insertion.feed, pieces), insertion.finish()])


def cut(data: bytes, at: list[int]) -> list[bytes]:
    return [data[begin:end] for begin, end in pairwise([0, *sorted(at), len(data)])]


@pytest.mark.parametrize("name", CODINGS)
def test_is_the_same_however_it_is_cut(name: str) -> None:
    """Random pieces, single bytes, and all at once give the same content, in the coding it came in."""
    content_encoding, encode = CODINGS[name]
    data = encode(PAGE)
    randomly = random.Random(name)
    cuts = [[], range(len(data)), *([randomly.randrange(len(data)) for _ in range(12)] for _ in range(20))]
    for at in cuts:
        output = run(Insertion(TAG, HTML, content_encoding), *cut(data, list(at)))
        assert decoded(output, content_encoding) == INSERTED


@pytest.mark.parametrize("name", ["identity", "gzip", "deflate", "br", "zstd", "gzip, then br"])
def test_each_piece_goes_out_with_the_one_that_came_in(name: str) -> None:
    """What the server has sent so far, the browser can show."""
    content_encoding, _ = CODINGS[name]
    server, browser = coding_of(content_encoding), coding_of(content_encoding)
    proxy = Insertion(TAG, HTML, content_encoding)
    expected = [b"<!doctype html>", b"<head>" + TAG.encode(), b"<p>1", b"<p>2"]
    for sent, shown in zip([b"<!doctype html>", b"<head>", b"<p>1", b"<p>2"], expected, strict=True):
        arrived = proxy.feed(server.encode(sent) + server.flush())
        assert b"".join(browser.decode(arrived)) == shown


def test_byte_order_mark_first() -> None:
    """The script goes after it."""
    assert run(Insertion(TAG, "text/html"), b"\xef", b"\xbb", b"\xbfa") == b"\xef\xbb\xbf" + TAG.encode() + b"a"
    assert run(Insertion(TAG, "text/html"), b"\xef") == TAG.encode() + b"\xef"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_utf_16(codec: str, size: int) -> None:
    """By Content-Type, by a byte order mark against it, by an XML declaration without it."""
    page = "<!doctype html><!-- \u3e3e\U0001f600 \u2d2d --><head>^<title>\u3c00</title>"
    for begin, content_type in (
        ("", f"text/html;charset={codec.replace('-', '', 2).replace('utf16', 'utf-16')}"),
        ("\ufeff", "text/html"),
        ('<?xml version="1.0"?>', "text/html"),
    ):
        data = (begin + page.replace("^", "")).encode(codec) + b"\0"
        output = run(Insertion(TAG, content_type), *cut(data, list(range(0, len(data), size))))
        assert output == (begin + page.replace("^", TAG)).encode(codec) + b"\0"


@pytest.mark.parametrize("charset", ["shift_jis", "gb18030", "windows-1251", "big5", "euc-kr", "iso-2022-jp"])
def test_encodings_that_extend_ascii(charset: str) -> None:
    """The script is ASCII in them."""
    text = {"windows-1251": "\u0436", "euc-kr": "\ud55c"}.get(charset, "\u8868")
    page = f"<!doctype html><title>{text}</title>".encode(charset)
    output = run(Insertion(TAG, f"text/html; charset={charset}"), page)
    assert output.decode(charset) == f"<!doctype html>{TAG}<title>{text}</title>"


def test_the_meta_that_names_the_encoding_stays_within_reach() -> None:
    """A browser looks for it in the first 1024 bytes: the script comes after it, unless the header has told."""
    page = b"<!doctype html><head>" + b" " * 980 + b"<meta charset=koi8-r><script>"
    assert run(Insertion(TAG, "text/html"), page) == page.replace(b"<script>", TAG.encode() + b"<script>")
    assert run(Insertion(TAG, HTML), page) == page.replace(b"<head>", b"<head>" + TAG.encode())


@pytest.mark.parametrize(
    "page", [b"", b"a", b"<!doctype html>", b"<html", b"<!-- a", b"<title>a", b"\xff\xfea", PAGE]
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16le", "utf-16be"])
def test_length_is_as_promised(page: bytes, charset: str) -> None:
    """Whatever the document turns out to be."""
    insertion = Insertion(TAG, f"text/html; charset={charset}")
    assert insertion.added is not None
    assert len(run(insertion, page)) == len(page) + insertion.added


def test_length_that_cannot_be_promised() -> None:
    """A coding, or no charset."""
    assert Insertion(TAG, HTML, "gzip").added is None
    assert Insertion(TAG, "text/html").added is None
    assert Insertion(TAG, "text/html", "identity").added is None
    assert Insertion(TAG, HTML, "identity").added == len(TAG)


@pytest.mark.parametrize("page", [b"<!-- a", b"<!doctype html", b"<title>a</p>"])
def test_no_place(page: bytes) -> None:
    """What never ends runs nothing, and stays as it is."""
    assert run(Insertion(TAG, "text/html"), page) == page


@pytest.mark.parametrize("content_encoding", ["gzip", "deflate", "br", "zstd", "gzip, zstd"])
@pytest.mark.parametrize("body", [b"", b"\x1f", b"<!doctype html><title>not compressed</title>", b"\xff" * 50])
def test_not_in_the_coding_it_claims(content_encoding: str, body: bytes) -> None:
    """The browser gets the very bytes, and may make of them what it likes."""
    for at in ([], range(len(body))):
        assert run(Insertion(TAG, HTML, content_encoding), *cut(body, list(at))) == body


@pytest.mark.parametrize("content_encoding", ["compress", "dcb", "gzip, aes128gcm", "gzip, gzip, gzip, gzip, gzip"])
def test_unknown_coding(content_encoding: str) -> None:
    """The body stays as it is."""
    assert run(Insertion(TAG, HTML, content_encoding), b"<head>") == b"<head>"


@pytest.mark.parametrize("name", ["gzip", "deflate", "raw deflate", "br", "zstd", "gzip, then br", "three"])
def test_broken_in_the_middle(name: str) -> None:
    """What could be read arrives, then the browser, too, finds an error; a stream that is cut off is just cut off."""
    content_encoding, encode = CODINGS[name]
    noise = random.Random(1).randbytes(1 << 19)
    data = encode(PAGE + noise)
    middle = len(data) * 3 // 4
    proxy = Insertion(TAG, HTML, content_encoding)
    output = proxy.feed(data[:middle])
    browser = coding_of(content_encoding)
    assert b"".join(browser.decode(output)).startswith(INSERTED)
    assert not browser.is_complete
    garbage = b"\xff" * 1000 + data[: 1 << 16] + b"\xff" * (1 << 18)
    rest = proxy.feed(garbage) + proxy.feed(data) + proxy.finish()
    if rest:
        with pytest.raises(UndecodableContent):
            list(browser.decode(rest))

    cut_off = run(Insertion(TAG, HTML, content_encoding), data[:middle])
    browser = coding_of(content_encoding)
    assert b"".join(browser.decode(cut_off)).startswith(INSERTED)
    assert not browser.is_complete


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_stays_small(name: str) -> None:
    """What is small for the server to send is small for us to send on."""
    content_encoding, encode = CODINGS[name]
    data = encode(b"<head>" + b"\0" * (1 << 26))
    assert len(run(Insertion(TAG, HTML, content_encoding), data)) < 1 << 19


def test_rubbish_after_gzip() -> None:
    """Browsers ignore it."""
    for rubbish in (b"\0" * 10, b"\x1f", b"text"):
        output = run(Insertion(TAG, HTML, "gzip"), gzip.compress(PAGE) + rubbish[:1], rubbish[1:])
        assert gzip.decompress(output) == INSERTED


def test_script_tag() -> None:
    """Short, and safe whatever a policy says."""
    assert TAG == '<script src="/.swproxy/client.js?v=0a1b" data-swproxy="{}" data-swproxy-policies="1"></script>'
    assert script_tag("1", {"é": '">'}, 'a"b', "sha256-x=") == (
        '<script src="/.swproxy/client.js?v=1" data-swproxy="{&quot;\\u00e9&quot;:&quot;\\&quot;&gt;&quot;}" '
        'data-swproxy-policies="1" nonce="a&quot;b" integrity="sha256-x=" crossorigin></script>'
    )


WITHOUT_POLICIES = [
    "<head>^<title>a</title></head><body>b",
    "^<p>a</p><body class=x>",
    "<head>^<meta charset=utf-8><META HTTP-EQUIV = 'X-UA-Compatible' content=IE=edge></head>",
]
PERHAPS_WITH_POLICIES = [
    "<head>^<meta http-equiv=Content-Security-Policy content=\"connect-src 'none'\"></head>",
    "<head>^<meta http-equiv='content-type' content='text/html'><meta HTTP-EQUIV\n=\n&#67;ontent-x></head>",
    "<head>^<meta http-equiv=refreshing></head>",
    "<head>^<title>the head goes on in the next piece",
    "^<p>no head at all</p>",
]


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize(
    ("document", "policies"), [*((it, "0") for it in WITHOUT_POLICIES), *((it, "1") for it in PERHAPS_WITH_POLICIES)]
)
def test_tells_of_policies(document: str, policies: str, coding: str) -> None:
    """The script learns whether there may be policies in what follows it, if that has come."""
    body = document.replace("^", "").encode()
    insertion = Insertion(TAG, "text/html; charset=utf-8", coding)
    result = insertion.feed(gzip.compress(body) if coding else body) + insertion.finish()
    result = gzip.decompress(result) if coding else result
    assert result.decode() == document.replace("^", TAG.replace('policies="1"', f'policies="{policies}"'))


FIELDS: list[tuple[str, int | None, bytes, list[bytes]]] = [
    ("a length", 50, b"Content-Length: 100", [b"Content-Length: 150"]),
    ("a length nobody knows", None, b"content-length: 100", []),
    ("no length", 50, b"Content-Length: 10, 10", []),
    ("a strong ETag", 50, b'ETag: "a"', [b'ETag: W/"a"']),
    ("a weak ETag", 50, b'etag: W/"a"', [b'etag: W/"a"']),
    (
        "a time",
        50,
        b"Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT",
        [b"Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"],
    ),
    ("an MD5", 50, b"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==", []),
    ("a digest", 50, b"Digest: sha-256=x", []),
    ("a digest of the representation", 50, b"Repr-Digest: sha-256=:x:", []),
    ("a digest of the content", 50, b"Content-Digest: sha-256=:x:", []),
    ("ranges", 50, b"Accept-Ranges: bytes", []),
    ("Vary", 50, b"Vary: Cookie", [b"Vary: Cookie"]),
    ("a coding", 50, b"Content-Encoding: br", [b"Content-Encoding: br"]),
    ("a cookie", 50, b"Set-Cookie: a=b", [b"Set-Cookie: a=b"]),
]


@pytest.mark.parametrize(("about", "added", "before", "after"), FIELDS)
def test_fields_after_insertion(about: str, added: int | None, before: bytes, after: list[bytes]) -> None:
    """As the table says; and parts are not offered, and a fetch() gets another version."""
    name, _, value = before.partition(b": ")
    fields = fields_after_insertion([(name, value)], added)
    assert [b": ".join(field) for field in fields] == [*after, b"Accept-Ranges: none", b"Vary: Sec-Fetch-Dest"]


NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
OLD = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
DOCUMENT = {"content-type": "text/html"}
WANTS: list[tuple[str, str, dict[str, str], int, dict[str, str], bool]] = [
    ("a page", "GET", NAVIGATION, 200, DOCUMENT, True),
    ("a form", "POST", NAVIGATION, 200, DOCUMENT, True),
    ("not found", "GET", NAVIGATION, 404, DOCUMENT, True),
    ("a server's error", "GET", NAVIGATION, 503, DOCUMENT, True),
    ("an iframe", "GET", {**NAVIGATION, "sec-fetch-dest": "iframe"}, 200, DOCUMENT, True),
    ("a frame", "GET", {**NAVIGATION, "sec-fetch-dest": "frame"}, 200, DOCUMENT, True),
    ("an object", "GET", {**NAVIGATION, "sec-fetch-dest": "object"}, 200, DOCUMENT, True),
    ("an embed", "GET", {**NAVIGATION, "sec-fetch-dest": "embed"}, 200, DOCUMENT, True),
    ("a fetch()", "GET", {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", **OLD}, 200, DOCUMENT, False),
    ("a link's download", "GET", {**NAVIGATION, "sec-fetch-dest": "empty", **OLD}, 200, DOCUMENT, False),
    ("an image", "GET", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 200, DOCUMENT, False),
    ("a prefetch", "GET", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"}, 200, DOCUMENT, False),
    ("a worker", "GET", {"sec-fetch-mode": "same-origin", "sec-fetch-dest": "worker"}, 200, DOCUMENT, False),
    ("an old browser", "GET", OLD, 200, DOCUMENT, True),
    ("an old browser's image", "GET", {"accept": "image/*,*/*"}, 200, DOCUMENT, False),
    ("curl", "GET", {"accept": "*/*"}, 200, DOCUMENT, False),
    ("no Accept", "GET", {}, 200, DOCUMENT, False),
    ("HEAD", "HEAD", NAVIGATION, 200, DOCUMENT, False),
    ("no content", "GET", NAVIGATION, 204, DOCUMENT, False),
    ("reset content", "GET", NAVIGATION, 205, DOCUMENT, False),
    ("a part", "GET", NAVIGATION, 206, {**DOCUMENT, "content-range": "bytes 0-1/2"}, False),
    ("a part of a wrong status", "GET", NAVIGATION, 200, {**DOCUMENT, "content-range": "bytes 0-1/2"}, False),
    ("not modified", "GET", NAVIGATION, 304, DOCUMENT, False),
    ("a redirect", "GET", NAVIGATION, 302, {**DOCUMENT, "location": "/"}, False),
    ("a redirect to nowhere", "GET", NAVIGATION, 302, DOCUMENT, True),
    ("early hints", "GET", NAVIGATION, 103, DOCUMENT, False),
    ("with a charset", "GET", NAVIGATION, 200, {"content-type": 'Text/HTML ;Charset="UTF-8"'}, True),
    ("of two types the last", "GET", NAVIGATION, 200, {"content-type": "text/plain, text/html"}, True),
    ("text", "GET", NAVIGATION, 200, {"content-type": "text/plain"}, False),
    ("no type", "GET", NAVIGATION, 200, {}, False),
    ("XHTML", "GET", NAVIGATION, 200, {"content-type": "application/xhtml+xml"}, False),
    ("XML", "GET", NAVIGATION, 200, {"content-type": "text/xml"}, False),
    ("HTML in a name", "GET", NAVIGATION, 200, {"content-type": "text/html-sandboxed"}, False),
    ("an encoding nobody reads", "GET", NAVIGATION, 200, {"content-type": "text/html; charset=hz-gb-2312"}, False),
    ("an encoding nobody knows", "GET", NAVIGATION, 200, {"content-type": "text/html; charset=klingon"}, True),
    ("a download", "GET", NAVIGATION, 200, {**DOCUMENT, "content-disposition": "Attachment; filename=a"}, False),
    ("a kind of download", "GET", NAVIGATION, 200, {**DOCUMENT, "content-disposition": "file"}, False),
    ("not a download", "GET", NAVIGATION, 200, {**DOCUMENT, "content-disposition": "inline; filename=a"}, True),
    ("gzip", "GET", NAVIGATION, 200, {**DOCUMENT, "content-encoding": "gzip"}, True),
    ("an unknown coding", "GET", NAVIGATION, 200, {**DOCUMENT, "content-encoding": "dcz"}, False),
    ("not to be transformed", "GET", NAVIGATION, 200, {**DOCUMENT, "cache-control": "no-transform"}, True),
]


@pytest.mark.parametrize(("about", "method", "request_headers", "status", "response_headers", "wanted"), WANTS)
def test_wants_insertion(
    about: str,
    method: str,
    request_headers: dict[str, str],
    status: int,
    response_headers: dict[str, str],
    wanted: bool,
) -> None:
    """As the table says."""
    assert wants_insertion(method, request_headers, status, response_headers) is wanted


@pytest.mark.parametrize("name", CODINGS)
def test_in_chromium(name: str, origin: Origin, chromium: BrowserContext) -> None:
    """The browser reads every coding as it comes out of many small pieces."""
    content_encoding, encode = CODINGS[name]
    data = encode(PAGE)
    body = run(Insertion(TAG, HTML, content_encoding), *cut(data, list(range(0, len(data), 100))))
    origin.script(SCRIPT_PATH, "globalThis.ran = document.title;")
    origin.route("/", body, HTML, headers={"Content-Encoding": content_encoding or "identity"})
    page = chromium.new_page()
    page.goto(f"{origin.url}/")
    assert page.evaluate("[ran, document.title, document.querySelectorAll('p').length]") == ["", "x", 3000]
    page.close()


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_chromium_sees_that_it_is_broken(name: str, origin: Origin, chromium: BrowserContext) -> None:
    """A body that breaks off in the middle is an error there, as it would be without us."""
    content_encoding, encode = CODINGS[name]
    proxy = Insertion(TAG, HTML, content_encoding)
    data = encode(PAGE + random.Random(1).randbytes(1 << 19))
    body = proxy.feed(data[: len(data) // 2]) + proxy.feed(b"\xff" * (1 << 19)) + proxy.finish()
    origin.route("/", "ok")
    origin.route("/broken", body, headers={"Content-Encoding": content_encoding})
    page = chromium.new_page()
    page.goto(f"{origin.url}/")
    reading = "fetch('/broken').then((response) => response.text()).then(() => 'whole', (error) => error.name)"
    assert page.evaluate(reading) == "TypeError"
    page.close()
