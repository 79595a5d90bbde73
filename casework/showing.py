"""A case as people and programs see it.  Rooms above show it; what is confidential is marked by where it is returned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from casework import questions as asking
from casework.activity import showing as activity
from casework.context import Context
from casework.intake.instants import cut_at, notice_late_minutes
from casework.nda import showing as papers
from casework.truth.cutoffs import cutoff_of, exposure_minutes
from casework.truth.findings import open_findings
from casework.truth.rows import accepted_rows, accounts_of, rows_of
from models.tables import Approval, Attestation, Case, CaseAccount, CaseEntitlement, Look, Search, Waiver
from models.vocabulary import SETTLED


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One line of the truth table without anything personal: for Prefect."""

    service: str
    kind: str
    state: str
    confirmed_by: str
    count: int


@dataclass(frozen=True, slots=True)
class OpaqueQuestion:
    """A question as Prefect may know it."""

    id: str
    kind: str


def truth_table(context: Context, case_id: str) -> list[TruthRow]:
    """Count the rows of accepted accounts by service, kind and state: no names, no ids."""
    with context.store.read() as session:
        rows = accepted_rows(session, case_id)
    counted = Counter((str(r.service), str(r.kind), str(r.state), str(r.confirmed_by or "")) for r in rows)
    return [TruthRow(*key, count) for key, count in sorted(counted.items())]


def progress(context: Context, case_id: str) -> tuple[int, int]:
    """Return (settled rows, all rows)."""
    with context.store.read() as session:
        rows = accepted_rows(session, case_id)
    return sum(row.state in SETTLED for row in rows), len(rows)


def open_questions(context: Context, case_id: str) -> list[OpaqueQuestion]:
    """Return the case's open questions as opaque labels."""
    with context.store.read() as session:
        return [OpaqueQuestion(q.id, str(q.kind)) for q in asking.open_questions(session, case_id)]


def show(context: Context, case_id: str) -> dict[str, Any]:
    """Return the whole case in the shape of `show --json`: personal, for those entitled to see it."""
    case = context.case(case_id)
    with context.store.read() as session:
        rows = rows_of(session, case_id)
        accounts = accounts_of(session, case_id)
        findings = open_findings(session, case_id)
        questions = asking.open_questions(session, case_id)
        searches = session.exec(select(Search).where(Search.case_id == case_id)).all()
        looks = session.exec(select(Look).where(Look.case_id == case_id)).all()
        waits = [*_waiting(session, case_id)]
        intents = context.store.trail.open_intents(session.connection(), case_id)
        cutoff = _cutoff(session, case_id)
        downloads = activity.downloads(context, case_id)
        nda = papers.show(context, session, case, downloads.get("risks", ()))
    return {
        "case": case.id,
        "state": str(case.state),
        "due_at": _iso(case.due_at),
        "cut_at": _iso(cut_at(case)),
        "at_once_at": _iso(case.at_once_at),
        "for_real": case.for_real,
        "departure": _departure(case),
        "exposure_minutes": exposure_minutes(case.due_at, cutoff),
        "contained_at": _iso(case.contained_at),
        "closed_at": _iso(case.closed_at),
        "held_at": _iso(case.held_at),
        "erased_at": _iso(case.erased_at),
        "searches": [{"service": str(s.service), "found": s.found, "problem": s.problem} for s in searches],
        "accounts": [_account(a, rows) for a in accounts],
        "findings": [
            {
                "kind": str(f.kind),
                "service": str(f.service) if f.service else None,
                "account": f.account_id,
                "entitlement": f.entitlement_id,
                "text": f.text,
                "remedy": f.remedy,
            }
            for f in findings
        ],
        "questions": [
            {
                "id": q.id,
                "kind": str(q.kind),
                "service": str(q.service) if q.service else None,
                "text": q.text,
                "options": q.options,
            }
            for q in questions
        ],
        "approvals_waiting": waits,
        "looks": [{"label": look.label, "due_at": _iso(look.due_at), "verdict": look.verdict} for look in looks],
        "open_intents": len(intents),
        "nda": nda,
        "downloads": downloads,
    }


def _waiting(session: Session, case_id: str) -> list[dict[str, Any]]:
    approvals = session.exec(select(Approval).where(Approval.case_id == case_id)).all()
    waivers = session.exec(select(Waiver).where(Waiver.case_id == case_id)).all()
    waiting = [
        {"id": a.id, "verb": a.verb} | ({"account_ref": a.account_ref} if a.account_ref else {})
        for a in approvals
        if a.approved_at is None
    ]
    return waiting + [{"id": w.id, "verb": "waive"} for w in waivers if w.approved_at is None]


def _cutoff(session: Session, case_id: str) -> datetime | None:
    """Return when the last of the leaver's accounts was closed; None until then."""
    signed = session.exec(select(Attestation).where(Attestation.case_id == case_id)).all()
    return cutoff_of(accepted_rows(session, case_id), {one.id: one for one in signed})


def _departure(case: Case) -> dict[str, Any]:
    return {
        **case.leaver,
        "kind": str(case.kind),
        "employment_ends_on": str(case.employment_ends_on),
        "last_working_at": _iso(case.last_working_at),
        "timezone": case.timezone,
        "manager": case.manager,
        "reported_by": case.reported_by,
        "opened_at": _iso(case.opened_at),
        "notice_late_minutes": notice_late_minutes(case),
        "number_disputed": case.number_disputed,
    }


def _account(account: CaseAccount, rows: list[CaseEntitlement]) -> dict[str, Any]:
    mine = [row for row in rows if (row.service, row.account_id) == (account.service, account.vendor_id)]
    return {
        "service": str(account.service),
        "id": account.vendor_id,
        "label": account.label,
        "kind": str(account.kind),
        "standing": str(account.standing),
        "match": {
            "reason": str(account.reason),
            "facts": account.judged.get("facts", []),
            "contradictions": account.judged.get("contradictions", []),
            "text": account.text,
        },
        "decided_by": account.decided_by,
        "entitlements": [_entitlement(row) for row in mine],
    }


def _entitlement(row: CaseEntitlement) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": str(row.kind),
        "state": str(row.state),
        "confirmed_by": str(row.confirmed_by) if row.confirmed_by else None,
        "commanded_at": _iso(row.commanded_at),
        "observed_at": _iso(row.observed_at),
        "cut_effective_by": _iso(row.cut_effective_by),
        "detail": {
            "label": row.label,
            "result": str(row.result) if row.result else None,
            "attempts": row.attempts,
            "reason": str(row.reason) if row.reason else None,
            "came_back_at": _iso(row.came_back_at),
            "guard": str(row.guard) if row.guard else None,
            "problem": row.problem,
            "remedy": row.remedy,
            "settled_by": row.settled_by,
            "restored": row.restored,
        },
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
