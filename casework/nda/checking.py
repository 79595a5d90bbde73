"""
One round for one case: search the registers, open the papers, judge them, seal the verdicts, keep the bytes.

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
from casework.errors import EvidenceError
from casework.evidence.store import StoredEvidence
from casework.matching.leavers import leaver_of
from casework.nda import files, looking
from casework.nda.cabinet import Cabinet, open_cabinet
from casework.nda.facts import Verdict
from casework.nda.judging import judge, overall
from casework.nda.looking import Bytes, RegisterLook
from casework.nda.pledging import send_by_policy
from casework.recording import seal
from connectors.errors import ConnectorError, Unreachable
from models.tables import Case, PaperCheck
from models.vocabulary import NdaState, PaperKind, PledgeState

_log = logging.getLogger("lastday.nda")


async def check_quietly(context: Context, case_id: str) -> None:
    """
    Check the case's papers, unless a round is fresh; whatever goes wrong becomes an `unreadable` round, never an exception.

    For the runs that cut: nothing of this may stop them.
    """
    try:
        if _fresh(context, case_id):
            return
        async with open_cabinet(context) as cabinet:
            await check_or_tell(cabinet, case_id)
            await _send_quietly(cabinet, case_id)
    except Exception as exc:  # noqa: BLE001  # papers never stop a run
        _log.error("nda: cannot check: %s", type(exc).__name__)


async def check_or_tell(cabinet: Cabinet, case_id: str) -> None:
    """Make a round now; one that fails in a way that nobody foresaw is an `unreadable` round, and is due again like any."""
    try:
        await check(cabinet, case_id)
    except Exception as exc:  # noqa: BLE001  # one case's papers stop no other's: the failure is a round of its own
        _log.error("nda: cannot check: %s", type(exc).__name__)
        failure = ConnectorError(f"lastday: cannot check papers: {type(exc).__name__}", code=type(exc).__name__)
        _record(cabinet.context, case_id, [RegisterLook("lastday", error=failure)], [])


async def _send_quietly(cabinet: Cabinet, case_id: str) -> None:
    """Send what policy sends by itself; the pledge's own row says what went wrong, and the sweep tries again."""
    try:
        await send_by_policy(cabinet, case_id)
    except Exception as exc:  # noqa: BLE001  # likewise
        _log.warning("nda: cannot send a pledge: %s", type(exc).__name__)


def _fresh(context: Context, case_id: str) -> bool:
    with context.store.read() as session:
        newest = files.newest_check(session, case_id)
    return newest is not None and newest.next_at is not None and newest.next_at > context.now()


async def check(cabinet: Cabinet, case_id: str) -> NdaState:
    """
    Make a round now and return what it amounts to.  Safe to repeat: each round is kept, the newest counts.

    A leave of absence, a withdrawn, restored or erased case has no papers to be asked for: then nothing is looked at.
    """
    context = cabinet.context
    case = context.case(case_id)
    if files.is_over(case):
        return NdaState.SIGNED
    with context.store.read() as session:
        pledges, rulings = files.pledges_of(session, case_id), files.rulings_of(session, case_id)
    seconds = 2 * context.policy.nda.seconds
    try:
        async with asyncio.timeout(seconds):
            looks = await looking.search(cabinet, leaver_of(case), pledges)
            opened = await looking.open_papers(cabinet, looks, rulings)
    except TimeoutError:
        slow = Unreachable(f"lastday: cannot open all papers within {seconds:g} s")
        looks, opened = [RegisterLook("lastday", error=slow)], []
    state = _record(context, case_id, looks, opened)
    _keep(context, case_id, opened)
    return state


def _record(context: Context, case_id: str, looks: Sequence[RegisterLook], opened: Sequence[Bytes]) -> NdaState:
    """Judge and write the round in one transaction with its events."""
    policy = context.policy.nda
    blind = tuple(str(look.error) for look in looks if look.error is not None)
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        verdicts = judge([one.held for one in opened], files.facts_of(context, session, case, blind=blind), policy)
        state = overall(verdicts, policy)
        before = files.newest_check(session, case_id)
        known = {_line(row) for row in files.papers_of(session, before)} if before is not None else set()
        check = PaperCheck(
            case_id=case_id,
            checked_at=context.now(),
            state=state,
            looks=[_look(look) for look in looks],
            next_at=context.now() + looking.next_after(policy, looks),
        )
        session.add(check)
        session.flush()
        rows = [files.row_of(check, verdict) for verdict in verdicts]
        session.add_all(rows)
        for row, verdict in zip(rows, verdicts, strict=True):
            if _line(row) not in known:
                _seal_paper(context, session, case_id, verdict)
        _seal_round(context, session, case_id, state, verdicts, looks)
        _settle_pledges(context, session, case_id, verdicts)
    return state


def _line(row: Any) -> tuple[object, ...]:
    """What a paper's event says: the same again is not told again."""
    return row.kind, row.state, row.accepted, row.register_name, row.paper_id, row.sha256, row.signature


def _look(look: RegisterLook) -> dict[str, Any]:
    return {
        "register": look.register,
        "found": len(look.found),
        "problem": str(look.error) if look.error else None,
        "remedy": look.error.advice if look.error else None,
    }


def _seal_round(
    context: Context, session: Session, case_id: str, state: NdaState, verdicts: Sequence[Verdict], looks: Sequence[RegisterLook]
) -> None:  # fmt: skip
    evidence = [one for look in looks for one in look.evidence]
    counted = Counter(str(v.state) for v in verdicts if v.accepted)
    seal(
        context, session, EventType.NDA_CHECKED, case_id,
        state=state, count=sum(counted.values()), states=dict(sorted(counted.items())), exchanged=evidence,
        payload={"looks": [_look(look) for look in looks]},
    )  # fmt: skip


def _seal_paper(context: Context, session: Session, case_id: str, verdict: Verdict) -> None:
    """Seal one verdict: the digest of the bytes in the leaf, what they are in the payload."""
    held = verdict.held
    examined = held.examined if held is not None else None
    seal(
        context, session, EventType.NDA_CHECKED, case_id,
        state=verdict.state, kind=verdict.kind or "unknown",
        reason="accepted" if verdict.accepted else "not_accepted",
        evidence=[{"content_sha256": examined.sha256, "size": examined.size}] if examined is not None else None,
        payload={
            "register": held.match.paper.register if held else None,
            "paper": held.match.paper.id if held else None,
            "title": held.match.paper.title if held else None,
            "match": str(held.match.reason) if held else None,
            "confidence": held.match.confidence if held else None,
            "template_sha256": held.match.paper.template_sha256 if held else None,
            "signature": verdict.signature,
            "text": verdict.text.english,
        },
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
            session.add(pledge)
            seal(context, session, EventType.NDA_SETTLED, case_id, op=pledge.op, state=pledge.state)


def _keep(context: Context, case_id: str, opened: Sequence[Bytes]) -> None:
    """Put the bytes of the leaver's papers into the evidence store, encrypted, and bind them.  The same again is once."""
    if context.evidence is None:
        return
    for one in opened:
        if one.content is None or one.held.examined is None:
            continue
        name = f"nda/{one.held.examined.sha256}"
        try:
            known = context.evidence.find(case_id, name)
            stored = known or context.evidence.save(case_id, name, one.content)
        except EvidenceError as error:
            _log.error("nda: cannot keep a paper: %s", error)
            continue
        _bind(context, case_id, one, stored)


def _bind(context: Context, case_id: str, one: Bytes, stored: StoredEvidence) -> None:
    paper = one.held.match.paper
    place = hashlib.sha256(f"{paper.register}:{paper.id}".encode()).hexdigest()
    with context.store.write() as session:
        seal(
            context, session, EventType.EVIDENCE_BOUND, case_id, source="nda", evidence=[stored.leaf()],
            payload={"register": paper.register, "paper": paper.id}, dedup_key=f"{case_id}:{stored.name}:{place}",
        )  # fmt: skip
