"""https://www.w3.org/TR/SRI/: whether bytes are those that were asked for"""

import base64
import binascii
import hashlib

_STRENGTH = {"sha256": 1, "sha384": 2, "sha512": 3}


def matches(data: bytes, metadata: str) -> bool:
    """https://www.w3.org/TR/SRI/#does-response-match-metadatalist"""
    parsed: list[tuple[str, bytes]] = []
    for token in metadata.split():
        algorithm, _, value = token.partition("?")[0].partition("-")
        if algorithm.lower() not in _STRENGTH:
            continue
        try:
            parsed.append((algorithm.lower(), base64.b64decode(value.replace("-", "+").replace("_", "/") + "==")))
        except binascii.Error:
            continue
    if not parsed:
        return True
    strongest = max(parsed, key=lambda item: _STRENGTH[item[0]])[0]
    actual = hashlib.new(strongest, data).digest()
    return any(algorithm == strongest and digest == actual for algorithm, digest in parsed)
