"""The gate: a case closes when every row is settled and nobody is waited for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from sqlmodel import Session

from casework.access.planning import kinds_for
from casework.context import Context
from casework.errors import QuestionsOpen, StillOpen
from casework.lifecycle import FINISHED, move
from casework.questions import open_questions
from casework.truth.findings import assess, open_findings
from casework.truth.rows import accepted_rows
from casework.truth.states import is_fresh
from casework.truth.table import TruthTable
from models.tables import Case, Look
from models.vocabulary import SETTLED, CaseState, EntitlementKind


def close(context: Context, case_id: str) -> None:
    """
    Close and seal the case, or raise why it may not: `QuestionsOpen`, else `StillOpen` with the findings by kind.

    Closing a closed case does nothing.
    """
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        if case.state in FINISHED:
            return
        table = assess(context, session, case_id)
        asked = [question.id for question in open_questions(session, case_id)]
        reasons = Counter(str(finding.kind) for finding in open_findings(session, case_id))
        if not asked and not reasons:
            reasons = Counter(_rest(context, session, table))
        if not asked and not reasons:
            _close(context, session, case)
            return
    if asked:
        raise QuestionsOpen(asked)
    raise StillOpen(dict(reasons))


def _rest(context: Context, session: Session, table: TruthTable) -> list[str]:
    """Return what no finding says and yet forbids to close: the plan not carried out, an intent without outcome."""
    case = table.case
    rest = [f"not_cut_{row.kind}" for row in table.rows if row.state not in SETTLED]
    rest += [f"not_read_{kind}" for kind in unread(context, table)]
    rest += [f"not_open_{service}" for service in sorted(table.services - set(context.connectors))]
    if case.state is not CaseState.DEPROVISIONED:
        rest.append("plan_only" if not case.for_real else f"only_{case.state}")
    rest += ["intent_without_outcome" for _ in context.store.trail.open_intents(session.connection(), case.id)]
    return rest


def unread(context: Context, table: TruthTable) -> Iterator[EntitlementKind]:
    """
    Yield the kinds of accepted accounts that no successful read has shown since the instant, and nobody has signed for.

    A kind without rows is proved by its read alone.  Services that are not open here are told of by themselves.
    """
    signed = table.signed_kinds
    for service, account_id in table.accepted:
        if service not in context.connectors:
            continue
        for kind in kinds_for(table.case, context.connectors[service]):
            read = table.reads.get((service, account_id, kind))
            if read is None or not ((service, account_id, kind) in signed or is_fresh(read, table.case.due_at)):
                yield kind


def _close(context: Context, session: Session, case: Case) -> None:
    case.next_run_at = None
    rows = accepted_rows(session, case.id)
    move(
        context, session, case, CaseState.CLOSED,
        count=len(rows), states=dict(sorted(Counter(str(row.state) for row in rows).items())),
    )  # fmt: skip
    for hours in context.policy.looks.hours:
        label = f"+{hours:g}h" if hours < 48 else f"+{hours / 24:g}d"
        session.merge(Look(case_id=case.id, label=label, due_at=context.now() + timedelta(hours=hours)))
