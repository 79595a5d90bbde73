"""Why a case may not close, and what it asks."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from models.tables.columns import instant, json_column, word
from models.vocabulary import EntitlementKind, FindingKind, QuestionKind, Service


class Finding(SQLModel, table=True):
    """
    One reason, once: *key* says what it is about, so that looking again does not repeat it.

    Resolved when a later look no longer gives it; never deleted.
    """

    __tablename__ = "finding"

    case_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    kind: FindingKind = word(FindingKind)
    service: Service | None = word(Service, default=None, nullable=True)
    account_id: str | None = None
    entitlement_id: str | None = None
    entitlement_kind: EntitlementKind | None = word(EntitlementKind, default=None, nullable=True)
    text: str
    remedy: str
    opened_at: datetime = instant(default=...)
    resolved_at: datetime | None = instant()


class Question(SQLModel, table=True):
    """What only a person can decide.  *id* is opaque; *options* hold what the person is shown."""

    __tablename__ = "question"

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    kind: QuestionKind = word(QuestionKind)
    service: Service | None = word(Service, default=None, nullable=True)
    text: str
    options: list[dict[str, Any]] = json_column(default_factory=list)
    asked_at: datetime = instant(default=...)
    answered_at: datetime | None = instant()
    answered_by: str | None = None
    answer: list[str] | None = json_column(default=None, nullable=True)
    reason: str | None = None
