"""Who the leaver is in each service, what those accounts hold, what will be taken away: sealed before the cut."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import rfc8785
from sqlmodel import Session, col, select

from audit.events import EventType
from casework.access.findings import assess
from casework.access.reads import look
from casework.access.rows import accepted_rows, accounts_of, merge, rows_of
from casework.decisions.questions import ask_whose
from casework.desk import Desk
from casework.ready import ready
from casework.recording import seal
from connectors.contract import Connector, Kinds
from connectors.errors import ConnectorError
from models.tables import Case, CaseAccount, CaseEntitlement, Plan, Search
from models.vocabulary import (
    CaseState,
    DepartureKind,
    EntitlementKind,
    Leaver,
    Match,
    MatchReason,
    Service,
    Standing,
)

CONTAINMENT: Kinds = frozenset({EntitlementKind.SIGN_IN, EntitlementKind.SESSION})


async def make_plan(desk: Desk, case_id: str, *, kinds: Kinds | None = None) -> None:
    """
    Find the leaver's accounts, list their access, seal the plan.  All services at once; one failing stops no other.

    Repeating it looks again, adds what is new, and seals another plan only if something changed.  *kinds* limits the
    inventory: a dismissal's first plan holds the containment alone.
    """
    await asyncio.gather(*(find_in(desk, case_id, service) for service in desk.connectors))
    await take_inventory(desk, case_id, kinds=kinds)
    seal_plan(desk, case_id, scope="full" if kinds is None else "containment")


def first_kinds(case: Case) -> Kinds | None:
    """Return what is listed before the cut: of a dismissal the containment alone, of all others everything (None)."""
    cut_first = case.kind is DepartureKind.DISMISSAL and case.contained_at is None and case.for_real
    return CONTAINMENT if cut_first else None


async def get_ready(desk: Desk) -> None:
    """
    Probe the services that this desk has not probed yet, all at once.

    A probe that fails is left to the next call: the verbs say by themselves what they cannot do.
    """
    await asyncio.gather(*(ready(desk, service) for service in desk.connectors), return_exceptions=True)


async def find_in(desk: Desk, case_id: str, service: Service) -> None:
    """Look for the leaver in one service and record the candidates, or why the look failed."""
    connector = desk.connectors[service]
    leaver = leaver_of(desk.case(case_id))
    try:
        await ready(desk, service)
        matches = await connector.find_accounts(leaver)
    except ConnectorError as error:
        with desk.store.write() as session:
            session.merge(_search(desk, case_id, service, problem=str(error), remedy=error.advice))
            assess(desk, session, case_id)
        return
    with desk.store.write() as session:
        session.merge(_search(desk, case_id, service, found=len(matches)))
        _record(desk, session, case_id, service, matches)
        assess(desk, session, case_id)


def leaver_of(case: Case) -> Leaver:
    """Return the case's leaver as the connectors know one."""
    return Leaver(**(case.leaver | {"other_emails": tuple(case.leaver.get("other_emails", ()))}))


def _search(desk: Desk, case_id: str, service: Service, **found: Any) -> Search:
    return Search(case_id=case_id, service=service, searched_at=desk.now(), **found)


def _record(desk: Desk, session: Session, case_id: str, service: Service, matches: Sequence[Match]) -> None:
    """
    Write the candidates, judged anew by each look.

    A person's decision is never overwritten, nor the standing of an account from which something was taken already:
    that one is finished, or given back.
    """
    known = {row.vendor_id: row for row in accounts_of(session, case_id, service)}
    touched = {row.account_id for row in rows_of(session, case_id) if row.service is service and row.attempts > 0}
    for match in matches:
        row = known.get(match.account.id) or _candidate(desk, case_id, match)
        if row.decided_by is None and match.account.id not in touched:
            row.standing = _standing(desk, match, matches)
        row.reason, row.confidence, row.text = match.reason, match.confidence, match.text
        row.active, row.label = match.account.active, match.account.label
        row.kind, row.mastered_elsewhere = match.account.kind, match.account.mastered_elsewhere
        session.add(row)
    session.flush()
    ask_whose(desk, session, case_id, service)


def _standing(desk: Desk, match: Match, all_of_them: Sequence[Match]) -> Standing:
    """
    Accept only what is sure and has no rival.

    An employee number outweighs an address: an account that is sure by its address alone is asked about when another
    one bears the leaver's number, since the address may be a typing error that names a colleague.
    """
    if match.reason is MatchReason.DIFFERENT_PERSON:
        return Standing.LOOK_ALIKE
    if match.confidence < desk.policy.matching.threshold:
        return Standing.ASKED
    others = [m for m in all_of_them if m is not match and m.confidence >= desk.policy.matching.threshold]
    rivals = [m for m in others if m.reason is match.reason and m.account.kind is match.account.kind]
    outweighed = match.reason is not MatchReason.EMPLOYEE_NO and any(
        m.reason is MatchReason.EMPLOYEE_NO for m in others
    )
    return Standing.ASKED if rivals or outweighed else Standing.ACCEPTED


def _candidate(desk: Desk, case_id: str, match: Match) -> CaseAccount:
    account = match.account
    return CaseAccount(
        case_id=case_id,
        service=account.service,
        vendor_id=account.id,
        ref=desk.name("acct"),
        kind=account.kind,
        label=account.label,
        reason=match.reason,
        confidence=match.confidence,
        text=match.text,
        standing=Standing.ASKED,
    )


def unlisted(desk: Desk, case_id: str, service: Service) -> bool:
    """Whether an accepted account has never been listed: decided about, or made, since the plan."""
    with desk.store.read() as session:
        accepted = [a for a in accounts_of(session, case_id, service) if a.standing is Standing.ACCEPTED]
        return any(account.listed_at is None and not rows_of(session, case_id, account) for account in accepted)


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
        merge(desk, session, account, listing, wanted)
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
        if case.state in {CaseState.OPEN, CaseState.PLANNED}:
            case.state = CaseState.WAITING if _all_searched(desk, session, case_id) else CaseState.PLANNED
        session.add(case)
        assess(desk, session, case_id)


def _all_searched(desk: Desk, session: Session, case_id: str) -> bool:
    """Whether every service could be searched: until then the plan is known to be incomplete."""
    found = session.exec(select(Search).where(Search.case_id == case_id)).all()
    return {search.service for search in found if search.problem is None} >= set(desk.connectors)


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
