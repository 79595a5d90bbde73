"""
The certificate of one case: a signed and stamped list of its files, in a form that stock tools verify.

An in-toto Statement (v1) about `SHA256SUMS` and `log/checkpoint`, in a DSSE envelope signed with ECDSA P-256, with an RFC 3161 stamp
over the signature.  The file is a Sigstore bundle (v0.3) without a log entry: see `cosign verify-blob-attestation`, or openssl and jq.

There is one form only (RFC 8785, and the stamp's in `audit.canonical_stamp`), so that no byte can change without being noticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from audit import bundle_paths
from audit import certificate_keys as keys
from audit.appending import EventDraft
from audit.canonical_stamp import pinned
from audit.certificate_keys import CertificateSigner
from audit.events import EventType
from audit.fields import Json
from audit.leaf import Event, LeafError, canonical

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://lastday.example/audit-record/v1"
PAYLOAD = "application/vnd.in-toto+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
LONGEST = 1 << 20
"""Bytes.  A certificate has about eight thousand; the limit only keeps a foreign file from filling the memory."""
CERTIFIED = EventType.CASE_CERTIFIED

Stamper: TypeAlias = "Callable[[bytes], bytes]"
"""Returns an authority's RFC 3161 response over its argument."""


class CertificateError(ValueError):
    """The bytes are not a certificate of ours, or no trusted key has signed them."""


@dataclass(frozen=True, slots=True)
class EarlierCertificate:
    """An earlier certificate of the same case: its number, from 1, and the SHA-256 of its file."""

    revision: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CertificateStatement:
    """
    What a certificate says.

    *log*, *size*, *root* (base64): the log's head that covers the case.  *events*: how many the case has under it.  *sums* and
    *checkpoint*: the SHA-256 of the two files.  *files*: how many files `SHA256SUMS` lists.
    """

    case: str
    revision: int
    former: EarlierCertificate | None
    log: str
    size: int
    root: str
    events: int
    files: int
    sums: str
    checkpoint: str

    @property
    def statement(self) -> bytes:
        """The signed bytes."""
        predicate: dict[str, Json] = {"case": self.case, "revision": self.revision}
        predicate |= {"log": self.log, "size": self.size, "root": self.root, "events": self.events, "files": self.files}
        if self.former is not None:
            predicate["former"] = {"revision": self.former.revision, "sha256": self.former.sha256}
        subjects = ((bundle_paths.SUMS, self.sums), (bundle_paths.CHECKPOINT, self.checkpoint))
        subject: list[Json] = [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects]
        return canonical(
            {"_type": STATEMENT, "subject": subject, "predicateType": PREDICATE, "predicate": predicate},
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate's file, *raw*, and what it says."""

    raw: bytes
    claim: CertificateStatement

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    def draft(self, actor: str) -> EventDraft:
        """Return the event that records this certificate; append it before the bundle leaves the house."""
        claim = self.claim
        told: list[Json] = [{"name": bundle_paths.CERTIFICATE, "sha256": self.sha256, "size": len(self.raw)}]
        fields: Mapping[str, Json] = {"revision": claim.revision, "evidence": told}
        event = Event(CERTIFIED, claim.case, actor, fields)
        return EventDraft(event, dedup_key=f"{claim.case}:certified:{claim.revision}")


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """A certificate whose signature was verified.  *stamp*: over *signature*, not verified yet; None if there is none."""

    claim: CertificateStatement
    signature: bytes
    stamp: bytes | None


def former_of(record: Mapping[str, Any]) -> EarlierCertificate:
    """Return the certificate that a `case.certified` leaf names.  Raises `CertificateError` if it names none."""
    told = {one.get("name"): one for one in record.get("evidence", [])}
    try:
        return EarlierCertificate(int(record["revision"]), str(told[bundle_paths.CERTIFICATE]["sha256"]))
    except (KeyError, TypeError) as exc:
        raise CertificateError("certificate: cannot read the log's event of the former one") from exc


def issue(claim: CertificateStatement, signer: CertificateSigner, stamp: Stamper | None) -> Certificate:
    """Sign *claim* and have the signature stamped; *stamp* None leaves the stamp out."""
    return Certificate(seal(claim.statement, signer, stamp), claim)


def seal(statement: bytes, signer: CertificateSigner, stamp: Stamper | None) -> bytes:
    """Return a Sigstore bundle about *statement*, signed and stamped; *stamp* None leaves the stamp out."""
    signature = signer.sign(pae(statement))
    stamped = None if stamp is None else pinned(stamp(signature))
    return _render(statement, signature, signer.public_key, stamped)


def pae(payload: bytes) -> bytes:
    """Return the bytes that DSSE signs (pre-authentication encoding, version 1)."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)


def open_certificate(raw: bytes, trusted: tuple[EllipticCurvePublicKey, ...]) -> VerifiedCertificate:
    """
    Return the certificate if one of *trusted* has signed it.  The stamp is not verified.

    Raises `CertificateError` also for any byte that `issue` would not have written.
    """
    payload, signature, stamp = open_statement(raw, trusted)
    return VerifiedCertificate(_claim(payload), signature, stamp)


def open_statement(
    raw: bytes, trusted: tuple[EllipticCurvePublicKey, ...], longest: int = LONGEST
) -> tuple[bytes, bytes, bytes | None]:
    """Return the statement that one of *trusted* has signed, its signature, and the signature's stamp.  Raises `CertificateError`."""
    payload, signature, stamp = _parts(raw, longest)
    message = pae(payload)
    key = next((key for key in trusted if keys.verifies(key, message, signature)), None)
    if key is None:
        raise CertificateError("certificate: cannot be trusted: no known key has signed it")
    if _render(payload, signature, key, stamp) != raw:
        raise CertificateError("certificate: cannot be trusted: it is not in the one form that it has")
    return payload, signature, stamp


def read_claim(raw: bytes) -> CertificateStatement:
    """Return what a certificate says, without verifying it.  Raises `CertificateError` for other bytes."""
    return _claim(_parts(raw)[0])


def _parts(raw: bytes, longest: int = LONGEST) -> tuple[bytes, bytes, bytes | None]:
    try:
        bundle = json.loads(raw[:longest])
        told, material = bundle["dsseEnvelope"], bundle["verificationMaterial"]
        (signed,) = told["signatures"]
        payload, signature = (base64.b64decode(one, validate=True) for one in (told["payload"], signed["sig"]))
        if "timestampVerificationData" not in material:
            return payload, signature, None
        (stamp,) = material["timestampVerificationData"]["rfc3161Timestamps"]
        return payload, signature, base64.b64decode(stamp["signedTimestamp"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as exc:
        raise CertificateError(
            "certificate: cannot read: not a Sigstore bundle with one signature and at most one stamp"
        ) from exc


def _render(payload: bytes, signature: bytes, key: EllipticCurvePublicKey, stamp: bytes | None) -> bytes:
    material: dict[str, Json] = {"publicKey": {"hint": _base64(keys.key_hash(key))}}
    if stamp is not None:
        material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": _base64(stamp)}]}
    return canonical(
        {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope(payload, signature)}
    )


def envelope(payload: bytes, signature: bytes) -> dict[str, Json]:
    """Return the DSSE envelope of *payload*; *signature* is over `pae(payload)`."""
    return {"payload": _base64(payload), "payloadType": PAYLOAD, "signatures": [{"sig": _base64(signature)}]}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _claim(payload: bytes) -> CertificateStatement:
    try:
        statement = json.loads(payload)
        digests = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
        told = dict(statement["predicate"])
        former = told.pop("former", None)
        claim = CertificateStatement(
            **told,
            former=EarlierCertificate(**former) if former is not None else None,
            sums=digests[bundle_paths.SUMS],
            checkpoint=digests[bundle_paths.CHECKPOINT],
        )
        whole = claim.statement == payload
    except (ValueError, KeyError, TypeError, RecursionError, LeafError) as exc:
        raise CertificateError("certificate: cannot read: not a statement about a record of ours") from exc
    if not whole:
        raise CertificateError("certificate: cannot read: its statement says more or less than ours do")
    return claim
