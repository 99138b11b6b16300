"""Which authorities the certificates of origins are verified with: the system's, and one file more."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import certifi

from swproxy.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TrustedAuthorities:
    """As OpenSSL takes them: a PEM file and a directory; either may be missing, not both."""

    file: str | None
    directory: str | None

    def context(self) -> ssl.SSLContext:
        """For clients."""
        return ssl.create_default_context(cafile=self.file, capath=self.directory)


def trusted_authorities(further: str = "", directory: Path | None = None) -> TrustedAuthorities:
    """Those that OpenSSL uses by default, SSL_CERT_FILE and SSL_CERT_DIR included; without any, certifi's.

    Args:
        further: a PEM file with more of them, or nothing.
        directory: where to put a file with both; needed with such a file.

    Raises:
        InvalidInput: the file is not usable.
    """
    paths = ssl.get_default_verify_paths()
    system = TrustedAuthorities(paths.cafile, paths.capath)
    if system.file is None and system.directory is None:
        system = TrustedAuthorities(certifi.where(), None)
    if not further:
        return system
    path = Path(further).expanduser().absolute()
    try:
        ssl.create_default_context(cafile=str(path))
        if system.file is None:
            return TrustedAuthorities(str(path), system.directory)
        assert directory is not None
        both = directory / "authorities.pem"
        both.write_bytes(Path(system.file).read_bytes() + b"\n" + path.read_bytes())
    except ssl.SSLError:
        raise InvalidInput(f"upstream_ca: {path} has no certificates in PEM in it.") from None
    except OSError as error:
        raise InvalidInput(f"upstream_ca: cannot read {path}: {error.strerror}.") from None
    return TrustedAuthorities(str(both), system.directory)
