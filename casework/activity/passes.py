"""Which logs are due to be read now, and over which window: at containment, after the vendor's lag, and at policy's hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlmodel import Session, col, select

from casework.activity.logs import Log, log_of, logs_in
from casework.activity.statement import LASTING, is_limited, kept_days
from casework.context import Context
from casework.truth.rows import accepted_accounts
from connectors.activity import ActivitySource
from models.tables import Case, CaseAccount, Collection
from models.vocabulary import Completeness, ConnectionId

SUMMARIES = "downloads/summary-"
"""Prefix of the evidence files that hold a case's summaries."""
_BEGUN_WITHIN = timedelta(days=30)
"""After the cut, for a first pass: a log that a later version learns to read is not read for everybody who ever left."""
_LONG_BEFORE = timedelta(hours=2)
"""Longer than any run waits for its instant: a log read so long before the cut was read for an earlier instant."""
_OVERLAP = timedelta(minutes=5)
"""Read twice even where the vendor documents no lag: its clock is not ours."""
_A_DAY = timedelta(days=1)
"""Read again in each later pass, even where the vendor documents a shorter lag: that is no promise."""
_LATEST = timedelta(days=7)
"""How late a record may come; a choice: no vendor documents a lag as long, and none says when the last record has come."""
_MOST_TRIES = 5
"""Passes over the whole window, at most."""
_EDGE = timedelta(hours=1)
"""Margin at the oldest end of what the vendor keeps: it forgets that part while we read."""


def notice_window(context: Context, case: Case) -> tuple[datetime, datetime]:
    """
    Return the notice window: from HR's notice, or policy's `notice_days` before the due instant if that is earlier, until the due
    instant, or until the cut if that came earlier.
    """
    begins_at = min(case.opened_at, case.due_at - timedelta(days=context.policy.activity.notice_days))
    return begins_at, min(case.due_at, case.contained_at or case.due_at)


def passes_of(session: Session, case_id: str) -> list[Collection]:
    """Return the case's passes, sorted by log and then by round."""
    query = select(Collection).where(Collection.case_id == case_id)
    order = (Collection.connection, Collection.account_id, Collection.source, Collection.round)
    return list(session.exec(query.order_by(*(col(column) for column in order))).all())


def not_begun(context: Context, accounts: Sequence[CaseAccount], passes: Iterable[Collection]) -> list[Log]:
    """Return the logs of *accounts* that no pass has begun to read; an account without any known log is listed with the log `?`."""
    begun, there = {log_of(row) for row in passes}, logs_in(context, accounts)
    known = {log[:2] for log in (*there, *begun)}
    dark = [(*place, "?") for one in accounts if (place := (one.connection, one.vendor_id)) not in known]
    return [log for log in (*there, *dark) if log not in begun]


def due_passes(
    context: Context, case_id: str, connections: Sequence[ConnectionId]
) -> Iterator[tuple[CaseAccount, ActivitySource, Collection]]:
    """Yield the passes in *connections* to continue, and those to begin, which are not in the database yet."""
    case = context.case(case_id)
    with context.store.read() as session:
        accounts, passes = accepted_accounts(session, case_id), passes_of(session, case_id)
    for log, (account, source) in logs_in(context, accounts).items():
        if account.connection in connections:
            before = [row for row in passes if log_of(row) == log]
            if before and before[-1].ended_at is None:
                yield account, source, before[-1]
            elif _is_due(context, case, source, plain(before)):
                yield account, source, _begun(context, case, account, source, before)
            elif _again_is_due(context, case, source, before):
                yield account, source, _begun(context, case, account, source, before, again=True)


def _begun(
    context: Context,
    case: Case,
    account: CaseAccount,
    source: ActivitySource,
    before: Sequence[Collection],
    *,
    again: bool = False,
) -> Collection:
    """Return a new pass that follows those *before* (the oldest first)."""
    number, now = len(before) + 1, context.now()
    from_at, late_before = (
        _whole(context, source, before) if again else _beginning(context, case, source, plain(before))
    )
    return Collection(
        id=context.name("read"),
        case_id=case.id,
        connection=account.connection,
        account_id=account.vendor_id,
        account_ref=account.ref,
        source=source.name,
        round=number,
        from_at=from_at,
        until_at=now,
        late_before=late_before,
        again=again,
        file=f"downloads/{account.connection}-{source.name}-{account.ref}-{number}.jsonl.zst",
        begun_at=now,
        moved_at=now,
    )


def _is_due(context: Context, case: Case, source: ActivitySource, before: Sequence[Collection]) -> bool:
    cut_at = case.contained_at or case.due_at
    if not before:
        return context.now() <= cut_at + _BEGUN_WITHIN
    read_until = before[-1].until_at
    lags = [source.lag, _LATEST, *(timedelta(hours=hours) for hours in context.policy.activity.again_hours)]
    instants = [cut_at + lag for lag in lags if lag >= source.lag]
    if (days := kept_days(source, before)) is not None:  # read what came since before the vendor forgets it
        instants.append(min(read_until + timedelta(days=days - 1), max(instants)))
    if read_until < cut_at - _LONG_BEFORE:
        instants.append(cut_at)  # read for an instant that was put off since
    return any(read_until < instant <= context.now() for instant in instants)


def plain(passes: Iterable[Collection]) -> list[Collection]:
    """Return the passes that decide what is known of a log: all except the later ones over the whole window (`again`)."""
    return [row for row in passes if not row.again]


def _again_is_due(context: Context, case: Case, source: ActivitySource, before: Sequence[Collection]) -> bool:
    """
    Whether the whole window is to be read once more: `_LATEST` after the cut, if the last pass lacked nothing; and again a day after such a
    pass failed, `_MOST_TRIES` times in all.
    """
    if not plain(before):
        return False
    last, earlier = plain(before)[-1], [row for row in before if row.again]
    if not _lacks_nothing(last) or last.until_at < (case.contained_at or case.due_at) + _LATEST:
        return False
    if _whole(context, source, before)[0] >= last.from_at:  # the vendor keeps nothing older than what that pass read
        return False
    if any(_lacks_nothing(row) for row in earlier) or len(earlier) >= _MOST_TRIES:
        return False
    return not earlier or context.now() >= earlier[-1].until_at + _A_DAY


def _whole(context: Context, source: ActivitySource, before: Sequence[Collection]) -> tuple[datetime, datetime]:
    """Return from when to read once more, as far back as the vendor still keeps, and the time before which a record counts as late."""
    known = plain(before)
    return max(known[0].from_at, _kept_since(context, source, before)), known[-1].until_at


def _kept_since(context: Context, source: ActivitySource, before: Sequence[Collection]) -> datetime:
    days = kept_days(source, before)
    return context.now() - timedelta(days=days) + _EDGE if days is not None else before[0].from_at


def _beginning(
    context: Context, case: Case, source: ActivitySource, before: Sequence[Collection]
) -> tuple[datetime, datetime | None]:
    """
    Return from when to read, and the time before which a record counts as late (None: no record does).

    After a pass that lacked nothing, the tail since then; without one, the same window again.
    """
    if not before:
        now = context.now()
        from_at = min(now - timedelta(days=context.policy.activity.window_days), notice_window(context, case)[0])
        return (max(from_at, now - source.retention) if source.retention is not None else from_at), None
    last = next((row for row in reversed(before) if _lacks_nothing(row)), None)
    if last is None:
        return before[-1].from_at, before[-1].late_before
    must, may = (last.until_at - lag - _OVERLAP for lag in (source.lag, max(source.lag, _A_DAY)))
    return max(min(must, max(may, _kept_since(context, source, before))), last.from_at), last.until_at


def _lacks_nothing(row: Collection) -> bool:
    """Whether a pass has everything that can still be read."""
    return row.verdict is Completeness.COMPLETE or row.reason in LASTING


def telling(passes: Sequence[Collection]) -> dict[Log, Collection]:
    """
    Return for each log the pass that decides what is known of it: the newest one, since it has read again what an earlier one lacked.

    An earlier one is returned if the vendor has forgotten or hides for good what it lacked: a complete tail does not bring that back.

    *passes* are in the order of `passes_of`.
    """
    newest_first = ((log, [*rows][::-1]) for log, rows in groupby(plain(passes), log_of))
    return {log: max([*(r for r in rows if r.reason in LASTING), rows[0]], key=_lack) for log, rows in newest_first}


def _lack(row: Collection) -> int:
    """Return how much a pass lacks: nothing (0), what the vendor does not keep (1), or more (2)."""
    return 0 if row.verdict is Completeness.COMPLETE else 1 if is_limited(row) else 2
