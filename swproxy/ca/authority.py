"""swproxy's own certificate authority, made at the first run."""

import datetime
import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from swproxy.errors import ProfileError

LIFETIME = datetime.timedelta(days=3650)
# Clocks differ.
BACKDATED = datetime.timedelta(days=2)


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

    def ensure(self) -> None:
        """Makes the CA if there is none.

        Raises:
            ProfileError: its files are damaged.
        """
        if self.key_and_certificate.exists():
            self.load()
            if not self.certificate.exists():
                self.certificate.write_bytes(self.load().public_bytes(serialization.Encoding.PEM))
            return
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = certificate.public_bytes(serialization.Encoding.PEM)
        temporary = self.key_and_certificate.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private + public)
            file.flush()
            os.fsync(file.fileno())
        self.certificate.write_bytes(public)
        temporary.rename(self.key_and_certificate)

    def load(self) -> x509.Certificate:
        """The certificate.

        Raises:
            ProfileError: there is none, or its file is damaged.
        """
        try:
            data = self.key_and_certificate.read_bytes()
            serialization.load_pem_private_key(data, None)
            return x509.load_pem_x509_certificate(data)
        except (OSError, ValueError) as error:
            raise ProfileError(
                f"The CA in {self.key_and_certificate} cannot be used ({error}): remove the file to get a new one, "
                "and install that with `swproxy ca install`."
            ) from None


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "swproxy"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"swproxy CA ({_user()}@{socket.gethostname()})"[:64]),
        ]
    )
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
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
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
