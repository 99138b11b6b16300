"""The compression contexts of the Compression Standard (https://compression.spec.whatwg.org/#compression-context)."""

import io
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli

from swproxy.errors import SwproxyError

# About as many bytes, at most, come out of a decompression context at once.
PIECE = 1 << 18

# The window bits with which zlib reads and writes each format.
_ZLIB_FORMATS = {"deflate": zlib.MAX_WBITS, "deflate-raw": -zlib.MAX_WBITS, "gzip": zlib.MAX_WBITS | 16}


class CompressedDataError(SwproxyError):
    """The input cannot be decompressed."""

    name = "TypeError"


class Context(Protocol):
    """Bytes in, compressed or decompressed bytes out."""

    def write(self, data: bytes) -> tuple[bytes, bool]:
        """Takes bytes.

        Returns:
            What comes out, and whether the context must be asked again, with no bytes, before it is given others.

        Raises:
            CompressedDataError: they cannot be decompressed.
        """

    def finish(self) -> bytes:
        """What is left to come out at the end.

        Raises:
            CompressedDataError: the end of the compressed input was not reached.
        """


class _Compression:
    def __init__(self, compress: Callable[[bytes], bytes], finish: Callable[[], bytes]) -> None:
        self._compress = compress
        self.finish = finish

    def write(self, data: bytes) -> tuple[bytes, bool]:
        return self._compress(data), False


class _ZlibDecompression:
    def __init__(self, window_bits: int) -> None:
        self._context = zlib.decompressobj(window_bits)

    def write(self, data: bytes) -> tuple[bytes, bool]:
        context = self._context
        if context.unused_data or (context.eof and data):
            raise CompressedDataError("There is more data after the end of the compressed data.")
        try:
            output = context.decompress(context.unconsumed_tail + data, PIECE)
        except zlib.error as error:
            raise CompressedDataError(f"The compressed data was not valid: {error}.") from None
        return output, len(output) == PIECE or bool(context.unused_data)

    def finish(self) -> bytes:
        if not self._context.eof:
            raise CompressedDataError("The compressed data has ended too early.")
        return b""


class _BrotliDecompression:
    def __init__(self) -> None:
        self._context = brotli.Decompressor()
        self._output = io.BytesIO()

    def write(self, data: bytes) -> tuple[bytes, bool]:
        if data:
            try:
                self._output = io.BytesIO(self._context.process(data))
            except brotli.error:
                message = "The compressed data was not valid, or there is more after its end."
                raise CompressedDataError(message) from None
        output = self._output.read(PIECE)
        return output, len(output) == PIECE

    def finish(self) -> bytes:
        if not self._context.is_finished():
            raise CompressedDataError("The compressed data has ended too early.")
        return b""


def compression(format: str) -> Context:  # noqa: A002
    """https://compression.spec.whatwg.org/#dom-compressionstream-compressionstream"""
    if format == "brotli":
        compressor = brotli.Compressor()
        return _Compression(compressor.process, compressor.finish)
    compressobj = zlib.compressobj(wbits=_ZLIB_FORMATS[format])
    return _Compression(compressobj.compress, compressobj.flush)


def decompression(format: str) -> Context:  # noqa: A002
    """https://compression.spec.whatwg.org/#dom-decompressionstream-decompressionstream"""
    return _BrotliDecompression() if format == "brotli" else _ZlibDecompression(_ZLIB_FORMATS[format])
