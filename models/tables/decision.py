"""What named persons signed for."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from models.tables.columns import instant, word
from models.vocabulary import EntitlementKind, OpenReason, Service


class Waiver(SQLModel, table=True):
    """
    One kind, open for one reason (*accepts*), accepted until a date.  Without *case_id* it stands for the tenant.

    It counts only once a second person has approved it.  One without *accepts* is of the first core and counts for nothing: it
    accepted whatever the kind was open for.
    """

    __tablename__ = "waiver"

    id: str = Field(primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    service: Service = word(Service)
    kind: EntitlementKind = word(EntitlementKind)
    entitlement_id: str | None = None
    accepts: OpenReason | None = word(OpenReason, default=None, nullable=True)
    reason: str
    compensating_control: str = ""
    until: date
    requested_by: str
    requested_at: datetime = instant(default=...)
    approved_by: str | None = None
    approved_at: datetime | None = instant()


class Attestation(SQLModel, table=True):
    """
    A signed human statement about a manual step, as it was seen at *attested_at*.

    *ended_at*: when a read contradicted it.  That is for good: a later read does not make it true again.
    """

    __tablename__ = "attestation"

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    entitlement_id: str
    person: str
    statement: str
    attested_at: datetime = instant(default=...)
    ended_at: datetime | None = instant()


class Approval(SQLModel, table=True):
    """
    A second person's consent, asked for before acting: a restore, a release of the blast radius.

    *account_ref*: the one account that it is about, by its reference in the trail; None for the whole case.
    """

    __tablename__ = "approval"

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    verb: str
    account_ref: str | None = None
    reason: str
    requested_by: str
    requested_at: datetime = instant(default=...)
    approved_by: str | None = None
    approved_at: datetime | None = instant()
