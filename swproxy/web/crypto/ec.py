"""ECDSA and ECDH (https://w3c.github.io/webcrypto/#ecdsa, #ecdh)."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from swproxy.errors import DataError
from swproxy.web.crypto.asymmetric import hash_of, load_pkcs8, load_spki, to_pkcs8, to_spki
from swproxy.web.crypto.jwk import Jwk, base64url, from_base64url
from swproxy.web.crypto.key import Algorithm, Key, KeyData, OperationError, first_bits


@dataclass(frozen=True)
class NamedCurve:
    """
    Attributes:
        name: that of the specification.
        curve: that of ``cryptography``.
        identifier: the AlgorithmIdentifier of its keys in DER: id-ecPublicKey with the curve as the parameter
            (https://www.rfc-editor.org/rfc/rfc5480#section-2.1.1).
    """

    name: str
    curve: ec.EllipticCurve
    identifier: bytes

    @property
    def size(self) -> int:
        """Of a coordinate, and of a private key, in bytes."""
        return (self.curve.key_size + 7) // 8


_CURVES = {
    curve.name: curve
    for curve in (
        NamedCurve("P-256", ec.SECP256R1(), bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")),
        NamedCurve("P-384", ec.SECP384R1(), bytes.fromhex("301006072a8648ce3d020106052b81040022")),
        NamedCurve("P-521", ec.SECP521R1(), bytes.fromhex("301006072a8648ce3d020106052b81040023")),
    )
}


class EcPublicKey(Key):
    def __init__(self, key: ec.EllipticCurvePublicKey, curve: NamedCurve, extractable: bool) -> None:
        super().__init__(extractable)
        self.key = key
        self.curve = curve

    def verify(self, algorithm: Algorithm, signature: bytes, message: bytes) -> bool:
        """https://w3c.github.io/webcrypto/#ecdsa-operations-verify"""
        size = self.curve.size
        if len(signature) != 2 * size:
            return False
        r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        try:
            self.key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hash_of(algorithm)))
        except InvalidSignature:
            return False
        return True

    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002
        match format:
            case "jwk":
                return public_members(self.key, self.curve)
            case "raw":
                return self.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            case _:
                return to_spki(self.key)


class EcPrivateKey(Key):
    def __init__(self, key: ec.EllipticCurvePrivateKey, curve: NamedCurve, extractable: bool) -> None:
        super().__init__(extractable)
        self.key = key
        self.curve = curve

    def sign(self, algorithm: Algorithm, message: bytes) -> bytes:
        """https://w3c.github.io/webcrypto/#ecdsa-operations-sign"""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hash_of(algorithm))))
        return r.to_bytes(self.curve.size) + s.to_bytes(self.curve.size)

    def derive_bits(self, algorithm: Algorithm, length: int | None) -> bytes:
        """https://w3c.github.io/webcrypto/#ecdh-operations-derive-bits; ``public`` is a key of the same curve."""
        return shared_bits(self.key.exchange(ec.ECDH(), algorithm["public"].key), length)

    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002
        if format != "jwk":
            return to_pkcs8(self.key)
        d = self.key.private_numbers().private_value.to_bytes(self.curve.size)
        return public_members(self.key.public_key(), self.curve) | {"d": base64url(d)}


def public_members(key: ec.EllipticCurvePublicKey, curve: NamedCurve) -> dict[str, str]:
    """https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1"""
    numbers = key.public_numbers()
    x, y = (base64url(value.to_bytes(curve.size)) for value in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": curve.name, "x": x, "y": y}


def shared_bits(secret: bytes, length: int | None) -> bytes:
    """The first ``length`` bits of what a key agreement gave; all of them for None.

    Raises:
        OperationError: it has fewer.
    """
    if length is None:
        return secret
    if length > len(secret) * 8:
        raise OperationError(f"{length} bits are more than the {len(secret) * 8} of the shared secret.")
    return first_bits(secret, length)


def generate(algorithm: Algorithm, extractable: bool) -> tuple[Key, Key]:
    """A public and a private key; JavaScript has checked ``namedCurve``."""
    curve = _CURVES[algorithm["namedCurve"]]
    key = ec.generate_private_key(curve.curve)
    return EcPublicKey(key.public_key(), curve, True), EcPrivateKey(key, curve, extractable)


def import_key(algorithm: Algorithm, format: str, data: KeyData, extractable: bool) -> Key:  # noqa: A002
    """Of all formats.

    Raises:
        DataError: the data is no key of the curve ``namedCurve``.
    """
    curve = _CURVES.get(algorithm["namedCurve"])
    if curve is None:
        raise DataError(f"The curve '{algorithm['namedCurve']}' is not known.")
    if isinstance(data, Jwk):
        return _from_jwk(data, curve, extractable)
    match format:
        case "raw":
            return EcPublicKey(_point(data, curve), curve, extractable)
        case "spki":
            public = load_spki(data, curve.identifier)
            assert isinstance(public, ec.EllipticCurvePublicKey)
            return EcPublicKey(public, curve, extractable)
        case _:
            private = load_pkcs8(data, curve.identifier)
            assert isinstance(private, ec.EllipticCurvePrivateKey)
            return EcPrivateKey(private, curve, extractable)


def _point(data: bytes, curve: NamedCurve) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, data)
    except ValueError as error:
        raise DataError(f"The key data is not a point on the curve {curve.name}: {error}") from None


def _from_jwk(jwk: Jwk, curve: NamedCurve, extractable: bool) -> Key:
    """https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1 and #section-6.2.2"""
    x, y = _member(jwk.x, curve), _member(jwk.y, curve)
    numbers = ec.EllipticCurvePublicNumbers(x, y, curve.curve)
    try:
        if jwk.d is None:
            return EcPublicKey(numbers.public_key(), curve, extractable)
        private = ec.EllipticCurvePrivateNumbers(_member(jwk.d, curve), numbers)
        return EcPrivateKey(private.private_key(), curve, extractable)
    except ValueError as error:
        raise DataError(f"The JSON Web Key is not a valid key: {error}") from None


def _member(text: str | None, curve: NamedCurve) -> int:
    data = from_base64url(text)
    if len(data) != curve.size:
        raise DataError(f"A number in the JSON Web Key has {len(data)} bytes instead of {curve.size}.")
    return int.from_bytes(data)
