"""
Check the papers of one case: search the registers, open the papers, judge them, seal the verdicts, keep the bytes.

A failure does not affect the cut: what could not be read is `unreadable`, and the sweep checks again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Container, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from audit.events import EventType
from casework.connections import failure_of
from casework.context import Context
from casework.nda import files
from casework.nda.judging import judge, overall
from casework.nda.pledging import send_by_policy
from casework.nda.registers import NdaContext, open_nda_context
from casework.nda.searching import RegisterSearch, read_papers
from casework.nda.signers import HeldPaper
from casework.recording import exchanges, seal
from models.tables import Case, CasePaper, PaperCheck
from models.vocabulary import NdaState, PledgeState

_log = logging.getLogger("lastday.nda")


async def check_if_due(context: Context, case_id: str) -> None:
    """
    Check the case's papers unless the newest check is fresh, and send the pledge that policy asks for.

    For the runs that cut, which it never stops (`casework.runbook`): a failure is an `unreadable` check, or a pledge that
    the sweep tries again.
    """
    newest = await context.store.run(_newest, context, case_id)
    if newest is not None and (newest.next_at or newest.checked_at) > context.now():
        return
    async with open_nda_context(context) as nda:
        await check(nda, case_id)
        await send_by_policy(nda, case_id)


def _newest(context: Context, case_id: str) -> PaperCheck | None:
    with context.store.read() as session:
        return files.newest_check(session, case_id)


async def check(nda: NdaContext, case_id: str) -> None:
    """
    Check now.  Safe to repeat: each check is kept, the newest counts.  Raises `BadRequest` for an unknown case.

    An unforeseen failure is an `unreadable` check, and is due again like any other.  A leave of absence, and a withdrawn,
    restored or erased case, need no papers: nothing is checked.
    """
    context = nda.context
    case = context.case(case_id)
    if files.is_over(case):
        return
    try:
        with context.store.read() as session:
            pledges, rulings = files.pledges_of(session, case_id), files.rulings_of(session, case_id)
        reads, opened = await nda.within("lastday", read_papers(nda, case.person, pledges, rulings), times=2)
        await context.store.run(_record, context, case_id, reads, opened)
        for held in opened:
            if held.content is not None and not files.is_kept(context, case_id, held):
                paper = held.match.paper
                files.keep_bytes(context, case_id, held.content, {"register": paper.register, "paper": paper.id})
    except Exception as exc:  # noqa: BLE001  # one case's papers stop no other's: the failure is recorded as a check
        _log.error("nda: cannot check: %s", type(exc).__name__)
        unread = RegisterSearch("lastday", error=failure_of("lastday", exc))
        await context.store.run(_record, context, case_id, [unread], [])


def _record(context: Context, case_id: str, reads: Sequence[RegisterSearch], opened: Sequence[HeldPaper]) -> None:
    """Judge the papers and write the check in one transaction with its events."""
    policy = context.policy.nda
    blind = tuple(str(read.error) for read in reads if read.error is not None)
    wait = timedelta(minutes=policy.unreadable_again_minutes) if blind else timedelta(hours=policy.again_hours)
    looks = [_look(read) for read in reads]
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        verdicts = judge(opened, files.facts_of(context, session, case, blind), policy)
        known = {_told(row) for row in files.newest_papers(session, case_id)}
        now, state = context.now(), overall(verdicts, policy)
        check = PaperCheck(case_id=case_id, checked_at=now, state=state, looks=looks, next_at=now + wait)
        session.add(check)
        session.flush()
        rows = [files.row_of(check, verdict) for verdict in verdicts]
        session.add_all(rows)
        for row in rows:
            if _told(row) not in known:
                _seal_paper(context, session, row)
        counted = Counter(str(row.state) for row in rows if row.accepted)
        seal(
            context, session, EventType.NDA_CHECKED, case_id,
            state=state, count=counted.total(), states=dict(sorted(counted.items())),
            exchanged=exchanges([one for read in reads for one in read.evidence]), payload={"looks": looks},
        )  # fmt: skip
        void = {(one.match.paper.register, one.match.paper.id) for one in opened if one.match.paper.void}
        _settle_pledges(context, session, case_id, rows, void)


def _told(row: CasePaper) -> tuple[object, ...]:
    """Return what a paper's event says.  The same is not sealed twice, nor a paper that a service has only sealed anew."""
    under = next((one["over_sha256"] for one in row.signatures if one.get("over_sha256")), row.sha256)
    return row.kind, row.state, row.accepted, row.register_name, row.paper_id, under, row.signature


def _look(read: RegisterSearch) -> dict[str, Any]:
    return {
        "register": read.register,
        "found": len(read.found),
        "problem": str(read.error) if read.error else None,
        "remedy": read.error.advice if read.error else None,
    }


def _seal_paper(context: Context, session: Session, row: CasePaper) -> None:
    """Seal one verdict: the digest of the bytes in the leaf, the paper's data in the payload."""
    found = {} if row.register_name is None else {
        "register": row.register_name, "paper": row.paper_id, "title": row.title,
        "match": row.reason, "confidence": row.confidence, "template_sha256": row.template_sha256,
    }  # fmt: skip
    seal(
        context, session, EventType.NDA_CHECKED, row.case_id,
        state=row.state, kind=row.kind or "unknown",
        reason="accepted" if row.accepted else "not_accepted",
        evidence=[{"content_sha256": row.sha256, "size": row.size}] if row.sha256 is not None else None,
        payload=found | {"signature": row.signature, "text": row.text},
    )  # fmt: skip


def _settle_pledges(
    context: Context, session: Session, case_id: str, rows: Sequence[CasePaper], void: Container[tuple[str, str]]
) -> None:
    """
    Settle pledges: one that was declined, or taken back in its register, is not awaited any more.  After any signed exit pledge,
    also one by hand, none is.
    """
    pledges = files.pledges_of(session, case_id)
    if files.exit_pledge_is(NdaState.SIGNED, rows):
        files.settle(context, session, pledges, PledgeState.RETURNED)
    refused = {(row.register_name, row.paper_id) for row in rows if row.accepted and row.state is NdaState.REFUSED}
    declined = [pledge for pledge in pledges if (pledge.register_name, pledge.paper_id) in refused]
    files.settle(context, session, declined, PledgeState.DECLINED)
    taken_back = [one for one in pledges if (one.register_name or "", one.paper_id or "") in void]
    files.settle(context, session, taken_back, PledgeState.VOIDED)
