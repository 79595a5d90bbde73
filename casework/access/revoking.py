"""One revocation: seal the intent, ask the vendor, seal the outcome.  Except for restores, no other code writes at a vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy import bindparam
from sqlmodel import Session, select

from casework import consents
from casework.access.blast_radius import require_lease, require_release
from casework.connections import account_of, read_access
from casework.context import Context, case_in
from casework.decisions.pausing import require_not_paused
from casework.errors import BadRequest
from casework.lifecycle import BEFORE_THE_CUT, NOT_TO_BE_CUT, move
from casework.recording import exchanges, seal_intent, seal_outcome
from casework.truth.administrators import spare_the_last
from casework.truth.findings import assess
from casework.truth.listing import take_in
from casework.truth.states import ACCEPTED, NEVER_CUT, WHOLE_KIND
from connectors.errors import ConnectorError, Denied, NotOnPlan, OutcomeUnknown
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import (
    CaseState,
    Confirmation,
    ConnectionId,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Guard,
    OpenReason,
    Receipt,
    RevocationResult,
    Standing,
)

_NOT_OURS = NEVER_CUT | {Guard.DYNAMIC, Guard.INHERITED}
OPEN = frozenset({EntitlementState.FOUND, EntitlementState.STILL_OPEN})
_AT_ONCE = 20
"""Requests of one account that are begun together.  A pause or a withdrawal does not stop these: a vendor may take minutes."""
_STANDING = select(CaseAccount.standing).where(CaseAccount.id == bindparam("its"))
Answered: TypeAlias = "tuple[CaseEntitlement, Receipt | ConnectorError]"
_ASKABLE = OPEN | {EntitlementState.COMMANDED}


def may_ask(context: Context, row: CaseEntitlement, blocked_at: datetime | None = None) -> bool:
    """
    Whether the vendor is to be asked to revoke *row* now.

    Not if it is settled, closes with another kind, or is guarded.  Not again before policy's observation deadline if the vendor
    accepted it: the vendor may only be slow to show it, so we read.  But a row that was revoked before the block (seen at
    *blocked_at*) and is there after it is asked again: a client may have renewed its grant in between.  So are sessions
    that come after the block and were ended before it: the account was enabled in between.
    """
    if row.state not in _ASKABLE or row.confirmation is Confirmation.IMPLIED_BY or not may_be_closed(row):
        return False
    if row.result not in ACCEPTED or row.commanded_at is None:
        return True
    patience = timedelta(seconds=context.policy.observe.deadline_seconds)
    before_block = blocked_at is not None and row.commanded_at < blocked_at and row.kind is not EntitlementKind.SIGN_IN
    overtaken = row.state in OPEN or (row.kind is EntitlementKind.SESSION and row.order > 0)
    return (before_block and overtaken) or context.now() - row.commanded_at >= patience


def may_be_closed(row: CaseEntitlement) -> bool:
    """Whether a request of ours can close the row: it is one entitlement, in our reach, and no guard forbids it."""
    looked_at = row.vendor_id != WHOLE_KIND and row.listed_as is None
    out_of_reach = row.by_hand or row.reason is OpenReason.FROZEN_BY_BLOCK
    return looked_at and not out_of_reach and row.guard not in _NOT_OURS


async def revoke(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> None:
    """
    Revoke *rows* of one account, each once, twenty at a time: their intents in one transaction, each outcome as it comes.

    An intent that a crash left open is taken up under its own *op*: the vendor is read first, and asked again only if
    the entitlement is still there.  A failure is the row's result, never an exception.  The caller assesses the case.
    """
    interrupted = [row for row in rows if row.op is not None]
    gone = await conclude_by_read(context, account, interrupted, RevocationResult.ALREADY_ABSENT)
    asked = [row for row in rows if row.id not in gone]
    if not asked:
        return
    for first in range(0, len(asked), _AT_ONCE):
        begun = await context.store.run(begin, context, account, asked[first : first + _AT_ONCE])
        await _ask_all(context, account, begun)


async def _ask_all(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> None:
    """
    Ask for *rows* at once and commit each outcome as it comes; an exception is raised when all rows have their outcome.

    A cancelled caller returns when the requests have ended and their answers are committed.
    """
    kinds = context.connectors[account.connection].manifest.kinds
    frozen = [row for row in rows if kinds[row.kind].frozen]
    works = [_asked(context, row) for row in rows if not kinds[row.kind].frozen]
    asking = {
        asyncio.ensure_future(work) for work in [*works, *([_frozen(context, account, frozen)] if frozen else [])]
    }
    finishing = asyncio.ensure_future(_finish_all(context, account, asking))
    try:
        await asyncio.shield(finishing)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.wait({finishing})


async def _finish_all(context: Context, account: CaseAccount, asking: set[asyncio.Task[list[Answered]]]) -> None:
    failed: Exception | None = None
    while asking:
        done, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        answered = [one for task in done if not task.cancelled() for one in task.result()]
        try:
            await context.store.run(finish, context, account, answered)
        except Exception as exc:  # noqa: BLE001  # raised below
            failed = failed or exc
    if failed is not None:
        raise failed


async def _frozen(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> list[Answered]:
    """Ask for the kinds that the vendor revokes in one request: one exchange, one outcome for each row."""
    answers: dict[str, Receipt | ConnectorError]
    try:
        receipts = await context.connectors[account.connection].freeze(account_of(account))
        answers = {receipt.entitlement_id: receipt for receipt in receipts}
    except Exception as exc:  # noqa: BLE001  # a failure is the outcome of these rows
        answers = dict.fromkeys((row.id for row in rows), failure_of(account.connection, exc))
    none = f"{account.connection}: freeze gave no receipt for "
    return [(row, answers.get(row.id) or ConnectorError(none + row.kind)) for row in rows]


async def _asked(context: Context, row: CaseEntitlement) -> list[Answered]:
    try:
        return [(row, await context.connectors[row.connection].revoke(as_entitlement(row)))]
    except Exception as exc:  # noqa: BLE001  # a failure is the outcome of this row
        return [(row, failure_of(row.connection, exc))]


async def ask(context: Context, account: CaseAccount, row: CaseEntitlement) -> ConnectorError | None:
    """Ask the vendor to revoke *row*, whose intent is committed, and commit the outcome; return the failure, if any."""
    ((_, answer),) = answered = await _asked(context, row)
    await context.store.run(finish, context, account, answered)
    return answer if isinstance(answer, ConnectorError) else None


async def each(works: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Carry out all *works* at once, each to its end, then raise the first one's exception: one that fails stops no other."""
    tasks = [asyncio.ensure_future(work) for work in works]
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        task.result()


def failure_of(connection: ConnectionId, exc: Exception) -> ConnectorError:
    """Return an exception as a connector's failure; after an unforeseen one the outcome is unknown."""
    if isinstance(exc, ConnectorError):
        return exc
    what = "no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__
    return OutcomeUnknown(f"{connection}: {what}")


def begin(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> list[CaseEntitlement]:
    """
    Commit the intents of *rows* before any request is sent, and return these rows, without the last administrator's block.
    An open intent keeps its *op*.

    Every revocation passes here.  So the intent's own transaction checks the case once more: a withdrawal, another date or a
    pause since then stops it.  A consent to a restore is overtaken, since it was given for less than is revoked now.  Raises
    `BadRequest`, `Paused`, and `QuestionsOpen` for too many cuts at once.
    """
    with context.store.write() as session:
        case = case_in(session, account.case_id)
        require_lease(context, case)
        require_not_paused(session, case)
        _require_leave_to_act(context, session, case, account, rows)
        require_release(context, session, case)
        begun = spare_the_last(context, session, account, rows)
        if begun:
            consents.overtake_restores(context, session, case.id, {account.ref, None})
        if begun and case.state in BEFORE_THE_CUT and case.due_at <= context.now():
            move(context, session, case, CaseState.CUTTING)
        for row in begun:
            row.op = row.op or context.name("op")
            row.attempts += 1
            row.restored = None  # revoked anew: an earlier restore does not concern it
            session.add(row)
            seal_intent(context, session, row, account.ref)
    return begun


def _require_leave_to_act(
    context: Context, session: Session, case: Case, account: CaseAccount, rows: Sequence[CaseEntitlement]
) -> None:
    if not case.for_real or case.state in NOT_TO_BE_CUT:
        raise BadRequest(f"{case.id}: nothing may be taken away: it is {case.state}", "See it with `lastday show`.")
    last = case.last_working_at
    early = context.policy.cut.early if last is not None and last <= context.now() else ()
    if case.due_at > context.now() and any(row.kind not in early for row in rows):
        raise BadRequest(f"{case.id}: is not due", "A run is made for the due instant.")
    standing = session.exec(_STANDING, params={"its": account.id}).one()  # a correction may have made it doubtful since
    if standing is not Standing.ACCEPTED:
        raise BadRequest(f"{case.id}: an account is {standing}", "Answer the case's question.")


def finish(context: Context, account: CaseAccount, answered: Sequence[Answered]) -> None:
    """
    Commit the outcome of each row.  An accepted request is only `commanded`: a row is closed by a read alone, and only by one that
    was surely sent after the answer, even if another machine sent it.

    A failure is a refusal (by our credentials or the plan), a failed request, or an unknown outcome.  An unknown outcome is read
    back, not repeated.
    """
    conclude(context, account, [(row, _noted(context, row, answer), answer) for row, answer in answered])


def _noted(context: Context, row: CaseEntitlement, answer: Receipt | ConnectorError) -> RevocationResult:
    clock, evidence = context.store.clock, answer.evidence
    if isinstance(answer, ConnectorError):
        row.result, row.problem, row.remedy = RevocationResult.FAILED, str(answer), answer.advice
        if isinstance(answer, OutcomeUnknown):
            row.result, row.commanded_at = RevocationResult.UNKNOWN, context.now() + clock.uncertainty
            row.vendor_commanded_at = evidence[-1].commanded_on_vendor_clock() if evidence else context.now()
        elif isinstance(answer, (Denied, NotOnPlan)):
            row.result, row.by_hand = RevocationResult.REFUSED, isinstance(answer, NotOnPlan)
    elif answer.result in ACCEPTED:
        row.result, row.problem, row.remedy = answer.result, None, None
        row.commanded_at = clock.latest(max(e.received_at for e in evidence))
        row.vendor_commanded_at = evidence[-1].commanded_on_vendor_clock()
    else:
        row.result, row.problem = answer.result, answer.text or None
    return row.result


def conclude(
    context: Context,
    account: CaseAccount,
    ended: Sequence[tuple[CaseEntitlement, RevocationResult, Receipt | ConnectorError]],
    *,
    verb: str = "revoke",
) -> None:
    """Commit the outcome of each row's intent.  A restore's outcome does not change the row's *result*, which is the cut's."""
    with context.store.write() as session:
        for row, result, answer in ended:
            told, text = exchanges(answer.evidence), str(answer) if isinstance(answer, ConnectorError) else answer.text
            seal_outcome(context, session, row, account.ref, told, result=result, text=text, verb=verb)


async def conclude_by_read(
    context: Context, account: CaseAccount, interrupted: Sequence[CaseEntitlement], result: RevocationResult
) -> set[str]:
    """
    Give the open intents of *interrupted* rows the outcome *result* after one read, and merge the read into the truth table.
    Return the ids of the rows without an open intent.

    For use after a crash: access that is gone needs no other request.  Only such rows become `already_absent`.
    """
    if not interrupted:
        return set()
    ids, kinds = {row.id for row in interrupted}, frozenset(row.kind for row in interrupted)
    listing = await read_access(context, account, kinds)
    shown = {entitlement.id for entitlement in listing}
    blind = {entitlement.kind for entitlement in listing if entitlement.vendor_id == WHOLE_KIND}
    told = {kind: exchanges(listing.evidence.get(kind, ())) for kind in kinds}

    def concluded() -> set[str]:
        with context.store.write() as session:
            table = take_in(context, session, account, listing, kinds)
            rows = [row for row in table.rows_of(account) if row.id in ids and row.op is not None]
            for row in rows:
                gone = bool(told[row.kind]) and row.id not in shown and row.kind not in blind
                if gone or result is not RevocationResult.ALREADY_ABSENT:
                    row.result = result
                    text = "read after an interruption"
                    seal_outcome(context, session, row, account.ref, told[row.kind], result=result, text=text)
            assess(context, session, account.case_id, table)
        return ids - {row.id for row in rows if row.op is not None}

    return await context.store.run(concluded)


def as_entitlement(row: CaseEntitlement) -> Entitlement:
    """Return the row in the type of a listing, without our own columns."""
    return Entitlement(
        row.connection,
        row.account_id,
        row.kind,
        row.vendor_id,
        label=row.label,
        ended_at=row.ended_at,
        guard=row.guard,
        prestate=MappingProxyType(row.prestate),
    )
