"""Which log is to be read now, and over which window: at containment, after the vendor's lag, and at policy's hours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from casework.activity.wording import LASTING
from casework.context import Context
from casework.evidence.store import EvidenceStore
from connectors.activity import ActivitySource
from models.tables import Case, CaseAccount, Collection
from models.vocabulary import Completeness, Service

SUMMARIES = "downloads/summary-"
_BEGUN_WITHIN = timedelta(days=30)
"""After the cut: a log that we learn to read later is not read of everybody who ever left."""
_LONG_BEFORE = timedelta(hours=2)
"""No run waits so long for its instant."""
_OVERLAP = timedelta(minutes=5)
"""Looked at twice even where the vendor promises no lag: its clock is not ours."""


def latest(evidence: EvidenceStore, case_id: str) -> dict[str, Any] | None:
    """Return the newest summary, None if there is none."""
    kept = evidence.list(case_id, SUMMARIES)
    if not kept:
        return None
    with evidence.open(case_id, kept[-1].name) as clear:
        content: dict[str, Any] = json.loads(clear.read())
    return content


def notice_from(context: Context, case: Case) -> datetime:
    """Return the beginning of the notice window: HR's notice, and at least policy's days before the cut."""
    return min(case.opened_at, case.due_at - timedelta(days=context.policy.activity.notice_days))


def rounds_of(session: Session, case_id: str) -> list[Collection]:
    """Return the case's readings, the rounds of a source one after the other."""
    query = select(Collection).where(Collection.case_id == case_id)
    order = (Collection.service, Collection.account_id, Collection.source, Collection.round)
    return list(session.exec(query.order_by(*(col(column) for column in order))).all())


def due_round(
    context: Context, case: Case, account: CaseAccount, source: ActivitySource, before: Sequence[Collection]
) -> Collection | None:
    """
    Return the reading to be gone on with or begun (not in the database yet), None if none is due.

    *before* are the rounds of this source, the oldest first.
    """
    last = before[-1] if before else None
    cut_at = case.contained_at or case.due_at
    if last is None:
        return _first(context, case, account, source) if context.now() <= cut_at + _BEGUN_WITHIN else None
    if last.ended_at is None:
        return last
    lags = [source.lag, *(timedelta(hours=hours) for hours in context.policy.activity.again_hours)]
    instants = [cut_at + lag for lag in lags if lag >= source.lag]
    if last.until_at < cut_at - _LONG_BEFORE:
        instants.append(cut_at)  # taken for an instant that was put off since
    if any(last.until_at < instant <= context.now() for instant in instants):
        return _next(context, case, account, source, last)
    return None


def telling(rounds: Sequence[Collection]) -> list[Collection]:
    """
    Return for each log the reading that says what is known of it: the newest one, which has read again what an earlier one
    lacked; but where that is forgotten or hidden for good, the earlier one, since a complete tail does not bring it back.
    """
    newest: dict[tuple[Service, str, str], Collection] = {}
    for row in rounds:
        log = (row.service, row.account_id, row.source)
        before = newest.get(log)
        tail = row.late_before is not None and row.verdict is Completeness.COMPLETE
        if before is None or before.reason not in LASTING or not tail:
            newest[log] = row
    return list(newest.values())


def _first(context: Context, case: Case, account: CaseAccount, source: ActivitySource) -> Collection:
    now = context.now()
    window = timedelta(days=context.policy.activity.window_days)
    from_at = min(now - window, notice_from(context, case))
    if source.retention is not None:
        from_at = max(from_at, now - source.retention)
    return _row(context, case, account, source, 1, from_at)


def _next(context: Context, case: Case, account: CaseAccount, source: ActivitySource, last: Collection) -> Collection:
    """The tail alone, and what came late; the same window again where the last round lacked something."""
    whole = last.verdict is Completeness.COMPLETE or last.reason in LASTING
    from_at = last.until_at - source.lag - _OVERLAP if whole else last.from_at
    row = _row(context, case, account, source, last.round + 1, max(from_at, last.from_at))
    row.late_before = last.until_at if whole else last.late_before
    return row


def _row(  # a reading's parts
    context: Context, case: Case, account: CaseAccount, source: ActivitySource, number: int, from_at: datetime
) -> Collection:
    return Collection(
        id=context.name("read"),
        case_id=case.id,
        service=account.service,
        account_id=account.vendor_id,
        account_ref=account.ref,
        source=source.name,
        round=number,
        from_at=from_at,
        until_at=context.now(),
        file=f"downloads/{account.service}-{source.name}-{account.ref}-{number}.jsonl.zst",
        begun_at=context.now(),
        moved_at=context.now(),
    )
