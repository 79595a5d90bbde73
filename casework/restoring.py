"""
Undoing a wrong cut, from the state captured before each change: a withdrawal, a wrong person, a return from leave.

No secret was kept, so what needs one is enrolled anew by the person; a row says which.
"""

from __future__ import annotations

import asyncio

from sqlmodel import Session, col, select

from audit.events import EventType
from casework.cases import ENDED, OVER
from casework.desk import Desk
from casework.errors import BadRequest
from casework.looking import look
from casework.recording import seal, seal_intent, seal_outcome
from casework.revoking import as_entitlement, conclude_by_read
from casework.rows import accepted_rows, accounts_of, rows_of
from casework.turns import claim
from casework.waits import backoff
from connectors.errors import ConnectorError, OutcomeUnknown
from models.tables import Approval, Case, CaseAccount, CaseEntitlement
from models.vocabulary import (
    CaseState,
    DepartureKind,
    EntitlementKind,
    Evidence,
    Restores,
    RevocationResult,
    Standing,
)


def request_restore(desk: Desk, case_id: str, *, by: str, reason: str) -> Approval:
    """Ask for a restore.  It is carried out by `restore` once a second person has approved it."""
    if not reason.strip():
        raise BadRequest("restore: has no reason", "Say why access is to be given back.")
    with desk.store.write() as session:
        _restorable_case(session, case_id)
        request = Approval(
            id=desk.name("restore"),
            case_id=case_id,
            verb="restore",
            reason=reason,
            requested_by=by,
            requested_at=desk.now(),
        )
        session.add(request)
        seal(
            desk,
            session,
            EventType.CASE_RESTORE_REQUESTED,
            case_id,
            payload={"by": by, "reason": reason, "request": request.id},
        )
        return request


def request_return(desk: Desk, case_id: str, *, by: str) -> None:
    """Note that a person is back from leave.  Raises `BadRequest` if the case is not a leave of absence."""
    with desk.store.write() as session:
        case = _restorable_case(session, case_id)
        if case.kind is not DepartureKind.LEAVE:
            raise BadRequest(
                f"{case_id}: is no leave of absence", f"Ask for a restore with `lastday restore {case_id}`."
            )
        session.add(
            Approval(
                id=desk.name("return"),
                case_id=case_id,
                verb="restore",
                reason="return from leave",
                requested_by=by,
                requested_at=desk.now(),
                approved_by=by,
                approved_at=desk.now(),
            )
        )
        seal(desk, session, EventType.CASE_RETURNED, case_id, payload={"by": by})


def _restorable_case(session: Session, case_id: str) -> Case:
    case = session.get(Case, case_id)
    if case is None:
        raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
    if case.state in ENDED:
        raise BadRequest(f"{case_id}: is {case.state} already", "Nothing is to be given back.")
    others = session.exec(
        select(Case).where(Case.employee_key == case.employee_key, Case.id != case_id, col(Case.state).not_in([*OVER]))
    ).all()
    if others:
        raise BadRequest(
            f"{case_id}: {others[0].id} takes this person's access away too", "Withdraw or restore that case first."
        )
    return case


async def restore(desk: Desk, case_id: str) -> None:
    """
    Give back what was taken, then read each row again.  Safe to repeat; raises `BadRequest` without approval, or while a
    run holds the case.

    Accounts at once; in an account the block is lifted first, then roles and groups come back.  Each row ends as
    `restored`, `re_enrol`, `not_restorable`, or with the problem that a person must deal with.
    """
    async with claim(desk, case_id, desk.name("restore")) as ours:
        if not ours:
            raise BadRequest(f"{case_id}: a run holds the case", "Wait until it has ended, then restore.")
        accounts = _begin_case(desk, case_id)
        await asyncio.gather(*(_restore_account(desk, account) for account in accounts))
        _finish(desk, case_id)


def _begin_case(desk: Desk, case_id: str) -> list[CaseAccount]:
    with desk.store.write() as session:
        case = _restorable_case(session, case_id)
        approved = session.exec(
            select(Approval).where(
                Approval.case_id == case_id, Approval.verb == "restore", col(Approval.approved_at).is_not(None)
            )
        ).first()
        if approved is None:
            raise BadRequest(f"{case_id}: a restore needs a second person", "Ask for it, then run `lastday approve`.")
        if case.state is not CaseState.RESTORING:
            case.state = CaseState.RESTORING
            session.add(case)
            seal(desk, session, EventType.CASE_RESTORING, case_id, dedup_key=f"{approved.id}:restoring")
        return [a for a in accounts_of(session, case_id) if a.standing is Standing.ACCEPTED]


async def _restore_account(desk: Desk, account: CaseAccount) -> None:
    with desk.store.read() as session:
        rows = [row for row in rows_of(session, account.case_id, account) if row.attempts > 0]
    for row in rows:
        if row.op is not None:  # a crash left it open: what it was for does not matter any more, that it ended does
            await conclude_by_read(desk, account, row, RevocationResult.UNKNOWN, only_if_gone=False)
    sign_in = [row for row in rows if row.kind is EntitlementKind.SIGN_IN]
    rest = [row for row in rows if row.kind is not EntitlementKind.SIGN_IN]
    for row in sign_in:
        await _restore_row(desk, account, row)
    await asyncio.gather(*(_restore_row(desk, account, row) for row in rest))


async def _restore_row(desk: Desk, account: CaseAccount, row: CaseEntitlement) -> None:
    connector = desk.connectors[row.service]
    verdict = connector.manifest.kinds[row.kind].restores
    if row.restored is not None and row.restored != "problem":
        return
    if verdict is not Restores.RESTORED:
        _note(desk, account, row, verdict.value, ())
        return
    _begin(desk, account, row)
    try:
        receipt = await connector.restore(as_entitlement(row), row.prestate)
    except ConnectorError as error:
        unknown = isinstance(error, OutcomeUnknown)
        row.problem, row.remedy = str(error), error.advice
        result = RevocationResult.UNKNOWN if unknown else RevocationResult.FAILED
        _finish_row(desk, account, row, result, error.evidence)
        _note(desk, account, row, "problem", error.evidence)
        return
    _finish_row(desk, account, row, receipt.result, receipt.evidence)
    seen, evidence = await _seen_back(desk, account, row)
    if not seen:
        row.problem = receipt.text or "a read does not show it back"
    _note(desk, account, row, Restores.RESTORED.value if seen else "problem", evidence or receipt.evidence)


def _begin(desk: Desk, account: CaseAccount, row: CaseEntitlement) -> None:
    """Commit the intent before the request leaves; one that a crash left open keeps its *op*."""
    with desk.store.write() as session:
        row.op = row.op or desk.name("op")
        session.add(row)
        seal_intent(desk, session, row, account.ref, verb="restore")


def _finish_row(
    desk: Desk, account: CaseAccount, row: CaseEntitlement, result: RevocationResult, evidence: tuple[Evidence, ...]
) -> None:
    with desk.store.write() as session:
        text = row.problem or ""
        seal_outcome(desk, session, row, account.ref, evidence, result=result, text=text, verb="restore")
        row.op = None
        session.add(row)


async def _seen_back(desk: Desk, account: CaseAccount, row: CaseEntitlement) -> tuple[bool, tuple[Evidence, ...]]:
    kinds = frozenset({row.kind})
    evidence: tuple[Evidence, ...] = ()
    for wait in backoff(desk.policy.observe, limit=30.0):
        listing = await look(desk, account, kinds)
        evidence = listing.evidence.get(row.kind, ())
        if any(e.kind is row.kind and e.vendor_id == row.vendor_id for e in listing):
            return True, evidence
        if row.kind is EntitlementKind.SIGN_IN and any(e.vendor_id != "*" for e in listing):
            return True, evidence
        await desk.sleep(wait)
    return False, evidence


def _note(desk: Desk, account: CaseAccount, row: CaseEntitlement, verdict: str, evidence: tuple[Evidence, ...]) -> None:
    with desk.store.write() as session:
        row.restored = verdict
        session.add(row)
        seal(
            desk, session, EventType.CASE_RESTORED_ROW, row.case_id, service=row.service, account=account.ref,
            kind=row.kind, state=verdict, exchanged=evidence, payload={"entitlement": row.id},
        )  # fmt: skip


def _finish(desk: Desk, case_id: str) -> None:
    with desk.store.write() as session:
        rows = [row for row in accepted_rows(session, case_id) if row.attempts > 0]
        if any(row.restored in {None, "problem"} for row in rows):
            return
        case = session.get_one(Case, case_id)
        case.state = CaseState.RESTORED
        session.add(case)
        seal(desk, session, EventType.CASE_RESTORED, case_id, count=len(rows))
