"""
The state of a row of the truth table: a pure function of reads, commands and signatures.

Only this module makes a row `observed_closed`: by a read that was sent after the answer to the command had come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from connectors.contract import KindManifest
from models.tables import Attestation, CaseEntitlement, KindRead, Waiver
from models.vocabulary import (
    SIGNED,
    Confirmation,
    EntitlementKind,
    EntitlementState,
    Guard,
    OpenReason,
    RestoreOutcome,
    RevocationResult,
)

WHOLE_KIND = "*"
"""The vendor id of the row for a whole kind that could not be read."""
NEVER_CUT = frozenset({Guard.OWN_CREDENTIAL, Guard.LAST_ADMIN, Guard.PRIMARY_OWNER, Guard.LAST_OWNER, Guard.PROTECTED})
ACCEPTED = frozenset({RevocationResult.COMMANDED, RevocationResult.ALREADY_ABSENT})
PERHAPS_TAKEN = ACCEPTED | {RevocationResult.UNKNOWN}
NOT_LOOKED_AT = frozenset({EntitlementState.UNREADABLE, EntitlementState.NOT_ON_PLAN, EntitlementState.NO_API})
"""The states that a listing gives to what it could not read: each is also an `OpenReason`."""
FOR_A_PERSON = frozenset({RestoreOutcome.ASKED, RestoreOutcome.PROBLEM})
"""Outcomes of a restore that need a person."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """
    Everything from which a row's state is derived.

    *read*: the reads of its kind; *shown*: the vendor ids in the newest successful one; *block*: the account's sign-in row, its
    state already derived; *causes*: the rows whose closing closes this one.  *since*: the case's instant.  *waivers*: the valid
    ones for this row; *attestations*: those about this row.
    """

    row: CaseEntitlement
    line: KindManifest
    read: KindRead
    shown: frozenset[str]
    since: datetime
    block: CaseEntitlement | None = None
    causes: Sequence[CaseEntitlement] = ()
    waivers: Sequence[Waiver] = ()
    attestations: Sequence[Attestation] = ()
    mastered_elsewhere: bool = False

    @property
    def blocked(self) -> bool:
        """Whether the newest reads show the account's sign-in closed."""
        return self.block is not None and self.block.state is EntitlementState.OBSERVED_CLOSED


class RowVerdict(NamedTuple):
    """A row's state; *reason* while it is open, *settled_by* the signature that settles it."""

    state: EntitlementState
    reason: OpenReason | None = None
    settled_by: str | None = None


def verdict_of(known: RowFacts) -> RowVerdict:
    """
    Return the verdict on a row.

    | what is known                                                    | state                              |
    |------------------------------------------------------------------|------------------------------------|
    | a successful read after the command does not show it             | `observed_closed`                  |
    | a stamp after the block (after the command, for other kinds)     | `observed_closed`                  |
    | its cause was seen closed                                        | `observed_closed`                  |
    | a waiver of this kind and of the reason for which it is open     | `waived`                           |
    | an attestation after the instant, where no read can show it      | `attested`                         |
    | accepted, and no read since                                      | `commanded`                        |
    | a read after the command shows it; or we cannot revoke it        | `still_open`                       |
    | a read shows it, and nothing was asked yet                       | `found`                            |
    | no read, or none since the instant, and the last attempt failed  | the state that the attempt gave    |
    """
    state = observed(known)
    if state is EntitlementState.OBSERVED_CLOSED:
        return RowVerdict(state)
    reason = reason_of(known, state)
    waiver = next((w for w in known.waivers if w.accepts is reason), None)
    if waiver is not None and (known.blocked or reason is not OpenReason.DYNAMIC):  # harmless while nobody can sign in
        return RowVerdict(EntitlementState.WAIVED, reason, waiver.id)
    signed = next((a for a in known.attestations if counts(a, known)), None)
    if signed is not None:
        return RowVerdict(EntitlementState.ATTESTED, reason, signed.id)
    return RowVerdict(state, reason)


def observed(known: RowFacts) -> EntitlementState:  # noqa: PLR0911  # a table: the first line that holds
    """Return the row's state by reads and commands alone, without signatures."""
    row, read = known.row, known.read
    if row.vendor_id == WHOLE_KIND:
        if is_fresh(read, known.since) or (
            is_fresh(read, None) and read.failed_as is None
        ):  # the kind is known by reading
            return EntitlementState.OBSERVED_CLOSED
        return read.failed_as or EntitlementState.UNREADABLE
    if known.line.implied_by is not None and row.confirmation is Confirmation.IMPLIED_BY:
        return _implied(known.causes)
    shown = row.vendor_id in known.shown
    if shown and row.listed_as is not None:
        return row.listed_as
    if shown and known.line.stamped:  # not shown: the account itself is gone
        return _by_stamp(known)
    if not shown and row.op is not None:
        return EntitlementState.COMMANDED  # a request is on its way: only a read sent after its answer proves anything
    if shown or not is_fresh(read, row.commanded_at):
        return _open(known, seen=is_fresh(read, row.commanded_at))
    return EntitlementState.OBSERVED_CLOSED


def is_fresh(read: KindRead, since: datetime | None) -> bool:
    """Whether a successful read was sent at *since* or later: the case's instant, or the time of a command's answer."""
    return read.read_at is not None and (since is None or read.read_at >= since)


def _open(known: RowFacts, *, seen: bool) -> EntitlementState:
    """Return the state of a row that no read shows closed; *seen*: a read after the command shows it."""
    row = known.row
    if row.by_hand or _is_frozen(known):
        return EntitlementState.STILL_OPEN
    if row.attempts == 0:
        return EntitlementState.FOUND
    return EntitlementState.COMMANDED if row.result in ACCEPTED and not seen else EntitlementState.STILL_OPEN


def _is_frozen(known: RowFacts) -> bool:
    """Whether the block has put the row out of reach: it is inert while blocked, and cleared in any restore."""
    return known.line.dies_with_block and known.blocked and known.row.result not in ACCEPTED


def _implied(causes: Sequence[CaseEntitlement]) -> EntitlementState:
    """Return the state of a row that, as the vendor documents, closes with its *causes*: open or closed as they are."""
    states = {cause.state for cause in causes}
    if states == {EntitlementState.OBSERVED_CLOSED}:
        return EntitlementState.OBSERVED_CLOSED
    if states <= {EntitlementState.FOUND}:
        return EntitlementState.FOUND
    return EntitlementState.COMMANDED if EntitlementState.COMMANDED in states else EntitlementState.STILL_OPEN


def _by_stamp(known: RowFacts) -> EntitlementState:
    """Return the state of a row that is closed by a time stamp in a log.  The log may lag: until then the row stays commanded."""
    row, since = known.row, _ended_since(known)
    ended = since is not None and row.ended_at is not None and row.ended_at >= since
    return EntitlementState.OBSERVED_CLOSED if ended else _open(known, seen=False)


def _ended_since(known: RowFacts) -> datetime | None:
    """
    Return the instant after which an ending counts, on the vendor's clock; None while no ending counts.

    Sessions are ended only by an ending after the block, and only while a read shows the block: before it, a new session could
    be opened.  It does not matter who asked for the ending.  A block that existed before ours sets no instant.
    """
    row, block = known.row, known.block
    if row.kind is not EntitlementKind.SESSION:
        return row.vendor_commanded_at
    if block is None or not known.blocked:
        return None
    return block.vendor_commanded_at or row.vendor_commanded_at


def reason_of(known: RowFacts, state: EntitlementState) -> OpenReason:  # one reason a line, the first that holds
    """Return why a row in *state* is open."""
    row = known.row
    if state in NOT_LOOKED_AT:
        return OpenReason(state)
    reasons = (
        (row.guard in NEVER_CUT, OpenReason.GUARDED),
        (row.guard is Guard.DYNAMIC, OpenReason.DYNAMIC),
        (row.guard is Guard.INHERITED, OpenReason.INHERITED),
        (row.by_hand, OpenReason.NOT_ON_PLAN),
        (_is_frozen(known), OpenReason.FROZEN_BY_BLOCK),
        (_is_mastered_elsewhere(known), OpenReason.MASTERED_ELSEWHERE),
        (row.result is RevocationResult.REFUSED, OpenReason.REFUSED),
    )
    return next((reason for holds, reason in reasons if holds), OpenReason.STILL_OPEN)


def _is_mastered_elsewhere(known: RowFacts) -> bool:
    """Whether a directory elsewhere is the master: of the account for its sign-in, of the row for other kinds."""
    by_account = known.row.kind is EntitlementKind.SIGN_IN and known.mastered_elsewhere
    return by_account or known.row.guard is Guard.MASTERED_ELSEWHERE


def counts(attestation: Attestation, known: RowFacts) -> bool:
    """
    Whether *attestation* settles the row: it was signed after the instant, no read contradicts it, and none can show the row's state.

    Where the vendor can be read, a read outranks a signature: the attestation causes a new read, which settles the row.  If a
    later read failed, the last successful one still outranks the attestation.  Sessions end for good only after the block:
    an attestation on sessions from before the block was seen does not count.
    """
    if attestation.ended_at is not None or attestation.attested_at < known.since or _can_tell(known):
        return False
    return known.row.kind is not EntitlementKind.SESSION or _is_after_block(attestation, known.block)


def is_contradicted(attestation: Attestation, known: RowFacts) -> bool:
    """Whether a read that was sent after *attestation* shows the row open."""
    sent_at = known.read.read_at
    return sent_at is not None and sent_at > attestation.attested_at and is_seen(known)


def is_seen(known: RowFacts) -> bool:
    """Whether the newest successful read shows the row open; no listing shows that for kinds that are closed by a stamp."""
    return not known.line.stamped and known.row.listed_as is None and known.row.vendor_id in known.shown


def came_back(known: RowFacts) -> datetime | None:
    """
    Return when a read showed the row open after it was seen closed.  Such a row is not late: the earlier request no longer counts.

    A row that ends with another kind comes back with it, sessions with their sign-in; a `WHOLE_KIND` row never does.
    """
    row = known.row
    if row.vendor_id == WHOLE_KIND:
        return None
    if row.confirmation is not Confirmation.IMPLIED_BY and not (
        row.kind is EntitlementKind.SESSION and known.line.stamped
    ):
        return known.read.answered_at if row.observed_at is not None and is_seen(known) else None
    causes = known.causes if row.confirmation is Confirmation.IMPLIED_BY else [known.block]
    back = [cause.came_back_at for cause in causes if cause is not None and cause.came_back_at is not None]
    known_until = row.observed_at or row.commanded_at
    return max((at for at in back if known_until is not None and at > known_until), default=None)


def _is_after_block(attestation: Attestation, block: CaseEntitlement | None) -> bool:
    """Whether *attestation* came after the block was seen, or the block itself is only signed for."""
    if block is None or block.state in SIGNED:
        return True
    return block.observed_at is not None and attestation.attested_at >= block.observed_at


def _can_tell(known: RowFacts) -> bool:
    """Whether reads show if the row is open: the newest attempt succeeded, or the last successful read shows the row."""
    blind = known.row.vendor_id == WHOLE_KIND or known.row.listed_as is not None or known.line.stamped
    return not blind and (known.read.failed_as is None or is_seen(known))
