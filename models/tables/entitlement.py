"""One thing an account can do or be reached by, and what is known of it."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from models.tables.columns import instant, json_column, word
from models.vocabulary import (
    Confirmation,
    EntitlementKind,
    EntitlementState,
    Guard,
    Restored,
    RevocationResult,
    Service,
)


class CaseEntitlement(SQLModel, table=True):
    """
    A row of the truth table.  *id* is `service:account_id:kind:vendor_id`.

    *op* names the open intent (none between attempts).  *commanded_at* is when the vendor's acceptance reached us,
    *vendor_commanded_at* the earliest instant of it on the vendor's clock.  *observed_at* is the time of the read that saw
    it closed: the effective cut-off; *cut_effective_by* adds what issued tokens may live on.
    """

    __tablename__ = "entitlement"

    case_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    service: Service = word(Service)
    account_id: str
    kind: EntitlementKind = word(EntitlementKind)
    vendor_id: str
    label: str = ""
    state: EntitlementState = word(EntitlementState)
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
    settled_by: str | None = None
    waived_from: EntitlementState | None = word(EntitlementState, default=None, nullable=True)
    restored: Restored | None = word(Restored, default=None, nullable=True)
