"""Which hosts the proxy opens: documents may know it of hosts that they know, and cannot read the others."""


def told(patterns: list[str], client_id: str) -> list[int]:
    """Hashes for a document's tag, FNV-1a of 32 bits with its client's number before each (script/requests.js).

    Args:
        patterns: as in ``Settings.intercept``.
    """
    return [_hash(client_id + pattern.lower()) for pattern in patterns]


def _hash(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
