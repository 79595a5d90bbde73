"""
The sweep's follow-up on papers: send pledges that were not sent yet, see those that came back, remind signers, and repeat due
checks.  A register that is down delays its own papers, never the sweep.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta

from sqlmodel import col, func, select

from audit.events import EventType
from casework.context import Context
from casework.errors import CaseworkError
from casework.lifecycle import NOT_TO_BE_CUT
from casework.nda import files
from casework.nda.checking import check
from casework.nda.registers import NdaContext, open_nda_context
from casework.nda.sending import deliver
from casework.recording import seal
from connectors.errors import ConnectorError
from connectors.nda.contract import Register
from models.tables import Case, PaperCheck, Pledge
from models.vocabulary import CaseState, NdaState, PledgeState, RevocationResult

_log = logging.getLogger("lastday.nda")
MOST = 20
"""Pledges, and checks, of one sweep; the next sweep takes the rest."""


async def follow_up(context: Context) -> dict[str, int]:
    """Follow up what is due; return how many cases were `followed`.  Opens no register if nothing is due."""
    if not _pledges_due(context) and not _checks_due(context):
        return {"followed": 0}
    async with open_nda_context(context) as nda:
        return {"followed": await follow_up_with(nda)}


async def follow_up_with(nda: NdaContext) -> int:
    """Follow up what is due with open registers.  Pledges come first: one that came back causes its case's check at once."""
    pledges = _pledges_due(nda.context)
    for pledge in pledges:
        try:
            await _follow(nda, pledge)
        except Exception as exc:  # noqa: BLE001  # one pledge's failure stops no other, and must not come first for ever
            _log.warning("nda: cannot follow a pledge: %s", type(exc).__name__)
            told = isinstance(exc, (ConnectorError, CaseworkError))  # their texts name nobody
            _later(nda.context, pledge, problem=str(exc) if told else type(exc).__name__)
    checks = _checks_due(nda.context)
    for case_id in checks:
        await check(nda, case_id)
    return len({*checks, *(pledge.case_id for pledge in pledges)})


def _pledges_due(context: Context) -> list[Pledge]:
    query = select(Pledge).where(col(Pledge.state).in_(files.LIVELY), col(Pledge.next_look_at) <= context.now())
    with context.store.read() as session:
        return list(session.exec(query.order_by(col(Pledge.next_look_at)).limit(MOST)).all())


def _checks_due(context: Context) -> list[str]:
    """
    Return the cases whose newest check is to be repeated: open cases, and cases that were closed while a register could not be
    read.  The latter are checked at the longer interval, for as long as an exit pledge may come back.
    """
    newest = select(func.max(PaperCheck.id)).group_by(PaperCheck.case_id)
    lately = context.now().date() - timedelta(days=context.policy.nda.signing_days)
    unread = (col(Case.state) == CaseState.CLOSED) & (col(PaperCheck.state) == NdaState.UNREADABLE)
    rested = col(PaperCheck.checked_at) <= context.now() - timedelta(hours=context.policy.nda.again_hours)
    live = col(Case.state).not_in(NOT_TO_BE_CUT) | (unread & rested & (col(Case.employment_ends_on) >= lately))
    query = (
        select(PaperCheck.case_id)
        .join(Case, col(Case.id) == PaperCheck.case_id)
        .where(
            col(PaperCheck.id).in_(newest),
            col(PaperCheck.next_at) <= context.now(),
            col(Case.erased_at).is_(None),
            live,
        )
    )
    with context.store.read() as session:
        return list(session.exec(query.order_by(col(PaperCheck.next_at)).limit(MOST)).all())


async def _follow(nda: NdaContext, pledge: Pledge) -> None:
    """Send a pledge that is only intended; else check whether it came back; else remind the signer if it is time."""
    context = nda.context
    case = context.case(pledge.case_id)
    if files.is_over(case):  # withdrawn: nobody is asked any more
        _later(context, pledge)
        return
    if pledge.state is PledgeState.INTENDED:
        await deliver(nda, pledge)
        return
    register = nda.register(pledge.register_name or "")
    paper = await nda.within(register.name, register.look_up(pledge.paper_id or ""))
    if paper is not None and (paper.completed or paper.void or paper.declined_at is not None):
        if not _judged(context, pledge):
            await check(nda, pledge.case_id)
    else:
        await _remind(nda, register, case, pledge)
    _later(context, pledge)


def _judged(context: Context, pledge: Pledge) -> bool:
    """Whether the newest check saw the paper come back, even if the paper does not count; then no extra check is made."""
    with context.store.read() as session:
        rows = files.newest_papers(session, pledge.case_id)
    ours = (pledge.register_name, pledge.paper_id)
    seen = [row for row in rows if (row.register_name, row.paper_id) == ours]
    return any(row.state is not NdaState.UNSIGNED or row.sha256 is not None for row in seen)


def _reminder_due(context: Context, case: Case, pledge: Pledge) -> bool:
    """Whether a day for a reminder has come since the leaver was last asked.  After the last day no reminder is sent."""
    today, last = files.day_of(case, context.now()), _last_day(case)
    asked_on = files.day_of(case, pledge.reminded_at or pledge.requested_at)
    days = [last - timedelta(days=before) for before in context.policy.nda.reminder_days]
    return pledge.state is PledgeState.SENT and today <= last and any(asked_on < day <= today for day in days)


def _last_day(case: Case) -> date:
    """Return the last day on which the leaver is at work."""
    if case.last_working_at is None:
        return case.employment_ends_on
    return min(files.day_of(case, case.last_working_at - timedelta(seconds=1)), case.employment_ends_on)


async def _remind(nda: NdaContext, register: Register, case: Case, pledge: Pledge) -> None:
    """Remind if it is time, once for all missed days.  A reminder is counted before it is sent: an interrupted one is not repeated."""
    context = nda.context
    with context.store.write() as session:
        row = session.get_one(Pledge, pledge.key)
        if not _reminder_due(context, case, row):  # or another sweep was faster
            return
        row.reminders, row.reminded_at = row.reminders + 1, context.now()
    problem, result = None, RevocationResult.COMMANDED
    try:
        await nda.within(register.name, register.remind(pledge.paper_id or ""))
    except ConnectorError as error:
        problem, result = str(error), RevocationResult.FAILED
    with context.store.write() as session:
        row = session.get_one(Pledge, pledge.key)
        row.problem = problem
        seal(
            context, session, EventType.NDA_REMINDED, case.id, op=row.op, result=result, count=row.reminders,
            payload={"key": row.key, "problem": problem},
        )  # fmt: skip


def _later(context: Context, pledge: Pledge, *, problem: str | None = None) -> None:
    """Schedule the next look after policy's wait, while an answer may come: until `signing_days` after the last day."""
    policy = context.policy.nda
    with context.store.write() as session:
        row = session.get_one(Pledge, pledge.key)
        case = session.get_one(Case, row.case_id)
        over = files.day_of(case, context.now()) > case.employment_ends_on + timedelta(days=policy.signing_days)
        waits = row.state in files.LIVELY and not over and not files.is_over(case)
        row.next_look_at = context.now() + timedelta(minutes=policy.pledge_again_minutes) if waits else None
        if problem is not None:
            row.problem = problem
