"""The truth table: its accounts, rows and reads, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from models.tables import CaseAccount, CaseEntitlement, KindRead
from models.vocabulary import ConnectionId, EntitlementKind, Standing


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


def reads_of(session: Session, case_id: str) -> dict[tuple[ConnectionId, str, EntitlementKind], KindRead]:
    """Return what is known by reading, by service, account and kind."""
    found = session.exec(select(KindRead).where(KindRead.case_id == case_id)).all()
    return {(read.connection, read.account_id, read.kind): read for read in found}
