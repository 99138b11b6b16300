"""Content codings, undone and done again while a body streams by (https://www.rfc-editor.org/rfc/rfc9110#section-8.4).

A changed body gets the coding back that it had: its header promises it, and is sent before the body has shown that it
keeps the promise. The levels are the lowest ones that compress: the way to the browser is short, and level 0 would
let a few bytes of a hostile server become gigabytes of ours.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli

from swproxy.errors import SwproxyError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# About as many bytes come out at once. More do not stay in the processor's caches until they are encoded.
_PIECE = 1 << 15
# Brotli does not let us limit that in all versions that we run with; as many bytes, at most, go in at once.
_BROTLI_SLICE = 1 << 7
# https://www.rfc-editor.org/rfc/rfc9659: what a browser reads has no larger window.
_ZSTD_WINDOW_LOG = 23
# Nobody uses two; browsers give up, too, somewhere.
_MOST_CODINGS = 4

_GZIP_WINDOW = zlib.MAX_WBITS | 16
_GZIP_MAGIC = b"\x1f\x8b"


class UndecodableContent(SwproxyError):
    """The body is not of the coding that its header names."""


class Coding(Protocol):
    """One body in one coding, both ways.

    Attributes:
        is_complete: what was decoded has reached its end.
    """

    @property
    def is_complete(self) -> bool: ...

    def decode(self, data: bytes) -> Iterator[bytes]:
        """The content, in pieces of a bounded size, none of them empty.

        Raises:
            UndecodableContent: the data are not of the coding.
        """

    def encode(self, content: bytes) -> bytes:
        """What can be sent of the content already."""

    def flush(self) -> bytes:
        """What the other side needs in order to have all of the content so far."""

    def finish(self) -> bytes:
        """The end."""

    def fail(self) -> bytes:
        """Something that every decoder takes for an error."""


class _Zlib:
    """gzip of any number of members, and both kinds of "deflate"."""

    def __init__(self, window_bits: int | None) -> None:
        """``window_bits`` as zlib means them; None finds out from the data whether they have zlib's header."""
        self._window_bits = window_bits
        self._waiting = b""
        self._decoder = zlib.decompressobj(zlib.MAX_WBITS if window_bits is None else window_bits)
        self._encoder: zlib._Compress | None = None
        self.is_complete = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        data = self._waiting + data
        self._waiting = b""
        if self._window_bits is None:
            if len(data) < 2:
                self._waiting = data
                return
            has_header = data[0] & 15 == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
            self._window_bits = zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
            self._decoder = zlib.decompressobj(self._window_bits)
        is_full = False
        while data or is_full:
            if self.is_complete and not self._begin_member(data):
                return
            try:
                piece = self._decoder.decompress(data, _PIECE)
            except zlib.error as error:
                raise UndecodableContent(f"A page cannot be decompressed: {error}.") from None
            self.is_complete = self._decoder.eof
            data = self._decoder.unused_data or self._decoder.unconsumed_tail
            is_full = len(piece) == _PIECE and not self.is_complete
            if piece:
                yield piece

    def _begin_member(self, data: bytes) -> bool:
        """Whether another gzip member begins; anything else after the end is ignored, as browsers do."""
        if self._window_bits == _GZIP_WINDOW and len(data) == 1 and _GZIP_MAGIC.startswith(data):
            self._waiting = data
            return False
        if self._window_bits != _GZIP_WINDOW or not data.startswith(_GZIP_MAGIC):
            return False
        self._decoder = zlib.decompressobj(_GZIP_WINDOW)
        return True

    def encode(self, content: bytes) -> bytes:
        return self._encoding().compress(content)

    def flush(self) -> bytes:
        return self._encoding().flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._encoding().flush()

    def fail(self) -> bytes:
        return self.flush() + b"\x07"  # the last block, of the reserved type

    def _encoding(self) -> "zlib._Compress":
        if self._encoder is None:
            self._encoder = zlib.compressobj(1, wbits=self._window_bits or zlib.MAX_WBITS)
        return self._encoder


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()
        self._encoder = brotli.Compressor(quality=1, lgwin=18)
        self.encode: Callable[[bytes], bytes] = self._encoder.process
        self.flush: Callable[[], bytes] = self._encoder.flush
        self.finish: Callable[[], bytes] = self._encoder.finish

    @property
    def is_complete(self) -> bool:
        return bool(self._decoder.is_finished())

    def decode(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        for begin in range(0, len(data), _BROTLI_SLICE):
            if self.is_complete:
                break
            try:
                piece += self._decoder.process(data[begin : begin + _BROTLI_SLICE])
            except brotli.error as error:
                raise UndecodableContent(f"A page cannot be decompressed: {error}.") from None
            if len(piece) >= _PIECE:
                yield piece
                piece = b""
        if piece:
            yield piece

    def fail(self) -> bytes:
        return self.flush() + b"\x0e"  # a meta-block of metadata, with the reserved bit set


class _Zstandard:
    def __init__(self) -> None:
        self._begin_frame()
        self._encoder = zstd.ZstdCompressor(1)
        self.encode: Callable[[bytes], bytes] = self._encoder.compress

    def _begin_frame(self) -> None:
        options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
        self._decoder = zstd.ZstdDecompressor(options=options)

    @property
    def is_complete(self) -> bool:
        return self._decoder.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data or not (self._decoder.needs_input or self.is_complete):
            if self.is_complete:
                self._begin_frame()
            try:
                piece = self._decoder.decompress(data, _PIECE)
            except zstd.ZstdError as error:
                raise UndecodableContent(f"A page cannot be decompressed: {error}.") from None
            data = self._decoder.unused_data if self.is_complete else b""
            if piece:
                yield piece

    def flush(self) -> bytes:
        return self._encoder.flush(zstd.ZstdCompressor.FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._encoder.flush()

    def fail(self) -> bytes:
        return self.flush() + b"\x07\x00\x00"  # the last block, of the reserved type


class _Sequence:
    """Several codings, in the order in which they were applied."""

    def __init__(self, first: Coding, second: Coding) -> None:
        self._first, self._second = first, second

    @property
    def is_complete(self) -> bool:
        return self._first.is_complete and self._second.is_complete

    def decode(self, data: bytes) -> Iterator[bytes]:
        for piece in self._second.decode(data):
            yield from self._first.decode(piece)

    def encode(self, content: bytes) -> bytes:
        return self._second.encode(self._first.encode(content))

    def flush(self) -> bytes:
        return self._second.encode(self._first.flush()) + self._second.flush()

    def finish(self) -> bytes:
        return self._second.encode(self._first.finish()) + self._second.finish()

    def fail(self) -> bytes:
        return self._second.encode(self._first.fail()) + self._second.flush()


class _Identity:
    is_complete = True

    def decode(self, data: bytes) -> Iterator[bytes]:
        if data:
            yield data

    def encode(self, content: bytes) -> bytes:
        return content

    def flush(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b""

    def fail(self) -> bytes:
        return b""


_CODINGS: dict[str, Callable[[], Coding]] = {
    "gzip": lambda: _Zlib(_GZIP_WINDOW),
    "x-gzip": lambda: _Zlib(_GZIP_WINDOW),
    "deflate": lambda: _Zlib(None),
    "br": _Brotli,
    "zstd": _Zstandard,
}


def codings_of(content_encoding: str) -> list[str]:
    """The codings of a Content-Encoding, in the order in which they were applied; "identity" is none."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    return [name for name in names if name not in ("", "identity")]


def is_known(content_encoding: str) -> bool:
    """Whether ``coding_of`` knows all its codings."""
    names = codings_of(content_encoding)
    return len(names) <= _MOST_CODINGS and all(name in _CODINGS for name in names)


def coding_of(content_encoding: str) -> Coding:
    """A Content-Encoding that is known."""
    coding: Coding = _Identity()
    for name in codings_of(content_encoding):
        made = _CODINGS[name]()
        coding = made if isinstance(coding, _Identity) else _Sequence(coding, made)
    return coding
