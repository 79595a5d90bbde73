"""The truth table of a case: its accounts, rows and reads, as they are stored; and the services that no table is about any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlmodel import Session, col, select

from casework.consents import living, use_up
from casework.context import Context
from casework.question_kinds import TENANT
from casework.truth.states import WHOLE_KIND
from models.tables import Case, CaseAccount, CaseEntitlement, KindRead, Question, Search
from models.vocabulary import SIGNED, ConnectionId, EntitlementKind, QuestionKind, Standing

Place: TypeAlias = "tuple[ConnectionId, str]"
KindPlace: TypeAlias = "tuple[ConnectionId, str, EntitlementKind]"


@dataclass(frozen=True, slots=True)
class TruthTable:
    """
    What is stored of *case*, loaded once for a transaction: what its rows, its findings and its state follow from.

    *connections*: those that the case is about.  *accounts* are all candidates, *rows* those of the *accepted* ones alone, in the
    order of the cut.
    """

    case: Case
    connections: frozenset[ConnectionId]
    searches: Sequence[Search]
    accounts: Sequence[CaseAccount]
    accepted: Mapping[Place, CaseAccount]
    rows: Sequence[CaseEntitlement]
    reads: Mapping[KindPlace, KindRead]

    @property
    def searched(self) -> frozenset[ConnectionId]:
        """The services of which the newest search succeeded."""
        return frozenset(search.connection for search in self.searches if search.problem is None)

    @property
    def signed_kinds(self) -> frozenset[KindPlace]:
        """The kinds that could not be looked at, and that somebody signed for as a whole."""
        whole = [row for row in self.rows if row.vendor_id == WHOLE_KIND and row.state in SIGNED]
        return frozenset((row.connection, row.account_id, row.kind) for row in whole)


def load(context: Context, session: Session, case: Case) -> TruthTable:
    """Read the table of *case*; its rows are the session's own, so that what is written to them stays in it."""
    gone = retired(context, session)
    accounts = [one for one in accounts_of(session, case.id) if one.connection not in gone]
    accepted = {(one.connection, one.vendor_id): one for one in accounts if one.standing is Standing.ACCEPTED}
    searches = session.exec(select(Search).where(Search.case_id == case.id)).all()
    return TruthTable(
        case,
        frozenset(case.connections or ()) - gone,
        [search for search in searches if search.connection not in gone],
        accounts,
        accepted,
        [row for row in rows_of(session, case.id) if (row.connection, row.account_id) in accepted],
        reads_of(session, case.id),
    )


def accounts_of(session: Session, case_id: str, *connections: ConnectionId) -> Sequence[CaseAccount]:
    """Return the case's candidate accounts, of *connections* or of all."""
    query = select(CaseAccount).where(CaseAccount.case_id == case_id).order_by(col(CaseAccount.id))
    if connections:
        query = query.where(col(CaseAccount.connection).in_(connections))
    return session.exec(query).all()


def rows_of(session: Session, case_id: str, account: CaseAccount | None = None) -> list[CaseEntitlement]:
    """Return the case's rows, or those of one account, in the order of the cut."""
    query = select(CaseEntitlement).where(CaseEntitlement.case_id == case_id)
    if account is not None:
        query = query.where(
            CaseEntitlement.connection == account.connection, CaseEntitlement.account_id == account.vendor_id
        )
    return sorted(session.exec(query).all(), key=lambda row: (row.connection, row.account_id, row.order, row.id))


def accepted_accounts(session: Session, case_id: str, *connections: ConnectionId) -> list[CaseAccount]:
    """Return the accounts that are the leaver's, of *connections* or of all."""
    return [one for one in accounts_of(session, case_id, *connections) if one.standing is Standing.ACCEPTED]


def accepted_rows(session: Session, case_id: str) -> list[CaseEntitlement]:
    """Return the rows of the accounts that are the leaver's, in the order of the cut."""
    accepted = {(one.connection, one.vendor_id) for one in accepted_accounts(session, case_id)}
    return [row for row in rows_of(session, case_id) if (row.connection, row.account_id) in accepted]


def reads_of(session: Session, case_id: str) -> dict[KindPlace, KindRead]:
    """Return what is known by reading, by service, account and kind."""
    found = session.exec(select(KindRead).where(KindRead.case_id == case_id)).all()
    return {(read.connection, read.account_id, read.kind): read for read in found}


def in_use(context: Context) -> frozenset[ConnectionId]:
    """Return the connections that cannot be retired: those of the settings, and those that are open here."""
    return context.configured | frozenset(context.connectors)


def retired(context: Context, session: Session) -> frozenset[ConnectionId]:
    """
    Return the connections that two people have retired and that have not been used since: what was there is no longer looked
    for, and keeps no case open.
    """
    agreed = living(session, TENANT, QuestionKind.RETIRE)
    return frozenset(str(question.subject) for question in agreed) - in_use(context)


def end_retirement(context: Context, session: Session, connection: ConnectionId) -> None:
    """Let what was asked and agreed about retiring *connection* count no more: it was used, a tenant is there again."""
    asked = select(Question).where(Question.case_id == TENANT, Question.kind == QuestionKind.RETIRE)
    of_it = asked.where(Question.subject == str(connection), col(Question.used_at).is_(None))
    use_up(context, session, session.exec(of_it).all())
