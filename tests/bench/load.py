"""A load generator: ``python load.py PROXY HOST:PORT PATH CONNECTIONS REQUESTS``, prints JSON.

Kept-alive TLS connections through an HTTP proxy, HTTP/1.1, one request at a time each. Reads as little as it can,
so that the proxy and not this process is what is measured.
"""

import asyncio
import json
import ssl
import sys
import time


async def connection(proxy: str, authority: str, path: str, requests: int, latencies: list[float]) -> None:
    host, _, port = proxy.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    established = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in established.split(b"\r\n")[0], established
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    await writer.start_tls(context, server_hostname=authority.partition(":")[0])
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {authority.removesuffix(':443')}\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
    )
    data = request.encode()
    for _ in range(requests):
        began = time.perf_counter()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        length = int(lower[start : lower.index(b"\r", start)])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - began)
    writer.close()


async def main(proxy: str, authority: str, path: str, connections: int, requests: int) -> dict[str, float]:
    await asyncio.gather(*(connection(proxy, authority, path, 20, []) for _ in range(connections)))
    latencies: list[float] = []
    each = requests // connections
    began = time.perf_counter()
    await asyncio.gather(*(connection(proxy, authority, path, each, latencies) for _ in range(connections)))
    seconds = time.perf_counter() - began
    latencies.sort()
    return {"per_second": len(latencies) / seconds, "median_ms": latencies[len(latencies) // 2] * 1000}


if __name__ == "__main__":
    _, proxy, authority, path, connections, requests = sys.argv
    print(json.dumps(asyncio.run(main(proxy, authority, path, int(connections), int(requests)))))
