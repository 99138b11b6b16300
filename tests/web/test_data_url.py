"""fetch() of data: URLs."""

from collections.abc import Callable
from typing import Any

import pytest

from swproxy.web.fetch.data_url import data_url_processor

RunJs = Callable[..., Any]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:,a%20b%FF#c", ("text/plain;charset=US-ASCII", b"a b\xff")),
        ("data:;charset=x,", ("text/plain;charset=x", b"")),
        ("data:nonsense,x", ("text/plain;charset=US-ASCII", b"x")),
        ("data: IMAGE/gif ; BASE64 ,YQ", ("image/gif", b"a")),
        ("data:a/b;base64,Y Q %3D=%0A", ("a/b", b"a")),
        ("data:a/b;base64;x=y,YQ", ("a/b;x=y", b"YQ")),
        ("data:a/b;base64,Y", None),
        ("data:;base64,ž", None),
        ("data:a/b", None),
    ],
)
def test_data_url_processor(url: str, expected: tuple[str, bytes] | None) -> None:
    """The MIME type and the bytes, or failure."""
    assert data_url_processor(url) == expected


def test_fetching_a_data_url_needs_no_network(run_js: RunJs) -> None:
    """It is a basic response in every mode; HEAD has no body; a wrong digest is a network error."""
    script = """
      const seen = [];
      const post = { mode: "same-origin", method: "POST", body: "x" };
      for (const init of [{}, { mode: "no-cors" }, post, { method: "HEAD" }]) {
        const response = await fetch("data:text/x,a%62c#d", init);
        const { type, url, status, statusText, headers } = response;
        seen.push([type, url, status, statusText, headers.get("Content-Type"), await response.text()]);
      }
      const integrity = "sha256-" + "A".repeat(43) + "=";
      const signal = AbortSignal.abort(1);
      for (const [url, init] of [["data:x", {}], ["data:,x", { integrity }], ["data:,x", { signal }]]) {
        seen.push(await fetch(url, init).catch((error) => error.name ?? error));
      }
      return seen;
    """
    basic = ["basic", "data:text/x,a%62c", 200, "OK", "text/x"]
    expected = [[*basic, "abc"]] * 3 + [[*basic, ""], "TypeError", "TypeError", 1]
    assert run_js(script) == expected
