"""ImageData: pixels without a canvas."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

SHOW = """
  const show = ({ width, height, colorSpace, pixelFormat, data }) =>
    [width, height, colorSpace, pixelFormat, data.constructor.name, data.length > 0 ? [...data] : []];
  const attempt = (...values) => {
    try { return show(new ImageData(...values)); } catch (error) { return error.name; }
  };
"""
UNORM8, FLOAT16 = ["rgba-unorm8", "Uint8ClampedArray"], ["rgba-float16", "Float16Array"]


def test_transparent_black(run_js: RunJs) -> None:
    """Of a size, a color space and a pixel format."""
    script = f"""
      {SHOW}
      return [attempt(2, 1), attempt("1", 1.9, null), attempt(1, 1, {{ colorSpace: "display-p3" }}),
        attempt(1, 1, {{ pixelFormat: "rgba-float16" }}), ImageData.length, String(new ImageData(1, 1))];
    """
    assert run_js(script) == [
        *[[2, 1, "srgb", *UNORM8, [0] * 8], [1, 1, "srgb", *UNORM8, [0] * 4]],
        *[[1, 1, "display-p3", *UNORM8, [0] * 4], [1, 1, "srgb", *FLOAT16, [0] * 4], 2, "[object ImageData]"],
    ]


def test_pixels_that_are_given(run_js: RunJs) -> None:
    """The array itself is the data; the height follows from its length, or must fit."""
    script = f"""
      {SHOW}
      const bytes = new Uint8ClampedArray([1, 2, 3, 4, 5, 6, 7, 8]);
      const image = new ImageData(bytes, 1);
      image.data[0] = 300;
      const floats = new Float16Array([0.5, 0, 1, 1]);
      return [image.data === bytes, show(image), attempt(bytes, 2), attempt(bytes, 1, 2),
        attempt(bytes.subarray(4), 1, undefined, {{ colorSpace: "display-p3" }}),
        attempt(floats, 1, 1, {{ pixelFormat: "rgba-float16" }})];
    """
    given = [255, 2, 3, 4, 5, 6, 7, 8]
    assert run_js(script) == [
        *[True, [1, 2, "srgb", *UNORM8, given], [2, 1, "srgb", *UNORM8, given], [1, 2, "srgb", *UNORM8, given]],
        *[[1, 1, "display-p3", *UNORM8, [5, 6, 7, 8]], [1, 1, "srgb", *FLOAT16, [0.5, 0, 1, 1]]],
    ]


FAILURES = [
    *[("", "TypeError"), ("1", "TypeError"), ("0, 1", "IndexSizeError"), ("1, 0", "IndexSizeError")],
    *[("1, 1, 5", "TypeError"), ("1, 1, {}, {}", "TypeError"), ("1, 1, { colorSpace: 'rec2020' }", "TypeError")],
    *[("1, 1, { pixelFormat: 'rgba-float32' }", "TypeError"), ("2 ** 31, 2 ** 31", "RangeError")],
    *[("new Uint8ClampedArray(4)", "TypeError"), ("new Uint8ClampedArray(0), 1", "InvalidStateError")],
    *[("new Uint8ClampedArray(7), 1", "InvalidStateError"), ("new Uint8ClampedArray(8), 3", "IndexSizeError")],
    *[("new Uint8ClampedArray(8), 0", "IndexSizeError"), ("new Uint8ClampedArray(8), 1, 1", "IndexSizeError")],
    *[("new Uint8ClampedArray(8), 1, 0", "IndexSizeError"), ("new Uint8ClampedArray(4), 1, 1, 5", "TypeError")],
    ("new Uint8ClampedArray(8), 1, 1, { pixelFormat: 'rgba-float16' }", "InvalidStateError"),
    ("new Float16Array(4), 1, 2", "InvalidStateError"),
    ("new Uint8ClampedArray(new ArrayBuffer(4, { maxByteLength: 8 })), 1", "TypeError"),
    ("new Uint8Array(4), 1", "IndexSizeError"),  # no pixels: a width that is NaN
    ("new Uint8Array(4), 1, 1, {}", "TypeError"),
    ("(() => { const a = new Uint8ClampedArray(4); a.buffer.transfer(); return a; })(), 1", "InvalidStateError"),
]


def test_what_is_no_image(run_js: RunJs) -> None:
    """Sizes of 0, data that do not fit the size or the format, arrays of other types."""
    calls = ", ".join(f"attempt({values})" for values, _ in FAILURES)
    results = run_js(f"{SHOW} return [{calls}]")
    assert list(zip([values for values, _ in FAILURES], results, strict=True)) == FAILURES


def test_clones(run_js: RunJs) -> None:
    """With their pixels, which are the same array where that is elsewhere too."""
    script = f"""
      {SHOW}
      const image = new ImageData(new Uint8ClampedArray([1, 2, 3, 4]), 1, 1, {{ colorSpace: "display-p3" }});
      const floats = new ImageData(new Float16Array([0.5, 1, 2, 3]), 1, 1, {{ pixelFormat: "rgba-float16" }});
      const copy = structuredClone({{ image, again: image, data: image.data, floats }});
      image.data[0] = 9;
      return [show(copy.image), show(copy.floats), copy.again === copy.image, copy.data === copy.image.data,
        copy.image.constructor === ImageData];
    """
    assert run_js(script) == [
        *[[1, 1, "display-p3", *UNORM8, [1, 2, 3, 4]], [1, 1, "srgb", *FLOAT16, [0.5, 1, 2, 3]], True, True, True],
    ]


def test_pixels_can_be_transferred(run_js: RunJs) -> None:
    """The image keeps its size, without pixels; it cannot be cloned then."""
    script = f"""
      {SHOW}
      const image = new ImageData(1, 1);
      const copy = structuredClone(image, {{ transfer: [image.data.buffer] }});
      let error;
      try {{ structuredClone(image); }} catch ({{ name }}) {{ error = name; }}
      return [show(copy), show(image), error];
    """
    assert run_js(script) == [
        *[[1, 1, "srgb", *UNORM8, [0] * 4], [1, 1, "srgb", *UNORM8, []], "DataCloneError"],
    ]


@pytest.mark.parametrize("width", [1, 1000])
def test_between_workers(tmp_path: Path, width: int) -> None:
    """The pixels are a part of the record; the interface is loaded when one is received."""
    source = f"""
      const channel = new BroadcastChannel("x");
      channel.onmessage = ({{ data }}) => {{
        const {{ length }} = data.data;
        console.log(data.constructor === ImageData, data.width, data.height, length, data.data[length - 1]);
      }};
      const image = new ImageData({width}, 1);
      image.data[4 * {width} - 1] = 7;
      new BroadcastChannel("y").postMessage(image);
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        [(_, [_, record])] = process.calls_made
        fields = ["ImageData", 4, width, 1, "srgb", "rgba-unorm8"]
        view = [21, "Uint8ClampedArray", 0, 4 * width, 19, 0]
        assert json.loads(record["text"]) == [1, 23, *fields, 0, 1, *view]
        process.send(messages.Deliver("broadcast", {"key": '"x"', "message": record}))
        assert process.wait_for(messages.Log).text == f"true {width} 1 {4 * width} 7"
