"""Names that mean something else here than in the DNS."""

import socket
from collections.abc import Mapping

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


def mapped_address(resolve: Mapping[str, str], host: str, port: int) -> tuple[str, int] | None:
    """Where "host:port" really is, if the setting ``resolve`` says so."""
    target = resolve.get(f"{host.lower()}:{port}")
    if target is None:
        return None
    address, _, target_port = target.rpartition(":")
    return address.strip("[]"), int(target_port)


class MappedResolver(AbstractResolver):
    """The system's resolver, but for some names.

    Args:
        resolve: "host:port" -> "address:port".
    """

    def __init__(self, resolve: Mapping[str, str]) -> None:
        self._resolve = resolve
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        mapped = mapped_address(self._resolve, host, port)
        if mapped is None:
            return await self._system.resolve(host, port, family)
        address, target_port = mapped
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=target_port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        await self._system.close()
