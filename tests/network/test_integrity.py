"""Subresource integrity."""

import base64
import hashlib

import pytest

from swproxy.network.integrity import matches

DATA = b"alert('hello');"
SHA256, SHA384, SHA512 = (
    f"{name}-{base64.b64encode(hashlib.new(name, DATA).digest()).decode()}" for name in ("sha256", "sha384", "sha512")
)
OTHER256, OTHER512 = (
    f"{name}-{base64.b64encode(hashlib.new(name, b'other').digest()).decode()}" for name in ("sha256", "sha512")
)

# https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist
ROWS: list[tuple[str, str, bool]] = [
    ("nothing", "", True),
    ("spaces", " \t\n", True),
    ("sha256", SHA256, True),
    ("sha384", SHA384, True),
    ("sha512", SHA512, True),
    ("another's", OTHER256, False),
    ("one of two", f"{OTHER256} {SHA256}", True),
    ("only the strongest counts, right", f"{OTHER256} {SHA512}", True),
    ("only the strongest counts, wrong", f"{SHA256} {SHA384} {OTHER512}", False),
    ("unknown algorithm", "md5-XXXX", True),
    ("unknown algorithm beside a wrong one", f"md5-XXXX {OTHER256}", False),
    ("upper case", SHA256.replace("sha", "SHA"), True),
    ("with options", f"{SHA256}?foo=bar", True),
    ("wrong with options", f"{OTHER256}?foo=bar", False),
    ("base64url", SHA512.replace("+", "-").replace("/", "_"), True),
    ("without padding", SHA256.rstrip("="), True),
    ("a cut digest", SHA256[:-10], False),
    ("no digest", "sha256-", False),
    ("only the name", "sha256", False),
    ("one letter", "sha256-a", False),
    ("no base64", "sha256-!!!!", False),
    ("stray characters", SHA256.replace("-", "-!"), False),
    ("no base64 beside a right one", f"sha512-a {SHA512}", True),
    ("no base64 of a stronger one", f"sha512-a {SHA256}", False),
]


@pytest.mark.parametrize(
    ("metadata", "good"), [row[1:] for row in ROWS], ids=[row[0].replace(" ", "-") for row in ROWS]
)
def test_matches(metadata: str, good: bool) -> None:
    """The strongest algorithm decides; metadata that is not understood forbids nothing, a bad digest does."""
    assert matches(DATA, metadata) is good
