"""
One check of one case: search the registers, open the papers, judge them, seal the verdicts, keep the bytes.

It may fail without consequence for the cut: what could not be read is `unreadable`, and the sweep looks again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from audit.events import EventType
from casework.context import Context
from casework.messages import joined
from casework.nda import files, reading
from casework.nda.context import NdaContext, open_nda_context
from casework.nda.facts import Held, Verdict
from casework.nda.judging import judge, overall
from casework.nda.pledging import send_by_policy
from casework.nda.reading import RegisterRead
from casework.recording import exchanges, seal
from connectors.errors import ConnectorError, Unreachable
from connectors.nda.contract import Paper
from models.tables import Case, PaperCheck
from models.vocabulary import NdaState, PaperKind, PledgeState

_log = logging.getLogger("lastday.nda")


async def check_safely(context: Context, case_id: str) -> None:
    """
    Check the case's papers, unless a check is fresh, and send what policy sends by itself.

    For the runs that cut: nothing of this may stop them.  Whatever goes wrong is an `unreadable` check, or a pledge that the
    sweep tries again, never an exception.
    """
    try:
        if _fresh(context, case_id):
            return
        async with open_nda_context(context) as nda:
            await check_or_record(nda, case_id)
            await send_by_policy(nda, case_id)
    except Exception as exc:  # noqa: BLE001  # papers never stop a run
        _log.error("nda: cannot check, or send a pledge: %s", type(exc).__name__)


async def check_or_record(nda: NdaContext, case_id: str) -> None:
    """Check now; what fails in a way that nobody foresaw is an `unreadable` check, and is due again like any."""
    try:
        await check(nda, case_id)
    except Exception as exc:  # noqa: BLE001  # one case's papers stop no other's: the failure is a check of its own
        _log.error("nda: cannot check: %s", type(exc).__name__)
        failure = ConnectorError(f"lastday: cannot check papers: {type(exc).__name__}", code=type(exc).__name__)
        _record(nda.context, case_id, [RegisterRead("lastday", error=failure)], [])


def _fresh(context: Context, case_id: str) -> bool:
    with context.store.read() as session:
        newest = files.newest_check(session, case_id)
    return newest is not None and newest.next_at is not None and newest.next_at > context.now()


async def check(nda: NdaContext, case_id: str) -> NdaState:
    """
    Check now and return what it amounts to.  Safe to repeat: each check is kept, the newest counts.

    A leave of absence, a withdrawn, restored or erased case has no papers to be asked for: then nothing is looked at.
    """
    context = nda.context
    case = context.case(case_id)
    if files.is_over(case):
        return NdaState.SIGNED
    with context.store.read() as session:
        pledges, rulings = files.pledges_of(session, case_id), files.rulings_of(session, case_id)
    seconds = 2 * context.policy.nda.seconds
    try:
        async with asyncio.timeout(seconds):
            reads = await reading.search(nda, case.person, pledges)
            opened = await reading.open_papers(nda, reads, rulings)
    except TimeoutError:
        slow = Unreachable(f"lastday: cannot open all papers within {seconds:g} s")
        reads, opened = [RegisterRead("lastday", error=slow)], []
    state = _record(context, case_id, reads, opened)
    for held in opened:
        if held.content is not None:
            _keep(context, case_id, held.match.paper, held.content)
    return state


def _keep(context: Context, case_id: str, paper: Paper, content: bytes) -> None:
    place = hashlib.sha256(f"{paper.register}:{paper.id}".encode()).hexdigest()
    files.keep_bytes(context, case_id, content, {"register": paper.register, "paper": paper.id}, dedup=place)


def _record(context: Context, case_id: str, reads: Sequence[RegisterRead], opened: Sequence[Held]) -> NdaState:
    """Judge and write the check in one transaction with its events."""
    policy = context.policy.nda
    blind = tuple(str(read.error) for read in reads if read.error is not None)
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        verdicts = judge(opened, files.facts_of(context, session, case, blind=blind), policy)
        state = overall(verdicts, policy)
        known = {_line(row) for row in files.newest_papers(session, case_id)}
        check = PaperCheck(
            case_id=case_id,
            checked_at=context.now(),
            state=state,
            looks=[_told(read) for read in reads],
            next_at=context.now() + reading.next_after(policy, reads),
        )
        session.add(check)
        session.flush()
        rows = [files.row_of(check, verdict) for verdict in verdicts]
        session.add_all(rows)
        for row, verdict in zip(rows, verdicts, strict=True):
            if _line(row) not in known:
                _seal_paper(context, session, case_id, verdict)
        _seal_check(context, session, case_id, state, verdicts, reads)
        _settle_pledges(context, session, case_id, verdicts)
    return state


def _line(row: Any) -> tuple[object, ...]:
    """What a paper's event says: the same again is not told again."""
    return row.kind, row.state, row.accepted, row.register_name, row.paper_id, row.sha256, row.signature


def _told(read: RegisterRead) -> dict[str, Any]:
    return {
        "register": read.register,
        "found": len(read.found),
        "problem": str(read.error) if read.error else None,
        "remedy": read.error.advice if read.error else None,
    }


def _seal_check(
    context: Context, session: Session, case_id: str, state: NdaState, verdicts: Sequence[Verdict], reads: Sequence[RegisterRead]
) -> None:  # fmt: skip
    exchanged = exchanges([one for read in reads for one in read.evidence])
    counted = Counter(str(v.state) for v in verdicts if v.accepted)
    seal(
        context, session, EventType.NDA_CHECKED, case_id,
        state=state, count=sum(counted.values()), states=dict(sorted(counted.items())), exchanged=exchanged,
        payload={"looks": [_told(read) for read in reads]},
    )  # fmt: skip


def _seal_paper(context: Context, session: Session, case_id: str, verdict: Verdict) -> None:
    """Seal one verdict: the digest of the bytes in the leaf, what they are in the payload."""
    held = verdict.held
    examined = held.examined if held is not None else None
    found = {} if held is None else {
        "register": held.match.paper.register, "paper": held.match.paper.id, "title": held.match.paper.title,
        "match": str(held.match.reason), "confidence": held.match.confidence,
        "template_sha256": held.match.paper.template_sha256,
    }  # fmt: skip
    seal(
        context, session, EventType.NDA_CHECKED, case_id,
        state=verdict.state, kind=verdict.kind or "unknown",
        reason="accepted" if verdict.accepted else "not_accepted",
        evidence=[{"content_sha256": examined.sha256, "size": examined.size}] if examined is not None else None,
        payload=found | {"signature": verdict.signature, "text": joined(verdict.said).en},
    )  # fmt: skip


def _settle_pledges(context: Context, session: Session, case_id: str, verdicts: Sequence[Verdict]) -> None:
    """
    A pledge that was declined is not waited for any more, and none is once the leaver has signed one: this one, or another
    that came back by hand.
    """
    accepted = [v for v in verdicts if v.accepted]
    signed = any((v.kind, v.state) == (PaperKind.EXIT_PLEDGE, NdaState.SIGNED) for v in accepted)
    declined = {
        (v.held.match.paper.register, v.held.match.paper.id)
        for v in accepted
        if v.held is not None and v.state is NdaState.REFUSED
    }
    for pledge in files.pledges_of(session, case_id):
        if pledge.state in files.LIVELY and (signed or (pledge.register_name, pledge.paper_id) in declined):
            pledge.state, pledge.next_look_at = PledgeState.RETURNED if signed else PledgeState.DECLINED, None
            seal(context, session, EventType.NDA_SETTLED, case_id, op=pledge.op, state=pledge.state)
