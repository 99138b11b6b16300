"""RSA (https://w3c.github.io/webcrypto/#rsassa-pkcs1, #rsa-pss, #rsa-oaep)."""

from collections.abc import Callable
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from swproxy.errors import DataError
from swproxy.web.crypto.asymmetric import hash_of, load_pkcs8, load_spki, to_pkcs8, to_spki
from swproxy.web.crypto.jwk import Jwk, base64url_uint, from_base64url_uint
from swproxy.web.crypto.key import Algorithm, Key, KeyData, OperationError, octets

# rsaEncryption, with parameters NULL (https://www.rfc-editor.org/rfc/rfc3279#section-2.3.1)
_IDENTIFIER = bytes.fromhex("300d06092a864886f70d0101010500")
# A longer private key would take many seconds to validate, in which nothing else can run.
_MAX_MODULUS = 8192

_T = TypeVar("_T")


class _RsaKey(Key):
    """
    Args:
        numbers: the public ones.
        hash: that of the key's algorithm.
        extractable: as for ``Key``.
    """

    def __init__(self, numbers: rsa.RSAPublicNumbers, hash: HashAlgorithm, extractable: bool) -> None:  # noqa: A002
        super().__init__(extractable)
        self.numbers = numbers
        self.hash = hash

    def properties(self) -> dict[str, Any]:
        exponent = self.numbers.e.to_bytes((self.numbers.e.bit_length() + 7) // 8)
        return {"modulusLength": self.numbers.n.bit_length(), "publicExponent": exponent.decode("latin-1")}

    def public_members(self) -> dict[str, str]:
        """https://www.rfc-editor.org/rfc/rfc7518#section-6.3.1"""
        return {"kty": "RSA", "n": base64url_uint(self.numbers.n), "e": base64url_uint(self.numbers.e)}

    def signature_padding(self, algorithm: Algorithm) -> padding.AsymmetricPadding:
        if algorithm["name"] == "RSA-PSS":
            return padding.PSS(padding.MGF1(self.hash), algorithm["saltLength"])
        return padding.PKCS1v15()

    def oaep(self, algorithm: Algorithm) -> padding.OAEP:
        return padding.OAEP(padding.MGF1(self.hash), self.hash, octets(algorithm.get("label", "")))


class RsaPublicKey(_RsaKey):
    def __init__(self, key: rsa.RSAPublicKey, hash: HashAlgorithm, extractable: bool) -> None:  # noqa: A002
        super().__init__(key.public_numbers(), hash, extractable)
        self.key = key

    def verify(self, algorithm: Algorithm, signature: bytes, message: bytes) -> bool:
        try:
            self.key.verify(signature, message, self.signature_padding(algorithm), self.hash)
        except (InvalidSignature, ValueError, OverflowError):
            return False
        return True

    def encrypt(self, algorithm: Algorithm, plaintext: bytes) -> bytes:
        return _attempt(lambda: self.key.encrypt(plaintext, self.oaep(algorithm)))

    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002
        return self.public_members() if format == "jwk" else to_spki(self.key)


class RsaPrivateKey(_RsaKey):
    def __init__(self, key: rsa.RSAPrivateKey, hash: HashAlgorithm, extractable: bool) -> None:  # noqa: A002
        super().__init__(key.public_key().public_numbers(), hash, extractable)
        self.key = key

    def sign(self, algorithm: Algorithm, message: bytes) -> bytes:
        return _attempt(lambda: self.key.sign(message, self.signature_padding(algorithm), self.hash))

    def decrypt(self, algorithm: Algorithm, ciphertext: bytes) -> bytes:
        return _attempt(lambda: self.key.decrypt(ciphertext, self.oaep(algorithm)))

    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002
        return self._members() if format == "jwk" else to_pkcs8(self.key)

    def _members(self) -> dict[str, str]:
        """https://www.rfc-editor.org/rfc/rfc7518#section-6.3.2"""
        private = self.key.private_numbers()
        members = {
            "d": private.d,
            "p": private.p,
            "q": private.q,
            "dp": private.dmp1,
            "dq": private.dmq1,
            "qi": private.iqmp,
        }
        return self.public_members() | {name: base64url_uint(value) for name, value in members.items()}


def _attempt(operation: Callable[[], _T]) -> _T:
    """An RSA operation; the ways it fails have one name in the specification."""
    try:
        return operation()
    except (ValueError, OverflowError) as error:
        raise OperationError(f"The RSA operation failed: {error}") from None


def generate(algorithm: Algorithm, extractable: bool) -> tuple[Key, Key]:
    """A public and a private key. Takes seconds, and lets other threads run.

    Raises:
        OperationError: there is none of that length with that exponent, or not here.
    """
    length, exponent = algorithm["modulusLength"], int.from_bytes(octets(algorithm["publicExponent"]))
    if length > _MAX_MODULUS:
        raise OperationError(f"The modulus of an RSA key can have {_MAX_MODULUS} bits at most, not {length}.")
    key = _attempt(lambda: rsa.generate_private_key(exponent, length))
    hash_algorithm = hash_of(algorithm)
    return RsaPublicKey(key.public_key(), hash_algorithm, True), RsaPrivateKey(key, hash_algorithm, extractable)


def import_key(algorithm: Algorithm, format: str, data: KeyData, extractable: bool) -> Key:  # noqa: A002
    """Of the formats "spki", "pkcs8" and "jwk".

    Raises:
        DataError: the data is no RSA key.
    """
    hash_algorithm = hash_of(algorithm)
    if isinstance(data, Jwk):
        if data.d is None:
            return RsaPublicKey(_public_key(data), hash_algorithm, extractable)
        return RsaPrivateKey(_validated(_private_numbers(data)), hash_algorithm, extractable)
    if format == "spki":
        public = load_spki(data, _IDENTIFIER)
        assert isinstance(public, rsa.RSAPublicKey)
        return RsaPublicKey(public, hash_algorithm, extractable)
    private = load_pkcs8(data, _IDENTIFIER)
    assert isinstance(private, rsa.RSAPrivateKey)
    return RsaPrivateKey(_validated(private.private_numbers()), hash_algorithm, extractable)


def _validated(numbers: rsa.RSAPrivateNumbers) -> rsa.RSAPrivateKey:
    """https://www.rfc-editor.org/rfc/rfc3447#section-3.2"""
    if numbers.public_numbers.n.bit_length() > _MAX_MODULUS:
        raise DataError(f"The modulus of an RSA private key can have {_MAX_MODULUS} bits at most.")
    try:
        return numbers.private_key()
    except ValueError as error:
        raise DataError(f"The key data is not a valid RSA private key: {error}") from None


def _public_key(jwk: Jwk) -> rsa.RSAPublicKey:
    """https://www.rfc-editor.org/rfc/rfc7518#section-6.3.1"""
    try:
        return _public_numbers(jwk).public_key()
    except ValueError as error:
        raise DataError(f"The JSON Web Key is not a valid RSA public key: {error}") from None


def _public_numbers(jwk: Jwk) -> rsa.RSAPublicNumbers:
    return rsa.RSAPublicNumbers(from_base64url_uint(jwk.e), from_base64url_uint(jwk.n))


def _private_numbers(jwk: Jwk) -> rsa.RSAPrivateNumbers:
    """https://www.rfc-editor.org/rfc/rfc7518#section-6.3.2"""
    if jwk.oth is not None:
        raise DataError("RSA keys with more than two primes are not supported.")
    public, d = _public_numbers(jwk), from_base64url_uint(jwk.d)
    if {jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi} != {None}:
        p, q, dp, dq, qi = map(from_base64url_uint, (jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi))
        return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public)
    try:  # they may be left out together
        p, q = rsa.rsa_recover_prime_factors(public.n, public.e, d)
    except ValueError as error:
        raise DataError(f"The JSON Web Key is not a valid RSA private key: {error}") from None
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
