"""What the algorithms with key pairs have in common: the formats "spki" and "pkcs8", and hashes."""

from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from swproxy.errors import DataError
from swproxy.web.crypto.key import Algorithm

_HASHES: dict[str, HashAlgorithm] = {
    "SHA-1": SHA1(),  # noqa: S303, the specification has it
    "SHA-256": SHA256(),
    "SHA-384": SHA384(),
    "SHA-512": SHA512(),
}


def hash_of(algorithm: Algorithm) -> HashAlgorithm:
    """The ``hash`` member."""
    return _HASHES[algorithm["hash"]["name"]]


# ``cryptography`` takes more than the specification allows: PKCS#1, SEC 1, the identifier of RSASSA-PSS. So the
# beginning of the structures is compared here: SEQUENCE { AlgorithmIdentifier, ... } and
# SEQUENCE { INTEGER 0, AlgorithmIdentifier, ... }.
_VERSION_0 = bytes.fromhex("020100")


def load_spki(data: bytes, identifier: bytes) -> PublicKeyTypes:
    """The public key of a SubjectPublicKeyInfo (https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.7).

    Args:
        data: DER.
        identifier: the DER of the AlgorithmIdentifier that it must have.

    Raises:
        DataError: it is none, or of another algorithm.
    """
    if not _begins_with(data, identifier):
        raise DataError("The key data is not a SubjectPublicKeyInfo for this algorithm.")
    try:
        return load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DataError(f"The key data is not a valid SubjectPublicKeyInfo: {error}") from None


def load_pkcs8(data: bytes, identifier: bytes) -> PrivateKeyTypes:
    """The private key of a PrivateKeyInfo (https://www.rfc-editor.org/rfc/rfc5208#section-5); as ``load_spki``.

    One of RSA is not yet validated.
    """
    if not _begins_with(data, _VERSION_0 + identifier):
        raise DataError("The key data is not a PrivateKeyInfo for this algorithm.")
    try:
        return load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DataError(f"The key data is not a valid PrivateKeyInfo: {error}") from None


def _begins_with(data: bytes, content: bytes) -> bool:
    """Whether that is how the content of the outer SEQUENCE begins."""
    if len(data) < 2:
        return False
    length_bytes = data[1] & 0x7F if data[1] & 0x80 else 0
    return data.startswith(content, 2 + length_bytes)


class _Public(Protocol):
    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes: ...  # noqa: A002


class _Private(Protocol):
    def private_bytes(
        self,
        encoding: Encoding,
        format: PrivateFormat,  # noqa: A002
        encryption_algorithm: NoEncryption,
    ) -> bytes: ...


def to_spki(key: _Public) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def to_pkcs8(key: _Private) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
