"""Where the first script of a document goes."""

import pytest
from origin import Origin
from playwright.sync_api import BrowserContext, Page

from swproxy.page_client.insertion import SCRIPT_PATH, Insertion, script_tag
from swproxy.page_client.insertion_point import InsertionPoint

# (what it is about, the document with "^" where the script goes, or with none). The encoding is known.
ROWS: list[tuple[str, str]] = [
    ("a usual page", "<!doctype html>\n<html lang=en>\n<head>^\n<meta charset=utf-8><title>x</title>"),
    ("nothing", "^"),
    ("white space", " \t\n\f\r^"),
    ("only a doctype", "<!doctype html>^"),
    ("text", "\n^hello"),
    ("no head", "<!DOCTYPE html><html>\n^<body class=a>"),
    ("only a head", "<head>^<p>"),
    ("a head with attributes", "<head prefix='og: >' data-x=\">\">^<link>"),
    ("tags in capitals", "<HTML><HEAD>^<SCRIPT>"),
    ("an element first", "<!doctype html>^<p>"),
    ("a title first", "<!doctype html>^<title><head></title>"),
    ("a script first", "<!doctype html>^<script>'<head>'</script><head>"),
    ("a style first", "^<style></style>"),
    ("noscript first", "^<noscript><head></noscript>"),
    ("a template first", "^<template><head></template>"),
    ("frames", "<html>^<frameset><frame>"),
    ("a header, not a head", "^<header>"),
    ("a comment with a head", "<!-- <head> --><head>^"),
    ("comments between", "<!-- a --><!doctype html><!-- b --><html><!-- c --><head>^<!-- d -->"),
    ("a conditional comment", "<!--[if IE]><script></script><![endif]--><html>^<p>"),
    ("downlevel-revealed", "<![if !IE]><head>^"),
    ("a comment with dashes", "<!-- a -- > - -> --- <head> ----><head>^"),
    ("a comment ended with a bang", "<!-- a --!><head>^"),
    ("a bang within", "<!-- --! > --!- --><head>^"),
    ("an abrupt comment", "<!--><head>^"),
    ("an abrupt comment of three dashes", "<!---><head>^"),
    ("an empty comment", "<!----><head>^"),
    ("not abrupt", "<!----!><head>^"),
    ("a comment in a comment", "<!-- <!-- --><head>^"),
    ("a comment that opens another at its end", "<!--<!--><head>^"),
    ("a comment that never ends", "<!doctype html><!-- <head>"),
    ("a comment that has not begun", "<!doctype html>^<!-"),
    ("CDATA is a comment", "<![CDATA[<p]><head>^"),
    ("a processing instruction", '<?xml version="1.0"?><!DOCTYPE html><head>^'),
    ("an old doctype", '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://x/strict.dtd"><head>^'),
    ("a doctype cut by its quotes", '<!DOCTYPE html PUBLIC "a>^">'),
    ("two doctypes", "<!doctype html><!doctype html><head>^"),
    ("a bogus comment", "<!a><head>^"),
    ("an empty bogus comment", "<!><head>^"),
    ("a bogus end tag", "</ head><head>^"),
    ("an empty end tag", "</><head>^"),
    ("an end tag that is ignored", "</p a='>'><head>^"),
    ("the end of a head that did not begin", "^</head>"),
    ("br, which begins a body", "^</br><head>"),
    ("a lone less-than sign", "^<"),
    ("a less-than sign in text", "^< head>"),
    ("a digit for a tag", "^<1>"),
    ("two html tags", "<html><html class=a><head>^"),
    ("two head tags", "<head>^<head>"),
    ("no head after a head", "<html></p><head>^"),
    ("a quote in a name", "<html a\"b='>'><head>^"),
    ("a quote in an unquoted value", '<html a=b"c><head>^'),
    ("an equals sign first", '<html ="><head>^'),
    ("two equals signs", '<html ==">"><head>^'),
    ("spaces around the equals sign", "<html a = '>' ><head>^"),
    ("no value", "<html a= ><head>^"),
    ("a slash in a value", "<html a=/><head>^"),
    ("self-closing tags", "<html/><head/>^"),
    ("slashes in tags", "<html / a/b=c//><head>^"),
    ("attributes without spaces", "<html a='>'b=\">\"><head>^"),
    ("a tag that never ends", "<head>^"),
    ("an html tag that never ends", "<!doctype html>^<html a='>"),
    ("null", "<html>^\0<head>"),
    ("vertical tabs are text", "<html>^\v<head>"),
    ("a non-breaking space is text", "<html>^\xa0<head>"),
]

# The same where the encoding has to be found.
ROWS_OF_UNKNOWN_ENCODING: list[tuple[str, str]] = [
    ("meta charset", "<!doctype html><head>\n<meta charset=utf-8>^\n<title>x</title>"),
    ("its content-type", "<head><META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=koi8-r'>^<script>"),
    ("after a title", "<title></tit <head> </title ><meta charset=utf-8>^<link>"),
    ("after others", "<head><!-- a --><meta name=viewport content=b><meta charset='utf-8'/>^"),
    ("none", "<head> <meta name=a>\n^<link>"),
    (
        "after a policy",
        "<head>^<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\"><meta charset=a>",
    ),
    ("after a script", "<head>^<script></script><meta charset=utf-8>"),
    ("after a base", "<head>^<base href=/a/><meta charset=utf-8>"),
    ("without a head", "<!doctype html><meta charset=utf-8>^<head>"),
    ("the first attribute of a name counts", "^<meta http-equiv=refresh http-equiv=content-type charset=utf-8>"),
    ("a title that never ends", "<head><title></head>"),
    ("a title whose end does not end", "<head><title></title a"),
    ("end of the head", "<head><meta name=a>^</head>"),
    ("out of reach", "<!--" + "x" * 1020 + "--><head>^<meta charset=utf-8>"),
    ("still in reach", "<!--" + "x" * 990 + "--><head><meta charset=utf-8>^"),
]


def inserted(document: str, sizes: int, *, encoding_is_known: bool) -> str:
    """The document with a mark, read in pieces of a size."""
    point = InsertionPoint(encoding_is_known=encoding_is_known)
    data = document.encode("latin-1")
    output, held = b"", b""
    for begin in range(0, len(data), sizes):
        held += data[begin : begin + sizes]
        passed, is_found = point.find(held)
        output, held = output + held[:passed], held[passed:]
        if is_found:
            return (output + b"^" + held + data[begin + sizes :]).decode("latin-1")
    passed, is_found = point.find(held, is_end=True)
    return (output + held[:passed] + b"^" * is_found + held[passed:]).decode("latin-1")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize(("about", "document"), ROWS)
def test_insertion_point(about: str, document: str, size: int) -> None:
    """It is where the table says, however the document is cut in pieces."""
    assert inserted(document.replace("^", ""), size, encoding_is_known=True) == document


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize(("about", "document"), ROWS_OF_UNKNOWN_ENCODING)
def test_insertion_point_after_the_encoding(about: str, document: str, size: int) -> None:
    """Elements that may name the encoding come first, if they run nothing."""
    assert inserted(document.replace("^", ""), size, encoding_is_known=False) == document


def test_holds_little_back() -> None:
    """An open comment passes while it is open, but for what may be its end."""
    point = InsertionPoint(encoding_is_known=True)
    assert point.find(b"<!doctype html><!-- a") == (21, False)
    assert point.find(b" long one -") == (10, False)
    assert point.find(b"- and so on") == (11, False)
    assert point.find(b"--") == (0, False)
    assert point.find(b"--><he") == (3, False)
    assert point.find(b"<hea") == (0, False)
    assert point.find(b"<head>") == (6, True)


def test_a_tag_without_end() -> None:
    """It is not waited for longer than any real one would be."""
    point = InsertionPoint(encoding_is_known=True)
    text = b"<html a='" + b"x" * 65_000
    assert point.find(text) == (0, False)
    assert point.find(text + b"x" * 1000) == (0, True)


# Says when it ran, and leaves nothing of its own in the document.
CLIENT = "globalThis.order = ['client']; document.currentScript.remove();"
END = "<script>(globalThis.order ??= []).push('page')</script><p>\xe9</p>"
LOOK = """() => [document.compatMode, document.characterSet, document.doctype && document.doctype.publicId,
  [...document.childNodes].map((node) => node.outerHTML ?? node.nodeName + node.nodeValue)]"""


def shown(page: Page, site: Origin, body: bytes, content_type: str) -> tuple[list[str], object]:
    """Which scripts ran, and what became of the document."""
    site.route("/page", body, content_type)
    page.goto(f"{site.url}/page")
    return page.evaluate("globalThis.order ?? []"), page.evaluate(LOOK)


def test_chromium_agrees(origin: Origin, chromium: BrowserContext) -> None:
    """The script runs before all others, and the document is as without it: mode, encoding, elements, comments."""
    origin.script(SCRIPT_PATH, CLIENT)
    origin.route("/favicon.ico")
    page = chromium.new_page()
    tag = script_tag("1", {})
    differing = []
    for content_type, rows in (("text/html; charset=utf-8", ROWS), ("text/html", ROWS_OF_UNKNOWN_ENCODING)):
        for about, document in rows:
            body = (document.replace("^", "") + END).encode("latin-1")
            insertion = Insertion(tag, content_type)
            changed = (insertion.feed(body) + insertion.finish()).rstrip(b" ")
            order, plain = shown(page, origin, body, content_type)
            client_order, after = shown(page, origin, changed, content_type)
            if SCRIPT_PATH.encode() in changed:
                order = ["client", *order]
            if (order, plain) != (client_order, after):
                differing.append((about, changed, order, client_order, plain, after))
    page.close()
    assert differing == []
