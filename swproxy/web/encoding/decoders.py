"""The decoders of the Encoding Standard (https://encoding.spec.whatwg.org/).

Where Python's codec does what the standard says, it is used. Others of Python know other characters and, of malformed
input, drop other bytes: those encodings are taken apart here, one regular expression for each.
"""

import codecs
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

import webencodings

from swproxy.web.encoding import indexes

REPLACEMENT = "\ufffd"
_REPLACEMENT_BYTES = REPLACEMENT.encode()
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xfe\xff": "utf-16be", b"\xff\xfe": "utf-16le"}
_SURROGATE_BYTES = re.compile(rb"\xed[\xa0-\xbf]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Malformed(Exception):
    """The input is not of the encoding, and the error mode is "fatal".

    Args:
        read: how many bytes were read, with those in error.
        state: of the decoder after them.
    """

    def __init__(self, read: int, state: int = 0) -> None:
        self.read = read
        self.state = state


class Decoded(NamedTuple):
    """What became of the bytes of a chunk.

    Args:
        text: of the bytes that were read.
        read: how many; the rest is the beginning of something that the next chunk may complete.
        state: of a decoder that has one.
    """

    text: str
    read: int
    state: int = 0


Decoder = Callable[[bytes, bool, bool, int], Decoded]


def decode(data: bytes, name: str) -> str:
    """https://encoding.spec.whatwg.org/#decode: a byte order mark has more say than ``name``."""
    for mark, marked in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return decode_chunk(marked, data[len(mark) :]).text
    return decode_chunk(name, data).text


def decode_chunk(name: str, data: bytes, *, flush: bool = True, fatal: bool = False, state: int = 0) -> Decoded:
    """Decodes a chunk.

    Args:
        name: of the encoding, as ``webencodings.lookup`` gives it.
        data: what earlier chunks have left unread, and the chunk.
        flush: nothing follows.
        fatal: the error mode is "fatal" and not "replacement".
        state: the one after the chunk before.

    Raises:
        Malformed: ``fatal`` is set, and there is an error.
    """
    return _decoder(name)(data, flush, fatal, state)


@cache
def _decoder(name: str) -> Decoder:
    if name in _DECODERS:
        return _DECODERS[name]
    return _single_byte(indexes.single_byte(name, webencodings.lookup(name).codec_info.name))


def _single_byte(index: str) -> Decoder:
    table = index.replace(indexes.NONE, "\ufffe")  # which is how Python calls it

    def decode(data: bytes, flush: bool, fatal: bool, state: int) -> Decoded:
        try:
            return Decoded(*codecs.charmap_decode(data, "strict" if fatal else "replace", table))
        except UnicodeDecodeError as error:
            raise Malformed(error.end) from None

    return decode


def _utf_8(data: bytes, flush: bool, fatal: bool, state: int) -> Decoded:
    # Python waits for the rest of a surrogate, which the standard has no use for.
    complete = flush or bool(_SURROGATE_BYTES.fullmatch(data[-2:]))
    try:
        return Decoded(*codecs.utf_8_decode(data, "strict" if fatal else "replace", complete))
    except UnicodeDecodeError as error:
        raise Malformed(error.end) from None


def _utf_16(codec: str, high_byte: int) -> Decoder:
    """https://encoding.spec.whatwg.org/#shared-utf-16-decoder; ``high_byte`` is the place of that in a code unit."""

    def decode(data: bytes, flush: bool, fatal: bool, state: int) -> Decoded:
        whole = len(data) & ~1
        if whole and data[whole - 2 + high_byte] & 0xFC == 0xD8:
            whole -= 2  # a lead surrogate
        text = data[:whole].decode(codec, "surrogatepass")
        if fatal and (lone := _SURROGATE.search(text)):
            raise Malformed(len(text[: lone.end()].encode(codec, "surrogatepass")))
        text = _SURROGATE.sub(REPLACEMENT, text)
        if not flush or whole == len(data):
            return Decoded(text, whole)
        if fatal:
            raise Malformed(len(data))
        return Decoded(text + REPLACEMENT, len(data))

    return decode


def _multi_byte(pattern: bytes, character: Callable[[bytes], str | None]) -> Decoder:
    """A decoder for an encoding in which ASCII bytes stand for themselves wherever a character begins.

    Args:
        pattern: what may be there else. In the first group: sequences to look up; in the second: beginnings of one,
            at the end of the data; outside of both: bytes that are one error.
        character: what the standard has for a sequence.
    """
    tokens = re.compile(pattern)

    @lru_cache(1 << 14)
    def look_up(sequence: bytes) -> bytes | None:
        found = character(sequence)
        return None if found is None else found.encode()

    def decode(data: bytes, flush: bool, fatal: bool, state: int) -> Decoded:
        read = len(data)

        def convert(match: re.Match[bytes]) -> bytes:
            nonlocal read
            token = match[0]
            if match.lastindex == 1 and (found := look_up(token)) is not None:
                return found
            if match.lastindex == 2 and not flush:
                read = match.start()
                return b""
            # "If byte is an ASCII byte, restore byte to ioQueue": it will stand for itself.
            restored = token[1:] if match.lastindex == 1 and len(token) == 2 and token[1] < 0x80 else b""
            if fatal:
                raise Malformed(match.end() - len(restored))
            return _REPLACEMENT_BYTES + restored

        return Decoded(tokens.sub(convert, data).decode(), read)

    return decode


def _at(index: str, pointer: int) -> str | None:
    character = index[pointer : pointer + 1]
    return None if character in ("", indexes.NONE) else character


def _half_width_katakana(byte: int) -> str:
    return chr(0xFF61 - 0xA1 + byte)


# https://encoding.spec.whatwg.org/#gb18030-decoder

_GB18030 = (
    rb"(\x80|[\x81-\xfe](?:[\x40-\x7e\x80-\xfe]|[0-9][\x81-\xfe][0-9]))|([\x81-\xfe](?:[0-9][\x81-\xfe]?)?\Z)"
    rb"|[\x81-\xfe]\xff|[\x80-\xff]"
)


def _gb18030_character(sequence: bytes) -> str | None:
    if len(sequence) == 1:
        return "€"
    if len(sequence) == 2:
        lead, trail = sequence
        return _at(indexes.gb18030(), (lead - 0x81) * 190 + trail - (0x40 if trail < 0x7F else 0x41))
    if sequence == b"\x81\x35\xf4\x37":  # which Python has in the first edition's place
        return "\ue7c7"
    try:
        return sequence.decode("gb18030")
    except UnicodeDecodeError:
        return None


# https://encoding.spec.whatwg.org/#big5-decoder

_BIG5 = rb"([\x81-\xfe][\x40-\x7e\xa1-\xfe])|([\x81-\xfe]\Z)|[\x81-\xfe][\x80-\xa0\xff]|[\x80-\xff]"
_BIG5_TWO_CHARACTERS = {1133: "Ê\u0304", 1135: "Ê\u030c", 1164: "ê\u0304", 1166: "ê\u030c"}


def _big5_character(sequence: bytes) -> str | None:
    lead, trail = sequence
    pointer = (lead - 0x81) * 157 + trail - (0x40 if trail < 0x7F else 0x62)
    return _BIG5_TWO_CHARACTERS.get(pointer) or _at(indexes.big5(), pointer)


# https://encoding.spec.whatwg.org/#euc-kr-decoder

_EUC_KR = rb"([\x81-\xfe][\x41-\xfe])|([\x81-\xfe]\Z)|[\x81-\xfe]\xff|[\x80-\xff]"


def _euc_kr_character(sequence: bytes) -> str | None:
    lead, trail = sequence
    return _at(indexes.euc_kr(), (lead - 0x81) * 190 + trail - 0x41)


# https://encoding.spec.whatwg.org/#shift_jis-decoder

_SHIFT_JIS = (
    rb"([\x80\xa1-\xdf]|[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc])|([\x81-\x9f\xe0-\xfc]\Z)"
    rb"|[\x81-\x9f\xe0-\xfc][\xfd-\xff]|[\x80-\xff]"
)


def _shift_jis_character(sequence: bytes) -> str | None:
    if len(sequence) == 1:
        return "\x80" if sequence == b"\x80" else _half_width_katakana(sequence[0])
    lead, trail = sequence
    pointer = (lead - (0x81 if lead < 0xA0 else 0xC1)) * 188 + trail - (0x40 if trail < 0x7F else 0x41)
    return _at(indexes.jis0208(), pointer)


# https://encoding.spec.whatwg.org/#euc-jp-decoder

_EUC_JP = (
    rb"(\x8e[\xa1-\xdf]|\x8f?[\xa1-\xfe][\xa1-\xfe])|((?:\x8f[\xa1-\xfe]?|[\x8e\xa1-\xfe])\Z)"
    rb"|\x8f[\xa1-\xfe][\x80-\xff]?|[\x8e\x8f\xa1-\xfe][\x80-\xff]|[\x80-\xff]"
)


def _euc_jp_character(sequence: bytes) -> str | None:
    *_, lead, trail = sequence
    if lead == 0x8E:
        return _half_width_katakana(trail)
    index = indexes.jis0208() if len(sequence) == 2 else indexes.jis0212()
    return _at(index, (lead - 0xA1) * 94 + trail - 0xA1)


# https://encoding.spec.whatwg.org/#iso-2022-jp-decoder

_ASCII, _ROMAN, _KATAKANA, _JIS0208 = range(4)
_ESCAPES = {b"(B": _ASCII, b"(J": _ROMAN, b"(I": _KATAKANA, b"$@": _JIS0208, b"$B": _JIS0208}
_ISO_2022_JP_TEXT = {
    _ASCII: rb"[\x00-\x0d\x10-\x1a\x1c-\x7f]+",
    _ROMAN: rb"[\x00-\x0d\x10-\x1a\x1c-\x7f]+",
    _KATAKANA: rb"[\x21-\x5f]+",
    _JIS0208: rb"[\x21-\x7e]{2}",
}
_ISO_2022_JP = {
    output: re.compile(
        rb"\x1b(?P<escape>\([BJI]|\$[@B])|(?P<incomplete>\x1b[$(]?\Z%(lead)b)|(?P<text>%(text)b)%(error)b|[\x00-\xff]"
        % {
            b"lead": rb"|[\x21-\x7e]\Z" if output == _JIS0208 else b"",
            b"text": text,
            b"error": rb"|[\x21-\x7e][^\x1b]" if output == _JIS0208 else b"",
        }
    )
    for output, text in _ISO_2022_JP_TEXT.items()
}
_FROM_ROMAN = {0x5C: "¥", 0x7E: "‾"}


def _iso_2022_jp_text(output: int, data: bytes) -> str | None:
    if output == _JIS0208:
        lead, trail = data
        return _at(indexes.jis0208(), (lead - 0x21) * 94 + trail - 0x21)
    if output == _KATAKANA:
        return "".join([_half_width_katakana(byte + 0x80) for byte in data])
    text = data.decode("ascii")
    return text.translate(_FROM_ROMAN) if output == _ROMAN else text


def _iso_2022_jp(data: bytes, flush: bool, fatal: bool, state: int) -> Decoded:
    """The state is the decoder output state, times two, plus one if the ISO-2022-JP output flag is set."""
    output, after_escape = divmod(state, 2)
    decoded = []
    read = 0
    while match := _ISO_2022_JP[output].match(data, read):
        text: str | None = None
        if match.lastgroup == "incomplete" and not flush:
            break
        read = match.end()
        if match.lastgroup == "escape":
            output = _ESCAPES[match["escape"]]
            text = None if after_escape else ""
            after_escape = 1
        else:
            after_escape = 0
            if match.lastgroup == "text":
                text = _iso_2022_jp_text(output, match["text"])
            elif match.lastgroup == "incomplete":
                read = match.start() + 1
        if text is None and fatal:
            raise Malformed(read, 2 * output + after_escape)
        decoded.append(REPLACEMENT if text is None else text)
    return Decoded("".join(decoded), read, 2 * output + after_escape)


def _replacement(data: bytes, flush: bool, fatal: bool, state: int) -> Decoded:
    """https://encoding.spec.whatwg.org/#replacement-decoder; the state is 1 after the first byte."""
    if fatal and data and state == 0:
        raise Malformed(len(data), 1)
    return Decoded(REPLACEMENT if data and state == 0 else "", len(data), 1 if data else state)


# https://encoding.spec.whatwg.org/#x-user-defined-decoder

_X_USER_DEFINED = "".join(map(chr, [*range(0x80), *range(0xF780, 0xF800)]))


_DECODERS: dict[str, Decoder] = {
    "utf-8": _utf_8,
    "utf-16be": _utf_16("utf-16-be", 0),
    "utf-16le": _utf_16("utf-16-le", 1),
    "gbk": (_gb := _multi_byte(_GB18030, _gb18030_character)),
    "gb18030": _gb,
    "big5": _multi_byte(_BIG5, _big5_character),
    "euc-kr": _multi_byte(_EUC_KR, _euc_kr_character),
    "shift_jis": _multi_byte(_SHIFT_JIS, _shift_jis_character),
    "euc-jp": _multi_byte(_EUC_JP, _euc_jp_character),
    "iso-2022-jp": _iso_2022_jp,
    "replacement": _replacement,
    "x-user-defined": _single_byte(_X_USER_DEFINED),
}
