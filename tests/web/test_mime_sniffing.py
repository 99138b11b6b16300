"""MIME types, and how they are extracted from headers."""

import pytest

from swproxy.web.mime_sniffing.mime_type import extract_mime_type, get_decode_and_split, parse_mime_type


@pytest.mark.parametrize(
    ("text", "serialized"),
    [
        ("TEXT/HTML ; Charset=GBK", "text/html;charset=GBK"),
        ("text/html;charset=a;charset=b", "text/html;charset=a"),
        ("text/html;;x;y=;charset=gbk", "text/html;charset=gbk"),
        ('text/html;charset="a;b\\"c"z;x=1', 'text/html;charset="a;b\\"c";x=1'),
        ('x/x;test="\\', 'x/x;test="\\\\"'),
        ('x/x;test=""', 'x/x;test=""'),
        ("x/x;test=(", 'x/x;test="("'),
        ("x/x;test=ž;y=1", "x/x;y=1"),
        ("text;x/html", None),
        ("a/b/c", None),
        ("/html", None),
        ("text/", None),
        ("", None),
    ],
)
def test_parse_and_serialize(text: str, serialized: str | None) -> None:
    """What cannot be part of a MIME type is dropped; the rest is normalized."""
    parsed = parse_mime_type(text)
    assert (None if parsed is None else parsed.serialize()) == serialized


@pytest.mark.parametrize(
    ("value", "serialized"),
    [
        ("text/plain, text/html", "text/html"),
        ("text/html;charset=gbk;a=b, text/html;x=y", "text/html;x=y;charset=gbk"),
        ("text/html;charset=gbk, x/x, text/html;x=y", "text/html;x=y"),
        ('text/html;x=",text/plain"', 'text/html;x=",text/plain"'),
        ("text/html, */*, nonsense", "text/html"),
        ("nonsense", None),
    ],
)
def test_extract_a_mime_type(value: str, serialized: str | None) -> None:
    """The last value that parses wins, and takes over the charset of those before it with the same essence."""
    extracted = extract_mime_type(value)
    assert (None if extracted is None else extracted.serialize()) == serialized


def test_get_decode_and_split() -> None:
    """A comma in a quoted string does not separate values."""
    assert get_decode_and_split('a, "b,\\",c",,d"') == ["a", '"b,\\",c"', "", 'd"']
