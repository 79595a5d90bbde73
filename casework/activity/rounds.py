"""Which log is to be read now, and over which window: at containment, after the vendor's lag, and at policy's hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from casework.activity.wording import LASTING
from casework.desk import Desk
from connectors.activity import ActivitySource
from models.tables import Case, CaseAccount, Collection
from models.vocabulary import Completeness, Service

_BEGUN_WITHIN = timedelta(days=30)
"""After the cut: a log that we learn to read later is not read of everybody who ever left."""
_LONG_BEFORE = timedelta(hours=2)
"""No run waits so long for its instant."""
_OVERLAP = timedelta(minutes=5)
"""Looked at twice even where the vendor promises no lag: its clock is not ours."""


def notice_from(desk: Desk, case: Case) -> datetime:
    """Return the beginning of the notice window: HR's notice, and at least policy's days before the cut."""
    return min(case.opened_at, case.due_at - timedelta(days=desk.policy.activity.notice_days))


def rounds_of(session: Session, case_id: str) -> list[Collection]:
    """Return the case's readings, the rounds of a source one after the other."""
    query = select(Collection).where(Collection.case_id == case_id)
    order = (Collection.service, Collection.account_id, Collection.source, Collection.round)
    return list(session.exec(query.order_by(*(col(column) for column in order))).all())


def due_round(
    desk: Desk, case: Case, account: CaseAccount, source: ActivitySource, before: Sequence[Collection]
) -> Collection | None:
    """
    Return the reading to be gone on with or begun (not in the database yet), None if none is due.

    *before* are the rounds of this source, the oldest first.
    """
    last = before[-1] if before else None
    cut_at = case.contained_at or case.due_at
    if last is None:
        return _first(desk, case, account, source) if desk.now() <= cut_at + _BEGUN_WITHIN else None
    if last.ended_at is None:
        return last
    lags = [source.lag, *(timedelta(hours=hours) for hours in desk.policy.activity.again_hours)]
    instants = [cut_at + lag for lag in lags if lag >= source.lag]
    if last.until_at < cut_at - _LONG_BEFORE:
        instants.append(cut_at)  # taken for an instant that was put off since
    if any(last.until_at < instant <= desk.now() for instant in instants):
        return _next(desk, case, account, source, last)
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


def _first(desk: Desk, case: Case, account: CaseAccount, source: ActivitySource) -> Collection:
    now = desk.now()
    window = timedelta(days=desk.policy.activity.window_days)
    from_at = min(now - window, notice_from(desk, case))
    if source.retention is not None:
        from_at = max(from_at, now - source.retention)
    return _row(desk, case, account, source, 1, from_at)


def _next(desk: Desk, case: Case, account: CaseAccount, source: ActivitySource, last: Collection) -> Collection:
    """The tail alone, and what came late; the same window again where the last round lacked something."""
    whole = last.verdict is Completeness.COMPLETE or last.reason in LASTING
    from_at = last.until_at - source.lag - _OVERLAP if whole else last.from_at
    row = _row(desk, case, account, source, last.round + 1, max(from_at, last.from_at))
    row.late_before = last.until_at if whole else last.late_before
    return row


def _row(  # a reading's parts
    desk: Desk, case: Case, account: CaseAccount, source: ActivitySource, number: int, from_at: datetime
) -> Collection:
    return Collection(
        id=desk.name("read"),
        case_id=case.id,
        service=account.service,
        account_id=account.vendor_id,
        account_ref=account.ref,
        source=source.name,
        round=number,
        from_at=from_at,
        until_at=desk.now(),
        file=f"downloads/{account.service}-{source.name}-{account.ref}-{number}.jsonl.zst",
        begun_at=desk.now(),
        moved_at=desk.now(),
    )
