"""The certificate of the port for workers: made here, pinned by its fingerprint.

Nobody vouches for it: a worker knows it from its token file. So it has no name and no
end, and a worker looks at nothing else.
"""

import datetime
import hashlib
import importlib.util
import re
import ssl
from pathlib import Path

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.private_file import write_private

NAME = "worker-tls.pem"
"""In the directory of secrets: the certificate and its key."""

_FIRST_IN_PEM = re.compile(
    r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL
)
_SINCE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_UNTIL = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
"""What a certificate says that does not end (RFC 5280, 4.1.2.5)."""


def can_be_made() -> bool:
    """Return whether the library that makes certificates is installed."""
    return importlib.util.find_spec("cryptography") is not None


def own_certificate(directory: Path) -> Path:
    """Return the file with our certificate and its key, made if there is none.

    Raises OSError or DataDirUnusable.
    """
    path = directory / NAME
    if not path.exists():
        write_private(path, _made())
        return path
    try:
        fingerprint_of(path)
    except ValueError as error:
        raise unusable(path) from error
    return path


def unusable(path: Path) -> DataDirUnusable:
    """Return what is said of our own file when it is not as we made it."""
    return DataDirUnusable(
        path,
        "holds no certificate with its key",
        "remove it: the next start makes another, and workers need the new token",
    )


def fingerprint_of(path: Path) -> str:
    """Return the SHA-256 of the first certificate in a PEM file, in lower-case hex.

    Raises OSError, or ValueError where there is none.
    """
    text = path.read_bytes().decode("ascii", "replace")
    found = _FIRST_IN_PEM.search(text)
    if found is None:
        raise ValueError("no certificate in PEM")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(found[0])).hexdigest()


def _made() -> str:
    # Takes 50 ms to load, and is needed once in the life of a data directory.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bistro-tui scheduler")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_SINCE)
        .not_valid_after(_UNTIL)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return (private + public).decode("ascii")
