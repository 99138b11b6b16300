"""Names that mean something else here than in the DNS."""

import socket

import pytest

from swproxy.network.resolver import MappedResolver, mapped_address

RESOLVE = {"site.test:443": "127.0.0.1:8443", "six.test:443": "[::1]:8443"}


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("site.test", 443, ("127.0.0.1", 8443)),
        ("six.test", 443, ("::1", 8443)),
        ("site.test", 80, None),
        ("other.test", 443, None),
    ],
)
def test_mapped_addresses(host: str, port: int, address: tuple[str, int] | None) -> None:
    """By host and port; IPv6 in brackets."""
    assert mapped_address(RESOLVE, host, port) == address


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [("site.test", socket.AF_INET, "127.0.0.1"), ("six.test", socket.AF_INET6, "::1")],
)
async def test_mapped_names_need_no_dns(host: str, family: socket.AddressFamily, address: str) -> None:
    """The certificate is still checked for the name, not for the address."""
    resolver = MappedResolver(RESOLVE)
    (found,) = await resolver.resolve(host, 443)
    assert (found["hostname"], found["host"], found["port"], found["family"]) == (host, address, 8443, family)
    await resolver.close()


async def test_all_others_are_asked_of_the_system() -> None:
    """With the port that was asked for."""
    resolver = MappedResolver(RESOLVE)
    found = await resolver.resolve("localhost", 80, socket.AF_INET)
    assert {(entry["host"], entry["port"]) for entry in found} == {("127.0.0.1", 80)}
    await resolver.close()
