"""The view of a case for Prefect: kinds, states, counts and our own random ids, nothing personal."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import Field

from casework.context import Context
from casework.questions import open_questions
from casework.view.case import CaseView
from casework.view.part import Instant, Part
from casework.view.reading.case import case_view
from models.vocabulary import (
    CONNECTION,
    SETTLED,
    Confirmation,
    ConnectionId,
    EntitlementKind,
    EntitlementState,
    NdaState,
    PaperKind,
    QuestionKind,
)

Opaque = Annotated[str, Field(pattern=r"^[a-z]+-[0-9a-f]+$")]
"""A random name of ours: no name, address or title has this form."""


class TruthCount(Part):
    """The number of rows of the truth table with the same values."""

    connection: Annotated[ConnectionId, Field(pattern=f"^{CONNECTION}$")]
    kind: EntitlementKind
    state: EntitlementState
    confirmed_by: Confirmation | None
    count: int


class OpaqueQuestion(Part):
    """A question without its text."""

    id: Opaque
    kind: QuestionKind


class PaperCount(Part):
    """The number of the leaver's confidentiality papers with the same values."""

    kind: PaperKind | None
    state: NdaState
    count: int


class OpaqueView(Part):
    """A case without its person.  *rows*: of the leaver's accounts; *settled*: of these rows.  *paused_at*: see `casework.decisions.pausing`."""

    settled: int
    rows: int
    paused_at: Instant | None
    truth: tuple[TruthCount, ...]
    questions: tuple[OpaqueQuestion, ...]
    papers: tuple[PaperCount, ...]


def opaque_view(context: Context, case_id: str) -> OpaqueView:
    """Return the view of the case for Prefect."""
    return opaque(case_view(context, case_id))


def opaque_questions(context: Context, case_id: str) -> tuple[OpaqueQuestion, ...]:
    """Return the open questions alone: a cut does not depend on the rest of the view, which may fail."""
    with context.store.read() as session:
        return tuple(map(OpaqueQuestion.model_validate, open_questions(session, case_id)))


def opaque(view: CaseView) -> OpaqueView:
    """Return *view* without its person."""
    rows = [(account.connection, row) for account in view.taken for row in account.entitlements]
    alike = Counter((connection, row.kind, row.state, row.confirmed_by) for connection, row in rows)
    papers = Counter((paper.kind, paper.state) for paper in view.nda.papers)
    return OpaqueView(
        settled=sum(row.state in SETTLED for _, row in rows),
        rows=len(rows),
        paused_at=view.paused[0].paused_at if view.paused else None,
        truth=tuple(
            TruthCount(connection=connection, kind=kind, state=state, confirmed_by=by, count=count)
            for (connection, kind, state, by), count in sorted(alike.items(), key=str)
        ),
        questions=tuple(map(OpaqueQuestion.model_validate, view.questions)),
        papers=tuple(
            PaperCount(kind=kind, state=state, count=count) for (kind, state), count in sorted(papers.items(), key=str)
        ),
    )
