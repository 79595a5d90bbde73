"""The truth table of one case, loaded once for a transaction: what its rows, its findings and its state follow from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlmodel import Session, select

from casework.context import Context
from casework.truth.retired import retired
from casework.truth.rows import accounts_of, reads_of, rows_of
from casework.truth.states import WHOLE_KIND
from models.tables import Case, CaseAccount, CaseEntitlement, KindRead, Search
from models.vocabulary import SIGNED, ConnectionId, EntitlementKind, Standing

Place: TypeAlias = "tuple[ConnectionId, str]"
KindPlace: TypeAlias = "tuple[ConnectionId, str, EntitlementKind]"


@dataclass(frozen=True, slots=True)
class TruthTable:
    """
    What is stored of *case*, without the services that were retired.

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
