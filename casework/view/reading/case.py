"""Read a case in one transaction: tables and trail of the same moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.access.closing import Requirement, requirements
from casework.context import Context, all_of, case_in
from casework.decisions.pausing import concerns, scope_of
from casework.intake.moving import cut_at, notice_late_minutes
from casework.lifecycle import ENDED
from casework.question_kinds import CONSENTS, HOLDING
from casework.questions import asked_of, open_questions
from casework.recording import seal
from casework.truth.rows import load
from casework.view import case as parts
from casework.view.case import CaseView
from casework.view.reading.access import CaseSignatures, accounts_in, sla_of
from casework.view.reading.downloads import Summary, downloads_in, lacking_in, summary_in
from casework.view.reading.papers import markings_of, papers_in
from models import tables
from models.actor import Actor, actor_of
from models.vocabulary import ClosingRequirement, QuestionKind, Standing


def case_view(context: Context, case_id: str) -> CaseView:
    """Return the current case without what only security and legal may see.  Raises `BadRequest` if there is none."""
    with context.store.read() as session:
        return view_in(context, session, case_id)


def look(context: Context, case_id: str, *, by: Actor | str) -> CaseView:
    """Seal that *by* looks at the case, then return it with what only security and legal may see."""
    seal_look(context, case_id, "downloads", by=by)
    with context.store.read() as session:
        return view_in(context, session, case_id, confidential=True)


def seal_look(context: Context, case_id: str, scope: Literal["downloads", "evidence"], *, by: Actor | str) -> None:
    """Seal that *by* looks at the downloads (`downloads`), or at each file of evidence, also papers (`evidence`)."""
    with context.store.write() as session:
        case_in(session, case_id)
        said = {"by": actor_of(by).payload}
        seal(context, session, EventType.CASE_EVIDENCE_LOOKED, case_id, scope=scope, payload=said)


@dataclass(frozen=True, slots=True)
class ExternalParts:
    """
    The parts of a view that are in no table of its case.

    *sla* in minutes, None if it is not known.  *lacking*: the leaver's logs whose reading has not begun.
    """

    now: datetime
    sla: int | None
    summary: Summary | None
    lacking: tuple[str, ...]
    open_intents: int
    closing_requires: Sequence[Requirement] = ()


def view_in(context: Context, session: Session, case_id: str, *, confidential: bool = False) -> CaseView:
    """
    Return the case as the transaction of *session* sees it.

    A caller that asks for what is *confidential* has sealed the look before (`seal_look`).
    """
    case_in(session, case_id)
    required = requirements(context, session, load(context, session, case_id))
    beside = ExternalParts(
        now=context.now(),
        sla=sla_of(context, session, case_id),
        summary=summary_in(context, case_id),
        lacking=lacking_in(context, session, case_id),
        open_intents=len(context.store.trail.open_intents(session.connection(), case_id)),
        # without what concerns this process alone
        closing_requires=[one for one in required if one.kind is not ClosingRequirement.NOT_OPEN],
    )
    return view_of(session, case_id, beside, confidential=confidential)


def view_of(session: Session, case_id: str, beside: ExternalParts, *, confidential: bool) -> CaseView:
    """Return the case from its tables and *beside*."""
    case, signed = case_in(session, case_id), CaseSignatures.of(session, case_id)
    downloads = downloads_in(session, case_id, beside.summary, beside.lacking, confidential=confidential)
    marked = markings_of(downloads, erased=case.erased_at is not None)
    findings = all_of(session, tables.Finding, case_id, tables.Finding.key)
    accounts = accounts_in(session, case, signed, now=beside.now, sla=beside.sla)
    exposures = [one.timing.exposure_minutes for one in accounts if one.standing is Standing.ACCEPTED]
    known = [minutes for minutes in exposures if minutes is not None]
    return CaseView.of(
        case,
        case=case.id,
        read_at=beside.now,
        cut_at=cut_at(case),
        departure=parts.Departure.of(case, **case.leaver, notice_late_minutes=notice_late_minutes(case)),
        exposure_minutes=max(known, default=None) if known == exposures else None,
        pauses=list(_pauses(session, case)),
        notices=all_of(session, tables.NoticeRecord, case_id, tables.NoticeRecord.id),
        plans=[
            parts.Plan.of(row, steps=len(row.content)) for row in all_of(session, tables.Plan, case_id, tables.Plan.id)
        ],
        searches=all_of(session, tables.Search, case_id, tables.Search.connection),
        accounts=accounts,
        findings=[finding for finding in findings if finding.resolved_at is None],
        resolved_findings=[finding for finding in findings if finding.resolved_at is not None],
        questions=[_question(row, beside.now) for row in open_questions(session, case_id)],
        approvals_waiting=list(_waiting(session, case_id)),
        closing_requires=list(beside.closing_requires),
        attestations=signed.attestations.values(),
        waivers=[parts.Waiver.of(row, standing=row.case_id is None) for row in signed.waivers.values()],
        looks=all_of(session, tables.Look, case_id, tables.Look.due_at),
        open_intents=beside.open_intents,
        nda=papers_in(session, case, beside.now, marked),
        downloads=downloads,
    )


def _question(row: tables.Question, now: datetime) -> parts.Question:
    release = next(iter(row.options), None) if row.kind is QuestionKind.RELEASE else None
    options = row.options if release is None else []
    return parts.Question.of(row, asked_of=asked_of(row, now), options=options, release=release)


def _waiting(session: Session, case_id: str) -> Iterator[parts.PendingConsent]:
    """Yield the open requests for consent that do not hold the case; *account_ref* is only for a restore of one account."""
    for asked in open_questions(session, case_id, CONSENTS - HOLDING):
        ref = asked.subject if asked.kind is QuestionKind.RESTORE else None
        yield parts.PendingConsent.of(asked, verb=str(asked.kind), account_ref=ref)


def _pauses(session: Session, case: tables.Case) -> Iterator[parts.Pause]:
    """Yield the pauses that concern the case, from its opening until it closed; none if it has ended in another way."""
    for row in session.exec(select(tables.Pause).order_by(col(tables.Pause.paused_at))).all():
        begun = case.state not in ENDED and (case.closed_at is None or row.paused_at < case.closed_at)
        if concerns(row, case) and begun and (row.resumed_at is None or row.resumed_at > case.opened_at):
            yield parts.Pause.of(row, scope=scope_of(row))
