"""
The key that signs certificates: ECDSA P-256.  It is not the log's key, and other people hold it (compliance, not operations).

It is in a file that only its owner can read (`audit.keys`), or in a key store (`audit.key_uris.open_certificate_key`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from audit import keys
from audit.keys import KeyRefused


class CertificateSigner(Protocol):
    """Signs with the certificate key, from a file or a key store."""

    @property
    def public_key(self) -> EllipticCurvePublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """Return the ECDSA signature with SHA-256 over *message*, in DER."""
        ...


@dataclass(frozen=True, slots=True)
class CertificateFileSigner:
    """Signs with the key of a file."""

    _key: EllipticCurvePrivateKey = field(repr=False)

    @property
    def public_key(self) -> EllipticCurvePublicKey:
        return self._key.public_key()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, ECDSA(SHA256()))


def open_or_create(path: Path) -> CertificateFileSigner:
    """Return the signer of *path*, made on first use; of several processes at once, one makes it.  Raises `KeyRefused`."""
    keys.create_missing(path, lambda: generate_private_key(SECP256R1()))
    return open_key(path)


def open_key(path: Path) -> CertificateFileSigner:
    """Return the signer of an existing file.  Raises `KeyRefused` if it is missing, or not to be trusted."""
    key = keys.read_file(path)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise KeyRefused("key file: cannot use: not an ECDSA key on P-256")
    return CertificateFileSigner(key)


def public_pem(key: EllipticCurvePublicKey) -> bytes:
    """Return `case.pub.pem`, as openssl and cosign read it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public(pem: bytes) -> EllipticCurvePublicKey:
    """Return the key of `case.pub.pem`.  Raises `KeyRefused` unless it is on P-256."""
    try:
        key = load_pem_public_key(pem)
    except ValueError as exc:
        raise KeyRefused("public key: cannot read: not a public key in PEM") from exc
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise KeyRefused("public key: cannot use: not an ECDSA key on P-256")
    return key


def key_hash(key: EllipticCurvePublicKey) -> bytes:
    """Return the SHA-256 of the key's DER, by which it can be found again."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def verifies(key: EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
