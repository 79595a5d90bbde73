"""The leaver's identities, and the look for them."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.columns import instant, word
from models.vocabulary import AccountKind, MatchReason, Service, Standing


class CaseAccount(SQLModel, table=True):
    """
    One candidate account of a case, with the reason for it and what was decided.

    *ref* is a random reference that stands for the account in the trail.  *listed_at*: when all of its access was last
    listed; without it nothing is known of the account.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("case_id", "service", "vendor_id"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    service: Service = word(Service)
    vendor_id: str
    ref: str
    kind: AccountKind = word(AccountKind)
    label: str
    active: bool | None = None
    mastered_elsewhere: bool = False
    reason: MatchReason = word(MatchReason)
    confidence: float
    text: str = ""
    standing: Standing = word(Standing)
    decided_by: str | None = None
    decided_at: datetime | None = instant()
    listed_at: datetime | None = instant()


class Search(SQLModel, table=True):
    """The look for accounts in one service: when it last ran, and why it could not, if it could not."""

    __tablename__ = "search"

    case_id: str = Field(primary_key=True)
    service: Service = word(Service, primary_key=True)
    searched_at: datetime = instant(default=...)
    found: int = 0
    problem: str | None = None
    remedy: str | None = None
