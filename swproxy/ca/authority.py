"""swproxy's own certificate authority, made at the first run."""

import datetime
import fcntl
import getpass
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from swproxy.errors import ProfileError
from swproxy.storage.profile import profile_errors

LIFETIME = datetime.timedelta(days=3650)
# Clocks differ.
BACKDATED = datetime.timedelta(days=2)
# X.520 allows a common name of 64 characters; these are left for user@host.
_OWNER_LENGTH = 64 - len("swproxy CA ()")


@dataclass(frozen=True, slots=True)
class Authority:
    """The files of a CA. Nothing is made before ``ensure``."""

    directory: Path

    @property
    def key_and_certificate(self) -> Path:
        """The private key and the certificate, PEM, for this user only."""
        return self.directory / "swproxy-ca.pem"

    @property
    def certificate(self) -> Path:
        """The certificate alone, PEM: what clients are to trust."""
        return self.directory / "swproxy-ca-cert.pem"

    @property
    def dhparams(self) -> Path:
        """Diffie-Hellman parameters, which mitmproxy keeps."""
        return self.directory / "dhparam.pem"

    @property
    def exists(self) -> bool:
        """Whether it has been made; it may be damaged."""
        try:
            return self.key_and_certificate.exists()
        except PermissionError:  # ``load`` says so
            return True

    @property
    def subject(self) -> x509.Name:
        """What the CA is recognised by in a trust store.

        That of the certificate; of the one that ``ensure`` would make now if there is none that can be read.
        """
        try:
            return self.load().subject
        except ProfileError:
            return _subject()

    def ensure(self) -> x509.Certificate:
        """The certificate of the CA, which is made if there is none.

        Raises:
            ProfileError: its files are damaged, it has expired, or the directory is not writable.
        """
        with profile_errors(self.directory), _locked(self.directory / "lock"):
            if not self.exists:
                self._make()
            certificate = self.load()
            if certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
                raise self._unusable(f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
            if self.key_and_certificate.stat().st_mode & 0o077:
                self.key_and_certificate.chmod(0o600)
            public = certificate.public_bytes(serialization.Encoding.PEM)
            if not self.certificate.exists() or self.certificate.read_bytes() != public:
                _write(self.certificate, public, 0o644)
        return certificate

    def load(self) -> x509.Certificate:
        """The certificate.

        Raises:
            ProfileError: there is none, or its file is damaged.
        """
        try:
            data = self.key_and_certificate.read_bytes()
            key = serialization.load_pem_private_key(data, None)
            certificate = x509.load_pem_x509_certificate(data)
        except OSError as error:
            raise ProfileError(
                f"The CA in {self.key_and_certificate} cannot be read: {error.strerror}; "
                "make it readable, or choose another directory with --profile."
            ) from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise self._unusable("the file is damaged") from None
        if key.public_key() != certificate.public_key():
            raise self._unusable("its key and its certificate do not belong together")
        return certificate

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = _self_signed(key).public_bytes(serialization.Encoding.PEM)
        _write(self.key_and_certificate, private + public, 0o600)

    def _unusable(self, reason: str) -> ProfileError:
        return ProfileError(
            f"The CA in {self.key_and_certificate} cannot be used ({reason}): remove the file to get a new one, "
            "and install that with `swproxy ca install`."
        )


def common_name(subject: x509.Name) -> str:
    """The name that people and trust stores know a CA by."""
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else subject.rfc4514_string()


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256, as browsers show it: ``AB:CD:...``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Two processes that start on a new profile at once get the same CA."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Puts the whole file in its place, or nothing."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _subject() -> x509.Name:
    owner = f"{_user()}@{socket.gethostname()}"
    # A colon would name a token in an NSS nickname.
    owner = re.sub(r"[^\w.@-]", "-", owner)[:_OWNER_LENGTH]
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "swproxy"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"swproxy CA ({owner})"),
        ]
    )


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    subject = _subject()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the system's database
        return "user"
