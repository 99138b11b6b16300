"""The copy of the checkout that WPT's server gets."""

from pathlib import Path

from tests.wpt.areas import discover
from tests.wpt.server import hosts, overlay, page_report, resolve, wrappers

REPORT = "resources/testharnessreport.js"


def test_a_wrapper_lies_beside_each_test(tmp_path: Path) -> None:
    """And our report in place of the checkout's. All else is the checkout's, by links; it stays as it is."""
    checkout, directory = tmp_path / "checkout", tmp_path / "root"
    for path in ("url/deep/a.any.js", "url/deep/data.json", "url/other/b.txt", "resources/testharness.js", REPORT):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(path)
    before = sorted(checkout.rglob("*"))
    overlay(checkout, wrappers(discover(checkout)) | page_report(), directory)
    assert (directory / "url/deep/a.any.swproxy.js").read_text().startswith("/**")
    for path in ("url/deep/a.any.js", "url/deep/data.json", "url/other/b.txt", "resources/testharness.js"):
        assert (directory / path).read_text() == path
    assert "wpt-results" in (directory / REPORT).read_text()
    assert (directory / "url/other").is_symlink()
    assert sorted(checkout.rglob("*")) == before


def test_every_host_is_here() -> None:
    """With every port; the name that must not exist is not among them."""
    addresses = resolve()
    assert addresses["www1.not-web-platform.test:8444"] == "127.0.0.1:8444"
    assert not [host for host in hosts() if "nonexistent" in host]
