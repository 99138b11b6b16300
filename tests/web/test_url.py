"""URL and URLSearchParams."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]


def test_a_relative_url_is_resolved(run_js: RunJs) -> None:
    """A base URL is used."""
    assert run_js('return new URL("../a?b#c", "https://x.test/d/e/f").href') == "https://x.test/d/a?b#c"


def test_search_params_write_through(run_js: RunJs) -> None:
    """A change of searchParams changes the URL, and the other way round."""
    script = """
      const url = new URL("https://x.test/?a=1");
      url.searchParams.append("b", "ž &");
      const first = url.href;
      url.search = "?c=2";
      return [first, [...url.searchParams]];
    """
    assert run_js(script) == ["https://x.test/?a=1&b=%C5%BE+%26", [["c", "2"]]]


def test_an_invalid_url_throws_a_type_error(run_js: RunJs) -> None:
    """The error is a TypeError; canParse and parse do not throw."""
    script = """
      let name;
      try { new URL("http://["); } catch (error) { name = error.constructor.name; }
      return [name, URL.canParse("http://["), URL.parse("http://[")];
    """
    assert run_js(script) == ["TypeError", False, None]
