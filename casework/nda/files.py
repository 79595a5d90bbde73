"""The stored papers: the rows of checks, refusals and rulings, and the bytes as evidence."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlmodel import Session, col, func, select

from audit.events import EventType
from casework.context import Context, all_of
from casework.errors import BadRequest, CaseworkError
from casework.intake.employment import joined_on
from casework.lifecycle import ENDED
from casework.messages import joined
from casework.nda.facts import CheckFacts, PaperVerdict
from casework.nda.papers.examination import Signature
from casework.nda.pledge_page import says_the_same
from casework.nda.signers import HeldPaper, digests
from casework.recording import seal
from models.tables import Case, CasePaper, PaperCheck, PaperRuling, Pledge, PledgeRefusal
from models.vocabulary import DepartureKind, NdaState, PaperKind, PledgeState

_log = logging.getLogger("lastday.nda")
_SIGNATURES = TypeAdapter(tuple[Signature, ...])
LIVELY = (PledgeState.INTENDED, PledgeState.SENT, PledgeState.FILED)
"""The states of a pledge that may still be answered."""


def is_over(case: Case) -> bool:
    """Whether the case needs no papers: a leave of absence, a departure that does not take place, an erased case."""
    return case.kind is DepartureKind.LEAVE or case.state in ENDED or case.erased_at is not None


def day_of(case: Case, at: datetime) -> date:
    """Return the day of *at* on the leaver's calendar."""
    return at.astimezone(ZoneInfo(case.timezone)).date()


def facts_of(context: Context, session: Session, case: Case, blind: tuple[str, ...]) -> CheckFacts:
    """Return the facts of the case for judging papers, with days on the leaver's calendar."""
    opened = select(CasePaper).where(CasePaper.case_id == case.id, col(CasePaper.sha256).is_not(None))
    latest_first, pledges = session.exec(opened.order_by(col(CasePaper.id).desc())).all(), pledges_of(session, case.id)
    return CheckFacts(
        today=day_of(case, context.now()),
        ends_on=case.employment_ends_on,
        joined_on=joined_on(session, case.id),
        refusal=refusal_of(session, case.id),
        seen={
            (row.register_name or "", row.paper_id or ""): known for row in latest_first if (known := digests_of(row))
        },
        blind=blind,
        asked_for=any(pledge.state in LIVELY for pledge in pledges),
        printed=frozenset(pledge.sha256 for pledge in pledges),
        outdated=frozenset(
            (one.register_name or "", one.paper_id or "")
            for one in pledges
            if says_the_same(case, context.policy.nda, one) is False
        ),
        leaver=case.person,
    )


def digests_of(row: CasePaper) -> frozenset[str]:
    """
    Return the digests of a paper's bytes, with and without the last seals.  A row from before seals were told apart has none if
    seals may be last: the service has sealed the paper anew since.
    """
    seals_last = bool(row.signatures) and row.signatures[-1].get("kind") != "person"
    if seals_last and any("over_sha256" not in one for one in row.signatures):
        return frozenset()
    under = (one.get("over_sha256") for one in row.signatures)
    return frozenset(digest for digest in (row.sha256, *under) if digest)


def refusal_of(session: Session, case_id: str) -> PledgeRefusal | None:
    """Return the leaver's first refusal of the exit pledge."""
    return next(iter(all_of(session, PledgeRefusal, case_id, PledgeRefusal.recorded_at)), None)


def rulings_of(session: Session, case_id: str) -> dict[tuple[str, str], PaperRuling]:
    """Return the latest ruling on each paper, by register and id."""
    rulings = all_of(session, PaperRuling, case_id, PaperRuling.ruled_at)
    return {(row.register_name, row.paper_id): row for row in rulings}


def pledges_of(session: Session, case_id: str) -> Sequence[Pledge]:
    """Return the case's pledges, the oldest first."""
    return all_of(session, Pledge, case_id, Pledge.requested_at)


def newest_check(session: Session, case_id: str) -> PaperCheck | None:
    """Return the newest check, None before the first."""
    query = select(PaperCheck).where(PaperCheck.case_id == case_id).order_by(col(PaperCheck.id).desc())
    return session.exec(query).first()


def newest_papers(session: Session, case_id: str) -> Sequence[CasePaper]:
    """Return the papers as the newest check judged them, none before the first."""
    newest = select(func.max(PaperCheck.id)).where(PaperCheck.case_id == case_id).scalar_subquery()
    return session.exec(select(CasePaper).where(CasePaper.check_id == newest).order_by(col(CasePaper.id))).all()


def exit_pledge_is(state: NdaState, papers: Sequence[CasePaper]) -> bool:
    """Whether one of *papers* is the leaver's exit pledge in this *state*."""
    return any(p.accepted and p.kind is PaperKind.EXIT_PLEDGE and p.state is state for p in papers)


def require_unsigned(session: Session, case_id: str) -> None:
    """Raise `BadRequest` if a signed exit pledge is on file."""
    if exit_pledge_is(NdaState.SIGNED, newest_papers(session, case_id)):
        raise BadRequest(f"{case_id}: its exit pledge is signed", "See it with `lastday nda show CASE`.")


def row_of(check: PaperCheck, verdict: PaperVerdict) -> CasePaper:
    """Return the row for one verdict of a check, with its sentences."""
    text, remedy = joined(verdict.said), verdict.remedy
    row = CasePaper(
        check_id=check.id or 0,  # flushed: it has one
        case_id=check.case_id,
        kind=verdict.kind,
        state=verdict.state,
        accepted=verdict.accepted,
        signature=verdict.signature,
        signed_on=verdict.signed_on,
        text=text.en,
        text_ja=text.ja,
        remedy=remedy.en or None,
        remedy_ja=remedy.ja or None,
    )
    if verdict.held is not None:
        _fill(row, verdict.held)
    return row


def _fill(row: CasePaper, held: HeldPaper) -> None:
    paper, examined = held.match.paper, held.examined
    row.register_name, row.paper_id, row.title = paper.register, paper.id, paper.title
    row.signer = paper.signer_name or paper.signer_email or paper.signer_employee_no
    row.expires_on, row.survives = paper.expires_on, paper.survives
    row.template, row.template_sha256 = paper.template, paper.template_sha256
    row.scope, row.language = paper.scope, paper.language
    row.reason, row.confidence = held.match.reason, held.match.confidence
    if examined is not None:
        row.sha256, row.size = examined.sha256, examined.size
        row.signatures = _SIGNATURES.dump_python(examined.signatures, mode="json")


def keep_bytes(context: Context, case_id: str, content: bytes, place: Mapping[str, str]) -> None:
    """
    Put a paper's bytes into the evidence store, encrypted, and bind them.  The same bytes of the same *place* are bound once.

    A failure to store them is logged and raises nothing: the trail has their digest.
    """
    if context.evidence is None:
        return
    name = f"nda/{hashlib.sha256(content).hexdigest()}"
    try:
        stored = context.evidence.find(case_id, name) or context.evidence.save(case_id, name, content)
    except (CaseworkError, OSError) as error:
        _log.error("nda: cannot keep a paper: %s", error)
        return
    where = hashlib.sha256(":".join(place.values()).encode()).hexdigest()
    with context.store.write() as session:
        seal(
            context, session, EventType.EVIDENCE_BOUND, case_id, source="nda", evidence=[context.evidence.leaf_of(stored)],
            payload=place, dedup_key=f"{case_id}:{name}:{where}",
        )  # fmt: skip


def is_kept(context: Context, case_id: str, held: HeldPaper) -> bool:
    """Whether the same bytes without the last seals are kept already: a service seals anew at each download."""
    under = digests(held.examined) - {held.examined.sha256} if held.examined is not None else frozenset()
    if context.evidence is None or not under:
        return False
    paper = held.match.paper
    query = select(CasePaper).where(
        CasePaper.case_id == case_id, CasePaper.register_name == paper.register, CasePaper.paper_id == paper.id, col(CasePaper.sha256).is_not(None)
    )  # fmt: skip
    with context.store.read() as session:
        before = [row.sha256 for row in session.exec(query).all() if under & digests_of(row)]
    return any(context.evidence.find(case_id, f"nda/{digest}") is not None for digest in before)


def settle(context: Context, session: Session, pledges: Iterable[Pledge], state: PledgeState) -> None:
    """Set the *pledges* that are out to *state*: no answer is awaited any more."""
    for pledge in pledges:
        if pledge.state in LIVELY:
            pledge.state, pledge.next_look_at = state, None
            seal(context, session, EventType.NDA_SETTLED, pledge.case_id, op=pledge.op, state=state)
