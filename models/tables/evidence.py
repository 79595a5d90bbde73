"""Where a case's evidence lies, and the key that makes it readable."""

from datetime import datetime

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.columns import instant


class EvidenceKey(SQLModel, table=True):
    """
    A case's own key, wrapped by the master key that *master* names.

    Erasing empties *wrapped*: the row stays, so that no second key is made for a case whose evidence was erased.
    """

    __tablename__ = "evidence_key"

    case_id: str = Field(primary_key=True)
    master: str
    wrapped: bytes | None = None
    made_at: datetime = instant(default=...)
    erased_at: datetime | None = instant()


class EvidenceFile(SQLModel, table=True):
    """
    One file of a case.  *id* is random and names it on the disk; *name* is what the trail calls it.

    *length* (bytes on the disk), *chunks* and *clear_size* say how far the file is certain: what lies behind was not
    committed.  The digests are of the clear bytes, *content_sha256* of what a `.zst` holds; they come when it is whole.
    """

    __tablename__ = "evidence_file"
    __table_args__ = (UniqueConstraint("case_id", "name"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    name: str
    length: int = Field(default=0, sa_type=BigInteger)
    chunks: int = 0
    clear_size: int = Field(default=0, sa_type=BigInteger)
    sha256: str | None = None
    content_sha256: str | None = None
    begun_at: datetime = instant(default=...)
    finished_at: datetime | None = instant()
    erased_at: datetime | None = instant()
