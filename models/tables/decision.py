"""What named persons signed for."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from models.actor import Actor
from models.tables.columns import actor, instant, word
from models.vocabulary import ConnectionId, EntitlementKind, OpenReason


class Waiver(SQLModel, table=True):
    """
    One kind, open for one reason (*accepts*), accepted until a date.  Without *case_id* it stands for the tenant.

    It counts only once a second person has approved it: asked by the question that bears its *id*.  One without *accepts* is of the first core and counts for nothing: it
    accepted whatever the kind was open for.
    """

    __tablename__ = "waiver"

    id: str = Field(primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    connection: ConnectionId = Field(max_length=40)
    kind: EntitlementKind = word(EntitlementKind)
    entitlement_id: str | None = None
    accepts: OpenReason | None = word(OpenReason, default=None, nullable=True)
    reason: str
    compensating_control: str = ""
    until: date
    requested_by: Actor = actor(default=...)
    requested_at: datetime = instant(default=...)
    approved_by: Actor | None = actor()
    approved_at: datetime | None = instant()


class Pause(SQLModel, table=True):
    """
    The emergency brake, pulled by one person: of a case, of a *company*, or with neither of everything.

    *resumed_at*: when the question about it, which two people decide, was approved.
    """

    __tablename__ = "pause"

    id: str = Field(primary_key=True)
    case_id: str | None = None
    company: str | None = None
    paused_by: Actor = actor(default=...)
    reason: str
    paused_at: datetime = instant(default=...)
    resumed_at: datetime | None = instant()


class Attestation(SQLModel, table=True):
    """
    A signed human statement about a manual step, as it was seen at *attested_at*.

    *ended_at*: when a read contradicted it.  That is for good: a later read does not make it true again.
    """

    __tablename__ = "attestation"

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    entitlement_id: str
    person: Actor = actor(default=...)
    statement: str
    attested_at: datetime = instant(default=...)
    ended_at: datetime | None = instant()
