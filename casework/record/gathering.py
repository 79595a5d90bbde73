"""The facts of a case, read in one transaction: tables and trail of the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from audit.events import EventType
from casework.context import Context
from casework.errors import BadRequest
from casework.intake.instants import notice_late_minutes
from casework.record import facts as made
from casework.record.accounting import timing_of
from casework.record.telling import told
from casework.showing import show
from casework.truth.rows import accounts_of, rows_of
from models.tables import (
    Attestation,
    Case,
    CaseAccount,
    CaseEntitlement,
    Finding,
    Look,
    NoticeRecord,
    Plan,
    Search,
    Waiver,
)
from models.vocabulary import Fact


def gather(context: Context, case_id: str) -> made.Facts:
    """Return what is known of the case now.  Raises `BadRequest` if there is none.  Writes nothing."""
    shown = show(context, case_id)
    read_at = context.now()
    with context.store.read() as session:
        case = session.get(Case, case_id)
        if case is None:
            raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
        return _facts(context, session, case, read_at, shown)


def _facts(context: Context, session: Session, case: Case, read_at: datetime, shown: dict[str, Any]) -> made.Facts:
    connection = session.connection()
    events = tuple(told(connection, case.id))
    erased = [event.at for event in events if event.type == EventType.PAYLOAD_ERASED]
    return made.Facts(
        case=case.id,
        origin=context.store.trail.origin,
        state=case.state,
        kind=case.kind,
        read_at=read_at,
        timezone=case.timezone,
        employment_ends_on=case.employment_ends_on,
        last_working_at=case.last_working_at,
        due_at=case.due_at,
        opened_at=case.opened_at,
        contained_at=case.contained_at,
        deprovisioned_at=case.deprovisioned_at,
        closed_at=case.closed_at,
        for_real=case.for_real,
        notice_late_minutes=notice_late_minutes(case),
        policy_sha256=context.policy.sha256,
        erased_at=max(erased, default=None),
        person=_person(case),
        notices=tuple(_notice(n) for n in _of(session, NoticeRecord, case.id, NoticeRecord.id)),
        plans=tuple(_plan(p) for p in _of(session, Plan, case.id, Plan.id)),
        searches=tuple(
            made.SearchFacts(s.service, s.searched_at, s.found, s.problem)
            for s in _of(session, Search, case.id, Search.service)
        ),
        accounts=tuple(account_facts(context, session, case, read_at)),
        findings=tuple(_finding(f) for f in _of(session, Finding, case.id, Finding.opened_at)),
        waivers=tuple(_waiver(w) for w in _waivers(session, case.id)),
        looks=tuple(
            made.LookFacts(look.label, look.due_at, look.looked_at, look.verdict)
            for look in _of(session, Look, case.id, Look.due_at)
        ),
        told=events,
        open_intents=len(context.store.trail.open_intents(connection, case.id)),
        nda=shown["nda"],
        downloads=shown["downloads"],
    )


def _of(session: Session, table: Any, case_id: str, order: Any) -> Sequence[Any]:
    return session.exec(select(table).where(table.case_id == case_id).order_by(order)).all()


def _person(case: Case) -> made.Person:
    said = case.leaver
    return made.Person(
        employee_no=case.employee_no,
        name=said.get("name", ""),
        kana=said.get("kana"),
        romaji=said.get("romaji"),
        former_name=said.get("former_name"),
        email=said.get("email"),
        other_emails=tuple(said.get("other_emails", ())),
        manager=case.manager,
    )


@dataclass(frozen=True, slots=True)
class _Signed:
    """Who signed for what, by the id that a row's `settled_by` names."""

    attestations: dict[str, Attestation]
    waivers: dict[str, Waiver]

    def by(self, row: CaseEntitlement) -> tuple[str | None, str | None]:
        """Return (person, reason) for a row that no read settled."""
        attestation, waiver = self.attestations.get(row.settled_by or ""), self.waivers.get(row.settled_by or "")
        if attestation is not None:
            return attestation.person, attestation.statement
        if waiver is not None:
            return waiver.approved_by, waiver.reason
        return None, None


def account_facts(context: Context, session: Session, case: Case, as_of: datetime) -> list[made.AccountFacts]:
    """Return the case's candidate accounts with their times and rows."""
    signed = _Signed(
        {a.id: a for a in _of(session, Attestation, case.id, Attestation.attested_at)},
        {w.id: w for w in _waivers(session, case.id)},
    )
    sla = sla_of(context, session, case)
    return [_account(session, case, account, signed, sla, as_of) for account in accounts_of(session, case.id)]


def sla_of(context: Context, session: Session, case: Case) -> int | None:
    """
    Return the minutes that the case's policy allows; None if it was planned under a policy that is no longer at hand.

    A plan names its policy by digest: minutes of another policy would be a promise that nobody made.
    """
    plans = _of(session, Plan, case.id, Plan.id)
    same = not plans or plans[-1].policy_sha256 == context.policy.sha256
    return context.policy.sla.minutes if same else None


def _account(  # an account, and what all accounts of a case share
    session: Session, case: Case, account: CaseAccount, signed: _Signed, sla: int | None, as_of: datetime
) -> made.AccountFacts:
    rows = rows_of(session, case.id, account)
    return made.AccountFacts(
        service=account.service,
        id=account.vendor_id,
        ref=account.ref,
        label=account.label,
        kind=account.kind,
        standing=account.standing,
        reason=account.reason,
        facts=tuple(map(Fact, account.judged.get("facts", ()))),
        contradictions=tuple(map(Fact, account.judged.get("contradictions", ()))),
        text=account.text,
        decided_by=account.decided_by,
        decided_at=account.decided_at,
        timing=timing_of(case.due_at, rows, signed.attestations, sla_minutes=sla, as_of=as_of),
        rows=tuple(_row(row, signed) for row in rows),
    )


def _row(row: CaseEntitlement, signed: _Signed) -> made.Row:
    by, reason = signed.by(row)
    return made.Row(
        kind=row.kind,
        what=row.label or row.vendor_id,
        state=row.state,
        confirmed_by=row.confirmed_by,
        result=row.result,
        commanded_at=row.commanded_at,
        observed_at=row.observed_at,
        cut_effective_by=row.cut_effective_by,
        attempts=row.attempts,
        problem=row.problem,
        signed_by=by,
        reason=reason,
    )


def _finding(finding: Finding) -> made.FindingFacts:
    return made.FindingFacts(
        kind=finding.kind,
        service=finding.service,
        entitlement_kind=finding.entitlement_kind,
        text=finding.text,
        remedy=finding.remedy,
        opened_at=finding.opened_at,
        resolved_at=finding.resolved_at,
    )


def _waivers(session: Session, case_id: str) -> list[Waiver]:
    """Return the case's own waivers and the standing ones that settle a row of it."""
    used = select(CaseEntitlement.settled_by).where(CaseEntitlement.case_id == case_id)
    query = select(Waiver).where(or_(Waiver.case_id == case_id, col(Waiver.id).in_(used)))
    return list(session.exec(query.order_by(col(Waiver.requested_at))).all())


def _waiver(waiver: Waiver) -> made.WaiverFacts:
    return made.WaiverFacts(
        id=waiver.id,
        standing=waiver.case_id is None,
        service=waiver.service,
        kind=waiver.kind,
        reason=waiver.reason,
        compensating_control=waiver.compensating_control,
        until=waiver.until,
        requested_by=waiver.requested_by,
        requested_at=waiver.requested_at,
        approved_by=waiver.approved_by,
        approved_at=waiver.approved_at,
    )


def _notice(notice: NoticeRecord) -> made.NoticeFacts:
    return made.NoticeFacts(
        received_at=notice.received_at,
        reported_by=notice.reported_by,
        source_sha256=notice.source_sha256,
        row=notice.row,
        kind=notice.kind,
        disposition=notice.disposition,
    )


def _plan(plan: Plan) -> made.PlanFacts:
    return made.PlanFacts(
        scope=plan.scope,
        sealed_at=plan.sealed_at,
        sha256=plan.sha256,
        policy_sha256=plan.policy_sha256,
        steps=len(plan.content),
    )
