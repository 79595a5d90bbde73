"""
Times of others: RFC 3161 stamps over the SHA-256 of some bytes, asked for and verified.

A stamp is verified as of its own time: a certificate that has expired since does not take the stamp's worth with it.
Revocation is not looked up: whoever verifies years later is offline.
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
_VERDICT = re.compile(r'Verify error: *([^"]+)')  # OpenSSL's own words within a page of its inner life
LARGEST = 1 << 20
"""Bytes: no authority's answer comes near it."""
SKEW = timedelta(seconds=5)
"""How far the log's clock and an authority's may differ."""
PATIENCE = 30.0
"""Seconds for an answer once it has begun: whoever asks holds the lead."""


class StampRefused(Exception):
    """
    Bytes that are not a stamp over ours by an authority that we trust.

    *response*: what the authority sent, if it was asked just now: keep it, another reader may make sense of it.
    """

    response: bytes = b""


class AuthorityUnreachable(Exception):
    """The authority did not answer, or answered like a proxy: ask again later."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a verified stamp says.  *policy* is the authority's OID, *signer* its certificate's subject (RFC 4514)."""

    gen_time: datetime
    policy: str
    serial: int
    signer: str


def verify(response: bytes, content: bytes, roots: Sequence[x509.Certificate]) -> Stamp:
    """
    Return what *response* (a TimeStampResp in DER) says of *content*.

    Raises `StampRefused` unless it was granted over the SHA-2 digest of *content*, and its signer's chain, valid at the stamp's
    time and meant for time stamping, ends at one of *roots*.
    """
    return _verified(_parsed(response), content, roots, nonce=None)


def ask(client: httpx.Client, url: str, content: bytes, roots: Sequence[x509.Certificate]) -> tuple[bytes, Stamp]:
    """
    Return the authority's verbatim answer over *content*, verified, and what it says.

    Safe to repeat: each answer stands for itself.  Raises `AuthorityUnreachable` (ask again) and `StampRefused`.
    """
    request = TimestampRequestBuilder(data=content, hash_algorithm=HashAlgorithm.SHA256).build()
    answer = post(client, url, request.as_bytes())
    try:
        return answer, _verified(_parsed(answer), content, roots, nonce=request.nonce)
    except StampRefused as exc:
        exc.response = answer
        raise


def post(client: httpx.Client, url: str, query: bytes) -> bytes:
    """Return what the authority answers to *query* (a TimeStampReq in DER), unread.  Raises what `ask` raises."""
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
    """Parse strictly; what is right but for the order or form of its DER is put in order first."""
    with contextlib.suppress(ValueError):  # told below, if it was no matter of order
        return decode_timestamp_response(response)
    try:
        return decode_timestamp_response(_in_order(response))
    except ValueError as exc:
        raise StampRefused("timestamp: cannot read: not an RFC 3161 response") from exc


def _in_order(response: bytes) -> bytes:
    """
    Return the response with the certificates in DER's order, and definite lengths around them.

    `openssl ts -reply` and many authorities write the chain in their own order, which strict parsers refuse.  No signature
    covers that order; what is signed keeps its bytes.  Nothing is read beyond these levels: the bytes may be hostile.
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
    Return the certificate to which the signature binds itself (RFC 3161, 2.4.2: the signing certificate's digest).

    The issuer and number beside a signature are not signed: without this another certificate of the same key would do.
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
