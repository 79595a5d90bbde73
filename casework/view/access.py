"""The accounts of a case: why each is the leaver's or not, its access, and when that was due, commanded and seen closed."""

from __future__ import annotations

from datetime import datetime

from casework.messages import BilingualText, message
from casework.view.part import ConnectionPart, Instant, Part
from models.vocabulary import (
    AccountKind,
    Confirmation,
    EntitlementKind,
    EntitlementState,
    Fact,
    Guard,
    MatchReason,
    Opener,
    OpenReason,
    RestoreOutcome,
    RevocationResult,
    Standing,
)


class Match(Part):
    """
    Why an account may be the leaver's: the reason why it is a candidate, and the facts for and against it.

    *held*: it counted as the leaver's before, and only a person may change that.  *for_administration*: a person is always asked.
    """

    reason: MatchReason
    facts: tuple[Fact, ...] = ()
    contradictions: tuple[Fact, ...] = ()
    held: bool = False
    for_administration: bool = False


class Detail(Part):
    """
    The details of a row's state.

    *reason*: why it is open.  *came_back_at*: when a read last showed it open after it was seen closed; *came_back_by*: who
    enabled it again; *opener*: whether the vendor's log names that person.  *settled_by*: the id of the signature that settles
    it; *signed_by* and *statement*: who signed, and in which words.  *restored*: its outcome in a restore.
    """

    label: str
    result: RevocationResult | None
    attempts: int
    reason: OpenReason | None
    came_back_at: Instant | None
    came_back_by: str | None = None
    opener: Opener | None = None
    guard: Guard | None
    problem: str | None
    remedy: str | None
    settled_by: str | None
    signed_by: str | None
    statement: str | None
    restored: RestoreOutcome | None


class TruthRow(Part):
    """
    One line of the truth table.

    *observed_at*: the time of the read that saw it closed; *cut_effective_by* adds the lifetime that issued tokens may still have.
    """

    id: str
    kind: EntitlementKind
    state: EntitlementState
    confirmed_by: Confirmation | None
    commanded_at: Instant | None
    observed_at: Instant | None
    cut_effective_by: Instant | None
    detail: Detail

    @property
    def what(self) -> str:
        """The vendor's label for it, or else the vendor's id."""
        return self.detail.label or self.id.split(":", 3)[3]


class Timing(Part):
    """
    When one account was due to be closed, and when it was closed.

    *commanded_at*: the first acceptance by the vendor.  *effective_cutoff_at*: the moment from which every row of the account was
    seen closed, or signed for as done by hand; None while a row is neither.
    *cut_effective_by* adds the lifetime that issued tokens may still have.  *exposure_minutes*: from *due_at* to the cut-off,
    rounded up.  *sla_met* is None while it can still be met, and where the SLA is not known.  *exceptions* counts waived rows,
    which are not part of the cut-off.
    """

    due_at: Instant
    commanded_at: Instant | None
    effective_cutoff_at: Instant | None
    cut_effective_by: Instant | None
    exposure_minutes: int | None
    sla_minutes: int | None
    sla_met: bool | None
    exceptions: int


class Account(ConnectionPart):
    """One candidate account: whether it is the leaver's, with the reason.  *id* is the vendor's."""

    id: str
    label: str
    kind: AccountKind
    standing: Standing
    match: Match
    decided_by: str | None
    decided_at: Instant | None
    timing: Timing
    entitlements: tuple[TruthRow, ...]

    @property
    def name(self) -> str:
        return self.label or self.id

    @property
    def came_back_at(self) -> datetime | None:
        """When a read last showed one of its rows open after it was seen closed."""
        return max((row.detail.came_back_at for row in self.entitlements if row.detail.came_back_at), default=None)

    @property
    def came_back_by(self) -> BilingualText:
        """Who enabled it again: known for its sign-in alone, not for rows that came back after the sign-in was closed again."""
        asked = [row for row in self.entitlements if row.detail.opener is not None]
        late = any(row.observed_at and self.came_back_at and row.observed_at < self.came_back_at for row in asked)
        if late or not asked:
            return message(Opener.NOT_ASKED).said
        told = asked[0].detail
        return message(told.opener or Opener.NOT_ASKED, by=told.came_back_by or "…").said
