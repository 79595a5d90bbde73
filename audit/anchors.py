"""
The tables of anchors and alarms.

A note's bytes never change once they are frozen: witnesses and authorities have signed them.  Two things are added later, each
once: the stamp, and the number of the log's row that records the anchor.  An alarm says that a witness knows another history.

An anchor names its log, so that a closed log's anchors stay beside those of the next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    insert,
    select,
    update,
)

from audit import anchor_table_triggers, reading

metadata = MetaData()

audit_anchor = Table(
    "audit_anchor",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    # The witnesses that had cosigned when the note was frozen: their names in the policy file, a JSON list.
    Column("witnesses", Text, nullable=False),
    Column("quorum", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("tsr", LargeBinary),
    Column("tsa_time", DateTime(timezone=True)),
    Column("recorded_idx", BigInteger),
    CheckConstraint("size > 0", name="audit_anchor_of_something"),
    CheckConstraint("(tsr IS NULL) = (tsa_time IS NULL)", name="audit_anchor_stamp_whole"),
)

audit_alarm = Table(
    "audit_alarm",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("witness", Text, nullable=False),
    # The note that we signed and the witness refused: the evidence.
    Column("note", LargeBinary, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("cleared_at", DateTime(timezone=True)),
    Column("cleared_by", Text),
    Column("reason", Text),
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """
    A head of the log that left the house.

    *witnesses*: who cosigned it, by the policy file's names; *quorum*: whether they were enough then.  *tsr*: the authority's
    answer as it came, None until there is one; *tsa_time*: the time in it.  *recorded_idx*: the log's row that records the
    anchor, None until then.
    """

    origin: str
    size: int
    note: bytes
    witnesses: tuple[str, ...]
    quorum: bool
    created_at: datetime
    tsr: bytes | None = None
    tsa_time: datetime | None = None
    recorded_idx: int | None = None

    @property
    def checkpoint_sha256(self) -> str:
        return hashlib.sha256(self.note).hexdigest()

    @property
    def tsr_sha256(self) -> str | None:
        return None if self.tsr is None else hashlib.sha256(self.tsr).hexdigest()


@dataclass(frozen=True, slots=True)
class ForkAlarm:
    """A witness refused to cosign *note* because it knows another history of the same log.  Signing stops."""

    id: int
    origin: str
    witness: str
    note: bytes
    raised_at: datetime


def create(connection: Connection) -> None:
    """Create the tables and their triggers in the caller's transaction.  Raises if they exist."""
    metadata.create_all(connection, checkfirst=False)
    for statement in anchor_table_triggers.statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def drop(connection: Connection) -> None:
    """Drop the tables.  Only for a migration's downgrade on an empty database."""
    metadata.drop_all(connection, checkfirst=False)
    for statement in anchor_table_triggers.removals(connection.dialect.name):
        connection.exec_driver_sql(statement)


def freeze(connection: Connection, anchor: Anchor) -> None:
    """Insert a new anchor.  Raises `IntegrityError` if there is one of this size."""
    kept = {"origin": anchor.origin, "size": anchor.size, "note": anchor.note, "created_at": anchor.created_at}
    said = {"witnesses": json.dumps(anchor.witnesses), "quorum": int(anchor.quorum)}
    connection.execute(insert(audit_anchor).values(**kept, **said))


def stamp(connection: Connection, anchor: Anchor, tsr: bytes, tsa_time: datetime) -> None:
    """Add the stamp, once."""
    connection.execute(update(audit_anchor).where(_this(anchor)).values(tsr=tsr, tsa_time=tsa_time))


def record(connection: Connection, anchor: Anchor, idx: int) -> None:
    """Store, once, which row of the log records the anchor."""
    connection.execute(update(audit_anchor).where(_this(anchor)).values(recorded_idx=idx))


def _this(anchor: Anchor) -> Any:
    return and_(audit_anchor.c.origin == anchor.origin, audit_anchor.c.size == anchor.size)


def read_all(connection: Connection, origin: str, end: int | None = None) -> Iterator[Anchor]:
    """Stream a log's anchors by size, up to the size *end* (included).  Holds one batch in memory."""
    query = _of(origin).order_by(audit_anchor.c.size)
    if end is not None:
        query = query.where(audit_anchor.c.size <= end)
    with reading.stream(connection, query) as rows:
        for row in rows:
            yield _anchor(row)


def newest(connection: Connection, origin: str, *, quorum: bool = False, stamped: bool = False) -> Anchor | None:
    """Return the largest anchor, or None.  *quorum* and *stamped* leave out anchors without a quorum or a stamp."""
    query = _of(origin)
    if quorum:
        query = query.where(audit_anchor.c.quorum == 1)
    if stamped:
        query = query.where(audit_anchor.c.tsr.is_not(None))
    row = connection.execute(query.order_by(audit_anchor.c.size.desc()).limit(1)).one_or_none()
    return None if row is None else _anchor(row)


def unrecorded(connection: Connection, origin: str) -> list[Anchor]:
    """Return the anchors that wait for their stamp or their row in the log, the oldest first."""
    query = _of(origin).where(audit_anchor.c.recorded_idx.is_(None)).order_by(audit_anchor.c.size)
    return [_anchor(row) for row in connection.execute(query)]


def raise_alarm(connection: Connection, origin: str, witness: str, note: bytes, at: datetime) -> None:
    said = {"origin": origin, "witness": witness, "note": note, "raised_at": at}
    connection.execute(insert(audit_alarm).values(**said))


def alarms(connection: Connection, origin: str) -> list[ForkAlarm]:
    """Return the alarms that nobody has cleared, the oldest first."""
    open_ones = select(audit_alarm).where(audit_alarm.c.origin == origin, audit_alarm.c.cleared_at.is_(None))
    found = connection.execute(open_ones.order_by(audit_alarm.c.id))
    return [ForkAlarm(row.id, row.origin, row.witness, bytes(row.note), utc(row.raised_at)) for row in found]


def clear_alarms(connection: Connection, origin: str, by: str, reason: str, at: datetime) -> int:
    """Mark the open alarms as cleared by a person; their rows stay.  Return how many were cleared."""
    open_ones = update(audit_alarm).where(audit_alarm.c.origin == origin, audit_alarm.c.cleared_at.is_(None))
    cleared = connection.execute(open_ones.values(cleared_at=at, cleared_by=by, reason=reason))
    return cleared.rowcount


def utc(stored: datetime) -> datetime:
    """Return an aware time.  All times are stored in UTC, and SQLite drops the zone."""
    return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


def _of(origin: str) -> Select[Any]:
    return select(audit_anchor).where(audit_anchor.c.origin == origin)


def _anchor(row: Any) -> Anchor:
    return Anchor(
        row.origin,
        row.size,
        bytes(row.note),
        tuple(json.loads(row.witnesses)),
        bool(row.quorum),
        utc(row.created_at),
        None if row.tsr is None else bytes(row.tsr),
        None if row.tsa_time is None else utc(row.tsa_time),
        row.recorded_idx,
    )
