import pytest

from swproxy.network.sites import is_same_site

ROWS = [
    ("https://a.test", "https://a.test:8443", True),
    ("https://a.test", "http://a.test", False),
    ("https://a.site.test", "https://b.site.test", True),
    ("https://site.test", "https://b.site.test", True),
    ("https://site.test", "https://other.test", False),
    ("https://a.co.uk", "https://b.co.uk", False),
    ("https://a.b.co.uk", "https://c.b.co.uk", True),
    ("https://co.uk", "https://b.co.uk", False),
    ("https://one.github.io", "https://two.github.io", False),
    ("https://one.vercel.app", "https://two.vercel.app", False),
    ("https://localhost", "https://127.0.0.1", False),
    ("https://10.0.0.1", "https://9.0.0.1", False),
    ("https://[::1]", "https://[::1]:8443", True),
    ("https://test", "https://a.test", False),
    ("null", "null", False),
    ("null", "https://a.test", False),
]


@pytest.mark.parametrize(("one", "other", "same"), ROWS)
def test_is_same_site(one: str, other: str, same: bool) -> None:
    assert is_same_site(one, other) is same
    assert is_same_site(other, one) is same
