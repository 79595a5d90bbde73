"""What is going to be changed, written and sealed before anything is; and the looks after closing."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from models.tables.columns import instant, json_column


class Plan(SQLModel, table=True):
    """
    The ordered revocations of a case, each with its read-back.  *scope* is "full", or "containment" for a dismissal's first
    plan.  *sha256* is the digest of *content* with a nonce, in canonical JSON: the trail's payload holds both.
    """

    __tablename__ = "plan"

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(index=True)
    scope: str
    sealed_at: datetime = instant(default=...)
    sha256: str
    policy_sha256: str
    content: list[dict[str, Any]] = json_column()


class Look(SQLModel, table=True):
    """
    One of the looks after closing: *label* such as "+24h".  *verdict* is "quiet", "reopened", or "not_looked" while it could
    not be made: then *blind* names the services, *blind_since* when that began, *tries* how often.
    """

    __tablename__ = "look"

    case_id: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    due_at: datetime = instant(default=..., index=True)
    looked_at: datetime | None = instant()
    verdict: str | None = None
    tries: int = 0
    blind: list[str] = json_column(default_factory=list)
    blind_since: datetime | None = instant()
