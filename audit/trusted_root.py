"""
The trusted timestamp authorities in Sigstore's form (`trusted_root.json`, v0.1), for `cosign --trusted-root`.

The file belongs to the auditor's trust material, never into a bundle.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from audit.canonical_stamp import pinned
from audit.fields import Json
from audit.leaf import canonical
from audit.timestamp import StampRefused

MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"


def trusted_root(chain: Sequence[x509.Certificate], uri: str = "") -> bytes:
    """
    Return the file for one authority.

    *chain*: its certificates from the one that stamps to the root, see `chain_of`.  Sigstore's JavaScript tools find an authority
    by the first.  *uri*: for people.
    """
    root = chain[-1]
    subject: dict[str, Json] = {
        "organization": _first(root, x509.NameOID.ORGANIZATION_NAME),
        "commonName": _first(root, x509.NameOID.COMMON_NAME),
    }
    valid: dict[str, Json] = {
        "start": f"{root.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{root.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
    }
    raw: list[Json] = [{"rawBytes": base64.b64encode(one.public_bytes(Encoding.DER)).decode()} for one in chain]
    authority: dict[str, Json] = {"subject": subject, "certChain": {"certificates": raw}, "validFor": valid}
    if uri:
        authority["uri"] = uri
    return canonical({"mediaType": MEDIA_TYPE, "timestampAuthorities": [authority]})


def chain_of(response: bytes, roots: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """
    Return a stamp's chain of certificates, from the one that stamps to one of *roots*.  The stamp itself is not verified.

    Raises `StampRefused` if the chain does not end at one of *roots*.
    """
    token = tsp.TimeStampResp.load(pinned(response))["time_stamp_token"]["content"]
    held = [x509.load_der_x509_certificate(one.chosen.dump()) for one in token["certificates"]]
    issuers = {one.issuer for one in held}
    chain = [one for one in held if one.subject not in issuers][:1]
    above = {one.subject: one for one in (*held, *roots)}
    while chain and chain[-1] not in roots and chain[-1].issuer in above and len(chain) <= len(above):
        chain.append(above[chain[-1].issuer])
    if not chain or chain[-1] not in roots:
        raise StampRefused("timestamp: cannot be trusted: its certificates lead to no root of ours")
    return chain


def _first(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    named = certificate.subject.get_attributes_for_oid(oid)
    return str(named[0].value) if named else ""
