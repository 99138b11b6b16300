"""https://www.w3.org/TR/SRI/: whether bytes are those that were asked for"""

import base64
import hashlib

_STRENGTH = {"sha256": 1, "sha384": 2, "sha512": 3}


def matches(data: bytes, metadata: str) -> bool:
    """https://www.w3.org/TR/SRI/#does-response-match-metadatalist"""
    parsed: list[tuple[str, str]] = []
    for token in metadata.split():
        algorithm, _, value = token.partition("?")[0].partition("-")
        if algorithm.lower() in _STRENGTH:
            parsed.append((algorithm.lower(), value.replace("-", "+").replace("_", "/").rstrip("=")))
    if not parsed:
        return True
    strongest = max(parsed, key=lambda item: _STRENGTH[item[0]])[0]
    actual = base64.b64encode(hashlib.new(strongest, data).digest()).decode().rstrip("=")
    # Compared as text: a value that is no base64 is a digest that nothing has.
    return (strongest, actual) in parsed
