"""The papers of a case as people and programs see them: personal, for those entitled to see the case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from casework.context import Context
from casework.nda import files, trade_secret
from casework.nda.judging import raises_risk
from models.tables import Case, CasePaper, Pledge, PledgeRefusal

NOT_COLLECTED, NOT_EXPECTED = "not_collected", "not_expected"


def show(context: Context, session: Session, case: Case, risks: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """
    Return the case's papers by the newest check.

    *risks* are those of the download evidence.  *papers* count, *not_accepted* are another person's or doubtful.  Each has
    its text and remedy in both languages.
    """
    check = files.newest_check(session, case.id)
    papers = files.papers_of(session, check) if check is not None else []
    counted = [paper for paper in papers if paper.accepted]
    facts = files.facts_of(context, session, case)
    raised = sorted({word for p in counted if (word := raises_risk(p.kind, p.state, facts)) is not None})
    unseen = NOT_EXPECTED if files.is_over(case) else NOT_COLLECTED
    pledges = files.pledges_of(session, case.id)
    return {
        "state": str(check.state) if check is not None else unseen,
        "checked_at": _text(check.checked_at) if check is not None else None,
        "looks": check.looks if check is not None else [],
        "papers": [_paper(paper) for paper in counted],
        "not_accepted": [_paper(paper) for paper in papers if not paper.accepted],
        "pledge": _pledge(pledges[-1]) if pledges else None,
        "refusals": [_refusal(row) for row in _refusals(session, case.id)],
        "risk": {"level": "raised" if raised else "ordinary", "reasons": raised},
        "trade_secret": trade_secret.show(session, case.id, papers, risks),
    }


def states(context: Context, case_id: str) -> dict[str, int]:
    """Count the case's papers by `kind state`: nothing personal, for Prefect."""
    with context.store.read() as session:
        check = files.newest_check(session, case_id)
        papers = files.papers_of(session, check) if check is not None else []
    counted = Counter(f"{paper.kind or 'unknown'} {paper.state}" for paper in papers if paper.accepted)
    return dict(sorted(counted.items()))


def _refusals(session: Session, case_id: str) -> Sequence[PledgeRefusal]:
    query = select(PledgeRefusal).where(PledgeRefusal.case_id == case_id).order_by(col(PledgeRefusal.recorded_at))
    return session.exec(query).all()


def _paper(paper: CasePaper) -> dict[str, Any]:
    return {
        "kind": str(paper.kind) if paper.kind else None,
        "state": str(paper.state),
        "register": paper.register_name,
        "paper": f"{paper.register_name}:{paper.paper_id}" if paper.paper_id is not None else None,
        "title": paper.title or None,
        "signer": paper.signer,
        "signed_on": _text(paper.signed_on),
        "survives": paper.survives,
        "expires_on": _text(paper.expires_on),
        "scope": paper.scope,
        "language": paper.language,
        "template": paper.template,
        "template_sha256": paper.template_sha256,
        "confidence": paper.confidence,
        "reason": str(paper.reason) if paper.reason else None,
        "sha256": paper.sha256,
        "size": paper.size,
        "signature": paper.signature or None,
        "signatures": paper.signatures,
        "text": paper.text,
        "text_ja": paper.text_ja,
        "remedy": paper.remedy,
        "remedy_ja": paper.remedy_ja,
    }


def _pledge(pledge: Pledge) -> dict[str, Any]:
    return {
        "state": str(pledge.state),
        "register": pledge.register_name,
        "title": pledge.title,
        "language": pledge.language,
        "sha256": pledge.sha256,
        "requested_by": pledge.requested_by,
        "requested_at": _text(pledge.requested_at),
        "sent_at": _text(pledge.sent_at),
        "reminders": pledge.reminders,
        "reminded_at": _text(pledge.reminded_at),
        "problem": pledge.problem,
    }


def _refusal(row: PledgeRefusal) -> dict[str, Any]:
    return {
        "kind": str(row.kind),
        "witness": row.witness,
        "refused_on": str(row.refused_on),
        "note": row.note or None,
        "recorded_by": row.recorded_by,
        "recorded_at": _text(row.recorded_at),
    }


def _text(moment: datetime | date | None) -> str | None:
    return moment.isoformat() if moment is not None else None
