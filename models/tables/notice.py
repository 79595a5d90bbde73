"""What HR sent, as it was understood."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from models.tables.columns import instant, json_column, word
from models.vocabulary import DepartureKind


class NoticeRecord(SQLModel, table=True):
    """
    One row of one submission.  *source_sha256* is the digest of the bytes HR sent; *disposition* what became of it:
    created, same, continued.
    """

    __tablename__ = "notice"

    id: int | None = Field(default=None, primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    received_at: datetime = instant(default=...)
    reported_by: str
    source_sha256: str
    row: int
    kind: DepartureKind = word(DepartureKind)
    disposition: str
    content: dict[str, Any] = json_column()
