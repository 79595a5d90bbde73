"""Collections of the vendors' own logs, activity after the cut, and a case's evidence files with their key."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from models.tables.columns import Table, instant, json_column, word
from models.vocabulary import ActivityKind, Completeness, ConnectionId, FindingKind


class Collection(Table, table=True):
    """
    One collection pass of one log for one account.  *round* 1 is read at containment, later passes read the log's tail again.

    *cursor*, the counts and the evidence file's certain length are committed together: after a crash the pass goes on from there.
    *not_before*: when the vendor may be asked again; *moved_at*: when it last returned something.  *problems*: counts of problems by
    word.  *late*: how many records came late, that is, are older than *late_before*, up to which an earlier pass had read.
    *verdict*, *reason* and *statement*: set when the pass has ended.  *told_in*: the number of the first summary that includes it.
    *names*: the names by which the account was searched, if not by its id; each with its periods, a list of (since, until) pairs in
    a row, None for an unknown end.  *again*: the whole window was read again for late records; that adds records and removes none.
    """

    __tablename__ = "activity_collection"
    __table_args__ = (UniqueConstraint("case_id", "connection", "account_id", "source", "round"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    connection: ConnectionId = Field(max_length=40)
    account_id: str
    account_ref: str
    source: str
    round: int
    from_at: datetime = instant(default=...)
    until_at: datetime = instant(default=...)
    late_before: datetime | None = instant()
    file: str
    cursor: str | None = None
    begun_at: datetime = instant(default=...)
    not_before: datetime | None = instant()
    moved_at: datetime = instant(default=...)
    pages: int = 0
    records: int = 0
    duplicates: int = 0
    late: int = 0
    oldest_at: datetime | None = instant()
    newest_at: datetime | None = instant()
    problems: dict[str, int] = json_column(default_factory=dict)
    gaps: list[dict[str, Any]] = json_column(default_factory=list)
    ended_at: datetime | None = instant()
    verdict: Completeness | None = word(Completeness, default=None, nullable=True)
    reason: str | None = None
    statement: dict[str, Any] | None = json_column(default=None, nullable=True)
    told_in: int | None = None
    names: dict[str, list[str | None]] | None = json_column(default=None, nullable=True)
    again: bool = False


class PostCutActivity(Table, table=True):
    """
    Activity of one kind in a log after the effective cut-off: one finding of kind *finding*, with its count.

    *account_id*: the leaver's own for `activity_after_cut`, a colleague's for `re_entry`.
    """

    __tablename__ = "activity_aftermath"

    case_id: str = Field(primary_key=True)
    finding: FindingKind = word(FindingKind, primary_key=True)
    connection: ConnectionId = Field(primary_key=True, max_length=40)
    account_id: str = Field(primary_key=True)
    kind: ActivityKind = word(ActivityKind, primary_key=True)
    count: int
    first_at: datetime = instant(default=...)
    last_at: datetime = instant(default=...)
    cut_effective_by: datetime | None = instant()
    seen_at: datetime = instant(default=...)


class EvidenceKey(Table, table=True):
    """
    A case's own key, wrapped by the master key of the name *master*.

    Erasure empties *wrapped* and keeps the row, so that no second key is made for a case whose evidence was erased.
    """

    case_id: str = Field(primary_key=True)
    master: str
    wrapped: bytes | None = None
    made_at: datetime = instant(default=...)
    erased_at: datetime | None = instant()


class EvidenceFile(Table, table=True):
    """
    One file of a case.  *id*: random, the file's name on the disk.  *name*: its name in the trail.

    *length* (bytes on the disk), *chunks* and *clear_size*: how far the file is certain; bytes behind that were not committed.
    The digests are of the decrypted bytes, *content_sha256* of the decompressed ones; they are set when the file is whole.
    """

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
