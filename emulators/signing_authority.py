"""A small certificate authority for the papers' signers: a client that trusts its roots trusts these papers and no others."""

# pyHanko types its readers, and not what writes
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from pyhanko.sign import signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

_LONG_AGO, _FAR_OFF = datetime(2015, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
Subject = tuple[tuple[ObjectIdentifier, str], ...]
_STATEMENTS = ObjectIdentifier("1.3.6.1.5.5.7.1.3")


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def asn1(self) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(self.certificate.public_bytes(Encoding.DER))

    @property
    def asn1_key(self) -> asn1_keys.PrivateKeyInfo:
        packed = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return asn1_keys.PrivateKeyInfo.load(packed)


class SigningAuthority:
    """An authority, with certificates for signers on request and one for timestamps."""

    def __init__(self, name: str = "Rehearsal Signing Authority") -> None:
        self._root = _issue(name, None, usage="authority")
        self._stamper = _issue(f"{name} timestamps", self._root, usage="timestamps")
        self._signers: dict[tuple[object, ...], _Issued] = {}

    @property
    def roots(self) -> bytes:
        """The authority's certificate in PEM: for `LASTDAY_NDA_ROOTS_FILE`."""
        return self._root.certificate.public_bytes(Encoding.PEM)

    def signer(
        self, name: str, since: datetime = _LONG_AGO, until: datetime = _FAR_OFF, *,
        more: Subject = ((NameOID.ORGANIZATION_NAME, "Hoshizora"),), statement: str | None = None,
    ) -> signers.SimpleSigner:  # fmt: skip
        """
        Return a signer whose certificate has *name* and is valid from *since* to *until*.

        *more*: the subject's other attributes.  *statement*: `sign` or `seal` (ETSI EN 319 412-5).
        """
        key = (name, since, until, more, statement)
        if key not in self._signers:
            self._signers[key] = _issue(
                name, self._root, usage="signer", since=since, until=until, more=more, statement=statement
            )
        issued = self._signers[key]
        return signers.SimpleSigner(issued.asn1, issued.asn1_key, self._store())

    def stamper(self, at: datetime | None = None) -> DummyTimeStamper:
        """Return a stamper that stamps with the time *at*, or with the present time."""
        return DummyTimeStamper(self._stamper.asn1, self._stamper.asn1_key, self._store(), fixed_dt=at)

    def _store(self) -> SimpleCertificateStore:
        store = SimpleCertificateStore()
        store.register(self._root.asn1)
        return store


@cache
def pki() -> SigningAuthority:
    """Return the one authority of all papers of this process."""
    return SigningAuthority()


def _issue(  # noqa: PLR0913  # one keyword an option, each with a default
    name: str,
    issuer: _Issued | None,
    *,
    usage: str,
    since: datetime = _LONG_AGO,
    until: datetime = _FAR_OFF,
    more: Subject = ((NameOID.ORGANIZATION_NAME, "Hoshizora"),),
    statement: str | None = None,
) -> _Issued:
    # RSA only for timestamps: pyHanko's own stamper supports nothing else
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
        rsa.generate_private_key(65537, 2048) if usage == "timestamps" else ec.generate_private_key(ec.SECP256R1())
    )
    subject = x509.Name([x509.NameAttribute(kind, text) for kind, text in ((NameOID.COMMON_NAME, name), *more)])
    draft = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(_key_usage(authority=issuer is None), critical=True)
    )
    if issuer is not None:
        parent = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        draft = draft.add_extension(parent, critical=False)
    purposes: dict[str, ObjectIdentifier] = {"timestamps": ExtendedKeyUsageOID.TIME_STAMPING}
    if usage in purposes:
        draft = draft.add_extension(x509.ExtendedKeyUsage([purposes[usage]]), critical=True)
    if statement is not None:
        which = b"\x06\x07\x04\x00\x8e\x46\x01\x06" + {"sign": b"\x01", "seal": b"\x02"}[statement]
        said = b"\x30\x15\x30\x13\x06\x06\x04\x00\x8e\x46\x01\x06\x30\x09" + which
        draft = draft.add_extension(x509.UnrecognizedExtension(_STATEMENTS, said), critical=False)
    return _Issued(draft.sign((issuer.key if issuer else key), hashes.SHA256()), key)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
