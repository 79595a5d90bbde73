"""A certificate authority for rehearsals: some vendors' libraries speak to nothing but https."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """
    Paths of PEM files: *chain* (leaf, then authority) and *key* for the server, *ca* for its clients.

    `served(app, certificate=certificate.pair)` takes the first two, `LASTDAY_CA_BUNDLE` the third.
    """

    chain: Path
    key: Path
    ca: Path

    @property
    def pair(self) -> tuple[str, str]:
        """Chain and key in the form of `emulators.fault_proxy.served` and uvicorn."""
        return str(self.chain), str(self.key)


def certificate(directory: Path) -> ServerCertificate:
    """
    Make an authority and a leaf for 127.0.0.1, ::1 and localhost, and write them into *directory* (made if missing).

    The files are always named `chain.pem`, `key.pem` and `ca.pem`; existing ones are replaced.  The authority's key
    is not stored, so that nobody can issue another leaf.  Valid for 30 days.
    """
    directory.mkdir(parents=True, exist_ok=True)
    made = ServerCertificate(directory / "chain.pem", directory / "key.pem", directory / "ca.pem")
    ca_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    leaf = _leaf(leaf_key, ca, ca_key)
    made.ca.write_bytes(ca.public_bytes(Encoding.PEM))
    made.chain.write_bytes(leaf.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM))
    made.key.touch(mode=0o600)
    made.key.write_bytes(leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Rehearsal authority")
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
        _draft(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
    )
    return (
        _draft(_name("localhost"), ca.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
