"""The accounts of a case: why each is the leaver's or not, what it holds, and when it was due, commanded and seen closed."""

from __future__ import annotations

from datetime import datetime

from casework.messages import Said, message
from casework.view.part import Instant, Part, Placed
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
    Restored,
    RevocationResult,
    Standing,
)


class Match(Part):
    """
    Why an account is thought to be the leaver's: what made it a candidate, and the facts for and against it.

    *held*: it was taken for the leaver's before, and only a person may let it go.  *for_administration*: then it is asked about, whatever it bears.
    """

    reason: MatchReason
    facts: tuple[Fact, ...] = ()
    contradictions: tuple[Fact, ...] = ()
    held: bool = False
    for_administration: bool = False


class Detail(Part):
    """
    What goes with a row's state.

    *reason*: why it is open.  *came_back_at*: when a read last showed open what had been seen closed; *came_back_by*: who let it in
    again, and *opener* what the vendor's log tells of that.  *settled_by* is the id of
    the signature that settles it, *signed_by* and *statement* who signed, and with which words.  *restored*: its fate in a restore.
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
    restored: Restored | None


class Row(Part):
    """
    One line of the truth table.

    *observed_at* is the time of the read that saw it closed, *cut_effective_by* adds what issued tokens may live on.
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
        """The vendor's name for it, or else its id there."""
        return self.detail.label or self.id.split(":", 3)[3]


class Timing(Part):
    """
    When one account was to be closed, and when it was.

    *commanded_at*: the first acceptance by the vendor.  *effective_cutoff_at*: the moment from which every row of the account was
    seen closed, or signed for as done by hand; None while one is neither: an account with one door open is open.
    *cut_effective_by* adds what issued tokens may live on.  *exposure_minutes* are counted from *due_at* to the cut-off, a begun
    minute as a whole one.  *sla_met* is None while it can still be met, and where the SLA is not known.  *exceptions* counts
    waived rows: they are not part of the cut-off.
    """

    due_at: Instant
    commanded_at: Instant | None
    effective_cutoff_at: Instant | None
    cut_effective_by: Instant | None
    exposure_minutes: int | None
    sla_minutes: int | None
    sla_met: bool | None
    exceptions: int


class Account(Placed):
    """One account that was considered: taken as the leaver's, or not, with the reason.  *id* is the vendor's."""

    id: str
    label: str
    kind: AccountKind
    standing: Standing
    match: Match
    decided_by: str | None
    decided_at: Instant | None
    timing: Timing
    entitlements: tuple[Row, ...]

    @property
    def name(self) -> str:
        return self.label or self.id

    @property
    def came_back_at(self) -> datetime | None:
        """When a read last showed open anything of it that had been seen closed."""
        return max((row.detail.came_back_at for row in self.entitlements if row.detail.came_back_at), default=None)

    @property
    def came_back_by(self) -> Said:
        """Who let it in again: known of its sign-in alone, and not of what came back after that was closed again."""
        asked = [row for row in self.entitlements if row.detail.opener is not None]
        late = any(row.observed_at and self.came_back_at and row.observed_at < self.came_back_at for row in asked)
        if late or not asked:
            return message(Opener.NOT_ASKED).said
        told = asked[0].detail
        return message(told.opener or Opener.NOT_ASKED, by=told.came_back_by or "…").said
