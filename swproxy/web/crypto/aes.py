"""AES (https://w3c.github.io/webcrypto/#aes-ctr, #aes-cbc, #aes-gcm, #aes-kw)."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import keywrap, padding
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, GCM

from swproxy.errors import DataError
from swproxy.web.crypto.key import Algorithm, Key, KeyData, OperationError, SecretKey, octets, secret_octets

BLOCK = 16


class AesKey(SecretKey):
    """A key for the mode that ``algorithm`` names."""

    def encrypt(self, algorithm: Algorithm, plaintext: bytes) -> bytes:
        match algorithm["name"]:
            case "AES-CBC":
                return self._encrypt_cbc(algorithm, plaintext)
            case "AES-CTR":
                return self._ctr(algorithm, plaintext)
            case "AES-GCM":
                return self._encrypt_gcm(algorithm, plaintext)
            case _:
                return self._wrap(plaintext)

    def decrypt(self, algorithm: Algorithm, ciphertext: bytes) -> bytes:
        match algorithm["name"]:
            case "AES-CBC":
                return self._decrypt_cbc(algorithm, ciphertext)
            case "AES-CTR":
                return self._ctr(algorithm, ciphertext)
            case "AES-GCM":
                return self._decrypt_gcm(algorithm, ciphertext)
            case _:
                return self._unwrap(ciphertext)

    def _encrypt_cbc(self, algorithm: Algorithm, plaintext: bytes) -> bytes:
        padder = padding.PKCS7(BLOCK * 8).padder()
        padded = padder.update(plaintext) + padder.finalize()
        return _run(self._cbc(algorithm).encryptor(), padded)

    def _decrypt_cbc(self, algorithm: Algorithm, ciphertext: bytes) -> bytes:
        cipher = self._cbc(algorithm)
        if not ciphertext or len(ciphertext) % BLOCK:
            raise OperationError(f"The ciphertext's length must be a multiple of {BLOCK} bytes, and not zero.")
        unpadder = padding.PKCS7(BLOCK * 8).unpadder()
        try:
            return unpadder.update(_run(cipher.decryptor(), ciphertext)) + unpadder.finalize()
        except ValueError:
            raise OperationError("The ciphertext was not encrypted with this key and iv.") from None

    def _cbc(self, algorithm: Algorithm) -> Cipher[CBC]:
        return Cipher(AES(self.data), CBC(_block(algorithm["iv"], "iv")))

    def _ctr(self, algorithm: Algorithm, data: bytes) -> bytes:
        """Encrypts or decrypts; ``length`` bits of the counter are counted, and wrap around."""
        counter, bits = int.from_bytes(_block(algorithm["counter"], "counter")), algorithm["length"]
        if not 1 <= bits <= 128:
            raise OperationError("The counter's length must be from 1 to 128 bits.")
        mask = (1 << bits) - 1
        if (len(data) + BLOCK - 1) // BLOCK > mask + 1:
            raise OperationError(f"The data is too long for a counter of {bits} bits.")
        before_wrap = (mask + 1 - (counter & mask)) * BLOCK
        result = self._count(counter, data[:before_wrap])
        return result + self._count(counter & ~mask, data[before_wrap:]) if len(data) > before_wrap else result

    def _count(self, counter: int, data: bytes) -> bytes:
        return _run(Cipher(AES(self.data), CTR(counter.to_bytes(BLOCK))).encryptor(), data)

    def _encrypt_gcm(self, algorithm: Algorithm, plaintext: bytes) -> bytes:
        size = _tag_size(algorithm)
        encryptor = Cipher(AES(self.data), _gcm(algorithm, None)).encryptor()
        encryptor.authenticate_additional_data(octets(algorithm.get("additionalData", "")))
        return _run(encryptor, plaintext) + encryptor.tag[:size]

    def _decrypt_gcm(self, algorithm: Algorithm, ciphertext: bytes) -> bytes:
        size = _tag_size(algorithm)
        if len(ciphertext) < size:
            raise OperationError("The ciphertext is shorter than its authentication tag.")
        decryptor = Cipher(AES(self.data), _gcm(algorithm, ciphertext[-size:])).decryptor()
        decryptor.authenticate_additional_data(octets(algorithm.get("additionalData", "")))
        try:
            return _run(decryptor, ciphertext[:-size])
        except InvalidTag:
            raise OperationError("The ciphertext is not authentic.") from None

    def _wrap(self, plaintext: bytes) -> bytes:
        try:
            return keywrap.aes_key_wrap(self.data, plaintext)
        except ValueError as error:
            raise OperationError(f"AES-KW cannot wrap {len(plaintext)} bytes: {error}.") from None

    def _unwrap(self, ciphertext: bytes) -> bytes:
        try:
            return keywrap.aes_key_unwrap(self.data, ciphertext)
        except keywrap.InvalidUnwrap:
            raise OperationError("The wrapped key is not authentic.") from None


def _run(context: CipherContext, data: bytes) -> bytes:
    return context.update(data) + context.finalize()


def _block(binary: str, member: str) -> bytes:
    block = octets(binary)
    if len(block) != BLOCK:
        raise OperationError(f"The {member} must have {BLOCK} bytes.")
    return block


def _gcm(algorithm: Algorithm, tag: bytes | None) -> GCM:
    try:
        return GCM(octets(algorithm["iv"]), tag, min_tag_length=4)
    except ValueError as error:
        raise OperationError(f"AES-GCM failed: {error}") from None


def _tag_size(algorithm: Algorithm) -> int:
    """In bytes; ``tagLength`` is in bits."""
    length: int = algorithm.get("tagLength", 128)
    if length not in (32, 64, 96, 104, 112, 120, 128):
        raise OperationError(f"An AES-GCM tag cannot have {length} bits.")
    return length // 8


def generate(algorithm: Algorithm, extractable: bool) -> Key:
    return AesKey(secrets.token_bytes(algorithm["length"] // 8), extractable)


def import_key(algorithm: Algorithm, format: str, data: KeyData, extractable: bool) -> Key:  # noqa: A002
    """Of the formats "raw" and "jwk".

    Raises:
        DataError: an AES key cannot have that length.
    """
    secret = secret_octets(data)
    if len(secret) not in (16, 24, 32):
        raise DataError(f"An AES key has 128, 192 or 256 bits, not {len(secret) * 8}.")
    return AesKey(secret, extractable)
