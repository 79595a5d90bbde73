"""Who the leaver is in each service, what those accounts hold, what will be taken away: sealed before the cut."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Any

import rfc8785
from sqlmodel import Session, col, select

from audit.events import EventType
from casework.access.findings import assess
from casework.access.reads import look
from casework.access.retired import services_of
from casework.access.rows import accepted_rows, accounts_of, rows_of, take_in
from casework.desk import Desk
from casework.lifecycle import PLAN_WANTED, move
from casework.matching.searching import find_everywhere
from casework.ready import ready
from casework.recording import seal
from connectors.contract import Connector, Kinds
from models.tables import Case, CaseAccount, CaseEntitlement, Plan, Search
from models.vocabulary import (
    CaseState,
    DepartureKind,
    EntitlementKind,
    EntitlementState,
    Service,
    Standing,
)

CONTAINMENT: Kinds = frozenset({EntitlementKind.SIGN_IN, EntitlementKind.SESSION})


async def make_plan(desk: Desk, case_id: str, *, kinds: Kinds | None = None) -> None:
    """
    Find the leaver's accounts, list their access, seal the plan.  All services at once; one failing stops no other.

    Repeating it looks again, adds what is new, and seals another plan only if something changed.  *kinds* limits the
    inventory: an emergency's first plan holds the containment alone.
    """
    await find_everywhere(desk, case_id)
    await take_inventory(desk, case_id, kinds=kinds)
    seal_plan(desk, case_id, scope="full" if kinds is None else "containment")


def first_kinds(case: Case) -> Kinds | None:
    """Return what is listed before the cut: of an emergency the containment alone, of all others everything (None)."""
    cut_first = case.at_once_at is not None and case.contained_at is None and case.for_real
    return CONTAINMENT if cut_first else None


async def get_ready(desk: Desk) -> None:
    """
    Probe the services that this desk has not probed yet, all at once.

    A probe that fails is left to the next call: the verbs say by themselves what they cannot do.
    """
    await asyncio.gather(*(ready(desk, service) for service in desk.connectors), return_exceptions=True)


def unlisted(desk: Desk, case_id: str, service: Service) -> bool:
    """Whether an accepted account has never been listed: decided about, or made, since the plan."""
    with desk.store.read() as session:
        accepted = [a for a in accounts_of(session, case_id, service) if a.standing is Standing.ACCEPTED]
        return any(account.listed_at is None and not rows_of(session, case_id, account) for account in accepted)


def uncontained(desk: Desk, case_id: str, service: Service) -> bool:
    """Whether an accepted account was not there, or not accepted, when its service was contained: its block comes first."""
    with desk.store.read() as session:
        accepted = [a for a in accounts_of(session, case_id, service) if a.standing is Standing.ACCEPTED]
        rows = [row for account in accepted for row in rows_of(session, case_id, account)]
    found = any(row.kind is EntitlementKind.SIGN_IN and row.state is EntitlementState.FOUND for row in rows)
    return found or unlisted(desk, case_id, service)


async def take_inventory(
    desk: Desk, case_id: str, *, kinds: Kinds | None = None, services: Iterable[Service] | None = None
) -> None:
    """List the access of every accepted account, all at once, and merge it into the truth table."""
    with desk.store.read() as session:
        accounts = [a for a in accounts_of(session, case_id, *(services or ())) if a.standing is Standing.ACCEPTED]
    await asyncio.gather(
        *(_inventory(desk, account, kinds) for account in accounts if account.service in desk.connectors)
    )


async def _inventory(desk: Desk, account: CaseAccount, kinds: Kinds | None) -> None:
    wanted = kinds_for(desk.case(account.case_id), desk.connectors[account.service], kinds)
    listing = await look(desk, account, wanted)
    with desk.store.write() as session:
        if kinds is None:
            account.listed_at = desk.now()
            session.add(account)
        take_in(desk, session, account, listing, wanted)
        assess(desk, session, account.case_id)


def kinds_for(case: Case, connector: Connector, kinds: Kinds | None = None) -> Kinds:
    """Return which kinds concern *case* at *connector*: a leave of absence is disabled, nothing is taken apart."""
    every = frozenset(connector.manifest.kinds)
    if case.kind is DepartureKind.LEAVE:
        every &= CONTAINMENT
    return every if kinds is None else every & kinds


def seal_plan(desk: Desk, case_id: str, *, scope: str = "full") -> None:
    """Write and seal the ordered revocations with their read-backs, unless the newest plan says the same."""
    with desk.store.write() as session:
        case = session.get_one(Case, case_id)
        content = [_line(row) for row in _planned(session, case_id)]
        newest = session.exec(select(Plan).where(Plan.case_id == case_id).order_by(col(Plan.id).desc())).first()
        if newest is None or (newest.content, newest.scope) != (content, scope):
            nonce = desk.name("nonce")  # so that the digest, which is public, tells nothing of a guessable plan
            sha256 = hashlib.sha256(rfc8785.dumps({"nonce": nonce, "plan": content})).hexdigest()
            session.add(
                Plan(
                    case_id=case_id,
                    scope=scope,
                    sealed_at=desk.now(),
                    sha256=sha256,
                    policy_sha256=desk.policy.sha256,
                    content=content,
                )
            )
            seal(
                desk, session, EventType.PLAN_SEALED, case_id,
                plan_sha256=sha256, policy_sha256=desk.policy.sha256, scope=scope, count=len(content),
                payload={"nonce": nonce, "plan": content},
            )  # fmt: skip
        whole = CaseState.WAITING if _all_searched(desk, session, case) else CaseState.PLANNED
        if case.state in PLAN_WANTED and case.state is not whole:
            move(desk, session, case, whole)
        assess(desk, session, case_id)


def _all_searched(desk: Desk, session: Session, case: Case) -> bool:
    """Whether every service of the case could be searched: until then the plan is known to be incomplete."""
    found = session.exec(select(Search).where(Search.case_id == case.id)).all()
    return {search.service for search in found if search.problem is None} >= services_of(desk, session, case)


def _planned(session: Session, case_id: str) -> list[CaseEntitlement]:
    return sorted(accepted_rows(session, case_id), key=lambda row: (row.service, row.account_id, row.order, row.id))


def _line(row: CaseEntitlement) -> dict[str, Any]:
    """One line of the plan.  Only what does not change by carrying it out, so that a repeated plan is the same plan."""
    return {
        "entitlement": row.id,
        "order": row.order,
        "confirmation": str(row.confirmation),
        "guard": str(row.guard or ""),
    }
