"""
The last administrator: one administrator of a tenant is never cut.

Who is left is computed from the newest read of the account, less the blocks that all cases, on all machines, ask for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import bindparam
from sqlmodel import Session, and_, col, or_, select

from casework.context import Context
from casework.lifecycle import UNDER_WAY
from casework.truth.states import ACCEPTED
from models.tables import Case, CaseAccount, CaseEntitlement, KindRead
from models.vocabulary import EntitlementKind, Guard, RevocationResult, Standing

_FRESH = timedelta(seconds=60)
_SHOWN_STILL = timedelta(minutes=15)
"""How long a vendor may go on showing an administrator whose block it has accepted."""
_RULING = frozenset({EntitlementKind.SIGN_IN, EntitlementKind.ROLE})
_BLOCK_READ = select(KindRead.read_at, KindRead.administrators).where(
    KindRead.case_id == bindparam("case_id"), KindRead.connection == bindparam("connection"),
    KindRead.account_id == bindparam("account_id"), KindRead.kind == EntitlementKind.SIGN_IN,
)  # fmt: skip
_STALE = "who else is an administrator was last read more than a minute ago"


def is_last(context: Context, session: Session, account: CaseAccount, administrators: Collection[str]) -> bool:
    """
    Whether cutting *account* would leave none of the *administrators* that a read of it showed.

    An administrator counts as gone if a case has lately asked for the block, or if they leave earlier.  If all leave, the
    last to leave stays until another is named; every machine finds the same one.
    """
    others = {one.casefold() for one in administrators} - {account.vendor_id.casefold()}
    return bool(administrators) and others <= _gone(context, session, account)


def spare_the_last(
    context: Context, session: Session, account: CaseAccount, rows: Sequence[CaseEntitlement]
) -> list[CaseEntitlement]:
    """
    Return those of *rows* that may be asked for, without the block and roles of the last administrator, which get the guard.
    Called in the intent's own transaction.

    A read that is older than a minute does not show who is left: then block and roles fail, and wait for the next read.
    """
    if not any(row.kind in _RULING for row in rows):
        return [*rows]
    place = {"case_id": account.case_id, "connection": account.connection, "account_id": account.vendor_id}
    read_at, administrators = session.exec(_BLOCK_READ, params=place).one_or_none() or (None, ())
    if read_at is None or not administrators:
        return [*rows]
    stale = context.now() - read_at > _FRESH
    if not stale and not is_last(context, session, account, administrators):
        return [*rows]
    for row in rows:
        if row.kind not in _RULING:
            continue
        if not stale:
            row.guard = Guard.LAST_ADMIN
        elif row.result not in ACCEPTED:
            row.result, row.problem = RevocationResult.FAILED, _STALE
        session.add(row)
    return [row for row in rows if row.kind not in _RULING]


def _gone(context: Context, session: Session, account: CaseAccount) -> set[str]:
    """Return, in lower case, the accounts that other cases ask to block, or whose case is due before this one."""
    case, since = session.get_one(Case, account.case_id), context.now() - _SHOWN_STILL
    earlier = or_(col(Case.due_at) < case.due_at, and_(col(Case.due_at) == case.due_at, col(Case.id) < case.id))
    leaving = select(CaseAccount.vendor_id).join(Case, col(Case.id) == col(CaseAccount.case_id)).where(
        CaseAccount.connection == account.connection, CaseAccount.standing == Standing.ACCEPTED,
        col(Case.for_real).is_(True), col(Case.state).in_(UNDER_WAY), earlier,
    )  # fmt: skip
    asked = select(CaseEntitlement.account_id).join(Case, col(Case.id) == col(CaseEntitlement.case_id)).where(
        CaseEntitlement.connection == account.connection, CaseEntitlement.kind == EntitlementKind.SIGN_IN,
        or_(col(CaseEntitlement.op).is_not(None), col(CaseEntitlement.commanded_at) >= since),
        or_(col(Case.state).in_(UNDER_WAY), col(Case.closed_at) >= since),
    )  # fmt: skip
    return {one.casefold() for query in (leaving, asked) for one in session.exec(query).all()}
