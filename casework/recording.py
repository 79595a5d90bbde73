"""
The events that casework seals into the trail.

Leaf fields are public to every auditor for ever: kinds, states, counts, digests and random references.  Everything that
could name a person, including the vendors' ids of accounts, goes into the payload, which can be erased.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from pydantic import TypeAdapter

from audit.events import EventType
from audit.exchanges import IN_PAYLOAD, bind
from audit.leaf import Event, stamp
from audit.trail import EventDraft
from models.vocabulary import Evidence, as_fields

if TYPE_CHECKING:
    from sqlmodel import Session

    from casework.clock import DatabaseClock
    from casework.context import Context
    from models.tables import CaseEntitlement
    from models.vocabulary import RevocationResult

_EXCHANGES = TypeAdapter(list[Evidence])
_LONGEST_TEXT = 2_000
"""Characters of a vendor's own words that are kept."""
_LONGEST_QUERY = 8_000
"""Characters of a query that are kept: its page token is as long as the vendor makes it."""
_NUMBER = " [client-request-id"
"""What precedes a request's number at the end of its text."""
_PAGES = {"pagetoken", "$skiptoken", "cursor", "startindex"}
"""The parameters that name the page of a listing, in lower case."""


def seal(  # noqa: PLR0913  # an event's parts, and the transaction it belongs to
    context: Context,
    session: Session,
    event_type: EventType,
    case_id: str,
    *,
    payload: Mapping[str, Any] | None = None,
    exchanged: Sequence[Mapping[str, Any]] = (),
    dedup_key: str | None = None,
    **fields: Any,
) -> None:
    """
    Seal one event at the end of the transaction of *session* (one of `Store.write`), which appends all its events at once.

    *exchanged*: the exchanges with a vendor, from `exchanges`.  The leaf has their count and root, the payload the list.
    *connection* becomes the fields of `as_fields`.  The same *dedup_key* again is the same event: a retry writes nothing.
    Fields outside the trail's white list, and a leaf that is too long, raise `ValueError` at the end: nothing is written.
    """
    if connection := fields.pop("connection", None):
        fields |= as_fields(connection)
    content = dict(payload or {})
    if exchanged:
        fields["evidence"], listed = _bound(session, case_id, exchanged)
        content |= listed
    event = Event(type=event_type, case=case_id, actor=context.actor, fields=fields)
    context.store.tell(session, EventDraft(event, content or None, dedup_key))


def _bound(session: Session, case_id: str, exchanged: Sequence[Mapping[str, Any]]) -> tuple[Any, dict[str, Any]]:
    """
    Return the leaf's part and the payload's part of *exchanged*.

    One listing proves many rows: in a transaction only the first event with a list has it in full, the others have its root.
    """
    told = session.info.setdefault("exchanges told", {})  # with the list itself, so that its id is not another's
    key = case_id, id(exchanged)
    if key in told:
        return told[key][1], {}
    told[key] = (exchanged, bind(exchanged))
    return told[key][1], {IN_PAYLOAD: list(exchanged)}


def seal_intent(context: Context, session: Session, row: CaseEntitlement, ref: str, *, verb: str = "revoke") -> None:
    """Seal the intent to ask the vendor.  It is committed before the request is sent; if it is not, no request is sent."""
    seal(
        context, session, EventType.REVOKE_INTENT, row.case_id,
        op=row.op, connection=row.connection, account=ref, kind=row.kind, verb=verb,
        payload={"entitlement": row.id}, dedup_key=f"{row.op}:intent",
    )  # fmt: skip


def seal_outcome(  # noqa: PLR0913  # a row, what was exchanged about it and what came of it
    context: Context,
    session: Session,
    row: CaseEntitlement,
    ref: str,
    exchanged: Sequence[Mapping[str, Any]],
    *,
    result: RevocationResult,
    text: str,
    verb: str = "revoke",
) -> None:
    """Seal the outcome of the row's open intent (*op*), and end the intent."""
    seal(
        context, session, EventType.REVOKE_OUTCOME, row.case_id,
        op=row.op, connection=row.connection, account=ref, kind=row.kind, verb=verb, result=result, exchanged=exchanged,
        payload={"entitlement": row.id, "text": text[:_LONGEST_TEXT]}, dedup_key=f"{row.op}:outcome",
    )  # fmt: skip
    row.op = None
    session.add(row)


def seal_seen(
    context: Context, session: Session, row: CaseEntitlement, ref: str, exchanged: Sequence[Mapping[str, Any]]
) -> None:
    """Seal the new state of one row, as a read saw it."""
    seal(
        context, session, EventType.OBSERVE_SEEN, row.case_id,
        connection=row.connection, account=ref, kind=row.kind, state=row.state, reason=row.reason,
        confirmation=row.confirmation, exchanged=exchanged,
        observed_at=stamp(row.observed_at) if row.observed_at else None,
        cut_effective_by=stamp(row.cut_effective_by) if row.cut_effective_by else None,
        payload={"entitlement": row.id, "signed": row.settled_by},
    )  # fmt: skip


def exchanges(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Return the exchanges for the payload, in full."""
    bounded = [replace(one, code=one.code and one.code[:_LONGEST_TEXT], query=_bounded(one.query)) for one in evidence]
    told: list[dict[str, Any]] = _EXCHANGES.dump_python(bounded, mode="json")
    return told


def _bounded(query: str | None) -> str | None:
    """Return a *query* as it is kept.  One that is too long loses its page token, then its end, which `&cut-off` marks."""
    if query is None or len(query) <= _LONGEST_QUERY:
        return query
    short = _without_page(query) or ""
    return short if len(short) <= _LONGEST_QUERY else short[:_LONGEST_QUERY] + "&cut-off"


def asked_by(clock: DatabaseClock, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """
    Return the summary of the requests in *evidence*; without evidence, only the time of the read.

    `{requests: [{what, query, times}], answers: {status: count}, sent_at, received_at, root}`.  Each request is listed once, sorted
    by its text; *query* lacks the page token, *times* counts pages and tries.  *sent_at* is the earliest that the first request,
    *received_at* the latest that the last answer can have been on the database's clock.  *root* is the one in a leaf.
    """
    exchanged = exchanges(evidence)
    requests = Counter((one["what"].partition(_NUMBER)[0], _without_page(one["query"])) for one in exchanged)
    now = clock()
    return {
        "requests": [
            {"what": what, "query": query, "times": times}
            for (what, query), times in sorted(requests.items(), key=lambda one: (one[0][0], one[0][1] or ""))
        ],
        "answers": dict(sorted(Counter(str(one.status) for one in evidence).items())),
        "sent_at": stamp(min((clock.earliest(one.sent_at) for one in evidence), default=now)),
        "received_at": stamp(max((clock.latest(one.received_at) for one in evidence), default=now)),
        "root": (bind(exchanged) or {"root": None})["root"],
    }


def is_told(before: Mapping[str, Any] | None, asked: Mapping[str, Any], instant: datetime) -> bool:
    """Whether *before* has the same requests; counts and start times may differ.  The first read after the *instant* is always new."""
    if before is None or _words(before) != _words(asked):
        return False
    told_at, asked_at = (datetime.fromisoformat(one["sent_at"]) for one in (before, asked))
    return not told_at < instant <= asked_at


def _words(asked: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the requests of a summary, without the `startTime` of each query."""
    return {
        (one["what"], "&".join(part for part in (one["query"] or "").split("&") if not part.startswith("startTime=")))
        for one in asked["requests"]
    }


def _without_page(query: str | None) -> str | None:
    """Return a *query* without its page token, in one encoding: a vendor's links to further pages encode differently."""
    if not query:
        return query
    parts = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return urlencode(
        [(name, value) for name, value in parts if name.casefold() not in _PAGES], errors="surrogateescape"
    )
