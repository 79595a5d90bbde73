"""The facts of a record, read from `record.json` alone: its tables are loaded into a database of their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from audit.events import EventType
from casework.changes import in_memory, of_tenant, rows_in
from casework.context import Context
from casework.errors import CaseworkError
from casework.question_kinds import TENANT
from casework.view.case import CaseView
from casework.view.reading.access import sla_of
from casework.view.reading.case import ExternalParts, view_of
from casework.view.reading.downloads import Summary, lacking_in
from models import tables
from models.vocabulary import EntitlementKind

_WHY = ("reason", "statement", "basis", "look")
_FRAME = {"seq", "type", "time", "actor", "payload"}
_NOT_OURS = (
    LookupError, TypeError, ValueError, AttributeError, RecursionError, ArithmeticError, SQLAlchemyError, CaseworkError, Warning,
)  # fmt: skip
"""What reading raises for a record that lastday cannot have written."""


class RecordError(ValueError):
    """A `record.json` that lastday has not written, or not in a form that this version can read."""


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """
    One event of the trail.  *seq* is its number in the case: the bundle's `events/NNNN.json`.

    *by* and *reason* are from its payload, which can be erased; the event cannot.  *made_sure_by*: how that person was
    authenticated; None if the payload does not say.
    """

    seq: int
    type: str
    at: datetime
    by: str | None
    made_sure_by: str | None
    reason: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a vendor; *times* counts pages and tries.  *query*: its parameters, URL-encoded; None if they were not kept."""

    what: str
    query: str | None
    times: int


@dataclass(frozen=True, slots=True)
class Listing:
    """
    The newest read of one *kind* of one *account*: its requests, answers by status, times, root over the exchanges, and number
    of *rows*; *rows* None: it could not be read.  No requests: the read failed before any request.

    Without a kind it is the search for accounts: *rows* were found among *looked_through* accounts of the directory.
    """

    connection: str
    account: str
    kind: EntitlementKind | None
    rows: int | None
    looked_through: int | None
    requests: tuple[Request, ...]
    answers: Mapping[str, int]
    sent_at: datetime
    received_at: datetime
    root: str | None


_LISTING = TypeAdapter(Listing)


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """
    All facts of a record.  *sha256*: of `record.json`.  *revision*: its number; *former*: the certificate before.

    *rehearsal*: in the newest export, an authority or a witness was a rehearsal's, not an outside party.
    """

    view: CaseView
    told: tuple[RecordEvent, ...]
    listings: tuple[Listing, ...]
    log: str
    sha256: str
    revision: int
    former: str | None
    rehearsal: bool

    @property
    def exported(self) -> RecordEvent | None:
        """The newest export, None before the first."""
        return next((event for event in reversed(self.told) if event.type == EventType.CASE_EXPORTED), None)

    @property
    def erased_at(self) -> datetime | None:
        """When the case's personal data was removed; then names, labels and texts are empty."""
        return max((event.at for event in self.told if event.type == EventType.PAYLOAD_ERASED), default=None)


def beside(context: Context, session: Session, case_id: str) -> dict[str, Any]:
    """
    Return the parts of a record that no event of the case has yet: an export seals them, so that the whole record derives
    from events.
    """
    return {
        "sla_minutes": sla_of(context, session, case_id),
        "not_begun": lacking_in(context, session, case_id),
        "of_tenant": of_tenant(session, case_id, rows_in(session, TENANT)),
    }


def read(record: bytes) -> RecordFacts:
    """Return the facts of `record.json`.  Raises `RecordError`."""
    try:
        return _read(json.loads(record), hashlib.sha256(record).hexdigest())
    except _NOT_OURS as exc:
        raise RecordError(f"record.json: cannot be read: {type(exc).__name__}") from exc


def _read(said: Mapping[str, Any], sha256: str) -> RecordFacts:
    told, exported = tuple(map(_told, said["events"])), _exported(said)
    with _loaded(said, exported.get("of_tenant", {})) as session:
        view = view_of(session, said["case"], _beside(said, told, exported), confidential=True)
        listings = [*_searches(session), *_listings(session, view)]
    return RecordFacts(
        view=view,
        told=told,
        listings=tuple(listings),
        log=said["log"],
        sha256=sha256,
        revision=said["revision"],
        former=said["former"],
        rehearsal=exported.get("rehearsal", False),
    )


def _loaded(said: Mapping[str, Any], of_tenant: Mapping[str, Any]) -> Session:
    """Return a session on the record's tables and its rows of the tenant."""
    session = in_memory(said["tables"], of_tenant)
    plans = {event.get("plan_sha256"): event.get("payload", {}).get("plan", []) for event in said["events"]}
    for plan in session.exec(select(tables.Plan)).all():
        plan.content = plans.get(plan.sha256, [])
    return session


def _exported(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the payload of the newest export, empty before the first: see `casework.record.exporting`."""
    payloads = [event.get("payload", {}) for event in said["events"] if event["type"] == EventType.CASE_EXPORTED]
    return payloads[-1] if payloads else {}


def _beside(said: Mapping[str, Any], told: tuple[RecordEvent, ...], exported: Mapping[str, Any]) -> ExternalParts:
    intents = {event.fields["op"] for event in told if event.type == EventType.REVOKE_INTENT}
    answered = {event.fields["op"] for event in told if event.type == EventType.REVOKE_OUTCOME}
    downloads = said["downloads"]
    return ExternalParts(
        now=told[-1].at,
        sla=exported.get("sla_minutes"),
        summary=None if downloads is None else Summary(downloads["sha256"], downloads["content"]),
        lacking=tuple(exported.get("not_begun", ())),
        open_intents=len(intents - answered),
    )


def _searches(session: Session) -> Iterator[Listing]:
    """Yield each service's newest search with its requests.  Earlier versions kept no requests."""
    for one in session.exec(select(tables.Search).order_by(tables.Search.connection)).all():
        if one.asked:  # not after an erasure
            rows = None if one.problem is not None else one.found
            found = {"kind": None, "rows": rows, "looked_through": one.looked_through}
            yield _listing(one.asked, connection=one.connection, account="", **found)


def _listings(session: Session, view: CaseView) -> Iterator[Listing]:
    """Yield the newest read of each kind of each of the leaver's accounts.  Earlier versions kept no requests."""
    place = (tables.KindRead.connection, tables.KindRead.account_id, tables.KindRead.kind)
    named = {(one.connection, one.id): one.name for one in view.taken}
    for one in session.exec(select(tables.KindRead).order_by(*place)).all():
        if (name := named.get((one.connection, one.account_id))) is not None and one.asked:
            shown = {"kind": one.kind, "rows": one.rows, "looked_through": None}
            yield _listing(one.asked, connection=one.connection, account=name, **shown)


def _listing(asked: Mapping[str, Any], **about: Any) -> Listing:
    return _LISTING.validate_python({**asked, **about})


def _told(event: Mapping[str, Any]) -> RecordEvent:
    payload = event.get("payload", {})
    by = payload.get("by") or payload.get("reported_by")
    who = by if isinstance(by, dict) else {"subject": by}
    return RecordEvent(
        seq=event["seq"],
        type=event["type"],
        at=datetime.fromisoformat(event["time"]),
        by=who["subject"],
        made_sure_by=who.get("authenticated_by"),
        reason=next((why for name in _WHY if isinstance(why := payload.get(name), str) and why), None),
        fields={name: value for name, value in event.items() if name not in _FRAME},
    )
