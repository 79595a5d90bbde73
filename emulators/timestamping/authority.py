"""The authority on its socket: `POST /` with a TimeStampReq."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from asn1crypto import tsp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulators.timestamping import tokens
from emulators.timestamping.certificates import CertificateChain, issue
from emulators.timestamping.tokens import TokenFacts

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
_DIGESTS = {"sha256": 32, "sha384": 48, "sha512": 64}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Authority:
    """
    One authority.  Its faults can be set while it runs; the fault proxy (`emulators.fault_proxy`) makes it slow or unreachable.

    *refuses*: a PKIFailureInfo that answers each request; *wrong_nonce*: it echoes another nonce; *order*: of its
    certificates, one of `tokens.ORDERS`; *wrong_content*: it stamps something else; *clock*: its clock.
    """

    papers: CertificateChain = field(default_factory=issue)
    clock: Callable[[], datetime] = _now
    order: str = "der"
    refuses: str | None = None
    wrong_nonce: bool = False
    wrong_content: bool = False
    garbage: bool = False
    _serials: itertools.count[int] = field(default_factory=lambda: itertools.count(secrets.randbits(62)))

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._stamp, methods=["POST"])])

    async def _stamp(self, request: Request) -> Response:
        if request.headers.get("content-type") != QUERY:
            return Response("not a time-stamp query", 415)
        return Response(self.answer(await request.body()), media_type=REPLY)

    def answer(self, query: bytes) -> bytes:
        """Return the response to a query, both in DER."""
        if self.garbage:
            return b"\x30\x03\x02\x01\x00"
        if self.refuses is not None:
            return tokens.rejected(self.refuses, "rehearsed refusal")
        try:
            asked = tsp.TimeStampReq.load(query, strict=True)
            imprint = asked["message_imprint"]
            algorithm, digest = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        except (ValueError, TypeError):
            return tokens.rejected("bad_data_format", "not a time-stamp request")
        if _DIGESTS.get(algorithm) != len(digest):
            return tokens.rejected("bad_alg", "not a digest that this authority stamps")
        if asked["req_policy"].native not in {None, tokens.POLICY}:
            return tokens.rejected("unaccepted_policy", "not this authority's policy")
        return tokens.granted(self._spoiled(asked), self.papers, self._facts(asked))

    def _facts(self, asked: tsp.TimeStampReq) -> TokenFacts:
        nonce = asked["nonce"].native
        if nonce is not None and self.wrong_nonce:
            nonce += 1
        return TokenFacts(self.clock(), next(self._serials), nonce, order=self.order)

    def _spoiled(self, asked: tsp.TimeStampReq) -> tsp.TimeStampReq:
        if self.wrong_content:
            digest = asked["message_imprint"]["hashed_message"].native
            asked["message_imprint"]["hashed_message"] = bytes(len(digest))
        return asked
