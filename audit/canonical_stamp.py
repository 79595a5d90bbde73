"""
The canonical form of a stamp: the signed bytes and the signer's chain, and no part that could change without being noticed.

An RFC 3161 response has parts that no signature covers: the text of its status, extra certificates, unsigned attributes, the
names of algorithms, and the orders and lengths that BER leaves open.  No checksum covers the certificate's stamp either, so these
parts are written again in one form.  The signed bytes stay as they are: any verifier still accepts the response.
"""

from __future__ import annotations

from typing import Any

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509

from audit.timestamp import StampRefused

_LONGEST, _MOST = 1 << 16, 16
"""Limits: bytes of a response, and certificates in it.  Far above what authorities send, far below what would take minutes."""


def pinned(response: bytes) -> bytes:
    """
    Return the response in its canonical form.  Safe to repeat.  Verifies nothing.

    Raises `StampRefused` unless it was granted and has one signature, whose certificate is in the response.
    """
    if len(response) > _LONGEST:
        raise StampRefused("timestamp: cannot be pinned: longer than any stamp")
    try:
        parsed = tsp.TimeStampResp.load(response, strict=True)
        if parsed["status"]["status"].native != "granted":
            raise StampRefused("timestamp: cannot be used: not granted")
        signed = parsed["time_stamp_token"]["content"]
        token = {"content_type": "signed_data", "content": _written_anew(signed)}
        made = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
        return bytes(made.dump())
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as exc:
        raise StampRefused("timestamp: cannot be pinned: not a response of the usual form") from exc


def _written_anew(signed: Any) -> cms.SignedData:
    (signature,) = signed["signer_infos"]
    if len(signed["certificates"]) > _MOST:
        raise StampRefused("timestamp: cannot be pinned: more certificates than any chain has")
    held = [one.chosen for one in signed["certificates"] if one.name == "certificate"]
    signer = next((one for one in held if _names(signature["sid"], one)), None)
    if signer is None:
        raise StampRefused("timestamp: cannot be pinned: its signer's certificate is not in it")
    digest = {"algorithm": signature["digest_algorithm"]["algorithm"].native}
    content = core.ParsableOctetString(bytes(signed["encap_content_info"]["content"]))
    return cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [digest],
            "encap_content_info": {"content_type": "tst_info", "content": content},
            "certificates": sorted((_own(one) for one in _chain(signer, held)), key=lambda one: bytes(one.dump())),
            "signer_infos": [_signature(signature, signer, digest)],
        }
    )


def _signature(signature: Any, signer: asn1_x509.Certificate, digest: dict[str, str]) -> dict[str, Any]:
    issued = {"issuer": signer.issuer, "serial_number": signer.serial_number}
    return {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": cms.IssuerAndSerialNumber(issued)}),
        "digest_algorithm": digest,
        "signed_attrs": signature["signed_attrs"],
        "signature_algorithm": _algorithm(signature, signer, digest["algorithm"]),
        "signature": bytes(signature["signature"].native),
    }


def _algorithm(signature: Any, signer: asn1_x509.Certificate, digest: str) -> Any:
    """Return the algorithm's name that follows from the key, because readers accept different names for RSA."""
    match signer.public_key.algorithm:
        case "rsa" if signature["signature_algorithm"].signature_algo != "rsassa_pss":
            return {"algorithm": "rsassa_pkcs1v15"}
        case "ec":
            return {"algorithm": f"{digest}_ecdsa"}
        case _:
            return signature["signature_algorithm"]


def _names(sid: Any, certificate: asn1_x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        one = sid.chosen
        return bool(one["issuer"] == certificate.issuer and one["serial_number"].native == certificate.serial_number)
    return bool(sid.chosen.native == certificate.key_identifier)


def _chain(signer: asn1_x509.Certificate, held: list[asn1_x509.Certificate]) -> list[asn1_x509.Certificate]:
    """Return the signer and the certificates above it, without the root: a verifier has the roots that it trusts."""
    chain = [signer]
    while len(chain) <= len(held):
        above = (one for one in held if one.subject == chain[-1].issuer and one.self_signed == "no")
        issuer = next((one for one in above if one not in chain), None)
        if issuer is None:
            break
        chain.append(issuer)
    return chain


def _own(certificate: asn1_x509.Certificate) -> cms.CertificateChoices:
    return cms.CertificateChoices({"certificate": certificate})
