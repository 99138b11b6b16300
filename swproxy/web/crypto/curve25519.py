"""Ed25519 and X25519 (https://w3c.github.io/webcrypto/#ed25519, #x25519)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from swproxy.errors import DataError
from swproxy.web.crypto.asymmetric import load_pkcs8, load_spki, to_pkcs8, to_spki
from swproxy.web.crypto.ec import shared_bits
from swproxy.web.crypto.jwk import Jwk, base64url, from_base64url
from swproxy.web.crypto.key import Algorithm, Key, KeyData, OperationError

# id-Ed25519 and id-X25519 without parameters (https://www.rfc-editor.org/rfc/rfc8410#section-3)
_IDENTIFIERS = {"Ed25519": bytes.fromhex("300506032b6570"), "X25519": bytes.fromhex("300506032b656e")}

_P = 2**255 - 19
# The y coordinates of the points of Ed25519 whose order divides 8, also when they are not reduced modulo p.
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
_SMALL_ORDER = {0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8}


class PublicKey(Key):
    """A public key of either curve."""

    def __init__(self, name: str, key: Ed25519PublicKey | X25519PublicKey, extractable: bool) -> None:
        super().__init__(extractable)
        self.name = name
        self.key = key

    def members(self) -> dict[str, str]:
        """https://www.rfc-editor.org/rfc/rfc8037#section-2"""
        return {"kty": "OKP", "crv": self.name, "x": base64url(self.key.public_bytes_raw())}

    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002
        match format:
            case "jwk":
                return self.members()
            case "raw":
                return self.key.public_bytes_raw()
            case _:
                return to_spki(self.key)


class Ed25519Public(PublicKey):
    key: Ed25519PublicKey

    def verify(self, algorithm: Algorithm, signature: bytes, message: bytes) -> bool:
        """https://w3c.github.io/webcrypto/#ed25519-operations-verify"""
        if _has_small_order(self.key.public_bytes_raw()) or _has_small_order(signature[:32]):
            return False
        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _has_small_order(point: bytes) -> bool:
    y = int.from_bytes(point, "little") & ~(1 << 255)  # the topmost bit is the sign of x
    return y in _SMALL_ORDER


class PrivateKey(Key):
    """A private key of either curve."""

    def __init__(self, name: str, key: Ed25519PrivateKey | X25519PrivateKey, extractable: bool) -> None:
        super().__init__(extractable)
        self.name = name
        self.key = key

    def public(self) -> PublicKey:
        return _public(self.name, self.key.public_key(), True)

    def export(self, format: str) -> bytes | dict[str, str]:  # noqa: A002
        if format != "jwk":
            return to_pkcs8(self.key)
        return self.public().members() | {"d": base64url(self.key.private_bytes_raw())}


class Ed25519Private(PrivateKey):
    key: Ed25519PrivateKey

    def sign(self, algorithm: Algorithm, message: bytes) -> bytes:
        """https://w3c.github.io/webcrypto/#ed25519-operations-sign"""
        return self.key.sign(message)


class X25519Private(PrivateKey):
    key: X25519PrivateKey

    def derive_bits(self, algorithm: Algorithm, length: int | None) -> bytes:
        """https://w3c.github.io/webcrypto/#x25519-operations-derive-bits; ``public`` is a key."""
        try:
            secret = self.key.exchange(algorithm["public"].key)
        except ValueError:
            raise OperationError("The shared secret is zero: the public key has a small order.") from None
        return shared_bits(secret, length)


def _public(name: str, key: Ed25519PublicKey | X25519PublicKey, extractable: bool) -> PublicKey:
    return (Ed25519Public if name == "Ed25519" else PublicKey)(name, key, extractable)


def _private(name: str, key: Ed25519PrivateKey | X25519PrivateKey, extractable: bool) -> PrivateKey:
    return (Ed25519Private if name == "Ed25519" else X25519Private)(name, key, extractable)


def generate(algorithm: Algorithm, extractable: bool) -> tuple[Key, Key]:
    """A public and a private key."""
    name = algorithm["name"]
    private = _private(name, (Ed25519PrivateKey if name == "Ed25519" else X25519PrivateKey).generate(), extractable)
    return private.public(), private


def import_key(algorithm: Algorithm, format: str, data: KeyData, extractable: bool) -> Key:  # noqa: A002
    """Of all formats.

    Raises:
        DataError: the data is no key of that curve.
    """
    name = algorithm["name"]
    if isinstance(data, Jwk):
        return _from_jwk(data, name, extractable)
    match format:
        case "raw":
            return _public_from_raw(data, name, extractable)
        case "spki":
            public = load_spki(data, _IDENTIFIERS[name])
            assert isinstance(public, Ed25519PublicKey | X25519PublicKey)
            return _public(name, public, extractable)
        case _:
            private = load_pkcs8(data, _IDENTIFIERS[name])
            assert isinstance(private, Ed25519PrivateKey | X25519PrivateKey)
            return _private(name, private, extractable)


def _public_from_raw(data: bytes, name: str, extractable: bool) -> PublicKey:
    kind = Ed25519PublicKey if name == "Ed25519" else X25519PublicKey
    try:
        return _public(name, kind.from_public_bytes(data), extractable)
    except ValueError as error:
        raise DataError(f"The key data is not a public key of {name}: {error}") from None


def _from_jwk(jwk: Jwk, name: str, extractable: bool) -> Key:
    """https://www.rfc-editor.org/rfc/rfc8037#section-2"""
    x = from_base64url(jwk.x)
    if jwk.d is None:
        return _public_from_raw(x, name, extractable)
    kind = Ed25519PrivateKey if name == "Ed25519" else X25519PrivateKey
    try:
        private = _private(name, kind.from_private_bytes(from_base64url(jwk.d)), extractable)
    except ValueError as error:
        raise DataError(f"The JSON Web Key is not a private key of {name}: {error}") from None
    if private.public().key.public_bytes_raw() != x:
        raise DataError("The 'x' of the JSON Web Key does not belong to its 'd'.")
    return private
