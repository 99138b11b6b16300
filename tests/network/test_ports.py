"""Ports that no browser connects to."""

import pytest

from swproxy.network.ports import is_bad_port


@pytest.mark.parametrize(
    "url", ["https://a.test:25/", "https://a.test:0/", "http://[::1]:10080/", "https://a.test:70000/"]
)
def test_bad_ports(url: str) -> None:
    """Those of the table, and what is no port at all."""
    assert is_bad_port(url)


@pytest.mark.parametrize("url", ["https://a.test/", "http://a.test/", "https://a.test:8443/", "http://25.test/:25"])
def test_other_ports(url: str) -> None:
    """The default ports of HTTP, and all others."""
    assert not is_bad_port(url)
