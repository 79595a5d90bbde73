"""What the leaver's accounts hold, and the plan of what will be taken away: sealed before the cut."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import rfc8785
from sqlmodel import col, select

from audit.events import EventType
from casework.connections import CONTAINMENT, kinds_for, read_access
from casework.context import Context
from casework.lifecycle import PLAN_WANTED, move
from casework.recording import seal
from casework.truth.findings import assess
from casework.truth.listing import take_in
from casework.truth.rows import accepted_accounts, accepted_rows, load, rows_of
from connectors.contract import Kinds
from models.tables import Case, CaseAccount, CaseEntitlement, Plan
from models.vocabulary import CaseState, ConnectionId, EntitlementKind, EntitlementState


def unlisted(context: Context, case_id: str, connection: ConnectionId) -> bool:
    """Whether an accepted account has never been listed: decided about, or made, since the plan."""
    with context.store.read() as session:
        accepted = accepted_accounts(session, case_id, connection)
        return any(account.listed_at is None and not rows_of(session, case_id, account) for account in accepted)


def uncontained(context: Context, case_id: str, connection: ConnectionId) -> bool:
    """Whether an accepted account was not there, or not accepted, when its service was contained: its block comes first."""
    with context.store.read() as session:
        rows = [row for row in accepted_rows(session, case_id) if row.connection == connection]
    found = any(row.kind is EntitlementKind.SIGN_IN and row.state is EntitlementState.FOUND for row in rows)
    return found or unlisted(context, case_id, connection)


async def list_and_plan(context: Context, case_id: str, *connections: ConnectionId) -> None:
    """
    List what is to be listed before the cut, of an emergency the containment alone, in *connections* or in all, and seal the
    plan.
    """
    case = context.case(case_id)
    cut_first = case.at_once_at is not None and case.contained_at is None and case.for_real
    await take_inventory(context, case_id, *connections, kinds=CONTAINMENT if cut_first else None)
    seal_plan(context, case_id, scope="containment" if cut_first else "full")


async def take_inventory(
    context: Context, case_id: str, *connections: ConnectionId, kinds: Kinds | None = None
) -> None:
    """List the access of every accepted account, in *connections* or in all, at once, and merge it into the truth table."""
    with context.store.read() as session:
        accounts = accepted_accounts(session, case_id, *connections)
    await asyncio.gather(
        *(_inventory(context, account, kinds) for account in accounts if account.connection in context.connectors)
    )


async def _inventory(context: Context, account: CaseAccount, kinds: Kinds | None) -> None:
    wanted = kinds_for(context.case(account.case_id), context.connectors[account.connection], kinds)
    listing = await read_access(context, account, wanted)
    with context.store.write() as session:
        if kinds is None:
            account.listed_at = context.now()
            session.add(account)
        take_in(context, session, account, listing, wanted)
        assess(context, session, account.case_id)


def seal_plan(context: Context, case_id: str, *, scope: str = "full") -> None:
    """Write and seal the ordered revocations with their read-backs, unless the newest plan says the same."""
    with context.store.write() as session:
        case = session.get_one(Case, case_id)
        content = [_line(row) for row in accepted_rows(session, case_id)]
        newest = session.exec(select(Plan).where(Plan.case_id == case_id).order_by(col(Plan.id).desc())).first()
        if newest is None or (newest.content, newest.scope) != (content, scope):
            nonce = context.name("nonce")  # so that the digest, which is public, tells nothing of a guessable plan
            sha256 = hashlib.sha256(rfc8785.dumps({"nonce": nonce, "plan": content})).hexdigest()
            session.add(
                Plan(
                    case_id=case_id,
                    scope=scope,
                    sealed_at=context.now(),
                    sha256=sha256,
                    policy_sha256=context.policy.sha256,
                    content=content,
                )
            )
            seal(
                context, session, EventType.PLAN_SEALED, case_id,
                plan_sha256=sha256, policy_sha256=context.policy.sha256, scope=scope, count=len(content),
                payload={"nonce": nonce, "plan": content},
            )  # fmt: skip
        table = load(context, session, case)
        whole = CaseState.WAITING if table.searched >= table.connections else CaseState.PLANNED
        if case.state in PLAN_WANTED and case.state is not whole:
            move(context, session, case, whole)
        assess(context, session, case_id)


def _line(row: CaseEntitlement) -> dict[str, Any]:
    """One line of the plan.  Only what does not change by carrying it out, so that a repeated plan is the same plan."""
    return {
        "entitlement": row.id,
        "order": row.order,
        "confirmation": str(row.confirmation),
        "guard": str(row.guard or ""),
    }
