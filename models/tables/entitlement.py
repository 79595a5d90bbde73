"""Entitlements: what an account can do or be reached by, and what is known of it."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from models.tables.columns import Table, instant, json_column, word
from models.vocabulary import (
    Confirmation,
    ConnectionId,
    EntitlementKind,
    EntitlementState,
    Guard,
    Opener,
    OpenReason,
    RestoreOutcome,
    RevocationResult,
)


class CaseEntitlement(Table, table=True):
    """
    A row of the truth table.  *id*: `connection:account_id:kind:vendor_id`.  Only `casework.truth.deriving` writes *state*, *reason*
    and their columns, from reads (`KindRead`), commands and signatures.

    *op*: the open intent (None between attempts).  *commanded_at*: when the vendor's acceptance reached us;
    *vendor_commanded_at*: the earliest instant of it on the vendor's clock.  *observed_at*: the time of the read that saw it
    closed, the effective cut-off; *cut_effective_by*: the same plus the life of issued tokens.  *listed_as*: the state of a
    listing's entry that could not be read.  *by_hand*: this plan gives us no way to take it away.  *came_back_at*: when a read
    last showed it open after it was seen closed.  *lifted_at*: when a restore began to lift this block; set until the ways out are
    seen gone again.
    """

    __tablename__ = "entitlement"

    case_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    connection: ConnectionId = Field(max_length=40)
    account_id: str
    kind: EntitlementKind = word(EntitlementKind)
    vendor_id: str
    label: str = ""
    state: EntitlementState = word(EntitlementState)
    reason: OpenReason | None = word(OpenReason, default=None, nullable=True)
    listed_as: EntitlementState | None = word(EntitlementState, default=None, nullable=True)
    by_hand: bool = False
    order: int = 0
    confirmation: Confirmation = word(Confirmation)
    confirmed_by: Confirmation | None = word(Confirmation, default=None, nullable=True)
    guard: Guard | None = word(Guard, default=None, nullable=True)
    problem: str | None = None
    remedy: str | None = None
    prestate: dict[str, Any] = json_column(default_factory=dict)
    found_at: datetime = instant(default=...)
    op: str | None = None
    attempts: int = 0
    result: RevocationResult | None = word(RevocationResult, default=None, nullable=True)
    commanded_at: datetime | None = instant()
    vendor_commanded_at: datetime | None = instant()
    observed_at: datetime | None = instant()
    ended_at: datetime | None = instant()
    cut_effective_by: datetime | None = instant()
    settled_by: str | None = Field(default=None, index=True)
    came_back_at: datetime | None = instant()
    restored: RestoreOutcome | None = word(RestoreOutcome, default=None, nullable=True)
    lifted_at: datetime | None = instant(index=True)


class KindRead(Table, table=True):
    """
    The reads of one kind of one account: the newest successful read, and the newest attempt.

    *read_at*: when the newest successful read was sent; *answered_at*: when its answer came; *shown*: the vendor ids in it;
    *administrators*: the tenant's administrators then, for the sign-in of one of them.  An older read never replaces a newer one.
    *attempted_at*, *failed_as*: of the newest attempt; *failed_as* is None after a success, else `unreadable`, `no_api` or
    `not_on_plan`.  *migrated*: made from the first version's rows, not by a read.

    *asked* (`casework.recording.asked_by`), *rows* (how many it showed; None: it could not be read): of the newest read that showed
    something new, or was the first since the instant.  They are sealed, so that a record shows a listing's requests.
    """

    case_id: str = Field(primary_key=True)
    connection: ConnectionId = Field(primary_key=True, max_length=40)
    account_id: str = Field(primary_key=True)
    kind: EntitlementKind = word(EntitlementKind, primary_key=True)
    read_at: datetime | None = instant()
    answered_at: datetime | None = instant()
    shown: list[str] = json_column(default_factory=list)
    administrators: list[str] = json_column(default_factory=list)
    exchanges: list[dict[str, Any]] = json_column(default_factory=list)
    attempted_at: datetime | None = instant()
    failed_as: EntitlementState | None = word(EntitlementState, default=None, nullable=True)
    migrated: bool = False
    asked: dict[str, Any] | None = json_column(default=None, nullable=True)
    rows: int | None = None


class Comeback(Table, table=True):
    """
    An account that a read saw open (*came_back_at*) after a read had seen it closed (*closed_at*), and who opened it.

    *opened_by*: the address or name in the vendor's own log, once *opener* is `opener_named`.  *ask_at*: when the log is read next;
    None once it has named the opener, or finally names nobody.
    """

    case_id: str = Field(primary_key=True)
    connection: ConnectionId = Field(primary_key=True, max_length=40)
    account_id: str = Field(primary_key=True)
    came_back_at: datetime = instant(default=..., primary_key=True)
    closed_at: datetime = instant(default=...)
    opener: Opener = word(Opener, default=Opener.NOT_ASKED)
    opened_by: str | None = None
    ask_at: datetime | None = instant(index=True)
