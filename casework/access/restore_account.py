"""
Restore one account: lift the block, clear its exits in the same minute, then give back roles and groups.

Each row ends within policy's deadline, with an outcome and, where a person has to act, a remedy.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.events import EventType
from casework.access import restore_writes
from casework.access.restore_writes import (
    GIVE,
    announce,
    change_password,
    clear,
    close_intents,
    frozen_kinds,
    take,
)
from casework.access.revoking import as_entitlement, conclude, each, failure_of
from casework.connections import read_access, ready
from casework.context import Context
from casework.errors import Paused
from casework.recording import exchanges, seal
from casework.truth import restore_outcomes
from casework.truth.rows import rows_of
from casework.truth.states import WHOLE_KIND
from connectors.contract import Connector, Kinds, Listing
from connectors.errors import ConnectorError, OutcomeUnknown, Throttled, Unreachable
from models.tables import CaseAccount, CaseEntitlement
from models.vocabulary import Entitlement, EntitlementKind, Evidence, RestoreOutcome, RevocationResult

_BY_HAND = "Give it back in the vendor's console, then `lastday attest` it; or run the restore again."
_BLOCKED = "the account is blocked"
_PASSES = (Unreachable, Throttled, OutcomeUnknown)
"""Failures that may pass with time."""
_WORDS: dict[RestoreOutcome, tuple[str, str]] = {
    RestoreOutcome.ASKED: (
        "it was gone before our request, or its outcome is not known: did we take it?",
        "If we did: `lastday restore CASE --entitlement ID`; if not, add --not-ours.",
    ),
    RestoreOutcome.CLAIMED: (
        "another case takes this account away too",
        "Restore that case, if it is wrong as well, and then this one once more.",
    ),
    RestoreOutcome.NOT_RESTORABLE: (
        "it does not come back by itself",
        "It comes back with what it is held through, or not at all.",
    ),
}


@dataclass(frozen=True)
class AccountRestore:
    """The restore of one account; each of its rows ends before *until*."""

    context: Context
    account: CaseAccount
    until: datetime

    @property
    def connector(self) -> Connector:
        return self.context.connectors[self.account.connection]

    @property
    def left(self) -> float:
        """Seconds, at least a few: a request that is begun is waited for."""
        return max(5.0, (self.until - self.context.now()).total_seconds())

    @property
    def over(self) -> bool:
        return self.context.now() >= self.until


@dataclass(frozen=True, slots=True)
class _Answer:
    """The result of one request: whether access may be *given*, whether the failure *passes* with time, and the row's new columns."""

    given: bool = False
    passes: bool = False
    fate: RestoreOutcome = RestoreOutcome.PROBLEM
    text: str | None = None
    remedy: str | None = None
    evidence: tuple[Evidence, ...] = ()


async def give_back(context: Context, account: CaseAccount, until: datetime) -> None:
    """Bring every row of *account* to an end before *until*.  A vendor's failure is the end of a row, never an exception."""
    close_intents(context, account)
    one = AccountRestore(context, account, until)
    if (error := await _make_ready(one)) is not None:
        for row in waiting(context, account):
            _end(one, row, _Answer(text=str(error), remedy=error.advice))
        return
    if not await block_lifted(one):
        return
    blocked = [row for row in waiting(context, account) if row.kind is EntitlementKind.SIGN_IN]
    frozen = frozen_kinds(context, account, one.connector.manifest)
    lifted = [_settled(one, row) or await _give(one, row, frozen) for row in blocked]
    rest = [
        row for row in waiting(context, account) if row.kind is not EntitlementKind.SIGN_IN and not _settled(one, row)
    ]
    if all(lifted):
        await each(_give(one, row) for row in rest)
        return
    for row in rest:
        _end(one, row, _Answer(text=_BLOCKED, remedy=_BY_HAND))


async def block_lifted(one: AccountRestore) -> bool:
    """
    Block the account again if a killed restore has lifted its block and is not known to have cleared its exits.

    Return False if that failed: the next call tries again.  Raises `ConnectorError` if the service cannot be
    opened.
    """
    with one.context.store.read() as session:
        rows = [row for row in rows_of(session, one.account.case_id, one.account) if row.lifted_at is not None]
    for row in rows:
        await ready(one.context, row.connection)
        await _block_again(one, row, "not seen gone when a restore was interrupted")
    return all(row.lifted_at is None for row in rows)


def waiting(context: Context, account: CaseAccount) -> list[CaseEntitlement]:
    """Return the rows of *account* that have no end yet."""
    with context.store.read() as session:
        rows = rows_of(session, account.case_id, account)
    return [row for row in rows if restore_outcomes.concerns(row) and row.restored in restore_outcomes.TO_GO_ON]


async def _make_ready(one: AccountRestore) -> ConnectorError | None:
    """Probe the connector; return the failure, if any.  Without a probe nothing is given back: what the plan allows is not known."""
    while True:
        try:
            async with asyncio.timeout(one.left):
                await ready(one.context, one.account.connection)
            return None
        except Exception as exc:  # noqa: BLE001  # a failure of one service is written on its rows
            error = failure_of(one.account.connection, exc)
            if one.over or not isinstance(error, _PASSES):
                return error
        await one.context.sleep(one.context.policy.observe.longest_wait_seconds)


async def _give(one: AccountRestore, row: CaseEntitlement, frozen: Kinds = frozenset()) -> bool:
    """
    Ask for *row* back until a read shows it, a person has to act, or the time is over.

    The *frozen* exits of a sign-in are cleared as soon as its block may be lifted; no read of the sign-in is awaited.  Return
    False if clearing them or lifting the block failed: the account is then blocked.
    """
    wait = one.context.policy.observe.longest_wait_seconds
    while True:
        if frozen:
            _mark(one, row, one.context.now())
            answer, left = await _lift_and_clear(one, row, frozen)
            if left:
                await _block_again(one, row, left)
                return False
            _mark(one, row, None)
        else:
            answer = await _ask(one, row)
        doubtful = answer.passes and not frozen  # the outcome is unknown: it is soon asked for again
        soon = one.context.now() + timedelta(seconds=wait)
        if answer.given and await _see(one, row, min(soon, one.until) if doubtful else one.until):
            return True
        if one.over or not answer.passes:
            _end(one, row, answer)
            return not frozen or answer.given
        await one.context.sleep(wait)


def _mark(one: AccountRestore, row: CaseEntitlement, lifted_at: datetime | None) -> None:
    """Commit that the block is about to be lifted; None: that no exit is left behind it."""
    with one.context.store.write() as session:
        row.lifted_at = lifted_at
        session.add(row)


async def _lift_and_clear(one: AccountRestore, row: CaseEntitlement, frozen: Kinds) -> tuple[_Answer, str]:
    """
    Set a new password, lift the block and clear the exits, within a minute.  The text names exits that were not seen gone;
    unless it is empty, the account must be blocked again.
    """
    left = ""
    try:
        failure = await change_password(one.context, one.account, one.connector.manifest)
        if failure is not None:
            text = f"no new password could be set: {failure}"
            return _Answer(passes=isinstance(failure, _PASSES), text=text, remedy=failure.advice), ""
        left = "not seen gone in time"
        async with asyncio.timeout(restore_writes.CLEARED_WITHIN.total_seconds()):
            answer = await _ask(one, row)
            return answer, (await clear(one.context, one.account, frozen) if answer.given else "")
    except asyncio.CancelledError:
        await _block_again(one, row, "not seen gone when the restore was stopped")
        raise
    except Paused as paused:
        return _stopped(paused), ""
    except Exception as exc:  # noqa: BLE001  # an account with exits that may be open does not stay open
        return _Answer(text=f"{type(exc).__name__} while its exits were cleared", remedy=_BY_HAND), left


async def _block_again(one: AccountRestore, row: CaseEntitlement, left: str) -> None:
    """Block the account; its sign-in counts as revoked by us from now on, if it did not before."""
    close_intents(one.context, one.account)
    until = one.context.now() + restore_writes.CLEARED_WITHIN
    while (failure := await take(one.context, one.account, row)) is not None and one.context.now() < until:
        await one.context.sleep(one.context.policy.observe.first_wait_seconds)
    row.result = RevocationResult.COMMANDED
    row.lifted_at = row.lifted_at if failure is not None else None
    blocked = _BLOCKED if failure is None else f"THE ACCOUNT IS OPEN and could not be blocked again: {failure}"
    remedy = "Run the restore again; if exits stay, remove them by hand first."
    _end(one, row, _Answer(text=f"{blocked}; its exits were {left}", remedy=remedy))


async def _ask(one: AccountRestore, row: CaseEntitlement) -> _Answer:
    """Ask the vendor once, with an intent before and an outcome after."""
    try:
        if not announce(one.context, one.account, row, GIVE):
            return _Answer(fate=RestoreOutcome.CLAIMED)
    except Paused as paused:
        return _stopped(paused)
    try:
        async with asyncio.timeout(one.left):
            receipt = await one.connector.restore(as_entitlement(row), row.prestate)
    except Exception as exc:  # noqa: BLE001  # a failure is the outcome of this row
        error = failure_of(row.connection, exc)
        unknown = isinstance(error, OutcomeUnknown)
        result = RevocationResult.UNKNOWN if unknown else RevocationResult.FAILED
        conclude(one.context, one.account, [(row, result, error)], verb=GIVE)
        passes, text = isinstance(error, _PASSES), str(error)
        return _Answer(unknown, passes, text=text, remedy=error.advice, evidence=error.evidence)
    conclude(one.context, one.account, [(row, receipt.result, receipt)], verb=GIVE)
    given, text = receipt.result is not RevocationResult.REFUSED, receipt.text or "a read does not show it back"
    return _Answer(given, text=text, remedy=_BY_HAND, evidence=receipt.evidence)


def _stopped(paused: Paused) -> _Answer:
    return _Answer(text=str(paused), remedy=f"{paused.remedy}  Then run the restore again.")


async def _see(one: AccountRestore, row: CaseEntitlement, until: datetime) -> bool:
    """Read until *row* is there again, and record that; return False if no read showed it before *until*."""
    wait = one.context.policy.observe.first_wait_seconds
    while True:
        listing = Listing()
        with contextlib.suppress(TimeoutError):  # then nothing was shown; a failed read shows nothing either
            async with asyncio.timeout(one.left):
                listing = await read_access(one.context, one.account, frozenset({row.kind}))
        if any(_same(row, seen) for seen in listing):
            _end(one, row, _Answer(fate=RestoreOutcome.RESTORED, evidence=listing.evidence.get(row.kind, ())))
            return True
        if one.context.now() >= until:
            return False
        await one.context.sleep(wait)
        wait = min(wait * 2, one.context.policy.observe.longest_wait_seconds)


def _same(row: CaseEntitlement, seen: Entitlement) -> bool:
    """Whether *seen* is the access that *row* was: a role that was assigned anew has another id and the same scope."""
    if seen.vendor_id == WHOLE_KIND or seen.kind is not row.kind:
        return False
    if row.kind is EntitlementKind.ROLE and row.prestate:
        return dict(seen.prestate) == row.prestate
    return row.kind is EntitlementKind.SIGN_IN or seen.vendor_id == row.vendor_id


def _settled(one: AccountRestore, row: CaseEntitlement) -> bool:
    """Whether *row* ends without any request; if so, record its end."""
    with one.context.store.read() as session:
        claimed = bool(restore_outcomes.claimants(one.context, session, row))
        confirmed = restore_outcomes.confirmed(session, row)
    fate = restore_outcomes.fate_of(
        row, one.connector.manifest.kinds.get(row.kind), claimed=claimed, confirmed=confirmed
    )
    if fate is not None:
        _end(one, row, _Answer(fate=fate))
    return fate is not None


def _end(one: AccountRestore, row: CaseEntitlement, answer: _Answer) -> None:
    """Record and seal the outcome of *row*; a case that claims the account reads it anew."""
    text, remedy = _WORDS.get(answer.fate, (answer.text, answer.remedy))
    with one.context.store.write() as session:
        row.restored, row.problem, row.remedy = answer.fate, text, remedy
        session.add(row)
        if answer.fate is RestoreOutcome.CLAIMED:
            restore_outcomes.look_anew(one.context, session, row)
        if answer.fate is RestoreOutcome.ASKED:
            restore_outcomes.ask_taken(one.context, session, row)
        seal(
            one.context, session, EventType.CASE_RESTORED_ROW, row.case_id, connection=row.connection, account=one.account.ref,
            kind=row.kind, state=answer.fate, exchanged=exchanges(answer.evidence), payload={"entitlement": row.id, "text": text or ""},
        )  # fmt: skip
