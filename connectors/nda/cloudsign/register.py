"""`connectors.nda.contract.Register` for CloudSign."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from connectors.errors import ConnectorError, Denied, Unintelligible
from connectors.kit.answers import understood
from connectors.kit.exchange import Row, Trace
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.pacing import Pace
from connectors.nda.cloudsign.answers import AGREED, CLOSED, SENT, WHO, papers_of, recipients, with_attribute
from connectors.nda.cloudsign.index import Index
from connectors.nda.cloudsign.limits import LIMITS
from connectors.nda.cloudsign.sending import PledgeSender
from connectors.nda.cloudsign.settings import Settings
from connectors.nda.cloudsign.transport import Request, Transport
from connectors.nda.contract import FoundPapers, Paper, PaperMatch, SentPledge
from connectors.nda.matching import addresses_of, likeliest, names_of, search_keys, strongest_first
from connectors.nda.pledges import check_waiting
from models.vocabulary import Leaver, MatchReason

FRESH = 40
"""Candidates that one search reads anew, the likeliest first; the others are as the index has them.  Our choice."""
_NO_TEAM = "Unset LASTDAY_CLOUDSIGN_WHOLE_TEAM: it is for an administrator of a team without departments."


class CloudSignRegister:
    """`connectors.nda.contract.Register` for CloudSign's Web API."""

    name = WHO
    can_send = True

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._transport = transport
        self._whole_team = settings.whole_team
        self._index = Index(settings, transport)
        self._sending = PledgeSender(transport, self._index, whole_team=settings.whole_team)
        self._turn = asyncio.Lock()

    async def probe(self) -> tuple[tuple[str, str], ...]:
        """See `Register.probe`: whether the client id works, and its user may list the documents of the settings."""
        try:
            me = await self._transport.read(Request("read its own user", "GET", "/me"), []) or {}
            await self._transport.read(Request("list documents", "GET", self._index.path, query={"page": 1}), [])
        except ConnectorError as exc:
            refused = self._whole_team and isinstance(exc, Denied) and exc.code == "forbidden"
            return ((str(exc), _NO_TEAM if refused else exc.advice),)
        if (me.get("authorities") or {}).get("team_administrator") and not self._whole_team:
            remedy = "Take the client id of a user who only sends HR's documents."
            return (("cloudsign: its user administers the team", remedy),)
        return ()

    async def find_papers(self, leaver: Leaver) -> FoundPapers:
        """Return the leaver's documents and look-alikes.  Raises while the index is incomplete or cannot be updated."""
        keys = search_keys(names_of(leaver), addresses_of(leaver))
        trace: Trace = []
        async with self._turn:
            with understood(WHO, trace):
                await self._index.refresh(trace)
                matches = strongest_first(likeliest(leaver, papers_of(document)) for document in self._index.find(keys))
            fresh = [await self._anew(leaver, match, trace) for match in matches[:FRESH]]
        return FoundPapers(strongest_first((*fresh, *matches[FRESH:])), tuple(trace))

    async def look_up(self, paper_id: str) -> Paper | None:
        """Return the document by a new read, with the first of several recipients."""
        trace: Trace = []
        document = await self._sending.get(_plain(paper_id), trace)
        if document is None:
            return None
        with understood(WHO, trace):
            return with_attribute(papers_of(document)[0], await self._attribute(paper_id, trace))

    async def fetch(self, paper_id: str) -> bytes:
        """Return the document's file, the first of several in the vendor's order."""
        trace: Trace = []
        document = await self._sending.get(_plain(paper_id), trace)
        with understood(WHO, trace):
            files = sorted((document or {}).get("files") or (), key=lambda file: file["order"])
            if not files:
                raise Unintelligible(f"{WHO}: cannot fetch {paper_id}: it has no file", code="no_file")
            path = f"/documents/{paper_id}/files/{_plain(files[0]['id'])}"
        return await self._transport.read_bytes(Request("fetch a file", "GET", path), trace)

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> SentPledge:
        """Send *pledge* once for each *key*."""
        trace: Trace = []
        async with self._turn:
            with understood(WHO, trace):
                return await self._sending.send(pledge, leaver, title, key, trace)

    async def find_sent(self, key: str) -> SentPledge | None:
        """Return the document that was sent with *key*; a draft does not count."""
        trace: Trace = []
        async with self._turn:
            with understood(WHO, trace):
                return await self._sending.find(key, trace)

    async def remind(self, paper_id: str) -> None:
        """Remind the signer.  Reads first, since the same request would send a draft; repeats no unknown outcome."""
        trace: Trace = []
        document = await self._sending.get(_plain(paper_id), trace)
        waits = document is not None and document.get("status") == SENT
        check_waiting(WHO, f"remind the signer of {paper_id}", trace, waits=waits)
        await self._transport.write(Request("remind the signer", "POST", f"/documents/{paper_id}"), trace)

    async def take_back(self, paper_id: str, reason: str) -> None:  # noqa: ARG002  # the vendor documents no field for it
        """Cancel the document.  Reads first; repeats no unknown outcome."""
        trace: Trace = []
        document = await self._sending.get(_plain(paper_id), trace)
        if document is None or document.get("status") == CLOSED:
            return
        with understood(WHO, trace):
            signed = any(who["status"] == AGREED or who.get("processed_at") for who in recipients(document))
        waits = document.get("status") == SENT
        check_waiting(WHO, f"take back {paper_id}", trace, waits=waits, signed=signed)
        await self._transport.write(Request("take back a document", "PUT", f"/documents/{paper_id}/decline"), trace)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _anew(self, leaver: Leaver, match: PaperMatch, trace: Trace) -> PaperMatch | None:
        """Return the match by a new read of the document: the index may be older, and has no end date."""
        if match.reason is MatchReason.DIFFERENT_PERSON:
            return match
        document = await self._sending.get(match.paper.id, trace)
        if document is None:
            return None  # a draft that was deleted
        with understood(WHO, trace):
            again = likeliest(leaver, papers_of(document))
            if again is None:
                return None
            attribute = await self._attribute(match.paper.id, trace)
            every = again.for_everybody and replace(
                again.for_everybody, paper=with_attribute(again.for_everybody.paper, attribute)
            )
            return replace(again, paper=with_attribute(again.paper, attribute), for_everybody=every)

    async def _attribute(self, document_id: str, trace: Trace) -> Row | None:
        path = f"/documents/{document_id}/attribute"
        return await self._transport.read(Request("read a document's attribute", "GET", path, absent=True), trace)


async def connect(
    settings: Settings, *, pace: Pace | None = None, patience: float = 30.0, ledger: Ledger | None = None
) -> CloudSignRegister:
    """Return the register, without any request.  *patience*: seconds that an exchange may be silent."""
    pace = pace or Pace()
    limits = Limits(WHO, LIMITS, pace.sleep, pace.longest, settings.limits, ledger or OwnLedger())
    return CloudSignRegister(settings, Transport(settings, pace, limits, patience=patience))


def _plain(paper_id: str) -> str:
    if not paper_id.replace("-", "").isalnum() or not paper_id.isascii():
        raise Unintelligible(f"{WHO}: cannot read a document: not one of its ids", code="document_id")
    return paper_id
