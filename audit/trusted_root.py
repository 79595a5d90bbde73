"""
The authorities that we trust, as Sigstore's tools read them (`trusted_root.json`, v0.1): for `cosign --trusted-root`.

It belongs to the trust material, never into a bundle.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from audit.fields import Json
from audit.leaf import canonical

MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"


def trusted_root(chain: Sequence[x509.Certificate], uri: str = "") -> bytes:
    """
    Return the file for one authority.

    *chain*: its certificates from the one that stamps, if it is at hand, to the root.  *uri* is for people.
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


def _first(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    named = certificate.subject.get_attributes_for_oid(oid)
    return str(named[0].value) if named else ""
