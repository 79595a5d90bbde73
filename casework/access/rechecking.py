"""
The rechecks after closing: is closed access still closed, and has the person an account that was not known?

A recheck that could not read everything is neither quiet nor a reason to reopen: it is repeated, and recorded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from audit.events import EventType
from casework.access import planning
from casework.activity import collecting, openers
from casework.context import Context, all_of
from casework.lifecycle import RECHECKED, move, wake
from casework.matching.searching import find_everywhere
from casework.questions import open_questions
from casework.recording import seal
from casework.truth import post_cut
from casework.truth.findings import assess
from casework.truth.rows import TruthTable
from casework.truth.states import WHOLE_KIND
from models.tables import Attestation, Case, CaseEntitlement, Look, PostCutActivity, Waiver
from models.vocabulary import SETTLED, CaseState, EntitlementState

_AT_ONCE = 20
_AGAIN = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
"""The waits before a recheck that could not read everything is repeated; the last one repeats."""

_log = logging.getLogger("lastday.rechecks")


async def look_again(context: Context) -> dict[str, list[str]]:
    """
    Carry out the due rechecks, and reopen cases whose waiver has ended.  Return the cases that were `looked` at, those that
    could not be (`not_looked`), and those that were `reopened`.

    A recheck that finds access reopens the case; it never changes the record.  Restored cases are not rechecked.  One case
    that fails, or hangs, stops no other: twenty are rechecked at once.
    """
    report = {"looked": list[str](), "not_looked": list[str](), "reopened": _lapsed(context)}
    with context.store.read() as session:
        due = select(Look.case_id).where(col(Look.looked_at).is_(None), Look.due_at <= context.now())
        cases = _kept(session, due, RECHECKED)
    places = asyncio.Semaphore(_AT_ONCE)

    async def look(case_id: str) -> None:
        async with places:
            try:
                verdict = await _recheck(context, case_id)
            except Exception as exc:  # noqa: BLE001  # the other rechecks must not depend on this one
                _log.error("%s: cannot be looked at: %s", case_id, type(exc).__name__)
                with context.store.write() as session:
                    verdict = _note(context, session, case_id, 0, ["*"])
        report["looked" if verdict == "quiet" else verdict].append(case_id)

    await asyncio.gather(*map(look, cases))
    return report


def _kept(session: Session, among: SelectOfScalar[str], states: Iterable[CaseState]) -> list[str]:
    """Return the cases *among* these that are in one of *states* and not erased."""
    kept = select(Case.id).where(col(Case.id).in_(among), col(Case.state).in_(states), col(Case.erased_at).is_(None))
    return sorted(session.exec(kept).all())


async def _recheck(context: Context, case_id: str) -> str:
    """Search for accounts anew, list what the known ones hold, and conclude."""
    await find_everywhere(context, case_id)
    await planning.take_inventory(context, case_id)
    with context.store.write() as session:
        table = assess(context, session, case_id)
        bad = _reopen(context, session, table, by_look=True)
        return _note(context, session, case_id, bad, sorted({*_blind(context, table)}))


def _blind(context: Context, table: TruthTable) -> Iterator[str]:
    """Yield the services of the case that could not be read completely: not configured, not searched, or a kind not read."""
    yield from map(str, table.connections - set(context.connectors))
    yield from (s.connection for s in table.searches if s.problem is not None and s.connection in table.connections)
    signed = table.signed_kinds
    for place, read in table.reads.items():
        if read.failed_as is not None and place not in signed and place[:2] in table.accepted:
            yield read.connection


def _note(context: Context, session: Session, case_id: str, bad: int, blind: Sequence[str]) -> str:
    """Write and return the verdict of the due rechecks; with *blind* services they are due again."""
    now, blind = context.now(), () if bad else blind
    verdict = "reopened" if bad else "not_looked" if blind else "quiet"
    due = select(Look).where(Look.case_id == case_id, col(Look.looked_at).is_(None), Look.due_at <= now)
    for look in session.exec(due).all():
        look.verdict, look.blind = verdict, [*blind]
        if blind:
            look.due_at = now + _AGAIN[min(look.tries, len(_AGAIN) - 1)]
            look.tries, look.blind_since = look.tries + 1, look.blind_since or now
        else:
            look.looked_at = now
        session.add(look)
        seal(
            context, session, EventType.CASE_LOOKED, case_id, count=None if blind else bad, state=verdict,
            payload={"look": look.label} | ({"services": [*blind]} if blind else {}),
            dedup_key=f"{case_id}:{look.label}:{verdict}" if blind else None,
        )  # fmt: skip
    return verdict


def _lapsed(context: Context) -> list[str]:
    """Reopen and return the closed cases whose waiver has ended.  The end of a tenant's waiver only concerns cases with rechecks left."""
    with context.store.read() as session:
        in_looks = select(Look.case_id).where(col(Look.looked_at).is_(None))
        ended = select(Waiver.id).where(Waiver.until < context.now().date() + timedelta(days=1))
        own = ended.where(col(Waiver.case_id).is_not(None))
        waived = select(CaseEntitlement.case_id).where(
            CaseEntitlement.state == EntitlementState.WAIVED, col(CaseEntitlement.settled_by).in_(ended),
            or_(col(CaseEntitlement.settled_by).in_(own), col(CaseEntitlement.case_id).in_(in_looks)),
        )  # fmt: skip
        ids = _kept(session, waived, {CaseState.CLOSED})
    return [case_id for case_id in ids if _reopen_if_open(context, case_id)]


async def collect_again(context: Context) -> dict[str, int]:
    """
    Continue the collections that are incomplete or due again; return how many cases have `news`, and how many were `reopened`.
    Then ask the logs of administration who enabled what came back.

    Cases are reopened by the activity in the database, even if this turn or an earlier one failed.
    """
    try:
        news = await collecting.go_on(context)
    finally:
        reopened = _reopen_heard(context)
        await openers.ask(context)
    return {"news": news, "reopened": reopened}


def _reopen_heard(context: Context) -> int:
    """Reopen the closed cases that have post-cut activity which no person has signed for; return how many."""
    with context.store.read() as session:
        heard = _kept(session, select(PostCutActivity.case_id), {CaseState.CLOSED})
        signed = {case_id: all_of(session, Attestation, case_id, Attestation.id) for case_id in heard}
        cases = [case_id for case_id in heard if post_cut.unanswered(session, case_id, signed[case_id])]
    return sum(_reopen_if_open(context, case_id) for case_id in cases)


def _reopen_if_open(context: Context, case_id: str) -> bool:
    with context.store.write() as session:
        return _reopen(context, session, assess(context, session, case_id)) > 0


def _reopen(context: Context, session: Session, table: TruthTable, *, by_look: bool = False) -> int:
    """
    Reopen a closed case that has unsettled rows, open questions or unanswered post-cut activity; return how many of them.

    *by_look*: a kind that could not be read does not count for a closed case, since the recheck is repeated.
    """
    case = table.case
    still_closed = by_look and case.state is CaseState.CLOSED
    rows = [row for row in table.rows if row.state not in SETTLED]
    bad = sum(not (still_closed and row.vendor_id == WHOLE_KIND) for row in rows)
    bad += len(post_cut.unanswered(session, case.id, table.attestations)) + len(open_questions(session, case.id))
    if bad and case.state is CaseState.CLOSED:
        move(context, session, case, CaseState.DEPROVISIONED, count=bad)
        wake(session, case)
        assess(context, session, case.id)
    return bad
