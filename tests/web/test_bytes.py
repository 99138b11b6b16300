"""The crossing of bytes between JavaScript and the host."""

from collections.abc import Callable
from typing import Any

import pytest

from swproxy.web.infra.bytes import pack_bytes, unpack_bytes

RunJs = Callable[..., Any]

# A Blob takes its bytes to the host, and fetches them from there.
_CROSSES = """
  const crosses = async (bytes) => {
    const back = await new Blob([bytes]).bytes();
    return back.buffer.byteLength === bytes.length && back.every((byte, i) => byte === bytes[i]);
  };
"""


def test_every_pair_of_bytes_crosses(run_js: RunJs) -> None:
    """Surrogates, which JSON has to escape, among them."""
    script = f"""{_CROSSES}
      const bytes = new Uint8Array(new Uint16Array(65536).map((_, i) => i).buffer);
      return [await crosses(bytes), await crosses(bytes.subarray(1))];
    """
    assert run_js(script) == [True, True]


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_lengths_and_offsets(run_js: RunJs, offset: int) -> None:
    """Odd ones, too, and those of more than one chunk."""
    script = f"""{_CROSSES}
      const all = new Uint8Array(40000).map((_, i) => i * 7 % 251);
      const failed = [];
      for (const length of [0, 1, 2, 3, 4, 5, 7, 16383, 16384, 16385, 32771]) {{
        if (!await crosses(all.subarray({offset}, {offset} + length))) failed.push(length);
      }}
      return failed;
    """
    assert run_js(script) == []


def test_many_bytes_are_sent_as_text() -> None:
    """Numbers would take too much memory."""
    data = bytes(range(256)) * (1 << 14)
    assert pack_bytes(data)[-1] == len(data)
    assert pack_bytes(data + b"!") == (data + b"!").decode("latin-1")


def test_packed_text_has_pairs_and_the_odd_byte() -> None:
    """The last character is the odd byte, or none."""
    assert unpack_bytes("\u0100") == b""
    assert unpack_bytes("\x80") == b"\x80"
    assert unpack_bytes("\u0201\u0100") == b"\x01\x02"
