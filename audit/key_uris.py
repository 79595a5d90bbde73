"""
Signing keys in a key store: Vault, a cloud's KMS or a PKCS#11 token, named by securesystemslib's URIs.

    hv:NAME/VERSION        Vault's transit engine        (VAULT_ADDR, VAULT_TOKEN)          Ed25519
    hsm-ed25519:ID?label=  a PKCS#11 token               (PYKCS11LIB; see `audit.hsm`)      Ed25519
    hsm:ID?label=          a PKCS#11 token               (PYKCS11LIB)                       ECDSA P-256
    awskms:ID, gcpkms:ID, azurekms:ID                                                      ECDSA P-256
    file2:PATH             a PEM file (`audit.keys` is better: it checks the file's mode)

The log needs Ed25519 (C2SP), the certificate ECDSA P-256 (Sigstore).  The caller gives the public key beside the URI; it is never
read from the key store, because the store's answer does not prove which key it was asked to keep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, Signature, SSlibKey
from securesystemslib.signer import Signer as StoreSigner

from audit.hsm import HsmSigner
from audit.keys import KeyRefused
from audit.note import Verifier, check_name

SIGNER_FOR_URI_SCHEME.setdefault(HsmSigner.SCHEME, HsmSigner)

AskSecret: TypeAlias = "Callable[[str], str]"
"""Called with the name of a secret that the store needs ("pin"); returns the secret.  Nobody stores it."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """
    A private key that stays in its store.

    Each signature is verified before it is returned: else a store that signs with another key, or another version of it, would
    break the log without an error.
    """

    uri: str
    _signer: StoreSigner = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature (Ed25519: 64 bytes, ECDSA: DER).  Raises `KeyRefused` for each error of the store."""
        scheme = self.uri.partition(":")[0]
        try:
            signature: Signature = self._signer.sign(message)
            self._signer.public_key.verify_signature(signature, message)
        except Exception as exc:  # each store has its own errors, and securesystemslib documents no common one
            raise KeyRefused(f"key store {scheme}: cannot sign: {type(exc).__name__}") from exc
        return bytes.fromhex(signature.signature)


def open_stored_key(uri: str, public: Path, secret: AskSecret | None = None) -> tuple[StoredKey, object]:
    """
    Return the key of *uri* and its public half from the PEM file *public*.

    Raises `KeyRefused` if the URI's scheme is unknown, if the store's library is not installed, or if the store's signer cannot
    use the public key.  Does not call the store: whether it answers shows with the first signature.
    """
    scheme = uri.partition(":")[0]
    if scheme not in SIGNER_FOR_URI_SCHEME:
        raise KeyRefused(f"key URI: cannot use: {scheme or 'it'} is none of {', '.join(sorted(SIGNER_FOR_URI_SCHEME))}")
    crypto = _public(public)
    try:
        signer = StoreSigner.from_priv_key_uri(uri, SSlibKey.from_crypto(crypto), secret)  # type: ignore[arg-type]  # it refuses other types itself
    except UnsupportedLibraryError as exc:
        raise KeyRefused(f"key store {scheme}: cannot be used: its library is not installed ({exc})") from exc
    except Exception as exc:  # as in `sign`: no documented set of errors
        raise KeyRefused(f"key store {scheme}: cannot be opened: {type(exc).__name__}") from exc
    return StoredKey(uri, signer), crypto


def _public(path: Path) -> object:
    try:
        return load_pem_public_key(path.read_bytes())
    except OSError as exc:
        raise KeyRefused(f"public key: cannot open: {exc.strerror}") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise KeyRefused("public key: cannot read: not a public key in PEM") from exc


@dataclass(frozen=True, slots=True)
class StoredLogKey:
    """The log's key in a store: a `note.Signer`.  *name* is the log's origin."""

    name: str
    verifier: Verifier
    _key: StoredKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def open_log_key(uri: str, public: Path, name: str, secret: AskSecret | None = None) -> StoredLogKey:
    """Return the signer of the log *name*.  Raises `KeyRefused`, also for a key that is not Ed25519."""
    key, crypto = open_stored_key(uri, public, secret)
    if not isinstance(crypto, Ed25519PublicKey):
        raise KeyRefused("key store: cannot use the key for the log: not an Ed25519 key")
    return StoredLogKey(check_name(name), Verifier(name, crypto.public_bytes(Encoding.Raw, PublicFormat.Raw)), key)


@dataclass(frozen=True, slots=True)
class StoredCertificateKey:
    """The certificate's key in a store."""

    public_key: EllipticCurvePublicKey
    _key: StoredKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the DER signature, ECDSA P-256 with SHA-256."""
        return self._key.sign(message)


def open_certificate_key(uri: str, public: Path, secret: AskSecret | None = None) -> StoredCertificateKey:
    """Return the signer of certificates.  Raises `KeyRefused`, also for a key that is not on P-256."""
    key, crypto = open_stored_key(uri, public, secret)
    if not isinstance(crypto, EllipticCurvePublicKey) or not isinstance(crypto.curve, SECP256R1):
        raise KeyRefused("key store: cannot use the key for certificates: not an ECDSA key on P-256")
    return StoredCertificateKey(crypto, key)
