"""The question whose accounts these are: one a case, with the candidates of all services."""

from __future__ import annotations

from sqlmodel import Session

from casework import questions
from casework.context import Context
from casework.truth.rows import accounts_of
from models.tables import CaseAccount
from models.vocabulary import QuestionKind, Standing, as_fields

_WHOSE = QuestionKind.WHOSE_ACCOUNT


def ask_whose(context: Context, session: Session, case_id: str) -> None:
    """
    Ask which of the doubtful accounts are the leaver's, with all candidates shown, the sure and the excluded ones too.

    A later candidate joins the open question, or opens the next.  A question without a doubtful account is settled.
    """
    rows = accounts_of(session, case_id)
    doubtful = sum(row.standing is Standing.ASKED for row in rows)
    opened = questions.open_questions(session, case_id, {_WHOSE})
    for question in opened[1:] if doubtful else opened:  # the first core asked one a service
        why = "asked together with the case's other accounts" if doubtful else "no account is doubtful any more"
        questions.settle(context, session, question, why)
    if doubtful:
        questions.ask(context, session, _WHOSE, case_id, options=[option(row) for row in rows], count=doubtful)


def option(row: CaseAccount) -> dict[str, object]:
    """Return one candidate as a person is shown it."""
    return {
        **as_fields(row.connection),
        "account": row.vendor_id,
        "label": row.label,
        "kind": str(row.kind),
        "reason": str(row.reason),
        "facts": row.judged.get("facts", []),
        "contradictions": row.judged.get("contradictions", []),
        "held": row.judged.get("held", False),
        "for_administration": row.for_administration,
        "standing": str(row.standing),
        "active": row.active,
    }
