"""
Write the findings that keep a case open, and advance the case's state.

Code that changes a row assesses the case in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from audit.events import EventType
from casework.context import Context, all_of
from casework.lifecycle import ADVANCING, move
from casework.recording import seal
from casework.truth.deriving import derive
from casework.truth.listing import take_in
from casework.truth.reasons import reasons
from casework.truth.rows import Place, TruthTable, load
from connectors.contract import Kinds, Listing
from models.tables import CaseAccount, CaseEntitlement, Finding
from models.vocabulary import SETTLED, CaseState, EntitlementKind, EntitlementState, Standing


def assess(context: Context, session: Session, case_id: str, table: TruthTable | None = None) -> TruthTable:
    """
    Derive the rows' states, write and resolve findings, advance the case's state; return the truth table.

    *table*: the current one, if this transaction has loaded it already.  Twice in a row changes nothing.
    """
    table = table or load(context, session, case_id)
    with session.no_autoflush:  # nothing here reads what it writes
        derive(context, session, table)
        found = {finding.key: finding for finding in reasons(context, session, table)}
        known = {one.key: one for one in all_of(session, Finding, case_id, Finding.key)}
        for key, finding in found.items():
            old = known.get(key)
            since = old.opened_at if old is not None and old.resolved_at is None else None
            finding.opened_at = since or context.now()
            if old is None:
                session.add(finding)
            else:
                session.merge(finding)
            if since is None:
                _seal(context, session, finding, EventType.FINDING_OPENED)
    for key, old in known.items():
        if key not in found and old.resolved_at is None:
            old.resolved_at = context.now()
            session.add(old)
            _seal(context, session, old, EventType.FINDING_RESOLVED)
    _advance(context, session, table)
    return table


def keep_listing(
    context: Context, account: CaseAccount, listing: Listing, kinds: Kinds, *, whole: bool = False
) -> TruthTable:
    """Merge a new listing of *account* over *kinds* (*whole*: these are all kinds) and assess the case; return its table."""
    with context.store.write() as session:
        table = take_in(context, session, account, listing, kinds)
        if whole:
            session.get_one(CaseAccount, account.id).listed_at = context.now()
        return assess(context, session, account.case_id, table)


def open_findings(session: Session, case_id: str) -> list[Finding]:
    """Return the case's unresolved findings."""
    return [one for one in all_of(session, Finding, case_id, Finding.key) if one.resolved_at is None]


def _seal(context: Context, session: Session, finding: Finding, event: EventType) -> None:
    seal(
        context, session, event, finding.case_id,
        finding=str(finding.kind), connection=finding.connection, kind=finding.entitlement_kind,
        payload={"key": finding.key, "text": finding.text},
    )  # fmt: skip


def _advance(context: Context, session: Session, table: TruthTable) -> None:
    """Move the case along `cutting → contained → deprovisioned` as far as its rows allow; never back."""
    case = table.case
    if case.state not in ADVANCING or not case.for_real or case.due_at > context.now():
        return
    if case.state is not CaseState.CONTAINED and _everybody_known(context, table) and _contained(table.rows):
        move(context, session, case, CaseState.CONTAINED)
    whole = all(account.listed_at is not None for account in table.accepted.values())
    if (
        case.state is CaseState.CONTAINED
        and whole
        and all(row.state is not EntitlementState.FOUND for row in table.rows)
    ):
        move(context, session, case, CaseState.DEPROVISIONED)


def _everybody_known(context: Context, table: TruthTable) -> bool:
    """
    Whether every service of the case was searched (also those not open here), no account is doubtful, and the sign-in of each
    of the leaver's accounts was read, with its sessions where the service has any.
    """
    asked = any(account.standing is Standing.ASKED for account in table.accounts)
    seen = {(row.connection, row.account_id) for row in table.rows if row.kind is EntitlementKind.SIGN_IN}
    return (
        table.case.connections is not None
        and table.searched >= table.connections
        and not asked
        and seen >= set(table.accepted)
        and all(
            (*place, EntitlementKind.SESSION) in table.reads
            for place in table.accepted
            if _has_sessions(context, place)
        )
    )


def _has_sessions(context: Context, place: Place) -> bool:
    """Whether the service of an account has sessions to end.  One that is not open here may have some."""
    connector = context.connectors.get(place[0])
    return connector is None or EntitlementKind.SESSION in connector.manifest.kinds


def _contained(rows: Sequence[CaseEntitlement]) -> bool:
    """Whether sign-in is settled, and the end of sessions at least commanded, in every account."""
    ended = SETTLED | {EntitlementState.COMMANDED}
    return all(
        row.state in (ended if row.kind is EntitlementKind.SESSION else SETTLED)
        for row in rows
        if row.kind in {EntitlementKind.SIGN_IN, EntitlementKind.SESSION}
    )
