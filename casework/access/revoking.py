"""One revocation: intent sealed, the vendor asked, outcome sealed.  Nothing else in the house changes a vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlmodel import Session

from casework import consents
from casework.access.rails import require_lease, require_release
from casework.connections import read_access
from casework.context import Context
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
    Evidence,
    Guard,
    OpenReason,
    Receipt,
    RevocationResult,
    Standing,
)

_NOT_OURS = NEVER_CUT | {Guard.DYNAMIC, Guard.INHERITED}
OPEN = frozenset({EntitlementState.FOUND, EntitlementState.STILL_OPEN})
_AT_ONCE = 20
"""Requests of one account, begun together, for which a pause or a withdrawal comes too late: a vendor may take minutes for them."""
_ASKABLE = OPEN | {EntitlementState.COMMANDED}


def may_ask(context: Context, row: CaseEntitlement, blocked_at: datetime | None = None) -> bool:
    """
    Whether the vendor is to be asked to take *row* away, now.

    Not what is settled, what another kind's closing closes, or what a guard forbids.  Not again so soon after it was
    accepted: the vendor may only be slow to show it, so we look.  But what was taken before the block (seen at *blocked_at*)
    and is there after it may have come back in between, a client renewing its grant: that is asked again.  So are sessions
    that were ended before the block although they come after it: the account was enabled meanwhile.
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
    """Whether a request of ours can close the row: it stands for one entitlement, is in our reach, and no guard forbids it."""
    looked_at = row.vendor_id != WHOLE_KIND and row.listed_as is None
    out_of_reach = row.by_hand or row.reason is OpenReason.FROZEN_BY_BLOCK
    return looked_at and not out_of_reach and row.guard not in _NOT_OURS


async def revoke(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> None:
    """
    Take *rows* of one account away, each once, twenty at a time: their intents in one transaction, their outcomes as they come.

    An intent left open by a crash is taken up again under its own *op*: the vendor is read first, and asked again only if
    the entitlement is still there.  A failure is a row (its result), never an exception.
    """
    interrupted = [row for row in rows if row.op is not None]
    await conclude_by_read(context, account, interrupted, RevocationResult.ALREADY_ABSENT, only_if_gone=True)
    gone = {row.id for row in interrupted if row.op is None}
    asked = [row for row in rows if row.id not in gone]
    if not asked:
        return
    for first in range(0, len(asked), _AT_ONCE):
        await each(ask(context, account, row) for row in begin(context, account, asked[first : first + _AT_ONCE]))
    with context.store.write() as session:
        assess(context, session, account.case_id)


async def ask(context: Context, account: CaseAccount, row: CaseEntitlement) -> ConnectorError | None:
    """Ask the vendor to take *row* away and commit what came of it; return the failure, if it is one.  Its intent is committed."""
    try:
        receipt = await context.connectors[row.connection].revoke(as_entitlement(row))
    except Exception as exc:  # noqa: BLE001  # whatever goes wrong is this row's
        error = failure_of(row.connection, exc)
        finish_failed(context, account, row, error)
        return error
    finish(context, account, row, receipt)
    return None


async def each(works: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Carry each of *works* to its end, all at once, then raise what the first one raised: one that fails stops no other."""
    tasks = [asyncio.ensure_future(work) for work in works]
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        task.result()


def failure_of(connection: ConnectionId, exc: Exception) -> ConnectorError:
    """Return what went wrong as a connector's failure; of what none foresaw the outcome is not known."""
    if isinstance(exc, ConnectorError):
        return exc
    what = "no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__
    return OutcomeUnknown(f"{connection}: {what}")


def begin(context: Context, account: CaseAccount, rows: Sequence[CaseEntitlement]) -> list[CaseEntitlement]:
    """
    Commit the intents of *rows* before any request leaves, and return those; the last administrator's block is not among them.
    An open intent keeps its *op*.

    Every write passes here, so here, in the intent's own transaction, the case is asked once more: a withdrawal, another date
    or a pause that came in meanwhile stops it.  A consent to give back was given for less than is taken now.  Raises `BadRequest`,
    `Paused`, and `QuestionsOpen` for too many cuts at once.
    """
    with context.store.write() as session:
        case = session.get_one(Case, account.case_id)
        require_lease(context, case)
        require_not_paused(session, case)
        _require_leave_to_act(context, case, rows)
        _require_accepted(session, account)
        require_release(context, session, case)
        begun = spare_the_last(context, session, account, rows)
        if begun and case.state in BEFORE_THE_CUT and case.due_at <= context.now():
            move(context, session, case, CaseState.CUTTING)
        for row in begun:
            row.op = row.op or context.name("op")
            row.attempts += 1
            row.restored = None  # taken anew: an earlier restore says nothing of it
            session.add(row)
            seal_intent(context, session, row, account.ref)
        if begun:
            consents.overtake_restores(context, session, case.id, {account.ref, None})
    return begun


def _require_leave_to_act(context: Context, case: Case, rows: Sequence[CaseEntitlement]) -> None:
    if not case.for_real or case.state in NOT_TO_BE_CUT:
        raise BadRequest(f"{case.id}: nothing may be taken away: it is {case.state}", "See it with `lastday show`.")
    early = (
        context.policy.cut.early if case.last_working_at is not None and case.last_working_at <= context.now() else ()
    )
    if case.due_at > context.now() and any(row.kind not in early for row in rows):
        raise BadRequest(f"{case.id}: is not due", "A run is made for the due instant.")


def _require_accepted(session: Session, account: CaseAccount) -> None:
    """A correction of HR's notice may have made an account doubtful since the caller looked: then nothing leaves."""
    now = session.get_one(CaseAccount, account.id)
    if now.standing is not Standing.ACCEPTED:
        raise BadRequest(f"{account.case_id}: an account is {now.standing}", "Answer the case's question.")


def finish(context: Context, account: CaseAccount, row: CaseEntitlement, receipt: Receipt) -> None:
    """
    Commit the outcome that the vendor gave.  Accepted is `commanded`, whatever it said: only a read closes, and only one that was
    surely sent after the answer, whichever machines asked.
    """
    row.result = receipt.result
    if receipt.result in ACCEPTED:
        row.commanded_at = context.store.clock.latest(max(e.received_at for e in receipt.evidence))
        row.vendor_commanded_at = receipt.evidence[-1].commanded_on_vendor_clock()
        row.problem = row.remedy = None
    else:
        row.problem = receipt.text or None
    conclude(context, account, row, receipt.result, receipt.evidence, receipt.text)


def finish_failed(context: Context, account: CaseAccount, row: CaseEntitlement, error: ConnectorError) -> None:
    """Commit a failure: refused by our credentials, by the plan, or not known.  Not known is read back, not repeated."""
    row.problem, row.remedy = str(error), error.advice
    row.result = RevocationResult.FAILED
    if isinstance(error, OutcomeUnknown):
        row.result, row.commanded_at = RevocationResult.UNKNOWN, context.now() + context.store.clock.uncertainty
        row.vendor_commanded_at = error.evidence[-1].commanded_on_vendor_clock() if error.evidence else context.now()
    elif isinstance(error, (Denied, NotOnPlan)):
        row.result, row.by_hand = RevocationResult.REFUSED, isinstance(error, NotOnPlan)
    conclude(context, account, row, row.result, error.evidence, str(error))


def conclude(  # noqa: PLR0913  # an intent, and what became of it
    context: Context,
    account: CaseAccount,
    row: CaseEntitlement,
    result: RevocationResult,
    evidence: Sequence[Evidence],
    text: str,
    *,
    verb: str = "revoke",
) -> None:
    """Commit what became of the intent of *row*.  When it is given back, what the cut's own request came to stays as it was."""
    with context.store.write() as session:
        seal_outcome(context, session, row, account.ref, exchanges(evidence), result=result, text=text, verb=verb)


async def conclude_by_read(
    context: Context,
    account: CaseAccount,
    rows: Sequence[CaseEntitlement],
    result: RevocationResult,
    *,
    only_if_gone: bool,
) -> None:
    """
    Give the open intents of *rows* the outcome *result* on the strength of one read, and take the read into the table.

    After a crash: what is gone needs no other request.
    """
    if not rows:
        return
    kinds = frozenset(row.kind for row in rows)
    listing = await read_access(context, account, kinds)
    shown = {entitlement.id for entitlement in listing}
    blind = {entitlement.kind for entitlement in listing if entitlement.vendor_id == WHOLE_KIND}
    told = {kind: exchanges(listing.evidence.get(kind, ())) for kind in kinds}
    with context.store.write() as session:
        for row in rows:
            gone = bool(told[row.kind]) and row.id not in shown and row.kind not in blind
            if gone or not only_if_gone:
                row.result = result
                seal_outcome(
                    context, session, row, account.ref, told[row.kind], result=result, text="read after an interruption"
                )
        take_in(context, session, account, listing, kinds)
        assess(context, session, account.case_id)


def as_entitlement(row: CaseEntitlement) -> Entitlement:
    """Return the row as a listing would give it: the connector need not know what we think of it."""
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
