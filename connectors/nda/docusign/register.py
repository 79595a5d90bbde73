"""`connectors.nda.contract.Register` for DocuSign."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid5

import docusign_esign as esign

from connectors.errors import ConnectorError, OutcomeUnknown, Unintelligible
from connectors.kit.answers import instant, understood
from connectors.kit.exchange import Trace
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.pacing import Pace
from connectors.kit.paging import FollowedCursors
from connectors.nda.contract import FoundPapers, Paper, SentPledge
from connectors.nda.docusign.answers import KEY_FIELD, papers_of, signers_of
from connectors.nda.docusign.client import Client
from connectors.nda.docusign.errors import WHO
from connectors.nda.docusign.limits import LIMITS
from connectors.nda.docusign.settings import Settings
from connectors.nda.docusign.transport import Request, Transport
from connectors.nda.matching import addresses_of, likeliest, strongest_first
from connectors.nda.pledges import address_of, check_waiting, still_unknown
from models.vocabulary import Leaver

FIRST_DAY = "2003-01-01T00:00:00Z"
"""Without a date the vendor searches only two years; DocuSign opened in 2003."""

PAGE, PAGES = 1000, 10
_NONE_SUCH = frozenset({"ENVELOPE_DOES_NOT_EXIST", "INVALID_REQUEST_PARAMETER_ENVELOPE_ID"})
_HAVE_SIGNED = frozenset({"signed", "completed"})  # recipients, in an envelope that waits for others
_WAITING, _OVER = frozenset({"sent", "delivered"}), frozenset({"voided", "declined", "deleted"})
_LONGEST_REASON = 200
_KEYS = UUID("5b0d2e57-9a53-4c0e-8f0e-6f7a6d1c9a11")
_ANCHOR = "/sn1/"


class DocuSignRegister:
    """`connectors.nda.contract.Register` for DocuSign's eSignature API 2.1, through docusign-esign."""

    name = WHO
    can_send = True

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._turn = asyncio.Lock()

    async def probe(self) -> tuple[tuple[str, str], ...]:
        """See `Register.probe`: whether the key, the consent and the account work."""
        try:
            await self._search([], from_date=datetime.now(UTC).isoformat(timespec="seconds"), count="1")
        except ConnectorError as exc:
            return ((str(exc), exc.advice),)
        return ()

    async def find_papers(self, leaver: Leaver) -> FoundPapers:
        """
        Return the envelopes that name the leaver, and look-alikes, by a search for each address and each spelling of the name.
        The vendor searches only what the configured user sent, received or was shown.
        """
        trace: Trace = []
        found: dict[str, Any] = {}
        for term in _terms(leaver):
            found |= await self._search(trace, from_date=FIRST_DAY, search_text=term)
        with understood(WHO, trace):
            matches = strongest_first(likeliest(leaver, papers_of(envelope)) for envelope in found.values())
        return FoundPapers(matches, tuple(trace))

    async def look_up(self, paper_id: str) -> Paper | None:
        """Return the envelope by a new read, with the first of several signers."""
        trace: Trace = []
        envelope = await self._get(paper_id, trace)
        with understood(WHO, trace):
            return papers_of(envelope)[0] if envelope is not None else None

    async def fetch(self, paper_id: str) -> bytes:
        """Return the envelope's documents in one PDF, signed by the vendor, without its certificate of completion."""
        trace: Trace = []
        request = Request(
            "fetch the documents",
            f"GET /envelopes/{_plain(paper_id)}/documents/combined",
            lambda api, account: api.get_document(account, "combined", paper_id, certificate="false"),
        )
        content = await self._transport.send(request, trace)
        if not isinstance(content, bytes) or not content:
            message = f"{WHO}: cannot fetch {paper_id}: empty"
            raise Unintelligible(message, code="odd_answer", evidence=tuple(trace))
        return content

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> SentPledge:
        """
        Send *pledge* once for each *key*, which the envelope carries as its transaction id and in a custom field.  After an
        unknown outcome, searches for the envelope; never sends again in the same call.
        """
        trace: Trace = []
        own = _own(key)
        envelope = _definition(pledge, leaver.name, address_of(WHO, leaver), title, own)
        async with self._turn:
            with understood(WHO, trace):
                return await self._sent_with(own, trace) or await self._send(envelope, own, trace)

    async def find_sent(self, key: str) -> SentPledge | None:
        trace: Trace = []
        async with self._turn:
            with understood(WHO, trace):
                return await self._sent_with(_own(key), trace)

    async def remind(self, paper_id: str) -> None:
        """Send the envelope again to the signers it waits for.  Reads first; repeats no unknown outcome."""
        trace: Trace = []
        envelope = await self._get(paper_id, trace)
        waits = envelope is not None and envelope.status in _WAITING
        check_waiting(WHO, f"remind the signer of {paper_id}", trace, waits=waits)
        await self._update("remind the signer", paper_id, esign.Envelope(), trace, resend_envelope="true")

    async def take_back(self, paper_id: str, reason: str) -> None:
        """Void the envelope.  Reads first; repeats no unknown outcome."""
        trace: Trace = []
        envelope = await self._get(paper_id, trace)
        if envelope is None or envelope.status in _OVER:
            return
        signed = any(one.status in _HAVE_SIGNED or one.signed_date_time for one in signers_of(envelope))
        check_waiting(WHO, f"take back {paper_id}", trace, waits=envelope.status in _WAITING, signed=signed)
        void = esign.Envelope(status="voided", voided_reason=reason[:_LONGEST_REASON])
        await self._update("take back an envelope", paper_id, void, trace)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _get(self, envelope_id: str, trace: Trace) -> Any:
        known = _plain(envelope_id)
        request = Request(
            "read an envelope",
            f"GET /envelopes/{known}",
            lambda api, account: api.get_envelope(account, known, include="recipients,custom_fields"),
            absent=_NONE_SUCH,
        )
        return await self._transport.send(request, trace)

    async def _update(self, doing: str, envelope_id: str, envelope: esign.Envelope, trace: Trace, **query: str) -> None:
        request = Request(
            doing,
            f"PUT /envelopes/{envelope_id}",
            lambda api, account: api.update(account, envelope_id, envelope=envelope, **query),
        )
        await self._transport.send(request, trace)

    async def _send(self, envelope: esign.EnvelopeDefinition, own: str, trace: Trace) -> SentPledge:
        request = Request(
            "send a pledge",
            "POST /envelopes",
            lambda api, account: api.create_envelope(account, envelope_definition=envelope),
        )
        try:
            made = await self._transport.send(request, trace)
        except OutcomeUnknown as lost:
            with still_unknown(WHO, lost, trace):
                if (sent := await self._sent_with(own, trace)) is not None:
                    return sent
            raise
        if not made.envelope_id or made.status != "sent":
            status = str(made.status)
            raise OutcomeUnknown(f"{WHO}: cannot send a pledge: the vendor says it is {status}", code=status)
        return _sent(made.envelope_id, made.status_date_time, trace)

    async def _sent_with(self, own: str, trace: Trace) -> SentPledge | None:
        """
        Return what was sent with a key: searches by transaction id, which the vendor has at once and for seven days, then by
        the custom field, which it keeps.
        """
        listed = await self._list("look for a transaction", trace, transaction_ids=own)
        known = [*(listed.envelope_transaction_statuses or ()), *(listed.envelopes or ())]
        ids = [one.envelope_id for one in known if one.envelope_id]
        field = f"{KEY_FIELD}={own}"
        for envelope_id in sorted(ids or await self._search(trace, from_date=FIRST_DAY, custom_field=field)):
            envelope = await self._get(envelope_id, trace)
            if envelope is not None and envelope.status not in {"created", "deleted"}:
                return _sent(envelope_id, envelope.sent_date_time, trace)
        return None

    async def _list(self, doing: str, trace: Trace, **query: str) -> Any:
        request = Request(doing, "GET /envelopes", lambda api, account: api.list_status_changes(account, **query))
        return await self._transport.send(request, trace)

    async def _search(self, trace: Trace, **query: str) -> dict[str, Any]:
        """Return every envelope of a search by its id.  Raises unless there are as many as the vendor counts."""
        found: dict[str, Any] = {}
        marks = FollowedCursors(WHO, "list envelopes", PAGES - 1)
        wanted = {"include": "recipients,custom_fields", "count": str(PAGE), **query}
        position: str | None = "0"
        while position is not None:
            listed = await self._list("list envelopes", trace, start_position=position, **wanted)
            with understood(WHO, trace):
                found |= {envelope.envelope_id: envelope for envelope in listed.envelopes or ()}
                total, following = _total(listed), _following(listed.next_uri)
            if len(found) >= total or query.get("count") == "1":
                return found
            position = marks.follow(following, trace)
        message = f"{WHO}: cannot list envelopes: {len(found)} of {total} came"
        raise Unintelligible(message, code="not_all", evidence=tuple(trace))


async def connect(
    settings: Settings, *, pace: Pace | None = None, patience: float = 60.0, ledger: Ledger | None = None
) -> DocuSignRegister:
    """Return the register, without any request.  *patience*: seconds that an exchange may be silent."""
    pace = pace or Pace()
    limits = Limits(WHO, LIMITS, pace.sleep, pace.longest, settings.limits, ledger or OwnLedger())
    return DocuSignRegister(Transport(Client(settings, patience=patience), pace, limits))


def _terms(leaver: Leaver) -> list[str]:
    """Return the search terms: addresses, and the name in each script, with and without the space, and in both orders."""
    names = [name.strip() for name in (leaver.name, leaver.kana, leaver.romaji, leaver.former_name) if name]
    joined = [name.replace(" ", "").replace("\u3000", "") for name in names if not name.isascii()]
    turned = [" ".join(reversed(name.split())) for name in names if name.isascii() and len(name.split()) == 2]
    return list(dict.fromkeys([*sorted(addresses_of(leaver)), *names, *joined, *turned]))


def _total(listed: Any) -> int:
    """Return the vendor's count, which it sends for an empty list too; raises `TypeError` without one."""
    return int(listed.total_set_size if listed.total_set_size is not None else listed.result_set_size)


def _following(next_uri: str | None) -> str | None:
    found = parse_qs(urlsplit(next_uri or "").query).get("start_position", [""])[0]
    return found if found.isdecimal() else None


def _sent(envelope_id: str, at: str | None, trace: Trace) -> SentPledge:
    return SentPledge(WHO, envelope_id, instant(WHO, at, "sent_at") or datetime.now(UTC), tuple(trace))


def _own(key: str) -> str:
    """Return the transaction id that an envelope has for *key*."""
    return str(uuid5(_KEYS, hashlib.sha256(key.encode()).hexdigest()))


def _definition(pledge: bytes, name: str, address: str, title: str, own: str) -> esign.EnvelopeDefinition:
    """
    Return an envelope for sending at once, without the employee number, which the vendor does not need.  The signature goes
    where the pledge has /sn1/, else where the signer puts it.
    """
    here = esign.SignHere(anchor_string=_ANCHOR, anchor_ignore_if_not_present="true", anchor_units="pixels")
    tabs = esign.Tabs(sign_here_tabs=[here])
    signer = esign.Signer(email=address, name=name, recipient_id="1", routing_order="1", tabs=tabs)
    content = base64.b64encode(pledge).decode()
    return esign.EnvelopeDefinition(
        email_subject=title[:100],
        status="sent",
        transaction_id=own,
        documents=[esign.Document(document_base64=content, document_id="1", file_extension="pdf", name=title)],
        recipients=esign.Recipients(signers=[signer]),
        custom_fields=esign.CustomFields(
            text_custom_fields=[esign.TextCustomField(name=KEY_FIELD, value=own, show="false")]
        ),
    )


def _plain(paper_id: str) -> str:
    try:
        return str(UUID(paper_id))
    except ValueError as exc:
        raise Unintelligible(f"{WHO}: cannot read an envelope: not one of its ids", code="envelope_id") from exc
