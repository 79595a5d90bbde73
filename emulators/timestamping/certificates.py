"""The authority's certificates: a root, an intermediate authority, and the stamping one.  Stored in a folder for later runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "REHEARSAL time stamps, worthless against the operator"
DAY = timedelta(days=1)
DECADE = 3653 * DAY
_FILES = ("root.pem", "between.pem", "stamper.pem", "stamper.key")


@dataclass(frozen=True, slots=True)
class CertificateChain:
    """The chain, and the key of its last certificate."""

    root: x509.Certificate
    between: x509.Certificate
    stamper: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)


def issue(*, life: timedelta = DECADE, critical: bool = True, now: datetime | None = None) -> CertificateChain:
    """
    Make a new chain.  *life*: of the stamping certificate.  *critical* False: its purpose is not critical, which RFC 3161 forbids.

    The keys above it are not stored, so that nobody can issue another one.
    """
    at = (now or datetime.now(UTC)) - timedelta(minutes=5)
    root_key, between_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = _authority(_draft("root", "root", root_key, at, DECADE), 1).sign(root_key, hashes.SHA256())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    between = (
        _authority(_draft("between", "root", between_key, at, DECADE), 0)
        .add_extension(purpose, critical=False)  # Sigstore's tools require it of every authority below the root
        .sign(root_key, hashes.SHA256())
    )
    stamper = (
        _draft("stamper", "between", key, at, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(purpose, critical=critical)
        .sign(between_key, hashes.SHA256())
    )
    return CertificateChain(root, between, stamper, key)


def kept(folder: Path) -> CertificateChain:
    """Return the chain in *folder*, made on first use."""
    if not all((folder / name).is_file() for name in _FILES):
        _keep(folder, issue())
    root, between, stamper = (x509.load_pem_x509_certificate((folder / name).read_bytes()) for name in _FILES[:3])
    key = load_pem_private_key((folder / _FILES[3]).read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return CertificateChain(root, between, stamper, key)


def _keep(folder: Path, papers: CertificateChain) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in zip(_FILES, (papers.root, papers.between, papers.stamper), strict=False):
        (folder / name).write_bytes(one.public_bytes(Encoding.PEM))
    (folder / _FILES[3]).touch(mode=0o600)
    (folder / _FILES[3]).write_bytes(papers.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _name(role: str) -> x509.Name:
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAME), x509.NameAttribute(NameOID.COMMON_NAME, role)]
    return x509.Name(names)


def _draft(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, at: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority(draft: x509.CertificateBuilder, below: int) -> x509.CertificateBuilder:
    return draft.add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True).add_extension(
        _usage(key_cert_sign=True), critical=True
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
