"""
Request and verify RFC 3161 stamps over the SHA-256 of some bytes.

A stamp is verified as of its own time: it stays valid when its certificate has expired since.  Certificate revocation is not
checked, because an auditor who verifies years later is offline.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asn1crypto.tsp  # noqa: F401  # teaches asn1crypto.cms the attributes that bind a signer's certificate
import httpx
from asn1crypto import cms, parser
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

GRANTED = 0
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
_CERTIFICATES = 0xA0  # [0] IMPLICIT, constructed: the set of certificates within SignedData
_VERDICT = re.compile(r'Verify error: *([^"]+)')  # OpenSSL's reason within a long error text
LARGEST = 1 << 20
"""Bytes.  A limit against hostile answers; real ones have a few thousand bytes."""
SKEW = timedelta(seconds=5)
"""How far the log's clock and an authority's may differ.  A choice: clocks kept by NTP differ by far less."""
PATIENCE = 30.0
"""Seconds for an answer once it has begun.  A choice: the job that waits keeps the leader lock meanwhile."""


class StampRefused(Exception):
    """
    The bytes are not a trusted authority's stamp over the given content.

    *response*: the authority's answer, if `ask` raised this: keep it, another reader may understand it.
    """

    response: bytes = b""


class AuthorityUnreachable(Exception):
    """The authority did not answer, or something else answered in its place: ask again later."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a verified stamp says.  *policy* is the authority's OID, *signer* its certificate's subject (RFC 4514)."""

    gen_time: datetime
    policy: str
    serial: int
    signer: str


def verify(response: bytes, content: bytes, roots: Sequence[x509.Certificate]) -> Stamp:
    """
    Return the stamp over *content* in *response* (a TimeStampResp in DER).

    Raises `StampRefused` unless it was granted over the SHA-2 digest of *content*, and its signer's chain, valid at the stamp's
    time and meant for time stamping, ends at one of *roots*.
    """
    return _verified(_parsed(response), content, roots, nonce=None)


def ask(client: httpx.Client, url: str, content: bytes, roots: Sequence[x509.Certificate]) -> tuple[bytes, Stamp]:
    """
    Return the authority's verbatim answer over *content*, verified, and the stamp in it.

    Safe to repeat: each call gets its own stamp.  Raises `AuthorityUnreachable` (ask again) and `StampRefused`.
    """
    request = TimestampRequestBuilder(data=content, hash_algorithm=HashAlgorithm.SHA256).build()
    answer = post(client, url, request.as_bytes())
    try:
        return answer, _verified(_parsed(answer), content, roots, nonce=request.nonce)
    except StampRefused as exc:
        exc.response = answer
        raise


def post(client: httpx.Client, url: str, query: bytes) -> bytes:
    """Return the authority's answer to *query* (a TimeStampReq in DER), not parsed.  Raises the errors of `ask`."""
    try:
        with client.stream("POST", url, content=query, headers={"content-type": QUERY, "accept": REPLY}) as answer:
            if answer.status_code != 200 or answer.headers.get("content-type", "").partition(";")[0].strip() != REPLY:
                raise AuthorityUnreachable(f"timestamp: cannot be had: status {answer.status_code}, or not a stamp")
            body, until = b"", time.monotonic() + PATIENCE
            for part in answer.iter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise StampRefused("timestamp: cannot read: longer than any stamp")
                if time.monotonic() > until:
                    raise AuthorityUnreachable("timestamp: cannot be had: it answers too slowly")
            return body
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise AuthorityUnreachable(f"timestamp: cannot be had: {type(exc).__name__}") from exc


def _parsed(response: bytes) -> TimeStampResponse:
    """Parse strictly.  If that fails, put the certificates into DER's order and parse again.  Raises `StampRefused`."""
    with contextlib.suppress(ValueError):  # raised below if the order was not the reason
        return decode_timestamp_response(response)
    try:
        return decode_timestamp_response(_in_order(response))
    except ValueError as exc:
        raise StampRefused("timestamp: cannot read: not an RFC 3161 response") from exc


def _in_order(response: bytes) -> bytes:
    """
    Return the response with the certificates in DER's order, and definite lengths around them.

    `openssl ts -reply` and many authorities write the chain in another order, which strict parsers refuse.  No signature covers
    that order, and the signed bytes stay as they are.  Deeper levels are not parsed, because the bytes may be hostile.
    """
    status, token = _children(response)
    kind, explicit = _children(token)
    (signed,) = _children(explicit)
    parts = [_sorted(part) if part[0] == _CERTIFICATES else part for part in _children(signed)]
    explicit = _around(explicit, [_around(signed, parts)])
    return _around(response, [status, _around(token, [kind, explicit])])


def _sorted(certificates: bytes) -> bytes:
    return _around(certificates, sorted(_children(certificates)))


def _children(encoded: bytes) -> list[bytes]:
    rest, found = parser.parse(encoded, strict=True)[4], []
    while rest:
        size = parser.peek(rest)
        found.append(rest[:size])
        rest = rest[size:]
    return found


def _around(like: bytes, children: Sequence[bytes]) -> bytes:
    kind, method, tag, *_ = parser.parse(like, strict=True)
    return bytes(parser.emit(kind, method, tag, b"".join(children)))


def _verified(
    response: TimeStampResponse, content: bytes, roots: Sequence[x509.Certificate], nonce: int | None
) -> Stamp:
    if response.status != GRANTED:
        raise StampRefused(f"timestamp: cannot be used: not granted, status {response.status}")
    try:
        VerifierBuilder(roots=list(roots), nonce=nonce).build().verify_message(response, content)
        signer = _signer(response)
    except (VerificationError, ValueError) as exc:
        why = _VERDICT.search(str(exc))
        raise StampRefused(f"timestamp: cannot be trusted: {why[1] if why else exc}") from exc
    told = response.tst_info
    return Stamp(told.gen_time, told.policy.dotted_string, told.serial_number, signer.subject.rfc4514_string())


def _signer(response: TimeStampResponse) -> x509.Certificate:
    """
    Return the certificate whose digest the signature covers (RFC 3161, 2.4.2: the signing certificate's digest).

    Issuer and number beside a signature are not signed: by them alone, another certificate of the same key would be accepted.
    """
    signed = cms.ContentInfo.load(response.time_stamp_token())["content"]
    named = {str(one["type"].native): one["values"][0] for one in signed["signer_infos"][0]["signed_attrs"]}
    for raw in sorted(response.signed_data.certificates):
        if _binds(named, raw):
            return x509.load_der_x509_certificate(raw)
    raise StampRefused("timestamp: cannot be trusted: its signature names no certificate in it")


def _binds(named: Mapping[str, Any], certificate: bytes) -> bool:
    """Compare with the first certificate of `signing_certificate_v2` (RFC 5816), else of `signing_certificate` (SHA-1)."""
    if "signing_certificate_v2" in named:
        first = named["signing_certificate_v2"]["certs"][0]
        algorithm = str(first["hash_algorithm"]["algorithm"].native)
    elif "signing_certificate" in named:
        first, algorithm = named["signing_certificate"]["certs"][0], "sha1"
    else:
        return False
    digest = hashlib.new(algorithm, certificate, usedforsecurity=False).digest()
    return hmac.compare_digest(digest, bytes(first["cert_hash"].native))
