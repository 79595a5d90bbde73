"""The papers of a case from its rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from casework.context import Context, all_of
from casework.messages import Said
from casework.nda import files
from casework.nda.judging import raises_risk
from casework.view.papers import Paper, Papers, Pledge, Refusal, RegisterLook, Risk
from casework.view.reading.trade_secret import secret_tests
from models import tables


def papers_in(context: Context, session: Session, case: tables.Case, markings: Sequence[Said]) -> Papers:
    """Return the case's papers.  *markings*: what the download evidence says of marked files that were taken."""
    check = files.newest_check(session, case.id)
    rows = files.papers_of(session, check) if check is not None else []
    facts = files.facts_of(context, session, case)
    raised = sorted({word for row in rows if row.accepted and (word := raises_risk(row.kind, row.state, facts))})
    pledges = files.pledges_of(session, case.id)
    refused = all_of(session, tables.PledgeRefusal, case.id, tables.PledgeRefusal.recorded_at)
    return Papers(
        state=check.state if check is not None else "not_expected" if files.is_over(case) else "not_collected",
        checked_at=check.checked_at if check is not None else None,
        looks=tuple(RegisterLook.model_validate(look) for look in (check.looks if check is not None else ())),
        papers=tuple(_paper(row) for row in rows if row.accepted),
        not_accepted=tuple(_paper(row) for row in rows if not row.accepted),
        pledge=Pledge.of(pledges[-1]) if pledges else None,
        refusals=tuple(Refusal.of(row, note=row.note or None) for row in refused),
        risk=Risk(level="raised" if raised else "ordinary", reasons=tuple(raised)),
        trade_secret=tuple(secret_tests(session, case.id, rows, markings)),
    )


def _paper(row: tables.CasePaper) -> Paper:
    name = f"{row.register_name}:{row.paper_id}" if row.paper_id is not None else None
    return Paper.of(row, paper=name, title=row.title or None, signature=row.signature or None)
