"""The outcome of each row in a restore, decided before any request; and which other cases claim an account."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, or_, select

from casework.context import Context
from casework.lifecycle import TAKEN_BACK, wake
from casework.question_kinds import YES
from casework.questions import ask
from casework.truth.states import FOR_A_PERSON, PERHAPS_TAKEN
from connectors.contract import KindManifest
from models.tables import Case, CaseAccount, CaseEntitlement, Look, Question
from models.vocabulary import (
    CaseState,
    Guard,
    QuestionKind,
    Restorability,
    RestoreOutcome,
    RevocationResult,
    Standing,
)

_BEGUN = frozenset({None, RestoreOutcome.PENDING, RestoreOutcome.CONFIRMED})
TO_GO_ON = _BEGUN | {RestoreOutcome.PROBLEM, RestoreOutcome.CLAIMED}
"""Outcomes with which a restore, also a repeated one, takes a row up."""


def concerns(row: CaseEntitlement) -> bool:
    """Whether *row* needs an outcome in a restore: our request to revoke it was not refused, or has no outcome."""
    return row.attempts > 0 and (row.result in PERHAPS_TAKEN or row.op is not None)


def goes_on(row: CaseEntitlement) -> bool:
    """Whether *row* has no outcome of a restore yet."""
    return concerns(row) and row.restored in _BEGUN


def unended(row: CaseEntitlement) -> bool:
    """Whether an approved restore may still give *row* back, perhaps after a person's answer."""
    return concerns(row) and row.restored in TO_GO_ON | FOR_A_PERSON


def fate_of(
    row: CaseEntitlement, line: KindManifest | None, *, claimed: bool, confirmed: bool
) -> RestoreOutcome | None:
    """
    Return the outcome of *row*; None: it is to be given back.

    A row is given back only if the vendor accepted our command to revoke it, or a person has *confirmed* that we revoked it.  A row
    that was gone before, or whose outcome is unknown, may be another person's revocation: a person is asked.
    """
    if row.restored not in TO_GO_ON:
        return row.restored
    if claimed:
        return RestoreOutcome.CLAIMED
    if "through_group" in row.prestate or row.guard is Guard.INHERITED:  # it comes and goes with the group
        return RestoreOutcome.NOT_RESTORABLE
    if line is not None and line.restores is not Restorability.RESTORED:
        return RestoreOutcome(line.restores.value)
    ours = row.result is RevocationResult.COMMANDED and row.op is None
    return None if ours or confirmed else RestoreOutcome.ASKED


def confirmed(session: Session, row: CaseEntitlement) -> bool:
    """Whether a person has confirmed that we revoked *row*, and we have not asked to revoke it since."""
    about = select(Question).where(Question.kind == QuestionKind.TAKEN_BY_US, Question.subject == row.id)
    said = about.where(Question.case_id == row.case_id, col(Question.answered_at).is_not(None))
    last = session.exec(said.order_by(col(Question.answered_at).desc())).first()
    if last is None or last.answered_at is None or last.answer != [YES]:
        return False
    return row.commanded_at is None or last.answered_at >= row.commanded_at


def claimants(context: Context, session: Session, row: CaseEntitlement) -> Sequence[Case]:
    """
    Return the other cases that revoke the account of *row* too: for real, due or begun, and not taken back.

    A case that is not due yet claims nothing: until then the person works.
    """
    begun = select(CaseEntitlement.case_id).where(
        CaseEntitlement.connection == row.connection, CaseEntitlement.account_id == row.account_id, CaseEntitlement.attempts > 0,
    )  # fmt: skip
    query = select(Case).join(CaseAccount, col(CaseAccount.case_id) == col(Case.id)).where(
        CaseAccount.connection == row.connection, CaseAccount.vendor_id == row.account_id,
        CaseAccount.standing == Standing.ACCEPTED, Case.id != row.case_id, col(Case.state).not_in([*TAKEN_BACK]),
        col(Case.for_real).is_(True), col(Case.erased_at).is_(None),
        or_(col(Case.due_at) <= context.now(), col(Case.id).in_(begun)),
    )  # fmt: skip
    return session.exec(query).all()


def ask_taken(context: Context, session: Session, row: CaseEntitlement) -> Question:
    """Ask a person whether we revoked *row*; asking twice makes one question."""
    return ask(
        context, session, QuestionKind.TAKEN_BY_US, row.case_id,
        subject=row.id, connection=row.connection, kind=row.kind, payload={"entitlement": row.id},
    )  # fmt: skip


def let_ask(context: Context, session: Session, case: Case) -> None:
    """
    Ask a person about the rows that other cases' restores left to *case*, before it is erased: afterwards nobody can know
    that *case* held their accounts.
    """
    held = select(CaseAccount).where(CaseAccount.case_id == case.id, CaseAccount.standing == Standing.ACCEPTED)
    for account in session.exec(held).all() if case.state is CaseState.CLOSED else ():
        left = select(CaseEntitlement).where(
            CaseEntitlement.connection == account.connection, CaseEntitlement.account_id == account.vendor_id,
            CaseEntitlement.case_id != case.id, CaseEntitlement.restored == RestoreOutcome.CLAIMED,
            col(CaseEntitlement.case_id).in_(select(Case.id).where(col(Case.erased_at).is_(None))),
        )  # fmt: skip
        for row in session.exec(left).all():
            row.restored, row.problem = (
                RestoreOutcome.ASKED,
                "another case took this account away too, and was erased since",
            )
            row.remedy = (
                "Only if the person works here: `lastday restore CASE --entitlement ID`; if not, add --not-ours."
            )
            session.add(row)
            ask_taken(context, session, row)


def look_anew(context: Context, session: Session, row: CaseEntitlement) -> None:
    """Wake or recheck the cases that claim *row*: they have to see closed what this case did not give back."""
    for case in claimants(context, session, row):
        wake(session, case)
        if case.state is CaseState.CLOSED:
            session.merge(Look(case_id=case.id, label="restore", due_at=context.now()))
