"""Time-stamp responses in the bytes of RFC 3161 and RFC 5652, written with asn1crypto."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, core, parser, tsp
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from emulators.timestamping.certificates import CertificateChain

POLICY = "1.3.6.1.4.1.32473.3161.1"
"""An OID under the enterprise number that IANA keeps for examples."""

ORDERS = ("der", "openssl", "alone")


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What one token says.  *order*: of the certificates; `openssl ts -reply` writes the signer's first, which is not DER."""

    at: datetime
    serial: int
    nonce: int | None
    policy: str = POLICY
    order: str = "der"


def granted(request: tsp.TimeStampReq, papers: CertificateChain, facts: TokenFacts) -> bytes:
    statement = _statement(request, facts)
    wanted = bool(request["cert_req"].native)
    response = tsp.TimeStampResp(
        {"status": {"status": "granted"}, "time_stamp_token": _token(statement, papers, facts, wanted)}
    )
    return bytes(response.dump())


class _Rejection(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    """A TimeStampResp without its token, which asn1crypto's own class requires."""

    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012  # asn1crypto fills it in


def rejected(reason: str, text: str) -> bytes:
    """Return a response without a token.  *reason*: a PKIFailureInfo such as `bad_alg` or `time_not_available`."""
    status = {"status": "rejection", "status_string": [text], "fail_info": {reason}}
    return bytes(_Rejection({"status": status}).dump())


def _statement(request: tsp.TimeStampReq, facts: TokenFacts) -> tsp.TSTInfo:
    said: dict[str, Any] = {
        "version": "v1",
        "policy": facts.policy,
        "message_imprint": request["message_imprint"],
        "serial_number": facts.serial,
        "gen_time": facts.at.replace(microsecond=0),
        "accuracy": {"seconds": 1},
    }
    if facts.nonce is not None:
        said["nonce"] = facts.nonce
    return tsp.TSTInfo(said)


def _token(statement: tsp.TSTInfo, papers: CertificateChain, facts: TokenFacts, wanted: bool) -> cms.ContentInfo:  # noqa: FBT001  # the request's own flag
    content = statement.dump()
    attributes = _attributes(content, papers)
    signature = papers.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
    signer = asn1.Certificate.load(papers.stamper.public_bytes(Encoding.DER))
    said = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number", {"issuer": signer.issuer, "serial_number": signer.serial_number}
        ),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": signature,
    }
    signed: dict[str, Any] = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
        "signer_infos": [said],
    }
    if wanted:
        signed["certificates"] = _certificates(papers, facts.order)
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})


def _attributes(content: bytes, papers: CertificateChain) -> cms.CMSAttributes:
    certificate = hashlib.sha256(papers.stamper.public_bytes(Encoding.DER)).digest()
    binding = tsp.SigningCertificateV2({"certs": [{"cert_hash": certificate}]})
    attributes = [
        {"type": "content_type", "values": ["tst_info"]},
        {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
        {"type": "signing_certificate_v2", "values": [binding]},
    ]
    made = [cms.CMSAttribute(one) for one in attributes]
    return cms.CMSAttributes(sorted(made, key=lambda one: bytes(one.dump())))  # DER: a set in the order of its bytes


def _certificates(papers: CertificateChain, order: str) -> cms.CertificateSet:
    """Return the chain in this *order*.  Its bytes are joined here, because asn1crypto would sort them."""
    chain = [papers.stamper] if order == "alone" else [papers.stamper, papers.between]
    raw = sorted((one.public_bytes(Encoding.DER) for one in chain), reverse=order == "openssl")
    return cms.CertificateSet.load(parser.emit(0, 1, cms.CertificateSet.tag, b"".join(raw)))
