"""The inventory of the leaver's accounts, and the plan of revocations, sealed before the cut."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from audit.events import EventType
from casework.connections import CONTAINMENT, SIGN_IN, kinds_for, read_access
from casework.context import Context, case_in
from casework.lifecycle import PLAN_WANTED, known_since, move
from casework.recording import seal
from casework.truth.findings import assess, keep_listing
from casework.truth.listing import take_in
from casework.truth.rows import (
    KindPlace,
    TruthTable,
    accepted_accounts,
    accepted_rows,
    load,
    reads_of,
    rows_of,
    with_rows,
)
from casework.truth.states import is_fresh
from connectors.contract import Kinds, Listing
from models.tables import Case, CaseAccount, CaseEntitlement, KindRead, Plan
from models.vocabulary import CaseState, ConnectionId, EntitlementKind, EntitlementState

_NOT_AT_ALL = timedelta(0)
_EMERGENCY_WAITS = 2.0
"""Seconds for listing sessions with the sign-in.  A choice: a separate listing costs one more request at most vendors."""
_NEWEST = select(Plan).where(Plan.case_id == bindparam("case_id")).order_by(col(Plan.id).desc()).limit(1)


def unlisted(context: Context, case_id: str, *connections: ConnectionId) -> list[CaseAccount]:
    """Return the accepted accounts that have never been listed: they were accepted, or created, since the plan."""
    with context.store.read() as session:
        accounts = with_rows(accepted_accounts(session, case_id, *connections), rows_of(session, case_id))
    return [account for account, rows in accounts if is_unlisted(account, rows)]


def is_unlisted(account: CaseAccount, rows: Sequence[CaseEntitlement]) -> bool:
    """Whether *account*, which has *rows*, was never listed."""
    return account.listed_at is None and not rows


def has_unread_sessions(context: Context, account: CaseAccount) -> bool:
    """Whether the service has sessions, and those of *account* were never asked for: the block did not wait for them."""
    if EntitlementKind.SESSION not in context.connectors[account.connection].manifest.kinds:
        return False
    with context.store.read() as session:
        return (account.connection, account.vendor_id, EntitlementKind.SESSION) not in reads_of(
            session, account.case_id
        )


def uncontained(context: Context, case_id: str, connection: ConnectionId) -> bool:
    """Whether an accepted account is new since its service was contained: its block comes first."""
    with context.store.read() as session:
        accounts = with_rows(accepted_accounts(session, case_id, connection), rows_of(session, case_id))
    found = {(row.kind, row.state) for _, rows in accounts for row in rows}
    unknown = any(account.listed_at is None and not rows for account, rows in accounts)
    return unknown or (EntitlementKind.SIGN_IN, EntitlementState.FOUND) in found


async def list_and_plan(context: Context, case_id: str, *connections: ConnectionId) -> None:
    """List access before the cut, in *connections* or in all, and seal the plan.  An emergency lists containment alone."""
    case = await context.store.run(context.case, case_id)
    cut_first = _cut_first(case)
    await take_inventory(context, case_id, *connections, kinds=CONTAINMENT if cut_first else None)
    await context.store.run(seal_plan, context, case_id, scope="containment" if cut_first else "full")


async def list_what_is_due(context: Context, case: Case, account: CaseAccount, block_by: float) -> TruthTable:
    """
    List what a due cut of *account* must know before its block, and seal that plan in the same transaction.  Return the table.

    These are the kinds of containment and, for a scheduled departure, those that are revoked before the block or closed by it.
    The block waits for the listing until *block_by* (the event loop's clock), in an emergency two seconds.  Then the sign-in
    alone is listed: a vendor may allow only a few listings of sessions a minute.
    """
    connector = context.connectors[account.connection]
    at_once = case.at_once_at is not None  # contained or not: an account found since is as urgent
    early = {
        line.kind
        for line in connector.manifest.kinds.values()
        if line.order < 0 or line.implied_by is EntitlementKind.SIGN_IN
    }
    patience = _EMERGENCY_WAITS if at_once else max(0.0, block_by - asyncio.get_running_loop().time())

    def listing(kinds: Kinds) -> asyncio.Future[TruthTable]:
        return asyncio.ensure_future(_list_and_plan(context, account, kinds_for(case, connector, kinds)))

    wanted = CONTAINMENT if at_once else CONTAINMENT | early
    listings = [listing(wanted)]
    try:
        done, _ = await asyncio.wait(listings, timeout=patience)
        if not done:
            listings.append(listing(SIGN_IN))
            done, _ = await asyncio.wait(listings, return_when=asyncio.FIRST_COMPLETED)
        return next(one.result() for one in listings if one in done)
    finally:
        for one in listings:
            one.cancel()
        await asyncio.gather(*listings, return_exceptions=True)


async def _list_and_plan(context: Context, account: CaseAccount, kinds: Kinds) -> TruthTable:
    listing = await read_access(context, account, kinds)
    return await context.store.run(_keep_and_plan, context, account, listing, kinds)


def _keep_and_plan(context: Context, account: CaseAccount, listing: Listing, kinds: Kinds) -> TruthTable:
    """Merge a new listing of what is due, seal the plan with it, and assess the case; return its table."""
    with context.store.write() as session:
        table = take_in(context, session, account, listing, kinds)
        _seal_plan(context, session, table.case, table.rows, "containment")
        _note_planned(context, session, table)
        return assess(context, session, account.case_id, table)


def _cut_first(case: Case) -> bool:
    return case.at_once_at is not None and case.contained_at is None and case.for_real


async def take_inventory(
    context: Context, case_id: str, *connections: ConnectionId, kinds: Kinds | None = None,
    known_for: timedelta = _NOT_AT_ALL, blocked: bool = False,
) -> None:  # fmt: skip
    """
    List the access of all accepted accounts in *connections*, or in all, at once, and merge it into the truth table.

    Kinds that were read within *known_for* (with *blocked*, also since the block was seen) are not read again: see `unread_since`.
    """
    wanted = await context.store.run(
        _wanted, context, case_id, *connections, kinds=kinds, known_for=known_for, blocked=blocked
    )
    await asyncio.gather(*(_inventory(context, one, its, whole=kinds is None) for one, its in wanted))


def _wanted(
    context: Context, case_id: str, *connections: ConnectionId, kinds: Kinds | None, known_for: timedelta, blocked: bool
) -> list[tuple[CaseAccount, Kinds]]:
    """Return the accounts that are to be listed, each with the kinds that are to be read of it."""
    with context.store.read() as session:
        case, accounts = case_in(session, case_id), accepted_accounts(session, case_id, *connections)
        wanted = [
            (one, kinds_for(case, context.connectors[one.connection], kinds))
            for one in accounts
            if one.connection in context.connectors
        ]
        since = known_since(case, context.now(), known_for) if known_for > _NOT_AT_ALL else None
        if since is not None:
            reads = reads_of(session, case_id)
            wanted = [
                (one, _unread(one, its, since, reads, rows_of(session, case_id, one), blocked=blocked))
                for one, its in wanted
            ]
    return [(one, its) for one, its in wanted if its or one.listed_at is None]


def unread_since(
    context: Context, account: CaseAccount, kinds: Kinds, known_for: timedelta, *, blocked: bool = False
) -> Kinds:
    """Return those of *kinds* that have to be read although others were read within *known_for*: see `_unread`."""
    with context.store.read() as session:
        since = known_since(case_in(session, account.case_id), context.now(), known_for)
        if since is None:
            return kinds
        reads, rows = reads_of(session, account.case_id), rows_of(session, account.case_id, account)
    return _unread(account, kinds, since, reads, rows, blocked=blocked)


def unread_in(context: Context, table: TruthTable, account: CaseAccount, kinds: Kinds, known_for: timedelta) -> Kinds:
    """Return what `unread_since` returns, from a *table* that this moment's transaction has left."""
    since = known_since(table.case, context.now(), known_for)
    return (
        kinds if since is None else _unread(account, kinds, since, table.reads, table.rows_of(account), blocked=False)
    )


def _unread(
    account: CaseAccount, kinds: Kinds, since: datetime, reads: Mapping[KindPlace, KindRead],
    rows: Sequence[CaseEntitlement], *, blocked: bool,
) -> Kinds:  # fmt: skip
    """
    Return the *kinds* to read again: those without a successful read *since* then (`known_since`) or, with *blocked*, since the
    account's block was seen; those with a request that is not seen closed; a sign-in that was asked for, since it may come
    back; and those whose read listed the tenant's administrators.
    """
    signs = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    asked = {
        row.kind
        for row in rows
        if row.attempts > 0 and (row in signs or row.state is not EntitlementState.OBSERVED_CLOSED)
    }
    if blocked:
        seen = [row.observed_at for row in signs if row.observed_at is not None]
        if not signs or len(seen) < len(signs):
            return kinds
        since = max(since, *seen)
    read = filter(None, (reads.get((account.connection, account.vendor_id, kind)) for kind in kinds - asked))
    return kinds - {
        one.kind for one in read if one.failed_as is None and is_fresh(one, since) and not one.administrators
    }


async def _inventory(context: Context, account: CaseAccount, kinds: Kinds, *, whole: bool) -> None:
    listing = await read_access(context, account, kinds)
    await context.store.run(keep_listing, context, account, listing, kinds, whole=whole)


def seal_plan(context: Context, case_id: str, *, scope: str = "full") -> None:
    """Write and seal the ordered revocations with their read-backs, unless the newest plan says the same."""
    with context.store.write() as session:
        case = case_in(session, case_id)
        _seal_plan(context, session, case, accepted_rows(session, case_id), scope)
        if case.state in PLAN_WANTED:
            table = load(context, session, case_id)
            _note_planned(context, session, table)
            assess(context, session, case_id, table)


def _seal_plan(context: Context, session: Session, case: Case, rows: Sequence[CaseEntitlement], scope: str) -> None:
    content = [_line(row) for row in rows]
    newest = session.exec(_NEWEST, params={"case_id": case.id}).first()
    if newest is not None and (newest.content, newest.scope) == (content, scope):
        return
    nonce = context.name("nonce")  # so that nobody can guess the plan from its public digest
    sha256 = hashlib.sha256(rfc8785.dumps({"nonce": nonce, "plan": content})).hexdigest()
    policy = context.policy.sha256
    session.add(
        Plan(
            case_id=case.id,
            scope=scope,
            sealed_at=context.now(),
            sha256=sha256,
            policy_sha256=policy,
            content=content,
        )
    )
    seal(
        context, session, EventType.PLAN_SEALED, case.id,
        plan_sha256=sha256, policy_sha256=policy, scope=scope, count=len(content),
        payload={"nonce": nonce, "plan": content},
    )  # fmt: skip


def _note_planned(context: Context, session: Session, table: TruthTable) -> None:
    """Move a case that wants a plan to `waiting`, or to `planned` while a service was not searched."""
    case = table.case
    whole = CaseState.WAITING if table.searched >= table.connections else CaseState.PLANNED
    if case.state in PLAN_WANTED and case.state is not whole:
        move(context, session, case, whole)


def _line(row: CaseEntitlement) -> dict[str, Any]:
    """Return one line of the plan, without values that carrying it out changes: a repeated plan is the same plan."""
    return {
        "entitlement": row.id,
        "order": row.order,
        "confirmation": str(row.confirmation),
        "guard": str(row.guard or ""),
    }
