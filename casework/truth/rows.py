"""The truth table of a case: its stored accounts, rows and reads; and the retired services, which no table contains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import bindparam
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from casework.consents import living, use_up
from casework.context import Context, all_of, case_in
from casework.question_kinds import TENANT
from casework.truth.states import WHOLE_KIND
from models.tables import Attestation, Case, CaseAccount, CaseEntitlement, KindRead, Question, Search
from models.vocabulary import SIGNED, ConnectionId, EntitlementKind, QuestionKind, Standing

Place: TypeAlias = "tuple[ConnectionId, str]"
KindPlace: TypeAlias = "tuple[ConnectionId, str, EntitlementKind]"
_LATEST_FIRST = col(Attestation.attested_at).desc()
_ROWS_OF_ACCOUNT = select(CaseEntitlement).where(
    CaseEntitlement.case_id == bindparam("case_id"), CaseEntitlement.connection == bindparam("connection"),
    CaseEntitlement.account_id == bindparam("account_id"),
)  # fmt: skip
_LIGHT_READS = (
    select(KindRead)
    .where(KindRead.case_id == bindparam("case_id"))
    .options(
        defer(KindRead.exchanges)  # type: ignore[arg-type]  # SQLModel makes it a column
    )
)
_RETIRING = select(Question).where(
    Question.case_id == TENANT, Question.kind == QuestionKind.RETIRE, Question.subject == bindparam("subject"),
    col(Question.used_at).is_(None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TruthTable:
    """
    The stored data of *case*, loaded once for a transaction: its row states, findings and state are derived from it.

    *connections*: the services of the case.  *accounts*: all candidates; *every*: their rows; *rows*: the rows of *accepted*
    accounts alone, in the order of the cut.  *attestations*: the latest first.
    """

    case: Case
    connections: frozenset[ConnectionId]
    searches: Sequence[Search]
    accounts: Sequence[CaseAccount]
    accepted: Mapping[Place, CaseAccount]
    every: list[CaseEntitlement]
    reads: dict[KindPlace, KindRead]
    attestations: Sequence[Attestation]

    @property
    def rows(self) -> list[CaseEntitlement]:
        """The rows of the accounts that are the leaver's."""
        return [row for row in in_order(self.every) if (row.connection, row.account_id) in self.accepted]

    def rows_of(self, account: CaseAccount) -> list[CaseEntitlement]:
        """Return the rows of one account, in the order of the cut."""
        place = account.connection, account.vendor_id
        return in_order(row for row in self.every if (row.connection, row.account_id) == place)

    @property
    def searched(self) -> frozenset[ConnectionId]:
        """The services whose newest search succeeded."""
        return frozenset(search.connection for search in self.searches if search.problem is None)

    @property
    def signed_kinds(self) -> frozenset[KindPlace]:
        """The kinds that could not be read and that a person signed for as a whole."""
        whole = [row for row in self.rows if row.vendor_id == WHOLE_KIND and row.state in SIGNED]
        return frozenset((row.connection, row.account_id, row.kind) for row in whole)


def load(context: Context, session: Session, case_id: str) -> TruthTable:
    """Load the table of a case.  Its rows are the session's own objects: a change to them is in the table too."""
    session.flush()
    case = case_in(session, case_id)
    found, searched = accounts_of(session, case_id), all_of(session, Search, case_id, Search.connection)
    about = {*(case.connections or ()), *(one.connection for one in found), *(one.connection for one in searched)}
    gone = retired(context, session) if about - in_use(context) else frozenset()
    accounts = [one for one in found if one.connection not in gone]
    return TruthTable(
        case,
        frozenset(case.connections or ()) - gone,
        [search for search in searched if search.connection not in gone],
        accounts,
        {(one.connection, one.vendor_id): one for one in accounts if one.standing is Standing.ACCEPTED},
        rows_of(session, case_id),
        reads_of(session, case_id),
        all_of(session, Attestation, case_id, _LATEST_FIRST),
    )


def accounts_of(session: Session, case_id: str, *connections: ConnectionId) -> Sequence[CaseAccount]:
    """Return the case's candidate accounts, of *connections* or of all."""
    found = all_of(session, CaseAccount, case_id, CaseAccount.id)
    return [one for one in found if one.connection in connections] if connections else found


def rows_of(session: Session, case_id: str, account: CaseAccount | None = None) -> list[CaseEntitlement]:
    """Return the case's rows, or those of one account, in the order of the cut."""
    if account is None:
        return in_order(all_of(session, CaseEntitlement, case_id, CaseEntitlement.id))
    its = {"case_id": case_id, "connection": account.connection, "account_id": account.vendor_id}
    return in_order(session.exec(_ROWS_OF_ACCOUNT, params=its).all())


def in_order(rows: Iterable[CaseEntitlement]) -> list[CaseEntitlement]:
    """Return *rows* account by account, each in the order of the cut."""
    return sorted(rows, key=lambda row: (row.connection, row.account_id, row.order, row.id))


def accepted_accounts(session: Session, case_id: str, *connections: ConnectionId) -> list[CaseAccount]:
    """Return the accounts that are the leaver's, of *connections* or of all."""
    return [one for one in accounts_of(session, case_id, *connections) if one.standing is Standing.ACCEPTED]


def accepted(context: Context, case_id: str, *connections: ConnectionId) -> list[CaseAccount]:
    """Return the leaver's accounts, read in a transaction of its own."""
    with context.store.read() as session:
        return accepted_accounts(session, case_id, *connections)


def case_and_accepted(context: Context, case_id: str, *connections: ConnectionId) -> tuple[Case, list[CaseAccount]]:
    """Return the case and the leaver's accounts, read in a transaction of its own."""
    with context.store.read() as session:
        return case_in(session, case_id), accepted_accounts(session, case_id, *connections)


def with_rows(
    accounts: Iterable[CaseAccount], rows: Sequence[CaseEntitlement]
) -> list[tuple[CaseAccount, list[CaseEntitlement]]]:
    """Return each of *accounts* with its own *rows*."""
    return [
        (one, [row for row in rows if (row.connection, row.account_id) == (one.connection, one.vendor_id)])
        for one in accounts
    ]


def accepted_rows(session: Session, case_id: str) -> list[CaseEntitlement]:
    """Return the rows of the accounts that are the leaver's, in the order of the cut."""
    accepted = {(one.connection, one.vendor_id) for one in accepted_accounts(session, case_id)}
    return [row for row in rows_of(session, case_id) if (row.connection, row.account_id) in accepted]


def reads_of(session: Session, case_id: str) -> dict[KindPlace, KindRead]:
    """Return the case's reads by service, account and kind; their exchanges, which are long, are loaded on access."""
    found = session.exec(_LIGHT_READS, params={"case_id": case_id}).all()
    return {(read.connection, read.account_id, read.kind): read for read in found}


def in_use(context: Context) -> frozenset[ConnectionId]:
    """Return the connections that cannot be retired: those of the settings, and those that are open here."""
    return context.configured | frozenset(context.connectors)


def retired(context: Context, session: Session) -> frozenset[ConnectionId]:
    """
    Return the connections that two people have retired and that have not been used since: they are no longer searched,
    and keep no case open.
    """
    agreed = living(session, TENANT, QuestionKind.RETIRE)
    return frozenset(str(question.subject) for question in agreed) - in_use(context)


def end_retirement(context: Context, session: Session, connection: ConnectionId) -> None:
    """End every request and consent to retire *connection*: it was used, so its tenant exists again."""
    use_up(context, session, session.exec(_RETIRING, params={"subject": str(connection)}).all())
