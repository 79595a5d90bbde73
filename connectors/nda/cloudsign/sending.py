"""
Sending a pledge once: the vendor has no idempotency key, so the draft carries ours.

POST /documents/{id} sends a draft, but of a sent document it reminds the signer, so it is never repeated before a read.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from connectors.errors import OutcomeUnknown, Unintelligible
from connectors.kit.answers import instant
from connectors.kit.exchange import Row, Trace
from connectors.matching import fold_email
from connectors.nda.cloudsign.answers import CLOSED, COMPLETED, DRAFT, MARK, SENT, WHO, mark, recipients
from connectors.nda.cloudsign.index import Index
from connectors.nda.cloudsign.transport import Request, Transport
from connectors.nda.contract import SentPledge
from connectors.nda.pledges import address_of, still_unknown
from models.vocabulary import Leaver

_DRAFT_PAGES = 50


class PledgeSender:
    """Sends pledges.  The register makes one call at a time."""

    def __init__(self, transport: Transport, index: Index, *, whole_team: bool) -> None:
        self._transport = transport
        self._index = index
        self._whole_team = whole_team

    async def send(self, pledge: bytes, leaver: Leaver, title: str, key: str, trace: Trace) -> SentPledge:
        """Send, or return what was sent with *key*.  Raises `OutcomeUnknown` if only the next call can see what was done."""
        address, own = address_of(WHO, leaver), _own(key)
        document = await self._known(own, trace)
        if document is None:
            document = await self._draft(own, title, trace)
        if document["status"] == DRAFT:
            document = await self._fill(document, pledge, leaver.name, address, trace)
            document = await self._post(document, trace)
        return _sent(document, trace)

    async def find(self, key: str, trace: Trace) -> SentPledge | None:
        document = await self._known(_own(key), trace)
        return _sent(document, trace) if document is not None and document["status"] != DRAFT else None

    async def _known(self, own: str, trace: Trace) -> Row | None:
        """Return the document with our mark; a sent one goes before a draft."""
        await self._index.refresh(trace)
        ids = {document["id"] for document in self._index.find([f"mark:{own}"])}
        if self._whole_team:  # that list has no drafts
            ids |= await self._own_drafts(own, trace)
        fresh = [document for known in sorted(ids) if (document := await self.get(known, trace)) is not None]
        fresh = [document for document in fresh if mark(document) == own]
        return min(fresh, key=lambda document: (document["status"] == DRAFT, document["id"]), default=None)

    async def _own_drafts(self, own: str, trace: Trace) -> set[str]:
        found: set[str] = set()
        for page in range(1, _DRAFT_PAGES + 1):
            request = Request("list drafts", "GET", "/documents", query={"status": DRAFT, "page": page})
            body = await self._transport.read(request, trace) or {}
            documents = body.get("documents") or []
            if not documents:
                return found
            found |= {document["id"] for document in documents if mark(document) == own}
        raise Unintelligible(f"{WHO}: cannot list drafts: too many", code="too_many_drafts")

    async def get(self, document_id: str, trace: Trace) -> Row | None:
        """Return the document by a new read, None if the vendor does not have it."""
        request = Request("read a document", "GET", f"/documents/{document_id}", absent=True)
        return await self._transport.read(request, trace)

    async def _draft(self, own: str, title: str, trace: Trace) -> Row:
        form = {"title": title, "note": MARK + own, "can_transfer": "false"}
        try:
            return await self._transport.write(Request("make a draft", "POST", "/documents", form=form), trace)
        except OutcomeUnknown as lost:
            with still_unknown(WHO, lost, trace):
                if (made := await self._known(own, trace)) is not None:
                    return made
            raise

    async def _fill(self, document: Row, pledge: bytes, name: str, address: str, trace: Trace) -> Row:
        path = f"/documents/{document['id']}"
        if not document.get("files"):
            files = {"uploadfile": ("pledge.pdf", pledge, "application/pdf")}
            request = Request("add the pledge", "POST", f"{path}/files", form={"name": "pledge.pdf"}, files=files)
            document = await self._step(document, request, trace)
        if not recipients(document):
            form = {"email": address, "name": name, "language_code": "ja"}
            request = Request("name the signer", "POST", f"{path}/participants", form=form)
            document = await self._step(document, request, trace)
        named = {fold_email(who["email"]) for who in recipients(document)}
        if len(document.get("files") or ()) != 1 or named != {fold_email(address)}:
            remedy = "Look at the draft in CloudSign: somebody changed it.  Delete it, then run the case again."
            raise Unintelligible(f"{WHO}: cannot send a draft: not ours any more", code="draft_changed", remedy=remedy)
        return document

    async def _step(self, document: Row, request: Request, trace: Trace) -> Row:
        """
        Change the draft, then read it: the write's answer does not count.

        Raises `OutcomeUnknown` if the answer was lost and the draft is unchanged; the next call goes on from here.
        """
        try:
            await self._transport.write(request, trace)
        except OutcomeUnknown as lost:
            with still_unknown(WHO, lost, trace):
                now = await self._there(document["id"], trace)
                if _parts(now) != _parts(document):
                    return now
            raise
        return await self._there(document["id"], trace)

    async def _post(self, document: Row, trace: Trace) -> Row:
        request = Request("send the pledge", "POST", f"/documents/{document['id']}")
        lost = OutcomeUnknown(f"{WHO}: cannot send the pledge: it was taken, and cannot be looked at")
        try:
            await self._transport.write(request, trace)
        except OutcomeUnknown as exc:
            lost = exc
        with still_unknown(WHO, lost, trace):
            now = await self._there(document["id"], trace)
            if now["status"] in {SENT, COMPLETED, CLOSED}:
                return now
        raise OutcomeUnknown(f"{WHO}: cannot send the pledge: still a draft", code="still_a_draft") from lost

    async def _there(self, document_id: str, trace: Trace) -> Row:
        """Return the document, which was there a moment ago."""
        found = await self.get(document_id, trace)
        if found is None:
            raise Unintelligible(f"{WHO}: cannot read {document_id}: it is gone", code="not_found")
        return found


def _sent(document: Row, trace: Trace) -> SentPledge:
    sent_at = instant(WHO, document.get("sent_at"), "sent_at") or datetime.now(UTC)
    return SentPledge(WHO, document["id"], sent_at, tuple(trace))


def _own(key: str) -> str:
    """Return the mark that a document has for *key*."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _parts(document: Row) -> tuple[int, int]:
    return len(document.get("files") or ()), len(document.get("participants") or ())
